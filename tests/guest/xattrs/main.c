/* SPDX-License-Identifier: MIT
 *
 * Extended attributes: trusted. and user. names, creation and replacement,
 * sizes, lists, links, refusals. (user. on tmpfs needs Linux 6.6.)
 */
#include <sys/xattr.h>
#include "tests/guest/show.h"

static char buf[70000];

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list(const char *path)
{
    long n = RAW(llistxattr, path, buf, sizeof(buf));
    char *names[20];
    int count = 0;

    if (show_failed(path, n)) {
        return;
    }
    for (char *p = buf; p < buf + n; p += strlen(p) + 1) {
        names[count++] = p;
    }
    qsort(names, count, sizeof(names[0]), compare);
    printf("%s:", path);
    for (int i = 0; i < count; i++) {
        printf(" %s", names[i]);
    }
    printf("\n");
}

static void values(void)
{
    title("values");
    CALL(setxattr, "/tmp/f", "trusted.a", "one", 3L, 0);
    CALL(getxattr, "/tmp/f", "trusted.a", buf, 100L);
    printf("[%.3s]\n", buf);
    CALL(getxattr, "/tmp/f", "trusted.a", buf, 0L);
    CALL(getxattr, "/tmp/f", "trusted.a", NULL, 0L);
    CALL(getxattr, "/tmp/f", "trusted.a", buf, 2L);
    CALL(getxattr, "/tmp/f", "trusted.a", BAD, 10L);
    CALL(setxattr, "/tmp/f", "trusted.a", "two", 3L, XATTR_CREATE);
    CALL(setxattr, "/tmp/f", "trusted.a", "longer", 6L, XATTR_REPLACE);
    CALL(setxattr, "/tmp/f", "trusted.b", "x", 1L, XATTR_REPLACE);
    CALL(setxattr, "/tmp/f", "trusted.b", "", 0L, XATTR_CREATE);
    CALL(getxattr, "/tmp/f", "trusted.b", buf, 10L);
    CALL(setxattr, "/tmp/f", "user.c", "user", 4L, 0);
    CALL(getxattr, "/tmp/f", "user.c", buf, 10L);
    CALL(listxattr, "/tmp/f", NULL, 0L);
    CALL(listxattr, "/tmp/f", buf, 5L);
    CALL(listxattr, "/tmp/f", BAD, 100L);
    list("/tmp/f");
    CALL(removexattr, "/tmp/f", "trusted.b");
    CALL(removexattr, "/tmp/f", "trusted.b");
    CALL(getxattr, "/tmp/f", "trusted.b", buf, 10L);
    list("/tmp/f");
}

static void files(void)
{
    int fd = open("/tmp/f", O_RDONLY), path = open("/tmp/f", O_PATH);

    title("files");
    CALL(fsetxattr, fd, "trusted.fd", "x", 1L, 0);
    CALL(fgetxattr, fd, "trusted.fd", buf, 10L);
    CALL(flistxattr, fd, NULL, 0L);
    CALL(fremovexattr, fd, "trusted.fd");
    CALL(fgetxattr, path, "trusted.a", buf, 10L);
    CALL(fsetxattr, 99, "trusted.a", "x", 1L, 0);
    CALL(lsetxattr, "/tmp/link", "trusted.link", "x", 1L, 0);
    CALL(lsetxattr, "/tmp/link", "user.link", "x", 1L, 0);
    list("/tmp/link");
    CALL(setxattr, "/tmp/link", "trusted.through", "x", 1L, 0);
    CALL(lgetxattr, "/tmp/link", "trusted.through", buf, 10L);
    CALL(lremovexattr, "/tmp/link", "trusted.link");
    list("/tmp/f");
    CALL(setxattr, "/tmp/d", "user.dir", "x", 1L, 0);
    CALL(setxattr, "/tmp/d", "trusted.dir", "x", 1L, 0);
    list("/tmp/d");
    CALL(setxattr, "/tmp/fifo", "user.fifo", "x", 1L, 0);
    CALL(setxattr, "/tmp/fifo", "trusted.fifo", "x", 1L, 0);
    CALL(getxattr, "/tmp/fifo", "user.fifo", buf, 1L);
    /* They go with the file. */
    rename("/tmp/f", "/tmp/g");
    link("/tmp/g", "/tmp/f");
    unlink("/tmp/g");
    list("/tmp/f");
    close(fd);
    close(path);
}

static void refusals(void)
{
    char name[300] = "trusted.";

    title("refusals");
    CALL(setxattr, "/tmp/f", "trusted.", "x", 1L, 0);
    CALL(setxattr, "/tmp/f", "user.", "x", 1L, 0);
    CALL(setxattr, "/tmp/f", "user", "x", 1L, 0);
    CALL(setxattr, "/tmp/f", "", "x", 1L, 0);
    CALL(setxattr, "/tmp/f", "unknown.x", "x", 1L, 0);
    CALL(getxattr, "/tmp/f", "unknown.x", buf, 1L);
    CALL(getxattr, "/tmp/f", "", buf, 1L);
    memset(name + 8, 'n', 247);
    SHOW(setxattr("/tmp/f", name, "x", 1, 0));
    strcat(name, "n");
    SHOW(setxattr("/tmp/f", name, "x", 1, 0));
    CALL(setxattr, "/tmp/f", "trusted.x", buf, 65537L, 0);
    CALL(setxattr, "/tmp/f", "trusted.x", BAD, 5L, 0);
    CALL(setxattr, "/tmp/f", BAD, "x", 1L, 0);
    CALL(setxattr, "/tmp/f", "trusted.x", "x", 1L, 4);
    CALL(setxattr, "/tmp/f", "trusted.x", "x", 1L, 3);
    CALL(setxattr, "/tmp/none", "trusted.x", "x", 1L, 0);
    CALL(getxattr, "/tmp/none", "trusted.x", buf, 1L);
    CALL(removexattr, "/tmp/none", "trusted.x");
    CALL(setxattr, "/proc/version", "trusted.x", "x", 1L, 0);
    CALL(getxattr, "/proc/version", "trusted.x", buf, 1L);
    CALL(getxattr, "/dev/null", "user.x", buf, 1L);
}

/* Whoever changes a file takes its capabilities away. */
static void capabilities(const char *path)
{
    static const char cap[20] = {1, 0, 0, 2, 1}, old[12] = {0, 0, 0, 1};
    int fd;

    title(path);
    put(path, "text");
    CALL(setxattr, path, "security.capability", cap, 19L, 0);
    CALL(setxattr, path, "security.capability", old, 12L, 0);
    CALL(setxattr, path, "security.capability", cap, 20L, 0);
    fd = open(path, O_RDWR);
    SHOW(write(fd, "t", 1));
    CALL(getxattr, path, "security.capability", buf, 20L);
    CALL(setxattr, path, "security.capability", cap, 20L, 0);
    SHOW(ftruncate(fd, 2));
    CALL(getxattr, path, "security.capability", buf, 20L);
    CALL(setxattr, path, "security.capability", cap, 20L, 0);
    SHOW(chmod(path, 0755));
    CALL(getxattr, path, "security.capability", buf, 20L);
    SHOW(chown(path, 1, -1));
    CALL(getxattr, path, "security.capability", buf, 20L);
    CALL(removexattr, path, "security.capability");
    CALL(setxattr, path, "security.capability", cap, 20L, 0);
    CALL(removexattr, path, "security.capability");
    SHOW(write(fd, "t", 1));
    close(fd);
}

static void as_nobody(void)
{
    static const char cap[20] = {1, 0, 0, 2, 1};

    title("nobody");
    chmod("/tmp/f", 0644);
    put("/tmp/own", "");
    chown("/tmp/own", NOBODY, NOBODY);
    mkdir("/tmp/sticky", 01777);
    chmod("/tmp/sticky", 01777);
    setresuid(NOBODY, NOBODY, NOBODY);
    CALL(getxattr, "/tmp/f", "trusted.a", buf, 10L);
    CALL(setxattr, "/tmp/f", "trusted.a", "x", 1L, 0);
    CALL(setxattr, "/tmp/own", "trusted.a", "x", 1L, 0);
    CALL(getxattr, "/tmp/f", "user.c", buf, 10L);
    CALL(setxattr, "/tmp/f", "user.c", "x", 1L, 0);
    CALL(setxattr, "/tmp/own", "user.c", "x", 1L, 0);
    CALL(setxattr, "/tmp/sticky", "user.c", "x", 1L, 0);
    CALL(removexattr, "/tmp/f", "user.c");
    list("/tmp/f");
    list("/tmp/own");
    CALL(setxattr, "/tmp/own", "security.capability", cap, 20L, 0);
    CALL(setxattr, "/tmp/own", "security.capability", cap, 19L, 0);
    CALL(removexattr, "/tmp/own", "security.capability");
}

int main(void)
{
    show_start();
    put("/tmp/f", "");
    symlink("f", "/tmp/link");
    mkdir("/tmp/d", 0755);
    mkfifo("/tmp/fifo", 0666);
    values();
    files();
    refusals();
    capabilities("/tmp/capable");
    as_nobody();
    return 0;
}
