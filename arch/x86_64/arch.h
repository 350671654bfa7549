/* SPDX-License-Identifier: MIT
 *
 * What the kernel's rooms need of the CPU, under names that another
 * architecture could serve: switching kernel stacks, entering and leaving
 * user code, and touching user memory with fixups.
 */
#ifndef ARCH_X86_64_ARCH_H
#define ARCH_X86_64_ARCH_H

#include "lib/types.h"
#include "arch/x86_64/regs.h"
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/vcpu.h"

/* ---- kernel stacks (switch.S) ---- */

enum { KSTACK_SIZE = 16384 };

/* Saves the callee-saved registers and RSP in *from, continues at to. */
void arch_switch(uint64_t *from, uint64_t to);

/* A stack pointer for arch_switch() that will call fn(arg) on a kernel stack
 * whose top is `top`. fn never returns. */
uint64_t arch_stack_init(uint64_t top, void (*fn)(void *), void *arg);

/* ---- user code (entry.S) ---- */

/* Where trampolines arrive: without and with protection keys. */
void arch_syscall_entry(void);
void arch_syscall_entry_keys(void);
/* The same for CPUIDs that were rewritten (patch.h). */
void arch_cpuid_entry(void);
void arch_cpuid_entry_keys(void);

/* Leaves the kernel with the current task's registers (at the top of its
 * kernel stack): by the short way after a system call, by
 * target_user_resume() when regs->full is set. */
_Noreturn void arch_user_return(void);

/* ---- user memory (usercopy.S); kernel/mm/uaccess.h is the way in ---- */

/* Copy n bytes; returns how many were NOT copied because of a fault. */
size_t arch_user_copy(void *dst, const void *src, size_t n);

/* Sets n user bytes to zero; returns how many were not. */
size_t arch_user_zero(void *dst, size_t n);

/* Copies the string at src, max bytes at most, and its NUL if that is among
 * them; returns how many came before the NUL (max: there was none), -EFAULT.
 * What lies behind the NUL at dst, up to max, is not kept. */
long arch_user_strncpy(char *dst, const char *src, size_t max);

/* Atomic 32-bit operations on user memory, for futexes. 0 or -EFAULT; *old
 * gets the value before. */
int arch_user_load32(const uint32_t *addr, uint32_t *val);
int arch_user_cmpxchg32(uint32_t *addr, uint32_t expect, uint32_t val,
                        uint32_t *old);
int arch_user_xchg32(uint32_t *addr, uint32_t val, uint32_t *old);
int arch_user_add32(uint32_t *addr, uint32_t val, uint32_t *old);
int arch_user_or32(uint32_t *addr, uint32_t val, uint32_t *old);
int arch_user_and32(uint32_t *addr, uint32_t val, uint32_t *old);
int arch_user_xor32(uint32_t *addr, uint32_t val, uint32_t *old);

/* For kernel_fault_fixup(): the fixup address for rip, or 0. */
uint64_t arch_fixup_find(uint64_t rip);

/* ---- the rest ---- */

/* What the target says of the CPU: CPUID; XCR0; AT_HWCAP (CPUID 1's EDX). */
void arch_cpuid(uint32_t leaf, uint32_t sub, uint32_t regs[4]);
uint64_t arch_xcr0(void);
uint64_t arch_hwcap(void);

static inline uint64_t arch_rdtsc(void)
{
    uint32_t lo, hi;

    __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
    return (uint64_t)hi << 32 | lo;
}

#endif
