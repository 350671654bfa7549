/* SPDX-License-Identifier: MIT
 *
 * sigtimedwait, sigwaitinfo, sigwait: what is taken first, timeouts, other
 * signals meanwhile, several threads waiting for one.
 */
#include <pthread.h>
#include <signal.h>
#include "tests/guest/show.h"

static sigset_t usr;
static volatile int taken, handled;

static void on_signal(int signo)
{
    handled++;
}

static void *waiter(void *arg)
{
    siginfo_t si;
    struct timespec ts = {2, 0};

    int r;

    /* A thread may be woken for a signal that another one takes. */
    do {
        r = sigtimedwait(&usr, &si, &ts);
    } while (r < 0 && errno == EINTR);
    if (r > 0) {
        __atomic_add_fetch(&taken, 1, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

static void *sender(void *arg)
{
    usleep(50000);
    kill(getpid(), (int)(intptr_t)arg);
    return NULL;
}

int main(void)
{
    struct timespec zero = {0, 0}, some = {0, 30000000}, long_time = {5, 0};
    union sigval v = {.sival_int = 7};
    siginfo_t si;
    pthread_t t[3];
    int signo;

    show_start();
    sigemptyset(&usr);
    sigaddset(&usr, SIGUSR1);
    sigaddset(&usr, SIGUSR2);
    sigaddset(&usr, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &usr, NULL);
    SHOW(sigtimedwait(&usr, &si, &zero));
    long long start = show_now(CLOCK_MONOTONIC);
    SHOW(sigtimedwait(&usr, NULL, &some));
    puts(passed(start, 30000000));
    sigqueue(getpid(), SIGRTMIN, v);
    raise(SIGUSR2);
    kill(getpid(), SIGUSR1);
    SHOW(sigwaitinfo(&usr, &si));
    printf("code %d\n", si.si_code);
    SHOW(sigwaitinfo(&usr, &si));
    SHOW(sigtimedwait(&usr, &si, &zero) == SIGRTMIN);
    printf("code %d value %d\n", si.si_code, si.si_value.sival_int);
    raise(SIGUSR1);
    SHOW(sigwait(&usr, &signo));
    printf("%d\n", signo);
    title("another signal meanwhile");
    signal(SIGHUP, on_signal);
    pthread_create(&t[0], NULL, sender, (void *)SIGHUP);
    SHOW(sigtimedwait(&usr, &si, &long_time));
    pthread_join(t[0], NULL);
    printf("handled %d\n", handled);
    signal(SIGHUP, SIG_IGN);
    some.tv_nsec = 100000000;
    pthread_create(&t[0], NULL, sender, (void *)SIGHUP);
    SHOW(sigtimedwait(&usr, &si, &some));
    pthread_join(t[0], NULL);
    title("several waiters");
    for (int i = 0; i < 3; i++) {
        pthread_create(&t[i], NULL, waiter, NULL);
    }
    until_others_sleep();
    kill(getpid(), SIGUSR1);
    until_others_sleep();
    kill(getpid(), SIGUSR2);
    until_others_sleep();
    sigqueue(getpid(), SIGRTMIN, v);
    for (int i = 0; i < 3; i++) {
        pthread_join(t[i], NULL);
    }
    printf("taken %d\n", taken);
    SHOW(sigtimedwait(&usr, &si, &zero));
    return 0;
}
