/* SPDX-License-Identifier: MIT
 *
 * rt_sigreturn(2): everything that a frame holds goes back into the thread.
 * The frame is the program's, so it may hold anything: flags are masked, the
 * vector state is checked for what XRSTOR would fault on (SDM vol. 1, 13.8),
 * and the kernel's addresses are no place to return to. What cannot be
 * restored is SIGSEGV.
 */
#include "kernel/signal/room.h"
#include "kernel/mm/mm.h"
#include "kernel/proc/proc.h"
#include "abi/linux/errno.h"
#include "lib/string.h"

enum {
    /* AC, OF, DF, TF, SF, ZF, AF, PF, CF: what a program may set */
    RFLAGS_USER = 0x40dd5,
};

/* What the frame says about its own vector state; false: it is a plain
 * 512-byte FXSAVE area, as Linux takes it too. */
static bool read_extent(const uint8_t *legacy, uint64_t addr,
                        struct linux_fpx_sw *sw)
{
    uint32_t magic2;

    memcpy(sw, legacy + FP_SW_OFFSET, sizeof(*sw));
    return sw->magic1 == FP_XSTATE_MAGIC1 &&
           sw->xstate_size >= XSAVE_HEADER_END &&
           sw->xstate_size <= fpu_size() &&
           sw->xstate_size <= sw->extended_size &&
           !get_user32(&magic2, uptr(addr + sw->xstate_size)) &&
           magic2 == FP_XSTATE_MAGIC2;
}

/* What XRSTOR would refuse. */
static bool header_ok(const uint8_t *xsave, uint64_t *bv)
{
    static const uint8_t zero[XSAVE_HEADER_END - XSAVE_COMP_BV];

    memcpy(bv, xsave + XSAVE_BV, sizeof(*bv));
    return !(*bv & ~fpu_mask()) &&
           !memcmp(xsave + XSAVE_COMP_BV, zero, sizeof(zero));
}

/* What of the frame's components is in use, up to `end` bytes of it. */
static int read_components(uint8_t *xsave, uint64_t addr, uint64_t bv,
                           uint32_t end)
{
    for (bv &= ~(uint64_t)(BV_X87 | BV_SSE); bv; bv &= bv - 1) {
        uint32_t offset;
        uint32_t len = fpu_component(__builtin_ctzll(bv), &offset);

        if (offset + len > end ||
            copy_from_user(xsave + offset, uptr(addr + offset), len)) {
            return -EFAULT;
        }
    }
    return 0;
}

static int read_fpu(uint8_t *xsave, uint64_t addr)
{
    struct linux_fpx_sw sw;
    uint64_t bv = BV_X87 | BV_SSE;
    uint32_t mxcsr;

    if (copy_from_user(xsave, uptr(addr), LEGACY_SIZE)) {
        return -EFAULT;
    }
    if (read_extent(xsave, addr, &sw)) {
        if (copy_from_user(xsave + LEGACY_SIZE, uptr(addr + LEGACY_SIZE),
                           XSAVE_HEADER_END - LEGACY_SIZE) ||
            !header_ok(xsave, &bv)) {
            return -EFAULT;
        }
        bv &= sw.xfeatures;
        if (read_components(xsave, addr, bv, sw.xstate_size)) {
            return -EFAULT;
        }
    } else {
        memset(xsave + LEGACY_SIZE, 0, XSAVE_HEADER_END - LEGACY_SIZE);
    }
    if (fpu_x87_is_initial(xsave)) {
        bv &= ~(uint64_t)BV_X87;
    }
    memcpy(xsave + XSAVE_BV, &bv, sizeof(bv));
    memcpy(&mxcsr, xsave + LEGACY_MXCSR, sizeof(mxcsr));
    return mxcsr & ~MXCSR_VALID ? -EFAULT : 0;
}

/* The usual frame, straight into the registers. False: it is none, or that
 * cannot be done; nothing has happened that counts. */
static bool load_live_fpu(struct task *t, uint64_t addr)
{
    uint8_t xsave[XSAVE_HEADER_END];
    struct linux_fpx_sw sw;
    uint64_t bv;
    uint32_t mxcsr;

    if (copy_from_user(xsave, uptr(addr), LEGACY_XMM) ||
        copy_from_user(xsave + LEGACY_SOFT, uptr(addr + LEGACY_SOFT),
                       sizeof(xsave) - LEGACY_SOFT) ||
        !read_extent(xsave, addr, &sw) || !header_ok(xsave, &bv) ||
        sw.xstate_size != fpu_size() || !fpu_x87_is_initial(xsave)) {
        return false;
    }
    memcpy(&mxcsr, xsave + LEGACY_MXCSR, sizeof(mxcsr));
    bv &= sw.xfeatures & ~(uint64_t)BV_X87;
    if (mxcsr & ~MXCSR_VALID || !vector_from_user(uptr(addr), bv, mxcsr)) {
        return false;
    }
    t->fpu_saved = 0;
    return true;
}

/* full: the way out will need the state in memory anyway. */
static int restore_fpu(struct thread *t, uint64_t addr, bool full)
{
    struct fpu_area *area = &t->task.fpu;
    int err;

    if (addr && !full && load_live_fpu(&t->task, addr)) {
        return 0;
    }
    /* From here on nobody saves the registers there: reading may block. */
    t->task.fpu_saved = 1;
    err = addr ? read_fpu(area->xsave, addr) : 0;
    if (err || !addr) {
        fpu_reset(area);
    }
    return err;
}

static int restore_context(struct user_regs *r,
                           const struct linux_sigcontext *sc)
{
    uint64_t copy;

    if ((sc->cs | 3) != USER_CS || !mm_user_range(sc->rip, 1)) {
        return -EFAULT;
    }
    r->r8 = sc->r8;
    r->r9 = sc->r9;
    r->r10 = sc->r10;
    r->r11 = sc->r11;
    r->r12 = sc->r12;
    r->r13 = sc->r13;
    r->r14 = sc->r14;
    r->r15 = sc->r15;
    r->rdi = sc->rdi;
    r->rsi = sc->rsi;
    r->rbp = sc->rbp;
    r->rbx = sc->rbx;
    r->rdx = sc->rdx;
    r->rax = sc->rax;
    r->rcx = sc->rcx;
    r->rsp = sc->rsp;
    /* The frame names the program's own instruction, of which a rewritten
     * system call may have left only a moved copy. */
    r->rip = mm_moved_insn(sc->rip, &copy) ? copy : sc->rip;
    r->rflags = RFLAGS_FIXED | (sc->rflags & RFLAGS_USER);
    r->cs = USER_CS;
    r->ss = USER_SS;
    /* The short way out leaves exactly what a SYSCALL does. */
    r->full = r->rcx != r->rip || r->r11 != r->rflags;
    return 0;
}

void signal_return(struct user_regs *regs)
{
    struct k_siginfo bad = {.signo = SIGSEGV, .code = SI_KERNEL};
    struct thread *t = current_thread();
    struct linux_ucontext uc;
    /* The handler's return has taken pretcode off the stack. */
    uint64_t at = regs->rsp - 8 + offsetof(struct linux_rt_sigframe, uc);

    regs->orig_rax = ~0ull; /* whatever rax holds is no restart code */
    t->restart.fn = NULL;
    if (copy_from_user(&uc, uptr(at), sizeof(uc))) {
        signal_force(&bad);
        return;
    }
    signal_set_mask(uc.sigmask);
    if (restore_context(regs, &uc.mcontext) ||
        restore_fpu(t, uc.mcontext.fpstate, regs->full)) {
        signal_force(&bad);
        return;
    }
    /* A stack that is no longer allowed is left as it was, as on Linux. */
    (void)signal_altstack(&uc.stack, NULL, regs->rsp);
}
