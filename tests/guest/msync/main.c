/* SPDX-License-Identifier: MIT
 *
 * msync: flags that exclude one another, holes, refusals.
 */
#include <sys/mman.h>
#include "tests/guest/show.h"

int main(void)
{
    show_start();
    put("/tmp/f", "0123456789");
    int fd = open("/tmp/f", O_RDWR);
    ftruncate(fd, 12288);
    char *p = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    p[0] = 'X';
    CALL(msync, p, 12288L, MS_SYNC);
    CALL(msync, p, 12288L, MS_ASYNC);
    CALL(msync, p, 12288L, MS_INVALIDATE);
    CALL(msync, p, 12288L, MS_SYNC | MS_INVALIDATE);
    CALL(msync, p, 12288L, MS_SYNC | MS_ASYNC);
    CALL(msync, p, 12288L, 0);
    CALL(msync, p, 12288L, 8);
    CALL(msync, p, 1L, MS_SYNC);
    CALL(msync, p, 0L, MS_SYNC);
    CALL(msync, p + 1, 4096L, MS_SYNC);
    CALL(msync, p, -1L, MS_SYNC);
    CALL(msync, 1L << 47, 4096L, MS_SYNC);
    munmap(p + 4096, 4096);
    CALL(msync, p, 12288L, MS_SYNC);
    CALL(msync, p + 4096, 4096L, MS_ASYNC);
    char *q = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CALL(msync, q, 4096L, MS_SYNC);
    mlock(p, 4096);
    CALL(msync, p, 4096L, MS_INVALIDATE);
    CALL(msync, p, 4096L, MS_SYNC);
    char c;
    pread(fd, &c, 1, 0);
    printf("%c\n", c);
    return 0;
}
