/* SPDX-License-Identifier: MIT
 *
 * /proc/self/maps: sorted, without overlap, and true: our code, data, heap,
 * stack, files and every change by mmap, mprotect and munmap.
 */
#include <stdbool.h>
#include <sys/mman.h>
#include <time.h>
#include "tests/guest/show.h"

static int data = 1;

struct region {
    unsigned long start, end, offset, inode;
    char prot[8], name[200];
};

/* The region that holds the address; end is 0 if none does. */
static struct region find(const void *p)
{
    struct region r, none = {0};
    char line[400];
    FILE *f = fopen("/proc/self/maps", "r");

    while (fgets(line, sizeof(line), f)) {
        r.name[0] = 0;
        sscanf(line, "%lx-%lx %7s %lx %*s %lu %199[^\n]", &r.start, &r.end,
               r.prot, &r.offset, &r.inode, r.name);
        if ((unsigned long)p >= r.start && (unsigned long)p < r.end) {
            fclose(f);
            return r;
        }
    }
    fclose(f);
    return none;
}

static void show_at(const char *what, const void *p)
{
    struct region r = find(p);

    if (!r.end) {
        printf("%s: none\n", what);
        return;
    }
    char *name = strrchr(r.name, '/');
    printf("%s: %s offset %lx inode %d %s\n", what, r.prot, r.offset,
           r.inode != 0, name ? name : r.name);
}

static void sorted(void)
{
    unsigned long start, end, last = 0, wrong = 0;
    char line[400];
    FILE *f = fopen("/proc/self/maps", "r");

    while (fgets(line, sizeof(line), f)) {
        sscanf(line, "%lx-%lx", &start, &end);
        wrong += start < last || end <= start || start % 4096 || end % 4096;
        last = end;
    }
    fclose(f);
    printf("wrong %lu\n", wrong);
}

/* Debuggers dump what these say is the process's own. */
static void own_pages_of_files(void)
{
    static int written = 1;
    unsigned long start, end;
    char line[400];
    FILE *f = fopen("/proc/self/smaps", "r");
    bool here = false;
    long kb;

    written++;
    while (f && fgets(line, sizeof(line), f)) {
        if (sscanf(line, "%lx-%lx ", &start, &end) == 2) {
            here = start <= (unsigned long)&written &&
                   end > (unsigned long)&written;
        } else if (here && sscanf(line, "Anonymous: %ld kB", &kb) == 1) {
            printf("written data is anonymous: %d\n", kb > 0);
        } else if (here && sscanf(line, "Private_Dirty: %ld kB", &kb) == 1) {
            printf("and dirty: %d\n", kb > 0);
        }
    }
    fclose(f);
    f = fopen("/proc/self/coredump_filter", "r");
    printf("core files have %s", fgets(line, sizeof(line), f) ? line : "?");
    fclose(f);
}

int main(void)
{
    int local;

    show_start();
    sorted();
    struct region code = find((void *)(uintptr_t)main);
    printf("code %s %s\n", code.prot, strrchr(code.name, '/'));
    printf("data %s\n", find(&data).prot);
    printf("stack %s %s\n", find(&local).prot, find(&local).name);
    printf("heap %s %s\n", find(sbrk(0) - 1).prot, find(sbrk(0) - 1).name);
    put("/tmp/f", "x");
    int fd = open("/tmp/f", O_RDWR);
    ftruncate(fd, 40960);
    char *p = mmap(NULL, 40960, PROT_READ, MAP_SHARED, fd, 0);
    char *q = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 8192);
    char *r =
        mmap(NULL, 1 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    show_at("shared", p + 4096);
    show_at("private", q);
    mprotect(p + 4096, 4096, PROT_READ | PROT_WRITE);
    show_at("first", p);
    show_at("second", p + 4096);
    show_at("third", p + 8192);
    mprotect(r, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
    show_at("anonymous", r);
    show_at("reserved", r + 4096);
    munmap(p + 4096, 4096);
    show_at("unmapped", p + 4096);
    unlink("/tmp/f");
    show_at("deleted", p);
    sorted();
    char *s = mmap(NULL, 8192, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct region anon = find(s);
    printf("shared, anonymous: %s\n", anon.prot);
    int vdso = 0, stack = 0;
    char *vvar = NULL;
    char line[400];
    FILE *f = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof(line), f)) {
        vdso += strstr(line, "[vdso]") != NULL;
        stack += strstr(line, "[stack]") != NULL;
        if (strstr(line, "[vvar]\n")) {
            vvar = (char *)strtoul(line, NULL, 16);
        }
    }
    fclose(f);
    printf("vdso %d stack %d\n", vdso, stack);
    CALL(mprotect, vvar, 4096L, PROT_READ | PROT_WRITE);
    CALL(mprotect, vvar, 4096L, PROT_READ | PROT_EXEC);
    CALL(mprotect, vvar, 4096L, PROT_READ);
    clock_gettime(CLOCK_MONOTONIC, &(struct timespec){0});
    f = fopen("/proc/self/smaps", "r");
    long rss = 0;
    while (f && fgets(line, sizeof(line), f)) {
        long kb;

        if (sscanf(line, "Rss: %ld kB", &kb) == 1) {
            rss += kb;
        }
    }
    printf("smaps %d\n", rss > 100);
    fclose(f);
    own_pages_of_files();
    return 0;
}
