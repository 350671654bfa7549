/* SPDX-License-Identifier: MIT
 *
 * read, write, pread, pwrite, lseek on a regular file: offsets, counts,
 * holes, refusals, and buffers that are only partly there.
 */
#include <sys/mman.h>
#include "tests/guest/show.h"

static char buf[10000];

static void offsets(int fd)
{
    title("offsets");
    CALL(write, fd, "0123456789", 10L);
    CALL(lseek, fd, 0L, SEEK_CUR);
    CALL(read, fd, buf, 10L);
    CALL(lseek, fd, 3L, SEEK_SET);
    CALL(read, fd, buf, 4L);
    printf("[%.4s]\n", buf);
    CALL(lseek, fd, 0L, SEEK_CUR);
    CALL(pread64, fd, buf, 20L, 8L);
    printf("[%.2s]\n", buf);
    CALL(pread64, fd, buf, 1L, 10L);
    CALL(pread64, fd, buf, 1L, 1000L);
    CALL(pwrite64, fd, "abc", 3L, 1L);
    CALL(lseek, fd, 0L, SEEK_CUR);
    CALL(lseek, fd, -2L, SEEK_END);
    CALL(lseek, fd, -1L, SEEK_CUR);
    CALL(read, fd, buf, 100L);
    printf("[%.3s]\n", buf);
    cat("/tmp/f");
}

static void holes(int fd)
{
    title("holes");
    CALL(lseek, fd, 5000L, SEEK_SET);
    show_stat("/tmp/f");
    CALL(read, fd, buf, 10L);
    CALL(write, fd, "end", 3L);
    show_stat("/tmp/f");
    CALL(pread64, fd, buf, 10000L, 0L);
    int zeros = 0;
    for (int i = 10; i < 5000; i++) {
        zeros += !buf[i];
    }
    printf("zeros %d [%.3s]\n", zeros, buf + 5000);
    CALL(pwrite64, fd, "z", 1L, 8191L);
    show_stat("/tmp/f");
}

static void refusals(int fd)
{
    int rd = open("/tmp/f", O_RDONLY), wr = open("/tmp/f", O_WRONLY);
    int dir = open("/tmp", O_RDONLY), p[2];

    title("refusals");
    pipe(p);
    CALL(lseek, fd, -1L, SEEK_SET);
    CALL(lseek, fd, -10000L, SEEK_CUR);
    CALL(lseek, fd, 0L, 5);
    CALL(lseek, fd, 0L, -1);
    CALL(lseek, fd, INT64_MAX, SEEK_SET);
    CALL(lseek, fd, 1L, SEEK_CUR);
    CALL(read, fd, buf, 1L);
    CALL(write, fd, "x", 1L);
    CALL(lseek, fd, 0L, SEEK_SET);
    CALL(lseek, 99, 0L, SEEK_SET);
    CALL(lseek, p[0], 0L, SEEK_SET);
    CALL(pread64, fd, buf, 1L, -1L);
    CALL(pwrite64, fd, buf, 1L, -1L);
    CALL(pread64, p[0], buf, 1L, 0L);
    CALL(pwrite64, p[1], buf, 1L, 0L);
    CALL(pread64, wr, buf, 1L, 0L);
    CALL(pwrite64, rd, buf, 1L, 0L);
    CALL(read, dir, buf, 10L);
    CALL(pread64, dir, buf, 10L, 0L);
    CALL(write, dir, buf, 10L);
    CALL(read, 99, buf, 1L);
    CALL(write, 99, buf, 1L);
    CALL(write, -1, buf, 1L);
    CALL(pwrite64, fd, "x", 1L, INT64_MAX);
    CALL(pwrite64, fd, "x", 1L, INT64_MAX - 1);
    CALL(read, wr, buf, 0L);
    CALL(write, rd, buf, 0L);
    CALL(read, fd, buf, 0L);
    CALL(write, fd, buf, 0L);
    CALL(read, fd, BAD, 0L);
    CALL(read, fd, buf, -1L);
    CALL(write, fd, buf, -1L);
}

static void buffers(int fd)
{
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    title("buffers");
    munmap(page + 4096, 4096);
    memset(page, 'p', 4096);
    CALL(read, fd, BAD, 1L);
    CALL(write, fd, BAD, 1L);
    CALL(read, fd, NULL, 1L);
    CALL(read, fd, 1UL << 47, 1L);
    CALL(lseek, fd, 0L, SEEK_CUR);
    CALL(pwrite64, fd, page + 4090, 6L, 0L);
    CALL(pwrite64, fd, page + 4096, 1L, 0L);
    CALL(pread64, fd, page + 4096, 1L, 0L);
    CALL(pread64, fd, page + 4096, 1L, 1000000L);
    /* The kernel's text is not the program's. */
    CALL(pread64, fd, -4096L, 1L, 0L);
}

int main(void)
{
    show_start();
    int fd = CALL(open, "/tmp/f", O_CREAT | O_RDWR, 0600);

    offsets(fd);
    holes(fd);
    refusals(fd);
    buffers(fd);
    return 0;
}
