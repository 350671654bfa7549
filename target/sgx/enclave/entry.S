/* SPDX-License-Identifier: MIT
 *
 * Every way in, and the way out of an entry with CSSA = 1. What an entry may
 * trust: RAX is CSSA, RBX the TCS, RCX where EENTER's caller goes on, FS and
 * GS base the vCPU's state page; the rest is the host's. Nothing of it is used
 * before the stack is ours and flags, MXCSR and x87 are set.
 *
 * An asynchronous exit at any instruction here finds RIP in this target: a
 * tick becomes a flag, and resuming goes on here.
 */
#include "target/sgx/enclave/enclave.h"

#define EEXIT 4
#define ENCLU enclu

#define CALL_RESUME 1 /* enum sgx_call */
#define EXCHANGE_TRAP_CALL 32
#define EXCHANGE_TRAP_A0   40
#define CALL_STOP   2
#define STATUS_OURS (125 << 8)
#define EXITINFO    (0x1000 - 184 + 160)
#define VALID       31

    .section enclave_text, "ax", @progbits

    .globl sgx_entry
    .type sgx_entry, @function
sgx_entry:
    cmp $1, %rax
    je trap_entry
    ja nested_entry
    mov %gs:STATE_PHASE, %rax
    cmp $PHASE_CALLING, %rax
    je call_return
    /* A start: the vCPU's number from the TCS's address. */
    lea __image_start(%rip), %r8
    sub $(SGX_KERNEL_AT - SGX_VCPU_AT), %r8
    mov %rbx, %r9
    sub %r8, %r9
    shr $SGX_BLOCK_SHIFT, %r9
    mov $PHASE_READY, %eax
    mov $PHASE_NEW, %r8d
    cmovz %r8d, %eax
    mov $PHASE_RUNNING, %r8d
    lock cmpxchg %r8, %gs:STATE_PHASE /* or it was taken back: vcpu.c */
    jne refuse
    mov %rcx, %gs:STATE_RIP0
    mov %rsp, %gs:STATE_RSP0
    mov %rbp, %gs:STATE_RBP0
    lea SGX_BLOCK_BOOT_END(%rbx), %rsp
    call sanitize
    mov %rdi, %rsi
    mov %r9, %rdi
    xor %ebp, %ebp
    call sgx_start
    ud2
    .size sgx_entry, . - sgx_entry

    .globl sgx_refuse
    .type sgx_refuse, @function
sgx_refuse:
    mov %gs:STATE_RIP0, %rbx
    mov %gs:STATE_RSP0, %rsp
    mov %gs:STATE_RBP0, %rbp
    jmp exit_scrubbed
    .size sgx_refuse, . - sgx_refuse

/* Flags (DF, AC, TF, NT), x87 and MXCSR as the C ABI wants them. The vector
 * registers' content does not matter to code that uses none. */
    .type sanitize, @function
sanitize:
    pushq $2
    popfq
    pushq $0x1f80
    ldmxcsr (%rsp)
    pop %rax
    fninit
    ret
    .size sanitize, . - sanitize

/* The host is done with a call: goes on behind sgx_leave(). */
    .type call_return, @function
call_return:
    movq $PHASE_RUNNING, %gs:STATE_PHASE
    mov %rcx, %gs:STATE_RIP0
    mov %rsp, %gs:STATE_RSP0
    mov %rbp, %gs:STATE_RBP0
    mov %gs:STATE_RSP, %rsp
    pushq $2
    popfq
    mov %gs:STATE_XFRM, %rax
    mov %rax, %rdx
    shr $32, %rdx
    xrstor64 SGX_BLOCK_FPU(%rbx)
    mov %gs:STATE_FS, %rcx
    mov %gs:STATE_VCPU, %rdx
    wrfsbase %rcx
    wrgsbase %rdx
    mov %rdi, %rax
    pop %rbp
    pop %rbx
    pop %r12
    pop %r13
    pop %r14
    pop %r15
    ret
    .size call_return, . - call_return

/* After an asynchronous exit: SSA frame 0 says what it was. */
    .type trap_entry, @function
trap_entry:
    mov %rcx, %gs:STATE_RIP1
    mov %rsp, %gs:STATE_RSP1
    mov %rbp, %gs:STATE_RBP1
    lea SGX_BLOCK_TRAP_END(%rbx), %rsp
    call sanitize
    lea SGX_BLOCK_STATE(%rbx), %r12
    mov STATE_VCPU(%r12), %rax
    test %rax, %rax
    jz 1f
    wrgsbase %rax
1:  mov %r12, %rdi
    xor %ebp, %ebp
    call sgx_exception
    mov STATE_RIP1(%r12), %rbx
    mov STATE_RSP1(%r12), %rsp
    mov STATE_RBP1(%r12), %rbp
    jmp exit_scrubbed
    .size trap_entry, . - trap_entry

/* An interruption of the above. An exception there is our own bug. */
    .type nested_entry, @function
nested_entry:
    mov %gs:STATE_EXCHANGE, %r8
    test %r8, %r8
    jz refuse
    mov $CALL_RESUME, %eax
    xor %r9d, %r9d
    btl $VALID, (SGX_BLOCK_SSA + 0x1000 + EXITINFO)(%rbx)
    jnc 1f
    mov $CALL_STOP, %eax
    mov $STATUS_OURS, %r9d
1:  mov %r9, EXCHANGE_TRAP_A0(%r8)
    mov %rax, EXCHANGE_TRAP_CALL(%r8)
    /* fall through */
refuse:
    mov %rcx, %rbx
    /* fall through */

/* Out to RBX, with RSP and RBP the host's and nothing else of ours. */
    .globl exit_scrubbed
exit_scrubbed:
    xor %ecx, %ecx
    xor %edx, %edx
    xor %esi, %esi
    xor %edi, %edi
    xor %r8d, %r8d
    xor %r9d, %r9d
    xor %r10d, %r10d
    xor %r11d, %r11d
    xor %r12d, %r12d
    xor %r13d, %r13d
    xor %r14d, %r14d
    xor %r15d, %r15d
    mov $EEXIT, %eax
    ENCLU
    ud2
    .size nested_entry, . - nested_entry

/* uint64_t sgx_leave(struct sgx_vcpu *s)
 * The program's vector registers are live in the kernel: they are kept, and
 * the host sees them in their initial state. */
    .globl sgx_leave
    .type sgx_leave, @function
sgx_leave:
    push %r15
    push %r14
    push %r13
    push %r12
    push %rbx
    push %rbp
    rdfsbase %rax
    mov %rax, STATE_FS(%rdi)
    mov STATE_XFRM(%rdi), %rax
    mov %rax, %rdx
    shr $32, %rdx
    xsave64 (SGX_BLOCK_FPU - SGX_BLOCK_STATE)(%rdi)
    xrstor64 initial_state(%rip)
    mov %rsp, STATE_RSP(%rdi)
    movq $PHASE_CALLING, STATE_PHASE(%rdi)
    mov STATE_RIP0(%rdi), %rbx
    mov STATE_RSP0(%rdi), %rsp
    mov STATE_RBP0(%rdi), %rbp
    jmp exit_scrubbed
    .size sgx_leave, . - sgx_leave

/* _Noreturn: where a trap goes on at CSSA = 0, on the task's kernel stack. */
    .globl sgx_trap_start
    .type sgx_trap_start, @function
sgx_trap_start:
    xor %ebp, %ebp
    call sgx_trap
    ud2
    .size sgx_trap_start, . - sgx_trap_start

    .section .rodata, "a", @progbits
    .balign 64
initial_state:
    .word 0x37f
    .fill 22, 1, 0
    .long 0x1f80
    .fill 4096 - 28, 1, 0

    .section .note.GNU-stack, "", @progbits
