/* SPDX-License-Identifier: MIT
 *
 * sigsuspend, pause and masks in handlers: which mask counts when, nesting,
 * SA_NODEFER, SA_RESETHAND, masks changed in the frame.
 */
#include <signal.h>
#include <ucontext.h>
#include "tests/guest/show.h"

static volatile int depth, deepest, seen;

static void mask(const char *what)
{
    sigset_t now;

    sigprocmask(SIG_BLOCK, NULL, &now);
    printf("%s: usr1 %d usr2 %d hup %d\n", what, sigismember(&now, SIGUSR1),
           sigismember(&now, SIGUSR2), sigismember(&now, SIGHUP));
}

static void on_usr1(int signo)
{
    mask("in the handler of SIGUSR1");
    seen++;
}

static void on_usr2(int signo)
{
    mask("in the handler of SIGUSR2");
}

static void nested(int signo)
{
    depth++;
    deepest = depth > deepest ? depth : deepest;
    if (seen++ < 3) {
        raise(signo);
    }
    depth--;
}

static void changes_mask(int signo, siginfo_t *si, void *arg)
{
    ucontext_t *uc = arg;

    sigaddset(&uc->uc_sigmask, SIGHUP);
}

static void act(int signo, void (*handler)(int), int flags, int also)
{
    struct sigaction sa = {.sa_handler = handler, .sa_flags = flags};

    if (also) {
        sigaddset(&sa.sa_mask, also);
    }
    sigaction(signo, &sa, NULL);
}

int main(void)
{
    sigset_t usr1, usr2, none;

    show_start();
    sigemptyset(&none);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    sigemptyset(&usr2);
    sigaddset(&usr2, SIGUSR2);
    act(SIGUSR1, on_usr1, 0, 0);
    act(SIGUSR2, on_usr2, 0, SIGHUP);
    mask("before");
    raise(SIGUSR1);
    raise(SIGUSR2);
    mask("after");
    title("sigsuspend");
    sigprocmask(SIG_BLOCK, &usr1, NULL);
    raise(SIGUSR1);
    SHOW(sigsuspend(&usr2));
    mask("after");
    raise(SIGUSR1);
    raise(SIGUSR2);
    /* Both come in, one handler on top of the other. */
    SHOW(sigsuspend(&none));
    mask("after");
    sigprocmask(SIG_UNBLOCK, &usr1, NULL);
    title("nesting");
    seen = 0;
    act(SIGUSR1, nested, 0, 0);
    raise(SIGUSR1);
    printf("seen %d depth %d\n", seen, deepest);
    seen = deepest = 0;
    act(SIGUSR1, nested, SA_NODEFER, 0);
    raise(SIGUSR1);
    printf("seen %d depth %d\n", seen, deepest);
    title("SA_RESETHAND");
    act(SIGUSR1, on_usr1, SA_RESETHAND, 0);
    raise(SIGUSR1);
    struct sigaction now;
    sigaction(SIGUSR1, NULL, &now);
    printf("default %d flags %x\n", now.sa_handler == SIG_DFL,
           now.sa_flags & ~0x04000000);
    title("a mask changed in the frame");
    struct sigaction sa = {.sa_sigaction = changes_mask,
                           .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &sa, NULL);
    raise(SIGUSR1);
    mask("after");
    return 0;
}
