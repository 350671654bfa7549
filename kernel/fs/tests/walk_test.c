/* SPDX-License-Identifier: MIT
 *
 * Walking paths: dots, mounts, links in the middle, openat2's restrictions,
 * getcwd's text, chroot.
 */
#include "kernel/fs/tests/support.h"
#include "kernel/fs/current.h"
#include "kernel/fs/names.h"
#include <string.h>

static struct path at(const char *path)
{
    struct path p = {NULL, NULL};

    EXPECT_EQ(path_find(NULL, path, WALK_FOLLOW, &p), 0);
    return p;
}

static int find(const struct path *start, const char *name, unsigned flags)
{
    struct path p;
    int err = path_find(start, name, flags | WALK_FOLLOW, &p);

    if (!err) {
        path_put(&p);
    }
    return err;
}

static void make_tree(void)
{
    t_mkdir("/a");
    t_mkdir("/a/b");
    t_mkdir("/a/b/c");
    t_put("/a/b/f", "f");
    t_symlink("../..", "/a/b/up");
    t_symlink("/a", "/a/b/root");
    t_symlink("c", "/a/b/d");
    t_symlink("b/f/", "/a/slash");
}

static void dots_and_slashes(void)
{
    EXPECT_EQ(find(NULL, "/a/./b/../b//c/", 0), 0);
    EXPECT_EQ(find(NULL, "/../../a", 0), 0);
    EXPECT_EQ(find(NULL, "/a/b/f/", 0), -ENOTDIR);
    EXPECT_EQ(find(NULL, "/a/b/f/.", 0), -ENOTDIR);
    EXPECT_EQ(find(NULL, "/a/b/f/..", 0), -ENOTDIR);
    EXPECT_EQ(find(NULL, "/a/slash", 0), -ENOTDIR);
    EXPECT_EQ(find(NULL, "", 0), -ENOENT);
    EXPECT_EQ(find(NULL, "", WALK_EMPTY), 0);
    EXPECT_EQ(find(NULL, "/a/b/up/a/b/up/a/b/d", 0), 0);
}

static void restrictions_hold(void)
{
    struct path b = at("/a/b");

    EXPECT_EQ(find(&b, "c/../f", WALK_BENEATH), 0);
    EXPECT_EQ(find(&b, "..", WALK_BENEATH), -EXDEV);
    EXPECT_EQ(find(&b, "up", WALK_BENEATH), -EXDEV);
    EXPECT_EQ(find(&b, "root", WALK_BENEATH), -EXDEV);
    EXPECT_EQ(find(&b, "/a", WALK_BENEATH), -EXDEV);
    EXPECT_EQ(find(&b, "../../../f", WALK_IN_ROOT), 0);
    EXPECT_EQ(find(&b, "/f", WALK_IN_ROOT), 0);
    EXPECT_EQ(find(&b, "root/b", WALK_IN_ROOT), -ENOENT);
    EXPECT_EQ(find(&b, "d", WALK_NO_LINKS), -ELOOP);
    EXPECT_EQ(find(&b, "c", WALK_NO_LINKS), 0);
    EXPECT_EQ(find(&b, "c", WALK_CACHED), 0);
    EXPECT_EQ(find(&b, "unknown", WALK_CACHED), -EAGAIN);
    path_put(&b);
}

static void mounts_are_crossed_both_ways(void)
{
    struct superblock *sb;
    struct path p = at("/a/b/c"), inside;

    t_put("/a/b/c/hidden", "h");
    EXPECT_EQ(tmpfs_mount(&sb), 0);
    EXPECT_EQ(mount_add(sb, &p, 0, NULL), 0);
    EXPECT(!t_exists("/a/b/c/hidden"));
    EXPECT_EQ(t_put("/a/b/c/new", "n"), 0);
    EXPECT(strcmp(t_text("/a/b/c/../f"), "f") == 0);
    EXPECT_EQ(find(NULL, "/a/b/c", WALK_NO_XDEV), -EXDEV);
    EXPECT_EQ(t_rename("/a/b/c/new", "/a/b/new", 0), -EXDEV);
    EXPECT_EQ(t_link("/a/b/f", "/a/b/c/f"), -EXDEV);
    EXPECT_EQ(t_rmdir("/a/b/c"), -EBUSY);
    EXPECT_EQ(t_rename("/a/b/c", "/a/b/e", 0), -EBUSY);
    EXPECT_EQ(mount_remove(&p, 0), -EINVAL);
    inside = at("/a/b/c");
    int fd = t_open("/a/b/c/new", O_RDONLY);
    EXPECT_EQ(mount_remove(&inside, 0), -EBUSY);
    fd_close(fd);
    EXPECT_EQ(mount_remove(&inside, 0), 0);
    path_put(&inside);
    EXPECT(t_exists("/a/b/c/hidden"));
    path_put(&p);
    t_unlink("/a/b/c/hidden");
}

static void bind_mounts_show_the_same_tree(void)
{
    struct path from = at("/a/b"), to;

    t_mkdir("/bound");
    to = at("/bound");
    EXPECT_EQ(mount_bind(&from, &to, 1 /* ST_RDONLY */, false), 0);
    EXPECT(strcmp(t_text("/bound/f"), "f") == 0);
    EXPECT_EQ(t_put("/bound/f", "x"), -EROFS);
    EXPECT_EQ(t_put("/a/b/f", "f"), 0);
    path_put(&to);
    to = at("/bound");
    EXPECT_EQ(mount_remove(&to, 0), 0);
    path_put(&to);
    path_put(&from);
    EXPECT_EQ(t_rmdir("/bound"), 0);
}

static struct superblock_ops ops_of_sb;
static void (*free_of_sb)(struct superblock *sb);
static bool sb_is_free;

static void note_free(struct superblock *sb)
{
    sb_is_free = true;
    free_of_sb(sb);
}

static void unmount(const char *path)
{
    struct path p = at(path);

    EXPECT_EQ(mount_remove(&p, 0), 0);
    path_put(&p);
}

/* Also when a part of it was mounted elsewhere meanwhile. */
static void nothing_stays_behind_the_last_mount(void)
{
    struct path p = at("/a/b/c"), inner, bound, used;
    struct superblock *sb;

    EXPECT_EQ(tmpfs_mount(&sb), 0);
    ops_of_sb = *sb->ops;
    free_of_sb = sb->ops->free;
    ops_of_sb.free = note_free;
    sb->ops = &ops_of_sb;
    EXPECT_EQ(mount_add(sb, &p, 0, NULL), 0);
    path_put(&p);
    t_mkdir("/a/b/c/d");
    t_mkdir("/a/b/c/d/e");
    t_put("/a/b/c/d/e/f", "f");
    t_mkdir("/bound");
    inner = at("/a/b/c/d");
    bound = at("/bound");
    EXPECT_EQ(mount_bind(&inner, &bound, 0, false), 0);
    used = at("/a/b/c/d/e");
    path_put(&inner);
    path_put(&bound);
    unmount("/bound");
    path_put(&used);
    EXPECT_EQ(t_rmdir("/bound"), 0);
    EXPECT(strcmp(t_text("/a/b/c/d/e/f"), "f") == 0);
    unmount("/a/b/c");
    EXPECT(sb_is_free);
}

static void paths_are_told_as_the_view_sees_them(void)
{
    struct path p = at("/a/b/c"), root = at("/a"), other = at("/");
    char buf[100];
    bool reached;

    EXPECT_EQ(path_string(&p, NULL, buf, sizeof(buf), NULL), 6);
    EXPECT(strcmp(buf, "/a/b/c") == 0);
    EXPECT_EQ(path_string(&p, &root, buf, sizeof(buf), &reached), 4);
    EXPECT(reached && strcmp(buf, "/b/c") == 0);
    path_string(&root, &root, buf, sizeof(buf), &reached);
    EXPECT(reached && strcmp(buf, "/") == 0);
    path_string(&other, &root, buf, sizeof(buf), &reached);
    EXPECT(!reached && strcmp(buf, "/") == 0);
    EXPECT_EQ(path_string(&p, NULL, buf, 6, NULL), -ENAMETOOLONG);
    t_rename("/a/b", "/a/renamed", 0);
    path_string(&p, NULL, buf, sizeof(buf), NULL);
    EXPECT(strcmp(buf, "/a/renamed/c") == 0);
    t_rename("/a/renamed", "/a/b", 0);
    path_put(&p);
    path_put(&root);
    path_put(&other);
}

static void a_changed_root_is_not_left(void)
{
    struct path a = at("/a"), slash = at("/");

    view_set_root(current_view(), &a);
    EXPECT(strcmp(t_text("/b/f"), "f") == 0);
    EXPECT(strcmp(t_text("/../../b/f"), "f") == 0);
    EXPECT_EQ(find(NULL, "/b/root", 0), -ENOENT); /* /a, which is not here */
    view_set_root(current_view(), &slash);
}

static void negative_names_are_remembered_rightly(void)
{
    EXPECT(!t_exists("/n"));
    EXPECT(!t_exists("/n"));
    EXPECT_EQ(t_put("/n", "1"), 0);
    EXPECT(t_exists("/n"));
    EXPECT_EQ(t_unlink("/n"), 0);
    EXPECT(!t_exists("/n"));
    EXPECT_EQ(t_mkdir("/n"), 0);
    EXPECT(!t_exists("/n/x"));
    EXPECT_EQ(t_rmdir("/n"), 0);
    EXPECT_EQ(find(NULL, "/n/x", 0), -ENOENT);
    for (int i = 0; i < 3; i++) {
        dcache_shrink(1000000);
        EXPECT(t_exists("/a/b/f"));
    }
}

int main(void)
{
    world_start();
    make_tree();
    RUN(dots_and_slashes);
    RUN(restrictions_hold);
    RUN(mounts_are_crossed_both_ways);
    RUN(bind_mounts_show_the_same_tree);
    RUN(nothing_stays_behind_the_last_mount);
    RUN(paths_are_told_as_the_view_sees_them);
    RUN(a_changed_root_is_not_left);
    RUN(negative_names_are_remembered_rightly);
    return unit_result();
}
