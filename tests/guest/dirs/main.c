/* SPDX-License-Identifier: MIT
 *
 * mkdir and rmdir: modes, link counts, set-group-id, what is refused, and
 * life in a directory that is no more.
 */
#include "tests/guest/show.h"

static void making(void)
{
    title("mkdir");
    CALL(mkdir, "/tmp/a", 0777);
    show_stat("/tmp/a");
    CALL(mkdir, "/tmp/b", 07777);
    show_stat("/tmp/b");
    CALL(umask, 077);
    CALL(mkdir, "/tmp/c", 0777);
    show_stat("/tmp/c");
    CALL(umask, 022);
    CALL(mkdir, "/tmp/a", 0777);
    CALL(mkdir, "/tmp/a/b/c", 0777);
    CALL(mkdir, "/tmp/d/", 0700);
    CALL(mkdir, "/tmp/a/.", 0700);
    CALL(mkdir, "/tmp/a/..", 0700);
    CALL(mkdir, "/", 0700);
    CALL(mkdir, ".", 0700);
    CALL(mkdir, "", 0700);
    put("/tmp/f", "");
    CALL(mkdir, "/tmp/f", 0700);
    CALL(mkdir, "/tmp/f/x", 0700);
    symlink("nowhere", "/tmp/dangling");
    CALL(mkdir, "/tmp/dangling", 0700);
    CALL(mkdir, "/tmp/dangling/", 0700);
    CALL(mkdirat, 99, "x", 0700);
    CALL(mkdirat, 0, "x", 0700);
    CALL(mkdir, "/proc/x", 0700);
}

/* /tmp is a tmpfs on both sides. */
static void show_size(const char *path)
{
    struct stat st;

    stat(path, &st);
    printf("size %ld\n", (long)st.st_size);
}

static void counting(void)
{
    title("links");
    mkdir("/tmp/n", 0755);
    mkdir("/tmp/n/1", 0755);
    mkdir("/tmp/n/2", 0755);
    put("/tmp/n/f", "");
    show_stat("/tmp/n");
    show_size("/tmp/n");
    rmdir("/tmp/n/1");
    show_stat("/tmp/n");
    show_size("/tmp/n");
    show_size("/tmp/n/2");
    CALL(chmod, "/tmp/n", 02775);
    CALL(chown, "/tmp/n", 10, 20);
    show_stat("/tmp/n");
    mkdir("/tmp/n/sub", 0755);
    put("/tmp/n/file", "");
    show_stat("/tmp/n/sub");
    show_stat("/tmp/n/file");
}

static void removing(void)
{
    title("rmdir");
    CALL(rmdir, "/tmp/n");
    CALL(rmdir, "/tmp/f");
    CALL(rmdir, "/tmp/none");
    CALL(rmdir, "/tmp/f/x");
    CALL(rmdir, "/tmp/a/.");
    CALL(rmdir, "/tmp/a/..");
    CALL(rmdir, "/");
    CALL(rmdir, "");
    symlink("a", "/tmp/link");
    CALL(rmdir, "/tmp/link");
    CALL(rmdir, "/tmp/link/");
    CALL(unlink, "/tmp/a");
    CALL(unlinkat, AT_FDCWD, "/tmp/a", 0);
    CALL(unlinkat, AT_FDCWD, "/tmp/f", AT_REMOVEDIR);
    CALL(unlinkat, AT_FDCWD, "/tmp/a", 0x1000);
    CALL(unlinkat, AT_FDCWD, "/tmp/a", AT_REMOVEDIR);
    CALL(rmdir, "/tmp/b/");
}

static void afterwards(void)
{
    char buf[256];
    struct stat st;

    title("in a directory that is no more");
    mkdir("/tmp/gone", 0755);
    chdir("/tmp/gone");
    int fd = open(".", O_RDONLY);
    CALL(rmdir, "/tmp/gone");
    fstat(fd, &st);
    printf("links %lu\n", (unsigned long)st.st_nlink);
    CALL(getcwd, buf, sizeof(buf));
    CALL(open, "x", O_CREAT | O_RDWR, 0600);
    CALL(mkdir, "x", 0700);
    CALL(symlink, "x", "y");
    CALL(link, "/tmp/f", "y");
    CALL(rename, "/tmp/f", "y");
    CALL(stat, "x", &st);
    CALL(stat, ".", &st);
    CALL(chdir, "..");
    printf("cwd %s\n", getcwd(buf, sizeof(buf)));
    CALL(getdents64, fd, buf, sizeof(buf));
    CALL(openat, fd, "x", O_CREAT | O_RDWR, 0600);
    CALL(fchdir, fd);
    CALL(rmdir, "/tmp/gone");
    mkdir("/tmp/gone", 0755);
    CALL(getcwd, buf, sizeof(buf));
}

int main(void)
{
    show_start();
    chdir("/tmp");
    making();
    counting();
    removing();
    afterwards();
    return 0;
}
