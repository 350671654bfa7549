/* SPDX-License-Identifier: MIT
 *
 * int sgx_enter(uint64_t rdi, uint32_t function, struct sgx_enter *run,
 *               void *vdso_function)
 *
 * __vdso_sgx_enter_enclave (asm/sgx.h) leaves all registers but RBX, RBP and
 * RSP as the enclave left them.
 */
    .text
    .globl sgx_enter
    .type sgx_enter, @function
sgx_enter:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    push %rdx
    mov %rcx, %rax
    mov %esi, %ecx
    xor %esi, %esi
    xor %edx, %edx
    xor %r8d, %r8d
    xor %r9d, %r9d
    call *%rax
    cld
    pushfq
    andl $~0x40000, (%rsp) /* AC, if the program inside has set it */
    popfq
    add $8, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
    .size sgx_enter, . - sgx_enter

    .section .note.GNU-stack, "", @progbits
