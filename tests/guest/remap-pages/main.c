/* SPDX-License-Identifier: MIT
 *
 * remap_file_pages: pages of a shared mapping in another order, what is
 * written through them, and what is refused.
 */
#include <sys/mman.h>
#include "tests/guest/show.h"

enum { PAGE = 4096 };

int main(void)
{
    char *p, *own, c[4];
    int fd;

    show_start();
    fd = open("/tmp/pages", O_CREAT | O_RDWR, 0600);
    for (int i = 0; i < 4; i++) {
        char page[PAGE];

        memset(page, 'a' + i, PAGE);
        write(fd, page, PAGE);
    }
    p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    own = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CALL(remap_file_pages, p, 2L * PAGE, 0L, 2L, 0L);
    printf("%c%c%c%c\n", p[0], p[PAGE], p[2 * PAGE], p[3 * PAGE]);
    p[PAGE] = 'X';
    printf("%c%c\n", p[PAGE], p[3 * PAGE]);
    for (int i = 0; i < 4; i++) {
        pread(fd, &c[i], 1, i * PAGE);
    }
    printf("%.4s\n", c);
    CALL(remap_file_pages, p + 3 * PAGE, (long)PAGE, 0L, 0L, 0L);
    printf("%c%c%c%c\n", p[0], p[PAGE], p[2 * PAGE], p[3 * PAGE]);
    CALL(remap_file_pages, p, (long)PAGE, 1L, 0L, 0L);
    CALL(remap_file_pages, p, 0L, 0L, 0L, 0L);
    CALL(remap_file_pages, p, (long)PAGE, 0L, -1L, 0L);
    CALL(remap_file_pages, own, (long)PAGE, 0L, 1L, 0L);
    munmap(p + PAGE, PAGE);
    CALL(remap_file_pages, p, 2L * PAGE, 0L, 0L, 0L);
    CALL(remap_file_pages, p + PAGE, (long)PAGE, 0L, 0L, 0L);
    return 0;
}
