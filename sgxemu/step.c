/* SPDX-License-Identifier: MIT */
/*
 * Single steps inside: --single-step looks at every instruction, --aex-at and
 * --aex-random exit asynchronously between two of them, as a timer interrupt
 * would. The trap flag is set in the frame that goes into the enclave, and
 * never seen by anybody: entry clears TF on hardware, the SSA gets it cleared,
 * and so does what PUSHF has written.
 */
#include "sgxemu/enclave.h"

#define TF 0x100

static uint64_t next_random(struct thread *t)
{
    if (t->random == 0) {
        t->random = config.aex_seed * 0x9e3779b97f4a7c15ull + 1;
    }
    t->random ^= t->random << 13;
    t->random ^= t->random >> 7;
    t->random ^= t->random << 17;
    return t->random;
}

void fetch_inside(struct enclave *e, uint64_t rip, uint8_t *bytes, size_t n)
{
    uint64_t offset = rip - e->base;

    if (offset >= e->size) {
        return;
    }
    if (PAGE - offset % PAGE < n) {
        uint64_t next = offset / PAGE + 1;
        size_t first = PAGE - offset % PAGE;

        if (next * PAGE >= e->size || !(epcm_get(e, next) & EPCM_VALID)) {
            n = first;
        }
    }
    memcpy(bytes, enclave_bytes(e, offset), n);
}

/* RIP is about to execute inside. */
static bool look(struct thread *t, ucontext_t *uc)
{
    uint64_t rip = (uint64_t)REG(uc, RIP);
    struct fault fault = {.vector = VEC_UD};
    siginfo_t info = {.si_signo = SIGILL, .si_code = ILL_ILLOPN};
    uint8_t insn[16] = {0};
    const char *name;

    if (rip - t->enclave->base >= t->enclave->size) {
        fault.vector = VEC_GP;
        name = "a fetch from outside ELRANGE";
    } else {
        fetch_inside(t->enclave, rip, insn, 15);
        name = illegal_instruction(insn, 15);
    }
    if (name == NULL) {
        return false;
    }
    complain("sgxemu: illegal in an enclave: %s at %x\n", name, rip);
    stat_add(STAT_ILLEGAL);
    aex(t, uc, fault, false);
    trap_report(t, uc, &info, fault);
    return true;
}

/* The next instruction inside is to trap. */
static void set_trap(struct thread *t, ucontext_t *uc)
{
    uint8_t insn[2] = {0};

    fetch_inside(t->enclave, (uint64_t)REG(uc, RIP), insn, sizeof(insn));
    t->steps_pushf = insn[insn[0] == 0x66] == 0x9c;
    REG(uc, EFL) |= TF;
}

/* TF in the second byte of what PUSHF wrote. */
static void hide_trap(struct thread *t, ucontext_t *uc)
{
    uint64_t at = (uint64_t)REG(uc, RSP) + 1;

    if (t->steps_pushf && at - t->enclave->base < t->enclave->size) {
        *enclave_bytes(t->enclave, at - t->enclave->base) &=
            (uint8_t) ~(TF >> 8);
    }
    t->steps_pushf = false;
}

/* After EENTER or ERESUME. */
void step_enter(struct thread *t, ucontext_t *uc, bool entered)
{
    if (config.aex_seed) {
        /* Now and then none, so that long entries end some day. */
        uint64_t r = next_random(t);

        t->steps_left = (entered ? r % 4 == 0 : r % config.aex_run != 0)
                            ? 1 + (r >> 8) % 256
                            : 0;
    } else if (config.aex_period) {
        t->steps_left = t->steps_left ? t->steps_left : config.aex_period;
    } else if (config.aex_at && entered) {
        t->steps_left = config.aex_at;
    }
    t->steps_pushf = false;
    if (config.single_step || t->steps_left) {
        set_trap(t, uc);
    }
    if (config.single_step) {
        look(t, uc);
    }
}

/* EEXIT: what the entry leaves of its count is nobody's. */
void step_exit(struct thread *t)
{
    if (!config.aex_period) {
        t->steps_left = 0;
    }
}

/* After a leaf inside, which the trap flag does not see. */
void step_leaf(struct thread *t, ucontext_t *uc)
{
    if (config.aex_seed && t->steps_left == 0) {
        t->steps_left = next_random(t) % 16 == 0 ? 1 : 0;
    }
    step_trap(t, uc);
}

/* An exit of ours, alone or with the signal that --aex-signal names. */
static void inject(struct thread *t, ucontext_t *uc)
{
    siginfo_t info = {.si_signo = config.aex_signal, .si_code = SI_USER};
    uint64_t blocked;

    stat_add(STAT_AEX_INJECTED);
    memcpy(&blocked, &uc->uc_sigmask, sizeof(blocked));
    if (config.aex_signal && !(blocked >> (config.aex_signal - 1) & 1)) {
        signal_deliver(t, uc, &info, false);
    } else {
        aex(t, uc, NO_FAULT, false);
    }
}

/* An enclave that sets TF itself, in an entry that no debugger wants to look
 * into, gets no #DB (SDM, "Single-Stepping Opt-out Enclave Entry"). */
static bool is_no_trap(struct thread *t, ucontext_t *uc)
{
    const struct sgx_tcs *tcs =
        (struct sgx_tcs *)enclave_bytes(t->enclave, t->tcs - t->enclave->base);

    if (tcs->flags & SGX_TCS_DBGOPTIN || !(REG(uc, EFL) & TF)) {
        return false;
    }
    REG(uc, EFL) &= ~(long)TF;
    return true;
}

bool step_trap(struct thread *t, ucontext_t *uc)
{
    hide_trap(t, uc);
    if (!config.single_step && !t->steps_left) {
        return is_no_trap(t, uc);
    }
    if (config.single_step && look(t, uc)) {
        return true;
    }
    if (t->steps_left && --t->steps_left == 0) {
        inject(t, uc);
    } else {
        set_trap(t, uc);
    }
    return true;
}
