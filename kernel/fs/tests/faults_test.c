/* SPDX-License-Identifier: MIT
 *
 * Every allocation of a scenario fails in turn: each call either works or says
 * -ENOMEM and has changed nothing; nothing leaks (the address sanitizer looks
 * at the end) and nothing is left behind.
 */
#include "kernel/fs/tests/support.h"
#include "kernel/fs/current.h"
#include "kernel/fs/event/epoll.h"
#include "kernel/fs/event/event.h"
#include "kernel/fs/event/inotify.h"
#include "kernel/fs/locks.h"
#include "kernel/fs/special.h"
#include "kernel/mm/heap.h"
#include "abi/linux/inotify.h"
#include <string.h>

static bool short_of_memory;
static char buf[20000];

/* What a call may return while memory is short. */
static long fine(long result)
{
    if (result == -ENOMEM || result == -ENOLCK) {
        short_of_memory = true;
    } else {
        EXPECT(result >= 0);
    }
    return result;
}

static void files(const char *dir)
{
    char a[64], b[64];
    int fd;

    snprintf(a, sizeof(a), "%s/a-name-too-long-to-be-kept-inside-of-a-dentry",
             dir);
    snprintf(b, sizeof(b), "%s/b", dir);
    fd = fine(t_open(a, O_CREAT | O_RDWR));
    if (fd >= 0) {
        fine(t_pwrite(fd, buf, sizeof(buf), 100));
        fine(t_truncate(fd, 5000));
        fine(t_fallocate(fd, 0, 0, 10000));
        struct flock64 fl = {.l_type = F_WRLCK};
        fine(lock_set(t_file(fd), LOCK_KIND_OFD, &fl, false));
        fd_close(fd);
        if (fine(t_rename(a, b, 0)) == 0) {
            EXPECT(!t_exists(a) || short_of_memory);
            fine(t_link(b, a));
            fine(t_setxattr(b, "user.x", "y"));
        }
    }
    snprintf(a, sizeof(a), "%s/d", dir);
    if (fine(t_mkdir(a)) == 0) {
        snprintf(b, sizeof(b), "%s/d/l", dir);
        if (fine(t_symlink("x", b)) == 0) {
            fine(t_unlink(b));
        }
        fine(t_rmdir(a));
    }
}

static void remove_all(const char *dir)
{
    char path[300], names[4096], *save, *name;

    strcpy(names, t_list(dir));
    for (name = strtok_r(names, " ", &save); name;
         name = strtok_r(NULL, " ", &save)) {
        snprintf(path, sizeof(path), "%s/%s", dir, name);
        if (t_unlink(path) == -EISDIR) {
            remove_all(path);
            EXPECT_EQ(t_rmdir(path), 0);
        }
    }
}

static void kinds(void)
{
    struct epoll_event ev = {EPOLLIN, 1};
    struct file *r, *w, *ep, *in;
    struct path root = {root_mount, root_mount->root};

    if (fine(pipe_open(O_NONBLOCK, &r, &w)) == 0) {
        struct iobuf io;

        iobuf_kernel(&io, buf, 10000);
        fine(file_write(w, &io, 0));
        if (fine(epoll_open(0, &ep)) == 0) {
            fine(epoll_control(ep, EPOLL_CTL_ADD, r, 3, &ev));
            file_put(ep);
        }
        file_put(r);
        file_put(w);
    }
    if (fine(eventfd_open(1, 0, &r)) == 0) {
        file_put(r);
    }
    if (fine(inotify_open(0, &in)) == 0) {
        fine(inotify_add(in, root.dentry->inode, IN_ALL_EVENTS));
        fine(t_put("/watched", "x"));
        t_unlink("/watched");
        file_put(in);
    }
}

/* Runs the scenario with the n-th allocation failing, for every n. */
static void in_turn(void (*scenario)(void), void (*clean)(void))
{
    unsigned n = 0;

    do {
        short_of_memory = false;
        heap_fail_after(++n);
        scenario();
        heap_fail_after(0);
        clean();
        dcache_shrink(100000);
    } while (short_of_memory && n < 2000);
    EXPECT(n > 3 && n < 2000);
}

static void tmpfs_scenario(void)
{
    files("/t");
}

static void tmpfs_clean(void)
{
    remove_all("/t");
    EXPECT(strcmp(t_list("/t"), "") == 0);
}

static void tmpfs_survives(void)
{
    t_mkdir("/t");
    in_turn(tmpfs_scenario, tmpfs_clean);
    t_rmdir("/t");
}

static void fill(void)
{
    t_mkdir("/m/low");
    t_put("/m/low/f", "lower");
    t_symlink("f", "/m/low/s");
    t_setxattr("/m/low/f", "user.a", "b");
}

static void overlay_scenario(void)
{
    struct inode_stat st;

    files("/m/low");
    fine(t_stat("/m/low/f", &st));
    fine(t_put("/m/low/f", "upper"));
    fine(t_rename("/m/low/s", "/m/s", 0));
    if (t_exists("/m/s")) {
        fine(t_rename("/m/low", "/m/high", 0));
    }
}

/* A fresh overlay for each turn. */
static void overlay_clean(void)
{
    const char *text = t_text("/m/low/f");

    EXPECT(strcmp(text, "lower") == 0 || strcmp(text, "upper") == 0 ||
           strcmp(text, "") == 0 || strcmp(text, "-2") == 0);
    world_overlay_end();
    world_overlay(fill);
}

static void overlay_survives(void)
{
    world_overlay(fill);
    in_turn(overlay_scenario, overlay_clean);
    world_overlay_end();
}

static void no_cleaning(void)
{
}

static void other_kinds_survive(void)
{
    in_turn(kinds, no_cleaning);
}

static void share(void)
{
    int fd = fine(t_open("/shared", O_CREAT | O_RDWR));

    if (fd >= 0) {
        long n = fine(t_pwrite(fd, "content", 7, 8190));

        if (fine(file_share(t_file(fd), 20000)) == 0 && n == 7) {
            EXPECT_EQ(t_pread(fd, buf, 7, 8190), 7);
            EXPECT(memcmp(buf, "content", 7) == 0);
        }
        if (n == 7) {
            EXPECT_EQ(t_pread(fd, buf, 7, 8190), 7);
            EXPECT(memcmp(buf, "content", 7) == 0);
        }
        fd_close(fd);
    }
}

static void unshare(void)
{
    t_unlink("/shared");
}

static void windows_survive(void)
{
    in_turn(share, unshare);
}

int main(void)
{
    world_start();
    RUN(tmpfs_survives);
    RUN(overlay_survives);
    RUN(other_kinds_survive);
    RUN(windows_survive);
    return unit_result();
}
