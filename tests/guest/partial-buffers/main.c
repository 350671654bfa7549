/* SPDX-License-Identifier: MIT
 *
 * Buffers that end at an unmapped or read-only page: what calls return and
 * what has been transferred by then.
 */
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/uio.h>
#include "tests/guest/show.h"

static char *page, *end;

static void pipes(void)
{
    int p[2];
    char buf[100];

    title("pipes");
    pipe2(p, O_NONBLOCK);
    CALL(write, p[1], end - 10, 10L);
    CALL(write, p[1], end, 10L);
    CALL(read, p[0], end, 1L);
    CALL(read, p[0], buf, 100L);
    write(p[1], "0123456789", 10);
    struct iovec iov[] = {{end - 3, 3}, {BAD, 3}, {buf, 3}};
    CALL(readv, p[0], iov, 3);
    printf("[%.3s]\n", end - 3);
    CALL(read, p[0], buf, 100L);
    memcpy(end - 3, "abc", 3);
    CALL(writev, p[1], iov, 3);
    CALL(read, p[0], buf, 100L);
    printf("[%.3s]\n", buf);
}

static void files(void)
{
    struct stat *st = (struct stat *)(end - sizeof(*st));
    int fd = open("/tmp/f", O_CREAT | O_RDWR, 0600);

    title("files");
    memset(page, 'p', 4096);
    CALL(write, fd, page, 4096L);
    CALL(pread64, fd, end - 100, 100L, 0L);
    CALL(fstat, fd, st);
    CALL(fstat, fd, (char *)st + 1);
    CALL(getcwd, end - 2, 2L);
    CALL(getcwd, end - 1, 2L);
    CALL(readlink, "/proc/self/cwd", end - 1, 100L);
    CALL(getrandom, end - 10, 10L, 0);
    CALL(getrandom, end, 10L, 0);
    CALL(uname, end - 10);
    CALL(pipe, end - 8);
    CALL(pipe, end - 4);
    CALL(gettimeofday, end - 16, NULL);
    CALL(gettimeofday, end - 8, NULL);
    CALL(getgroups, 0, BAD);
    CALL(times, end - 8);
    CALL(sysinfo, end - 8);
    CALL(poll, end - 8, 1, 0);
    CALL(poll, end - 8, 2, 0);
}

static void read_only(void)
{
    int fd = open("/tmp/f", O_RDWR);
    char *ro = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *none =
        mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *code = (char *)(uintptr_t)read_only;

    title("read-only");
    CALL(pread64, fd, ro, 10L, 0L);
    CALL(pwrite64, fd, ro, 10L, 0L);
    CALL(pread64, fd, none, 10L, 0L);
    CALL(pwrite64, fd, none, 10L, 0L);
    CALL(pread64, fd, code, 1L, 0L);
    CALL(getrandom, ro, 10L, 0);
    CALL(fstat, fd, ro);
}

int main(void)
{
    show_start();
    page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                -1, 0);
    end = page + 4096;
    munmap(end, 4096);
    pipes();
    files();
    read_only();
    return 0;
}
