/* SPDX-License-Identifier: MIT
 *
 * /proc of another process: while it lives, once it has executed something
 * else, when it is a zombie, and when it is gone.
 */
#include <signal.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

static char buf[65536];
static int child;

static ssize_t slurp(const char *name)
{
    char path[64];
    ssize_t n;
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/%s", child, name);
    fd = open(path, O_RDONLY);
    if (fd < 0) {
        printf("%s: %s\n", name, strerrorname_np(errno));
        return -1;
    }
    n = read(fd, buf, sizeof(buf) - 1);
    if (n < 0) {
        printf("%s: reading: %s\n", name, strerrorname_np(errno));
    }
    close(fd);
    buf[n < 0 ? 0 : n] = '\0';
    return n;
}

static void strings(const char *name)
{
    ssize_t n = slurp(name);

    printf("%s:", name);
    for (char *s = buf; s < buf + n; s += strlen(s) + 1) {
        printf(" [%s]", s);
    }
    puts("");
}

static void state(void)
{
    char comm[64], code;
    int pid, ppid, pgrp, sid;

    if (slurp("stat") > 0) {
        sscanf(buf, "%d (%63[^)]) %c %d %d %d", &pid, comm, &code, &ppid, &pgrp,
               &sid);
        printf("stat: pid %d (%s) %c ppid %d pgrp %d sid %d\n", pid == child,
               comm, code, ppid == getpid(), pgrp == getpgrp(),
               sid == getsid(0));
    }
    if (slurp("status") > 0) {
        for (char *line = strtok(buf, "\n"); line; line = strtok(NULL, "\n")) {
            if (!strncmp(line, "Name:", 5) || !strncmp(line, "State:", 6) ||
                !strncmp(line, "Umask:", 6) || !strncmp(line, "Uid:", 4) ||
                !strncmp(line, "Threads:", 8)) {
                puts(line);
            }
        }
    }
}

static void link_of(const char *name)
{
    char path[64];
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/%d/%s", child, name);
    n = readlink(path, buf, sizeof(buf) - 1);
    buf[n < 0 ? 0 : n] = '\0';
    printf("%s: %s\n", name, n < 0 ? strerrorname_np(errno) : buf);
}

static void look(void)
{
    ssize_t n;

    strings("cmdline");
    strings("environ");
    state();
    n = slurp("comm");
    printf("comm: %.*s", (int)n, buf);
    link_of("exe");
    link_of("cwd");
    link_of("root");
    link_of("fd/7");
    n = slurp("maps");
    printf("maps %s\n", n > 0 ? "there" : "empty");
    n = slurp("limits");
    printf("limits %s\n", n > 0 ? "there" : "empty");
    n = slurp("oom_score_adj");
    printf("oom_score_adj %s", n > 0 ? buf : "\n");
    n = slurp("personality");
    printf("personality %s", n > 0 ? buf : "\n");
}

static void until(char want)
{
    char code = 0;

    while (code != want) {
        usleep(1000);
        if (slurp("stat") <= 0) {
            return;
        }
        sscanf(strrchr(buf, ')'), ") %c", &code);
    }
}

int main(int argc, char **argv)
{
    int ready[2], sync[2];
    char c;

    if (argc > 1) { /* executed by the child */
        write(8, "x", 1);
        pause();
    }
    show_start();
    pipe(ready);
    pipe(sync);
    title("forked");
    child = fork();
    if (!child) {
        chdir("/tmp");
        umask(0151);
        personality(ADDR_NO_RANDOMIZE);
        dup2(open("/dev/null", O_RDONLY), 7);
        dup2(ready[1], 8);
        prctl(PR_SET_NAME, "renamed");
        write(8, "x", 1);
        read(sync[0], &c, 1);
        execle("/test/proc-others", "another", "name", "", "last", NULL,
               (char *[]){"A=1", "B=two", NULL});
        _exit(1);
    }
    read(ready[0], &c, 1);
    until('S');
    state();
    link_of("cwd");
    link_of("fd/7");
    strings("cmdline");
    write(sync[1], "x", 1);
    read(ready[0], &c, 1);
    until('S');
    title("executes");
    look();
    kill(child, SIGSTOP);
    until('T');
    title("stopped");
    state();
    kill(child, SIGKILL);
    until('Z');
    title("zombie");
    state();
    strings("cmdline");
    link_of("exe");
    link_of("cwd");
    waitpid(child, NULL, 0);
    title("gone");
    state();
    link_of("exe");
    return 0;
}
