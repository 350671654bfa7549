/* SPDX-License-Identifier: MIT
 *
 * Queued signals: order of real-time ones, values, that ordinary ones count
 * once, thread before process, limits.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include "tests/guest/show.h"

static volatile int count;

static void on_signal(int signo, siginfo_t *si, void *uc)
{
    printf("signal %d code %d value %d us %d\n",
           signo >= SIGRTMIN ? signo - SIGRTMIN + 34 : signo, si->si_code,
           si->si_value.sival_int, si->si_pid == getpid());
    count++;
}

static void send(int signo, int value)
{
    union sigval v = {.sival_int = value};

    if (sigqueue(getpid(), signo, v)) {
        printf("sigqueue: %s\n", strerrorname_np(errno));
    }
}

int main(void)
{
    struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    sigset_t all, pending;

    show_start();
    sigfillset(&all);
    sigfillset(&sa.sa_mask);
    for (int s = 1; s < 65; s++) {
        if (s != 32 && s != 33) {
            sigaction(s, &sa, NULL);
        }
    }
    sigprocmask(SIG_BLOCK, &all, NULL);
    title("order");
    send(SIGRTMIN + 3, 1);
    send(SIGRTMIN, 2);
    send(SIGRTMIN + 3, 3);
    send(SIGUSR2, 4);
    send(SIGUSR1, 5);
    send(SIGUSR1, 6);
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGHUP);
    raise(SIGRTMIN);
    tgkill(getpid(), gettid(), SIGTERM);
    sigpending(&pending);
    printf("pending %d %d %d\n", sigismember(&pending, SIGUSR1),
           sigismember(&pending, SIGTERM), sigismember(&pending, SIGINT));
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    title("faults first");
    sigprocmask(SIG_BLOCK, &all, NULL);
    send(SIGHUP, 1);
    send(SIGSEGV, 2);
    send(SIGUSR1, 3);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    title("a timer's code makes no timer");
    sigprocmask(SIG_BLOCK, &all, NULL);
    siginfo_t timer = {.si_code = SI_TIMER};
    for (int i = 0; i < 3; i++) {
        timer.si_value.sival_int = 10 + i;
        CALL(rt_sigqueueinfo, getpid(), SIGRTMIN, &timer);
    }
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    title("the limit of what is queued");
    sigprocmask(SIG_BLOCK, &all, NULL);
    struct rlimit rl = {10, 10};
    setrlimit(RLIMIT_SIGPENDING, &rl);
    setresuid(12345, 12345, 12345);
    for (int i = 0; i < 12; i++) {
        send(SIGRTMIN, i);
    }
    SHOW(kill(getpid(), SIGRTMIN));
    SHOW(kill(getpid(), SIGUSR2));
    count = 0;
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    printf("count %d\n", count);
    title("foreign codes");
    siginfo_t si = {.si_code = SI_TKILL, .si_pid = 5};
    si.si_value.sival_int = 9;
    CALL(rt_sigqueueinfo, getpid(), SIGUSR1, &si);
    si.si_code = 5;
    CALL(rt_sigqueueinfo, getpid(), SIGUSR1, &si);
    CALL(rt_tgsigqueueinfo, getpid(), gettid(), SIGUSR1, &si);
    return 0;
}
