/* SPDX-License-Identifier: MIT
 *
 * open, openat, creat: what each flag does, what F_GETFL says of it later,
 * and which descriptor comes out.
 */
#include "tests/guest/show.h"

static void flags_of(int fd)
{
    printf("fd %d flags %o cloexec %d\n", fd, fcntl(fd, F_GETFL),
           fcntl(fd, F_GETFD));
}

static void create(void)
{
    title("create");
    int fd = CALL(openat, AT_FDCWD, "/tmp/a", O_CREAT | O_RDWR, 0666);

    show_stat("/tmp/a");
    flags_of(fd);
    CALL(open, "/tmp/a", O_CREAT | O_EXCL | O_RDWR, 0666);
    CALL(open, "/tmp/a", O_CREAT, 0);
    CALL(open, "/tmp/mode", O_CREAT | O_EXCL | O_WRONLY, 07777);
    show_stat("/tmp/mode");
    /* A file may be opened for writing though its new mode forbids it. */
    int ro = CALL(open, "/tmp/readonly", O_CREAT | O_RDWR, 0444);
    CALL(write, ro, "x", 1);
    show_stat("/tmp/readonly");
    CALL(creat, "/tmp/creat", 0640);
    show_stat("/tmp/creat");
    close(4);
    CALL(open, "/tmp/a", O_RDONLY);
    CALL(close, 4);
    CALL(close, 4);
    CALL(close, -1);
}

static void modes(void)
{
    char c;

    title("modes");
    put("/tmp/b", "hello");
    int rd = open("/tmp/b", O_RDONLY), wr = open("/tmp/b", O_WRONLY);
    int three = SHOW(open("/tmp/b", 3));

    CALL(read, wr, &c, 1);
    CALL(write, rd, "x", 1);
    CALL(read, three, &c, 1);
    CALL(write, three, "x", 1);
    flags_of(three);
    CALL(ftruncate, rd, 0L);
    CALL(ftruncate, wr, 3L);
    cat("/tmp/b");
    close(rd);
    close(wr);
    close(three);
}

static void truncation(void)
{
    title("truncation");
    put("/tmp/c", "contents");
    int keep = open("/tmp/c", O_RDONLY), c;

    close(CALL(open, "/tmp/c", O_WRONLY | O_TRUNC));
    show_stat("/tmp/c");
    put("/tmp/c", "contents");
    close(CALL(open, "/tmp/c", O_RDONLY | O_TRUNC));
    show_stat("/tmp/c");
    CALL(read, keep, &c, 1);
    close(keep);
}

static void remembered(void)
{
    static const int flags[] = {
        O_RDWR | O_APPEND,    O_RDWR | O_NONBLOCK,
        O_RDWR | O_SYNC,      O_RDWR | (O_SYNC & ~O_DSYNC),
        O_RDWR | O_DSYNC,     O_RDWR | O_CLOEXEC,
        O_RDWR | O_NOATIME,   O_RDWR | O_NOCTTY,
        O_RDWR | O_ASYNC,     O_RDWR | O_NOFOLLOW,
        O_RDWR | O_LARGEFILE, O_RDWR | O_CREAT,
        O_RDWR | O_TRUNC,     O_RDONLY | O_DIRECTORY,
        O_PATH | O_RDWR,      O_PATH | O_CLOEXEC,
        O_RDWR | 0x40000000,  O_RDWR | O_CREAT | O_EXCL};

    title("remembered");
    for (unsigned i = 0; i < COUNT(flags); i++) {
        const char *path = flags[i] & O_DIRECTORY ? "/tmp" : "/tmp/b";
        int fd = open(path, flags[i], 0600);

        printf("%o: ", flags[i]);
        if (fd < 0) {
            printf("%s\n", strerrorname_np(errno));
        } else {
            flags_of(fd);
            close(fd);
        }
    }
}

static void kinds(void)
{
    title("kinds");
    mkdir("/tmp/d", 0755);
    symlink("a", "/tmp/link");
    symlink("new", "/tmp/dangling");
    CALL(open, "/tmp/d", O_RDWR);
    CALL(open, "/tmp/d", O_WRONLY);
    CALL(open, "/tmp/d", O_RDONLY | O_CREAT, 0600);
    CALL(open, "/tmp/d", O_RDONLY | O_TRUNC);
    CALL(open, "/tmp/d", O_RDONLY | O_CREAT | O_EXCL, 0600);
    CALL(open, "/tmp/a", O_DIRECTORY);
    CALL(open, "/tmp/d", O_RDONLY | O_DIRECT);
    CALL(open, "/dev/null", O_RDWR | O_DIRECT);
    CALL(open, "/proc/self/stat", O_RDONLY | O_DIRECT);
    int null = open("/dev/null", O_RDWR), dir = open("/tmp/d", O_RDONLY), p[2];
    pipe(p);
    CALL(fcntl, null, F_SETFL, O_DIRECT);
    CALL(fcntl, dir, F_SETFL, O_DIRECT);
    CALL(fcntl, p[1], F_SETFL, O_DIRECT);
    close(null), close(dir), close(p[0]), close(p[1]);
    CALL(open, "/tmp/x", O_DIRECTORY | O_CREAT, 0600);
    CALL(open, "/tmp/link", O_NOFOLLOW);
    CALL(open, "/tmp/link", O_DIRECTORY | O_NOFOLLOW);
    CALL(open, "/tmp/link", O_CREAT | O_EXCL, 0600);
    CALL(open, "/tmp/dangling", O_RDONLY);
    CALL(open, "/tmp/dangling", O_CREAT | O_EXCL, 0600);
    int fd = CALL(open, "/tmp/dangling", O_CREAT | O_RDWR, 0600);
    show_stat("/tmp/new");
    close(fd);
    CALL(open, "/tmp/d/", O_CREAT | O_RDWR, 0600);
    CALL(open, "/tmp/d/f/", O_CREAT | O_RDWR, 0600);
    CALL(open, "/tmp/a/", O_RDONLY);
    CALL(open, "/tmp/d/.", O_CREAT | O_RDWR, 0600);
    CALL(open, "/tmp/d/..", O_CREAT | O_EXCL | O_RDWR, 0600);
}

static void relative(void)
{
    int dir = open("/tmp/d", O_RDONLY | O_DIRECTORY);

    title("relative");
    int fd = CALL(openat, dir, "inner", O_CREAT | O_RDWR, 0600);
    show_stat("/tmp/d/inner");
    CALL(openat, fd, "x", O_RDONLY);
    CALL(openat, -1, "x", O_RDONLY);
    CALL(openat, 99, "x", O_RDONLY);
    CALL(openat, 99, "/tmp/a", O_RDONLY);
    CALL(openat, dir, "", O_RDONLY);
    CALL(openat, dir, "../a", O_RDONLY);
    CALL(openat, dir, ".", O_RDONLY);
}

int main(void)
{
    show_start();
    create();
    modes();
    truncation();
    remembered();
    kinds();
    relative();
    return 0;
}
