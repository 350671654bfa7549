/* SPDX-License-Identifier: MIT
 *
 * truncate and ftruncate: zeroes behind the new end, also in mappings, the
 * file size limit, refusals.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include "tests/guest/show.h"

static char buf[10000];

static int zeros(int from, int to)
{
    for (int i = from; i < to; i++) {
        if (buf[i]) {
            return 0;
        }
    }
    return 1;
}

static void contents(void)
{
    title("contents");
    memset(buf, 'x', sizeof(buf));
    int fd = open("/tmp/f", O_CREAT | O_RDWR, 0600);
    write(fd, buf, 10000);
    CALL(ftruncate, fd, 5000L);
    CALL(ftruncate, fd, 10000L);
    CALL(pread64, fd, buf, 10000L, 0L);
    printf("kept %d zeros %d\n", buf[4999] == 'x', zeros(5000, 10000));
    char *p = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    memset(p, 'm', 12288);
    show_stat("/tmp/f");
    CALL(pread64, fd, buf, 10000L, 0L);
    CALL(truncate, "/tmp/f", 4097L);
    CALL(truncate, "/tmp/f", 12288L);
    printf("map kept %d zero %d %d\n", p[4096], p[4097], p[12287]);
    munmap(p, 12288);
    lseek(fd, 500, SEEK_SET);
    ftruncate(fd, 0);
    CALL(lseek, fd, 0L, SEEK_CUR);
    CALL(write, fd, "y", 1L);
    show_stat("/tmp/f");
    CALL(ftruncate, fd, 1L << 40);
    show_stat("/tmp/f");
    CALL(pread64, fd, buf, 10L, (1L << 40) - 5);
    close(fd);
}

static void refusals(void)
{
    int rd = open("/tmp/f", O_RDONLY), path = open("/tmp/f", O_PATH);
    int dir = open("/tmp", O_RDONLY);

    title("refusals");
    CALL(truncate, "/tmp/f", -1L);
    CALL(truncate, "/tmp", 0L);
    CALL(truncate, "/tmp/none", 0L);
    CALL(truncate, "/tmp/f/x", 0L);
    CALL(truncate, "", 0L);
    CALL(truncate, "/tmp/none", -1L);
    mkfifo("/tmp/fifo", 0600);
    CALL(truncate, "/tmp/fifo", 0L);
    CALL(truncate, "/dev/null", 0L);
    CALL(ftruncate, rd, 0L);
    CALL(ftruncate, path, 0L);
    CALL(ftruncate, dir, 0L);
    CALL(ftruncate, 99, 0L);
    CALL(ftruncate, 99, -1L);
    CALL(ftruncate, rd, -1L);
    CALL(truncate, "/tmp/f", INT64_MAX);
    show_stat("/tmp/f");
    CALL(truncate, "/tmp/f", 0L);
}

static volatile sig_atomic_t seen;

static void on_signal(int signo)
{
    seen = signo;
}

static void size_limit(void)
{
    struct rlimit rl = {5000, RLIM_INFINITY};
    int fd = open("/tmp/f", O_RDWR);

    title("RLIMIT_FSIZE");
    signal(SIGXFSZ, on_signal);
    setrlimit(RLIMIT_FSIZE, &rl);
    CALL(ftruncate, fd, 5000L);
    CALL(ftruncate, fd, 5001L);
    printf("signal %d\n", seen);
    seen = 0;
    CALL(pwrite64, fd, buf, 100L, 4950L);
    printf("signal %d\n", seen);
    CALL(pwrite64, fd, buf, 100L, 5000L);
    printf("signal %d\n", seen);
    seen = 0;
    CALL(pwrite64, fd, buf, 0L, 6000L);
    CALL(fallocate, fd, 0, 0L, 6000L);
    printf("signal %d\n", seen);
    signal(SIGXFSZ, SIG_IGN);
    CALL(truncate, "/tmp/f", 6000L);
    show_stat("/tmp/f");
    close(fd);
}

int main(void)
{
    show_start();
    contents();
    refusals();
    size_limit();
    return 0;
}
