/* SPDX-License-Identifier: MIT
 *
 * Syscall User Dispatch: which calls become SIGSYS, what the signal says, what
 * the selector can hold, who inherits it (nobody), and bad arguments.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <ucontext.h>
#include "tests/guest/show.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif
enum { OFF, ON, ALLOW = 0, BLOCK = 1 };

static char selector;
static int caught, number, code, arch, same_rip, handled_rax;

#define SET(mode, from, len, to)                                               \
    prctl(PR_SET_SYSCALL_USER_DISPATCH, mode, from, len, to)

/* Allows what follows: else its own return would be the next signal. */
static void on_sys(int sig, siginfo_t *info, void *context)
{
    ucontext_t *u = context;

    selector = ALLOW;
    caught++;
    number = info->si_syscall;
    code = info->si_code;
    arch = (int)info->si_arch;
    same_rip = info->si_call_addr == (void *)u->uc_mcontext.gregs[REG_RIP];
    handled_rax = (int)u->uc_mcontext.gregs[REG_RAX];
    u->uc_mcontext.gregs[REG_RAX] = 4711;
}

static long blocked(long n)
{
    long r;

    selector = BLOCK;
    __asm__ volatile("syscall" : "=a"(r) : "a"(n) : "rcx", "r11", "memory");
    selector = ALLOW;
    return r;
}

static void told(const char *what, long r)
{
    printf("%s: %ld; signals %d, call %d, code %d, arch %x, rip %d, rax %d\n",
           what, r, caught, number, code, arch, same_rip, handled_rax);
}

static void *thread(void *arg)
{
    selector = BLOCK; /* ours alone */
    getpid();
    selector = ALLOW;
    return NULL;
}

static void inherited(void)
{
    pthread_t t;
    int status;

    title("who else has it");
    pthread_create(&t, NULL, thread, NULL);
    pthread_join(t, NULL);
    if (!fork()) {
        selector = BLOCK;
        getpid();
        selector = ALLOW;
        execl("/proc/self/exe", "x", "again", NULL);
        _exit(9);
    }
    wait(&status);
    printf("child %x, signals %d\n", status, caught);
}

static void ends(const char *what, char value, void *at)
{
    int status;

    if (!fork()) {
        SET(ON, 0, 0, at);
        selector = value;
        getpid();
        _exit(0);
    }
    wait(&status);
    printf("%s: %s\n", what,
           WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "exit");
}

static void errors(void)
{
    title("bad arguments");
    SHOW(SET(2000, 0, 0, 0));
    SHOW(SET(OFF, 0, 1, 0));
    SHOW(SET(OFF, 1, 0, 0));
    SHOW(SET(OFF, 0, 0, &selector));
    SHOW(SET(ON, 1, 0, &selector));
    SHOW(SET(ON, 1, -1L, &selector));
    SHOW(SET(ON, 0, 1, -1L));
    SHOW(SET(OFF, 0, 0, 0));
}

int main(int argc, char **argv)
{
    struct sigaction sa = {.sa_sigaction = on_sys, .sa_flags = SA_SIGINFO};
    char *none =
        mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (argc > 1) {
        return 0;
    }
    sigaction(SIGSYS, &sa, NULL);
    errors();
    title("calls");
    SHOW(SET(ON, 0, 0, &selector));
    told("allowed", (long)(getpid() > 0));
    told("getppid", blocked(SYS_getppid));
    told("no such call", blocked(12345));
    told("clone", blocked(SYS_clone));
    inherited();
    SHOW(SET(OFF, 0, 0, 0));
    told("off", blocked(SYS_getppid) == getppid());
    SHOW(SET(ON, 1, 0x7ffffffff000, &selector)); /* all code may */
    told("in the range", blocked(SYS_getppid) == getppid());
    SHOW(SET(OFF, 0, 0, 0));
    title("ends");
    ends("a selector that says something else", 2, &selector);
    ends("a selector that is not there", BLOCK, none);
    ends("allowed", ALLOW, &selector);
    return 0;
}
