/* SPDX-License-Identifier: MIT
 *
 * sendfile: with the file's own offset and with one of ours, to files and
 * pipes, at the end of the file, refusals.
 */
#include "tests/guest/show.h"
#include <sys/mman.h>

static char buf[300000];

int main(void)
{
    off_t off = 3, negative = -1, far = 1000000;
    int p[2];

    show_start();
    put("/tmp/in", "0123456789");
    int in = open("/tmp/in", O_RDONLY);
    int out = open("/tmp/out", O_CREAT | O_RDWR, 0600);
    int ap = open("/tmp/out", O_RDWR | O_APPEND);
    pipe2(p, O_NONBLOCK);
    CALL(sendfile, out, in, NULL, 4L);
    CALL(lseek, in, 0L, SEEK_CUR);
    CALL(lseek, out, 0L, SEEK_CUR);
    CALL(sendfile, out, in, &off, 100L);
    printf("offset %ld\n", (long)off);
    CALL(lseek, in, 0L, SEEK_CUR);
    cat("/tmp/out");
    CALL(sendfile, out, in, &off, 100L);
    CALL(sendfile, out, in, &far, 100L);
    CALL(sendfile, p[1], in, NULL, 100L);
    CALL(read, p[0], buf, 100L);
    printf("[%.6s]\n", buf);
    mkfifo("/tmp/fifo", 0600);
    int fifo = open("/tmp/fifo", O_RDWR | O_NONBLOCK | O_APPEND);
    CALL(lseek, in, 0L, SEEK_SET);
    CALL(sendfile, fifo, in, NULL, 3L);
    CALL(read, fifo, buf, 100L);
    title("refusals");
    CALL(sendfile, ap, in, NULL, 1L);
    CALL(sendfile, out, in, &negative, 1L);
    CALL(sendfile, out, in, BAD, 1L);
    CALL(sendfile, out, p[0], NULL, 1L);
    CALL(write, p[1], "piped", 5L);
    CALL(sendfile, out, p[0], &off, 1L);
    CALL(sendfile, 99, in, NULL, 1L);
    CALL(sendfile, out, 99, NULL, 1L);
    CALL(sendfile, in, out, NULL, 1L);
    CALL(sendfile, out, in, NULL, 0L);
    CALL(sendfile, out, in, NULL, -1L);
    CALL(sendfile, out, in, NULL, INT64_MIN);
    int wr = open("/tmp/in", O_WRONLY), dir = open("/tmp", O_RDONLY);
    CALL(sendfile, out, wr, NULL, 1L);
    CALL(sendfile, out, dir, NULL, 1L);
    title("nothing moved, and an offset that cannot be written back");
    off_t *fixed =
        mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    put("/tmp/empty", "");
    int empty = open("/tmp/empty", O_RDWR);
    CALL(sendfile, out, empty, fixed, 1L);
    CALL(sendfile, ap, in, fixed, 1L);
    CALL(splice, empty, fixed, p[1], NULL, 1L, 0);
    CALL(copy_file_range, empty, fixed, out, NULL, 1L, 0);
    title("large");
    int big = open("/data/random", O_RDONLY);
    off = 0;
    CALL(ftruncate, out, 0L);
    CALL(lseek, out, 0L, SEEK_SET);
    CALL(sendfile, out, big, &off, 1000000L);
    static char same[300000];
    pread(out, buf, sizeof(buf), 0);
    pread(big, same, sizeof(same), 0);
    printf("same %d\n", memcmp(buf, same, sizeof(buf)) == 0);
    off = 0;
    read(p[0], buf, 100);
    CALL(sendfile, p[1], big, &off, 1000000L);
    printf("offset %ld\n", (long)off);
    return 0;
}
