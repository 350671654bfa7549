/* SPDX-License-Identifier: MIT
 *
 * Alternate signal stacks: that handlers run on them, nesting, overflow of
 * the ordinary stack, SS_AUTODISARM, changing one while it is in use, a
 * thread's own.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/resource.h>
#include "tests/guest/show.h"

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif

static char alt[65536], other[65536];
static sigjmp_buf back;
static volatile int depth;

static int on(const char *stack)
{
    char here;

    return &here >= stack && &here < stack + 65536;
}

static void look(const char *what)
{
    stack_t ss;

    sigaltstack(NULL, &ss);
    printf("%s: on it %d flags %x size %zu\n", what, on(alt),
           (unsigned)ss.ss_flags, ss.ss_size);
}

static void on_usr1(int signo)
{
    stack_t ss = {.ss_sp = other, .ss_size = 65536};

    look("SIGUSR1");
    SHOW(sigaltstack(&ss, NULL));
    if (depth++ == 0) {
        raise(SIGUSR2);
    }
}

static void on_usr2(int signo)
{
    look("SIGUSR2");
}

static void on_segv(int signo, siginfo_t *si, void *uc)
{
    printf("SIGSEGV on it %d code %d\n", on(alt), si->si_code);
    siglongjmp(back, 1);
}

static int (*volatile again)(int);

static int overflow(int n)
{
    volatile char big[1000];

    big[0] = n;
    return again(n + 1) + big[0];
}

static void *thread(void *arg)
{
    stack_t ss = {.ss_sp = other, .ss_size = 65536};

    sigaltstack(NULL, &ss);
    printf("a new thread has none %d\n", ss.ss_flags == SS_DISABLE);
    ss = (stack_t){.ss_sp = other, .ss_size = 65536};
    sigaltstack(&ss, NULL);
    raise(SIGUSR2);
    return NULL;
}

int main(void)
{
    struct sigaction sa = {.sa_handler = on_usr1, .sa_flags = SA_ONSTACK};
    stack_t ss = {.ss_sp = alt, .ss_size = 65536};
    pthread_t t;

    show_start();
    sigaction(SIGUSR1, &sa, NULL);
    sa.sa_handler = on_usr2;
    sigaction(SIGUSR2, &sa, NULL);
    look("main");
    raise(SIGUSR2);
    SHOW(sigaltstack(&ss, NULL));
    raise(SIGUSR2);
    raise(SIGUSR1);
    look("main");
    title("SS_AUTODISARM");
    ss.ss_flags = SS_AUTODISARM;
    SHOW(sigaltstack(&ss, NULL));
    raise(SIGUSR2);
    look("main");
    title("without SA_ONSTACK");
    sa.sa_flags = 0;
    sigaction(SIGUSR2, &sa, NULL);
    raise(SIGUSR2);
    title("overflow");
    again = overflow;
    ss.ss_flags = 0;
    sigaltstack(&ss, NULL);
    sa.sa_flags = SA_ONSTACK | SA_SIGINFO;
    sa.sa_sigaction = on_segv;
    sigaction(SIGSEGV, &sa, NULL);
    struct rlimit rl = {1 << 20, RLIM_INFINITY};
    setrlimit(RLIMIT_STACK, &rl);
    for (int i = 0; i < 2; i++) {
        if (!sigsetjmp(back, 1)) {
            overflow(1);
        }
    }
    title("threads");
    sa.sa_flags = SA_ONSTACK;
    sa.sa_handler = on_usr2;
    sigaction(SIGUSR2, &sa, NULL);
    pthread_create(&t, NULL, thread, NULL);
    pthread_join(t, NULL);
    look("main");
    return 0;
}
