/* SPDX-License-Identifier: MIT */
/*
 * Every signal of ours comes here, on an alternate stack, with the rights to
 * our own memory still closed. Who was running decides: our own code (a copy
 * that faulted, or a signal to put off), the enclave, or the program outside.
 */
#include "sgxemu/enclave.h"

#include <errno.h>

#ifndef SYS_USER_DISPATCH
#define SYS_USER_DISPATCH 2
#endif

#define TF 0x100

static const uint8_t enclu[3] = {0x0f, 0x01, 0xd7};

static bool synchronous(const siginfo_t *info)
{
    return info->si_code > 0 && info->si_signo < 32 &&
           FORCED_SIGNALS >> (info->si_signo - 1) & 1;
}

static bool in_emulator(uint64_t rip)
{
    extern char __executable_start[], etext[];

    return rip >= (uint64_t)__executable_start && rip < (uint64_t)etext;
}

static _Noreturn void trap_emulator(struct thread *t, ucontext_t *uc,
                                    siginfo_t *info)
{
    uint64_t rip = (uint64_t)REG(uc, RIP);

    if (!synchronous(info)) {
        signal_defer(t, uc, info);
        nested_return(uc);
    }
    if ((info->si_signo == SIGSEGV || info->si_signo == SIGBUS) &&
        rip >= (uint64_t)usercopy_begin && rip < (uint64_t)usercopy_end) {
        REG(uc, RIP) = (long)usercopy_end;
        nested_return(uc);
    }
    emu_panic("fault in the emulator", rip, (uint64_t)info->si_addr);
}

/* Tells the program of a fault: in the vDSO by its exception record, else by
 * the signal that Linux sends for it. The enclave has been left. */
void trap_report(struct thread *t, ucontext_t *uc, siginfo_t *info,
                 struct fault fault)
{
    siginfo_t mine = *info;

    if (fault.vector != VEC_DB && fault.vector != VEC_BP &&
        vdso_take_fault(uc, fault)) {
        return;
    }
    REG(uc, TRAPNO) = fault.vector;
    REG(uc, ERR) = (long)fault.error;
    if (fault.vector == VEC_GP) {
        mine.si_signo = SIGSEGV;
        mine.si_code = SI_KERNEL;
        mine.si_addr = NULL;
    } else if (fault.vector == VEC_PF) {
        uc->uc_mcontext.gregs[REG_CR2] = (long)fault.address;
        mine.si_signo = info->si_signo == SIGBUS ? SIGBUS : SIGSEGV;
        mine.si_addr = (void *)fault.address;
        if (mine.si_signo == SIGSEGV && info->si_signo != SIGSEGV) {
            mine.si_code = SEGV_ACCERR;
        }
    } else if (fault.vector == VEC_UD) {
        mine.si_signo = SIGILL;
        mine.si_code = ILL_ILLOPN;
        mine.si_addr = (void *)REG(uc, RIP);
    } else {
        mine.si_addr = (void *)REG(uc, RIP);
    }
    signal_deliver(t, uc, &mine, true);
}

/* After EEXIT with the trap flag of the outside set: #DB is pending. */
static void single_stepped(struct thread *t, ucontext_t *uc)
{
    siginfo_t info = {.si_signo = SIGTRAP, .si_code = TRAP_TRACE};
    struct fault fault = {.vector = VEC_DB};

    t->host_tf = false;
    trap_report(t, uc, &info, fault);
}

static void enclu_trap(struct thread *t, ucontext_t *uc, siginfo_t *info)
{
    bool inside = t->enclave != NULL;
    bool entering = (uint32_t)REG(uc, RAX) == SGX_EENTER;
    struct fault fault = leaf_enclu(t, uc);

    if (fault.vector == NO_VECTOR) {
        if (!t->enclave && t->host_tf) {
            single_stepped(t, uc);
        } else if (t->enclave && inside) {
            step_leaf(t, uc);
        } else if (t->enclave) {
            step_enter(t, uc, entering);
        }
        return;
    }
    trace("sgxemu: ENCLU[%d] faults: vector %d address %x\n", REG(uc, RAX),
          fault.vector, fault.address);
    if (inside) {
        aex(t, uc, fault, false);
        fault.address = PAGE_DOWN(fault.address);
    }
    trap_report(t, uc, info, fault);
}

/* ---- enclave mode ---- */
static int vector_of(ucontext_t *uc, const siginfo_t *info)
{
    return info->si_signo == SIGSYS ? VEC_UD : (int)REG(uc, TRAPNO);
}

/* Instructions that Linux or ring 3 refuses otherwise than an enclave does. */
static int vector_inside(struct thread *t, ucontext_t *uc, int vector,
                         const uint8_t *insn)
{
    uint64_t rip = (uint64_t)REG(uc, RIP);

    if (rip - t->enclave->base >= t->enclave->size) {
        return VEC_GP; /* fetched from outside ELRANGE */
    }
    if (vector == VEC_GP && illegal_instruction(insn, 15)) {
        stat_add(STAT_ILLEGAL);
        return VEC_UD;
    }
    return vector;
}

static void trap_inside(struct thread *t, ucontext_t *uc, siginfo_t *info)
{
    struct fault fault = {.vector = vector_of(uc, info),
                          .error = (uint32_t)REG(uc, ERR)};
    uint8_t insn[16] = {0};

    if (info->si_signo == SIGSYS) {
        REG(uc, RIP) -= 2; /* SYSCALL never happened, but for RCX and R11 */
        stat_add(STAT_ILLEGAL);
    }
    if (fault.vector == VEC_DB && step_trap(t, uc)) {
        return;
    }
    if (fault.vector == VEC_BP) {
        fetch_inside(t->enclave, (uint64_t)REG(uc, RIP) - 1, insn, 3);
        if (memcmp(insn, enclu, 3) == 0) { /* the INT3 is a twin's */
            REG(uc, RIP) -= 1;
            enclu_trap(t, uc, info);
            return;
        }
    }
    fetch_inside(t->enclave, (uint64_t)REG(uc, RIP), insn, 15);
    if (fault.vector == VEC_UD && memcmp(insn, enclu, 3) == 0) {
        twin_make(t->enclave, (uint64_t)REG(uc, RIP));
        enclu_trap(t, uc, info);
        return;
    }
    if (fault.vector == VEC_PF) {
        if (pagefault_inside(t, uc, info, &fault)) {
            return;
        }
    } else {
        fault.vector = vector_inside(t, uc, fault.vector, insn);
        fault.error = fault.vector == VEC_GP ? fault.error : 0;
    }
    trace("sgxemu: AEX vector %d error %x address %x rip %x\n", fault.vector,
          (uint64_t)fault.error, fault.address, REG(uc, RIP));
    aex(t, uc, fault, fault.vector == VEC_BP);
    if (fault.vector == VEC_PF) {
        fault.address = PAGE_DOWN(fault.address);
    }
    trap_report(t, uc, info, fault);
}

/* ---- outside ---- */
static bool executes_enclave(uint64_t rip)
{
    return enclave_by_address(rip) != NULL;
}

/* False: the return is the kernel's (see syscall_trap). */
static bool trap_outside(struct thread *t, ucontext_t *uc, siginfo_t *info)
{
    uint64_t rip = (uint64_t)REG(uc, RIP);
    int vector = (int)REG(uc, TRAPNO);
    uint8_t insn[4] = {0};

    if (info->si_signo == SIGSYS && info->si_code == SYS_USER_DISPATCH) {
        if (executes_enclave(rip)) {
            REG(uc, RIP) -= 2;
        } else if (vdso_is_enclu(uc)) {
            enclu_trap(t, uc, info);
            return true;
        } else {
            return syscall_trap(t, uc, info->si_syscall);
        }
    }
    if (executes_enclave(rip)) {
        /* Hardware fetches 0xFF there: an undefined opcode. */
        struct fault fault = {.vector = VEC_UD};

        trap_report(t, uc, info, fault);
        return true;
    }
    if (info->si_signo == SIGILL || vector == VEC_GP) {
        user_read(uc, insn, rip, 3);
    }
    if (info->si_signo == SIGILL && memcmp(insn, enclu, 3) == 0) {
        enclu_trap(t, uc, info);
        return true;
    }
    if (info->si_signo == SIGSEGV && vector == VEC_GP &&
        (cpuid_trap(uc, insn) || tsc_trap(uc, insn))) {
        return true;
    }
    if (info->si_signo == SIGSEGV && vector == VEC_PF &&
        abort_page(t, uc, (uint64_t)info->si_addr)) {
        return true;
    }
    signal_deliver(t, uc, info, true);
    return true;
}

/* At the jump of a fast return: as good as there. */
static void complete_return(ucontext_t *uc)
{
    uint64_t at = (uint64_t)REG(uc, RIP) - (uint64_t)return_tails;

    if (at < TAIL_SIZE * STACK_COUNT && at % TAIL_SIZE == TAIL_JUMP) {
        REG(uc, RIP) = (long)open_pages.return_slots[at / TAIL_SIZE];
    }
}

/* Can fast_return() do it? Not when the kernel must change the mask, nor with
 * a PKRU that closes our stack, nor with the trap flag. */
static bool may_return_fast(ucontext_t *uc, uint64_t mask_before)
{
    uint64_t mask;

    memcpy(&mask, &uc->uc_sigmask, 8);
    return mask == mask_before && !(frame_pkru(uc) & 3) &&
           !(REG(uc, EFL) & TF) && (uint64_t)REG(uc, RIP) >> 47 == 0;
}

/* A program, or an enclave, may have set EFLAGS.AC, which Linux leaves set in
 * a handler; our own accesses need not be aligned. Below the red zone. */
static inline void clear_alignment_check(void)
{
    __asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
                     "pushfq\n\t"
                     "andl $~0x40000, (%%rsp)\n\t"
                     "popfq\n\t"
                     "lea 128(%%rsp), %%rsp" ::
                         : "cc", "memory");
}

void trap_handler(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    struct thread *t;
    uint64_t mask;
    bool fast = synchronous(info);

    (void)sig;
    clear_alignment_check();
    if (key_state_present()) {
        write_pkru(0);
    }
    t = thread_current();
    complete_return(uc);
    if (t->enclave) {
        frame_keep_initial(uc);
    }
    memcpy(&mask, &uc->uc_sigmask, 8);
    if (in_emulator((uint64_t)REG(uc, RIP)) &&
        thread_on_stack((uint64_t)REG(uc, RSP))) {
        trap_emulator(t, uc, info);
    } else if (t->abort_register && abort_finish(t, uc, info)) {
        fast = true;
    } else if (!synchronous(info)) {
        signal_arrive(t, uc, info);
    } else if (t->enclave) {
        trap_inside(t, uc, info);
    } else {
        fast = trap_outside(t, uc, info);
    }
    if (fast && may_return_fast(uc, mask)) {
        fast_return(uc);
    }
}
