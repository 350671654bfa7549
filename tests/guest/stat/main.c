/* SPDX-License-Identifier: MIT
 *
 * stat, lstat, fstat, newfstatat: what they say of every kind of file, which
 * links they follow, flags and refusals.
 */
#include <sys/sysmacros.h>
#include "tests/guest/show.h"

static struct stat st, other;

static void print(const char *what, long r)
{
    if (show_failed(what, r)) {
        return;
    }
    printf("%s: mode %o links %lu owner %u:%u block %ld", what, st.st_mode,
           (unsigned long)st.st_nlink, st.st_uid, st.st_gid,
           (long)st.st_blksize);
    if (S_ISCHR(st.st_mode)) {
        printf(" device %u:%u", major(st.st_rdev), minor(st.st_rdev));
    } else if (!S_ISDIR(st.st_mode)) {
        printf(" size %lld blocks %lld", (long long)st.st_size,
               (long long)st.st_blocks);
    }
    printf("\n");
}

#define STAT(name, ...)                                                        \
    print(#name "(" #__VA_ARGS__ ")", RAW(name, __VA_ARGS__))

static void kinds(void)
{
    char *text = calloc(1, 10000);

    title("kinds");
    memset(text, 'x', 9999);
    put("/tmp/f", text);
    put("/tmp/empty", "");
    symlink("f", "/tmp/link");
    symlink("none", "/tmp/dangling");
    mkfifo("/tmp/fifo", 0600);
    STAT(stat, "/tmp/f", &st);
    STAT(stat, "/tmp/empty", &st);
    STAT(stat, "/tmp/link", &st);
    STAT(lstat, "/tmp/link", &st);
    STAT(stat, "/tmp/dangling", &st);
    STAT(lstat, "/tmp/dangling", &st);
    STAT(stat, "/tmp/fifo", &st);
    STAT(stat, "/dev/null", &st);
    STAT(stat, "/dev/zero", &st);
    STAT(stat, "/dev/full", &st);
    STAT(stat, "/dev/random", &st);
    STAT(stat, "/dev/urandom", &st);
    STAT(stat, "/dev/tty", &st);
    STAT(fstat, 0, &st);
    show_stat("/data/text");
    show_stat("/data/tree/a/link");
    lstat("/data/text", &st);
    printf("mtime %lld.%ld\n", (long long)st.st_mtim.tv_sec,
           st.st_mtim.tv_nsec);
    free(text);
}

static void descriptors(void)
{
    int p[2];

    title("descriptors");
    int fd = open("/tmp/f", O_RDONLY), path = open("/tmp/link", O_PATH);
    int link = open("/tmp/link", O_PATH | O_NOFOLLOW);
    pipe(p);
    STAT(fstat, fd, &st);
    STAT(fstat, path, &st);
    STAT(fstat, link, &st);
    RAW(fstat, p[0], &st);
    RAW(fstat, p[1], &other);
    printf("pipe mode %o, one file %d\n", st.st_mode,
           st.st_ino == other.st_ino && st.st_dev == other.st_dev);
    STAT(fstat, 99, &st);
    STAT(fstat, -1, &st);
    STAT(fstat, AT_FDCWD, &st);
    RAW(fstat, fd, &st);
    RAW(stat, "/tmp/link", &other);
    printf("by descriptor and name the same %d\n",
           memcmp(&st, &other, sizeof(st)) == 0);
}

static void at(void)
{
    int dir = open("/tmp", O_RDONLY), fd = open("/tmp/f", O_RDONLY);

    title("newfstatat");
    STAT(newfstatat, dir, "link", &st, 0);
    STAT(newfstatat, dir, "link", &st, AT_SYMLINK_NOFOLLOW);
    STAT(newfstatat, fd, "", &st, AT_EMPTY_PATH);
    STAT(newfstatat, fd, "", &st, 0);
    STAT(newfstatat, 99, "", &st, AT_EMPTY_PATH);
    STAT(newfstatat, 99, "f", &st, 0);
    STAT(newfstatat, 99, "/tmp/f", &st, 0);
    STAT(newfstatat, fd, "f", &st, 0);
    STAT(newfstatat, dir, "f", &st, AT_NO_AUTOMOUNT);
    STAT(newfstatat, dir, "f", &st, 1);
    STAT(newfstatat, dir, "f", &st, 0x20000);
    STAT(newfstatat, dir, "f/", &st, 0);
    STAT(newfstatat, dir, "link/", &st, AT_SYMLINK_NOFOLLOW);
    STAT(stat, "/tmp/f", BAD);
    STAT(lstat, "/tmp/none", BAD);
    STAT(fstat, fd, BAD);
    STAT(newfstatat, dir, BAD, &st, 0);
    close(dir);
    close(fd);
}

/* Times move as they should: relatime is the mount's, so not atime. */
static long long changed(struct timespec *ts)
{
    return ts->tv_sec * 1000000000ll + ts->tv_nsec;
}

static void look(const char *what)
{
    struct stat now;

    stat("/tmp/t", &now);
    printf("%s: mtime %d ctime %d\n", what,
           changed(&now.st_mtim) > changed(&st.st_mtim),
           changed(&now.st_ctim) > changed(&st.st_ctim));
    stat("/tmp/t", &st);
    usleep(30000);
}

static void times(void)
{
    title("times");
    put("/tmp/t", "x");
    int fd = open("/tmp/t", O_RDWR);
    stat("/tmp/t", &st);
    usleep(30000);
    look("nothing");
    write(fd, "y", 1);
    look("write");
    ftruncate(fd, 1);
    look("ftruncate to the same size");
    ftruncate(fd, 5);
    look("ftruncate");
    truncate("/tmp/t", 5);
    look("truncate to the same size");
    fchmod(fd, 0600);
    look("fchmod");
    link("/tmp/t", "/tmp/t2");
    look("link");
    unlink("/tmp/t2");
    look("unlink");
    rename("/tmp/t", "/tmp/t2");
    rename("/tmp/t2", "/tmp/t");
    look("rename");
    write(fd, "", 0);
    look("write of nothing");
    read(fd, &other, 1);
    look("read");
    close(open("/tmp/t", O_WRONLY | O_TRUNC));
    look("O_TRUNC");
    close(open("/tmp/t", O_WRONLY | O_TRUNC));
    look("O_TRUNC of nothing");
    mkdir("/tmp/t3", 0755);
    look("a neighbour");
    close(fd);
}

int main(void)
{
    show_start();
    kinds();
    descriptors();
    at();
    times();
    return 0;
}
