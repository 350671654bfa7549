/* SPDX-License-Identifier: MIT
 *
 * The end of the ways back to user code, for assembly. With every register,
 * for targets: RDI points at struct user_regs, which lies where RSP may point.
 * The vector state is loaded already. RIP goes by a word of the vCPU, so that
 * nothing is written to the program's stack.
 */
#ifndef ARCH_X86_64_LOAD_USER_REGS_H
#define ARCH_X86_64_LOAD_USER_REGS_H

#include "arch/x86_64/regs.h"
#include "arch/x86_64/vcpu.h"

#ifdef __ASSEMBLER__
/* clang-format off */
    .macro load_most_user_regs
    mov REGS_RIP(%rdi), %rax
    mov %rax, %gs:VCPU_USER_RSP
    lea REGS_RFLAGS(%rdi), %rsp
    popfq
    mov REGS_R15(%rdi), %r15
    mov REGS_R14(%rdi), %r14
    mov REGS_R13(%rdi), %r13
    mov REGS_R12(%rdi), %r12
    mov REGS_RBP(%rdi), %rbp
    mov REGS_RBX(%rdi), %rbx
    mov REGS_R11(%rdi), %r11
    mov REGS_R10(%rdi), %r10
    mov REGS_R9(%rdi), %r9
    mov REGS_R8(%rdi), %r8
    mov REGS_RAX(%rdi), %rax
    mov REGS_RCX(%rdi), %rcx
    mov REGS_RDX(%rdi), %rdx
    mov REGS_RSI(%rdi), %rsi
    mov REGS_RSP(%rdi), %rsp
    mov REGS_RDI(%rdi), %rdi
    .endm

    .macro load_user_regs_and_go
    load_most_user_regs
    jmp *%gs:VCPU_USER_RSP
    .endm

    /* The same where protection keys are in use. */
    .macro load_user_regs_and_go_keys
    load_most_user_regs
    close_kernel
    jmp *%gs:VCPU_USER_RSP
    .endm

    /* Takes the kernel's memory away, last of all: what WRPKRU needs as
     * arguments goes by words of the vCPU, which user code may read. Keeps all
     * registers and flags. */
    .macro close_kernel
    mov %rax, %gs:VCPU_OUT_RAX
    mov %rcx, %gs:VCPU_OUT_RCX
    mov %rdx, %gs:VCPU_OUT_RDX
    mov %gs:VCPU_USER_RIGHTS, %eax
    mov $0, %ecx
    mov $0, %edx
    wrpkru
    mov %gs:VCPU_OUT_RAX, %rax
    mov %gs:VCPU_OUT_RCX, %rcx
    mov %gs:VCPU_OUT_RDX, %rdx
    .endm
/* clang-format on */
#endif

#endif
