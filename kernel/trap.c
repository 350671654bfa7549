/* SPDX-License-Identifier: MIT
 *
 * The target's ways up: traps from user code, faults in the kernel's own
 * text, signals of the host; and the slow way back to user code.
 */
#include "kernel/kernel.h"
#include "kernel/core/dump.h"
#include "kernel/core/log.h"
#include "kernel/core/runqueue.h"
#include "kernel/core/stats.h"
#include "kernel/mm/mm.h"
#include "kernel/proc/clock.h"
#include "kernel/proc/oom.h"
#include "kernel/proc/proc.h"
#include "kernel/signal/signal.h"
#include "kernel/sys/table.h"
#include "kernel/trap.h"
#include "target/target.h"
#include "abi/linux/errno.h"
#include "abi/linux/signal.h"

enum {
    VECTOR_UD = 6,
    VECTOR_PF = 14,
    PF_WRITE = 2, /* error code bits, SDM vol. 3A 4.7 */
    PF_FETCH = 16,
    SYSCALL_LEN = 2,
    RFLAGS_SLOW = 0x40500, /* as entry.S */
};

extern char __start_ktext[], __stop_ktext[];

const void *kernel_text_start(void)
{
    return __start_ktext;
}

bool kernel_owns_rip(uint64_t rip)
{
    return rip >= (uint64_t)__start_ktext && rip < (uint64_t)__stop_ktext;
}

/* entry.S */
extern char arch_answers[], arch_opened[], arch_closing[], arch_closed[];
extern char arch_cpuid_opened[], arch_cpuid_closing[], arch_cpuid_closed[];

static bool is_between(uint64_t rip, const void *start, const void *end)
{
    return rip >= (uint64_t)start && rip < (uint64_t)end;
}

bool kernel_is_passage(uint64_t rip)
{
    return is_between(rip, arch_answers, arch_opened) ||
           is_between(rip, arch_closing, arch_closed) ||
           is_between(rip, arch_cpuid_entry_keys, arch_cpuid_opened) ||
           is_between(rip, arch_cpuid_closing, arch_cpuid_closed);
}

uint64_t kernel_user_rip(uint64_t rip)
{
    uint64_t site;

    return mm_trampoline_rip(rip, &site) ? site : rip;
}

bool kernel_fault_fixup(uint64_t *rip, uint64_t *rax, uint64_t *rdx,
                        uint64_t address, uint64_t error)
{
    uint64_t to = arch_fixup_find(*rip);

    if (to) {
        *rip = to;
    }
    return to != 0;
}

void kernel_panic_fault(unsigned vector, uint64_t rip, uint64_t rsp,
                        uint64_t address)
{
    panic("exception %u in kernel text +%lx, address %lx, rsp %lx", vector,
          rip - (uint64_t)__start_ktext, address, rsp);
}

static void page_fault(const struct trap *trap)
{
    int access = trap->error & PF_WRITE   ? MEM_WRITE
                 : trap->error & PF_FETCH ? MEM_EXEC
                                          : MEM_READ;
    int err =
        mm_fault(current_task()->mm, trap->address, access | MM_BY_PROGRAM);

    stats_count(STAT_FAULT);
    sched_refresh_rights(); /* another thread may have got more */
    if (err && !(err == -ENOMEM && oom_spares_us())) {
        signal_fault(trap, err);
    }
}

/* The site's SYSCALL was executed: what it leaves is what a rewritten site
 * leaves, so the way back may be the short one. */
static void syscall_trap(struct user_regs *regs)
{
    stats_count(STAT_TRAP);
    if (mm_syscall_trapped(current_task()->mm, regs->rip - SYSCALL_LEN)) {
        mm_moved_insn(regs->rip, &regs->rip); /* if it was moved */
    }
    regs->rcx = regs->rip;
    regs->r11 = regs->rflags;
    regs->full = 0;
    syscall_run(regs);
}

static void fault_trap(const struct trap *trap, struct user_regs *regs)
{
    if (trap->vector == VECTOR_PF) {
        page_fault(trap);
    } else if (trap->vector != VECTOR_UD ||
               !mm_moved_insn(regs->rip, &regs->rip)) {
        signal_fault(trap, 0);
    }
}

static void tick_trap(void)
{
    stats_count(STAT_TICK);
    this_runqueue()->tick_tsc = 0;
    current_task()->preemptions++;
    this_vcpu()->resched = 1;
}

/* WRGSBASE or a load of GS in user code. The way into the kernel is through
 * GS, and no system call can give a program one of its own (arch_prctl(2) says
 * so), so what it does next could only be wrong. */
static void kill_for_gs(void)
{
    struct k_siginfo info = {.signo = SIGKILL, .code = SI_KERNEL};

    log_error("process %d (%s) is killed: it changed the GS base, which is "
              "the kernel's here",
              current_proc()->pid, current_thread()->comm);
    signal_force(&info);
}

void kernel_trap(const struct trap *trap)
{
    struct user_regs *regs = vcpu_trap_regs(this_vcpu());

    if (trap->kind == TRAP_TICK) {
        tick_trap();
    }
    if (unlikely(regs->gs_base)) {
        kill_for_gs();
    } else if (trap->kind == TRAP_SYSCALL) {
        syscall_trap(regs);
    } else if (trap->kind == TRAP_FAULT) {
        fault_trap(trap, regs);
    }
    arch_user_return();
}

/* Called by entry.S when the short way out is not open. Returns when it may
 * be tried again. */
void arch_exit_work(struct user_regs *regs)
{
    struct task *t = current_task();

    /* Often the vector state is all that is not back yet. */
    if (this_vcpu()->resched) {
        clock_refresh();
        user_return_work(regs);
    } else if (atomic_load_relaxed(&t->interrupted)) {
        user_return_work(regs);
    }
    if (regs->full || (regs->rflags & RFLAGS_SLOW)) {
        if (!t->fpu_saved) {
            fpu_save(&t->fpu);
        }
        t->fpu_saved = 0;
        fpu_resumes();
        target_user_resume(regs, &t->fpu);
    }
    if (t->fpu_saved) {
        fpu_restore(&t->fpu);
        t->fpu_saved = 0;
    }
}
