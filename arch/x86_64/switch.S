/* SPDX-License-Identifier: MIT
 *
 * Switching kernel stacks: only what the C ABI says a call preserves. FS base
 * and vector state are the scheduler's business.
 */
    .text
/* void arch_switch(uint64_t *from, uint64_t to) */
    .globl arch_switch
    .type arch_switch, @function
arch_switch:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
    .size arch_switch, . - arch_switch

/* Where a new stack starts: arch_stack_init() put fn in RBX, arg in R12. */
    .globl arch_stack_start
    .type arch_stack_start, @function
arch_stack_start:
    mov %r12, %rdi
    xor %ebp, %ebp
    call *%rbx
    ud2
    .size arch_stack_start, . - arch_stack_start

    .section .note.GNU-stack, "", @progbits
