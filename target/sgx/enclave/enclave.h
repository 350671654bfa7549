/* SPDX-License-Identifier: MIT
 *
 * What the files of target/sgx/enclave share. All of it is trusted, runs in
 * enclave mode, and is built like target/linux's vCPU side: no vector
 * register, no stack protector, no libc.
 *
 * A vCPU is a TCS. It enters with CSSA = 0 to start and to come back from a
 * call to the host (entry.S, call.S), and with CSSA = 1 after an asynchronous
 * exit, to look at why (trap.c); what happens there ends with ERESUME of the
 * frame that it may have changed. CSSA = 2 would interrupt that look: it is
 * only ever told to resume.
 */
#ifndef TARGET_SGX_ENCLAVE_H
#define TARGET_SGX_ENCLAVE_H

#define STATE_RIP0     0
#define STATE_RSP0     8
#define STATE_RBP0     16
#define STATE_RIP1     24
#define STATE_RSP1     32
#define STATE_RBP1     40
#define STATE_RSP      48
#define STATE_PHASE    56
#define STATE_VCPU     64
#define STATE_FS       72
#define STATE_XFRM     80
#define STATE_EXCHANGE 88

/* phase: what an entry with CSSA = 0 may do. */
#define PHASE_NEW     0 /* nothing, but vCPU 0 starts */
#define PHASE_READY   1 /* start: target_vcpu_start() was called for it */
#define PHASE_RUNNING 2 /* nothing */
#define PHASE_CALLING 3 /* return from a call */

#include "target/sgx/layout.h"

#define VCPU_FPU 56 /* of struct vcpu */

#ifndef __ASSEMBLER__

#include "lib/types.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "abi/sgx.h"
#include "abi/linux/errno.h"
#include "arch/x86_64/vcpu.h"
#include "kernel/kernel.h"
#include "target/sgx/boundary.h"
#include "target/target.h"

/* One page of the vCPU's block; FS and GS base point here at every entry. */
struct sgx_vcpu {
    uint64_t host_rip0, host_rsp0, host_rbp0; /* of the entry with CSSA 0 */
    uint64_t host_rip1, host_rsp1, host_rbp1; /* and 1 */
    uint64_t rsp;                             /* while calling the host */
    uint64_t phase;                           /* atomic */
    struct vcpu *vcpu;
    uint64_t fs;       /* while calling the host */
    uint64_t xfrm;     /* what XSAVE saves there */
    uint64_t exchange; /* address of struct sgx_exchange, checked */
    uint64_t id;
    uint64_t clock;                /* the latest target_clock() */
    uint64_t text_used, text_word; /* the log's text: call.c */
    uint64_t tick;       /* deadline that was asked for; UINT64_MAX: none */
    uint64_t look_again; /* ns; trap.c */
    uint64_t believed;   /* EXITINFO tells of the exception; trap.c */
    uint64_t doubted_rip, doubts; /* where only the host does */
};
_Static_assert(offsetof(struct sgx_vcpu, exchange) == STATE_EXCHANGE, "asm");
_Static_assert(offsetof(struct sgx_vcpu, phase) == STATE_PHASE, "asm");
_Static_assert(offsetof(struct vcpu, fpu) == VCPU_FPU, "resume.S");

/* ---- main.c: what is fixed at the start ---- */

struct sgx_global {
    const struct sgx_info *info;
    uint64_t blocks; /* SGX_VCPU_AT */
    uint64_t xfrm;
    uint64_t attributes;
    uint64_t memory;      /* the policy's ceiling; 0: none */
    struct sgx_boot boot; /* our copy; addresses in it are checked */
};
extern struct sgx_global sgx;

static inline uint64_t sgx_block(unsigned id)
{
    return sgx.blocks + ((uint64_t)id << SGX_BLOCK_SHIFT);
}

static inline struct sgx_vcpu *sgx_vcpu(unsigned id)
{
    return (struct sgx_vcpu *)(sgx_block(id) + SGX_BLOCK_STATE);
}

static inline struct sgx_vcpu *this_sgx_vcpu(void)
{
    return sgx_vcpu(this_vcpu()->id);
}

/* Says why and stops the instance with status 125. */
_Noreturn void sgx_die(const char *why);

/* ---- outside.c: the host's memory ---- */

/* Whether [addr, addr+len) lies wholly outside ELRANGE. */
bool outside_range(uint64_t addr, uint64_t len);
/* len is a multiple of 8, addr aligned to 8; the range was checked. */
void outside_read(void *dst, uint64_t addr, uint64_t len);
void outside_write(uint64_t addr, const void *src, uint64_t len);
static inline uint64_t outside_load(uint64_t addr)
{
    return *(const volatile uint64_t *)addr;
}
static inline uint64_t outside_swap(uint64_t addr, uint64_t value)
{
    return atomic_xchg((uint64_t *)addr, value);
}
static inline void outside_store(uint64_t addr, uint64_t value)
{
    *(volatile uint64_t *)addr = value;
}

/* ---- call.S, call.c ---- */

/* Leaves the enclave; returns what the host gave in RDI. */
uint64_t sgx_leave(struct sgx_vcpu *s);
/* A call to the host with its arguments; the result is the host's word. */
uint64_t sgx_call(enum sgx_call call, uint64_t a0, uint64_t a1, uint64_t a2);
/* One about ranges, SGX_RANGES_MAX at most; a0 is their number. */
uint64_t sgx_call_ranges(enum sgx_call call, const struct mem_run *runs,
                         unsigned count, uint64_t a1);

/* ---- leaf.S: ENCLU ---- */

/* 0, an error code, or LEAF_FAULT when the instruction faulted. */
enum { LEAF_FAULT = -1 };
long leaf_eaccept(const struct sgx_secinfo *info, uint64_t page);
long leaf_emodpe(const struct sgx_secinfo *info, uint64_t page);
long leaf_eacceptcopy(const struct sgx_secinfo *info, uint64_t page,
                      const void *from);
void leaf_ereport(const void *info, const void *data, void *report);
long leaf_egetkey(const void *request, void *key);
/* Copies up to n bytes of user memory; how many came. */
size_t leaf_fetch(void *dst, uint64_t src, size_t n);
/* The fixup for a fault at rip in one of these, or 0. */
uint64_t leaf_fixup(uint64_t rip);

/* ---- pages.c ---- */

/* Our own memory for good, zeroed, or NULL. */
void *pages_own(uint64_t len);

/* ---- vcpu.c, clock.c ---- */

/* The pages of vCPU id's block, which are not there at build (grow.c). False:
 * they cannot be had, and none is there. */
bool vcpu_add(unsigned id);
/* The other way round, as far as the host takes them. */
void vcpu_remove(unsigned id);
/* What vCPU id needs before its first entry. */
void vcpu_prepare(unsigned id);
/* Hands the host's signals to the kernel. */
void signals_poll(void);
/* Takes the host's word for the TSC's frequency, within reason. */
void clock_init(void);
/* The TSC; in the SGX1 class what the host says of it, never backwards. */
uint64_t sgx_tsc(void);
uint64_t sgx_hosts_tsc(void);
uint64_t sgx_cycles_per_1024ns(void); /* after clock_init() */

/* ---- cpuid.c ---- */

/* Takes over the host's leaves, as far as they are plausible. */
void cpuid_init(void);

/* ---- trap.c, resume.S, entry.S ---- */

/* Out of an entry with CSSA = 0 that does nothing, before the exchange's
 * address is known. */
_Noreturn void sgx_refuse(void);
void sgx_exception(struct sgx_vcpu *s);
void sgx_entry(void);
void sgx_trap_start(void);
_Noreturn void sgx_trap(struct trap *trap);
_Noreturn void sgx_panic(unsigned vector, uint64_t rip, uint64_t rsp,
                         uint64_t address);
_Noreturn void sgx_start(uint64_t id, uint64_t boot);
extern char sgx_resume_end[];
extern char __start_enclave_text[], __stop_enclave_text[];
extern char __image_start[];

#endif
#endif
