/* SPDX-License-Identifier: MIT
 *
 * Memory policies, and pages that move between nodes, as of a machine with
 * one: every mode with its flags and masks, of the thread and of a mapping.
 */
#include <linux/mempolicy.h>
#include <sys/mman.h>
#include "tests/guest/show.h"

#define PAGE 4096L

static char *p; /* 16 pages */

/* What was set, by whom it can be asked. */
static void told(const char *what, long addr, long flags)
{
    unsigned long mask[16] = {0};
    int mode = -1;
    long r = RAW(get_mempolicy, &mode, mask, 1024L, addr, flags);

    printf("  %s %ld: mode %x mask %lx\n", what, r, mode, mask[0]);
}

static void set(int mode, unsigned long nodes, long max)
{
    printf("mode %x nodes %lx of %ld\n", mode, nodes, max);
    CALL(set_mempolicy, mode, &nodes, max);
    told("thread", 0, 0);
    CALL(mbind, p, 4 * PAGE, mode, &nodes, max, 0);
    told("mapping", (long)p, MPOL_F_ADDR);
    RAW(set_mempolicy, MPOL_DEFAULT, NULL, 0L);
    RAW(mbind, p, 4 * PAGE, MPOL_DEFAULT, NULL, 0L, 0);
}

static void modes(void)
{
    static const int modes[] = {-1,
                                MPOL_DEFAULT,
                                MPOL_PREFERRED,
                                MPOL_BIND,
                                MPOL_INTERLEAVE,
                                MPOL_LOCAL,
                                MPOL_F_STATIC_NODES,
                                MPOL_F_STATIC_NODES | MPOL_BIND,
                                MPOL_F_RELATIVE_NODES | MPOL_PREFERRED,
                                MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES |
                                    MPOL_BIND,
                                MPOL_F_STATIC_NODES | MPOL_LOCAL,
                                MPOL_F_NUMA_BALANCING | MPOL_INTERLEAVE};
    static const unsigned long masks[] = {0, 1, 2, 3};
    static const long max[] = {0, 1, 2, 3, 64, 1024, 40000};
    static unsigned long none[640];

    for (unsigned i = 0; i < COUNT(modes); i++) {
        for (unsigned k = 0; k < COUNT(masks); k++) {
            set(modes[i], masks[k], 3);
        }
        CALL(set_mempolicy, modes[i], NULL, 0L);
        CALL(set_mempolicy, modes[i], BAD, 64L);
    }
    none[0] = 1;
    for (unsigned i = 0; i < COUNT(max); i++) {
        printf("%ld ", max[i]);
        CALL(set_mempolicy, MPOL_BIND, none, max[i]);
    }
    RAW(set_mempolicy, MPOL_DEFAULT, NULL, 0L);
}

static void ranges(void)
{
    unsigned long one = 1;

    title("ranges");
    CALL(mbind, p + 1, PAGE, MPOL_BIND, &one, 64L, 0);
    CALL(mbind, p, 0L, MPOL_BIND, &one, 64L, 0);
    CALL(mbind, p, -1L, MPOL_BIND, &one, 64L, 0);
    CALL(mbind, p, PAGE, MPOL_BIND, &one, 64L, 8);
    munmap(p + 4 * PAGE, PAGE);
    CALL(mbind, p, 8 * PAGE, MPOL_BIND, &one, 64L, 0);
    CALL(mbind, p, 8 * PAGE, MPOL_DEFAULT, NULL, 0L, 0);
    CALL(mbind, p + 4 * PAGE, PAGE, MPOL_DEFAULT, NULL, 0L, 0);
    title("home");
    CALL(set_mempolicy_home_node, p, PAGE, 0L, 0L);
    for (int mode = MPOL_PREFERRED; mode <= MPOL_LOCAL; mode++) {
        RAW(mbind, p, PAGE, mode, mode == MPOL_LOCAL ? NULL : &one, 64L, 0);
        printf("%d ", mode);
        CALL(set_mempolicy_home_node, p, 3 * PAGE, 0L, 0L);
    }
    CALL(set_mempolicy_home_node, p, PAGE, 1L, 0L);
    CALL(set_mempolicy_home_node, p, PAGE, 0L, 1L);
    CALL(set_mempolicy_home_node, p + 1, PAGE, 0L, 0L);
    CALL(set_mempolicy_home_node, p, 0L, 0L, 0L);
    CALL(set_mempolicy_home_node, p, -1L, 0L, 0L);
}

static void asked(void)
{
    unsigned long mask[16];
    int mode;

    title("asked");
    for (long flags = 0; flags < 10; flags++) {
        printf("%ld ", flags);
        CALL(get_mempolicy, &mode, mask, 1024L, NULL, flags);
        printf("%ld ", flags);
        CALL(get_mempolicy, &mode, NULL, 0L, p, flags);
    }
    CALL(get_mempolicy, NULL, mask, 0L, NULL, 0L);
    CALL(get_mempolicy, NULL, mask, 1L, NULL, 0L);
    CALL(get_mempolicy, NULL, mask, 40000L, NULL, 0L);
    CALL(get_mempolicy, BAD, NULL, 0L, NULL, 0L);
}

static void moves(void)
{
    void *pages[] = {p, p + 5 * PAGE, p + 4 * PAGE, BAD};
    int nodes[4] = {0}, status[4] = {9, 9, 9, 9};
    unsigned long one = 1, two = 2, none = 0;

    title("move_pages");
    p[0] = p[5 * PAGE] = 1;
    CALL(move_pages, 0, 4L, pages, NULL, status, 0);
    printf("%d %d %d %d\n", status[0], status[1], status[2], status[3]);
    CALL(move_pages, 0, 4L, pages, nodes, status, MPOL_MF_MOVE);
    printf("%d %d %d %d\n", status[0], status[1], status[2], status[3]);
    CALL(move_pages, 0, 0L, NULL, NULL, NULL, MPOL_MF_MOVE);
    CALL(move_pages, 0, 4L, pages, nodes, status, MPOL_MF_STRICT);
    CALL(move_pages, 0, 4L, BAD, nodes, status, MPOL_MF_MOVE);
    CALL(move_pages, 0, 4L, pages, nodes, BAD, MPOL_MF_MOVE);
    CALL(move_pages, 0, 4L, pages, NULL, BAD, 0);
    CALL(move_pages, 99999999, 4L, pages, nodes, status, MPOL_MF_MOVE);
    nodes[1] = 1;
    CALL(move_pages, 0, 4L, pages, nodes, status, MPOL_MF_MOVE);
    nodes[1] = -1;
    CALL(move_pages, 0, 4L, pages, nodes, status, MPOL_MF_MOVE);
    title("migrate_pages");
    CALL(migrate_pages, 0, 64L, &one, &one);
    CALL(migrate_pages, getpid(), 64L, &none, &one);
    CALL(migrate_pages, 0, 64L, &one, &two);
    CALL(migrate_pages, 0, 64L, &one, &none);
    CALL(migrate_pages, 0, 64L, NULL, NULL);
    CALL(migrate_pages, 0, 64L, BAD, &one);
    CALL(migrate_pages, 0, 64L, &one, BAD);
    CALL(migrate_pages, 0, 1L << 20, &one, &one);
    CALL(migrate_pages, 99999999, 64L, &one, &one);
}

int main(void)
{
    show_start();
    p = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    modes();
    ranges();
    asked();
    moves();
    return 0;
}
