/* SPDX-License-Identifier: MIT
 *
 * ptrace: a traced child's memory and registers, its system calls seen, changed
 * and taken away, breakpoints in code that it cannot write, and what is
 * refused.
 */
#include <elf.h>
#include <sys/uio.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/user.h>
#include "tests/guest/traced.h"

static long shared_word = 41;

static __attribute__((noinline)) int function(int x)
{
    __asm__ volatile("" : "+r"(x));
    return x + 1;
}

/* ---- memory and registers ---- */

static void say_word(void)
{
    _exit(shared_word == 42 && function(1) == 2 ? 1 : 2);
}

static void memory(void)
{
    int pid = start(say_word);
    long word = 0;

    title("memory");
    PT(PTRACE_PEEKDATA, pid, &shared_word, &word);
    printf("%ld, here %ld\n", word, shared_word);
    PT(PTRACE_POKEDATA, pid, &shared_word, 42L);
    PT(PTRACE_PEEKTEXT, pid, &shared_word, &word);
    printf("%ld, here %ld\n", word, shared_word);
    PT(PTRACE_PEEKDATA, pid, 16L, &word);
    PT(PTRACE_PEEKDATA, pid, -8L, &word);
    PT(PTRACE_PEEKDATA, pid, &shared_word, BAD);
    PT(PTRACE_POKEDATA, pid, 16L, 1L);
    PT(PTRACE_CONT, pid, 0L, 65L);
    PT(PTRACE_CONT, pid, 0L, 0L);
    wait_for(pid);
    PT(PTRACE_CONT, pid, 0L, 0L);
}

static void breakpoint(void)
{
    int pid = start(say_word);
    struct user_regs_struct regs;
    long word = 0;

    title("breakpoint");
    PT(PTRACE_POKEDATA, pid, &shared_word, 42L);
    ptrace(PTRACE_PEEKTEXT, pid, 0, 0);
    syscall(SYS_ptrace, PTRACE_PEEKTEXT, pid, function, &word);
    EXPECT(word == *(long *)function);
    PT(PTRACE_POKETEXT, pid, function, (word & ~0xffL) | 0xcc);
    PT(PTRACE_CONT, pid, 0L, 0L);
    wait_for(pid);
    PT(PTRACE_GETREGS, pid, 0L, &regs);
    EXPECT(regs.rip == (unsigned long)function + 1);
    EXPECT(regs.rdi == 1);
    EXPECT((long)regs.orig_rax == -1);
    EXPECT(regs.cs == 0x33 && regs.ss == 0x2b && regs.ds == 0);
    EXPECT((regs.eflags & 0x100) == 0);
    PT(PTRACE_POKETEXT, pid, function, word);
    regs.rip--;
    PT(PTRACE_SETREGS, pid, 0L, &regs);
    PT(PTRACE_CONT, pid, 0L, 0L);
    wait_for(pid);
}

static void use_vector(void)
{
    long bits = 0;

    __asm__ volatile("movq %1, %%xmm5\n\tint3\n\tmovq %%xmm5, %0"
                     : "=r"(bits)
                     : "r"(0x1122334455667788)
                     : "xmm5");
    _exit(bits == 0x55 ? 5 : 6);
}

static void vectors(void)
{
    static unsigned char state[16384];
    int pid = start(use_vector);
    struct iovec iov = {state, sizeof(state)};
    struct user_fpregs_struct fp;
    unsigned long xmm5;

    title("vectors");
    PT(PTRACE_CONT, pid, 0L, 0L);
    wait_for(pid);
    PT(PTRACE_GETFPREGS, pid, 0L, &fp);
    memcpy(&xmm5, (char *)fp.xmm_space + 5 * 16, 8);
    printf("%lx\n", xmm5);
    PT(PTRACE_GETREGSET, pid, (long)NT_X86_XSTATE, &iov);
    memcpy(&xmm5, state + 160 + 5 * 16, 8);
    printf("%lx\n", xmm5);
    EXPECT(iov.iov_len > 512 && iov.iov_len < sizeof(state));
    xmm5 = 0x55;
    memcpy((char *)fp.xmm_space + 5 * 16, &xmm5, 8);
    PT(PTRACE_SETFPREGS, pid, 0L, &fp);
    fp.mxcsr = 0x10000;
    PT(PTRACE_SETFPREGS, pid, 0L, &fp);
    iov.iov_len = 27 * 8;
    PT(PTRACE_GETREGSET, pid, (long)NT_PRSTATUS, &iov);
    printf("%zu\n", iov.iov_len);
    iov.iov_len = 13;
    PT(PTRACE_GETREGSET, pid, (long)NT_PRSTATUS, &iov);
    PT(PTRACE_GETREGSET, pid, 0x7777L, &iov);
    PT(PTRACE_CONT, pid, 0L, 0L);
    wait_for(pid);
}

static void user_area(void)
{
    int pid = start(say_word);
    long word = 0;

    title("user area");
    PT(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.orig_rax), &word);
    EXPECT(word == SYS_tgkill || word == SYS_tkill || word == SYS_kill);
    PT(PTRACE_PEEKUSER, pid, 1L, &word);
    PT(PTRACE_PEEKUSER, pid, 4096L, &word);
    PT(PTRACE_POKEUSER, pid, offsetof(struct user, regs.rbx), 3L);
    PT(PTRACE_POKEUSER, pid, offsetof(struct user, regs.cs), 0L);
    PT(PTRACE_POKEUSER, pid, offsetof(struct user, regs.fs_base), -1L);
    PT(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[0]), 64L);
    PT(PTRACE_PEEKUSER, pid, offsetof(struct user, u_debugreg[0]), &word);
    printf("%ld\n", word);
    PT(PTRACE_KILL, pid, 0L, 0L);
    wait_for(pid);
}

/* ---- system calls ---- */

static void make_calls(void)
{
    long r = syscall(SYS_getppid);
    long s = syscall(SYS_close, 1000);
    long t = syscall(SYS_umask, 022);

    _exit(r == 77 && s == -1 && errno == EBADF && t == -1 ? 3 : 4);
}

static int next_call(int pid, struct __ptrace_syscall_info *info)
{
    int status;

    ptrace(PTRACE_SYSCALL, pid, 0, 0);
    status = wait_for(pid);
    if (WIFSTOPPED(status)) {
        RAW(ptrace, PTRACE_GET_SYSCALL_INFO, (long)pid, sizeof(*info), info);
    }
    return status;
}

static void show_info(const struct __ptrace_syscall_info *info)
{
    if (info->op == PTRACE_SYSCALL_INFO_ENTRY) {
        printf("entry %llu(%lld)\n", (unsigned long long)info->entry.nr,
               (long long)info->entry.args[0]);
    } else if (info->op == PTRACE_SYSCALL_INFO_EXIT) {
        printf("exit, error %d\n", info->exit.is_error);
    } else {
        printf("%d\n", info->op);
    }
}

static void calls(void)
{
    int pid = start(make_calls);
    struct __ptrace_syscall_info info;

    title("calls");
    PT(PTRACE_SETOPTIONS, pid, 0L, (long)PTRACE_O_TRACESYSGOOD);
    PT(PTRACE_SETOPTIONS, pid, 0L, 1L << 30);
    do { /* the rest of raise() */
        next_call(pid, &info);
    } while (info.op != PTRACE_SYSCALL_INFO_ENTRY ||
             info.entry.nr != SYS_getppid);
    EXPECT(info.arch == 0xc000003e);
    next_call(pid, &info);
    show_info(&info);
    PT(PTRACE_POKEUSER, pid, offsetof(struct user, regs.rax), 77L);
    next_call(pid, &info);
    show_info(&info);
    next_call(pid, &info);
    show_info(&info);
    printf("%lld\n", (long long)info.exit.rval);
    next_call(pid, &info);
    show_info(&info);
    PT(PTRACE_POKEUSER, pid, offsetof(struct user, regs.orig_rax), -1L);
    next_call(pid, &info);
    show_info(&info);
    next_call(pid, &info);
    show_info(&info);
    next_call(pid, &info);
}

static void emulated(void)
{
    int pid = start(make_calls);
    struct user_regs_struct regs;

    title("emulated");
    PT(PTRACE_SYSEMU, pid, 0L, 0L);
    wait_for(pid);
    PT(PTRACE_GETREGS, pid, 0L, &regs);
    EXPECT((long)regs.rax == -ENOSYS);
    PT(PTRACE_DETACH, pid, 0L, (long)SIGKILL);
    wait_for(pid);
}

/* Numbers are 32 bits wide, and of those only -1 is no call at all. */
static void one_call(void)
{
    long r = syscall(SYS_getppid);

    _exit(r == getppid() ? 1 : r < 0 ? errno : (int)r);
}

static void with_number(long number)
{
    int pid = start(one_call);

    PT(PTRACE_SYSCALL, pid, 0L, 0L);
    wait_for(pid);
    PT(PTRACE_POKEUSER, pid, offsetof(struct user, regs.rax), 55L);
    PT(PTRACE_POKEUSER, pid, offsetof(struct user, regs.orig_rax), number);
    PT(PTRACE_CONT, pid, 0L, 0L);
    wait_for(pid);
}

static void numbers(void)
{
    title("numbers");
    with_number(SYS_getppid | 0x7fff00000000);
    with_number(SYS_getppid | ~0xffffffffl);
    with_number(0xffffffff);
    with_number(-2);
    with_number(100000);
}

/* ---- filters ---- */

static void killed_by_filter(void)
{
    struct sock_filter f[] = {
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, 0},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_getppid},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_KILL_THREAD},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
    };
    struct sock_fprog prog = {COUNT(f), f};

    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
    getppid();
}

/* What a filter kills, no tracer saves; it may suspend them before. */
static void filters(void)
{
    int pid = start(killed_by_filter);

    title("filters");
    PT(PTRACE_CONT, pid, 0L, 0L);
    wait_for(pid);
    pid = start(killed_by_filter);
    seteuid(NOBODY);
    PT(PTRACE_SETOPTIONS, pid, 0L, (long)PTRACE_O_SUSPEND_SECCOMP);
    seteuid(0);
    PT(PTRACE_SETOPTIONS, pid, 0L, (long)PTRACE_O_SUSPEND_SECCOMP);
    PT(PTRACE_CONT, pid, 0L, 0L);
    wait_for(pid);
}

/* ---- refusals ---- */

/* What waits for a stopped thread and its process, without taking it. */
static void waiting(int pid, unsigned flags, long off, int nr, siginfo_t *to)
{
    struct __ptrace_peeksiginfo_args args = {(unsigned long)off, flags, nr};
    long n = RAW(ptrace, PTRACE_PEEKSIGINFO, pid, &args, to);

    if (!show_failed("peek", n)) {
        printf("%ld:", n);
        for (int i = 0; i < n; i++) {
            printf(" %d/%d/%d", to[i].si_signo, to[i].si_code, to[i].si_int);
        }
        printf("\n");
    }
}

static void wait_for_signals(void)
{
    siginfo_t info = {.si_code = SI_QUEUE};
    sigset_t set;

    sigfillset(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (int i = 0; i < 3; i++) {
        info.si_int = i;
        RAW(rt_sigqueueinfo, getpid(), SIGRTMIN, &info);
        info.si_int = 10 + i;
        RAW(rt_tgsigqueueinfo, getpid(), gettid(), SIGRTMIN + 1, &info);
    }
    raise(SIGSTOP);
}

static void signals(void)
{
    siginfo_t info[4];
    int pid, status;

    title("signals that wait");
    pid = start(wait_for_signals);
    PT(PTRACE_CONT, pid, 0L, 0L);
    wait_for(pid);
    waiting(pid, 0, 0, 4, info);
    waiting(pid, 0, 1, 1, info);
    waiting(pid, 1, 0, 2, info);
    waiting(pid, 1, 2, 2, info);
    waiting(pid, 1, 3, 2, info);
    waiting(pid, 1, -1, 2, info);
    waiting(pid, 1, 0, 0, info);
    waiting(pid, 2, 0, 1, info);
    waiting(pid, 1, 0, -1, info);
    waiting(pid, 1, 0, 1, BAD);
    CALL(ptrace, PTRACE_PEEKSIGINFO, pid, BAD, info);
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    waiting(pid, 0, 0, 1, info);
}

static void refusals(void)
{
    int pid;

    title("refusals");
    pid = fork();
    if (!pid) {
        pause();
    }
    PT(PTRACE_ATTACH, 999999, 0L, 0L);
    PT(PTRACE_ATTACH, getpid(), 0L, 0L);
    PT(PTRACE_CONT, pid, 0L, 0L);
    PT(PTRACE_PEEKDATA, pid, 0L, 0L);
    PT(PTRACE_SEIZE, pid, 1L, 0L);
    PT(PTRACE_SEIZE, pid, 0L, 1L << 30);
    PT(0x9999, pid, 0L, 0L);
    PT(PTRACE_ATTACH, pid, 0L, 0L);
    PT(PTRACE_ATTACH, pid, 0L, 0L);
    wait_for(pid);
    PT(PTRACE_INTERRUPT, pid, 0L, 0L);
    PT(PTRACE_LISTEN, pid, 0L, 0L);
    PT(0x9999, pid, 0L, 0L);
    PT(PTRACE_DETACH, pid, 0L, 100L);
    PT(PTRACE_DETACH, pid, 0L, 0L);
    PT(PTRACE_DETACH, pid, 0L, 0L);
    kill(pid, SIGKILL);
    wait_for(pid);
    pid = fork();
    if (!pid) {
        SHOW(ptrace(PTRACE_TRACEME, 0, 0, 0));
        SHOW(ptrace(PTRACE_TRACEME, 0, 0, 0));
        _exit(0);
    }
    wait_for(pid);
}

int main(void)
{
    show_start();
    memory();
    breakpoint();
    vectors();
    user_area();
    calls();
    emulated();
    numbers();
    filters();
    signals();
    refusals();
    return 0;
}
