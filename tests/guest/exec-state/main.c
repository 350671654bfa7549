/* SPDX-License-Identifier: MIT
 *
 * What an execve keeps and what it resets: descriptors, signals, masks,
 * pending ones, umask, directory, ids, limits, timers, names, locks.
 */
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include "tests/guest/show.h"

static void on_signal(int signo)
{
}

static void before(void)
{
    struct itimerval it = {{0, 0}, {100, 0}};
    struct rlimit rl = {77, 100};
    stack_t ss = {.ss_sp = malloc(65536), .ss_size = 65536};
    sigset_t set;
    timer_t timer;

    put("/tmp/f", "0123456789");
    int fd = open("/tmp/f", O_RDWR),
        cloexec = open("/tmp/f", O_RDWR | O_CLOEXEC);
    dup2(fd, 10);
    lseek(fd, 4, SEEK_SET);
    flock(fd, LOCK_EX);
    printf("%d %d\n", fd, cloexec);
    signal(SIGUSR1, on_signal);
    signal(SIGUSR2, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGHUP);
    sigaltstack(&ss, NULL);
    setitimer(ITIMER_REAL, &it, NULL);
    timer_create(CLOCK_MONOTONIC, NULL, &timer);
    umask(027);
    chdir("/data");
    setrlimit(RLIMIT_NOFILE, &rl);
    prctl(PR_SET_NAME, "before");
    prctl(PR_SET_KEEPCAPS, 1);
    prctl(PR_SET_DUMPABLE, 0);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    setpriority(PRIO_PROCESS, 0, 3);
    mlockall(MCL_CURRENT);
    setresgid(5, 5, 5);
    setresuid(0, 6, 7);
    execl("/test/exec-state", "exec-state", "after", NULL);
    puts(strerrorname_np(errno));
}

static void after(void)
{
    struct itimerval it;
    struct sigaction sa;
    struct rlimit rl;
    stack_t ss;
    sigset_t set;
    char buf[100];
    uid_t r, e, s;

    title("descriptors");
    CALL(lseek, 3, 0L, SEEK_CUR);
    CALL(fcntl, 4, F_GETFD);
    CALL(read, 10, buf, 3L);
    CALL(flock, open("/tmp/f", O_RDONLY), LOCK_EX | LOCK_NB);
    title("signals");
    sigaction(SIGUSR1, NULL, &sa);
    printf("handled: default %d\n", sa.sa_handler == SIG_DFL);
    sigaction(SIGUSR2, NULL, &sa);
    printf("ignored: ignored %d\n", sa.sa_handler == SIG_IGN);
    sigprocmask(SIG_BLOCK, NULL, &set);
    printf("blocked %d %d %d\n", sigismember(&set, SIGHUP),
           sigismember(&set, SIGTERM), sigismember(&set, SIGUSR1));
    sigpending(&set);
    printf("pending %d %d\n", sigismember(&set, SIGHUP),
           sigismember(&set, SIGTERM));
    sigaltstack(NULL, &ss);
    printf("alternate stack: none %d\n", ss.ss_flags == SS_DISABLE);
    title("time");
    getitimer(ITIMER_REAL, &it);
    printf("itimer %d\n", it.it_value.tv_sec > 90);
    CALL(timer_delete, 0);
    title("others");
    CALL(umask, 022);
    puts(getcwd(buf, sizeof(buf)));
    getrlimit(RLIMIT_NOFILE, &rl);
    printf("limit %ld %ld\n", (long)rl.rlim_cur, (long)rl.rlim_max);
    prctl(PR_GET_NAME, buf);
    puts(buf);
    CALL(prctl, PR_GET_KEEPCAPS, 0L, 0L, 0L, 0L);
    CALL(prctl, PR_GET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L);
    CALL(getpriority, PRIO_PROCESS, 0);
    getresuid(&r, &e, &s);
    printf("ids %d %d %d\n", r, e, s);
    FILE *f = fopen("/proc/self/status", "r");
    while (fgets(buf, sizeof(buf), f)) {
        if (!strncmp(buf, "VmLck:", 6)) {
            printf("%s", buf);
        }
    }
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 1) {
        after();
    } else {
        show_start();
        before();
    }
    return 0;
}
