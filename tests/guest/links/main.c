/* SPDX-License-Identifier: MIT
 *
 * link, linkat, symlink, readlink, unlink: counts, which links are followed,
 * truncated targets, files that live on without a name.
 */
#include <sys/wait.h>
#include "tests/guest/show.h"

static char buf[5000];

static void hard(void)
{
    struct stat a, b;

    title("hard links");
    put("/tmp/a", "text");
    mkdir("/tmp/d", 0755);
    CALL(link, "/tmp/a", "/tmp/b");
    CALL(link, "/tmp/a", "/tmp/b");
    CALL(link, "/tmp/a", "/tmp/d/c");
    show_stat("/tmp/a");
    stat("/tmp/a", &a);
    stat("/tmp/d/c", &b);
    printf("one file %d\n", a.st_ino == b.st_ino && a.st_dev == b.st_dev);
    put("/tmp/b", "changed");
    cat("/tmp/d/c");
    CALL(unlink, "/tmp/a");
    show_stat("/tmp/b");
    CALL(unlink, "/tmp/a");
    CALL(link, "/tmp/none", "/tmp/x");
    CALL(link, "/tmp/d", "/tmp/x");
    CALL(link, "/tmp/b", "/tmp/none/x");
    CALL(link, "/tmp/b", "/tmp/b/x");
    CALL(link, "/tmp/b", "/tmp/d");
    CALL(link, "/tmp/b", "/tmp/x/");
    CALL(link, "/tmp/b/", "/tmp/x");
    CALL(link, "/tmp/b", "");
    CALL(link, "", "/tmp/x");
    CALL(link, "/tmp/b", "/proc/x");
    CALL(link, "/proc/version", "/tmp/x");
}

static void at(void)
{
    int dir = open("/tmp", O_RDONLY), fd = open("/tmp/b", O_RDONLY);
    int path = open("/tmp/b", O_PATH);

    title("linkat");
    symlink("b", "/tmp/sym");
    CALL(linkat, dir, "sym", dir, "not-followed", 0);
    show_stat("/tmp/not-followed");
    CALL(linkat, dir, "sym", dir, "followed", AT_SYMLINK_FOLLOW);
    show_stat("/tmp/followed");
    CALL(linkat, fd, "", dir, "by-fd", AT_EMPTY_PATH);
    CALL(linkat, path, "", dir, "by-path", AT_EMPTY_PATH);
    show_stat("/tmp/by-fd");
    sprintf(buf, "/proc/self/fd/%d", fd);
    CALL(linkat, AT_FDCWD, buf, dir, "by-proc", AT_SYMLINK_FOLLOW);
    CALL(linkat, AT_FDCWD, buf, dir, "by-proc2", 0);
    CALL(linkat, dir, "b", dir, "x", 0x800);
    CALL(linkat, dir, "", dir, "x", 0);
    CALL(linkat, 99, "b", dir, "x", 0);
    CALL(linkat, dir, "b", fd, "x", 0);
    CALL(linkat, dir, "", dir, "x", AT_EMPTY_PATH);
    show_stat("/tmp/b");
    close(path);
    close(dir);
    close(fd);
}

static void unnamed(void)
{
    struct stat st;

    title("without a name");
    put("/tmp/u", "still here");
    int fd = open("/tmp/u", O_RDWR);
    CALL(unlink, "/tmp/u");
    CALL(pread64, fd, buf, 100L, 0L);
    printf("[%.10s]\n", buf);
    fstat(fd, &st);
    printf("links %lu\n", (unsigned long)st.st_nlink);
    CALL(linkat, fd, "", AT_FDCWD, "/tmp/u", AT_EMPTY_PATH);
    CALL(write, fd, "STILL", 5L);
    put("/tmp/u", "another");
    CALL(pread64, fd, buf, 100L, 0L);
    printf("[%.10s]\n", buf);
    close(fd);
}

/* A descriptor gives nobody without rights the way to a new name. */
static void from_descriptor(void)
{
    int fd, status;
    pid_t child;

    title("from a descriptor");
    put("/tmp/given", "x");
    fd = open("/tmp/given", O_RDONLY);
    child = fork();
    if (child == 0) {
        setgid(NOBODY);
        setuid(NOBODY);
        CALL(linkat, fd, "", AT_FDCWD, "/tmp/taken", AT_EMPTY_PATH);
        exit(0);
    }
    waitpid(child, &status, 0);
    CALL(linkat, fd, "", AT_FDCWD, "/tmp/taken", AT_EMPTY_PATH);
    close(fd);
}

static void symbolic(void)
{
    title("symbolic links");
    CALL(symlink, "target", "/tmp/s");
    show_stat("/tmp/s");
    CALL(symlink, "other", "/tmp/s");
    CALL(symlink, "", "/tmp/x");
    CALL(symlink, "x", "");
    CALL(symlink, "x", "/tmp/none/x");
    CALL(symlink, "x", "/tmp/b/x");
    CALL(symlink, "x", "/tmp/new/");
    CALL(symlinkat, "x", 99, "y");
    memset(buf, 'x', sizeof(buf));
    buf[4095] = 0;
    CALL(symlink, buf, "/tmp/long");
    show_stat("/tmp/long");
    CALL(readlink, "/tmp/long", buf, sizeof(buf));
    buf[4095] = 'x';
    buf[4096] = 0;
    CALL(symlink, buf, "/tmp/longer");
    memset(buf, '.', 10);
    CALL(readlink, "/tmp/s", buf, 10L);
    printf("[%.10s]\n", buf);
    CALL(readlink, "/tmp/s", buf, 3L);
    CALL(readlink, "/tmp/s", buf, 0L);
    CALL(readlink, "/tmp/s", buf, -1L);
    CALL(readlink, "/tmp/s", BAD, 10L);
    CALL(readlink, "/tmp/s/", buf, 10L);
    CALL(readlink, "/tmp/b", buf, 10L);
    CALL(readlink, "/tmp", buf, 10L);
    CALL(readlink, "/tmp/none", buf, 10L);
    CALL(readlink, "", buf, 10L);
    CALL(readlinkat, AT_FDCWD, "", buf, 10L);
    int fd = open("/tmp/s", O_PATH | O_NOFOLLOW);
    CALL(readlinkat, fd, "", buf, 10L);
    CALL(readlinkat, 99, "s", buf, 10L);
    CALL(readlink, "/data/tree/a/link", buf, 100L);
    printf("[%.6s]\n", buf);
    CALL(chmod, "/tmp/s", 0600);
    CALL(fchmodat, fd, "", 0600);
    close(fd);
}

int main(void)
{
    show_start();
    hard();
    at();
    unnamed();
    from_descriptor();
    symbolic();
    return 0;
}
