/* SPDX-License-Identifier: MIT
 *
 * getpid(2) may be answered before the kernel is entered: it is right in every
 * kind of child, and whoever is filtered or traced is so with it, too.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t ask(void)
{
    return (pid_t)syscall(SYS_getpid);
}

static void *ask_in_thread(void *arg)
{
    *(pid_t *)arg = ask();
    return NULL;
}

static int exit_of(pid_t child)
{
    int status = -1;

    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void children(void)
{
    pid_t self = ask(), in_thread = 0, child;
    pthread_t t;

    pthread_create(&t, NULL, ask_in_thread, &in_thread);
    pthread_join(t, NULL);
    printf("thread: %d\n", in_thread == self);
    child = fork();
    if (!child) {
        pid_t me = ask();

        pthread_create(&t, NULL, ask_in_thread, &in_thread);
        pthread_join(t, NULL);
        _exit(me != self && getppid() == self && in_thread == me ? 7 : 8);
    }
    printf("fork: %d\n", exit_of(child));
    child = vfork();
    if (!child) {
        _exit(ask() != self && getppid() == self ? 7 : 8);
    }
    printf("vfork: %d, and back: %d\n", exit_of(child), ask() == self);
}

static int filtered; /* the call that does it has returned */

/* -1 once it is filtered, and never the number after that. */
static void *ask_until_refused(void *arg)
{
    long known, result;

    do {
        known = __atomic_load_n(&filtered, __ATOMIC_ACQUIRE);
        result = syscall(SYS_getpid);
    } while (result > 0 && !known);
    return (void *)(long)(result == -1 && errno == EPERM);
}

static int filter_all(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpid, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog prog = {4, code};
    pthread_t t[3];
    void *ok;
    int sum = 0;

    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    for (int i = 0; i < 3; i++) {
        pthread_create(&t[i], NULL, ask_until_refused, NULL);
    }
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC,
                &prog)) {
        return 1;
    }
    sum += ask() == -1;
    __atomic_store_n(&filtered, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < 3; i++) {
        pthread_join(t[i], &ok);
        sum += (long)ok;
    }
    return 10 + sum;
}

static void filters(void)
{
    pid_t child = fork();

    if (!child) {
        _exit(filter_all());
    }
    printf("filtered: %d\n", exit_of(child));
}

static void tracing(void)
{
    pid_t child = fork();
    int status, entries = 0;

    if (!child) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        for (int i = 0; i < 3; i++) {
            ask();
        }
        _exit(0);
    }
    waitpid(child, &status, 0);
    ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD);
    while (!ptrace(PTRACE_SYSCALL, child, 0, 0) &&
           waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
        struct user_regs_struct regs;

        ptrace(PTRACE_GETREGS, child, 0, &regs);
        entries += regs.orig_rax == SYS_getpid;
    }
    printf("stops: %d\n", entries);
}

int main(void)
{
    setbuf(stdout, NULL);
    children();
    filters();
    tracing();
    return 0;
}
