/* SPDX-License-Identifier: MIT
 *
 * seccomp: strict mode and filters, every action, several filters at once,
 * what children, threads and new programs inherit, what the checker of
 * filters refuses, and the errors of the call.
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

#define NR (BPF_LD | BPF_W | BPF_ABS), 0, 0, offsetof(struct seccomp_data, nr)
#define ARG(i)                                                                 \
    (BPF_LD | BPF_W | BPF_ABS), 0, 0, offsetof(struct seccomp_data, args[i])
#define RET    (BPF_RET | BPF_K), 0, 0
#define IS(nr) (BPF_JMP | BPF_JEQ | BPF_K), 0, 1, (nr)
#define ALLOW                                                                  \
    {                                                                          \
        RET, SECCOMP_RET_ALLOW                                                 \
    }

static long install_flags(unsigned flags, struct sock_filter *insns, int len)
{
    struct sock_fprog prog = {(unsigned short)len, insns};

    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
}

#define INSTALL(...)                                                           \
    install_flags(0, (struct sock_filter[]){__VA_ARGS__},                      \
                  COUNT(((struct sock_filter[]){__VA_ARGS__})))

static void no_privileges(void)
{
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* fn in a child; how it ended. */
static void in_child(const char *what, void (*fn)(void))
{
    int pid = fork(), status;

    if (!pid) {
        signal(SIGSYS, SIG_DFL);
        fn();
        _exit(0);
    }
    waitpid(pid, &status, 0);
    if (WIFSIGNALED(status)) {
        printf("%s: killed by %d\n", what, WTERMSIG(status));
    } else {
        printf("%s: exited with %d\n", what, WEXITSTATUS(status));
    }
}

/* ---- modes ---- */

static void strict_allows(void)
{
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT)) {
        _exit(1);
    }
    write(1, "write\n", 6);
    syscall(SYS_exit, 3);
}

static void strict_kills(void)
{
    RAW(seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL);
    getppid();
}

static void reports_mode(void)
{
    no_privileges();
    SHOW(prctl(PR_GET_SECCOMP));
    SHOW(INSTALL(ALLOW));
    SHOW(prctl(PR_GET_SECCOMP));
    SHOW(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
}

/* ---- actions ---- */

static void with_errno(void)
{
    no_privileges();
    INSTALL({NR}, {IS(SYS_getppid)}, {RET, SECCOMP_RET_ERRNO | ENOTTY}, ALLOW);
    CALL(getppid);
    INSTALL({NR}, {IS(SYS_getuid)}, {RET, SECCOMP_RET_ERRNO | 0xffff}, ALLOW);
    CALL(getuid);
    INSTALL({NR}, {IS(SYS_getgid)}, {RET, SECCOMP_RET_ERRNO}, ALLOW);
    CALL(getgid);
    /* The strictest wins, and of equals the newest. */
    INSTALL({NR}, {IS(SYS_getppid)}, {RET, SECCOMP_RET_ERRNO | EDOM}, ALLOW);
    CALL(getppid);
    INSTALL({NR}, {IS(SYS_getppid)}, {RET, SECCOMP_RET_ALLOW}, ALLOW);
    CALL(getppid);
}

static void by_argument(void)
{
    no_privileges();
    INSTALL({NR}, {(BPF_JMP | BPF_JEQ | BPF_K), 0, 3, SYS_umask}, {ARG(0)},
            {IS(0123)}, {RET, SECCOMP_RET_ERRNO | EACCES}, ALLOW);
    CALL(umask, 0123);
    CALL(umask, 022);
}

static void arithmetic(void)
{
    no_privileges();
    /* ((arg * 3 + 4) ^ 2) / 2 - 1, by way of X and scratch memory, is 14. */
    INSTALL({NR}, {(BPF_JMP | BPF_JEQ | BPF_K), 0, 12, SYS_umask}, {ARG(0)},
            {(BPF_ALU | BPF_MUL | BPF_K), 0, 0, 3},
            {(BPF_ALU | BPF_ADD | BPF_K), 0, 0, 4}, {BPF_ST, 0, 0, 15},
            {(BPF_LD | BPF_IMM), 0, 0, 2}, {(BPF_MISC | BPF_TAX), 0, 0, 0},
            {(BPF_LD | BPF_MEM), 0, 0, 15},
            {(BPF_ALU | BPF_XOR | BPF_X), 0, 0, 0},
            {(BPF_ALU | BPF_DIV | BPF_X), 0, 0, 0},
            {(BPF_ALU | BPF_SUB | BPF_K), 0, 0, 1}, {IS(14)},
            {RET, SECCOMP_RET_ERRNO | ERANGE}, ALLOW);
    CALL(umask, 8);
    CALL(umask, 022);
}

static void action_kill(void)
{
    no_privileges();
    INSTALL({NR}, {IS(SYS_getppid)}, {RET, SECCOMP_RET_KILL_PROCESS}, ALLOW);
    getppid();
}

static void action_log(void)
{
    no_privileges();
    INSTALL({NR}, {IS(SYS_getppid)}, {RET, SECCOMP_RET_LOG}, ALLOW);
    EXPECT(getppid() > 0);
}

static void action_trace(void)
{
    no_privileges();
    INSTALL({NR}, {IS(SYS_getppid)}, {RET, SECCOMP_RET_TRACE | 5}, ALLOW);
    CALL(getppid);
}

static siginfo_t seen;
static volatile long seen_rax;

static void on_sys(int signo, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;

    seen = *info;
    seen_rax = uc->uc_mcontext.gregs[REG_RAX];
    uc->uc_mcontext.gregs[REG_RAX] = -EXDEV;
}

static void action_trap(void)
{
    struct sigaction sa = {.sa_sigaction = on_sys, .sa_flags = SA_SIGINFO};

    sigaction(SIGSYS, &sa, NULL);
    no_privileges();
    INSTALL({NR}, {IS(SYS_getppid)}, {RET, SECCOMP_RET_TRAP | 77}, ALLOW);
    CALL(getppid);
    printf("%d %d %d\n", seen.si_code, seen.si_errno, seen.si_syscall);
    EXPECT(seen.si_syscall == SYS_getppid && seen_rax == SYS_getppid);
    EXPECT(seen.si_arch == AUDIT_ARCH_X86_64 && seen.si_call_addr != NULL);
    signal(SIGSYS, SIG_IGN);
    getppid();
}

/* ---- inheritance ---- */

static void in_fork(void)
{
    no_privileges();
    INSTALL({NR}, {IS(SYS_getppid)}, {RET, SECCOMP_RET_ERRNO | ENOTTY}, ALLOW);
    if (!fork()) {
        CALL(getppid);
        _exit(0);
    }
    wait(NULL);
    execl("/proc/self/exe", "seccomp", "child", NULL);
}

static pthread_barrier_t barrier;

static void *waits(void *arg)
{
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    CALL(getppid);
    return NULL;
}

static void all_threads(void)
{
    struct sock_filter insns[] = {
        {NR}, {IS(SYS_getppid)}, {RET, SECCOMP_RET_ERRNO | ENOTTY}, ALLOW};
    pthread_t t;

    no_privileges();
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&t, NULL, waits, NULL);
    pthread_barrier_wait(&barrier);
    SHOW(install_flags(SECCOMP_FILTER_FLAG_TSYNC, insns, COUNT(insns)));
    pthread_barrier_wait(&barrier);
    pthread_join(t, NULL);
}

static void *own_filter(void *arg)
{
    INSTALL({NR}, {IS(SYS_getuid)}, {RET, SECCOMP_RET_ERRNO | ENOTTY}, ALLOW);
    *(int *)arg = (int)syscall(SYS_gettid);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return NULL;
}

static void strangers(void)
{
    struct sock_filter insns[] = {ALLOW};
    pthread_t t;
    int tid = 0;

    no_privileges();
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&t, NULL, own_filter, &tid);
    pthread_barrier_wait(&barrier);
    EXPECT(install_flags(SECCOMP_FILTER_FLAG_TSYNC, insns, 1) == tid);
    SHOW(install_flags(
        SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH, insns, 1));
    pthread_barrier_wait(&barrier);
    pthread_join(t, NULL);
}

/* ---- a tracer's word ---- */

static void traced(void)
{
    int pid = fork(), status;
    long message = 0;

    if (!pid) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        no_privileges();
        raise(SIGSTOP);
        INSTALL({NR}, {IS(SYS_getppid)}, {RET, SECCOMP_RET_TRACE | 5}, ALLOW);
        CALL(getppid);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    SHOW(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESECCOMP));
    ptrace(PTRACE_CONT, pid, 0, 0);
    waitpid(pid, &status, 0);
    printf("%x\n", status);
    SHOW(ptrace(PTRACE_GETEVENTMSG, pid, 0, &message));
    printf("%ld\n", message);
    ptrace(PTRACE_POKEUSER, pid, 15 * 8, -1L);
    ptrace(PTRACE_POKEUSER, pid, 10 * 8, 1234L);
    ptrace(PTRACE_CONT, pid, 0, 0);
    waitpid(pid, &status, 0);
    printf("%x\n", status);
}

/* ---- refusals ---- */

static void bad_filters(void)
{
    static struct sock_filter many[4097];

    no_privileges();
    SHOW(INSTALL({NR}));
    SHOW(INSTALL({(BPF_LD | BPF_W | BPF_ABS), 0, 0, 64}, ALLOW));
    SHOW(INSTALL({(BPF_LD | BPF_W | BPF_ABS), 0, 0, 2}, ALLOW));
    SHOW(INSTALL({(BPF_LD | BPF_H | BPF_ABS), 0, 0, 0}, ALLOW));
    SHOW(INSTALL({(BPF_LD | BPF_W | BPF_IND), 0, 0, 0}, ALLOW));
    SHOW(INSTALL({(BPF_LD | BPF_MEM), 0, 0, 16}, ALLOW));
    SHOW(INSTALL({(BPF_LD | BPF_MEM), 0, 0, 3}, ALLOW));
    SHOW(INSTALL({(BPF_ALU | BPF_DIV | BPF_K), 0, 0, 0}, ALLOW));
    SHOW(INSTALL({(BPF_ALU | BPF_LSH | BPF_K), 0, 0, 32}, ALLOW));
    SHOW(INSTALL({(BPF_JMP | BPF_JA), 0, 0, 1}, ALLOW));
    SHOW(INSTALL({(BPF_JMP | BPF_JEQ | BPF_K), 0, 1, 0}, ALLOW));
    SHOW(INSTALL({0xffff, 0, 0, 0}, ALLOW));
    SHOW(INSTALL({(BPF_LD | BPF_W | BPF_LEN), 0, 0, 0}, ALLOW));
    SHOW(install_flags(0, many, 0));
    SHOW(install_flags(0, many, 4097));
    SHOW(install_flags(0, BAD, 1));
    SHOW(install_flags(0x8000, many, 1));
}

static void errors(void)
{
    unsigned actions[] = {SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD,
                          SECCOMP_RET_TRAP,         SECCOMP_RET_ERRNO,
                          SECCOMP_RET_TRACE,        SECCOMP_RET_LOG,
                          SECCOMP_RET_ALLOW,        0x12340000};

    for (unsigned i = 0; i < COUNT(actions); i++) {
        CALL(seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &actions[i]);
    }
    CALL(seccomp, SECCOMP_GET_ACTION_AVAIL, 1, &actions[0]);
    CALL(seccomp, SECCOMP_GET_ACTION_AVAIL, 0, BAD);
    CALL(seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL);
    CALL(seccomp, SECCOMP_SET_MODE_STRICT, 0, actions);
    CALL(seccomp, SECCOMP_SET_MODE_FILTER, 0, BAD);
    CALL(seccomp, 99, 0, NULL);
    CALL(prctl, PR_SET_SECCOMP, 9L, NULL);
    setresuid(NOBODY, NOBODY, NOBODY);
    SHOW(INSTALL(ALLOW));
}

int main(int argc, char **argv)
{
    show_start();
    if (argc > 1) {
        CALL(getppid);
        return 0;
    }
    in_child("strict", strict_allows);
    in_child("strict kills", strict_kills);
    in_child("mode", reports_mode);
    in_child("errno", with_errno);
    in_child("argument", by_argument);
    in_child("arithmetic", arithmetic);
    in_child("kill", action_kill);
    in_child("log", action_log);
    in_child("trace", action_trace);
    in_child("trap", action_trap);
    in_child("fork", in_fork);
    in_child("threads", all_threads);
    in_child("strangers", strangers);
    in_child("traced", traced);
    in_child("bad filters", bad_filters);
    in_child("errors", errors);
    return 0;
}
