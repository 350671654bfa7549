/* SPDX-License-Identifier: MIT
 *
 * Back to user code by rt_sigreturn: a signal frame that never was is filled
 * in, and the host's kernel loads all of it at once. resume_short.S has the
 * short way, several times faster; this one serves single-stepped programs.
 *
 * The frame lies in the vCPU's block, so a task that moved between vCPUs
 * gets the alternate stack and the mask of where it is now. While RIP is in
 * here (or in stub_resume), a tick is sent again and becomes pending until
 * the program runs: see trap.c. Therefore resume_by_frame() calls nothing.
 */
#include "target/linux/host.h"
#include "arch/x86_64/arch.h"

/* The kernel's ABI, asm/sigcontext.h and asm/ucontext.h. */
enum {
    FLAG_FP_XSTATE = 1,
    FLAG_SIGCONTEXT_SS = 2,
    FLAG_STRICT_SS = 4,
    MAGIC1 = 0x46505853,
    MAGIC2 = 0x46505845,
    FP_SW_RESERVED = 464,
    FP_XSTATE_BV = 512,
    XSTATE_PKRU = 1 << 9,
};

_Static_assert(offsetof(struct vcpu, fpu) == VCPU_FPU, "resume_short.S");

struct fp_sw_bytes {
    uint32_t magic1, extended_size;
    uint64_t xfeatures;
    uint32_t xstate_size, padding[7];
};
_Static_assert(sizeof(struct fp_sw_bytes) == 48, "struct _fpx_sw_bytes");

uint64_t vcpu_sigmask;

extern char __start_target_resume[], __stop_target_resume[];

bool resume_by_frame_owns_rip(uint64_t rip)
{
    return (rip >= (uint64_t)__start_target_resume &&
            rip < (uint64_t)__stop_target_resume) ||
           (rip >= (uint64_t)stub_resume && rip < (uint64_t)stub_resume_end);
}

static inline void copy_words(void *to, const void *from, uint64_t bytes)
{
    uint64_t words = bytes / 8;

    __asm__ volatile("rep movsq"
                     : "+D"(to), "+S"(from), "+c"(words)
                     :
                     : "memory");
}

static inline void fill_registers(greg_t *g, const struct user_regs *r)
{
    g[REG_R15] = r->r15;
    g[REG_R14] = r->r14;
    g[REG_R13] = r->r13;
    g[REG_R12] = r->r12;
    g[REG_RBP] = r->rbp;
    g[REG_RBX] = r->rbx;
    g[REG_R11] = r->r11;
    g[REG_R10] = r->r10;
    g[REG_R9] = r->r9;
    g[REG_R8] = r->r8;
    g[REG_RAX] = r->rax;
    g[REG_RCX] = r->rcx;
    g[REG_RDX] = r->rdx;
    g[REG_RSI] = r->rsi;
    g[REG_RDI] = r->rdi;
    g[REG_RIP] = r->rip;
    g[REG_RSP] = r->rsp;
    g[REG_EFL] = r->rflags;
    g[REG_CSGSFS] = USER_CS | (uint64_t)USER_SS << 48;
}

/* From resume_short.S, when the short way is not open. */
__attribute__((section("target_resume"))) void
resume_by_frame(const struct user_regs *regs, const struct fpu_area *fpu)
{
    struct host_vcpu *h = this_host_vcpu();
    ucontext_t *uc = &h->frame.uc;
    uint8_t *image = h->frame.fpu;
    volatile struct fp_sw_bytes *sw = (void *)(image + FP_SW_RESERVED);

    fill_registers(uc->uc_mcontext.gregs, regs);
    copy_words(image, fpu->xsave, host.fp_size);
    sw->magic1 = MAGIC1;
    sw->extended_size = host.fp_extended;
    sw->xfeatures = host.fp_features;
    sw->xstate_size = host.fp_size;
    *(volatile uint32_t *)(image + host.fp_size) = MAGIC2;
    if (host.use_keys) {
        *(volatile uint64_t *)(image + FP_XSTATE_BV) |= XSTATE_PKRU;
        *(volatile uint64_t *)(image + host.fp_pkru) =
            (uint32_t)h->vcpu->rights;
    }
    uc->uc_mcontext.fpregs = (void *)image;
    uc->uc_flags = FLAG_FP_XSTATE | FLAG_SIGCONTEXT_SS | FLAG_STRICT_SS;
    uc->uc_stack.ss_sp = (char *)h + HOST_ALTSTACK + HOST_SCRATCH;
    uc->uc_stack.ss_flags = 0;
    uc->uc_stack.ss_size = HOST_ALTSTACK_SIZE - HOST_SCRATCH;
    *(volatile uint64_t *)&uc->uc_sigmask = vcpu_sigmask;
    stub_resume(uc);
}
