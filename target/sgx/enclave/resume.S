/* SPDX-License-Identifier: MIT
 *
 * Back to user code with every register: vector state by XRSTOR, flags by
 * POPF, the rest by moves, RIP by a jump through a word of the vCPU, as
 * target/linux/resume_short.S does it. IRET is not for enclaves, and nothing
 * is written to the program's stack.
 *
 * An interruption here finds the task's registers and vector state still at
 * the places where a trap would put them, and treats the program as reached
 * (trap.c); hence the arguments must be exactly these places. TF has no effect
 * in an enclave that nobody debugs and is not loaded.
 */
#include "arch/x86_64/regs.h"
#include "arch/x86_64/vcpu.h"
#include "target/sgx/enclave/enclave.h"

#define TF 0x100

    .section enclave_text, "ax", @progbits
/* _Noreturn void target_user_resume(const struct user_regs *regs,
 *                                   const struct fpu_area *fpu) */
    .globl target_user_resume
    .type target_user_resume, @function
target_user_resume:
    andl $~TF, REGS_RFLAGS(%rdi)
    mov sgx_user_xfrm(%rip), %rax
    mov %rax, %rdx
    shr $32, %rdx
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
    .globl sgx_resume_end
sgx_resume_end:
    .size target_user_resume, . - target_user_resume

    .section .note.GNU-stack, "", @progbits
