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
#include "arch/x86_64/load_user_regs.h"
#include "target/linux/host.h"

#define TF          0x100

/* What fpu.c leaves out of its mask: PKRU, and AMX, whose components end far
 * behind the area. XRSTOR touches the last byte of what it is asked for even
 * if the header says that it is not there, and that page may be no page. */
#define XSTATE_NOT_OURS (0x200 | 3 << 17)

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
    mov $~XSTATE_NOT_OURS, %eax
    mov $-1, %edx
    xrstor64 (%rsi)
    testl $1, %gs:VCPU_KEYS
    jnz 2f
    load_user_regs_and_go
2:  load_user_regs_and_go_keys
    .globl resume_end
resume_end:
    .size target_user_resume, . - target_user_resume

    .section .note.GNU-stack, "", @progbits
