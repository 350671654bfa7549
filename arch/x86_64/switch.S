/* SPDX-License-Identifier: MIT
 *
 * Switching kernel stacks: only what the C ABI says a call preserves. FS base
 * and vector state are the scheduler's business. And a call that keeps more.
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

/* arch_call_rarely(): RAX(RDI), keeping all registers but these two. */
    .globl arch_rare_call
    .hidden arch_rare_call
    .type arch_rare_call, @function
arch_rare_call:
    push %rbp
    mov %rsp, %rbp
    push %rcx
    push %rdx
    push %rsi
    push %r8
    push %r9
    push %r10
    push %r11
    push %r11
    and $-16, %rsp
    call *%rax
    lea -64(%rbp), %rsp
    pop %r11
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rsi
    pop %rdx
    pop %rcx
    pop %rbp
    ret
    .size arch_rare_call, . - arch_rare_call

    .section .note.GNU-stack, "", @progbits
