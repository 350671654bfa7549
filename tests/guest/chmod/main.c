/* SPDX-License-Identifier: MIT
 *
 * chmod, fchmod, fchmodat, fchmodat2: every bit, links, descriptors, who
 * may, and when set-id bits fall away by themselves.
 */
#include <grp.h>
#include "tests/guest/show.h"

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452 /* Linux 6.6 */
#endif

static void bits(void)
{
    int fd = open("/tmp/f", O_RDONLY), path = open("/tmp/f", O_PATH);

    title("bits");
    CALL(chmod, "/tmp/f", 07777);
    show_stat("/tmp/f");
    CALL(chmod, "/tmp/f", 0xffff);
    show_stat("/tmp/f");
    CALL(chmod, "/tmp/f", 0);
    show_stat("/tmp/f");
    CALL(fchmod, fd, 0640);
    show_stat("/tmp/f");
    CALL(fchmod, path, 0600);
    CALL(fchmodat, AT_FDCWD, "/tmp/link", 0444);
    show_stat("/tmp/f");
    show_stat("/tmp/link");
    CALL(fchmod, 99, 0);
    CALL(fchmodat, 99, "f", 0);
    CALL(fchmodat, AT_FDCWD, "/tmp/none", 0);
    CALL(fchmodat, fd, "x", 0);
    CALL(chmod, "", 0);
    CALL(chmod, "/tmp/f/", 0);
    show_stat("/tmp/f");
    close(fd);
    close(path);
}

static void flags(void)
{
    int fd = open("/tmp/f", O_RDONLY), path = open("/tmp/f", O_PATH);

    title("flags");
    CALL(fchmodat2, AT_FDCWD, "/tmp/f", 0640, 0);
    CALL(fchmodat2, AT_FDCWD, "/tmp/link", 0600, 0);
    show_stat("/tmp/f");
    CALL(fchmodat2, AT_FDCWD, "/tmp/link", 0644, AT_SYMLINK_NOFOLLOW);
    CALL(fchmodat2, AT_FDCWD, "/tmp/f", 0604, AT_SYMLINK_NOFOLLOW);
    CALL(fchmodat2, path, "", 0660, AT_EMPTY_PATH);
    show_stat("/tmp/f");
    CALL(fchmodat2, fd, "", 0600, 0);
    CALL(fchmodat2, fd, "", 0600, 1);
    CALL(fchmodat2, 99, "f", 0600, AT_EMPTY_PATH);
    CALL(fchmodat2, fd, NULL, 0600, AT_EMPTY_PATH);
    CALL(fchmodat2, AT_FDCWD, "/tmp/none", 0600, AT_SYMLINK_NOFOLLOW);
    close(fd);
    close(path);
}

static void falling(int uid)
{
    char path[30];
    int fd;

    sprintf(path, "/tmp/suid%d", uid);
    fd = open(path, O_RDWR);
    show_stat(path);
    CALL(write, fd, "x", 1L);
    show_stat(path);
    CALL(fchmod, fd, 06755);
    show_stat(path);
    CALL(ftruncate, fd, 5L);
    show_stat(path);
    CALL(fchmod, fd, 06755);
    CALL(pwrite64, fd, "", 0L, 0L);
    show_stat(path);
    /* Set-group-id without group execution is not a set-id program. */
    CALL(fchmod, fd, 02745);
    CALL(write, fd, "y", 1L);
    show_stat(path);
    CALL(fchmod, fd, 06711);
    CALL(fchown, fd, -1, -1);
    show_stat(path);
    close(fd);
}

static void make(const char *path, int uid)
{
    put(path, "text");
    chown(path, uid, uid);
    chmod(path, 06755);
}

int main(void)
{
    gid_t group = 50;

    show_start();
    put("/tmp/f", "");
    symlink("f", "/tmp/link");
    mkdir("/tmp/d", 0755);
    bits();
    flags();
    make("/tmp/suid0", 0);
    make("/tmp/suid65534", NOBODY);
    put("/tmp/foreign-group", "");
    chown("/tmp/foreign-group", NOBODY, 0);
    put("/tmp/extra-group", "");
    chown("/tmp/extra-group", NOBODY, 50);
    title("root writes");
    falling(0);
    title("nobody writes");
    setgroups(1, &group);
    setresgid(NOBODY, NOBODY, NOBODY);
    setresuid(NOBODY, NOBODY, NOBODY);
    falling(NOBODY);
    title("nobody changes modes");
    CALL(chmod, "/tmp/f", 0777);
    CALL(chmod, "/tmp/d", 0777);
    CALL(chmod, "/tmp/foreign-group", 02775);
    show_stat("/tmp/foreign-group");
    CALL(chmod, "/tmp/extra-group", 02775);
    show_stat("/tmp/extra-group");
    CALL(chmod, "/tmp/extra-group", 01775);
    show_stat("/tmp/extra-group");
    return 0;
}
