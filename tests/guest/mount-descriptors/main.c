/* SPDX-License-Identifier: MIT
 *
 * open_tree, move_mount, mount_setattr and open_tree_attr: trees that only a
 * descriptor knows, what becomes of them, attributes, errors. What is newer
 * than Linux 5.15 is shown by words alone where it is not there.
 */
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include "tests/guest/newer.h"
#include "tests/guest/show.h"

#define OPEN_TREE      428
#define MOVE_MOUNT     429
#define MOUNT_SETATTR  442
#define OPEN_TREE_ATTR 467

#define RECURSIVE 0x8000
#define CLONE     1
#define F_EMPTY   4
#define T_EMPTY   0x40
#define SET_GROUP 0x100
#define BENEATH   0x200

struct attr {
    uint64_t set, clear, propagation, userns;
};

static long tree(int dir, const char *path, unsigned flags)
{
    errno = 0;
    return syscall(OPEN_TREE, dir, path, flags);
}

static long move(int from, const char *path, int to, const char *at,
                 unsigned flags)
{
    errno = 0;
    return syscall(MOVE_MOUNT, from, path, to, at, flags);
}

static long attr(const char *path, unsigned flags, uint64_t set, uint64_t clear,
                 uint64_t propagation)
{
    struct attr a = {set, clear, propagation, 0};

    errno = 0;
    return syscall(MOUNT_SETATTR, AT_FDCWD, path, flags, &a, sizeof(a));
}

static void info(void)
{
    char line[1024], point[256], options[128];
    FILE *f = fopen("/proc/self/mountinfo", "r");

    while (f && fgets(line, sizeof(line), f)) {
        if (sscanf(line, "%*d %*d %*s %*s %255s %127s", point, options) == 2 &&
            !strncmp(point, "/tmp/p/", 7)) {
            printf("  %s %s\n", point, options);
        }
    }
    if (f) {
        fclose(f);
    }
}

static void begin(const char *what)
{
    title(what);
    mkdir("/tmp/p", 0755);
    umount2("/tmp/p", MNT_DETACH);
    mount("t", "/tmp/p", "tmpfs", 0, NULL);
    mkdir("/tmp/p/a", 0755);
    mkdir("/tmp/p/b", 0755);
    mkdir("/tmp/p/c", 0755);
    mount("t", "/tmp/p/a", "tmpfs", 0, NULL);
    mkdir("/tmp/p/a/in", 0755);
    put("/tmp/p/a/file", "in a");
    mount("t", "/tmp/p/a/in", "tmpfs", 0, NULL);
    put("/tmp/p/a/in/file", "in in");
}

static void read_at(int dir, const char *path)
{
    char text[64];
    int fd = openat(dir, path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

    printf("%s by descriptor: [%.*s] %s\n", path, n < 0 ? 0 : (int)n, text,
           fd < 0 ? strerrorname_np(errno) : "");
    close(fd);
}

static void clones(void)
{
    int fd;

    begin("clones");
    fd = tree(AT_FDCWD, "/tmp/p/a", CLONE | O_CLOEXEC);
    EXPECT(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC &&
           fcntl(fd, F_GETFL) & O_PATH);
    read_at(fd, "file");
    read_at(fd, "in/file");
    info();
    SHOW(move(fd, "", AT_FDCWD, "/tmp/p/b", F_EMPTY));
    info();
    SHOW(move(fd, "", AT_FDCWD, "/tmp/p/c", F_EMPTY));
    info();
    close(fd);
    cat("/tmp/p/c/file");
    SHOW(umount("/tmp/p/c"));
    fd = tree(AT_FDCWD, "/tmp/p/a", CLONE | RECURSIVE);
    EXPECT(fcntl(fd, F_GETFD) == 0);
    read_at(fd, "in/file");
    SHOW(move(fd, "", AT_FDCWD, "/tmp/p/b", F_EMPTY));
    close(fd);
    info();
    SHOW(umount("/tmp/p/b"));
    SHOW(umount2("/tmp/p/b", MNT_DETACH));
    fd = tree(AT_FDCWD, "/tmp/p/a", CLONE | RECURSIVE);
    close(fd);
    info();
    fd = tree(AT_FDCWD, "/tmp/p/a/in", 0);
    read_at(fd, "file");
    SHOW(move(fd, "", AT_FDCWD, "/tmp/p/b", F_EMPTY));
    close(fd);
    info();
    SHOW(umount("/tmp/p/a"));
    fd = tree(AT_FDCWD, "/tmp/p/b/file", CLONE);
    SHOW(move(fd, "", AT_FDCWD, "/tmp/p/c", F_EMPTY));
    put("/tmp/p/plain", "");
    SHOW(move(fd, "", AT_FDCWD, "/tmp/p/plain", F_EMPTY));
    cat("/tmp/p/plain");
    close(fd);
    SHOW(umount("/tmp/p/plain"));
}

static void errors(void)
{
    int fd;

    begin("errors");
    SHOW(tree(AT_FDCWD, "/tmp/p/a", RECURSIVE));
    SHOW(tree(AT_FDCWD, "/tmp/p/a", 2));
    SHOW(tree(AT_FDCWD, "/tmp/p/none", CLONE));
    SHOW(tree(AT_FDCWD, BAD, CLONE));
    SHOW(tree(99, "a", 0));
    SHOW(tree(99, "", AT_EMPTY_PATH));
    SHOW(move(AT_FDCWD, "/tmp/p/a", AT_FDCWD, "/tmp/p/b", 8));
    SHOW(move(AT_FDCWD, "/tmp/p/a", AT_FDCWD, "/tmp/p/b", 0x400));
    SHOW(move(AT_FDCWD, "/tmp/p/none", AT_FDCWD, "/tmp/p/b", 0));
    SHOW(move(AT_FDCWD, "/tmp/p/a", AT_FDCWD, "/tmp/p/none", 0));
    SHOW(move(AT_FDCWD, "/tmp/p/b", AT_FDCWD, "/tmp/p/c", 0));
    SHOW(move(AT_FDCWD, "/tmp/p/a", AT_FDCWD, "/tmp/p/a/in", 0));
    SHOW(move(AT_FDCWD, "/tmp/p/a/in", AT_FDCWD, "/tmp/p/a/file", 0));
    SHOW(move(AT_FDCWD, "", AT_FDCWD, "/tmp/p/b", 0));
    SHOW(move(99, "", AT_FDCWD, "/tmp/p/b", F_EMPTY));
    mount("", "/tmp/p/a", "", MS_SHARED, NULL);
    SHOW(move(AT_FDCWD, "/tmp/p/a/in", AT_FDCWD, "/tmp/p/b", 0));
    SHOW(move(AT_FDCWD, "/tmp/p/a", AT_FDCWD, "/tmp/p/b", 0));
    mount("", "/tmp/p/b", "", MS_UNBINDABLE, NULL);
    SHOW(tree(AT_FDCWD, "/tmp/p/b", CLONE));
    mount("", "/tmp/p/b", "", MS_PRIVATE, NULL);
    fd = tree(AT_FDCWD, "/tmp/p/b", CLONE);
    dup2(fd, 20);
    SHOW(mount("t", "/proc/self/fd/20", "tmpfs", 0, NULL));
    SHOW(umount2("/proc/self/fd/20", MNT_DETACH));
    close(fd);
    close(20);
    if (!fork()) {
        SHOW(setresuid(NOBODY, NOBODY, NOBODY));
        SHOW(tree(AT_FDCWD, "/tmp/p/b", CLONE));
        EXPECT(tree(AT_FDCWD, "/tmp/p/b", 0) >= 0);
        SHOW(move(AT_FDCWD, "/tmp/p/b", AT_FDCWD, "/tmp/p/c", 8));
        SHOW(attr("/tmp/p/b", 0, 1, 0, 0));
        _exit(0);
    }
    wait(NULL);
}

static void attributes(void)
{
    struct statvfs v;
    struct attr a = {1, 0, 0, 0};

    begin("attributes");
    SHOW(attr("/tmp/p/a", 0, 1 | 2, 0, 0));
    info();
    put("/tmp/p/a/new", "x");
    SHOW(attr("/tmp/p/a", RECURSIVE, 4 | 8 | 0x80, 1, 0));
    info();
    SHOW(attr("/tmp/p/a", 0, 0x10, 0x70, 0));
    info();
    SHOW(attr("/tmp/p/a", 0, 0x20, 0x70, 0));
    info();
    SHOW(attr("/tmp/p/a", 0, 0, 0x70, 0));
    info();
    SHOW(attr("/tmp/p/a", 0, 0x200000, 0, 0));
    symlink("file", "/tmp/p/a/link");
    cat("/tmp/p/a/link");
    SHOW(readlink("/tmp/p/a/link", (char[8]){0}, 8));
    SHOW(statvfs("/tmp/p/a", &v));
    EXPECT(v.f_flag & 8192);
    info();
    SHOW(attr("/tmp/p/a", 0, 0, 0x200000, MS_SHARED));
    cat("/tmp/p/a/link");
    SHOW(attr("/tmp/p/a", 0, 0, 0, MS_SHARED | MS_PRIVATE));
    SHOW(attr("/tmp/p/a", 0, 0, 0, MS_BIND));
    SHOW(attr("/tmp/p/a", 0, 0x10, 0, 0));
    SHOW(attr("/tmp/p/a", 0, 0, 0x10, 0));
    SHOW(attr("/tmp/p/a", 0, 0x30, 0x70, 0));
    SHOW(attr("/tmp/p/a", 0, 0x400000, 0, 0));
    SHOW(attr("/tmp/p/a", 0, 0, 0x100000, 0));
    SHOW(attr("/tmp/p/b", 0, 1, 0, 0));
    SHOW(attr("/tmp/p/none", 0, 1, 0, 0));
    SHOW(attr("/tmp/p/none", 0, 0, 0, 0));
    SHOW(attr("/tmp/p/a", 2, 1, 0, 0));
    SHOW(syscall(MOUNT_SETATTR, AT_FDCWD, "/tmp/p/a", 0, &a, 31));
    SHOW(syscall(MOUNT_SETATTR, AT_FDCWD, "/tmp/p/a", 0, &a, 5000));
    SHOW(syscall(MOUNT_SETATTR, AT_FDCWD, "/tmp/p/a", 0, BAD, sizeof(a)));
    a = (struct attr){0x100000, 0, 0, 99};
    SHOW(syscall(MOUNT_SETATTR, AT_FDCWD, "/tmp/p/a", 0, &a, sizeof(a)));
    a.userns = open("/tmp/p/a/file", O_RDONLY);
    SHOW(syscall(MOUNT_SETATTR, AT_FDCWD, "/tmp/p/a", 0, &a, sizeof(a)));
    close(a.userns);
}

/* Linux 5.15, 6.5, 6.15. */
static void newer(void)
{
    struct attr a = {1, 0, 0, 0};
    int fd, other;

    begin("newer");
    old = older_than(5, 15);
    mount("/tmp/p/a", "/tmp/p/b", NULL, MS_BIND, NULL);
    mount("", "/tmp/p/a", "", MS_SHARED, NULL);
    must("group", !move(AT_FDCWD, "/tmp/p/a", AT_FDCWD, "/tmp/p/b", SET_GROUP));
    mkdir("/tmp/p/a/new", 0755);
    mount("t", "/tmp/p/a/new", "tmpfs", 0, NULL);
    put("/tmp/p/a/new/file", "");
    must("propagated", !access("/tmp/p/b/new/file", F_OK));
    must("group again",
         move(AT_FDCWD, "/tmp/p/a", AT_FDCWD, "/tmp/p/b", SET_GROUP) &&
             errno == EINVAL);
    begin("beneath");
    old = older_than(6, 5);
    fd = tree(AT_FDCWD, "/tmp/p/a/in", CLONE);
    must("beneath", !move(fd, "", AT_FDCWD, "/tmp/p/a", F_EMPTY | BENEATH));
    must("above", !access("/tmp/p/a/in/file", F_OK));
    must("goes", !umount2("/tmp/p/a", MNT_DETACH));
    must("below",
         !access("/tmp/p/a/file", F_OK) && access("/tmp/p/a/in", F_OK));
    must("no mount", move(fd, "", AT_FDCWD, "/tmp/p/b", F_EMPTY | BENEATH));
    must("itself", move(AT_FDCWD, "/tmp/p/a", AT_FDCWD, "/tmp/p/a", BENEATH) &&
                       (old || errno == EINVAL));
    close(fd);
    begin("adrift");
    old = older_than(6, 15);
    fd = tree(AT_FDCWD, "/tmp/p/a", CLONE);
    other = tree(AT_FDCWD, "/tmp/p/a/in", CLONE);
    must("onto it", !move(other, "", fd, "in", F_EMPTY));
    must("seen", old || !faccessat(fd, "in/file", F_OK, 0));
    must("no root",
         move(other, "", AT_FDCWD, "/tmp/p/b", F_EMPTY) && errno == EINVAL);
    must("copy",
         syscall(OPEN_TREE_ATTR, fd, "", AT_EMPTY_PATH | CLONE | RECURSIVE, &a,
                 sizeof(a)) == other + 1);
    must("read-only", openat(other + 1, "new", O_CREAT | O_WRONLY, 0644) < 0 &&
                          (old || errno == EROFS));
    must("attached", !move(fd, "", AT_FDCWD, "/tmp/p/b", F_EMPTY));
    must("both", old || !access("/tmp/p/b/in/file", F_OK));
}

/* What leaves the directory that a mount shows leads nowhere up. */
static void moved_out(void)
{
    int fd;

    begin("moved out");
    mkdir("/tmp/p/x", 0755);
    mkdir("/tmp/p/x/shown", 0755);
    mkdir("/tmp/p/x/shown/in", 0755);
    mkdir("/tmp/p/x/shown/in/deep", 0755);
    mkdir("/tmp/p/y", 0755);
    must("bound", !mount("/tmp/p/x/shown", "/tmp/p/y", NULL, MS_BIND, NULL));
    fd = open("/tmp/p/y/in", O_RDONLY | O_DIRECTORY);
    must("up", !faccessat(fd, "../in", F_OK, 0));
    must("moved", !rename("/tmp/p/x/shown/in", "/tmp/p/x/in"));
    must("here", !faccessat(fd, "deep/..", F_OK, 0));
    must("not up", faccessat(fd, "..", F_OK, 0) && errno == ENOENT);
    must("nor on", faccessat(fd, "../in", F_OK, 0) && errno == ENOENT);
    must("back", !rename("/tmp/p/x/in", "/tmp/p/x/shown/in"));
    must("up again", !faccessat(fd, "../in", F_OK, 0));
    close(fd);
}

int main(void)
{
    show_start();
    unshare(CLONE_NEWNS); /* not the namespace of whoever started us */
    mount("", "/", "", MS_PRIVATE | MS_REC, NULL);
    clones();
    errors();
    attributes();
    newer();
    moved_out();
    umount2("/tmp/p", MNT_DETACH);
    return 0;
}
