/* SPDX-License-Identifier: MIT
 *
 * chown, fchown, lchown, fchownat: ids that stay, links, set-id bits that
 * go, and what an owner without privilege may do.
 */
#include <grp.h>
#include "tests/guest/show.h"

static void ids(void)
{
    int fd = open("/tmp/f", O_RDONLY), path = open("/tmp/f", O_PATH);

    title("ids");
    CALL(chown, "/tmp/f", 10, 20);
    show_stat("/tmp/f");
    CALL(chown, "/tmp/f", -1, 21);
    show_stat("/tmp/f");
    CALL(chown, "/tmp/f", 11, -1);
    show_stat("/tmp/f");
    CALL(chown, "/tmp/f", -1, -1);
    CALL(fchown, fd, 0x7fffffff, 0xfffffffe);
    show_stat("/tmp/f");
    CALL(fchown, fd, 12, 22);
    CALL(fchown, path, 0, 0);
    CALL(fchown, 99, 0, 0);
    CALL(chown, "/tmp/link", 13, 23);
    CALL(lchown, "/tmp/link", 14, 24);
    show_stat("/tmp/f");
    show_stat("/tmp/link");
    CALL(fchownat, AT_FDCWD, "/tmp/link", 15, 25, 0);
    CALL(fchownat, AT_FDCWD, "/tmp/link", 16, 26, AT_SYMLINK_NOFOLLOW);
    show_stat("/tmp/f");
    show_stat("/tmp/link");
    CALL(fchownat, fd, "", 17, 27, AT_EMPTY_PATH);
    show_stat("/tmp/f");
    CALL(fchownat, path, "", 18, 28, AT_EMPTY_PATH);
    show_stat("/tmp/f");
    CALL(fchownat, fd, "", 17, 27, 0);
    CALL(fchownat, AT_FDCWD, "/tmp/f", 0, 0, 1);
    CALL(fchownat, 99, "f", 0, 0, 0);
    CALL(chown, "/tmp/none", 0, 0);
    CALL(chown, "/tmp/f/x", 0, 0);
    CALL(chown, "", 0, 0);
    CALL(lchown, BAD, 0, 0);
    close(fd);
    close(path);
}

static void set_id(void)
{
    title("set-id bits");
    chmod("/tmp/f", 06755);
    CALL(chown, "/tmp/f", 1, 1);
    show_stat("/tmp/f");
    chmod("/tmp/f", 02745);
    CALL(chown, "/tmp/f", 1, 1);
    show_stat("/tmp/f");
    chmod("/tmp/d", 06755);
    CALL(chown, "/tmp/d", 1, 1);
    show_stat("/tmp/d");
}

static void as_nobody(void)
{
    gid_t extra = 50;

    title("nobody");
    put("/tmp/own", "");
    CALL(chown, "/tmp/own", NOBODY, NOBODY);
    setgroups(1, &extra);
    setresgid(NOBODY, NOBODY, NOBODY);
    setresuid(NOBODY, NOBODY, NOBODY);
    chmod("/tmp/own", 06755);
    CALL(chown, "/tmp/own", NOBODY, -1);
    show_stat("/tmp/own");
    chmod("/tmp/own", 06755);
    CALL(chown, "/tmp/own", -1, 50);
    show_stat("/tmp/own");
    CALL(chown, "/tmp/own", -1, NOBODY);
    CALL(chown, "/tmp/own", -1, 0);
    CALL(chown, "/tmp/own", 0, -1);
    CALL(chown, "/tmp/own", -1, -1);
    CALL(chown, "/tmp/f", NOBODY, -1);
    CALL(chown, "/tmp/f", -1, NOBODY);
    CALL(chown, "/tmp/f", -1, -1);
    CALL(chown, "/tmp/f", 1, 1);
    show_stat("/tmp/own");
}

int main(void)
{
    show_start();
    put("/tmp/f", "");
    symlink("f", "/tmp/link");
    mkdir("/tmp/d", 0755);
    ids();
    set_id();
    as_nobody();
    return 0;
}
