/* SPDX-License-Identifier: MIT
 *
 * The overlay: what the lower has shows, changes stay in the upper, numbers
 * stay the same, and nothing comes back that was removed.
 */
#include "kernel/fs/tests/support.h"
#include <string.h>

static char buf[10000];

static void fill(void)
{
    t_mkdir("/m/dir");
    t_put("/m/dir/a", "lower a");
    t_put("/m/dir/b", "lower b");
    t_mkdir("/m/dir/sub");
    t_put("/m/dir/sub/deep", "deep");
    t_put("/m/file", "lower");
    t_link("/m/file", "/m/twin");
    t_symlink("dir/a", "/m/link");
    t_setxattr("/m/file", "user.kept", "yes");
}

static void the_lower_shows_through(void)
{
    world_overlay(fill);
    EXPECT(strcmp(t_list("/m"), "dir file link twin") == 0);
    EXPECT(strcmp(t_text("/m/file"), "lower") == 0);
    EXPECT(strcmp(t_text("/m/link"), "lower a") == 0);
    EXPECT(strcmp(t_text("/m/dir/sub/deep"), "deep") == 0);
    world_overlay_end();
}

static void writing_copies_up_and_keeps_the_number(void)
{
    struct inode_stat before, after;
    int reader;

    world_overlay(fill);
    t_stat("/m/file", &before);
    reader = t_open("/m/file", O_RDONLY);
    EXPECT_EQ(t_put("/m/file", "upper"), 0);
    EXPECT(strcmp(t_text("/m/file"), "upper") == 0);
    EXPECT_EQ(t_pread(reader, buf, 10, 0), 5);
    EXPECT(memcmp(buf, "upper", 5) ==
           0); /* opened before, sees it all the same */
    t_stat("/m/file", &after);
    EXPECT_EQ(after.ino, before.ino);
    EXPECT_EQ(after.nlink, 2);
    EXPECT(strcmp(t_text("/m/twin"), "upper") == 0);
    fd_close(reader);
    dcache_shrink(100000); /* the copy has no name, and is still found */
    EXPECT(strcmp(t_text("/m/file"), "upper") == 0);
    EXPECT_EQ(t_setxattr("/m/file", "user.new", "n"), 0);
    world_overlay_end();
}

static void removed_names_stay_removed(void)
{
    world_overlay(fill);
    EXPECT_EQ(t_unlink("/m/dir/a"), 0);
    EXPECT(!t_exists("/m/dir/a"));
    dcache_shrink(100000);
    EXPECT(!t_exists("/m/dir/a"));
    EXPECT(strcmp(t_list("/m/dir"), "b sub") == 0);
    EXPECT_EQ(t_put("/m/dir/a", "new"), 0);
    EXPECT(strcmp(t_text("/m/dir/a"), "new") == 0);
    EXPECT(strcmp(t_list("/m/dir"), "a b sub") == 0);
    EXPECT_EQ(t_unlink("/m/dir/a"), 0);
    dcache_shrink(100000);
    EXPECT(!t_exists("/m/dir/a"));
    world_overlay_end();
}

static void a_directory_made_anew_is_empty(void)
{
    struct inode_stat st;

    world_overlay(fill);
    EXPECT_EQ(t_rmdir("/m/dir"), -ENOTEMPTY);
    EXPECT_EQ(t_unlink("/m/dir/a"), 0);
    EXPECT_EQ(t_unlink("/m/dir/b"), 0);
    EXPECT_EQ(t_unlink("/m/dir/sub/deep"), 0);
    t_stat("/m/dir", &st);
    EXPECT_EQ(st.nlink, 3);
    EXPECT_EQ(t_rmdir("/m/dir/sub"), 0);
    t_stat("/m/dir", &st);
    EXPECT_EQ(st.nlink, 2);
    EXPECT_EQ(t_rmdir("/m/dir"), 0);
    dcache_shrink(100000);
    EXPECT(!t_exists("/m/dir"));
    EXPECT_EQ(t_mkdir("/m/dir"), 0);
    dcache_shrink(100000);
    EXPECT(strcmp(t_list("/m/dir"), "") == 0);
    EXPECT(!t_exists("/m/dir/a"));
    world_overlay_end();
}

static void lower_directories_can_be_renamed(void)
{
    struct inode_stat before, after;

    world_overlay(fill);
    t_stat("/m/dir/sub/deep", &before);
    EXPECT_EQ(t_rename("/m/dir", "/m/moved", 0), 0);
    dcache_shrink(100000);
    EXPECT(!t_exists("/m/dir"));
    EXPECT(strcmp(t_list("/m/moved"), "a b sub") == 0);
    EXPECT(strcmp(t_text("/m/moved/sub/deep"), "deep") == 0);
    t_stat("/m/moved/sub/deep", &after);
    EXPECT_EQ(after.ino, before.ino);
    EXPECT_EQ(t_unlink("/m/moved/a"), 0);
    EXPECT(strcmp(t_list("/m/moved"), "b sub") == 0);
    EXPECT_EQ(t_rename("/m/moved/sub", "/m/moved/b", 0), -ENOTDIR);
    EXPECT_EQ(t_rename("/m/moved/b", "/m/b", 0), 0);
    EXPECT(strcmp(t_text("/m/b"), "lower b") == 0);
    EXPECT_EQ(t_rename("/m/moved", "/m/dir", 0), 0);
    dcache_shrink(100000);
    EXPECT(strcmp(t_list("/m/dir"), "sub") == 0);
    EXPECT_EQ(t_unlink("/m/dir/sub/deep"), 0);
    EXPECT_EQ(t_rmdir("/m/dir/sub"), 0);
    EXPECT_EQ(t_rmdir("/m/dir"), 0);
    EXPECT(strcmp(t_list("/m"), "b file link twin") == 0);
    world_overlay_end();
}

static void exchange_works_across_layers(void)
{
    world_overlay(fill);
    t_put("/m/up", "up");
    EXPECT_EQ(t_rename("/m/up", "/m/dir", RENAME_EXCHANGE), 0);
    dcache_shrink(100000);
    EXPECT(strcmp(t_text("/m/dir"), "up") == 0);
    EXPECT(strcmp(t_list("/m/up"), "a b sub") == 0);
    EXPECT_EQ(t_rename("/m/file", "/m/up/a", RENAME_EXCHANGE), 0);
    EXPECT(strcmp(t_text("/m/file"), "lower a") == 0);
    EXPECT(strcmp(t_text("/m/up/a"), "lower") == 0);
    EXPECT(strcmp(t_text("/m/twin"), "lower") == 0);
    world_overlay_end();
}

static void links_of_the_lower_stay_links(void)
{
    struct inode_stat st;

    world_overlay(fill);
    EXPECT_EQ(t_unlink("/m/file"), 0);
    dcache_shrink(100000);
    t_stat("/m/twin", &st);
    EXPECT_EQ(st.nlink, 1);
    EXPECT_EQ(t_link("/m/twin", "/m/third"), 0);
    t_put("/m/third", "3");
    EXPECT(strcmp(t_text("/m/twin"), "3") == 0);
    t_stat("/m/twin", &st);
    EXPECT_EQ(st.nlink, 2);
    EXPECT_EQ(t_unlink("/m/twin"), 0);
    EXPECT_EQ(t_unlink("/m/third"), 0);
    EXPECT(strcmp(t_list("/m"), "dir link") == 0);
    world_overlay_end();
}

static void a_removed_open_file_can_still_change(void)
{
    struct inode_stat st;
    int fd;

    world_overlay(fill);
    fd = t_open("/m/dir/a", O_RDONLY);
    EXPECT_EQ(t_unlink("/m/dir/a"), 0);
    EXPECT_EQ(t_pread(fd, buf, 100, 0), 7);
    inode_stat(t_file(fd)->inode, &st);
    EXPECT_EQ(st.nlink, 0);
    EXPECT_EQ(t_truncate(fd, 3), 0);
    EXPECT_EQ(t_pread(fd, buf, 100, 0), 3);
    fd_close(fd);
    world_overlay_end();
}

static void links_and_modes_copy_up(void)
{
    struct inode_stat st;

    world_overlay(fill);
    EXPECT_EQ(t_rename("/m/link", "/m/dir/link", 0), 0);
    EXPECT_EQ(t_lstat("/m/dir/link", &st), 0);
    EXPECT(S_ISLNK(st.mode));
    EXPECT_EQ(t_symlink("a", "/m/dir/new"), 0);
    EXPECT(strcmp(t_text("/m/dir/new"), "lower a") == 0);
    EXPECT_EQ(t_chmod("/m/file", 0600), 0);
    dcache_shrink(100000);
    t_stat("/m/file", &st);
    EXPECT_EQ(st.mode, S_IFREG | 0600);
    EXPECT(strcmp(t_text("/m/file"), "lower") == 0);
    EXPECT_EQ(t_mknod("/m/white", S_IFCHR | 0600, 0), -EPERM);
    world_overlay_end();
}

int main(void)
{
    world_start();
    RUN(the_lower_shows_through);
    RUN(writing_copies_up_and_keeps_the_number);
    RUN(removed_names_stay_removed);
    RUN(a_directory_made_anew_is_empty);
    RUN(lower_directories_can_be_renamed);
    RUN(exchange_works_across_layers);
    RUN(links_of_the_lower_stay_links);
    RUN(a_removed_open_file_can_still_change);
    RUN(links_and_modes_copy_up);
    return unit_result();
}
