/* SPDX-License-Identifier: MIT
 *
 * What the programs of calls.cases print with: one line for each call, the
 * text of the call and its result or the name of its error. Everything they
 * print must be the same on every Linux and in our kernel, so no addresses,
 * process ids, inode or device numbers.
 *
 *   CALL(openat, AT_FDCWD, "/x", O_RDONLY)  the system call, without libc
 *   DOES(mmap, ...)                         the same; "ok" for the result
 *   SHOW(expression)                        a libc function that sets errno
 *
 * All three return the result. syscall(2) takes longs: a negative number that
 * the kernel reads as 64 bits must be written as a long (-1L).
 */
#ifndef TESTS_GUEST_SHOW_H
#define TESTS_GUEST_SHOW_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

/* Never mapped. */
#define BAD        ((void *)16)
#define NOBODY     65534
#define COUNT(arr) (sizeof(arr) / sizeof((arr)[0]))

#define RAW(name, ...) (errno = 0, syscall(SYS_##name, ##__VA_ARGS__))
#define CALL(name, ...)                                                        \
    show(#name "(" #__VA_ARGS__ ")", RAW(name, ##__VA_ARGS__))
#define DOES(name, ...)                                                        \
    show_ok(#name "(" #__VA_ARGS__ ")", RAW(name, ##__VA_ARGS__))
#define SHOW(expr) show(#expr, (errno = 0, (long)(expr)))

/* For what differs from run to run: only whether it is so. */
#define EXPECT(cond) printf("%s%s\n", (cond) ? "" : "NOT SO: ", #cond)

static inline int show_failed(const char *what, long r)
{
    const char *name;

    if (r != -1 || !errno) {
        return 0;
    }
    name = strerrorname_np(errno);
    if (name) {
        printf("%s: %s\n", what, name);
    } else {
        printf("%s: error %d\n", what, errno);
    }
    return 1;
}

static inline long show(const char *what, long r)
{
    if (!show_failed(what, r)) {
        printf("%s = %ld\n", what, r);
    }
    return r;
}

static inline long show_ok(const char *what, long r)
{
    if (!show_failed(what, r)) {
        printf("%s ok\n", what);
    }
    return r;
}

/* First thing in main(): descriptors from 3 on are free, lines come out. */
static inline void show_start(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    syscall(SYS_close_range, 3, ~0u, 0);
    umask(022);
}

static inline void title(const char *what)
{
    printf("-- %s\n", what);
}

/* Makes or replaces the file. */
static inline void put(const char *path, const char *text)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);

    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
        printf("cannot write %s: %s\n", path, strerrorname_np(errno));
    }
    close(fd);
}

/* Prints the first bytes of a file. */
static inline void cat(const char *path)
{
    char text[4096];
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

    if (n < 0) {
        printf("%s: %s\n", path, strerrorname_np(errno));
    } else {
        printf("%s: [%.*s]\n", path, (int)n, text);
    }
    if (fd >= 0) {
        close(fd);
    }
}

/* Prints what of struct stat is the same everywhere; no size of directories. */
static inline void show_stat(const char *path)
{
    struct stat st;

    if (lstat(path, &st)) {
        printf("%s: %s\n", path, strerrorname_np(errno));
        return;
    }
    printf("%s: mode %o links %lu owner %u:%u", path, st.st_mode,
           (unsigned long)st.st_nlink, st.st_uid, st.st_gid);
    if (!S_ISDIR(st.st_mode)) {
        printf(" size %lld", (long long)st.st_size);
    }
    printf("\n");
}

static inline long long show_now(clockid_t clock)
{
    struct timespec ts;

    clock_gettime(clock, &ts);
    return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static inline int thread_sleeps(const char *tid)
{
    char path[300], text[512], *end;
    ssize_t n;
    int fd;

    snprintf(path, sizeof(path), "/proc/self/task/%s/stat", tid);
    fd = open(path, O_RDONLY);
    n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0) {
        close(fd);
    }
    if (n <= 0) {
        return 1; /* it has ended */
    }
    text[n] = '\0';
    end = strrchr(text, ')');
    return end && strchr("SZX", end[2]);
}

/* Returns when all other threads of the process sleep: each is in the call
 * that it is to wait in. Some looks, since one may also sleep for a moment on
 * its way there. Needs a free descriptor or two. */
static inline void until_others_sleep(void)
{
    for (int quiet = 0; quiet < 3;) {
        DIR *dir = opendir("/proc/self/task");
        struct dirent *e;
        int asleep = dir != NULL;

        while (asleep && (e = readdir(dir)) != NULL) {
            asleep = e->d_name[0] == '.' ||
                     atoi(e->d_name) == syscall(SYS_gettid) ||
                     thread_sleeps(e->d_name);
        }
        if (dir) {
            closedir(dir);
        }
        quiet = asleep ? quiet + 1 : 0;
        usleep(1000);
    }
}

/* Whether ns have passed since start (CLOCK_MONOTONIC), and not far more. */
static inline const char *passed(long long start, long long ns)
{
    long long t = show_now(CLOCK_MONOTONIC) - start;

    return t < ns ? "early" : t > ns + 2000000000 ? "late" : "in time";
}

#endif
