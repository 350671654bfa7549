/* SPDX-License-Identifier: MIT
 *
 * Overlays that a program mounts: what is refused, what shows, what is copied
 * up and when, whiteouts and opaque directories as they stand in the upper
 * layer, renames, links, a second mount of the same layers, several lower
 * layers.
 */
#include <dirent.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/xattr.h>
#include "tests/guest/show.h"

#define L1 "/tmp/o/l1"
#define L2 "/tmp/o/l2"
#define U  "/tmp/o/u"
#define M  "/tmp/o/m"

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    char *names[100];
    int n = 0;

    while (d && (e = readdir(d)) != NULL && n < 100) {
        if (e->d_name[0] != '.') {
            names[n++] = strdup(e->d_name);
        }
    }
    qsort(names, n, sizeof(names[0]), by_name);
    printf("%s:", dir);
    for (int i = 0; i < n; i++) {
        printf(" %s", names[i]);
        free(names[i]);
    }
    printf("\n");
    if (d) {
        closedir(d);
    }
}

/* What stands in a layer: whiteouts, and what hides. */
static void layer(const char *path)
{
    char value[10] = {0};
    struct stat st;

    if (show_failed(path, lstat(path, &st))) {
        return;
    }
    if (S_ISCHR(st.st_mode)) {
        printf("%s: device %d\n", path, (int)st.st_rdev);
        return;
    }
    printf("%s: mode %o", path, st.st_mode);
    if (getxattr(path, "trusted.overlay.opaque", value, 9) > 0) {
        printf(" opaque %s", value);
    }
    printf("\n");
}

static long try(const char *options)
{
    return RAW(mount, "overlay", M, "overlay", 0, options);
}

static void fresh(void)
{
    umount2(M, MNT_DETACH);
    umount2("/tmp/o", MNT_DETACH);
    mkdir("/tmp/o", 0755);
    mount("t", "/tmp/o", "tmpfs", 0, "");
    mkdir(L1, 0755);
    mkdir(L2, 0755);
    mkdir(U, 0755);
    mkdir("/tmp/o/w", 0755);
    mkdir(M, 0755);
    put(L1 "/file", "lower");
    put(L1 "/both", "one");
    put(L2 "/both", "two");
    put(L2 "/deep", "deep");
    mkdir(L1 "/dir", 0750);
    mkdir(L2 "/dir", 0755);
    put(L1 "/dir/a", "a");
    put(L2 "/dir/b", "b");
    mkdir(L1 "/dir/sub", 0755);
    put(L1 "/dir/sub/x", "x");
    symlink("dir/a", L1 "/link");
    link(L1 "/file", L1 "/twin");
    put(U "/upper", "upper");
    put(U "/both", "three");
}

static void over_one(void)
{
    show("mount", try("lowerdir=" L1 ",upperdir=" U ",workdir=/tmp/o/w"));
}

static void refused(void)
{
    title("refused");
    fresh();
    show("nothing", try(""));
    show("no lower", try("upperdir=" U ",workdir=/tmp/o/w"));
    show("no work", try("lowerdir=" L1 ",upperdir=" U));
    show("one lower", try("lowerdir=" L1));
    show("none", try("lowerdir=/tmp/o/none:" L1));
    show("file", try("lowerdir=" L1 "/file:" L2));
    show("work is upper", try("lowerdir=" L1 ",upperdir=" U ",workdir=" U));
    show("work in upper",
         try("lowerdir=" L1 ",upperdir=/tmp/o,workdir=/tmp/o/w"));
    show("upper is lower",
         try("lowerdir=" L1 ",upperdir=" L1 ",workdir=/tmp/o/w"));
    show("lower in lower", try("lowerdir=" L1 ":" L1 "/dir"));
    show("elsewhere", try("lowerdir=" L1 ",upperdir=" U ",workdir=/tmp"));
    show("word", try("lowerdir=" L1 ":" L2 ",word"));
}

static void shows(void)
{
    struct stat st;

    title("shows");
    fresh();
    over_one();
    list(M);
    list(M "/dir");
    cat(M "/file");
    cat(M "/both");
    cat(M "/upper");
    cat(M "/link");
    stat(M "/dir", &st);
    printf("mode %o\n", st.st_mode);
    list("/tmp/o/w");
    layer("/tmp/o/w/work");
    layer(U "/dir");
}

static void copies(void)
{
    struct stat a, b;
    int fd, reader;

    title("copies");
    reader = open(M "/dir/sub/x", O_RDONLY);
    stat(M "/dir/sub/x", &a);
    fd = open(M "/dir/sub/x", O_WRONLY | O_APPEND);
    layer(U "/dir");
    layer(U "/dir/sub");
    layer(U "/dir/sub/x");
    CALL(write, fd, "yz", 2L);
    close(fd);
    close(reader);
    stat(M "/dir/sub/x", &b);
    EXPECT(a.st_ino == b.st_ino);
    cat(M "/dir/sub/x");
    cat(L1 "/dir/sub/x");
    cat(U "/dir/sub/x");
    list(U "/dir");
    CALL(chmod, M "/file", 0600);
    layer(U "/file");
    layer(L1 "/file");
    layer(U "/twin");
    CALL(setxattr, M "/dir/a", "trusted.x", "v", 1L, 0);
    layer(U "/dir/a");
    CALL(getxattr, U "/dir/a", "trusted.x", &a, 1L);
    CALL(truncate, M "/twin", 2L);
    cat(U "/twin");
    cat(M "/file");
    CALL(getxattr, M "/dir", "trusted.overlay.origin", &a, 1L);
}

static void removed(void)
{
    title("removed");
    fresh();
    over_one();
    CALL(unlink, M "/file");
    layer(U "/file");
    CALL(unlink, M "/upper");
    layer(U "/upper");
    CALL(unlink, M "/both");
    layer(U "/both");
    CALL(rmdir, M "/dir");
    CALL(unlink, M "/dir/a");
    layer(U "/dir/a");
    CALL(unlink, M "/dir/sub/x");
    CALL(rmdir, M "/dir/sub");
    layer(U "/dir/sub");
    CALL(rmdir, M "/dir");
    layer(U "/dir");
    list(M);
    list(L1);
    title("made again");
    CALL(mkdir, M "/dir", 0711);
    layer(U "/dir");
    list(M "/dir");
    put(M "/file", "new");
    layer(U "/file");
    cat(M "/file");
    CALL(symlink, "x", M "/both");
    layer(U "/both");
    CALL(mknod, M "/white", S_IFCHR | 0644, 0);
    CALL(mknod, M "/fifo", S_IFIFO | 0644, 0);
    layer(U "/fifo");
    list(M);
}

static void renamed(void)
{
    title("renamed");
    fresh();
    over_one();
    CALL(rename, M "/file", M "/dir/moved");
    layer(U "/file");
    layer(U "/dir/moved");
    cat(M "/dir/moved");
    CALL(rename, M "/dir", M "/other");
    CALL(rename, M "/dir/sub", M "/sub");
    CALL(mkdir, M "/new", 0755);
    CALL(rename, M "/new", M "/newer");
    layer(U "/newer");
    CALL(rename, M "/upper", M "/both");
    cat(M "/both");
    CALL(renameat2, AT_FDCWD, M "/both", AT_FDCWD, M "/twin", 2);
    cat(M "/both");
    cat(M "/twin");
    CALL(renameat2, AT_FDCWD, M "/both", AT_FDCWD, M "/x", 4);
    CALL(renameat2, AT_FDCWD, M "/newer", AT_FDCWD, M "/dir", 2);
    CALL(unlink, M "/dir/sub/x");
    CALL(unlink, M "/dir/a");
    CALL(unlink, M "/dir/moved");
    CALL(rmdir, M "/dir/sub");
    CALL(rename, M "/newer", M "/dir");
    layer(U "/dir");
    list(M "/dir");
    list(M);
}

static void linked(void)
{
    struct stat st;
    int fd;

    title("linked");
    fresh();
    over_one();
    CALL(link, M "/dir/a", M "/a");
    stat(M "/a", &st);
    printf("links %d\n", (int)st.st_nlink);
    layer(U "/dir/a");
    fd = open(M "/a", O_WRONLY | O_TRUNC);
    CALL(write, fd, "same", 4L);
    close(fd);
    cat(M "/dir/a");
    cat(L1 "/dir/a");
    fd = open(M "/dir", O_TMPFILE | O_RDWR, 0644);
    CALL(write, fd, "tmp", 3L);
    CALL(linkat, fd, "", AT_FDCWD, M "/dir/tmp", AT_EMPTY_PATH);
    close(fd);
    cat(U "/dir/tmp");
}

static void open_files(void)
{
    char *map;
    char buf[10] = {0};
    struct stat st;
    int fd;

    title("open files");
    fresh();
    over_one();
    fd = open(M "/dir/a", O_RDONLY);
    CALL(unlink, M "/dir/a");
    CALL(pread64, fd, buf, 5L, 0L);
    fstat(fd, &st);
    printf("%s links %d\n", buf, (int)st.st_nlink);
    close(fd);
    fd = open(M "/file", O_RDWR);
    map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    memcpy(map, "LOWER", 5);
    cat(U "/file");
    cat(L1 "/file");
    munmap(map, 4096);
    close(fd);
}

static void again(void)
{
    title("mounted again");
    fresh();
    over_one();
    put(M "/dir/new", "new");
    CALL(unlink, M "/file");
    CALL(umount2, M, 0);
    list(M);
    list(U);
    over_one();
    list(M);
    cat(M "/dir/new");
    cat(M "/file");
    CALL(umount2, M, 0);
    title("two lower layers");
    show("mount", try("lowerdir=" U ":" L1 ":" L2
                      ",upperdir=/tmp/o/u2,workdir=/tmp/o/w"));
    mkdir("/tmp/o/u2", 0755);
    show("mount", try("lowerdir=" U ":" L1 ":" L2
                      ",upperdir=/tmp/o/u2,workdir=/tmp/o/w"));
    list(M);
    list(M "/dir");
    cat(M "/both");
    cat(M "/deep");
    put(M "/dir/b", "changed");
    list("/tmp/o/u2/dir");
    CALL(umount2, M, 0);
    title("read-only");
    show("mount", try("lowerdir=" L1 ":" L2));
    list(M);
    list(M "/dir");
    CALL(openat, AT_FDCWD, M "/file", O_WRONLY);
    CALL(mkdir, M "/x", 0755);
    CALL(umount2, M, 0);
}

static void many(void)
{
    char name[100];
    int left = 0;
    DIR *d;

    title("many names");
    fresh();
    for (int i = 0; i < 1500; i++) {
        snprintf(name, sizeof(name), "%s/dir/%d-with-a-long-name",
                 i % 2 ? L1 : U "/..//l1", i);
        close(open(name, O_CREAT | O_WRONLY, 0644));
    }
    over_one();
    d = opendir(M "/dir"); /* removed while they are listed */
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (e->d_name[0] != '.') {
            left += unlinkat(dirfd(d), e->d_name, 0) && errno != EISDIR;
        }
    }
    closedir(d);
    printf("failed %d\n", left);
    list(M "/dir");
}

int main(void)
{
    show_start();
    refused();
    shows();
    copies();
    removed();
    renamed();
    linked();
    open_files();
    again();
    many();
    umount2(M, MNT_DETACH);
    umount2("/tmp/o", MNT_DETACH);
    return 0;
}
