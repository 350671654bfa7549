/* SPDX-License-Identifier: MIT
 *
 * statfs, fstatfs, ustat: names of file systems that are the same
 * everywhere, sane figures elsewhere, refusals.
 */
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include "tests/guest/show.h"

static struct statfs sf;

static void sane(const char *path)
{
    memset(&sf, 0xee, sizeof(sf));
    if (show_failed(path, RAW(statfs, path, &sf))) {
        return;
    }
    printf("%s: block %ld fragment %ld names %ld sane %d%d\n", path,
           (long)sf.f_bsize, (long)sf.f_frsize, (long)sf.f_namelen,
           sf.f_bfree <= sf.f_blocks && sf.f_bavail <= sf.f_bfree,
           sf.f_ffree <= sf.f_files);
}

static void type(const char *path)
{
    memset(&sf, 0, sizeof(sf));
    RAW(statfs, path, &sf);
    printf("%s: type %lx blocks %ld\n", path, (long)sf.f_type,
           (long)sf.f_blocks);
}

static void in_use(const char *path)
{
    RAW(statfs, path, &sf);
    printf("%s: blocks in use %d files in use %d\n", path,
           sf.f_bfree < sf.f_blocks, sf.f_ffree < sf.f_files);
}

static void changes(const char *what, const struct statfs *before)
{
    RAW(statfs, "/tmp", &sf);
    printf("%s: blocks %ld files %ld\n", what,
           (long)before->f_bfree - (long)sf.f_bfree,
           (long)before->f_ffree - (long)sf.f_ffree);
}

/* What is made is in use, and what is removed is not. */
static void use(void)
{
    static char block[4096];
    struct statfs before;

    put("/tmp/first", ""); /* the directory itself may be new with it */
    unlink("/tmp/first");
    RAW(statfs, "/tmp", &before);
    int fd = open("/tmp/use", O_RDWR | O_CREAT, 0600);
    for (int i = 0; i < 100; i++) {
        write(fd, block, sizeof(block));
    }
    changes("written", &before);
    ftruncate(fd, 5000);
    changes("truncated", &before);
    unlink("/tmp/use");
    changes("unlinked", &before);
    close(fd);
    changes("closed", &before);
    mkdir("/tmp/dir", 0700);
    mknod("/tmp/dir/fifo", S_IFIFO | 0600, 0);
    changes("directory", &before);
    unlink("/tmp/dir/fifo");
    rmdir("/tmp/dir");
    changes("removed", &before);
}

/* ustat(2) of the file system that holds a directory. */
static void by_device(const char *path)
{
    struct {
        int free;
        unsigned long inodes;
        char name[6], pack[6];
    } u;
    struct stat st;

    stat(path, &st);
    RAW(statfs, path, &sf);
    CALL(ustat, st.st_dev, &u);
    printf("%s: as statfs %d\n", path, u.inodes == sf.f_ffree);
    CALL(ustat, st.st_dev, BAD);
}

static void inode_limit(void)
{
    title("a limit of inodes");
    mkdir("/tmp/few", 0700);
    CALL(mount, "none", "/tmp/few", "tmpfs", 0, "nr_inodes=3,size=64k");
    by_device("/tmp/few");
    by_device("/");
    by_device("/proc");
    RAW(statfs, "/tmp/few", &sf);
    printf("blocks %ld of %ld, files %ld of %ld\n", (long)sf.f_bfree,
           (long)sf.f_blocks, (long)sf.f_ffree, (long)sf.f_files);
    CALL(mkdir, "/tmp/few/a", 0700);
    CALL(symlink, "x", "/tmp/few/b");
    CALL(mkdir, "/tmp/few/c", 0700);
    CALL(open, "/tmp/few/c", O_CREAT | O_RDWR, 0600);
    CALL(mount, "none", "/tmp/few", NULL, MS_REMOUNT, "nr_inodes=2");
    CALL(unlink, "/tmp/few/b");
    CALL(mkdir, "/tmp/few/c", 0700);
    rmdir("/tmp/few/c");
    rmdir("/tmp/few/a");
    CALL(mknod, "/tmp/few/a", S_IFREG | 0600, 0);
    CALL(link, "/tmp/few/a", "/tmp/few/b"); /* counts as an inode */
    CALL(link, "/tmp/few/a", "/tmp/few/c");
    RAW(statfs, "/tmp/few", &sf);
    printf("files %ld of %ld\n", (long)sf.f_ffree, (long)sf.f_files);
    CALL(rename, "/tmp/few/b", "/tmp/few/c");
    CALL(unlink, "/tmp/few/a");
    CALL(link, "/tmp/few/c", "/tmp/few/a");
    unlink("/tmp/few/a");
    unlink("/tmp/few/c");
    RAW(statfs, "/tmp/few", &sf);
    printf("files %ld of %ld\n", (long)sf.f_ffree, (long)sf.f_files);
    CALL(umount2, "/tmp/few", 0);
    rmdir("/tmp/few");
}

int main(void)
{
    struct statvfs vfs;
    struct statfs other;
    int p[2];

    show_start();
    sane("/");
    sane("/tmp");
    sane("/data/text");
    in_use("/");
    use();
    inode_limit();
    type("/proc");
    type("/proc/self/status");
    put("/tmp/f", "");
    symlink("/proc", "/tmp/link");
    type("/tmp/link");
    int fd = open("/tmp/f", O_RDONLY), path = open("/proc", O_PATH);
    CALL(fstatfs, fd, &sf);
    CALL(statfs, "/tmp/f", &other);
    printf("the same %d\n", memcmp(&sf.f_fsid, &other.f_fsid, 8) == 0 &&
                                sf.f_type == other.f_type);
    CALL(fstatfs, path, &sf);
    printf("type %lx\n", (long)sf.f_type);
    pipe(p);
    CALL(fstatfs, p[0], &sf);
    printf("type %lx\n", (long)sf.f_type);
    CALL(fstatfs, socket(AF_UNIX, SOCK_STREAM, 0), &sf);
    printf("type %lx name %ld\n", (long)sf.f_type, (long)sf.f_namelen);
    statvfs("/proc", &vfs);
    printf("readonly %d\n", !!(vfs.f_flag & ST_RDONLY));
    title("refusals");
    CALL(statfs, "/tmp/none", &sf);
    CALL(statfs, "/tmp/f/x", &sf);
    CALL(statfs, "", &sf);
    CALL(statfs, BAD, &sf);
    CALL(statfs, "/tmp", BAD);
    CALL(fstatfs, 99, &sf);
    CALL(fstatfs, fd, BAD);
    CALL(ustat, 0x7fff, &sf);
    return 0;
}
