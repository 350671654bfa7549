/* SPDX-License-Identifier: MIT
 *
 * Mappings of files and read and write see one another at once; private
 * ones keep their own copies; two mappings, offsets, growth of the file.
 */
#include <sys/mman.h>
#include "tests/guest/show.h"

#define RW (PROT_READ | PROT_WRITE)

static char buf[100];

int main(void)
{
    show_start();
    int fd = open("/tmp/f", O_CREAT | O_RDWR, 0600);
    ftruncate(fd, 3 * 4096);
    pwrite(fd, "one", 3, 0);
    pwrite(fd, "two", 3, 4096);
    pwrite(fd, "three", 5, 8192);
    char *a = mmap(NULL, 3 * 4096, RW, MAP_SHARED, fd, 0);
    char *b = mmap(NULL, 4096, RW, MAP_SHARED, fd, 4096);
    char *own = mmap(NULL, 3 * 4096, RW, MAP_PRIVATE, fd, 0);
    char *ro = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 8192);
    printf("%s %s %s %s %s\n", a, b, a + 8192, own + 4096, ro);
    title("writing through");
    strcpy(a + 4096, "TWO");
    puts(b);
    strcpy(own + 4096, "own");
    pwrite(fd, "new", 3, 4096);
    printf("%s %s %s\n", a + 4096, b, own + 4096);
    strcpy(b, "b");
    pread(fd, buf, 10, 4096);
    puts(buf);
    pwrite(fd, "3", 1, 8192);
    printf("%s %s\n", a + 8192, ro);
    title("the rest of the last page");
    ftruncate(fd, 2 * 4096 + 10);
    printf("%d\n", a[8192 + 100]);
    a[8192 + 100] = 'x';
    show_stat("/tmp/f");
    title("into itself");
    CALL(pwrite64, fd, a, 4096L, 4096L);
    puts(b);
    CALL(pread64, fd, a + 4096, 100L, 0L);
    CALL(pread64, fd, own, 100L, 4096L);
    puts(own);
    title("after close and unlink");
    close(fd);
    unlink("/tmp/f");
    strcpy(a, "still");
    puts(a);
    CALL(munmap, a, 3L * 4096);
    puts(b);
    title("shared, anonymous");
    char *s = mmap(NULL, 8192, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    strcpy(s + 4000, "anonymous");
    puts(s + 4000);
    title("an image's file");
    fd = open("/data/text", O_RDONLY);
    own = mmap(NULL, 5000, RW, MAP_PRIVATE, fd, 0);
    memcpy(buf, own, 19);
    buf[19] = 0;
    own[0] = 'T';
    printf("%s %.19s\n", buf, own);
    pread(fd, buf, 19, 0);
    puts(buf);
    DOES(mmap, NULL, 5000L, RW, MAP_SHARED, fd, 0L);
    DOES(mmap, NULL, 5000L, PROT_READ, MAP_SHARED, fd, 0L);
    return 0;
}
