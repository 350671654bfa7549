/* SPDX-License-Identifier: MIT
 *
 * /proc/self: links, cmdline, environ, comm, status fields that must agree
 * with the calls, stat, limits, threads under task.
 */
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include "tests/guest/show.h"

static char text[20000];

static long slurp(const char *path)
{
    int fd = open(path, O_RDONLY);
    long n = 0, r;

    memset(text, 0, sizeof(text));
    while ((r = read(fd, text + n, sizeof(text) - 1 - n)) > 0) {
        n += r;
    }
    close(fd);
    return fd < 0 ? -1 : n;
}

static void links(void)
{
    static const char *const names[] = {"exe", "cwd", "root"};
    char path[60], pid[20];

    title("links");
    chdir("/tmp");
    for (unsigned i = 0; i < COUNT(names); i++) {
        sprintf(path, "/proc/self/%s", names[i]);
        memset(text, 0, 200);
        long n = readlink(path, text, 200);
        printf("%s: %ld %s\n", names[i], n, text);
    }
    sprintf(pid, "%d", getpid());
    memset(text, 0, 200);
    readlink("/proc/self", text, 200);
    printf("self %d\n", strcmp(text, pid) == 0);
    sprintf(path, "%d/task/%d", getpid(), gettid());
    memset(text, 0, 200);
    readlink("/proc/thread-self", text, 200);
    printf("thread-self %d\n", strcmp(text, path) == 0);
    CALL(readlink, "/proc/self/cmdline", text, 10L);
    CALL(readlink, "/proc/self/fd/99", text, 10L);
    CALL(unlink, "/proc/self/exe");
    CALL(open, "/proc/self/exe", O_RDWR);
    CALL(open, "/proc/0", O_RDONLY);
    CALL(open, "/proc/self/nothing", O_RDONLY);
    show_stat("/proc/self/exe");
}

static void strings(void)
{
    title("strings");
    long n = slurp("/proc/self/cmdline");
    printf("cmdline %ld %s %s\n", n, text, text + strlen(text) + 1);
    n = slurp("/proc/self/environ");
    printf("environ %d\n", strstr(text, "PATH=") != NULL);
    cat("/proc/self/comm");
    put("/proc/self/comm", "renamed");
    cat("/proc/self/comm");
}

static const char *field(const char *name)
{
    static char value[100];
    char key[40];

    sprintf(key, "\n%s:\t", name);
    char *p = strstr(text, key);
    if (!p) {
        return "(none)";
    }
    snprintf(value, sizeof(value), "%.*s", (int)strcspn(p + strlen(key), "\n"),
             p + strlen(key));
    return value;
}

static void *sleeper(void *arg)
{
    usleep(300000);
    return NULL;
}

static void status(void)
{
    pthread_t t;
    sigset_t set;

    title("status");
    signal(SIGUSR1, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR2);
    umask(027);
    pthread_create(&t, NULL, sleeper, NULL);
    slurp("/proc/self/status");
    printf("Name %.13s\n", text);
    printf("Umask %s\n", field("Umask"));
    printf("State %s\n", field("State"));
    char tracer[20];
    snprintf(tracer, sizeof(tracer), "%s", field("TracerPid"));
    printf("Tgid %d Pid %d PPid %d TracerPid %s\n",
           atoi(field("Tgid")) == getpid(), atoi(field("Pid")) == gettid(),
           atoi(field("PPid")) == getppid(), tracer);
    printf("Uid %s\n", field("Uid"));
    printf("Gid %s\n", field("Gid"));
    printf("Threads %s\n", field("Threads"));
    printf("SigPnd %s ", field("SigPnd"));
    printf("SigBlk %s ", field("SigBlk"));
    printf("SigIgn %s ", field("SigIgn"));
    printf("SigCgt %s\n", field("SigCgt"));
    printf("VmRSS %d VmSize %d VmPeak %d\n", atoi(field("VmRSS")) > 100,
           atoi(field("VmSize")) > atoi(field("VmRSS")),
           atoi(field("VmPeak")) >= atoi(field("VmSize")));
    printf("NoNewPrivs %s\n", field("NoNewPrivs"));
    pthread_join(t, NULL);
}

static void statistics(void)
{
    int pid, ppid, threads = 0;
    char state, comm[40];
    long sum = 0;

    title("stat");
    slurp("/proc/self/stat");
    sscanf(text, "%d %s %c %d", &pid, comm, &state, &ppid);
    char *p = strrchr(text, ')') + 2;
    int fields = 2;
    for (char *q = strtok(p, " \n"); q; q = strtok(NULL, " \n")) {
        fields++;
        if (fields == 20) {
            threads = atoi(q);
        }
    }
    printf("%d %s %c %d fields %d threads %d\n", pid == getpid(), comm, state,
           ppid == getppid(), fields, threads);
    slurp("/proc/self/statm");
    int values = 0;
    for (char *q = strtok(text, " \n"); q; q = strtok(NULL, " \n")) {
        values++;
        sum += atol(q);
    }
    printf("statm %d %d\n", values, sum > 0);
    slurp("/proc/self/limits");
    printf("limits %d\n", strstr(text, "Max open files") != NULL);
    slurp("/proc/self/oom_score_adj");
    printf("oom %s", text);
}

static void tasks(void)
{
    pthread_t t[3];
    struct dirent *e;
    int count = 0;

    title("tasks");
    for (int i = 0; i < 3; i++) {
        pthread_create(&t[i], NULL, sleeper, NULL);
    }
    DIR *d = opendir("/proc/self/task");
    while ((e = readdir(d))) {
        count += e->d_name[0] != '.';
    }
    closedir(d);
    printf("threads %d\n", count);
    for (int i = 0; i < 3; i++) {
        pthread_join(t[i], NULL);
    }
    struct stat st;
    stat("/proc/self/task", &st);
    printf("links %lu\n", (unsigned long)st.st_nlink);
}

int main(int argc, char **argv)
{
    show_start();
    for (int signo = 1; signo < 65; signo++) { /* what the caller ignored */
        static const unsigned long dfl[4];

        syscall(SYS_rt_sigaction, signo, dfl, NULL, 8);
    }
    links();
    strings();
    status();
    statistics();
    tasks();
    return 0;
}
