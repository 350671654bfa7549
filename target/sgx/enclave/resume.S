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
#include "arch/x86_64/load_user_regs.h"
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
    load_user_regs_and_go
    .globl sgx_resume_end
sgx_resume_end:
    .size target_user_resume, . - target_user_resume

    .section .note.GNU-stack, "", @progbits
