/* SPDX-License-Identifier: MIT
 *
 * rename, renameat, renameat2: what replaces what, cycles, exchange and
 * no-replace, open files and names that outlive it.
 */
#include <sys/mount.h>
#include "tests/guest/show.h"

#define NOREPLACE 1
#define EXCHANGE  2
#define WHITEOUT  4
#define WHITEOUT  4

static void files(void)
{
    struct stat st;

    title("files");
    put("/tmp/a", "a");
    put("/tmp/b", "b");
    int fd = open("/tmp/b", O_RDONLY);
    CALL(rename, "/tmp/a", "/tmp/b");
    cat("/tmp/b");
    show_stat("/tmp/a");
    fstat(fd, &st);
    printf("replaced: links %lu\n", (unsigned long)st.st_nlink);
    CALL(rename, "/tmp/none", "/tmp/x");
    CALL(rename, "/tmp/b", "/tmp/none/x");
    CALL(rename, "/tmp/b", "/tmp/b");
    link("/tmp/b", "/tmp/c");
    CALL(rename, "/tmp/b", "/tmp/c");
    show_stat("/tmp/b");
    show_stat("/tmp/c");
    CALL(rename, "/tmp/b", "/tmp/b/x");
    CALL(rename, "/tmp/b", "");
    CALL(rename, "", "/tmp/b");
    CALL(rename, "/tmp/b", "/tmp/x/");
    CALL(rename, "/tmp/b/", "/tmp/x");
    symlink("b", "/tmp/link");
    CALL(rename, "/tmp/link", "/tmp/link2");
    show_stat("/tmp/link2");
    CALL(rename, "/tmp/c", "/tmp/link2");
    show_stat("/tmp/link2");
    close(fd);
}

static void directories(void)
{
    title("directories");
    mkdir("/tmp/d", 0755);
    mkdir("/tmp/d/e", 0755);
    mkdir("/tmp/d/e/f", 0755);
    mkdir("/tmp/empty", 0755);
    put("/tmp/file", "");
    CALL(rename, "/tmp/d", "/tmp/d/e/x");
    CALL(rename, "/tmp/d", "/tmp/d/e/f");
    CALL(rename, "/tmp/d/e/f", "/tmp/d");
    CALL(rename, "/tmp/d/e", "/tmp/d");
    CALL(rename, "/tmp/d", "/tmp/file");
    CALL(rename, "/tmp/file", "/tmp/d");
    CALL(rename, "/tmp/file", "/tmp/empty");
    CALL(rename, "/tmp/empty", "/tmp/d");
    CALL(rename, "/tmp/d/e", "/tmp/empty");
    show_stat("/tmp/d");
    show_stat("/tmp/empty");
    show_stat("/tmp/empty/f");
    CALL(rename, "/tmp/empty/", "/tmp/new/");
    CALL(rename, "/tmp/new/.", "/tmp/x");
    CALL(rename, "/tmp/new/..", "/tmp/x");
    CALL(rename, "/tmp/d", "/tmp/new/.");
    CALL(rename, "/tmp/d", "/tmp/new/..");
    CALL(rename, "/", "/x");
    CALL(rename, "/none", "/");
    CALL(rename, "/dev/null", "/proc");
    CALL(rename, "/tmp/file", "/proc/x");
    CALL(rename, "/proc/version", "/tmp/x");
}

/* The working directory and ".." follow a directory that moves. */
static void moving(void)
{
    char cwd[256];

    title("moving");
    mkdir("/tmp/m", 0755);
    mkdir("/tmp/m/n", 0755);
    chdir("/tmp/m/n");
    CALL(rename, "/tmp/m/n", "/tmp/o");
    printf("cwd %s\n", getcwd(cwd, sizeof(cwd)));
    show_stat("../m");
    show_stat("/tmp/m");
    chdir("/");
    CALL(rename, "/tmp/o", "/tmp/m/p");
    show_stat("/tmp/m");
    show_stat("/tmp/m/p/..");
}

static void with_flags(void)
{
    int dir = open("/tmp", O_RDONLY);

    title("flags");
    put("/tmp/1", "1");
    put("/tmp/2", "2");
    mkdir("/tmp/dir", 0755);
    put("/tmp/dir/in", "in");
    CALL(renameat2, dir, "1", dir, "2", NOREPLACE);
    CALL(renameat2, dir, "1", dir, "3", NOREPLACE);
    CALL(renameat2, dir, "3", dir, "3", NOREPLACE);
    CALL(renameat2, dir, "2", dir, "3", EXCHANGE);
    cat("/tmp/2");
    cat("/tmp/3");
    CALL(renameat2, dir, "2", dir, "none", EXCHANGE);
    CALL(renameat2, dir, "none", dir, "2", EXCHANGE);
    CALL(renameat2, dir, "2", dir, "dir", EXCHANGE);
    show_stat("/tmp/2");
    cat("/tmp/2/in");
    cat("/tmp/dir");
    CALL(renameat2, dir, "2", dir, "2/sub", EXCHANGE);
    mkdir("/tmp/2/sub", 0755);
    CALL(renameat2, dir, "2", dir, "2/sub", EXCHANGE);
    CALL(renameat2, dir, "2/sub", dir, "2", EXCHANGE);
    CALL(renameat2, dir, "2", dir, "3", EXCHANGE | NOREPLACE);
    CALL(renameat2, dir, "2", dir, "3", 8);
    CALL(renameat2, dir, "2", dir, "3", -1);
    CALL(renameat2, dir, "2/.", dir, "3", EXCHANGE);
    CALL(renameat2, 99, "2", dir, "3", 0);
    CALL(renameat2, dir, "2", 99, "3", 0);
    CALL(renameat, dir, "2", AT_FDCWD, "/tmp/4");
    show_stat("/tmp/4");
    close(dir);
}

/* What is left behind hides what a layer below has under the name. On a tmpfs.
 */
static void whiteouts(void)
{
    struct stat st;
    int dir;

    title("whiteouts");
    mkdir("/tmp/t", 0755);
    mount("t", "/tmp/t", "tmpfs", 0, "");
    dir = open("/tmp/t", O_RDONLY);
    put("/tmp/t/w1", "w1");
    put("/tmp/t/w2", "w2");
    mkdir("/tmp/t/wd", 0755);
    CALL(renameat2, dir, "w1", dir, "w2", WHITEOUT);
    cat("/tmp/t/w2");
    stat("/tmp/t/w1", &st);
    printf("mode %o device %lx links %d owner %d\n", st.st_mode,
           (long)st.st_rdev, (int)st.st_nlink, st.st_uid);
    CALL(openat, dir, "w1", O_RDONLY);
    CALL(renameat2, dir, "w1", dir, "w3", WHITEOUT | NOREPLACE);
    show_stat("/tmp/t/w1");
    show_stat("/tmp/t/w3");
    CALL(renameat2, dir, "w2", dir, "w3", WHITEOUT | NOREPLACE);
    CALL(renameat2, dir, "w2", dir, "w3", WHITEOUT | EXCHANGE);
    CALL(renameat2, dir, "w2", dir, "w2", WHITEOUT);
    show_stat("/tmp/t/w2");
    CALL(renameat2, dir, "wd", dir, "wd2", WHITEOUT);
    show_stat("/tmp/t/wd");
    show_stat("/tmp/t/wd2");
    CALL(renameat2, dir, "none", dir, "w4", WHITEOUT);
    CALL(unlinkat, dir, "w1", 0);
    close(dir);
    umount2("/tmp/t", MNT_DETACH);
}

int main(void)
{
    show_start();
    files();
    directories();
    moving();
    with_flags();
    whiteouts();
    return 0;
}
