/* SPDX-License-Identifier: MIT
 * Delivery and return: frames byte by byte, restarts, alternate stacks, and
 * frames that a hostile or careless program made up. */
#include "kernel/signal/tests/support.h"
#include "kernel/kernel.h"
#include "abi/linux/errno.h"
#include "abi/linux/syscall.h"
#include "lib/string.h"
#include "lib/tests/unit.h"

enum { HANDLER = 0x401000, RESTORER = 0x400999, NR_READ = 0 };

static struct linux_rt_sigframe *frame(void)
{
    return (struct linux_rt_sigframe *)test_regs->rsp;
}

static uint64_t end_of(const void *p, size_t size)
{
    return (uint64_t)p + size;
}

/* As the handler's `ret` and the restorer's call leave the stack. */
static void sigreturn(void)
{
    test_regs->rsp += 8;
    test_regs->rax = NR_rt_sigreturn;
    test_regs->orig_rax = NR_rt_sigreturn;
    test_regs->full = 0;
    test_threads[0]->task.fpu_saved = 0;
    signal_return(test_regs);
}

static void a_handler_is_entered_as_linux_does(void)
{
    uint64_t rsp;

    test_reset(1);
    rsp = test_regs->rsp;
    test_handler(SIGUSR1, HANDLER, 0, 0);
    test_regs->rflags |= RFLAGS_DF | RFLAGS_TF | RFLAGS_CF;
    test_kill(SIGUSR1);
    EXPECT_EQ(test_deliver(), -1);
    EXPECT_EQ(test_regs->rip, HANDLER);
    EXPECT_EQ(test_regs->rdi, SIGUSR1);
    EXPECT_EQ(test_regs->rsi, test_regs->rsp + 312);
    EXPECT_EQ(test_regs->rdx, test_regs->rsp + 8);
    EXPECT_EQ(test_regs->rax, 0);
    EXPECT_EQ(test_regs->rflags, RFLAGS_FIXED | RFLAGS_CF);
    EXPECT_EQ(test_regs->full, 0);
    EXPECT_EQ((test_regs->rsp + 8) % 16, 0);
    EXPECT_EQ(frame()->pretcode, RESTORER);
    EXPECT(frame()->uc.mcontext.fpstate + fpu_size() + 4 <= rsp - 128);
    for (unsigned i = 1; i <= 128; i++) {
        EXPECT_EQ(((uint8_t *)rsp)[-(int)i], 0x77);
    }
    EXPECT_EQ(test_threads[0]->task.interrupted, 0);
}

static void a_frame_holds_registers_mask_and_siginfo(void)
{
    struct linux_sigcontext *sc;
    struct k_siginfo info;
    struct user_regs r;

    test_reset(1);
    signal_set_mask(sigbit(SIGHUP));
    test_handler(SIGUSR1, HANDLER, SA_SIGINFO, sigbit(SIGUSR2));
    r = *test_regs;
    test_kill(SIGUSR1);
    EXPECT_EQ(test_deliver(), -1);
    sc = &frame()->uc.mcontext;
    EXPECT_EQ(sc->r8, r.r8);
    EXPECT_EQ(sc->r15, r.r15);
    EXPECT_EQ(sc->rdi, r.rdi);
    EXPECT_EQ(sc->rbp, r.rbp);
    EXPECT_EQ(sc->rax, r.rax);
    EXPECT_EQ(sc->rcx, r.rcx);
    EXPECT_EQ(sc->rsp, r.rsp);
    EXPECT_EQ(sc->rip, r.rip);
    EXPECT_EQ(sc->cs, 0x33);
    EXPECT_EQ(sc->ss, 0x2b);
    EXPECT_EQ(sc->oldmask, sigbit(SIGHUP));
    EXPECT_EQ(frame()->uc.sigmask, sigbit(SIGHUP));
    EXPECT_EQ(frame()->uc.flags, 7);
    memcpy(&info, frame()->info, sizeof(info));
    EXPECT_EQ(info.signo, SIGUSR1);
    EXPECT_EQ(info.kill.pid, 42);
    EXPECT_EQ(test_threads[0]->signals.blocked,
              sigbit(SIGHUP) | sigbit(SIGUSR1) | sigbit(SIGUSR2));
}

static void the_vector_state_has_its_magic_numbers(void)
{
    struct linux_fpx_sw sw;
    uint32_t magic2;
    uint8_t *fp;

    test_reset(1);
    test_handler(SIGUSR1, HANDLER, 0, 0);
    test_kill(SIGUSR1);
    test_deliver();
    fp = (uint8_t *)frame()->uc.mcontext.fpstate;
    memcpy(&sw, fp + 464, sizeof(sw));
    memcpy(&magic2, fp + fpu_size(), sizeof(magic2));
    EXPECT_EQ((uint64_t)fp % 64, 0);
    EXPECT_EQ(sw.magic1, FP_XSTATE_MAGIC1);
    EXPECT_EQ(sw.xstate_size, fpu_size());
    EXPECT_EQ(sw.extended_size, fpu_size() + 4);
    EXPECT_EQ(sw.xfeatures, fpu_mask());
    EXPECT_EQ(magic2, FP_XSTATE_MAGIC2);
    EXPECT_EQ(fp[160], 0xa5); /* as fpu_leave() found it */
    EXPECT_EQ(test_threads[0]->task.fpu_saved, 1);
    EXPECT_EQ(test_threads[0]->task.fpu.xsave[160], 0); /* reset */
}

static void sigreturn_restores_everything(void)
{
    struct user_regs before;

    test_reset(1);
    signal_set_mask(sigbit(SIGHUP));
    test_handler(SIGUSR1, HANDLER, 0, 0);
    before = *test_regs;
    test_kill(SIGUSR1);
    test_deliver();
    memset(&test_threads[0]->task.fpu, 0, fpu_size());
    sigreturn();
    before.full = 1;
    before.cs = USER_CS;
    before.ss = USER_SS;
    EXPECT(!memcmp(&before, test_regs, sizeof(before)));
    EXPECT_EQ(test_threads[0]->signals.blocked, sigbit(SIGHUP));
    EXPECT_EQ(test_threads[0]->task.fpu_saved, 1);
    EXPECT_EQ(test_threads[0]->task.fpu.xsave[160], 0xa5);
    EXPECT_EQ(test_threads[0]->task.fpu.xsave[800], 0xa5);
    EXPECT_EQ(test_deliver(), -1);
}

static void leave_the_cpu(size_t n)
{
    struct task *t = &test_threads[0]->task;

    if (n == LEGACY_SIZE) {
        fpu_leave(&t->fpu, &t->fpu_saved);
    }
}

/* A page of the frame comes from a file: the task sleeps, or decrypts. */
static void reading_a_frame_may_block(void)
{
    struct linux_rt_sigframe *f;

    test_reset(1);
    test_handler(SIGUSR1, HANDLER, 0, 0);
    test_kill(SIGUSR1);
    test_deliver();
    f = frame();
    ((uint8_t *)f->uc.mcontext.fpstate)[LEGACY_XMM] = 0x77;
    test_has_read = leave_the_cpu;
    sigreturn();
    test_has_read = NULL;
    EXPECT_EQ(test_threads[0]->task.fpu.xsave[LEGACY_XMM], 0x77);
}

static void a_frame_of_a_call_returns_the_short_way(void)
{
    test_reset(1);
    test_handler(SIGUSR1, HANDLER, 0, 0);
    test_regs->rcx = test_regs->rip;
    test_regs->r11 = test_regs->rflags;
    test_kill(SIGUSR1);
    EXPECT_EQ(test_deliver(), -1);
    sigreturn();
    EXPECT_EQ(test_regs->full, 0);
    EXPECT_EQ(test_threads[0]->task.fpu_saved, 1);
}

/* The restorer of a shared C library is replaced, and Go's own; others are
 * not. */
static void the_vdso_restores_where_unwinders_know_it(void)
{
    static const uint8_t usual[] = {0x48, 0xc7, 0xc0, 15,   0, 0,
                                    0,    0x0f, 5,    0xcd, 3};
    struct k_sigaction act = {.handler = HANDLER, .flags = SA_RESTORER};

    for (int i = 0; i < 5; i++) {
        test_reset(1);
        test_layout.vdso = i == 0 ? 0 : 0x7000000;
        test_layout.end_code = i == 1 || i == 4 ? ~0ull : 0x500000;
        memcpy(test_user, usual, sizeof(usual));
        test_user[8] += i == 2;
        test_user[10] += i == 1;
        act.restorer = (uint64_t)test_user;
        signal_action(SIGUSR1, &act, NULL);
        test_kill(SIGUSR1);
        EXPECT_EQ(test_deliver(), -1);
        EXPECT_EQ(frame()->pretcode, i >= 3 ? 0x7000123 : act.restorer);
    }
}

static void two_signals_make_two_frames(void)
{
    struct linux_rt_sigframe *inner;

    test_reset(1);
    test_handler(SIGUSR1, HANDLER, 0, 0);
    test_handler(SIGUSR2, HANDLER + 16, 0, 0);
    test_kill(SIGUSR1);
    test_kill(SIGUSR2);
    EXPECT_EQ(test_deliver(), -1);
    EXPECT_EQ(test_regs->rip, HANDLER + 16);
    inner = frame();
    EXPECT_EQ(inner->uc.mcontext.rip, HANDLER);
    EXPECT_EQ(inner->uc.sigmask, sigbit(SIGUSR1));
    EXPECT_EQ(inner->uc.mcontext.rdi, SIGUSR1);
}

static void reset_and_nodefer_are_obeyed(void)
{
    test_reset(1);
    test_handler(SIGUSR1, HANDLER, SA_RESETHAND | SA_NODEFER, 0);
    test_kill(SIGUSR1);
    EXPECT_EQ(test_deliver(), -1);
    EXPECT_EQ(test_threads[0]->signals.blocked, 0);
    test_kill(SIGUSR1);
    EXPECT_EQ(test_deliver(), SIGUSR1);
}

/* ---- restarts ---- */

static void in_call(long result)
{
    test_reset(1);
    test_regs->orig_rax = NR_READ;
    test_regs->rax = (uint64_t)result;
}

/* rax and the distance that rip went back, after a handler with flags. */
static void expect_handled(int code, uint64_t flags, uint64_t rax, int back)
{
    in_call(-code);
    test_handler(SIGUSR1, HANDLER, flags, 0);
    test_kill(SIGUSR1);
    EXPECT_EQ(test_deliver(), -1);
    EXPECT_EQ(frame()->uc.mcontext.rax, rax);
    EXPECT_EQ(frame()->uc.mcontext.rip, 0x400123 - back);
}

static void calls_restart_after_a_handler_as_signal_7_says(void)
{
    const uint64_t eintr = (uint64_t)-EINTR;

    expect_handled(ERESTARTSYS, 0, eintr, 0);
    expect_handled(ERESTARTSYS, SA_RESTART, NR_READ, 2);
    expect_handled(ERESTARTNOINTR, 0, NR_READ, 2);
    expect_handled(ERESTARTNOHAND, SA_RESTART, eintr, 0);
    expect_handled(ERESTART_RESTARTBLOCK, SA_RESTART, eintr, 0);
    expect_handled(EAGAIN, SA_RESTART, (uint64_t)-EAGAIN, 0);
}

static void expect_unhandled(int code, uint64_t rax)
{
    in_call(-code);
    EXPECT_EQ(test_deliver(), -1);
    EXPECT_EQ(test_regs->rax, rax);
    EXPECT_EQ(test_regs->rip, 0x400121);
}

static void calls_restart_when_no_handler_ran(void)
{
    expect_unhandled(ERESTARTSYS, NR_READ);
    expect_unhandled(ERESTARTNOINTR, NR_READ);
    expect_unhandled(ERESTARTNOHAND, NR_READ);
    expect_unhandled(ERESTART_RESTARTBLOCK, NR_restart_syscall);
}

/* The system call was rewritten, with the instruction behind it moved. */
static void slots_never_show(void)
{
    in_call(-EINTR);
    test_regs->rip = TEST_SLOT;
    test_handler(SIGUSR1, HANDLER, 0, 0);
    test_kill(SIGUSR1);
    EXPECT_EQ(test_deliver(), -1);
    EXPECT_EQ(frame()->uc.mcontext.rip, TEST_SITE_END);
    sigreturn();
    EXPECT_EQ(test_regs->rip, TEST_SLOT);
    in_call(-ERESTARTSYS);
    test_regs->rip = TEST_SLOT;
    EXPECT_EQ(test_deliver(), -1);
    EXPECT_EQ(test_regs->rip, TEST_SITE_END - 2);
}

static void only_the_first_of_two_handlers_sees_the_call(void)
{
    struct linux_rt_sigframe *inner;

    in_call(-ERESTARTSYS);
    test_handler(SIGUSR1, HANDLER, SA_RESTART, 0);
    test_handler(SIGUSR2, HANDLER, 0, 0);
    test_kill(SIGUSR1);
    test_kill(SIGUSR2);
    EXPECT_EQ(test_deliver(), -1);
    inner = frame();
    EXPECT_EQ(inner->uc.mcontext.rip, HANDLER);
    EXPECT_EQ(inner->uc.mcontext.rax, 0);
}

static void a_fault_is_no_call_whatever_rax_holds(void)
{
    test_reset(1);
    test_regs->rax = (uint64_t)-ERESTARTSYS;
    EXPECT_EQ(test_deliver(), -1);
    EXPECT_EQ(test_regs->rip, 0x400123);
    EXPECT_EQ(test_regs->rax, (uint64_t)-ERESTARTSYS);
}

static void sigsuspend_puts_the_old_mask_into_the_frame(void)
{
    uint64_t set = sigbit(SIGHUP);

    test_reset(1);
    signal_set_mask(sigbit(SIGUSR1));
    memcpy(test_user, &set, sizeof(set));
    EXPECT_EQ(signal_mask_begin(uptr((uint64_t)test_user), 8), 0);
    EXPECT_EQ(test_threads[0]->signals.blocked, sigbit(SIGHUP));
    test_handler(SIGUSR1, HANDLER, 0, 0);
    test_kill(SIGUSR1);
    signal_mask_end(true);
    EXPECT_EQ(test_deliver(), -1);
    EXPECT_EQ(frame()->uc.sigmask, sigbit(SIGUSR1));
    EXPECT_EQ(test_threads[0]->signals.blocked,
              sigbit(SIGHUP) | sigbit(SIGUSR1));
}

static void a_call_that_was_not_interrupted_restores_the_mask(void)
{
    uint64_t set = sigbit(SIGHUP);

    test_reset(1);
    memcpy(test_user, &set, sizeof(set));
    EXPECT_EQ(signal_mask_begin(uptr((uint64_t)test_user), 4), -EINVAL);
    EXPECT_EQ(signal_mask_begin(uptr(16), 8), -EFAULT);
    EXPECT_EQ(signal_mask_begin(uptr((uint64_t)test_user), 8), 0);
    signal_mask_end(false);
    EXPECT_EQ(test_threads[0]->signals.blocked, 0);
}

/* ---- stacks ---- */

static void set_altstack(uint64_t size, uint32_t flags)
{
    struct linux_stack ss = {(uint64_t)test_user, flags, 0, size};

    EXPECT_EQ(signal_altstack(&ss, NULL, test_regs->rsp), 0);
}

static void handlers_run_on_the_alternate_stack(void)
{
    struct linux_stack old;

    test_reset(1);
    set_altstack(8192, 0);
    test_handler(SIGUSR1, HANDLER, SA_ONSTACK, 0);
    test_handler(SIGUSR2, HANDLER, SA_ONSTACK, 0);
    test_kill(SIGUSR1);
    EXPECT_EQ(test_deliver(), -1);
    EXPECT(test_regs->rsp < end_of(test_user, 8192));
    EXPECT_EQ(frame()->uc.stack.sp, (uint64_t)test_user);
    EXPECT_EQ(frame()->uc.stack.size, 8192);
    EXPECT_EQ(signal_altstack(NULL, &old, test_regs->rsp), 0);
    EXPECT_EQ(old.flags, SS_ONSTACK);
    EXPECT_EQ(signal_altstack(&old, NULL, test_regs->rsp), -EPERM);
    test_kill(SIGUSR2); /* the second frame goes below the first */
    EXPECT_EQ(test_deliver(), -1);
    EXPECT(test_regs->rsp > (uint64_t)test_user);
    sigreturn();
    sigreturn();
    EXPECT_EQ(test_regs->rip, 0x400123);
    EXPECT_EQ(signal_altstack(NULL, &old, test_regs->rsp), 0);
    EXPECT_EQ(old.flags, 0);
}

static void an_alternate_stack_that_overflows_is_sigsegv(void)
{
    test_reset(1);
    set_altstack(MINSIGSTKSZ, 0);
    test_handler(SIGUSR1, HANDLER, SA_ONSTACK, 0);
    test_handler(SIGUSR2, HANDLER, SA_ONSTACK, 0);
    test_kill(SIGUSR1);
    EXPECT_EQ(test_deliver(), -1);
    test_kill(SIGUSR2);
    EXPECT_EQ(test_deliver(), SIGSEGV);
}

static void autodisarm_forgets_the_stack_until_sigreturn(void)
{
    struct linux_stack old;

    test_reset(1);
    set_altstack(8192, SS_AUTODISARM);
    test_handler(SIGUSR1, HANDLER, SA_ONSTACK, 0);
    test_kill(SIGUSR1);
    EXPECT_EQ(test_deliver(), -1);
    signal_altstack(NULL, &old, test_regs->rsp);
    EXPECT_EQ(old.flags, SS_DISABLE);
    EXPECT_EQ(frame()->uc.stack.size, 8192);
    sigreturn();
    signal_altstack(NULL, &old, test_regs->rsp);
    EXPECT_EQ(old.flags, SS_AUTODISARM);
    EXPECT_EQ(old.size, 8192);
}

static void sigaltstack_checks_what_it_is_given(void)
{
    struct linux_stack ss = {.sp = 0x1000, .size = MINSIGSTKSZ - 1}, old;

    test_reset(1);
    EXPECT_EQ(signal_altstack(&ss, NULL, 0), -ENOMEM);
    ss.flags = 4;
    EXPECT_EQ(signal_altstack(&ss, NULL, 0), -EINVAL);
    ss.flags = SS_DISABLE;
    EXPECT_EQ(signal_altstack(&ss, &old, 0), 0);
    EXPECT_EQ(old.flags, SS_DISABLE);
}

static void no_stack_for_a_frame_is_sigsegv(void)
{
    test_reset(1);
    test_handler(SIGUSR1, HANDLER, 0, 0);
    test_regs->rsp = 64;
    test_kill(SIGUSR1);
    EXPECT_EQ(test_deliver(), SIGSEGV);
    test_reset(1);
    test_handler(SIGSEGV, HANDLER, 0, 0); /* its own frame fails, too */
    test_regs->rsp = 64;
    test_tgkill(0, SIGSEGV);
    EXPECT_EQ(test_deliver(), SIGSEGV);
}

static void a_handler_without_restorer_is_sigsegv(void)
{
    struct k_sigaction act = {.handler = HANDLER};

    test_reset(1);
    EXPECT_EQ(signal_action(SIGUSR1, &act, NULL), 0);
    test_kill(SIGUSR1);
    EXPECT_EQ(test_deliver(), SIGSEGV);
}

/* ---- frames that were tampered with ---- */

static void make_frame(void)
{
    test_reset(1);
    test_handler(SIGUSR1, HANDLER, 0, 0);
    test_kill(SIGUSR1);
    EXPECT_EQ(test_deliver(), -1);
}

static uint8_t *vector_state(void)
{
    return (uint8_t *)frame()->uc.mcontext.fpstate;
}

static void sigreturn_refuses_what_no_program_may_have(void)
{
    make_frame();
    frame()->uc.mcontext.rip = 1ull << 46; /* the kernel's part */
    sigreturn();
    EXPECT_EQ(test_deliver(), SIGSEGV);
    make_frame();
    frame()->uc.mcontext.cs = 0x10;
    sigreturn();
    EXPECT_EQ(test_deliver(), SIGSEGV);
    make_frame();
    vector_state()[512] = 0xff; /* components that nobody has */
    sigreturn();
    EXPECT_EQ(test_deliver(), SIGSEGV);
    make_frame();
    vector_state()[527] = 0x80; /* the compacted format */
    sigreturn();
    EXPECT_EQ(test_deliver(), SIGSEGV);
    make_frame();
    vector_state()[26] = 1; /* MXCSR bit 16 */
    sigreturn();
    EXPECT_EQ(test_deliver(), SIGSEGV);
    make_frame();
    test_regs->rsp = 64;
    sigreturn();
    EXPECT_EQ(test_deliver(), SIGSEGV);
}

static void sigreturn_masks_flags(void)
{
    make_frame();
    frame()->uc.mcontext.rflags = ~0ull;
    sigreturn();
    EXPECT_EQ(test_regs->rflags, 0x40dd5 | RFLAGS_FIXED);
}

static void sigreturn_takes_a_plain_fxsave_area(void)
{
    make_frame();
    memset(vector_state() + 464, 0, 48);
    sigreturn();
    EXPECT_EQ(test_deliver(), -1);
    EXPECT_EQ(test_threads[0]->task.fpu.xsave[160], 0xa5);
    EXPECT_EQ(test_threads[0]->task.fpu.xsave[800], 0);
    EXPECT_EQ(test_threads[0]->task.fpu.xsave[512], 3);
    make_frame();
    frame()->uc.mcontext.fpstate = 0;
    sigreturn();
    EXPECT_EQ(test_deliver(), -1);
    EXPECT_EQ(test_threads[0]->task.fpu.xsave[160], 0);
}

/* ---- faults ---- */

static void expect_fault(struct trap trap, int mm_error, int signo, int code,
                         uint64_t addr)
{
    struct k_siginfo info;

    test_reset(1);
    test_handler(signo, HANDLER, 0, 0);
    trap.kind = TRAP_FAULT;
    signal_fault(&trap, mm_error);
    EXPECT_EQ(test_deliver(), -1);
    memcpy(&info, frame()->info, sizeof(info));
    EXPECT_EQ(info.signo, signo);
    EXPECT_EQ(info.code, code);
    EXPECT_EQ(info.fault.addr, addr);
    EXPECT_EQ(frame()->uc.mcontext.trapno, trap.vector);
    EXPECT_EQ(frame()->uc.mcontext.err, trap.error);
}

static void exceptions_become_linux_signals(void)
{
    const uint64_t rip = 0x400123;
    struct trap pf = {.vector = 14, .error = 6, .address = 0x1234};

    expect_fault(pf, -EFAULT, SIGSEGV, SEGV_MAPERR, 0x1234);
    expect_fault(pf, -EACCES, SIGSEGV, SEGV_ACCERR, 0x1234);
    expect_fault(pf, -EIO, SIGBUS, BUS_ADRERR, 0x1234);
    expect_fault((struct trap){.vector = 0}, 0, SIGFPE, FPE_INTDIV, rip);
    expect_fault((struct trap){.vector = 1}, 0, SIGTRAP, TRAP_TRACE, rip);
    expect_fault((struct trap){.vector = 3}, 0, SIGTRAP, SI_KERNEL, 0);
    expect_fault((struct trap){.vector = 6}, 0, SIGILL, ILL_ILLOPN, rip);
    expect_fault((struct trap){.vector = 12}, 0, SIGBUS, SI_KERNEL, 0);
    expect_fault((struct trap){.vector = 13}, 0, SIGSEGV, SI_KERNEL, 0);
    expect_fault((struct trap){.vector = 17}, 0, SIGBUS, BUS_ADRALN, 0);
}

static void a_fault_cannot_be_blocked_or_ignored(void)
{
    struct trap pf = {.kind = TRAP_FAULT, .vector = 14};
    struct k_sigaction ignore = {.handler = SIG_IGN};

    test_reset(1);
    signal_action(SIGSEGV, &ignore, NULL);
    signal_fault(&pf, -EFAULT);
    EXPECT_EQ(test_deliver(), SIGSEGV);
    test_reset(1);
    test_handler(SIGSEGV, HANDLER, 0, 0);
    signal_set_mask(sigbit(SIGSEGV));
    signal_fault(&pf, -EFAULT);
    EXPECT_EQ(test_deliver(), SIGSEGV);
}

static void exec_keeps_only_what_is_ignored(void)
{
    struct k_sigaction act = {.handler = SIG_IGN};

    test_reset(1);
    test_handler(SIGUSR1, HANDLER, SA_RESTART, ~0ull);
    signal_action(SIGUSR2, &act, NULL);
    set_altstack(8192, 0);
    signal_exec(test_threads[0]);
    signal_action(SIGUSR1, NULL, &act);
    EXPECT_EQ(act.handler, SIG_DFL);
    EXPECT_EQ(act.flags, 0);
    signal_action(SIGUSR2, NULL, &act);
    EXPECT_EQ(act.handler, SIG_IGN);
    EXPECT_EQ(test_threads[0]->signals.alt_size, 0);
}

int main(void)
{
    RUN(a_handler_is_entered_as_linux_does);
    RUN(a_frame_holds_registers_mask_and_siginfo);
    RUN(the_vector_state_has_its_magic_numbers);
    RUN(sigreturn_restores_everything);
    RUN(reading_a_frame_may_block);
    RUN(a_frame_of_a_call_returns_the_short_way);
    RUN(the_vdso_restores_where_unwinders_know_it);
    RUN(two_signals_make_two_frames);
    RUN(reset_and_nodefer_are_obeyed);
    RUN(calls_restart_after_a_handler_as_signal_7_says);
    RUN(calls_restart_when_no_handler_ran);
    RUN(slots_never_show);
    RUN(only_the_first_of_two_handlers_sees_the_call);
    RUN(a_fault_is_no_call_whatever_rax_holds);
    RUN(sigsuspend_puts_the_old_mask_into_the_frame);
    RUN(a_call_that_was_not_interrupted_restores_the_mask);
    RUN(handlers_run_on_the_alternate_stack);
    RUN(an_alternate_stack_that_overflows_is_sigsegv);
    RUN(autodisarm_forgets_the_stack_until_sigreturn);
    RUN(sigaltstack_checks_what_it_is_given);
    RUN(no_stack_for_a_frame_is_sigsegv);
    RUN(a_handler_without_restorer_is_sigsegv);
    RUN(sigreturn_refuses_what_no_program_may_have);
    RUN(sigreturn_masks_flags);
    RUN(sigreturn_takes_a_plain_fxsave_area);
    RUN(exceptions_become_linux_signals);
    RUN(a_fault_cannot_be_blocked_or_ignored);
    RUN(exec_keeps_only_what_is_ignored);
    return unit_result();
}
