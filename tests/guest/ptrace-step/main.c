/* SPDX-License-Identifier: MIT
 *
 * ptrace: single steps, instruction by instruction through code of the C
 * library and over a system call, into a handler, and none any more after that.
 */
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

static int start(void (*fn)(void))
{
    int pid = fork();

    if (!pid) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        fn();
        _exit(7);
    }
    waitpid(pid, NULL, 0);
    return pid;
}

static void step_over_call(void)
{
    _exit(syscall(SYS_getppid) > 0 ? 8 : 9);
}

/* Steps through a whole call of the C library: every stop is a step. */
static void steps(void)
{
    int pid = start(step_over_call), status, count = 0;

    title("steps");
    do {
        ptrace(PTRACE_SINGLESTEP, pid, 0, 0);
        waitpid(pid, &status, __WALL);
        count++;
    } while (WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP &&
             count < 100000);
    EXPECT(count > 20 && count < 100000);
    printf("exited %d with %d\n", WIFEXITED(status), WEXITSTATUS(status));
}

/* ---- into a handler ---- */

static volatile sig_atomic_t handled;

static void handler(int signo)
{
    handled = signo;
}

static void raise_one(void)
{
    signal(SIGUSR1, handler);
    raise(SIGUSR1);
    _exit(handled == SIGUSR1 ? 5 : 6);
}

static void into_handler(void)
{
    int pid = start(raise_one), status;
    struct user_regs_struct regs;

    title("into a handler");
    ptrace(PTRACE_CONT, pid, 0, 0);
    waitpid(pid, &status, 0);
    printf("%x\n", status);
    SHOW(ptrace(PTRACE_SINGLESTEP, pid, 0, SIGUSR1));
    waitpid(pid, &status, 0);
    printf("%x\n", status);
    SHOW(ptrace(PTRACE_GETREGS, pid, 0, &regs));
    EXPECT(regs.rip == (unsigned long)handler && regs.rdi == SIGUSR1);
    SHOW(ptrace(PTRACE_CONT, pid, 0, 0));
    waitpid(pid, &status, 0);
    printf("%x\n", status);
}

int main(void)
{
    show_start();
    steps();
    into_handler();
    return 0;
}
