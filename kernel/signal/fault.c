/* SPDX-License-Identifier: MIT
 *
 * CPU exceptions of user code as signals (SDM vol. 3A 6.15; the codes are
 * those of sigaction(2), and which one goes with which exception is Linux's
 * habit). The vector, error code and address stay in the thread for the
 * frames built after.
 */
#include "kernel/signal/room.h"
#include "kernel/kernel.h"
#include "kernel/core/log.h"
#include "kernel/core/stats.h"
#include "kernel/proc/proc.h"
#include "abi/linux/errno.h"
#include "lib/string.h"

enum {
    VECTOR_DE = 0,
    VECTOR_DB = 1,
    VECTOR_BP = 3,
    VECTOR_UD = 6,
    VECTOR_NP = 11,
    VECTOR_SS = 12,
    VECTOR_PF = 14,
    VECTOR_MF = 16,
    VECTOR_AC = 17,
    VECTOR_XM = 19,
    PF_PKEY = 0x20,    /* error code: a protection key said no */
    FP_INVALID = 0x01, /* flags of FSW and MXCSR alike */
    FP_DENORMAL = 0x02,
    FP_DIVIDE = 0x04,
    FP_OVERFLOW = 0x08,
    FP_UNDERFLOW = 0x10,
    FP_INEXACT = 0x20,
};

/* Unmasked exceptions that are flagged in the saved state; a trap has put it
 * in memory. */
static unsigned fp_raised(const struct fpu_area *fpu, unsigned vector)
{
    uint16_t fcw, fsw;
    uint32_t mxcsr;

    if (vector == VECTOR_MF) {
        memcpy(&fcw, fpu->xsave + LEGACY_FCW, sizeof(fcw));
        memcpy(&fsw, fpu->xsave + LEGACY_FSW, sizeof(fsw));
        return fsw & ~fcw;
    }
    memcpy(&mxcsr, fpu->xsave + LEGACY_MXCSR, sizeof(mxcsr));
    return mxcsr & ~(mxcsr >> 7);
}

static int fp_code(unsigned raised)
{
    if (raised & FP_INVALID) {
        return FPE_FLTINV;
    }
    if (raised & FP_DIVIDE) {
        return FPE_FLTDIV;
    }
    if (raised & FP_OVERFLOW) {
        return FPE_FLTOVF;
    }
    if (raised & (FP_DENORMAL | FP_UNDERFLOW)) {
        return FPE_FLTUND;
    }
    return raised & FP_INEXACT ? FPE_FLTRES : 0;
}

static void set(struct k_siginfo *info, int signo, int code, uint64_t addr)
{
    info->signo = signo;
    info->code = code;
    info->fault.addr = addr;
}

static void page_fault_info(struct k_siginfo *info, const struct trap *trap,
                            int mm_error)
{
    if (mm_error == -ENOMEM) {
        log_error("process %d is killed: no memory for address %lx",
                  current_proc()->pid, trap->address);
        set(info, SIGKILL, SI_KERNEL, 0);
    } else if (mm_error == -EIO) {
        set(info, SIGBUS, BUS_ADRERR, trap->address);
    } else if (mm_error == -EACCES) {
        set(info, SIGSEGV, trap->error & PF_PKEY ? SEGV_PKUERR : SEGV_ACCERR,
            trap->address);
    } else {
        set(info, SIGSEGV, SEGV_MAPERR, trap->address);
    }
}

static void exception_info(struct k_siginfo *info, const struct trap *trap,
                           uint64_t rip)
{
    switch (trap->vector) {
    case VECTOR_DE:
        set(info, SIGFPE, FPE_INTDIV, rip);
        break;
    case VECTOR_DB:
        set(info, SIGTRAP, TRAP_TRACE, rip);
        break;
    case VECTOR_BP:
        set(info, SIGTRAP, SI_KERNEL, 0);
        break;
    case VECTOR_UD:
        set(info, SIGILL, ILL_ILLOPN, rip);
        break;
    case VECTOR_NP:
    case VECTOR_SS:
        set(info, SIGBUS, SI_KERNEL, 0);
        break;
    case VECTOR_AC:
        set(info, SIGBUS, BUS_ADRALN, 0);
        break;
    case VECTOR_MF:
    case VECTOR_XM:
        set(info, SIGFPE,
            fp_code(fp_raised(&current_task()->fpu, trap->vector)), rip);
        break;
    default: /* #GP and what Linux reports like it */
        set(info, SIGSEGV, SI_KERNEL, 0);
        break;
    }
}

void signal_fault(const struct trap *trap, int mm_error)
{
    struct thread *t = current_thread();
    struct user_regs *regs = thread_regs(t);
    struct k_siginfo info = {0};

    t->signals.vector = trap->vector;
    t->signals.error = trap->error;
    if (trap->vector == VECTOR_PF) {
        t->signals.address = trap->address;
        page_fault_info(&info, trap, mm_error);
    } else {
        stats_count(STAT_EXCEPTION);
        exception_info(&info, trap, kernel_user_rip(regs->rip));
    }
    signal_force(&info);
}
