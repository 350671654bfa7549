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

#ifndef __ASSEMBLER__
#include "lib/types.h"
#include "arch/x86_64/regs.h"
#include "arch/x86_64/fpu.h"

struct task;

struct vcpu {
    struct vcpu *self;
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
};

_Static_assert(offsetof(struct vcpu, kstack) == VCPU_KSTACK, "entry.S");
_Static_assert(offsetof(struct vcpu, task) == VCPU_TASK, "entry.S");
_Static_assert(offsetof(struct vcpu, guard) == VCPU_GUARD, "stack guard");
_Static_assert(offsetof(struct vcpu, cpuid_entry) == VCPU_CPUID_ENTRY, "slots");
_Static_assert(offsetof(struct vcpu, resched) == VCPU_FLAGS, "entry.S");

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
