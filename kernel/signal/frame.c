/* SPDX-License-Identifier: MIT
 *
 * What a signal handler finds on its stack, as Linux lays it out on x86-64.
 * From high addresses to low: the interrupted stack and its red zone (or the
 * top of the alternate stack), the vector state in XSAVE's standard format
 * with its magic numbers, 64-aligned; then struct linux_rt_sigframe, placed so
 * that the handler starts as if called: (rsp + 8) is a multiple of 16.
 *
 * No address of a trampoline ever shows in a frame: an interrupted one is
 * rolled back to the site it serves.
 */
#include "kernel/signal/room.h"
#include "arch/x86_64/vdso/vdso.h"
#include "kernel/kernel.h"
#include "kernel/mm/mm.h"
#include "kernel/proc/proc.h"
#include "abi/linux/errno.h"
#include "abi/linux/syscall.h"
#include "lib/string.h"

enum {
    RED_ZONE = 128,
    RFLAGS_RF = 0x10000,
    MAGIC2_SIZE = 4,
};

uint64_t signal_min_stack(void)
{
    return ALIGN_UP(sizeof(struct linux_rt_sigframe) + 16 + 64 + MAGIC2_SIZE +
                        (uint64_t)fpu_size(),
                    16);
}

/* XSAVEOPT leaves out what is in its initial state; programs expect to find
 * x87 and SSE in the area all the same. */
static void complete_legacy(uint8_t *xsave)
{
    uint16_t fcw = 0x37f;
    uint64_t bv;

    memcpy(&bv, xsave + XSAVE_BV, sizeof(bv));
    if (!(bv & BV_X87)) {
        memset(xsave, 0, LEGACY_MXCSR);
        memset(xsave + LEGACY_ST, 0, LEGACY_XMM - LEGACY_ST);
        memcpy(xsave + LEGACY_FCW, &fcw, sizeof(fcw));
    }
    if (!(bv & BV_SSE)) {
        memset(xsave + LEGACY_XMM, 0, LEGACY_SOFT - LEGACY_XMM);
    }
    bv |= BV_X87 | BV_SSE;
    memcpy(xsave + XSAVE_BV, &bv, sizeof(bv));
}

void frame_save_fpu(struct thread *t)
{
    fpu_leave(&t->task.fpu, &t->task.fpu_saved);
}

/* Components that are not in use stay as the stack was: ours may be stale, and
 * the header says that they do not count. */
static int write_components(const uint8_t *xsave, uint64_t addr)
{
    uint64_t used;

    memcpy(&used, xsave + XSAVE_BV, sizeof(used));
    used &= fpu_mask() & ~(uint64_t)(BV_X87 | BV_SSE);
    for (; used; used &= used - 1) {
        uint32_t offset;
        uint32_t len = fpu_component(__builtin_ctzll(used), &offset);

        if (copy_to_user(uptr(addr + offset), xsave + offset, len)) {
            return -EFAULT;
        }
    }
    return 0;
}

/* From the registers, where they are live and that can be done: all but x87
 * state, which is the initial one, and the header. */
static bool write_live_fpu(const struct thread *t, uint64_t addr,
                           const struct linux_fpx_sw *sw)
{
    struct {
        uint8_t bytes[LEGACY_XMM];
    } low = {.bytes = {[LEGACY_FCW] = 0x7f, 3}};
    struct {
        uint8_t soft[FP_SW_OFFSET - LEGACY_SOFT];
        struct linux_fpx_sw sw;
        uint64_t bv, rest[7];
    } header = {.sw = *sw};
    uint64_t mxcsr = fpu_mxcsr() | (uint64_t)MXCSR_VALID << 32; /* mask */

    static_assert(sizeof(header) == XSAVE_HEADER_END - LEGACY_SOFT, "XSAVE");
    header.bv = t->task.fpu_saved ? 0 : vector_to_user(uptr(addr));
    if (!header.bv) {
        return false;
    }
    header.bv |= BV_X87;
    memcpy(low.bytes + LEGACY_MXCSR, &mxcsr, sizeof(mxcsr));
    return !copy_to_user(uptr(addr), &low, sizeof(low)) &&
           !copy_to_user(uptr(addr + LEGACY_SOFT), &header, sizeof(header));
}

static int write_saved_fpu(struct thread *t, uint64_t addr,
                           const struct linux_fpx_sw *sw)
{
    uint8_t *xsave = t->task.fpu.xsave;

    frame_save_fpu(t);
    complete_legacy(xsave);
    memcpy(xsave + FP_SW_OFFSET, sw, sizeof(*sw));
    if (copy_to_user(uptr(addr), xsave, XSAVE_HEADER_END) ||
        write_components(xsave, addr)) {
        return -EFAULT;
    }
    return 0;
}

/* In whole words, as it will be read: a load that takes two stores at once
 * waits until both are in the cache. */
static struct linux_fpx_sw describe_fpu(void)
{
    uint64_t words[sizeof(struct linux_fpx_sw) / sizeof(uint64_t)] = {
        FP_XSTATE_MAGIC1 | (uint64_t)(fpu_size() + MAGIC2_SIZE) << 32,
        fpu_mask(),
        fpu_size(),
    };
    struct linux_fpx_sw sw;

    memcpy(&sw, words, sizeof(sw));
    return sw;
}

static int write_fpu(struct thread *t, uint64_t addr)
{
    struct linux_fpx_sw sw = describe_fpu();

    if (!write_live_fpu(t, addr, &sw) && write_saved_fpu(t, addr, &sw)) {
        return -EFAULT;
    }
    return put_user32(uptr(addr + fpu_size()), FP_XSTATE_MAGIC2);
}

/* Handlers start with the initial state. */
static void reset_fpu(struct task *t)
{
    if (t->fpu_saved) {
        fpu_reset(&t->fpu);
    } else {
        fpu_clear();
    }
}

/* Go's restorer ends in INT 3, and Go unwinds by its own tables. */
static bool is_go(uint64_t behind_call)
{
    static const uint8_t int3[] = {0xcd, 3};
    uint8_t code[sizeof(int3)];

    return !copy_from_user(code, uptr(behind_call), sizeof(code)) &&
           !memcmp(code, int3, sizeof(code));
}

/* What the handler returns to: the vDSO's restorer, whose system call does not
 * trap, in place of one that does the same. The code of a restorer is what
 * unwinders know a frame by, when they do not know the vDSO: so a program
 * without a dynamic loader keeps its own, unless it is Go. */
static uint64_t return_address(const struct thread *t, uint64_t restorer)
{
    static const uint8_t usual[] = {0x48, 0xc7, 0xc0, NR_rt_sigreturn, 0, 0,
                                    0,    0x0f, 0x05};
    const struct mm_layout *layout = mm_layout(t->proc->mm);
    bool own = restorer >= layout->start_code && restorer < layout->end_code;
    uint64_t first, last, code_first, code_last;

    memcpy(&first, usual, sizeof(first));
    memcpy(&last, usual + sizeof(usual) - sizeof(last), sizeof(last));
    if (!layout->vdso || get_user64(&code_first, uptr(restorer)) ||
        get_user64(&code_last, uptr(restorer + sizeof(usual) - sizeof(last))) ||
        code_first != first || code_last != last ||
        (own && !is_go(restorer + sizeof(usual)))) {
        return restorer;
    }
    return layout->vdso + vdso_restore_rt_offset;
}

static void fill_context(struct linux_sigcontext *sc, const struct thread *t,
                         const struct user_regs *r, sigset oldmask)
{
    *sc = (struct linux_sigcontext){
        .r8 = r->r8,
        .r9 = r->r9,
        .r10 = r->r10,
        .r11 = r->r11,
        .r12 = r->r12,
        .r13 = r->r13,
        .r14 = r->r14,
        .r15 = r->r15,
        .rdi = r->rdi,
        .rsi = r->rsi,
        .rbp = r->rbp,
        .rbx = r->rbx,
        .rdx = r->rdx,
        .rax = r->rax,
        .rcx = r->rcx,
        .rsp = r->rsp,
        .rip = r->rip,
        .rflags = r->rflags,
        .cs = USER_CS,
        .ss = USER_SS,
        .err = t->signals.error,
        .trapno = t->signals.vector,
        .cr2 = t->signals.address,
        .oldmask = oldmask,
    };
}

/* Where the vector state and the frame go; false: off the alternate stack. */
static bool place(const struct thread_signals *ts, uint64_t rsp, uint64_t flags,
                  uint64_t *fpu, uint64_t *frame)
{
    uint64_t sp = rsp - RED_ZONE;
    uint32_t state = altstack_state(ts, sp);
    bool alternate = state == SS_ONSTACK;

    if ((flags & SA_ONSTACK) && state == 0) {
        sp = ts->alt_sp + ts->alt_size;
        alternate = true;
    }
    *fpu = ALIGN_DOWN(sp - fpu_size() - MAGIC2_SIZE, 64);
    *frame = ALIGN_DOWN(*fpu - sizeof(struct linux_rt_sigframe), 16) - 8;
    return !alternate || altstack_holds(ts, *frame);
}

/* A handler expects nothing in RCX and R11, so the short way out does. */
static void enter_handler(struct user_regs *regs, uint64_t handler, int signo,
                          uint64_t frame)
{
    regs->rdi = (uint64_t)signo;
    regs->rsi = frame + offsetof(struct linux_rt_sigframe, info);
    regs->rdx = frame + offsetof(struct linux_rt_sigframe, uc);
    regs->rax = 0;
    regs->rip = handler;
    regs->rsp = frame;
    regs->cs = USER_CS;
    regs->ss = USER_SS;
    regs->rflags &= ~(uint64_t)(RFLAGS_DF | RFLAGS_TF | RFLAGS_RF);
    regs->full = 0;
}

int frame_build(struct thread *t, struct user_regs *regs,
                const struct k_sigaction *act, const struct k_siginfo *info,
                sigset oldmask)
{
    struct linux_rt_sigframe f;
    struct thread_signals *ts = &t->signals;
    uint64_t fpu, frame;

    if (!(act->flags & SA_RESTORER) || !mm_user_range(act->handler, 1) ||
        !place(ts, regs->rsp, act->flags, &fpu, &frame)) {
        return -EFAULT;
    }
    regs->rip = kernel_user_rip(regs->rip);
    /* Every byte of f: there is no padding in it. */
    f.pretcode = return_address(t, act->restorer);
    f.uc.flags = UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
    f.uc.link = 0;
    f.uc.stack = (struct linux_stack){
        .sp = ts->alt_sp,
        .flags = ts->alt_flags,
        .size = ts->alt_size,
    };
    fill_context(&f.uc.mcontext, t, regs, oldmask);
    f.uc.mcontext.fpstate = fpu;
    f.uc.sigmask = oldmask;
    memcpy(f.info, info, sizeof(f.info));
    if (write_fpu(t, fpu) || copy_to_user(uptr(frame), &f, sizeof(f))) {
        return -EFAULT;
    }
    altstack_disarm(ts);
    reset_fpu(&t->task);
    enter_handler(regs, act->handler, info->signo, frame);
    return 0;
}
