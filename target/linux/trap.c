/* SPDX-License-Identifier: MIT
 *
 * Asynchronous entries: how interrupted user code becomes a kernel_trap().
 *
 * A handler starts on its vCPU's alternate stack, whose address says which
 * vCPU this is; GS base, which the program may have changed, is reloaded
 * before anything reads through it. Where RIP stands decides the rest:
 * - in the kernel or in this target: a tick is only a flag, a fault goes to
 *   the kernel's fixup table, and the handler returns by sigreturn;
 * - elsewhere it is the program's: registers and vector state are copied to
 *   the task, and the kernel goes on at the task's own stack. The signal
 *   frame is dropped, which is why nothing is blocked meanwhile (SA_NODEFER).
 *
 * Vector side of a system call trap: the frame's state is put back into the
 * registers at once, as if the system call instruction had not trapped, so
 * that the short way out serves it too.
 */
#include "target/linux/host.h"
#include <sys/syscall.h>
#include "lib/string.h"

enum {
    SYS_SECCOMP_CODE = 1, /* si_code of SIGSYS, asm-generic/siginfo.h */
    SYS_DISPATCH_CODE = 2,
    AUDIT_X86_64 = (int)0xc000003e,
    SA_RESTORER_FLAG = 0x04000000,
    VECTOR_DB = 1,
    VECTOR_GP = 13,
    VECTOR_PF = 14,
    PF_PRESENT = 1, /* error code bits, SDM vol. 3A 4.7 */
    PF_KEY = 32,
    XSTATE_X87 = 1,
    XSTATE_PKRU = 1 << 9,
    GP_INT80 = 0x80 * 8 + 2, /* IDT flag: SDM vol. 3A 6.13 */
    FP_SW_RESERVED = 464,
    FP_SW_BYTES = 48,
    FP_XSTATE_SIZE = FP_SW_RESERVED + 16,
    FP_LEGACY_SIZE = 512,
    FP_HEADER_RESERVED = 520, /* XCOMP_BV and what follows */
    FP_HEADER_END = 576,
};

/* The kernel's struct sigaction (rt_sigaction(2)). */
struct raw_sigaction {
    void (*handler)(int, siginfo_t *, void *);
    uint64_t flags;
    void (*restorer)(void);
    uint64_t mask;
};

extern char __executable_start[], etext[];

static bool is_tick(int sig)
{
    return sig == SIG_KICK || sig == SIG_TICK;
}

static bool target_owns_rip(uint64_t rip)
{
    return rip >= (uint64_t)__executable_start && rip < (uint64_t)etext;
}

static inline uint64_t read_gs_base(void)
{
    uint64_t base;

    __asm__ volatile("rdgsbase %0" : "=r"(base));
    return base;
}

/* The block whose alternate stack this runs on; NULL on any other thread. */
static struct host_vcpu *vcpu_of_stack(uint64_t sp)
{
    uint64_t size = (uint64_t)VCPU_MAX * HOST_BLOCK;

    if (sp - host.blocks >= size) {
        return NULL;
    }
    return (struct host_vcpu *)ALIGN_DOWN(sp, HOST_BLOCK);
}

/* Bytes in use of the alternate stack if sp is there, in a handler; else 0: a
 * vCPU's thread also starts, and idles, within its block. */
static uint64_t alternate_stack_used(uint64_t sp)
{
    const uint64_t end = HOST_ALTSTACK + HOST_ALTSTACK_SIZE;
    uint64_t at = sp & (HOST_BLOCK - 1);

    return vcpu_of_stack(sp) && at >= HOST_ALTSTACK && at < end ? end - at : 0;
}

static void copy_registers(struct user_regs *r, const greg_t *g)
{
    r->r15 = g[REG_R15];
    r->r14 = g[REG_R14];
    r->r13 = g[REG_R13];
    r->r12 = g[REG_R12];
    r->rbp = g[REG_RBP];
    r->rbx = g[REG_RBX];
    r->r11 = g[REG_R11];
    r->r10 = g[REG_R10];
    r->r9 = g[REG_R9];
    r->r8 = g[REG_R8];
    r->rax = g[REG_RAX];
    r->rcx = g[REG_RCX];
    r->rdx = g[REG_RDX];
    r->rsi = g[REG_RSI];
    r->rdi = g[REG_RDI];
    r->rip = kernel_user_rip(g[REG_RIP]);
    r->rflags = g[REG_EFL];
    r->rsp = g[REG_RSP];
    r->cs = USER_CS;
    r->ss = USER_SS;
    r->fs_base = read_fs_base();
    r->orig_rax = -1;
    r->full = 1;
}

/* Linux says of every frame that x87 and SSE state is in use, and what returns
 * by it or continues from it makes that true. */
static void correct_header(void *fpregs)
{
    uint64_t *present = (uint64_t *)((uint8_t *)fpregs + FP_LEGACY_SIZE);

    if (fpu_x87_is_initial(fpregs)) {
        *present &= ~(uint64_t)XSTATE_X87;
    }
}

/* The frame's vector state to the task, without the words that the host's
 * kernel put where the format has none. */
static void copy_vector_state(struct vcpu *v, const void *fpregs)
{
    uint8_t *to = v->fpu->xsave;
    uint64_t present;
    uint32_t size;

    memcpy(&size, (const uint8_t *)fpregs + FP_XSTATE_SIZE, sizeof(size));
    size = MIN(size, (uint32_t)FPU_AREA_MAX);
    memcpy(to, fpregs, size);
    memset(to + FP_SW_RESERVED, 0, FP_SW_BYTES);
    /* What the kernel does not keep for its tasks (PKRU) stays out. */
    memcpy(&present, to + FP_LEGACY_SIZE, sizeof(present));
    present &= fpu_mask();
    memcpy(to + FP_LEGACY_SIZE, &present, sizeof(present));
    memset(to + FP_HEADER_RESERVED, 0, FP_HEADER_END - FP_HEADER_RESERVED);
    *v->fpu_saved = 1;
}

static void restore_vector_state(const void *fpregs)
{
    uint64_t mask = fpu_mask();

    __asm__ volatile("xrstor64 (%0)" ::"r"(fpregs), "a"((uint32_t)mask),
                     "d"((uint32_t)(mask >> 32))
                     : "memory");
}

/* Leaves the alternate stack for the task's, below its registers. */
static _Noreturn void enter_kernel(struct user_regs *regs,
                                   const struct trap *trap)
{
    struct trap *copy = (struct trap *)regs - 1;

    *copy = *trap;
    if (host.use_keys) {
        vcpu_write_pkru((uint32_t)(this_vcpu()->rights >> 32));
    }
    stub_run_on((uint64_t)copy, (void (*)(void *))kernel_trap, copy);
}

/* A program that ran WRGSBASE cannot go on: the kernel sees gs_base != 0. */
static uint64_t gs_changed_to(uint64_t gs, const struct vcpu *v)
{
    if (gs == (uint64_t)v) {
        return 0;
    }
    return gs ? gs : UINT64_MAX;
}

static _Noreturn void trap_syscall(struct host_vcpu *h, siginfo_t *si,
                                   ucontext_t *uc, struct user_regs *regs)
{
    struct trap trap = {.kind = TRAP_SYSCALL};

    if (si->si_arch != (unsigned)AUDIT_X86_64) {
        /* INT 0x80: there is no 32-bit table here, so what a CPU without
         * that gate does. */
        trap = (struct trap){TRAP_FAULT, VECTOR_GP, GP_INT80, 0};
        regs->rip -= 2;
        copy_vector_state(h->vcpu, uc->uc_mcontext.fpregs);
        enter_kernel(regs, &trap);
    }
    regs->orig_rax = regs->rax;
    regs->full = 0;
    *h->vcpu->fpu_saved = 0;
    restore_vector_state(uc->uc_mcontext.fpregs);
    enter_kernel(regs, &trap);
}

/* The kernel looks for work after this, so one kick stands for all until now.
 * No rt_sigreturn will follow, which would let the next one come. */
static void take_kick(struct host_vcpu *h)
{
    atomic_store(&h->wake, 0);
    vcpu_return_tick(h);
    atomic_store(&h->kicked, 0);
    RAW(SYS_rt_sigprocmask, SIG_SETMASK, &vcpu_sigmask, NULL,
        sizeof(vcpu_sigmask));
}

static _Noreturn void trap_from_user(struct host_vcpu *h, uint64_t gs, int sig,
                                     siginfo_t *si, ucontext_t *uc)
{
    const greg_t *g = uc->uc_mcontext.gregs;
    struct user_regs *regs = vcpu_trap_regs(h->vcpu);
    struct trap trap = {.kind = TRAP_TICK};

    copy_registers(regs, g);
    regs->gs_base = gs_changed_to(gs, h->vcpu);
    if (sig == SIGSYS &&
        (si->si_code == SYS_DISPATCH_CODE || si->si_code == SYS_SECCOMP_CODE)) {
        trap_syscall(h, si, uc, regs);
    }
    copy_vector_state(h->vcpu, uc->uc_mcontext.fpregs);
    if (is_tick(sig)) {
        take_kick(h);
    } else if (si->si_code <= 0) {
        kernel_signal(sig); /* somebody's kill(2), not a fault */
    } else {
        trap.kind = TRAP_FAULT;
        /* A forced signal (a bad call of vsyscall) keeps the vCPU's last
         * vector, whatever it was; by itself only #GP comes this way. */
        trap.vector = sig == SIGSEGV && si->si_code == SI_KERNEL
                          ? VECTOR_GP
                          : g[REG_TRAPNO];
        trap.error = g[REG_ERR];
        trap.address = trap.vector == VECTOR_PF ? g[REG_CR2] : 0;
        if (trap.vector == VECTOR_PF && trap.error & PF_KEY) {
            /* For the program nothing is there. */
            trap.error &= ~(uint64_t)(PF_KEY | PF_PRESENT);
        }
    }
    enter_kernel(regs, &trap);
}

/* On the short way to user code: everything of the program still stands where
 * a trap would put it, so that the program was as good as there. */
static bool is_as_good_as_there(uint64_t rip)
{
    return rip >= (uint64_t)resume_loads && rip < (uint64_t)resume_end;
}

static _Noreturn void trap_as_if_there(struct host_vcpu *h,
                                       const struct trap *trap)
{
    struct user_regs *regs = vcpu_trap_regs(h->vcpu);

    regs->orig_rax = -1;
    regs->full = 1;
    regs->fs_base = read_fs_base();
    regs->gs_base = 0;
    *h->vcpu->fpu_saved = 1;
    enter_kernel(regs, trap);
}

/* The kick once more, pending until rt_sigreturn has put the program's mask
 * and registers in place. */
static void kick_after_resume(struct host_vcpu *h, ucontext_t *uc)
{
    uint64_t kick = 1ull << (SIG_KICK - 1);

    RAW(SYS_rt_sigprocmask, SIG_BLOCK, &kick, NULL, sizeof(kick));
    RAW(SYS_tgkill, host.pid, h->tid, SIG_KICK);
    *(uint64_t *)&uc->uc_sigmask |= kick;
}

/* A tick or kick outside user code sets the flag that the kernel looks at on
 * its way out. But it may be past that look already:
 * - on either way through target_user_resume(): see above;
 * - in the kernel's own short way out, or in a handler that interrupted it:
 *   the timer is set to look again soon. Not so in what the kernel called
 *   here: it looks after that. */
static void kick_in_kernel(struct host_vcpu *h, ucontext_t *uc)
{
    static const struct trap tick = {.kind = TRAP_TICK};
    uint64_t rip = uc->uc_mcontext.gregs[REG_RIP];
    uint64_t used = alternate_stack_used(uc->uc_mcontext.gregs[REG_RSP]);

    if (is_as_good_as_there(rip)) {
        take_kick(h);
        trap_as_if_there(h, &tick);
    }
    atomic_store_relaxed(&h->vcpu->resched, 1);
    if (rip >= (uint64_t)target_user_resume && rip < (uint64_t)resume_loads) {
        /* Its arguments are still in their registers. */
        uc->uc_mcontext.gregs[REG_RIP] = (greg_t)resume_by_frame;
        kick_after_resume(h, uc);
    } else if (resume_by_frame_owns_rip(rip)) {
        kick_after_resume(h, uc);
    } else if (kernel_owns_rip(rip) || used) {
        vcpu_look_again(h, rip, used);
    } else {
        vcpu_return_tick(h);
    }
    atomic_store(&h->kicked, 0);
}

/* The kernel cannot read at address: if the stock lies there, somebody has made
 * its file shorter, or the host's disk fails. Nothing goes on then. */
static void stock_lost(uint64_t address)
{
    static const char line[] =
        "enclos: what earlier runs left was cut while it is in use\n";

    if (address - host.stock < host.stock_len) {
        target_log(line, sizeof(line) - 1);
        target_stop(125 << 8);
    }
}

static void fault_in_kernel(struct host_vcpu *h, int sig, siginfo_t *si,
                            ucontext_t *uc)
{
    greg_t *g = uc->uc_mcontext.gregs;
    uint64_t address = g[REG_TRAPNO] == VECTOR_PF ? g[REG_CR2] : 0;
    uint64_t rip = g[REG_RIP], rax = g[REG_RAX], rdx = g[REG_RDX];

    if (si->si_code <= 0) {
        kernel_signal(sig);
        return;
    }
    if (sig == SIGBUS) {
        stock_lost(address);
    }
    if (is_as_good_as_there(rip)) {
        /* A jump to no address at all, or vector state that is none. */
        struct trap trap = {TRAP_FAULT, g[REG_TRAPNO], g[REG_ERR], address};

        trap_as_if_there(h, &trap);
    }
    if ((sig == SIGSEGV || sig == SIGBUS) &&
        kernel_fault_fixup(&rip, &rax, &rdx, address, g[REG_ERR])) {
        g[REG_RIP] = rip;
        g[REG_RAX] = rax;
        g[REG_RDX] = rdx;
        return;
    }
    kernel_panic_fault(g[REG_TRAPNO], rip, g[REG_RSP], address);
}

/* On the service thread: somebody's kill(2), or a fault of our own, which
 * then happens again without a handler. */
static void not_a_vcpu(int sig, const siginfo_t *si)
{
    struct raw_sigaction sa = {.flags = SA_RESTORER_FLAG,
                               .restorer = stub_restorer};

    if (si->si_code <= 0) {
        kernel_signal(sig);
        return;
    }
    RAW(SYS_rt_sigaction, sig, &sa, NULL, sizeof(sa.mask));
}

/* The program may have set EFLAGS.AC, which the host's kernel leaves set in a
 * handler; our own accesses need not be aligned. Below the red zone. */
static inline void clear_alignment_check(void)
{
    __asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
                     "pushfq\n\t"
                     "andl $~0x40000, (%%rsp)\n\t"
                     "popfq\n\t"
                     "lea 128(%%rsp), %%rsp" ::
                         : "cc", "memory");
}

/* Where our own text runs with few rights: on the way in or out, or at the
 * beginning of a handler. */
static bool is_passage(uint64_t rip)
{
    return kernel_is_passage(rip) || is_as_good_as_there(rip) ||
           (rip >= (uint64_t)stub_handler_keys &&
            rip < (uint64_t)stub_handler_open);
}

/* A program that jumped into our text: it goes on with its own rights. */
static bool is_stray(const ucontext_t *uc, uint64_t rip)
{
    const uint8_t *fp = (const void *)uc->uc_mcontext.fpregs;
    uint64_t present;
    uint32_t pkru = 0;

    if (!host.use_keys || is_passage(rip)) {
        return false;
    }
    memcpy(&present, fp + FP_LEGACY_SIZE, sizeof(present));
    if (present & XSTATE_PKRU) {
        memcpy(&pkru, fp + host.fp_pkru, sizeof(pkru));
    }
    return pkru >> 2 * host.boot->keys.kernel & 1;
}

/* A single step that leads into a rewritten call: through its slot it goes on,
 * in our text it ends. */
static bool is_step_into_call(int sig, const siginfo_t *si, ucontext_t *uc)
{
    greg_t *g = uc->uc_mcontext.gregs;
    uint64_t rip = g[REG_RIP];

    if (sig != SIGTRAP || si->si_code <= 0 || g[REG_TRAPNO] != VECTOR_DB) {
        return false;
    }
    if (kernel_owns_rip(rip)) {
        g[REG_EFL] &= ~(greg_t)RFLAGS_TF;
        return true;
    }
    return kernel_user_rip(rip) != rip;
}

void on_signal(int sig, siginfo_t *si, void *context)
{
    ucontext_t *uc = context;
    struct host_vcpu *h = vcpu_of_stack((uint64_t)uc);
    uint64_t rip = uc->uc_mcontext.gregs[REG_RIP];
    uint64_t gs;

    clear_alignment_check();
    if (!h) {
        not_a_vcpu(sig, si);
        return;
    }
    gs = read_gs_base();
    vcpu_set_gs(h->vcpu);
    correct_header(uc->uc_mcontext.fpregs);
    if (is_step_into_call(sig, si, uc)) {
        return;
    }
    if ((!kernel_owns_rip(rip) && !target_owns_rip(rip)) || is_stray(uc, rip)) {
        trap_from_user(h, gs, sig, si, uc);
    }
    if (is_tick(sig)) {
        kick_in_kernel(h, uc);
    } else {
        fault_in_kernel(h, sig, si, uc);
    }
}

int trap_init(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE,   SIGILL,
                                  SIGTRAP, SIGSYS, SIG_KICK, SIG_TICK};
    struct raw_sigaction sa = {
        .handler = host.use_keys ? stub_handler_keys : on_signal,
        .flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART |
                 SA_RESTORER_FLAG,
        .restorer = stub_restorer,
    };
    const uint64_t ticks = 1ull << (SIG_KICK - 1) | 1ull << (SIG_TICK - 1);

    for (unsigned i = 0; i < ARRAY_SIZE(signals); i++) {
        /* Ticks wait for each other: on a host so busy that every handler is
         * put aside until the timer it sets is due, they would pile up. */
        sa.mask = is_tick(signals[i]) ? ticks : 0;
        long err = RAW(SYS_rt_sigaction, signals[i], &sa, NULL, 8);

        if (err) {
            return err;
        }
    }
    return 0;
}
