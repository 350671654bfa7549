/* SPDX-License-Identifier: MIT
 *
 * mremap: growing in place and elsewhere, shrinking, fixed targets, keeping
 * the old range, contents and refusals.
 */
#include <sys/mman.h>
#include "tests/guest/show.h"

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW   (PROT_READ | PROT_WRITE)
#define MAY  MREMAP_MAYMOVE
#define FIX  (MREMAP_MAYMOVE | MREMAP_FIXED)

static char *map(int pages)
{
    char *p = mmap(NULL, (pages + 2) * 4096, PROT_NONE, ANON, -1, 0) + 4096;

    mmap(p, pages * 4096, RW, ANON | MAP_FIXED, -1, 0);
    for (int i = 0; i < pages; i++) {
        p[i * 4096] = 'a' + i;
    }
    return p;
}

static int mapped(char *p)
{
    unsigned char vec;

    return mincore(p, 4096, &vec) == 0;
}

static void anonymous(void)
{
    char *p = map(4), *q;

    title("anonymous");
    DOES(mremap, p, 16384L, 20480L, 0);
    q = mremap(p, 16384, 32768, MAY);
    printf("moved %d %c%c%c%c %d, old there %d\n", q != p, q[0], q[4096],
           q[8192], q[12288], q[16384], mapped(p));
    p = mremap(q, 32768, 8192, 0);
    printf("shrunk in place %d %c %d\n", p == q, p[4096], mapped(p + 8192));
    p = mremap(q, 8192, 16384, 0);
    printf("grown in place %d %c %d\n", p == q, p[4096], p[8192]);
    printf("same size %d\n", mremap(p, 16384, 16384, 0) == p);
    p = map(4);
    q = mremap(p + 4096, 4096, 12288, MAY);
    printf("middle %c %d, around %c %c, hole %d\n", q[0], q[4096], p[0],
           p[8192], !mapped(p + 4096));
}

static void fixed(void)
{
    char *p = map(3), *q = map(3), *r;

    title("fixed");
    r = mremap(p, 12288, 8192, FIX, q + 4096);
    printf("there %d %c %c %c, old there %d\n", r == q + 4096, q[0], q[4096],
           q[8192], mapped(p));
    p = map(3);
    DOES(mremap, p, 12288L, 12288L, FIX, p + 4096);
    DOES(mremap, p, 12288L, 12288L, FIX, p + 1);
    DOES(mremap, p, 12288L, 12288L, MREMAP_FIXED, q);
    DOES(mremap, p, 12288L, 12288L, FIX, 1L << 47);
    title("keeping the old range");
    q = (char *)syscall(SYS_mremap, p, 12288, 12288, MAY | MREMAP_DONTUNMAP,
                        0L);
    printf("%c%c%c old %d%d%d there %d\n", q[0], q[4096], q[8192], p[0],
           p[4096], p[8192], mapped(p));
    DOES(mremap, p, 12288L, 8192L, MAY | MREMAP_DONTUNMAP, 0L);
    DOES(mremap, p, 12288L, 12288L, MREMAP_DONTUNMAP, 0L);
}

static void refusals(void)
{
    char *p = map(3);

    title("refusals");
    DOES(mremap, p, 12288L, 0L, MAY);
    DOES(mremap, p, 0L, 4096L, MAY);
    DOES(mremap, p + 1, 4096L, 8192L, MAY);
    DOES(mremap, p, 4096L, 8192L, 0x100);
    DOES(mremap, 65536L, 4096L, 8192L, MAY);
    DOES(mremap, p, 65536L, 131072L, MAY);
    munmap(p + 4096, 4096);
    DOES(mremap, p, 12288L, 16384L, MAY);
    DOES(mremap, p, 12288L, 4096L, 0);
    printf("%d\n", mapped(p + 8192));
}

static void files(void)
{
    title("files");
    put("/tmp/f", "page one");
    int fd = open("/tmp/f", O_RDWR);
    ftruncate(fd, 12288);
    pwrite(fd, "page two", 8, 4096);
    char *p = mmap(NULL, 4096, RW, MAP_SHARED, fd, 0);
    CALL(mremap, p, 0L, 4096L, 0);
    CALL(mmap, NULL, 4096L, RW, MAP_SHARED, fd, INT64_MAX & ~4095);
    CALL(mmap, NULL, 4096L, RW, MAP_PRIVATE, fd, INT64_MIN);
    CALL(mmap, NULL, 8192L, RW, MAP_PRIVATE, fd, -8192L);
    p = mremap(p, 4096, 12288, MAY);
    printf("%s %s\n", p, p + 4096);
    strcpy(p + 4096, "changed");
    pread(fd, p + 8192, 8, 4096);
    puts(p + 8192);
    char *q = mmap(NULL, 8192, RW, MAP_PRIVATE, fd, 0);
    strcpy(q, "own");
    q = mremap(q, 8192, 12288, MAY);
    printf("%s %s\n", q, q + 4096);
}

/* What becomes shorter may reach over more than one mapping. */
static void shorter(void)
{
    char *p = mmap(NULL, 12 * 4096, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    title("shorter, over two mappings");
    p[0] = 'a';
    mprotect(p + 8192, 8192, PROT_READ);
    DOES(mremap, p, 4 * 4096L, 4096L, MREMAP_MAYMOVE | MREMAP_FIXED,
         p + 8 * 4096);
    printf("%c\n", p[8 * 4096]);
    for (int i = 0; i < 4; i++) {
        printf("page %d: ", i);
        DOES(access, p + i * 4096L, F_OK);
    }
}

int main(void)
{
    show_start();
    anonymous();
    fixed();
    shorter();
    refusals();
    files();
    return 0;
}
