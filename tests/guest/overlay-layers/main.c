/* SPDX-License-Identifier: MIT
 *
 * An overlay and its layers, looked at side by side: which layers may contain
 * one another, numbers of inodes in listings, times that reading leaves alone,
 * files that lost their name before they were copied, an overlay on an overlay,
 * an upper layer that is changed, and locked, by others meanwhile, attributes
 * with the names of an overlay's own, and who keeps one from being read-only.
 */
#include <pthread.h>
#include <sys/mount.h>
#include <sys/xattr.h>
#include "tests/guest/show.h"

#define O "/tmp/o"
#define M O "/m"

static long over(const char *at, const char *options)
{
    return RAW(mount, "overlay", at, "overlay", 0, options);
}

static void fresh(void)
{
    static const char *const dirs[] = {"/m", "/l", "/l/in", "/l/d",
                                       "/u", "/w", "/w/in"};

    umount2(M, MNT_DETACH);
    umount2(O, MNT_DETACH);
    mkdir(O, 0755);
    mount("t", O, "tmpfs", 0, "");
    for (size_t i = 0; i < COUNT(dirs); i++) {
        char path[64];

        snprintf(path, sizeof(path), O "%s", dirs[i]);
        mkdir(path, 0755);
    }
    put(O "/l/file", "lower");
    put(O "/l/d/a", "a");
    put(O "/u/upper", "upper");
}

static void over_one(void)
{
    show("mount", over(M, "lowerdir=" O "/l,upperdir=" O "/u,workdir=" O "/w"));
}

static void one_in_another(void)
{
    title("one in another");
    fresh();
    show("lower is work",
         over(M, "lowerdir=" O "/w,upperdir=" O "/u,workdir=" O "/w"));
    show("lower in work",
         over(M, "lowerdir=" O "/w/in,upperdir=" O "/u,workdir=" O "/w"));
    show("upper in lower",
         over(M, "lowerdir=" O "/l,upperdir=" O "/l/in,workdir=" O "/w"));
    put(M "/in/x", "x");
    cat(O "/l/in/in/x");
    CALL(umount2, M, 0);
    show("all in lower",
         over(M, "lowerdir=" O ",upperdir=" O "/u,workdir=" O "/w"));
    CALL(umount2, M, 0);
}

static void numbers_of(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    struct stat st;
    int same = 0, other = 0;

    while (d && (e = readdir(d)) != NULL) {
        if (e->d_name[0] != '.' &&
            fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
            *(e->d_ino == st.st_ino ? &same : &other) += 1;
        }
    }
    if (d) {
        closedir(d);
    }
    printf("%s: %d listed with their number, %d with another\n", dir, same,
           other);
}

static void listed_numbers(void)
{
    title("listed numbers");
    fresh();
    over_one();
    numbers_of(M);
    put(M "/file", "changed");
    put(M "/d/a", "changed");
    numbers_of(M);
    numbers_of(M "/d");
    CALL(rename, M "/file", M "/d/moved");
    numbers_of(M "/d");
}

static void read_and_look(const char *path)
{
    static const struct timespec old[2] = {{1000, 0}, {2000, 0}};
    char from[100], byte;
    struct stat st;
    DIR *d;
    int fd;

    snprintf(from, sizeof(from), O "/l/%s", path);
    utimensat(AT_FDCWD, from, old, AT_SYMLINK_NOFOLLOW);
    snprintf(from, sizeof(from), M "/%s", path);
    fd = open(from, O_RDONLY);
    if (read(fd, &byte, 1) < 0 && (d = fdopendir(fd)) != NULL) {
        while (readdir(d)) {
        }
        closedir(d);
    } else {
        close(fd);
    }
    stat(from, &st);
    printf("%s: %d", path, (int)st.st_atime);
    snprintf(from, sizeof(from), O "/l/%s", path);
    stat(from, &st);
    printf(" %d\n", (int)st.st_atime);
}

static void times_of_reading(void)
{
    title("times of what is read");
    fresh();
    over_one();
    read_and_look("file");
    read_and_look("d");
}

static void lost_names(void)
{
    char path[64];
    int fd;

    title("lost names");
    fresh();
    over_one();
    fd = open(M "/file", O_RDONLY);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    CALL(unlink, M "/file");
    show("link",
         RAW(linkat, AT_FDCWD, path, AT_FDCWD, M "/again", AT_SYMLINK_FOLLOW));
    close(fd);
    fd = open(M "/d/a", O_RDONLY);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    CALL(rename, M "/upper", M "/d/a");
    show("link",
         RAW(linkat, AT_FDCWD, path, AT_FDCWD, M "/again", AT_SYMLINK_FOLLOW));
    cat(M "/d/a");
    close(fd);
}

static void on_each_other(void)
{
    char value[8] = {0};

    title("on each other");
    fresh();
    mkdir(O "/m2", 0755);
    mkdir(O "/u2", 0755);
    mkdir(O "/w2", 0755);
    symlink("file", O "/l/link");
    setxattr(O "/l/file", "trusted.x", "value", 5, 0);
    over_one();
    show("mount",
         over(O "/m2", "lowerdir=" M ",upperdir=" O "/u2,workdir=" O "/w2"));
    put(O "/m2/file", "second");
    CALL(getxattr, O "/m2/file", "trusted.x", value, 5L);
    printf("%s\n", value);
    CALL(lchown, O "/m2/link", 3, 4);
    CALL(unlink, O "/m2/d/a");
    CALL(rmdir, O "/m2/d");
    cat(M "/file");
    cat(O "/u2/file");
    numbers_of(M);
    CALL(umount2, O "/m2", 0);
}

/* What the overlay believes to be two directories is one in the other. */
static void moved_below(void)
{
    struct stat st;

    title("moved below");
    fresh();
    mkdir(O "/u/p", 0755);
    mkdir(O "/u/q", 0755);
    over_one();
    put(M "/p/f", "f");
    CALL(stat, M "/q/z", &st);
    CALL(rename, O "/u/p", O "/u/q/z");
    CALL(rename, M "/p/f", M "/q/z");
}

enum { ROUNDS = 4000 };

static void *remove_below(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        rmdir(O "/u/p/s");
    }
    return NULL;
}

/* Upwards through the overlay, while others come downwards in its layer. */
static void locked_below(void)
{
    pthread_t other;
    int failed = 0;

    title("locked below");
    fresh();
    mkdir(O "/u/p", 0755);
    mkdir(O "/u/p/s", 0755);
    put(O "/u/p/s/stays", "");
    put(O "/u/p/s/f", "");
    over_one();
    pthread_create(&other, NULL, remove_below, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        failed += rename(M "/p/s/f", M "/p/f") != 0;
        failed += rename(M "/p/f", M "/p/s/f") != 0;
    }
    pthread_join(other, NULL);
    printf("failed %d\n", failed);
}

static void names_of(const char *path)
{
    char names[256];
    long n = listxattr(path, names, sizeof(names));

    for (long at = 0; at < n; at += (long)strlen(names + at) + 1) {
        if (!strstr(names + at, "origin")) {
            printf("%s has %s\n", path, names + at);
        }
    }
}

static void own_names(void)
{
    char value[8];

    title("names of its own");
    fresh();
    over_one();
    CALL(setxattr, M "/file", "trusted.overlay.opaque", "y", 1L, 0);
    CALL(getxattr, M "/file", "trusted.overlay.opaque", value, 8L);
    CALL(getxattr, M "/file", "trusted.overlay.origin", value, 8L);
    names_of(M "/file");
    names_of(O "/u/file");
    CALL(removexattr, M "/file", "trusted.overlay.opaque");
    names_of(O "/u/file");
    show("remove what is not there", removexattr(M "/d/a", "user.none"));
    show("a list that is not there",
         removexattr(M "/d/a", "system.posix_acl_access"));
    CALL(access, O "/u/d", F_OK);
}

static void removed_whole(void)
{
    title("a directory of whiteouts");
    fresh();
    over_one();
    CALL(unlink, M "/d/a");
    CALL(rmdir, M "/d");
    show("there below", access(O "/l/d/a", F_OK));
    show("there", access(M "/d", F_OK));
    CALL(mkdir, M "/d", 0700);
    CALL(access, M "/d/a", F_OK);
    put(M "/d/b", "b");
    CALL(rmdir, M "/d");
    CALL(unlink, M "/d/b");
    CALL(rmdir, M "/d");
}

enum { SET_STRING = 1, CREATE = 6 };

static void layer_by_layer(void)
{
    int fs, at;

    title("layer by layer");
    fresh();
    mkdir(O "/a:b", 0755);
    put(O "/a:b/file", "on top");
    put(O "/a:b/only", "only");
    fs = (int)RAW(fsopen, "overlay", 0);
    show("first", RAW(fsconfig, fs, SET_STRING, "lowerdir+", O "/a:b", 0));
    show("second", RAW(fsconfig, fs, SET_STRING, "lowerdir+", O "/l", 0));
    show("none", RAW(fsconfig, fs, SET_STRING, "lowerdir+", "", 0));
    show("create", RAW(fsconfig, fs, CREATE, NULL, NULL, 0));
    at = (int)RAW(fsmount, fs, 0, 0);
    show("move", RAW(move_mount, at, "", AT_FDCWD, M, 4));
    cat(M "/file");
    cat(M "/only");
    cat(M "/d/a");
    close(at);
    close(fs);
}

static long again(const char *at, unsigned long flags)
{
    return RAW(mount, "none", at, NULL, MS_REMOUNT | flags, "");
}

static void read_only(void)
{
    int fd;

    title("read-only");
    fresh();
    over_one();
    fd = open(M "/new", O_CREAT | O_WRONLY, 0644);
    show("written", again(M, MS_RDONLY));
    show("written, this mount", again(M, MS_RDONLY | MS_BIND));
    unlink(M "/new");
    show("written, no name", again(M, MS_RDONLY));
    close(fd);
    show("closed", again(M, MS_RDONLY));
    show("make", mkdir(M "/dir", 0755));
    show("back", again(M, 0));
    fd = open(M "/file", O_RDONLY);
    show("read", again(M, MS_RDONLY));
    show("back", again(M, 0));
    close(fd);
    fd = open(O "/written", O_CREAT | O_RDWR, 0644);
    CALL(mount, O "/l", O "/l", NULL, MS_BIND, NULL);
    show("another mount", again(O "/l", MS_RDONLY));
    show("that alone", again(O "/l", MS_RDONLY | MS_BIND));
    close(fd);
    umount2(O "/l", MNT_DETACH);
}

int main(void)
{
    show_start();
    one_in_another();
    listed_numbers();
    times_of_reading();
    lost_names();
    on_each_other();
    moved_below();
    locked_below();
    own_names();
    removed_whole();
    layer_by_layer();
    read_only();
    umount2(M, MNT_DETACH);
    umount2(O, MNT_DETACH);
    return 0;
}
