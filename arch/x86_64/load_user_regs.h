/* SPDX-License-Identifier: MIT
 *
 * The end of a way back to user code with every register, for targets'
 * assembly: RDI points at struct user_regs, which lies where RSP may point. The
 * vector state is loaded already. RIP goes by a word of the vCPU, so that
 * nothing is written to the program's stack.
 */
#ifndef ARCH_X86_64_LOAD_USER_REGS_H
#define ARCH_X86_64_LOAD_USER_REGS_H

#include "arch/x86_64/regs.h"
#include "arch/x86_64/vcpu.h"

#ifdef __ASSEMBLER__
/* clang-format off */
    .macro load_user_regs_and_go
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
    jmp *%gs:VCPU_USER_RSP
    .endm
/* clang-format on */
#endif

#endif
