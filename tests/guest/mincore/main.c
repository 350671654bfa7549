/* SPDX-License-Identifier: MIT
 *
 * mincore: touched and untouched pages, holes, refusals.
 */
#include <sys/mman.h>
#include "tests/guest/show.h"

static unsigned char vec[100];

static void look(char *p, int pages)
{
    long r = RAW(mincore, p, pages * 4096L, vec);

    if (show_failed("mincore", r)) {
        return;
    }
    for (int i = 0; i < pages; i++) {
        printf("%d", vec[i] & 1);
    }
    printf("\n");
}

int main(void)
{
    show_start();
    char *p = mmap(NULL, 10 * 4096, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(p, 10 * 4096, MADV_NOHUGEPAGE);
    p[0] = p[3 * 4096] = p[9 * 4096] = 1;
    RAW(mincore, p, 10L * 4096, vec);
    printf("touched %d %d %d\n", vec[0] & 1, vec[3] & 1, vec[9] & 1);
    memset(p, 1, 10 * 4096);
    look(p, 10);
    mprotect(p, 4096, PROT_NONE);
    look(p, 10);
    munmap(p + 5 * 4096, 4096);
    look(p, 10);
    look(p, 5);
    CALL(mincore, p + 1, 4096L, vec);
    CALL(mincore, p, 0L, vec);
    CALL(mincore, NULL, 0L, NULL);
    CALL(mincore, p, 4096L, BAD);
    CALL(mincore, p, 4096L, NULL);
    CALL(mincore, 1L << 47, 4096L, vec);
    CALL(mincore, p, -1L, vec);
    put("/tmp/f", "x");
    int fd = open("/tmp/f", O_RDWR);
    ftruncate(fd, 8192);
    char *q = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
    RAW(mincore, q, 4096L, vec);
    printf("file %d\n", vec[0] & 1);
    return 0;
}
