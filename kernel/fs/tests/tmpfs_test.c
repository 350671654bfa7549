/* SPDX-License-Identifier: MIT
 *
 * tmpfs by way of the VFS: names, links, renames, content, holes, modes.
 */
#include "kernel/fs/tests/support.h"
#include <string.h>

static char buf[20000];

static void a_new_file_holds_what_is_written(void)
{
    int fd = t_open("/a", O_CREAT | O_RDWR);
    struct inode_stat st;

    EXPECT_EQ(t_write(fd, "hello", 5), 5);
    EXPECT_EQ(t_write(fd, " world", 6), 6);
    EXPECT_EQ(t_pread(fd, buf, 100, 0), 11);
    EXPECT(memcmp(buf, "hello world", 11) == 0);
    EXPECT_EQ(t_read(fd, buf, 10), 0);
    EXPECT_EQ(t_stat("/a", &st), 0);
    EXPECT_EQ(st.size, 11);
    EXPECT_EQ(st.mode, S_IFREG | 0644);
    EXPECT_EQ(st.nlink, 1);
    EXPECT_EQ(fd_close(fd), 0);
    EXPECT_EQ(fd_close(fd), -EBADF);
    EXPECT_EQ(t_unlink("/a"), 0);
    EXPECT_EQ(t_unlink("/a"), -ENOENT);
}

static void open_flags_decide(void)
{
    EXPECT_EQ(t_open("/o", O_RDONLY), -ENOENT);
    EXPECT_EQ(t_put("/o", "text"), 0);
    EXPECT_EQ(t_open("/o", O_CREAT | O_EXCL | O_RDWR), -EEXIST);
    EXPECT_EQ(t_open("/o", O_RDONLY | O_DIRECTORY), -ENOTDIR);
    EXPECT_EQ(t_open("/o/", O_RDONLY), -ENOTDIR);
    EXPECT_EQ(t_open("/o/x", O_RDONLY), -ENOTDIR);
    EXPECT_EQ(t_open("/", O_RDWR), -EISDIR);
    int fd = t_open("/o", O_WRONLY | O_APPEND);
    EXPECT_EQ(t_write(fd, "+", 1), 1);
    EXPECT_EQ(t_read(fd, buf, 1), -EBADF);
    fd_close(fd);
    EXPECT(strcmp(t_text("/o"), "text+") == 0);
    fd = t_open("/o", O_RDONLY | O_TRUNC);
    fd_close(fd);
    EXPECT(strcmp(t_text("/o"), "") == 0);
    EXPECT_EQ(t_unlink("/o"), 0);
}

static void an_unlinked_file_lives_while_open(void)
{
    int fd = t_open("/gone", O_CREAT | O_RDWR);

    t_write(fd, "still", 5);
    EXPECT_EQ(t_unlink("/gone"), 0);
    EXPECT(!t_exists("/gone"));
    EXPECT_EQ(t_pread(fd, buf, 10, 0), 5);
    EXPECT(strcmp(t_path(fd), "/gone (deleted)") == 0);
    EXPECT_EQ(t_put("/gone", "another"), 0);
    EXPECT_EQ(t_pread(fd, buf, 10, 0), 5);
    fd_close(fd);
    EXPECT(strcmp(t_text("/gone"), "another") == 0);
    t_unlink("/gone");
}

static void hard_links_are_one_file(void)
{
    struct inode_stat a, b;

    t_put("/l1", "one");
    EXPECT_EQ(t_link("/l1", "/l2"), 0);
    EXPECT_EQ(t_link("/l1", "/l2"), -EEXIST);
    t_stat("/l1", &a);
    t_stat("/l2", &b);
    EXPECT_EQ(a.ino, b.ino);
    EXPECT_EQ(a.nlink, 2);
    t_put("/l2", "two");
    EXPECT(strcmp(t_text("/l1"), "two") == 0);
    EXPECT_EQ(t_unlink("/l1"), 0);
    t_stat("/l2", &b);
    EXPECT_EQ(b.nlink, 1);
    t_mkdir("/ld");
    EXPECT_EQ(t_link("/ld", "/le"), -EPERM);
    t_rmdir("/ld");
    t_unlink("/l2");
}

static void symbolic_links_lead_on(void)
{
    t_mkdir("/s");
    t_put("/s/f", "found");
    EXPECT_EQ(t_symlink("s/f", "/rel"), 0);
    EXPECT_EQ(t_symlink("/s", "/abs"), 0);
    EXPECT_EQ(t_symlink("loop", "/loop"), 0);
    EXPECT_EQ(t_symlink("/s/new", "/dangling"), 0);
    EXPECT(strcmp(t_text("/rel"), "found") == 0);
    EXPECT(strcmp(t_text("/abs/f"), "found") == 0);
    EXPECT(strcmp(t_text("/abs/../abs/./f"), "found") == 0);
    EXPECT_EQ(t_open("/loop", O_RDONLY), -ELOOP);
    EXPECT_EQ(t_open("/rel", O_RDONLY | O_NOFOLLOW), -ELOOP);
    EXPECT_EQ(t_open("/dangling", O_RDONLY), -ENOENT);
    EXPECT_EQ(t_open("/dangling", O_CREAT | O_EXCL | O_RDWR), -EEXIST);
    EXPECT_EQ(t_put("/dangling", "made"), 0);
    EXPECT(strcmp(t_text("/s/new"), "made") == 0);
    t_unlink("/s/new");
    t_unlink("/s/f");
    t_unlink("/rel");
    EXPECT_EQ(t_rmdir("/abs"), -ENOTDIR);
    t_unlink("/abs");
    t_unlink("/loop");
    t_unlink("/dangling");
    EXPECT_EQ(t_rmdir("/s"), 0);
}

static void directories_count_their_children(void)
{
    struct inode_stat st;

    EXPECT_EQ(t_mkdir("/d"), 0);
    EXPECT_EQ(t_mkdir("/d"), -EEXIST);
    EXPECT_EQ(t_mkdir("/d/x"), 0);
    EXPECT_EQ(t_mkdir("/d/y/"), 0);
    EXPECT_EQ(t_mkdir("/none/y"), -ENOENT);
    EXPECT(strcmp(t_list("/d"), "x y") == 0);
    t_stat("/d", &st);
    EXPECT_EQ(st.nlink, 4);
    EXPECT_EQ(t_rmdir("/d"), -ENOTEMPTY);
    EXPECT_EQ(t_unlink("/d/x"), -EISDIR);
    EXPECT_EQ(t_rmdir("/d/."), -EINVAL);
    EXPECT_EQ(t_rmdir("/d/.."), -ENOTEMPTY);
    EXPECT_EQ(t_rmdir("/d/x"), 0);
    EXPECT_EQ(t_rmdir("/d/y"), 0);
    t_stat("/d", &st);
    EXPECT_EQ(st.nlink, 2);
    EXPECT_EQ(t_rmdir("/d"), 0);
}

static void a_removed_directory_takes_no_names(void)
{
    t_mkdir("/r");
    EXPECT_EQ(t_chdir("/r"), 0);
    EXPECT_EQ(t_rmdir("/r"), 0);
    EXPECT_EQ(t_mkdir("x"), -ENOENT);
    EXPECT_EQ(t_open("f", O_CREAT | O_RDWR), -ENOENT);
    EXPECT_EQ(t_mkdir("../r"), 0);
    EXPECT_EQ(t_chdir("/"), 0);
    t_rmdir("/r");
}

static void rename_replaces_and_refuses(void)
{
    t_put("/f1", "1");
    t_put("/f2", "2");
    t_mkdir("/d1");
    t_mkdir("/d1/sub");
    t_mkdir("/d2");
    EXPECT_EQ(t_rename("/f1", "/f2", RENAME_NOREPLACE), -EEXIST);
    EXPECT_EQ(t_rename("/f1", "/d2", 0), -EISDIR);
    EXPECT_EQ(t_rename("/d1", "/f1", 0), -ENOTDIR);
    EXPECT_EQ(t_rename("/d1", "/d1/sub/x", 0), -EINVAL);
    EXPECT_EQ(t_rename("/d2", "/d1", 0), -ENOTEMPTY);
    EXPECT_EQ(t_rename("/none", "/x", 0), -ENOENT);
    EXPECT_EQ(t_rename("/f1", "/f2", 0), 0);
    EXPECT(strcmp(t_text("/f2"), "1") == 0);
    EXPECT(!t_exists("/f1"));
    EXPECT_EQ(t_rename("/d1", "/d2", 0), 0);
    EXPECT(strcmp(t_list("/d2"), "sub") == 0);
    EXPECT_EQ(t_rename("/f2", "/d2/sub/f", 0), 0);
    EXPECT(strcmp(t_text("/d2/sub/f"), "1") == 0);
    t_put("/g", "g");
    EXPECT_EQ(t_rename("/g", "/d2/sub", RENAME_EXCHANGE), 0);
    EXPECT(strcmp(t_text("/g/f"), "1") == 0);
    EXPECT(strcmp(t_text("/d2/sub"), "g") == 0);
    t_unlink("/g/f");
    t_rmdir("/g");
    t_unlink("/d2/sub");
    t_rmdir("/d2");
    EXPECT(strcmp(t_list("/"), "") == 0);
}

static void renaming_between_links_of_one_file_does_nothing(void)
{
    t_put("/x", "x");
    t_link("/x", "/y");
    EXPECT_EQ(t_rename("/x", "/y", 0), 0);
    EXPECT(t_exists("/x"));
    EXPECT(t_exists("/y"));
    t_unlink("/x");
    t_unlink("/y");
}

static void holes_read_as_zero_and_take_no_space(void)
{
    int fd = t_open("/h", O_CREAT | O_RDWR);
    struct inode_stat st;

    EXPECT_EQ(t_pwrite(fd, "end", 3, 100000), 3);
    t_stat("/h", &st);
    EXPECT_EQ(st.size, 100003);
    EXPECT_EQ(st.blocks, 8);
    memset(buf, 1, sizeof(buf));
    EXPECT_EQ(t_pread(fd, buf, sizeof(buf), 50000), (long)sizeof(buf));
    EXPECT(buf[0] == 0 && buf[sizeof(buf) - 1] == 0);
    EXPECT_EQ(t_seek(fd, 0, SEEK_DATA), 100000 / 4096 * 4096);
    EXPECT_EQ(t_seek(fd, 0, SEEK_HOLE), 0);
    EXPECT_EQ(t_seek(fd, 99000, SEEK_HOLE), 100003);
    EXPECT_EQ(t_seek(fd, 100003, SEEK_DATA), -ENXIO);
    EXPECT_EQ(t_fallocate(fd, 0, 0, 8192), 0);
    t_stat("/h", &st);
    EXPECT_EQ(st.blocks, 24);
    EXPECT_EQ(
        t_fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 200000),
        0);
    t_stat("/h", &st);
    EXPECT_EQ(st.blocks, 0);
    EXPECT_EQ(st.size, 100003);
    fd_close(fd);
    t_unlink("/h");
}

static void truncation_zeroes_what_comes_back(void)
{
    int fd = t_open("/t", O_CREAT | O_RDWR);

    memset(buf, 'x', 9000);
    t_write(fd, buf, 9000);
    EXPECT_EQ(t_truncate(fd, 4100), 0);
    EXPECT_EQ(t_truncate(fd, 9000), 0);
    EXPECT_EQ(t_pread(fd, buf, 9000, 0), 9000);
    EXPECT(buf[4099] == 'x' && buf[4100] == 0 && buf[8999] == 0);
    EXPECT_EQ(t_truncate(fd, 0), 0);
    EXPECT_EQ(t_pread(fd, buf, 10, 0), 0);
    fd_close(fd);
    t_unlink("/t");
}

static void a_file_without_a_name_can_get_one(void)
{
    int fd = t_open("/", O_TMPFILE | O_RDWR);
    struct inode_stat st;

    t_write(fd, "tmp", 3);
    inode_stat(t_file(fd)->inode, &st);
    EXPECT_EQ(st.nlink, 0);
    EXPECT(strcmp(t_list("/"), "") == 0);
    fd_close(fd);
    EXPECT_EQ(t_open("/", O_TMPFILE | O_RDONLY), -EINVAL);
}

static void permissions_are_those_of_the_mode(void)
{
    t_mkdir("/p");
    t_chmod("/p", 0755);
    t_put("/p/secret", "s");
    t_chmod("/p/secret", 0600);
    be_user(1000, 1000);
    EXPECT_EQ(t_open("/p/secret", O_RDONLY), -EACCES);
    EXPECT_EQ(t_put("/p/new", "n"), -EACCES);
    EXPECT_EQ(t_unlink("/p/secret"), -EACCES);
    EXPECT_EQ(t_chmod("/p/secret", 0644), -EPERM);
    be_root();
    t_chmod("/p", 0700);
    be_user(1000, 1000);
    EXPECT_EQ(t_open("/p/secret", O_RDONLY), -EACCES);
    be_root();
    t_chmod("/p", 01777);
    be_user(1000, 1000);
    EXPECT_EQ(t_unlink("/p/secret"), -EPERM); /* sticky */
    EXPECT_EQ(t_put("/p/mine", "m"), 0);
    EXPECT_EQ(t_unlink("/p/mine"), 0);
    be_root();
    t_unlink("/p/secret");
    t_rmdir("/p");
}

static void a_listing_survives_changes(void)
{
    char name[16];

    t_mkdir("/many");
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof(name), "/many/%03d", i);
        t_put(name, "");
    }
    const char *names = t_list("/many");
    EXPECT_EQ(strlen(names), 200 * 4 - 1);
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof(name), "/many/%03d", i);
        EXPECT_EQ(t_unlink(name), 0);
    }
    EXPECT_EQ(t_rmdir("/many"), 0);
}

static void long_names_work_and_too_long_ones_do_not(void)
{
    char path[300] = "/";

    memset(path + 1, 'n', 255);
    EXPECT_EQ(t_put(path, "long"), 0);
    EXPECT_EQ(t_rename(path, "/short", 0), 0);
    EXPECT_EQ(t_rename("/short", path, 0), 0);
    EXPECT(strcmp(t_text(path), "long") == 0);
    EXPECT_EQ(t_unlink(path), 0);
    path[256] = 'n';
    EXPECT_EQ(t_put(path, "longer"), -ENAMETOOLONG);
}

int main(void)
{
    world_start();
    RUN(a_new_file_holds_what_is_written);
    RUN(open_flags_decide);
    RUN(an_unlinked_file_lives_while_open);
    RUN(hard_links_are_one_file);
    RUN(symbolic_links_lead_on);
    RUN(directories_count_their_children);
    RUN(a_removed_directory_takes_no_names);
    RUN(rename_replaces_and_refuses);
    RUN(renaming_between_links_of_one_file_does_nothing);
    RUN(holes_read_as_zero_and_take_no_space);
    RUN(truncation_zeroes_what_comes_back);
    RUN(a_file_without_a_name_can_get_one);
    RUN(permissions_are_those_of_the_mode);
    RUN(a_listing_survives_changes);
    RUN(long_names_work_and_too_long_ones_do_not);
    return unit_result();
}
