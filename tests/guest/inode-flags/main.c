/* SPDX-License-Identifier: MIT
 *
 * Flags of inodes (chattr): what may be done with a file that is immutable or
 * only grows, and with such a directory; who may set them.
 */
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include "tests/guest/show.h"

static void set(const char *path, int flags)
{
    int fd = open(path, O_RDONLY), got = -1;

    CALL(ioctl, fd, FS_IOC_SETFLAGS, &flags);
    CALL(ioctl, fd, FS_IOC_GETFLAGS, &got);
    printf("%s %x\n", path, got & 0xf0);
    close(fd);
}

static void try_all(const char *path)
{
    struct timespec times[2] = {{1, 0}, {1, 0}};
    char name[100];
    int fd;

    close(CALL(open, path, O_RDONLY) < 0 ? 0 : 3);
    fd = (int)CALL(open, path, O_WRONLY);
    close(fd);
    fd = (int)CALL(open, path, O_WRONLY | O_APPEND);
    if (fd >= 0) {
        CALL(write, fd, "x", 1L);
        CALL(fcntl, fd, F_SETFL, 0L);
        CALL(ftruncate, fd, 0L);
        CALL(fallocate, fd, FALLOC_FL_KEEP_SIZE, 0L, 100L);
        CALL(fallocate, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0L,
             100L);
    }
    close(fd);
    fd = (int)CALL(open, path, O_WRONLY | O_APPEND | O_TRUNC);
    close(fd);
    CALL(truncate, path, 0L);
    CALL(chmod, path, 0600);
    CALL(chown, path, 1, 1);
    CALL(utimensat, AT_FDCWD, path, NULL, 0);
    CALL(utimensat, AT_FDCWD, path, times, 0);
    CALL(setxattr, path, "user.a", "b", 1L, 0);
    CALL(removexattr, path, "user.a");
    snprintf(name, sizeof(name), "%s2", path);
    CALL(link, path, name);
    unlink(name);
    CALL(rename, path, name);
    rename(name, path);
    CALL(unlink, path);
}

static void directory(void)
{
    mkdir("/tmp/f/d", 0755);
    put("/tmp/f/d/a", "a");
    title("append-only directory");
    set("/tmp/f/d", FS_APPEND_FL);
    put("/tmp/f/d/b", "b");
    CALL(unlink, "/tmp/f/d/a");
    CALL(rename, "/tmp/f/d/a", "/tmp/f/d/c");
    title("immutable directory");
    set("/tmp/f/d", FS_IMMUTABLE_FL);
    put("/tmp/f/d/c", "c");
    CALL(mkdir, "/tmp/f/d/d", 0700);
    CALL(unlink, "/tmp/f/d/b");
    CALL(rmdir, "/tmp/f/d");
    set("/tmp/f/d", 0);
    CALL(unlink, "/tmp/f/d/b");
}

int main(void)
{
    int fd, flags = FS_IMMUTABLE_FL, got;

    show_start();
    mkdir("/tmp/f", 0777);
    chmod("/tmp/f", 0777);
    put("/tmp/f/a", "contents");
    title("immutable");
    set("/tmp/f/a", FS_IMMUTABLE_FL);
    try_all("/tmp/f/a");
    set("/tmp/f/a", FS_NODUMP_FL | FS_NOATIME_FL);
    title("append only");
    set("/tmp/f/a", FS_APPEND_FL);
    try_all("/tmp/f/a");
    set("/tmp/f/a", 0);
    cat("/tmp/f/a");
    directory();
    title("refusals");
    set("/tmp/f/a", FS_UNRM_FL);
    fd = open("/tmp/f/a", O_RDONLY);
    CALL(ioctl, fd, FS_IOC_SETFLAGS, BAD);
    CALL(ioctl, fd, FS_IOC_GETFLAGS, BAD);
    CALL(ioctl, open("/dev/null", O_RDONLY), FS_IOC_GETFLAGS, &got);
    setresuid(NOBODY, NOBODY, NOBODY);
    CALL(ioctl, fd, FS_IOC_SETFLAGS, &flags);
    flags = FS_NODUMP_FL;
    CALL(ioctl, fd, FS_IOC_SETFLAGS, &flags);
    put("/tmp/f/own", "x");
    set("/tmp/f/own", FS_NODUMP_FL);
    set("/tmp/f/own", FS_APPEND_FL);
    return 0;
}
