/* SPDX-License-Identifier: MIT
 *
 * What /proc has of a process that becomes a zombie, and then is gone, for who
 * opened it before; who may look at what lies where in another's memory; where
 * directories end; a host name that is waited for.
 */
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

static const char *const files[] = {
    "cmdline",   "comm",          "gid_map",        "maps",
    "smaps",     "stat",          "status",         "uid_map",
    "oom_score", "oom_score_adj", "coredump_filter"};
static const char *const links[] = {"exe", "cwd", "root", "ns/net", "ns/uts"};

static int fds[COUNT(files)], link_fds[COUNT(links)];

static void open_all(int pid)
{
    char path[64];

    for (size_t i = 0; i < COUNT(files); i++) {
        snprintf(path, sizeof(path), "/proc/%d/%s", pid, files[i]);
        fds[i] = open(path, O_RDONLY);
    }
    for (size_t i = 0; i < COUNT(links); i++) {
        snprintf(path, sizeof(path), "/proc/%d/%s", pid, links[i]);
        link_fds[i] = open(path, O_PATH | O_NOFOLLOW);
    }
}

static void read_all(const char *when)
{
    char buf[256];

    title(when);
    for (size_t i = 0; i < COUNT(files); i++) {
        show(files[i], (errno = 0, pread(fds[i], buf, 1, 0)));
    }
    for (size_t i = 0; i < COUNT(links); i++) {
        show_ok(links[i],
                (errno = 0, readlinkat(link_fds[i], "", buf, sizeof(buf))));
    }
}

static int start(void)
{
    int pid = fork();

    if (!pid) {
        for (;;) {
            pause();
        }
    }
    return pid;
}

static void ends(void)
{
    int pid = start();

    open_all(pid);
    kill(pid, SIGKILL);
    waitid(P_PID, pid, NULL, WEXITED | WNOWAIT);
    read_all("a zombie's");
    waitpid(pid, NULL, 0);
    read_all("of nobody");
}

static void others(void)
{
    static const char *const guarded[] = {"auxv",   "environ",      "maps",
                                          "smaps",  "smaps_rollup", "io",
                                          "status", "stat",         "comm"};
    char path[64], buf[64];
    int pid = start(), nobody;

    title("nobody looks");
    fflush(stdout);
    nobody = fork();
    if (!nobody) {
        setresgid(NOBODY, NOBODY, NOBODY);
        setresuid(NOBODY, NOBODY, NOBODY);
        for (size_t i = 0; i < COUNT(guarded); i++) {
            snprintf(path, sizeof(path), "/proc/%d/%s", pid, guarded[i]);
            show_ok(guarded[i], (errno = 0, open(path, O_RDONLY)));
        }
        for (size_t i = 0; i < COUNT(links); i++) {
            snprintf(path, sizeof(path), "/proc/%d/%s", pid, links[i]);
            show_ok(links[i], (errno = 0, readlink(path, buf, sizeof(buf))));
        }
        snprintf(path, sizeof(path), "/proc/%d/cwd", pid);
        SHOW(chdir(path));
        snprintf(path, sizeof(path), "/proc/%d/root/tmp", pid);
        SHOW(access(path, F_OK));
        fflush(stdout);
        _exit(0);
    }
    waitpid(nobody, NULL, 0);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void directories(void)
{
    static const char *const dirs[] = {"/proc", "/proc/self", "/proc/sys",
                                       "/proc/self/fd", "/proc/self/task"};

    title("ends of directories");
    for (size_t i = 0; i < COUNT(dirs); i++) {
        int fd = open(dirs[i], O_RDONLY | O_DIRECTORY);

        printf("%s\n", dirs[i]);
        SHOW(lseek(fd, 0, SEEK_END));
        SHOW(lseek(fd, 3, SEEK_END));
        SHOW(lseek(fd, -1, SEEK_END));
        SHOW(lseek(fd, 0, SEEK_CUR));
        close(fd);
    }
}

/* A write may end in a NUL. */
static void numbers(void)
{
    char buf[16];
    int fd = open("/proc/self/oom_score_adj", O_RDWR);

    title("oom_score_adj");
    SHOW(write(fd, "7", 2));
    SHOW(pread(fd, buf, sizeof(buf), 0));
    SHOW(write(fd, "7x", 2));
    close(fd);
}

/* The name stays what it was. */
static void names(const char *path)
{
    struct pollfd p = {open(path, O_RDWR), POLLPRI, 0};
    char old[65] = "";
    long n = read(p.fd, old, sizeof(old) - 1);

    title(path);
    SHOW(poll(&p, 1, 0));
    SHOW(pwrite(p.fd, old, n, 0) == n);
    SHOW(poll(&p, 1, 0));
    printf("%#x\n", (unsigned)p.revents);
    SHOW(poll(&p, 1, 0));
    close(p.fd);
}

int main(void)
{
    show_start();
    ends();
    others();
    directories();
    numbers();
    names("/proc/sys/kernel/hostname");
    names("/proc/sys/kernel/domainname");
    return 0;
}
