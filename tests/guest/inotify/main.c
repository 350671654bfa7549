/* SPDX-License-Identifier: MIT
 *
 * inotify: the events of every change in a directory and of a file itself,
 * cookies of renames, masks, watches that end, small buffers, refusals.
 */
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

static char buf[4096];
static int ino;

/* Cookies are numbered as they come; equal ones are one rename. */
static void events(const char *what)
{
    long n = RAW(read, ino, buf, sizeof(buf));
    uint32_t last = 0;

    printf("%s:", what);
    if (n < 0) {
        printf(" %s", strerrorname_np(errno));
    }
    for (char *p = buf; p < buf + n;) {
        struct inotify_event *e = (struct inotify_event *)p;

        printf(" %d/%x%s%s%s", e->wd, e->mask, e->len ? "/" : "",
               e->len ? e->name : "",
               !e->cookie          ? ""
               : e->cookie == last ? " (same)"
                                   : " (cookie)");
        last = e->cookie;
        p += sizeof(*e) + e->len;
    }
    printf("\n");
}

static void directory(void)
{
    title("a directory");
    mkdir("/tmp/d", 0755);
    mkdir("/tmp/e", 0755);
    CALL(inotify_add_watch, ino, "/tmp/d", IN_ALL_EVENTS);
    events("nothing");
    put("/tmp/d/a", "");
    events("create");
    put("/tmp/d/a", "text");
    events("write");
    cat("/tmp/d/a");
    events("read");
    chmod("/tmp/d/a", 0600);
    events("chmod");
    link("/tmp/d/a", "/tmp/d/b");
    events("link");
    symlink("x", "/tmp/d/s");
    events("symlink");
    mkdir("/tmp/d/sub", 0755);
    events("mkdir");
    rename("/tmp/d/a", "/tmp/d/c");
    events("rename");
    rename("/tmp/d/c", "/tmp/d/b");
    events("rename of one file");
    put("/tmp/e/over", "");
    rename("/tmp/e/over", "/tmp/d/b");
    events("rename in");
    rename("/tmp/d/b", "/tmp/e/b");
    events("rename out");
    rename("/tmp/e/b", "/tmp/d/s");
    events("rename over");
    truncate("/tmp/d/s", 10);
    events("truncate");
    utimensat(AT_FDCWD, "/tmp/d/s", NULL, 0);
    events("utimensat");
    unlink("/tmp/d/s");
    events("unlink");
    close(open("/tmp/d", O_RDONLY | O_DIRECTORY));
    events("open of itself");
    put("/tmp/d/sub/x", "");
    events("deeper");
    unlink("/tmp/d/sub/x");
    rmdir("/tmp/d/sub");
    events("rmdir");
    unlink("/tmp/d/c");
    events("unlink of the last link");
    rename("/tmp/d", "/tmp/f");
    events("move of itself");
    rmdir("/tmp/f");
    events("end");
}

static void file(void)
{
    title("a file");
    put("/tmp/g", "");
    int wd = CALL(inotify_add_watch, ino, "/tmp/g", IN_ALL_EVENTS);
    put("/tmp/g", "1");
    events("write");
    put("/tmp/g", "1");
    events("write again");
    link("/tmp/g", "/tmp/g2");
    events("link");
    unlink("/tmp/g2");
    events("unlink of a link");
    int fd = open("/tmp/g", O_RDONLY);
    events("open");
    unlink("/tmp/g");
    events("unlink, still open");
    close(fd);
    events("close");
    CALL(inotify_rm_watch, ino, wd);
}

static void quietly(void)
{
    struct timespec t[2] = {{5, 0}, {0, UTIME_OMIT}};
    pid_t child;

    title("times, listings, programs");
    mkdir("/tmp/q", 0755);
    put("/tmp/q/f", "x");
    int wd = CALL(inotify_add_watch, ino, "/tmp/q/f", IN_ALL_EVENTS);
    utimensat(AT_FDCWD, "/tmp/q/f", t, 0);
    events("the time of access");
    t[1] = t[0];
    t[0].tv_nsec = UTIME_OMIT;
    utimensat(AT_FDCWD, "/tmp/q/f", t, 0);
    events("the time of change");
    CALL(inotify_rm_watch, ino, wd);
    events("removed");
    wd = CALL(inotify_add_watch, ino, "/tmp/q", IN_ACCESS | IN_DELETE);
    closedir(opendir("/tmp/q"));
    int fd = open("/tmp/q", O_RDONLY);
    CALL(getdents64, fd, buf, 1L);
    events("a listing");
    int self = open("/proc/self/exe", O_RDONLY);
    int to = open("/tmp/q/program", O_CREAT | O_WRONLY, 0755);
    while (sendfile(to, self, NULL, 1 << 20) > 0) {
    }
    close(to);
    close(self);
    close(fd);
    events("copied");
    child = vfork();
    if (child == 0) {
        execl("/tmp/q/program", "program", "nothing", NULL);
        _exit(1);
    }
    waitpid(child, NULL, 0);
    events("a program");
    CALL(inotify_rm_watch, ino, wd);
    events("removed");
}

static void without_name(void)
{
    title("what has no name any more");
    mkdir("/tmp/u", 0755);
    put("/tmp/u/f", "x");
    int fd = open("/tmp/u/f", O_RDWR);
    int dir =
        CALL(inotify_add_watch, ino, "/tmp/u", IN_ALL_EVENTS | IN_EXCL_UNLINK);
    int wd = CALL(inotify_add_watch, ino, "/tmp/u/f",
                  IN_ALL_EVENTS | IN_EXCL_UNLINK);
    unlink("/tmp/u/f");
    events("unlink");
    ftruncate(fd, 100);
    events("truncated");
    write(fd, "y", 1);
    events("written");
    fchmod(fd, 0600);
    events("chmod");
    CALL(inotify_rm_watch, ino, wd);
    CALL(inotify_rm_watch, ino, dir);
    close(fd);
    events("removed");
    mkdir("/tmp/u/sub", 0755);
    CALL(inotify_add_watch, ino, "/tmp/u", IN_ALL_EVENTS);
    CALL(inotify_add_watch, ino, "/tmp/u/sub", IN_ALL_EVENTS);
    rmdir("/tmp/u/sub");
    events("rmdir: itself, then its directory");
    put("/tmp/u/g", "x");
    CALL(inotify_add_watch, ino, "/tmp/u/g", IN_ALL_EVENTS);
    events("added");
    unlink("/tmp/u/g");
    events("unlink: itself, then its directory");
    rmdir("/tmp/u");
    events("end");
}

static void masks(void)
{
    title("masks");
    mkdir("/tmp/m", 0755);
    symlink("m", "/tmp/l");
    int wd = CALL(inotify_add_watch, ino, "/tmp/m", IN_CREATE);
    CALL(inotify_add_watch, ino, "/tmp/m", IN_DELETE | IN_MASK_ADD);
    put("/tmp/m/a", "x");
    unlink("/tmp/m/a");
    events("both");
    CALL(inotify_add_watch, ino, "/tmp/l", IN_DELETE);
    put("/tmp/m/a", "x");
    unlink("/tmp/m/a");
    events("delete only");
    CALL(inotify_add_watch, ino, "/tmp/m", IN_CREATE | IN_MASK_CREATE);
    CALL(inotify_add_watch, ino, "/tmp/m", IN_MASK_ADD | IN_MASK_CREATE);
    CALL(inotify_add_watch, ino, "/tmp/m", IN_CREATE | IN_ONESHOT);
    put("/tmp/m/a", "x");
    put("/tmp/m/b", "x");
    events("one shot");
    CALL(inotify_rm_watch, ino, wd);
    wd = CALL(inotify_add_watch, ino, "/tmp/m", IN_OPEN);
    CALL(inotify_rm_watch, ino, wd);
    events("removed");
    CALL(inotify_add_watch, ino, "/tmp/m/a", IN_OPEN | IN_ONLYDIR);
    CALL(inotify_add_watch, ino, "/tmp/l", IN_OPEN | IN_DONT_FOLLOW);
    cat("/tmp/m/a");
    events("the link itself");
    CALL(inotify_add_watch, ino, "/tmp/m", IN_ALL_EVENTS);
    put("/tmp/m/a", "again");
    put("/tmp/m/a", "again");
    events("equal ones in a row count once");
}

static void refusals(void)
{
    int n = -1;

    title("refusals");
    CALL(inotify_init1, 1);
    CALL(inotify_add_watch, ino, "/tmp/none", IN_OPEN);
    CALL(inotify_add_watch, ino, "/tmp/m", 0);
    CALL(inotify_add_watch, ino, BAD, IN_OPEN);
    CALL(inotify_add_watch, 0, "/tmp/m", IN_OPEN);
    CALL(inotify_add_watch, 99, "/tmp/m", IN_OPEN);
    CALL(inotify_rm_watch, ino, 999);
    CALL(inotify_rm_watch, 0, 1);
    CALL(inotify_rm_watch, 99, 1);
    CALL(write, ino, buf, 16L);
    put("/tmp/m/long-name-of-a-file", "x");
    CALL(read, ino, buf, 16L);
    CALL(ioctl, ino, FIONREAD, &n);
    printf("%d\n", n);
    CALL(read, ino, BAD, 200L);
    CALL(read, ino, buf, 48L);
    close(CALL(inotify_init));
}

/* Files that are made anew at each look; of those that nobody else reads. */
static void made_anew(void)
{
    int limits, fd;

    title("of a process");
    events("before");
    limits = CALL(inotify_add_watch, ino, "/proc/self/limits", IN_ALL_EVENTS);
    CALL(inotify_add_watch, ino, "/proc/self/oom_score_adj", IN_ALL_EVENTS);
    EXPECT(inotify_add_watch(ino, "/proc/self/limits", IN_ALL_EVENTS) ==
           limits);
    fd = open("/proc/self/limits", O_RDONLY);
    read(fd, buf, 10);
    events("open, read");
    close(fd);
    events("close");
    fd = open("/proc/self/oom_score_adj", O_RDWR);
    write(fd, "0", 1);
    close(fd);
    events("write");
    CALL(inotify_rm_watch, ino, limits);
    close(open("/proc/self/limits", O_RDONLY));
    events("without the one");
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return 0;
    }
    show_start();
    ino = CALL(inotify_init1, IN_NONBLOCK | IN_CLOEXEC);
    directory();
    file();
    quietly();
    without_name();
    masks();
    refusals();
    made_anew();
    return 0;
}
