/* SPDX-License-Identifier: MIT
 *
 * A signal that comes just when a thread goes to sleep in FUTEX_WAIT is handled
 * and ends the call: the next one is sent when it has been, at many moments of
 * the way back into the call.
 */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { SIGNALS = 10000, MAX_NS = 200000000 };

static unsigned handled, interrupted, ended, tid, word;

static void on_signal(int sig)
{
    __atomic_add_fetch(&handled, 1, __ATOMIC_RELEASE);
}

static void *waiter(void *arg)
{
    __atomic_store_n(&tid, (unsigned)gettid(), __ATOMIC_RELEASE);
    while (!__atomic_load_n(&ended, __ATOMIC_ACQUIRE)) {
        if (syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0)) {
            __atomic_add_fetch(&interrupted, errno == EINTR, __ATOMIC_RELAXED);
        }
    }
    return NULL;
}

static long long now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static void pause_for(unsigned turns)
{
    for (volatile unsigned i = turns; i; i--) {
    }
}

int main(void)
{
    struct sigaction sa = {.sa_handler = on_signal};
    long long end = now() + MAX_NS; /* enough, however busy the machine is */
    pthread_t t;
    unsigned n = 0;

    sigaction(SIGUSR1, &sa, NULL);
    pthread_create(&t, NULL, waiter, NULL);
    while (!__atomic_load_n(&tid, __ATOMIC_ACQUIRE)) {
        sched_yield();
    }
    while ((n < SIGNALS && now() < end) ||
           !__atomic_load_n(&interrupted, __ATOMIC_RELAXED)) {
        tgkill(getpid(), (pid_t)tid, SIGUSR1);
        n++;
        while (__atomic_load_n(&handled, __ATOMIC_ACQUIRE) != n) {
            /* to sleep here would give it time */
        }
        pause_for(n * 7 % 512);
    }
    __atomic_store_n(&ended, 1, __ATOMIC_RELEASE);
    word = 1;
    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    pthread_join(t, NULL);
    printf("all signals handled: %d\n", handled == n);
    return 0;
}
