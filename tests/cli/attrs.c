/* SPDX-License-Identifier: MIT
 *
 * usage: attrs DIRECTORY. Extended attributes, access control lists, files
 * without a name, holes and fallocate(2) there. What it prints is the same on
 * every Linux file system that has them.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ACCESS  "system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"

enum { PAGE = 4096 };

static void show(const char *what, long r)
{
    if (r < 0) {
        printf("%s: %s\n", what, strerror(errno));
    } else {
        printf("%s: %ld\n", what, r);
    }
}

/* ---- attributes ---- */

static void show_names(const char *path)
{
    char names[1000];
    ssize_t n = llistxattr(path, names, sizeof(names));
    int user = 0;

    for (ssize_t at = 0; at < n; at += (ssize_t)strlen(names + at) + 1) {
        user += !strncmp(names + at, "user.", 5);
    }
    printf("names of user.: %d\n", user);
}

static void attributes(void)
{
    char big[30000], buf[30000];
    int fd = open("f", O_CREAT | O_RDWR, 0644);

    memset(big, 'b', sizeof(big));
    show("set", setxattr("f", "user.one", "1", 1, 0));
    show("set again", setxattr("f", "user.one", "22", 2, XATTR_CREATE));
    show("replace", setxattr("f", "user.one", "333", 3, XATTR_REPLACE));
    show("replace none", setxattr("f", "user.no", "3", 1, XATTR_REPLACE));
    show("by descriptor", fsetxattr(fd, "user.two", "", 0, 0));
    show("size", getxattr("f", "user.one", NULL, 0));
    show("short", getxattr("f", "user.one", buf, 2));
    show("get", fgetxattr(fd, "user.one", buf, sizeof(buf)));
    printf("%.3s\n", buf);
    show("none", getxattr("f", "user.no", buf, sizeof(buf)));
    show_names("f");
    show("remove", removexattr("f", "user.two"));
    show("remove again", removexattr("f", "user.two"));
    show("unknown", setxattr("f", "other.one", "1", 1, 0));
    show("of a link", lsetxattr("l", "user.one", "1", 1, 0));
    show("big", setxattr("f", "user.one", big, 3000, 0));
    show("big", getxattr("f", "user.one", buf, sizeof(buf)));
    printf("%d\n", memcmp(big, buf, 3000));
    show_names("f");
    unlink("f");
    show("unlinked", fgetxattr(fd, "user.one", buf, sizeof(buf)));
    close(fd);
}

/* ---- lists ---- */

struct entry {
    uint16_t tag, perm;
    uint32_t id;
};

struct list {
    uint32_t version;
    struct entry e[5];
};

static const struct list list = {2,
                                 {{0x01, 6, -1},
                                  {0x02, 4, 1234},
                                  {0x04, 0, -1},
                                  {0x10, 4, -1},
                                  {0x20, 0, -1}}};

static void show_mode(const char *path)
{
    struct stat st;

    if (stat(path, &st)) {
        perror(path);
        return;
    }
    printf("%s: mode %o\n", path, st.st_mode & 07777u);
}

static void may(const char *path)
{
    int fd;

    if (getuid() == 0 && (setegid(77) || seteuid(1234))) {
        perror("seteuid");
    }
    fd = open(path, O_RDONLY);
    show("read as 1234", fd < 0 ? -1 : 0);
    close(fd);
    if (getuid() == 0 && (seteuid(0) || setegid(0))) {
        perror("seteuid");
    }
}

static void lists(void)
{
    struct list got;
    int fd = open("a", O_CREAT | O_RDWR, 0600);

    chmod(".", 0755);
    may("a");
    show("no list", getxattr("a", ACCESS, &got, sizeof(got)));
    show("list", setxattr("a", ACCESS, &list, sizeof(list), 0));
    show("list", getxattr("a", ACCESS, &got, sizeof(got)));
    printf("%d\n", memcmp(&got, &list, sizeof(got)));
    show_mode("a");
    may("a");
    chmod("a", 0600); /* the mask */
    may("a");
    show("bad list", setxattr("a", ACCESS, &list, 20, 0));
    show("default of a file", setxattr("a", DEFAULT, &list, sizeof(list), 0));
    show("no list", removexattr("a", ACCESS));
    close(fd);
    mkdir("d", 0755);
    show("default", setxattr("d", DEFAULT, &list, sizeof(list), 0));
    close(open("d/f", O_CREAT | O_RDWR, 0666));
    mkdir("d/d", 0777);
    show_mode("d/f");
    show_mode("d/d");
    show("inherited", getxattr("d/f", ACCESS, &got, sizeof(got)));
    show("inherited", getxattr("d/d", DEFAULT, &got, sizeof(got)));
    printf("%d\n", memcmp(&got, &list, sizeof(got)));
}

/* ---- files without a name, and their content ---- */

static void give_name(int fd, const char *name)
{
    char path[32];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    show("link", linkat(AT_FDCWD, path, AT_FDCWD, name, AT_SYMLINK_FOLLOW));
}

static void nameless(void)
{
    int fd = open(".", O_TMPFILE | O_RDWR, 0640), other;
    struct stat st;

    show("write", write(fd, "text", 4));
    fstat(fd, &st);
    printf("links %d mode %o\n", (int)st.st_nlink, st.st_mode & 07777u);
    give_name(fd, "named");
    give_name(fd, "named");
    fstat(fd, &st);
    printf("links %d size %d\n", (int)st.st_nlink, (int)st.st_size);
    other = open("named", O_RDONLY);
    show("read", read(other, (char[8]){0}, 8));
    close(other);
    close(fd);
    fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0640);
    give_name(fd, "never");
    close(fd);
}

static void show_content(int fd)
{
    char buf[PAGE];
    ssize_t n;

    printf("content:");
    for (off_t at = 0; (n = pread(fd, buf, sizeof(buf), at)) > 0; at += n) {
        printf(" %d/%d", buf[0], buf[n - 1]);
    }
    printf("\n");
}

static void holes(void)
{
    int fd = open("h", O_CREAT | O_RDWR, 0644);
    char buf[PAGE];

    for (int i = 1; i <= 6; i++) {
        memset(buf, i, sizeof(buf));
        pwrite(fd, buf, sizeof(buf), (i - 1) * PAGE);
    }
    show_content(fd);
    show("punch", fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                            PAGE, 2 * PAGE));
    show_content(fd);
    show("hole", lseek(fd, 0, SEEK_HOLE));
    show("data", lseek(fd, PAGE, SEEK_DATA));
    show("past the end", lseek(fd, 6 * PAGE, SEEK_DATA));
    show("punch", fallocate(fd, FALLOC_FL_PUNCH_HOLE, PAGE, PAGE));
    show("part", fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                           3 * PAGE + 10, 100));
    show_content(fd);
    ftruncate(fd, 100 * PAGE);
    show("sparse", lseek(fd, 6 * PAGE, SEEK_DATA));
    show("unknown", fallocate(fd, 0x800, 0, PAGE));
    close(fd);
}

static void mapped(void)
{
    int fd = open("m", O_CREAT | O_RDWR, 0644);
    char *p;

    ftruncate(fd, 64 * PAGE);
    pwrite(fd, "x", 1, 63 * PAGE);
    p = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    p[40 * PAGE] = 'y';
    msync(p, 64 * PAGE, MS_SYNC);
    show("punch", fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                            63 * PAGE, PAGE));
    printf("%d %d %d\n", p[0], p[40 * PAGE], p[63 * PAGE]);
    munmap(p, 64 * PAGE);
    show("read", pread(fd, (char[1]){0}, 1, 40 * PAGE));
    close(fd);
}

int main(int argc, char **argv)
{
    if (argc != 2 || chdir(argv[1])) {
        return 2;
    }
    setvbuf(stdout, NULL, _IONBF, 0);
    umask(022);
    symlink("h", "l");
    attributes();
    lists();
    nameless();
    holes();
    mapped();
    return 0;
}
