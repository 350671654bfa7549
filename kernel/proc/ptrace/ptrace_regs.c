/* SPDX-License-Identifier: MIT
 *
 * The registers of a stopped thread, as ptrace(2) shows and sets them. Whatever
 * a tracer writes, the thread must be able to go on in user code or not at all:
 * flags are masked, segments fixed, thread pointers checked, and the vector
 * state is what XRSTOR takes (SDM vol. 1, 13.8). RIP is looked at when the
 * thread goes on.
 */
#include "kernel/proc/ptrace/ptrace.h"
#include "abi/linux/errno.h"
#include "lib/string.h"

enum {
    /* Words of struct user_regs_struct. */
    WORD_CS = 17,
    WORD_RFLAGS = 18,
    WORD_SS = 20,
    WORD_FS_BASE = 21,
    WORD_GS_BASE = 22,
    WORD_DS = 23,
    REGS_BYTES = PTRACE_REGS * 8,
    /* AC, RF, NT, OF, DF, TF, SF, ZF, AF, PF, CF: what may be set */
    RFLAGS_SETTABLE = 0x54dd5,
};

/* ---- general registers ---- */

static uint64_t get_word(const struct tracee *r, unsigned i)
{
    const struct user_regs *regs = thread_regs(r->thread);
    const uint64_t *words = (const uint64_t *)regs;

    if (i >= WORD_DS) {
        return 0; /* DS, ES, FS, GS: null selectors, as on Linux */
    }
    if (i == WORD_RFLAGS && r->trap_flag) {
        return words[i] & ~(uint64_t)RFLAGS_TF;
    }
    return i == WORD_GS_BASE ? 0 : words[i];
}

static int set_word(struct tracee *r, unsigned i, uint64_t value)
{
    struct user_regs *regs = thread_regs(r->thread);
    uint64_t *words = (uint64_t *)regs;

    switch (i) {
    case WORD_CS:
        return value == USER_CS ? 0 : -EIO;
    case WORD_SS:
        return value == USER_SS ? 0 : -EIO;
    case WORD_GS_BASE: /* the kernel's here, as arch_prctl(2) says */
        return value ? -EIO : 0;
    case WORD_FS_BASE:
        if (value >= USER_ADDRESS_END) {
            return -EIO;
        }
        break;
    case WORD_RFLAGS:
        value = RFLAGS_FIXED | (value & RFLAGS_SETTABLE);
        r->trap_flag = false; /* what is set now is the program's */
        break;
    default:
        break;
    }
    if (i >= WORD_DS) {
        return value ? -EIO : 0;
    }
    words[i] = value;
    regs->full = 1;
    return 0;
}

int ptrace_get_regs(int tid, uint64_t regs[PTRACE_REGS])
{
    struct tracee *r;

    spin_lock(&proc_lock);
    r = ptrace_stopped(tid);
    for (unsigned i = 0; r && i < PTRACE_REGS; i++) {
        regs[i] = get_word(r, i);
    }
    spin_unlock(&proc_lock);
    return r ? 0 : -ESRCH;
}

int ptrace_set_regs(int tid, const uint64_t *regs, unsigned count)
{
    struct tracee *r;
    int err;

    spin_lock(&proc_lock);
    r = ptrace_stopped(tid);
    err = r ? 0 : -ESRCH;
    for (unsigned i = 0; !err && i < count; i++) {
        err = set_word(r, i, regs[i]);
    }
    spin_unlock(&proc_lock);
    return err;
}

/* ---- struct user ---- */

static bool is_debug(uint64_t addr)
{
    return addr >= USER_DEBUGREG && addr < USER_DEBUGREG_STOP;
}

static bool is_word(uint64_t addr)
{
    return !(addr % 8) && addr <= PTRACE_USER_SIZE - 8;
}

int ptrace_peek_user(int tid, uint64_t addr, uint64_t *word)
{
    struct tracee *r;

    if (!is_word(addr)) {
        return -EIO;
    }
    *word = 0;
    spin_lock(&proc_lock);
    r = ptrace_stopped(tid);
    if (r && addr < REGS_BYTES) {
        *word = get_word(r, (unsigned)addr / 8);
    } else if (r && is_debug(addr) && addr < USER_DEBUGREG + 4 * 8) {
        *word = r->debug[(addr - USER_DEBUGREG) / 8];
    }
    spin_unlock(&proc_lock);
    return r ? 0 : -ESRCH;
}

/* Addresses to watch are kept; watching them is refused: there is nothing here
 * that could. */
static int set_debug(struct tracee *r, unsigned i, uint64_t value)
{
    if (i < 4) {
        if (value >= USER_ADDRESS_END) {
            return -EINVAL;
        }
        r->debug[i] = value;
        return 0;
    }
    if (i == 4 || i == 5) {
        return -EIO;
    }
    return i == 7 && value ? -ENOSPC : 0;
}

int ptrace_poke_user(int tid, uint64_t addr, uint64_t word)
{
    struct tracee *r;
    int err = -EIO;

    if (!is_word(addr)) {
        return -EIO;
    }
    spin_lock(&proc_lock);
    r = ptrace_stopped(tid);
    if (!r) {
        err = -ESRCH;
    } else if (addr < REGS_BYTES) {
        err = set_word(r, (unsigned)addr / 8, word);
    } else if (is_debug(addr)) {
        err = set_debug(r, (unsigned)(addr - USER_DEBUGREG) / 8, word);
    }
    spin_unlock(&proc_lock);
    return err;
}

/* ---- vector state ---- */

/* XSAVEOPT leaves the bytes of what is in its initial state as they were. */
static void show_initial(uint8_t *to, uint64_t present)
{
    static const uint16_t fcw = 0x37f;
    uint64_t absent = fpu_mask() & ~present & ~(uint64_t)(BV_X87 | BV_SSE);

    if (!(present & BV_X87)) {
        memset(to, 0, LEGACY_MXCSR);
        memset(to + LEGACY_ST, 0, LEGACY_XMM - LEGACY_ST);
        memcpy(to + LEGACY_FCW, &fcw, sizeof(fcw));
    }
    if (!(present & BV_SSE)) {
        memset(to + LEGACY_XMM, 0, LEGACY_SOFT - LEGACY_XMM);
    }
    for (; absent; absent &= absent - 1) {
        uint32_t offset;
        uint32_t len = fpu_component(__builtin_ctzll(absent), &offset);

        memset(to + offset, 0, len);
    }
}

static void get_fpu(const struct tracee *r, uint8_t *to)
{
    uint64_t present, mask = fpu_mask();

    memcpy(to, r->thread->task.fpu.xsave, fpu_size());
    memcpy(&present, to + XSAVE_BV, sizeof(present));
    show_initial(to, present);
    memset(to + LEGACY_SOFT, 0, LEGACY_SIZE - LEGACY_SOFT);
    memcpy(to + LEGACY_SOFT + 48, &mask, sizeof(mask)); /* gdb reads XCR0 */
}

int ptrace_get_fpu(int tid, uint8_t *xsave)
{
    struct tracee *r;

    spin_lock(&proc_lock);
    r = ptrace_stopped(tid);
    if (r) {
        get_fpu(r, xsave);
    }
    spin_unlock(&proc_lock);
    return r ? 0 : -ESRCH;
}

/* What XRSTOR would fault on. */
static bool fpu_ok(const uint8_t *xsave, size_t len)
{
    static const uint8_t zero[XSAVE_HEADER_END - XSAVE_COMP_BV];
    uint32_t mxcsr;
    uint64_t bv;

    memcpy(&mxcsr, xsave + LEGACY_MXCSR, sizeof(mxcsr));
    if (mxcsr & ~MXCSR_VALID) {
        return false;
    }
    if (len == LEGACY_SIZE) {
        return true;
    }
    memcpy(&bv, xsave + XSAVE_BV, sizeof(bv));
    return !(bv & ~fpu_mask()) &&
           !memcmp(xsave + XSAVE_COMP_BV, zero, sizeof(zero));
}

/* x87 and SSE state is in use then. */
static void set_legacy(uint8_t *area, const uint8_t *xsave)
{
    uint64_t bv;

    memcpy(area, xsave, LEGACY_SOFT);
    memcpy(&bv, area + XSAVE_BV, sizeof(bv));
    bv |= BV_X87 | BV_SSE;
    memcpy(area + XSAVE_BV, &bv, sizeof(bv));
}

int ptrace_set_fpu(int tid, const uint8_t *xsave, size_t len)
{
    struct tracee *r;
    int err;

    if (len != LEGACY_SIZE && len != fpu_size()) {
        return -EINVAL;
    }
    spin_lock(&proc_lock);
    r = ptrace_stopped(tid);
    err = !r ? -ESRCH : fpu_ok(xsave, len) ? 0 : -EINVAL;
    if (!err && len == LEGACY_SIZE) {
        set_legacy(r->thread->task.fpu.xsave, xsave);
    } else if (!err) {
        memcpy(r->thread->task.fpu.xsave, xsave, len);
        memset(r->thread->task.fpu.xsave + LEGACY_SOFT, 0,
               LEGACY_SIZE - LEGACY_SOFT);
    }
    spin_unlock(&proc_lock);
    return err;
}
