/* SPDX-License-Identifier: MIT
 *
 * utimensat, utime, utimes, futimesat: exact times, UTIME_NOW and
 * UTIME_OMIT, links, who may, times before 1970.
 */
#include <sys/time.h>
#include <utime.h>
#include "tests/guest/show.h"

static const char *when(struct timespec *ts)
{
    static char text[4][60];
    static int next;
    char *t = text[next++ % 4];
    long long age = time(NULL) - ts->tv_sec;

    if (age >= -1 && age < 30) {
        return "now";
    }
    sprintf(t, "%lld.%09ld", (long long)ts->tv_sec, ts->tv_nsec);
    return t;
}

static void look(const char *path)
{
    struct stat st;

    if (lstat(path, &st)) {
        printf("%s: %s\n", path, strerrorname_np(errno));
        return;
    }
    printf("%s: atime %s mtime %s ctime %s\n", path, when(&st.st_atim),
           when(&st.st_mtim), when(&st.st_ctim));
}

static void exact(void)
{
    struct timespec ts[] = {{1000000000, 123456789}, {2000000000, 987654321}};
    struct timespec now[] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
    struct timespec omit[] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};
    struct timespec mixed[] = {{5, 5}, {7, UTIME_OMIT}};
    struct timespec ancient[] = {{-1000, 5}, {-2000000000, 999999999}};
    struct timespec far[] = {{0x100000000, 1}, {0x200000000, 2}};
    int fd = open("/tmp/f", O_RDONLY);

    title("exact");
    CALL(utimensat, AT_FDCWD, "/tmp/f", ts, 0);
    look("/tmp/f");
    CALL(utimensat, AT_FDCWD, "/tmp/f", mixed, 0);
    look("/tmp/f");
    CALL(utimensat, AT_FDCWD, "/tmp/f", omit, 0);
    look("/tmp/f");
    CALL(utimensat, AT_FDCWD, "/tmp/none", omit, 0);
    CALL(utimensat, fd, NULL, ancient, 0);
    look("/tmp/f");
    CALL(utimensat, AT_FDCWD, "/tmp/f", far, 0);
    look("/tmp/f");
    CALL(utimensat, AT_FDCWD, "/tmp/f", now, 0);
    look("/tmp/f");
    CALL(utimensat, fd, "", ts, AT_EMPTY_PATH);
    look("/tmp/f");
    CALL(utimensat, fd, NULL, NULL, 0);
    look("/tmp/f");
    close(fd);
}

static void links(void)
{
    struct timespec ts[] = {{11, 1}, {22, 2}}, ts2[] = {{33, 3}, {44, 4}};

    title("links");
    symlink("f", "/tmp/link");
    CALL(utimensat, AT_FDCWD, "/tmp/link", ts, 0);
    CALL(utimensat, AT_FDCWD, "/tmp/link", ts2, AT_SYMLINK_NOFOLLOW);
    look("/tmp/f");
    struct stat st;
    lstat("/tmp/link", &st);
    printf("link: mtime %s\n", when(&st.st_mtim));
}

static void older_calls(void)
{
    struct utimbuf ut = {100, 200};
    struct timeval tv[] = {{300, 123456}, {400, 654321}};
    struct timeval bad[] = {{300, 1000000}, {400, 0}};
    struct timeval negative[] = {{300, -1}, {400, 0}};

    title("older calls");
    CALL(utime, "/tmp/f", &ut);
    look("/tmp/f");
    CALL(utimes, "/tmp/f", tv);
    look("/tmp/f");
    CALL(utimes, "/tmp/f", bad);
    CALL(utimes, "/tmp/f", negative);
    CALL(futimesat, AT_FDCWD, "/tmp/f", NULL);
    look("/tmp/f");
    int fd = open("/tmp/f", O_RDONLY);
    CALL(futimesat, fd, NULL, tv);
    look("/tmp/f");
    CALL(utime, "/tmp/f", NULL);
    look("/tmp/f");
    CALL(utime, "/tmp/none", NULL);
    CALL(utime, "/tmp/f", BAD);
    CALL(utimes, "/tmp/f", BAD);
    close(fd);
}

static void refusals(void)
{
    struct timespec ts[] = {{1, 1}, {2, 2}}, bad[] = {{1, 1000000000}, {2, 2}};
    struct timespec negative[] = {{1, -1}, {2, 2}};
    int path = open("/tmp/f", O_PATH);

    title("refusals");
    CALL(utimensat, AT_FDCWD, "/tmp/f", bad, 0);
    CALL(utimensat, AT_FDCWD, "/tmp/f", negative, 0);
    CALL(utimensat, AT_FDCWD, "/tmp/f", ts, 1);
    CALL(utimensat, AT_FDCWD, "/tmp/f", BAD, 0);
    CALL(utimensat, AT_FDCWD, BAD, ts, 0);
    CALL(utimensat, AT_FDCWD, "", ts, 0);
    CALL(utimensat, AT_FDCWD, NULL, ts, 0);
    CALL(utimensat, 99, NULL, ts, 0);
    CALL(utimensat, 99, "f", ts, 0);
    CALL(utimensat, path, NULL, ts, 0);
    CALL(utimensat, path, "", ts, AT_EMPTY_PATH);
    close(path);
}

static void as_nobody(void)
{
    struct timespec ts[] = {{1, 1}, {2, 2}},
                    now[] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
    struct timespec half[] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};

    title("nobody");
    chmod("/tmp/f", 0644);
    put("/tmp/writable", "");
    chmod("/tmp/writable", 0666);
    put("/tmp/own", "");
    chown("/tmp/own", NOBODY, NOBODY);
    chmod("/tmp/own", 0400);
    setresuid(NOBODY, NOBODY, NOBODY);
    CALL(utimensat, AT_FDCWD, "/tmp/f", NULL, 0);
    CALL(utimensat, AT_FDCWD, "/tmp/f", now, 0);
    CALL(utimensat, AT_FDCWD, "/tmp/f", ts, 0);
    CALL(utimensat, AT_FDCWD, "/tmp/writable", NULL, 0);
    CALL(utimensat, AT_FDCWD, "/tmp/writable", now, 0);
    CALL(utimensat, AT_FDCWD, "/tmp/writable", half, 0);
    CALL(utimensat, AT_FDCWD, "/tmp/writable", ts, 0);
    CALL(utimensat, AT_FDCWD, "/tmp/own", NULL, 0);
    CALL(utimensat, AT_FDCWD, "/tmp/own", ts, 0);
    look("/tmp/own");
}

int main(void)
{
    show_start();
    put("/tmp/f", "x");
    exact();
    links();
    older_calls();
    refusals();
    as_nobody();
    return 0;
}
