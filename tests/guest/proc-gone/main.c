/* SPDX-License-Identifier: MIT
 *
 * What /proc has of a process that becomes a zombie, and then is gone, for who
 * opened it before; who may look at what lies where in another's memory; where
 * directories end; a host name that is waited for.
 */
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/stat.h>
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

/* Of a process that is gone there is nothing to list. */
static void lists(void)
{
    static const char *const names[] = {"", "/task", "/fd", "/fdinfo"};
    char path[64], buf[4096];
    int fds[4], go[2];

    title("lists");
    pipe(go);
    pid_t pid = fork();
    if (!pid) {
        close(go[1]);
        read(go[0], buf, 1);
        _exit(0);
    }
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof(path), "/proc/%d%s", pid, names[i]);
        fds[i] = open(path, O_RDONLY | O_DIRECTORY);
    }
    close(go[1]);
    waitpid(pid, NULL, 0);
    for (int i = 0; i < 4; i++) {
        printf("%s: ", names[i]);
        CALL(getdents64, fds[i], buf, sizeof(buf));
        close(fds[i]);
    }
}

static int work[2], tell[2];

static void *thread(void *arg)
{
    pid_t tid = gettid();
    char c;

    prctl(PR_SET_NAME, "a thread");
    write(tell[1], &tid, sizeof(tid));
    read(work[0], &c, 1);
    return NULL;
}

static void show_lines(const char *path, pid_t tid)
{
    char line[256], word[32];
    int n;
    FILE *f = fopen(path, "r");

    while (f && fgets(line, sizeof(line), f)) {
        if (strncmp(line, "Name:", 5) == 0) {
            printf("%s", line);
        } else if (sscanf(line, "%31[A-Za-z]: %d", word, &n) == 2 &&
                   (!strcmp(word, "Tgid") || !strcmp(word, "Pid"))) {
            printf("%s %s\n", word,
                   n == tid        ? "the thread's"
                   : n == getpid() ? "the process's"
                                   : "another");
        }
    }
    if (f) {
        fclose(f);
    }
}

/* A thread's number names a directory that is not listed. */
static void by_thread(void)
{
    char path[64], buf[256];
    pthread_t t;
    pid_t tid;
    int n;

    title("by a thread's number");
    pipe(work);
    pipe(tell);
    pthread_create(&t, NULL, thread, NULL);
    read(tell[0], &tid, sizeof(tid));
    snprintf(path, sizeof(path), "/proc/%d/status", tid);
    show_lines(path, tid);
    snprintf(path, sizeof(path), "/proc/%d/task/%d/comm", tid, getpid());
    EXPECT(access(path, F_OK) == 0);
    snprintf(path, sizeof(path), "/proc/%d/comm", tid);
    put(path, "renamed");
    int fd = open(path, O_RDONLY);
    n = (int)read(fd, buf, sizeof(buf));
    printf("%.*s", n, buf);
    close(fd);
    snprintf(path, sizeof(path), "/proc/%d/stat", tid);
    fd = open(path, O_RDONLY);
    buf[read(fd, buf, sizeof(buf) - 1)] = '\0';
    EXPECT(atoi(buf) == tid);
    DIR *d = opendir("/proc");
    bool listed = false;
    for (struct dirent *e; (e = readdir(d));) {
        listed |= atoi(e->d_name) == tid;
    }
    closedir(d);
    EXPECT(!listed);
    write(work[1], "", 1);
    pthread_join(t, NULL);
    while (access(path, F_OK) == 0) { /* it ends behind the join */
        usleep(1000);
    }
    SHOW(pread(fd, buf, sizeof(buf), 0));
    close(fd);
}

/* What names a namespace leads to a file. */
static void namespaces(void)
{
    static const char *const names[] = {"pid", "mnt", "net", "user",
                                        "pid_for_children"};
    struct stat own, other;
    char path[64], buf[8];
    pid_t pid = fork();

    if (!pid) {
        for (;;) {
            pause();
        }
    }
    title("namespaces");
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
        SHOW(access(path, F_OK));
        SHOW(access(path, W_OK));
        int fd = open(path, O_RDONLY);
        SHOW(read(fd, buf, sizeof(buf)));
        fstat(fd, &own);
        snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, names[i]);
        printf("mode %o, the same %d\n", own.st_mode,
               stat(path, &other) == 0 && own.st_ino == other.st_ino &&
                   own.st_dev == other.st_dev);
        close(fd);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
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
    lists();
    by_thread();
    namespaces();
    numbers();
    names("/proc/sys/kernel/hostname");
    names("/proc/sys/kernel/domainname");
    return 0;
}
