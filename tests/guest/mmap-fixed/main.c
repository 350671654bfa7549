/* SPDX-License-Identifier: MIT
 *
 * MAP_FIXED and MAP_FIXED_NOREPLACE: replacing parts of mappings, what lies
 * around, limits of the address space.
 */
#include <sys/mman.h>
#include "tests/guest/show.h"

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW   (PROT_READ | PROT_WRITE)

int main(void)
{
    char *p, *q;

    show_start();
    p = mmap(NULL, 5 * 4096, RW, ANON, -1, 0);
    memset(p, 'p', 5 * 4096);
    q = mmap(p + 4096, 8192, RW, ANON | MAP_FIXED, -1, 0);
    printf("there %d, %c %d %d %c\n", q == p + 4096, p[4095], p[4096], p[12287],
           p[12288]);
    title("no replace");
    DOES(mmap, p, 4096L, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0L);
    DOES(mmap, p - 4096, 8192L, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0L);
    munmap(p + 4096, 4096);
    DOES(mmap, p + 4096, 4096L, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0L);
    DOES(mmap, p + 4096, 4096L, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0L);
    title("a file into the middle");
    put("/tmp/f", "file contents");
    int fd = open("/tmp/f", O_RDWR);
    q = mmap(p + 8192, 4096, RW, MAP_PRIVATE | MAP_FIXED, fd, 0);
    printf("there %d [%.13s] %c\n", q == p + 8192, q, p[12288]);
    q[0] = 'F';
    cat("/tmp/f");
    title("refusals");
    DOES(mmap, p + 1, 4096L, RW, ANON | MAP_FIXED, -1, 0L);
    DOES(mmap, 1L << 47, 4096L, RW, ANON | MAP_FIXED, -1, 0L);
    DOES(mmap, -4096L, 4096L, RW, ANON | MAP_FIXED, -1, 0L);
    DOES(mmap, (1L << 47) - 4096, 8192L, RW, ANON | MAP_FIXED, -1, 0L);
    DOES(mmap, p, 0L, RW, ANON | MAP_FIXED, -1, 0L);
    /* A refused replacement leaves what was there. */
    DOES(mmap, p, 4096L, RW, MAP_PRIVATE | MAP_FIXED, 99, 0L);
    DOES(mmap, p, 4096L, RW, MAP_PRIVATE | MAP_FIXED, fd, 1L);
    printf("%c\n", p[0]);
    title("a large reservation, used in parts");
    p = mmap(NULL, 1l << 36, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
    for (long at = 0; at < 1l << 36; at += 1l << 33) {
        q = mmap(p + at, 65536, RW, ANON | MAP_FIXED, -1, 0);
        q[5] = at >> 33;
    }
    int sum = 0;
    for (long at = 0; at < 1l << 36; at += 1l << 33) {
        sum += p[at + 5];
    }
    printf("%d\n", sum);
    CALL(munmap, p, 1L << 36);
    return 0;
}
