/* SPDX-License-Identifier: MIT
 *
 * Asynchronous exits, in two stages.
 *
 * The first, sgx_exception(), runs at CSSA = 1 on the vCPU's trap stack, and
 * cannot be taken from this vCPU by anything but a further exit. It looks at
 * SSA frame 0 alone: what the host says about the exit is not even asked.
 * EXITINFO names an exception of the enclave; without one it was a tick, which
 * the host may always cause. RIP decides whose it is, as on target linux. For
 * user code the frame's registers and vector state go to the task, and the
 * frame is made to continue in the second stage, sgx_trap(), which runs at
 * CSSA = 0 on the task's kernel stack, where it may fault and call the host.
 *
 * EXITINFO is cleared once it was used: an entry that the host repeats is one
 * more tick.
 */
#include "target/sgx/enclave/fixed.h"
#include "arch/x86_64/arch.h"

enum {
    VECTOR_BP = 3,
    VECTOR_UD = 6,
    VECTOR_GP = 13,
    VECTOR_PF = 14,
    VECTOR_AC = 17,
    LOOK_AGAIN_NS = 1000000, /* the first time; then twice as much, up to */
    LOOK_AGAIN_MAX = 10000000,
    DOUBTS_MAX = 1000,
};
#define RFLAGS_AC 0x40000

static struct sgx_gpr *ssa_gpr(struct sgx_vcpu *s)
{
    uint64_t frame = (uint64_t)s - SGX_BLOCK_STATE + SGX_BLOCK_SSA;

    return (struct sgx_gpr *)(frame + PAGE_SIZE) - 1;
}

static bool in_target(uint64_t rip)
{
    return rip >= (uint64_t)__start_enclave_text &&
           rip < (uint64_t)__stop_enclave_text;
}

/* On the way to user code: everything of the program still stands where a
 * trap would put it, so that the program was as good as there. */
static bool is_as_good_as_there(uint64_t rip)
{
    return rip >= (uint64_t)target_user_resume &&
           rip < (uint64_t)sgx_resume_end;
}

static void copy_registers(struct user_regs *r, const struct sgx_gpr *g)
{
    r->r15 = g->r15;
    r->r14 = g->r14;
    r->r13 = g->r13;
    r->r12 = g->r12;
    r->rbp = g->rbp;
    r->rbx = g->rbx;
    r->r11 = g->r11;
    r->r10 = g->r10;
    r->r9 = g->r9;
    r->r8 = g->r8;
    r->rax = g->rax;
    r->rcx = g->rcx;
    r->rdx = g->rdx;
    r->rsi = g->rsi;
    r->rdi = g->rdi;
    r->rip = kernel_user_rip(g->rip);
    r->rflags = g->rflags;
    r->rsp = g->rsp;
    r->cs = USER_CS;
    r->ss = USER_SS;
}

/* The frame's vector state to the task; only what the kernel keeps. */
static void copy_vector_state(struct vcpu *v, const struct sgx_gpr *g)
{
    const uint8_t *from = (const uint8_t *)(ALIGN_DOWN((uint64_t)g, PAGE_SIZE));
    uint8_t *to = v->fpu->xsave;
    uint64_t present;

    memcpy(to, from, PAGE_SIZE - sizeof(*g) - sizeof(struct sgx_exinfo));
    memcpy(&present, to + XSAVE_BV, sizeof(present));
    present &= fpu_mask();
    memcpy(to + XSAVE_BV, &present, sizeof(present));
    memset(to + XSAVE_COMP_BV, 0, XSAVE_HEADER_END - XSAVE_COMP_BV);
}
_Static_assert(FPU_AREA_MAX >= PAGE_SIZE - sizeof(struct sgx_gpr) -
                                   sizeof(struct sgx_exinfo),
               "an SSA frame fits a task's vector state");

/* SGX1 class: EXITINFO knows neither #PF nor #GP (SDM, "EXITINFO"), and the
 * host says them. Anything that cannot be is a tick; docs/THREATS.md has what
 * is left to a liar. */
static struct trap trap_by_host(uint64_t word, uint64_t address, uint64_t rip)
{
    struct trap trap = {.kind = TRAP_TICK};

    /* Late, when a tick came in between: the frame is at the second stage. */
    if (!(word & SGX_FAULT) || (in_target(rip) && !leaf_fixup(rip))) {
        return trap;
    }
    trap.vector = word & 0xff;
    trap.error = word >> 8 & 0xffff;
    if (trap.vector == VECTOR_GP) {
        trap.kind = TRAP_FAULT;
    } else if (trap.vector == VECTOR_PF && fixed_denies(address, trap.error)) {
        trap.kind = TRAP_FAULT;
        trap.address = address;
    }
    return trap;
}

static struct trap trap_of(const struct sgx_vcpu *s, const struct sgx_gpr *g)
{
    const struct sgx_exinfo *x = (const struct sgx_exinfo *)g - 1;
    const uint64_t hint = s->exchange + offsetof(struct sgx_exchange, fault);
    uint64_t word = 0, address = 0;
    struct trap trap = {.kind = TRAP_FAULT};

    if (memory_is_fixed()) {
        word = outside_load(hint);
        address = outside_load(hint + 8);
        outside_store(hint, 0); /* for this exit alone */
    }
    if (!(g->exitinfo & SGX_EXITINFO_VALID)) {
        return trap_by_host(word, address, g->rip);
    }
    trap.vector = g->exitinfo & 0xff;
    if (trap.vector == VECTOR_PF || trap.vector == VECTOR_GP) {
        trap.error = x->errcd;
        trap.address = trap.vector == VECTOR_PF ? x->maddr : 0;
    }
    return trap;
}

/* Makes the frame go on in the second stage. regs and vector state are at the
 * task already. */
static void continue_in_kernel(struct sgx_vcpu *s, struct sgx_gpr *g,
                               struct user_regs *regs, const struct trap *trap)
{
    struct trap *copy = (struct trap *)regs - 1;

    *copy = *trap;
    *s->vcpu->fpu_saved = 1;
    regs->orig_rax = -1;
    regs->full = 1;
    regs->fs_base = g->fs_base;
    g->rdi = (uint64_t)copy;
    g->rsp = ALIGN_DOWN((uint64_t)copy, 16);
    g->rip = (uint64_t)sgx_trap_start;
    g->rflags = RFLAGS_FIXED;
    g->gs_base = (uint64_t)s->vcpu;
}

static void trap_from_user(struct sgx_vcpu *s, struct sgx_gpr *g,
                           const struct trap *trap)
{
    struct user_regs *regs = vcpu_trap_regs(s->vcpu);

    s->look_again = LOOK_AGAIN_NS;
    copy_registers(regs, g);
    copy_vector_state(s->vcpu, g);
    /* The program ran WRGSBASE: the kernel kills it when this is not 0. */
    regs->gs_base = 0;
    if (g->gs_base != (uint64_t)s->vcpu) {
        regs->gs_base = g->gs_base ? g->gs_base : 1;
    }
    continue_in_kernel(s, g, regs, trap);
}

static void trap_as_if_there(struct sgx_vcpu *s, struct sgx_gpr *g,
                             const struct trap *trap)
{
    struct user_regs *regs = vcpu_trap_regs(s->vcpu);

    regs->gs_base = 0;
    continue_in_kernel(s, g, regs, trap);
}

/* SGX1 class: a fault of the kernel's that only the host knows of. One that is
 * true comes again and again. */
static bool is_doubtful(struct sgx_vcpu *s, uint64_t rip)
{
    if (!memory_is_fixed() || s->believed) {
        return false;
    }
    s->doubts = s->doubted_rip == rip ? s->doubts + 1 : 0;
    s->doubted_rip = rip;
    return s->doubts < DOUBTS_MAX;
}

/* A fault in code of ours: a fixup, an instruction that the enclave may not
 * execute, or our bug. */
static void fault_inside(struct sgx_vcpu *s, struct sgx_gpr *g,
                         const struct trap *trap)
{
    uint64_t to = leaf_fixup(g->rip);

    if (to) {
        g->rip = to;
        return;
    }
    if ((trap->vector == VECTOR_PF || trap->vector == VECTOR_AC) &&
        kernel_fault_fixup(&g->rip, &g->rax, &g->rdx, trap->address,
                           trap->error)) {
        return;
    }
    if (is_doubtful(s, g->rip)) {
        return;
    }
    /* kernel_panic_fault() calls the host: in the second stage. On a stack that
     * is ours and a GS that is the vCPU's, whatever the host made fault: on the
     * way in and out, RSP is its own. */
    g->rdi = trap->vector;
    g->rsi = g->rip;
    g->rdx = g->rsp;
    g->rcx = trap->address;
    g->rsp = (uint64_t)s - SGX_BLOCK_STATE + SGX_BLOCK_BOOT_END - 8;
    g->rip = (uint64_t)sgx_panic;
    g->rflags = RFLAGS_FIXED;
    g->gs_base = (uint64_t)s->vcpu;
}

/* A tick in the kernel, which looks at this flag on its way out; the host shall
 * ask once more, in case that it is past that look. Ever more rarely: where an
 * exit takes long, the kernel is to get on in between. */
static uint64_t tick_in_kernel(struct sgx_vcpu *s, uint64_t rip)
{
    uint64_t ns = MAX(s->look_again, (uint64_t)LOOK_AGAIN_NS);

    atomic_store_relaxed(&s->vcpu->resched, 1);
    if (!kernel_owns_rip(rip)) {
        return 0;
    }
    s->look_again = MIN(2 * ns, (uint64_t)LOOK_AGAIN_MAX);
    return ns;
}

static void answer(struct sgx_vcpu *s, uint64_t look_again)
{
    outside_store(s->exchange + offsetof(struct sgx_exchange, trap_a0),
                  look_again);
    outside_store(s->exchange + offsetof(struct sgx_exchange, trap_call),
                  SGX_CALL_RESUME);
}

void sgx_exception(struct sgx_vcpu *s)
{
    struct sgx_gpr *g = ssa_gpr(s);
    struct trap trap;
    uint64_t look_again = 0;

    if (!s->exchange) {
        return; /* before the first call: nothing that could be helped */
    }
    s->believed = g->exitinfo & SGX_EXITINFO_VALID;
    trap = trap_of(s, g);
    g->exitinfo = 0;
    if (!s->vcpu || !s->vcpu->kstack) {
        if (trap.kind == TRAP_FAULT) {
            fault_inside(s, g, &trap);
        }
    } else if (is_as_good_as_there(g->rip) && trap.vector != VECTOR_PF) {
        trap_as_if_there(s, g, &trap);
    } else if (!kernel_owns_rip(g->rip) && !in_target(g->rip)) {
        trap_from_user(s, g, &trap);
    } else if (trap.kind == TRAP_FAULT) {
        fault_inside(s, g, &trap);
    } else {
        look_again = tick_in_kernel(s, g->rip);
    }
    answer(s, look_again);
}

/* In the second stage's place, so that it may call the host. */
void sgx_panic(unsigned vector, uint64_t rip, uint64_t rsp, uint64_t address)
{
    if (!kernel_owns_rip(rip)) {
        sgx_die("an exception in the enclave's own text");
    }
    kernel_panic_fault(vector, rip, rsp, address);
}

/* ---- the second stage ---- */

static void emulate_cpuid(struct user_regs *regs)
{
    uint32_t r[4];

    target_cpuid(regs->rax, regs->rcx, r);
    regs->rax = r[0];
    regs->rbx = r[1];
    regs->rcx = r[2];
    regs->rdx = r[3];
    regs->rip += 2;
}

static void emulate_rdtsc(struct user_regs *regs, unsigned len)
{
    uint64_t tsc = sgx_tsc();

    regs->rax = (uint32_t)tsc;
    regs->rdx = tsc >> 32;
    regs->rip += len;
}

/* Instructions that are undefined in an enclave but not for a program. True:
 * the program goes on with regs. */
static bool undefined(struct user_regs *regs, struct trap *trap)
{
    uint8_t code[3] = {0};
    size_t n = leaf_fetch(code, regs->rip, sizeof(code));

    /* Another vCPU rewrites a system call in this page, which has no access
     * meanwhile: the program is to execute it once more, and to wait. */
    if (n == 0 || (n == 1 && code[0] == 0x0f)) {
        return true;
    }
    if (n < 2) {
        return false;
    }
    /* Or has done so, and the jump begins here: no JMP is undefined. */
    if (code[0] == 0xe9) {
        return true;
    }
    switch (code[0] << 8 | code[1]) {
    case 0x0f05: /* SYSCALL */
        trap->kind = TRAP_SYSCALL;
        regs->rip += 2;
        regs->orig_rax = regs->rax;
        regs->full = 0;
        return false;
    case 0x0fa2: /* CPUID */
        emulate_cpuid(regs);
        return true;
    case 0x0f31: /* RDTSC */
        emulate_rdtsc(regs, 2);
        return true;
    case 0x0f01:
        if (n == 3 && code[2] == 0xf9) { /* RDTSCP; IA32_TSC_AUX is 0 */
            emulate_rdtsc(regs, 3);
            regs->rcx = 0;
            return true;
        }
        return false;
    }
    if (code[0] == 0xcd) { /* INT n: there is no such gate */
        trap->vector = VECTOR_GP;
        trap->error = code[1] * 8 + 2;
    }
    return false;
}

/* INT3: the program is to find RIP behind it, where a CPU outside of enclaves
 * leaves it. */
static void breakpoint(struct user_regs *regs)
{
    uint8_t code[2];

    if (leaf_fetch(code, regs->rip - 1, 2) == 2 && code[0] != 0xcc &&
        code[1] == 0xcc) {
        regs->rip++;
    }
}

void sgx_trap(struct trap *trap)
{
    struct vcpu *v = this_vcpu();
    struct user_regs *regs = vcpu_trap_regs(v);

    signals_poll();
    if (trap->kind == TRAP_FAULT && trap->vector == VECTOR_UD &&
        undefined(regs, trap)) {
        *v->fpu_saved = 0;
        target_user_resume(regs, v->fpu);
    }
    if (trap->kind == TRAP_FAULT && trap->vector == VECTOR_BP) {
        breakpoint(regs);
    }
    kernel_trap(trap);
}
