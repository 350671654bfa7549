/* SPDX-License-Identifier: MIT
 * When mappings have taken all addresses there are, a program of fixed
 * addresses has none left for its heap either; what is unmapped can be had
 * again. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, FLAGS = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE };

static char *map(size_t len, int prot)
{
    return mmap(NULL, len, prot, FLAGS, -1, 0);
}

int main(void)
{
    char *heap = sbrk(PAGE), *p, *one = NULL;

    printf("the heap grows: %s\n", heap == (char *)-1 ? "no" : "yes");
    for (size_t len = 1ul << 47; len >= PAGE; len /= 2) {
        while ((p = map(len, PROT_NONE)) != MAP_FAILED) {
            one = len == 1 << 20 ? p : one;
        }
        if (errno != ENOMEM) {
            printf("mmap: %s\n", strerror(errno));
        }
    }
    heap = sbrk(PAGE);
    printf("and when all is mapped: %s\n",
           heap == (char *)-1 ? strerror(errno) : "yes");
    if (!one || munmap(one, 16 * PAGE)) {
        return 1;
    }
    p = map(16 * PAGE, PROT_READ | PROT_WRITE);
    if (p != MAP_FAILED) {
        memset(p, 'x', 16 * PAGE);
    }
    printf("where it was unmapped: %s\n", p == one ? "yes" : "no");
    return 0;
}
