/* SPDX-License-Identifier: MIT
 *
 * Back to user code with every register, without the host: vector state by
 * XRSTOR, flags by POPF, the rest by moves, and RIP by a jump through a word
 * of the vCPU, so that nothing is written to the program's stack (below whose
 * red zone other things may live: Go's stacks are that tight).
 *
 * A signal here (trap.c) finds the task's registers and vector state still at
 * the places where a trap would put them, and treats the program as reached.
 * That needs the arguments to be exactly these places; anything else, and
 * TF, which would trap in here, goes by a signal frame (resume.c).
 */
#include "arch/x86_64/regs.h"
#include "arch/x86_64/vcpu.h"
#include "target/linux/host.h"

#define TF 0x100

    .text
/* _Noreturn void target_user_resume(const struct user_regs *regs,
 *                                   const struct fpu_area *fpu) */
    .globl target_user_resume
    .type target_user_resume, @function
target_user_resume:
    mov %gs:VCPU_KSTACK, %rax
    sub $REGS_SIZE, %rax
    cmp %rax, %rdi
    jne 1f
    cmp %gs:VCPU_FPU, %rsi
    jne 1f
    testl $TF, REGS_RFLAGS(%rdi)
    jz resume_loads
1:  jmp resume_by_frame
    .globl resume_loads
resume_loads:
    mov $-1, %eax
    mov $-1, %edx
    xrstor64 (%rsi)
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
    .globl resume_end
resume_end:
    .size target_user_resume, . - target_user_resume

    .section .note.GNU-stack, "", @progbits
