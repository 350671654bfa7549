/* SPDX-License-Identifier: MIT
 *
 * struct vcpu: what a virtual CPU needs at fixed places. GS base points here
 * whenever kernel or user code runs on it. The kernel's own per-vCPU data
 * (run queue, caches) hangs behind the last field.
 */
#ifndef ARCH_X86_64_VCPU_H
#define ARCH_X86_64_VCPU_H

#define VCPU_SELF          0
#define VCPU_USER_RSP      8
#define VCPU_KSTACK        16
#define VCPU_TASK          24
#define VCPU_SYSCALL_ENTRY 32
#define VCPU_GUARD         40 /* -mstack-protector-guard-offset */
#define VCPU_FLAGS         48
#define VCPU_CPUID_ENTRY   72
#define VCPU_SCRATCH       80
#define VCPU_USER_RIGHTS   88
#define VCPU_KERNEL_RIGHTS 92
#define VCPU_OUT_RAX       96
#define VCPU_OUT_RCX       104
#define VCPU_OUT_RDX       112
#define VCPU_KEYS          120
#define VCPU_PID           128

#ifndef __ASSEMBLER__
#include "lib/types.h"
#include "arch/x86_64/regs.h"
#include "arch/x86_64/fpu.h"

struct task;
struct runqueue;

/* What may be touched: PKRU (SDM vol. 3A 4.6.2) of user code in the low half,
 * of the kernel, on that code's behalf, in the high one. 0 is everything. */
typedef uint64_t vcpu_rights;

static inline vcpu_rights vcpu_rights_of(uint32_t user, uint32_t kernel)
{
    return user | (uint64_t)kernel << 32;
}

/* Cache lines of its own, and with all others whole pages: where
 * protection keys are in use, user code reads it and does not write it. */
struct vcpu {
    _Alignas(128) struct vcpu *self;
    uint64_t user_rsp;      /* scratch of entry.S */
    uint64_t kstack;        /* top of the current task's kernel stack */
    struct task *task;      /* the current task */
    uint64_t syscall_entry; /* trampolines jump here */
    uint64_t guard;         /* stack protector, equal on every vCPU */
    uint32_t resched;       /* something wants this vCPU's attention */
    uint32_t id;
    struct fpu_area *fpu; /* where a trap puts the vector state */
    uint32_t *fpu_saved;  /* set to 1 with it */
    uint64_t cpuid_entry; /* trampolines of CPUIDs jump here */
    /* Only where protection keys are in use. */
    uint64_t *scratch; /* 64 bytes that user code may write, for the way in;
                          the target's, set before the vCPU starts */
    vcpu_rights rights;
    uint64_t out_rax, out_rcx, out_rdx; /* the last registers on the way out */
    uint32_t keys;                      /* 1: rights count */
    uint32_t x87_initial; /* fpu.c: the registers hold nothing of x87; 0 while
                             user code runs, which may change that */
    uint32_t pid;   /* what getpid(2) returns to the task that runs; 0: ask */
    uint32_t alone; /* no other one runs: nobody changes code meanwhile */
    struct runqueue *rq; /* the scheduler's */
};

_Static_assert(offsetof(struct vcpu, kstack) == VCPU_KSTACK, "entry.S");
_Static_assert(offsetof(struct vcpu, task) == VCPU_TASK, "entry.S");
_Static_assert(offsetof(struct vcpu, guard) == VCPU_GUARD, "stack guard");
_Static_assert(offsetof(struct vcpu, cpuid_entry) == VCPU_CPUID_ENTRY, "slots");
_Static_assert(offsetof(struct vcpu, resched) == VCPU_FLAGS, "entry.S");
_Static_assert(offsetof(struct vcpu, scratch) == VCPU_SCRATCH, "entry.S");
_Static_assert(offsetof(struct vcpu, rights) == VCPU_USER_RIGHTS, "entry.S");
_Static_assert(offsetof(struct vcpu, out_rax) == VCPU_OUT_RAX, "entry.S");
_Static_assert(offsetof(struct vcpu, out_rcx) == VCPU_OUT_RCX, "entry.S");
_Static_assert(offsetof(struct vcpu, out_rdx) == VCPU_OUT_RDX, "entry.S");
_Static_assert(offsetof(struct vcpu, keys) == VCPU_KEYS, "entry.S");
_Static_assert(offsetof(struct vcpu, pid) == VCPU_PID, "entry.S");

/* The vCPU that runs this code. Never keep it across a possible switch. */
static inline struct vcpu *this_vcpu(void)
{
    struct vcpu *v;

    __asm__ volatile("mov %%gs:0, %0" : "=r"(v));
    return v;
}

static inline struct task *current_task(void)
{
    struct task *t;

    __asm__ volatile("mov %%gs:%c1, %0" : "=r"(t) : "i"(VCPU_TASK));
    return t;
}

/* For targets. vCPU id's structure; it exists from kernel_main() on for vCPU
 * 0 and from before target_vcpu_start(id) for the others. */
struct vcpu *vcpu_by_id(unsigned id);

/* For targets: loads GS base (WRGSBASE). */
static inline void vcpu_set_gs(struct vcpu *v)
{
    __asm__ volatile("wrgsbase %0" ::"r"((uint64_t)v) : "memory");
}

/* For targets, in a trap from user code on vCPU v: where the registers and
 * the vector state go. The trap then runs kernel_trap() on the stack that
 * ends (16-aligned) at the registers' address. */
static inline struct user_regs *vcpu_trap_regs(struct vcpu *v)
{
    return (struct user_regs *)(v->kstack - REGS_SIZE);
}

/* WRPKRU: on no CPU without keys. */
static inline void vcpu_write_pkru(uint32_t pkru)
{
    __asm__ volatile("wrpkru" ::"a"(pkru), "c"(0), "d"(0) : "memory");
}

static inline uint64_t read_fs_base(void)
{
    uint64_t base;

    __asm__ volatile("rdfsbase %0" : "=r"(base));
    return base;
}

static inline void write_fs_base(uint64_t base)
{
    __asm__ volatile("wrfsbase %0" ::"r"(base) : "memory");
}
#endif
#endif
