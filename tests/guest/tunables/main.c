/* SPDX-License-Identifier: MIT
 *
 * Numbers of /proc/sys that may be changed; cachestat and sysfs.
 */
#include <sys/mman.h>
#include "tests/guest/show.h"

#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

static void set(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    ssize_t n = write(fd, text, strlen(text));

    printf("%s: %s\n", path, n < 0 ? strerrorname_np(errno) : "ok");
    close(fd);
}

/* Writes what is there already: the native side is somebody's machine. */
static void set_again(const char *path)
{
    char text[32] = "";
    int fd = open(path, O_RDONLY);

    read(fd, text, sizeof(text) - 1);
    close(fd);
    set(path, text);
}

static void limits(void)
{
    title("limits");
    set_again("/proc/sys/fs/nr_open");
    set("/proc/sys/fs/nr_open", "1");
    set("/proc/sys/fs/nr_open", "x");
    set("/proc/sys/fs/nr_open", "-5");
    set_again("/proc/sys/fs/lease-break-time");
    set_again("/proc/sys/fs/pipe-max-size");
    set_again("/proc/sys/kernel/shmmax");
    set_again("/proc/sys/kernel/shmmni");
    set_again("/proc/sys/kernel/msgmax");
    set_again("/proc/sys/kernel/msgmnb");
    set_again("/proc/sys/kernel/core_uses_pid");
    setresuid(-1, NOBODY, -1);
    SHOW(open("/proc/sys/fs/nr_open", O_WRONLY));
    setresuid(-1, 0, -1);
}

static void cached(void)
{
    unsigned long range[2] = {0, 3 * 4096}, stat[5];
    int fd = memfd_create("x", 0);

    title("cachestat");
    ftruncate(fd, 5 * 4096);
    pwrite(fd, "x", 1, 4096);
    pwrite(fd, "x", 1, 4 * 4096);
    CALL(cachestat, fd, range, stat, 0);
    printf("%lu\n", stat[0]);
    range[1] = 0;
    CALL(cachestat, fd, range, stat, 0);
    printf("%lu\n", stat[0]);
    CALL(cachestat, fd, range, stat, 1);
    CALL(cachestat, fd, BAD, stat, 0);
    CALL(cachestat, fd, range, BAD, 0);
    CALL(cachestat, 99, range, stat, 0);
    close(fd);
}

static void file_systems(void)
{
    char name[64];

    title("sysfs");
    long i = RAW(sysfs, 1, "tmpfs");
    EXPECT(i >= 0);
    CALL(sysfs, 2, i, name);
    printf("%s\n", name);
    EXPECT(RAW(sysfs, 3) > i);
    CALL(sysfs, 1, "none");
    CALL(sysfs, 1, BAD);
    CALL(sysfs, 2, 1000, name);
    CALL(sysfs, 4);
}

int main(void)
{
    show_start();
    limits();
    cached();
    file_systems();
    return 0;
}
