/* SPDX-License-Identifier: MIT
 *
 * execve(2) by a thread that is not the first: what the new program has of
 * what was the process's, the thread's, or another thread's: signals, timers,
 * descriptors and locks, names and rights, registrations.
 */
#include <mqueue.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/time.h>
#include "tests/guest/exec-by-thread.h"

/* ---- what belongs to one thread, and what to all ---- */

static void *pended(void *arg)
{
    sigset_t set;

    sigfillset(&set);
    pthread_sigmask(SIG_SETMASK, &set, NULL);
    pthread_kill(pthread_self(), SIGALRM); /* pending for who dies */
    note_sibling();
    pause();
    return NULL;
}

static void handler(int signo)
{
}

static void signals(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction handle = {.sa_handler = handler};
    stack_t ss = {.ss_sp = malloc(65536), .ss_size = 65536};

    sigaction(SIGUSR2, &ignore, NULL);
    sigaction(SIGUSR1, &handle, NULL);
    sigaltstack(&ss, NULL);
    block(SIGHUP);
    block(SIGTERM);
    block(SIGINT);
    block(SIGRTMIN + 2);
    pthread_kill(pthread_self(), SIGTERM); /* pending for the leader */
    sibling(pended);
}

static void signals_execer(void)
{
    stack_t ss = {.ss_sp = malloc(65536), .ss_size = 65536};
    union sigval v = {.sival_int = 3};
    sigset_t set;

    block(SIGCHLD);
    block(SIGQUIT);
    pthread_sigmask(SIG_BLOCK, NULL, &set);
    sigdelset(&set, SIGINT);
    pthread_sigmask(SIG_SETMASK, &set, NULL);
    sigaltstack(&ss, NULL);
    kill(getpid(), SIGHUP);                /* for all */
    pthread_kill(pthread_self(), SIGQUIT); /* for who executes */
    for (int i = 0; i < 3; i++) {
        sigqueue(getpid(), SIGRTMIN + 2, v);
    }
    leader_sleeps();
}

static void show_set(const char *what, const sigset_t *set)
{
    printf("%s:", what);
    for (int i = 1; i <= 64; i++) {
        if (sigismember(set, i)) {
            printf(" %d", i);
        }
    }
    printf("\n");
}

static void signals_after(void)
{
    struct sigaction sa;
    siginfo_t info;
    stack_t ss;
    sigset_t set;
    int signo;

    sigprocmask(SIG_BLOCK, NULL, &set);
    show_set("blocked", &set);
    sigpending(&set);
    show_set("pending", &set);
    sigaction(SIGUSR1, NULL, &sa);
    printf("USR1 default: %d\n", sa.sa_handler == SIG_DFL);
    sigaction(SIGUSR2, NULL, &sa);
    printf("USR2 ignored: %d\n", sa.sa_handler == SIG_IGN);
    sigaltstack(NULL, &ss);
    printf("alternate stack: %d\n", ss.ss_flags);
    while ((signo = sigtimedwait(&set, &info, &(struct timespec){0, 0})) > 0) {
        printf("took %d, code %d, from itself %d, value %d\n", signo,
               info.si_code, info.si_pid == getpid(),
               signo > 32 ? info.si_value.sival_int : 0);
    }
}

/* ---- timers ---- */

static void timers(void)
{
    struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    struct itimerspec at = {{0, 0}, {1000, 0}};
    struct itimerval it = {{5, 0}, {1000, 0}};
    timer_t timer;

    timer_create(CLOCK_MONOTONIC, &e, &timer);
    timer_settime(timer, 0, &at, NULL);
    setitimer(ITIMER_REAL, &it, NULL);
    setitimer(ITIMER_VIRTUAL, &it, NULL);
    setitimer(ITIMER_PROF, &it, NULL);
}

static void timers_after(void)
{
    struct itimerspec left;
    struct itimerval it;

    for (int which = 0; which < 3; which++) {
        getitimer(which, &it);
        printf("interval timer %d: %d, every %ld\n", which,
               it.it_value.tv_sec > 900, it.it_interval.tv_sec);
    }
    errno = 0;
    printf("a POSIX timer: %s\n", syscall(SYS_timer_gettime, 0, &left) < 0
                                      ? strerrorname_np(errno)
                                      : "there");
}

/* ---- descriptors ---- */

static int kept_fd, closed_fd;

/* Another process has the same table, and keeps it. */
static void files(void)
{
    pid_t pid;

    kept_fd = dup2(open("/tmp/f", O_RDWR | O_CREAT, 0600), 60);
    closed_fd = dup3(kept_fd, 61, O_CLOEXEC);
    pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
    if (!pid) {
        char c;

        read(ready[0], &c, 1); /* the other has executed */
        printf("the other process: %d %d, a new one %d\n", fcntl(60, F_GETFD),
               fcntl(61, F_GETFD), fcntl(70, F_GETFD));
        _exit(0);
    }
}

static void files_execer(void)
{
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10};

    SHOW(fcntl(kept_fd, F_SETLK, &l));
    leader_sleeps();
}

static void files_after(void)
{
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10};
    int status;

    printf("here: %d %d\n", fcntl(60, F_GETFD), fcntl(61, F_GETFD));
    SHOW(fcntl(60, F_GETLK, &l));
    printf("the lock: type %d, its own process %d\n", l.l_type,
           l.l_pid == getpid());
    dup2(60, 70);
    write(ready[1], "x", 1);
    wait(&status);
    l.l_type = F_WRLCK;
    SHOW(fcntl(60, F_SETLK, &l));
}

/* ---- what a thread has of its own ---- */

static void own(void)
{
    prctl(PR_SET_NAME, "leader");
    setpriority(PRIO_PROCESS, 0, 2);
    chdir("/");
}

static void own_execer(void)
{
    struct sched_param none = {0};
    cpu_set_t set;

    prctl(PR_SET_NAME, "execer");
    setpriority(PRIO_PROCESS, 0, 7);
    sched_setscheduler(0, SCHED_BATCH, &none);
    CPU_ZERO(&set);
    CPU_SET(0, &set);
    sched_setaffinity(0, sizeof(set), &set);
    prctl(PR_SET_TIMERSLACK, 12345);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_PDEATHSIG, SIGUSR2);
    prctl(PR_SET_KEEPCAPS, 1);
    unshare(CLONE_FS | CLONE_FILES);
    chdir("/tmp");
    umask(05);
    dup2(0, 71);
    syscall(SYS_ioprio_set, 1, 0, 3 << 13 | 2);
    syscall(SYS_setresgid, 5, 6, 7);
    syscall(SYS_setresuid, 0, 0, 8);
    leader_sleeps();
}

static void own_after(void)
{
    uid_t r, e, s;
    cpu_set_t set;
    char cwd[100];
    int signo;

    printf("nice %d, policy %d\n", getpriority(PRIO_PROCESS, 0),
           sched_getscheduler(0));
    sched_getaffinity(0, sizeof(set), &set);
    printf("CPU 0 alone: %d\n", CPU_COUNT(&set) == 1 && CPU_ISSET(0, &set));
    SHOW(prctl(PR_GET_TIMERSLACK));
    SHOW(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    SHOW(prctl(PR_GET_KEEPCAPS));
    prctl(PR_GET_PDEATHSIG, &signo);
    printf("signal at the parent's end: %d\n", signo);
    printf("in %s, umask %o\n", getcwd(cwd, sizeof(cwd)), umask(0));
    printf("its own descriptor: %d\n", fcntl(71, F_GETFD));
    printf("I/O priority %lx\n", (long)syscall(SYS_ioprio_get, 1, 0));
    getresgid(&r, &e, &s);
    printf("groups %d %d %d\n", r, e, s);
    getresuid(&r, &e, &s);
    printf("users %d %d %d\n", r, e, s);
}

/* ---- messages, locks, keys ---- */

static void registered(void)
{
    struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
    struct mq_attr a = {.mq_maxmsg = 1, .mq_msgsize = 8};
    int id = semget(IPC_PRIVATE, 1, 0600);
    struct sembuf up = {0, 1, SEM_UNDO};
    struct rlimit rl = {50, 100};
    mqd_t q;

    mq_unlink("/exec-kinds");
    q = mq_open("/exec-kinds", O_RDWR | O_CREAT, 0600, &a);
    mq_notify(q, &e);
    semop(id, &up, 1);
    dup2(id >= 0 ? open("/tmp/sem", O_RDWR | O_CREAT | O_TRUNC, 0600) : 0, 62);
    write(62, &id, sizeof(id));
    setrlimit(RLIMIT_NOFILE, &rl);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    prctl(PR_SET_DUMPABLE, 0);
    mlockall(MCL_CURRENT | MCL_FUTURE);
}

static void registered_after(void)
{
    struct sigevent e = {.sigev_notify = SIGEV_NONE};
    struct rlimit rl;
    int id, reaper = 0;
    mqd_t q = mq_open("/exec-kinds", O_RDWR);

    SHOW(mq_notify(q, &e));
    mq_unlink("/exec-kinds");
    pread(62, &id, sizeof(id), 0);
    printf("the semaphore: %d\n", semctl(id, 0, GETVAL));
    semctl(id, 0, IPC_RMID);
    getrlimit(RLIMIT_NOFILE, &rl);
    printf("limit %ld\n", (long)rl.rlim_cur);
    prctl(PR_GET_CHILD_SUBREAPER, &reaper);
    printf("subreaper %d, dumpable %d\n", reaper, prctl(PR_GET_DUMPABLE));
}

static const struct kind table[] = {
    {"signals", signals, signals_execer, signals_after},
    {"timers", timers, leader_sleeps, timers_after},
    {"files", files, files_execer, files_after},
    {"own", own, own_execer, own_after},
    {"registered", registered, leader_sleeps, registered_after},
};

int main(int argc, char **argv)
{
    int status = exec_by_thread(argc, argv, table, COUNT(table));

    return status < 0 ? 0 : status;
}
