/* SPDX-License-Identifier: MIT
 *
 * sigaction: what is remembered for every signal, default actions that
 * ignore, siginfo of each way to send, ignoring what is pending.
 */
#include <pthread.h>
#include <signal.h>
#include "tests/guest/show.h"

static volatile int seen;

static void on_signal(int signo, siginfo_t *si, void *uc)
{
    printf("signal %d code %d from us %d uid %d\n", signo, si->si_code,
           si->si_pid == getpid(), si->si_uid);
    seen++;
}

static void remembered(void)
{
    int refused = 0, kept = 0;

    title("every signal");
    for (int s = 1; s < 65; s++) {
        struct sigaction sa = {.sa_sigaction = on_signal,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK |
                                           SA_RESTART | SA_NOCLDSTOP |
                                           SA_NOCLDWAIT},
                         old;
        if (s == 32 || s == 33) {
            continue; /* libc's own */
        }
        if (sigaction(s, &sa, NULL)) {
            printf("%d: %s\n", s, strerrorname_np(errno));
            refused++;
            continue;
        }
        sigaction(s, NULL, &old);
        kept += old.sa_sigaction == on_signal &&
                (old.sa_flags & ~0x04000000) == sa.sa_flags;
        signal(s, SIG_DFL);
    }
    printf("refused %d kept %d\n", refused, kept);
}

static void ignored_by_default(void)
{
    title("ignored by default");
    raise(SIGCHLD);
    raise(SIGURG);
    raise(SIGWINCH);
    raise(SIGCONT);
    puts("still here");
}

static void *thread(void *arg)
{
    pthread_kill(*(pthread_t *)arg, SIGUSR1);
    return NULL;
}

static void senders(void)
{
    struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    pthread_t t, self = pthread_self();
    union sigval v = {0};

    title("senders");
    sigaction(SIGUSR1, &sa, NULL);
    sigaction(SIGABRT, &sa, NULL);
    sigaction(SIGALRM, &sa, NULL);
    kill(getpid(), SIGUSR1);
    raise(SIGUSR1);
    sigqueue(getpid(), SIGUSR1, v);
    syscall(SYS_tkill, gettid(), SIGUSR1);
    kill(0, 0);
    alarm(1);
    pause();
    pthread_create(&t, NULL, thread, &self);
    pthread_join(t, NULL);
    while (seen < 6) {
        usleep(1000);
    }
    setresuid(-1, 77, -1);
    kill(getpid(), SIGUSR1);
    setresuid(-1, 0, -1);
}

static void ignoring(void)
{
    sigset_t set, pending;

    title("ignoring drops what is pending");
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR1);
    sigpending(&pending);
    printf("pending %d\n", sigismember(&pending, SIGUSR1));
    signal(SIGUSR1, SIG_IGN);
    sigpending(&pending);
    printf("pending %d\n", sigismember(&pending, SIGUSR1));
    raise(SIGUSR1);
    sigpending(&pending);
    printf("pending %d\n", sigismember(&pending, SIGUSR1));
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

int main(void)
{
    show_start();
    remembered();
    ignored_by_default();
    senders();
    ignoring();
    return 0;
}
