/* SPDX-License-Identifier: MIT
 *
 * Every system call instruction that a vCPU thread of target/linux may
 * execute. The section is the range that Syscall User Dispatch (or the seccomp
 * filter) lets through; a SYSCALL anywhere else is the program's and traps.
 * Nothing here touches FS, vector registers or the program's stack.
 */
#define NR_RT_SIGRETURN 15
#define NR_CLONE        56

    .section target_stub, "ax", @progbits

/* long stub_syscall(long nr, long a, long b, long c, long d, long e, long f)
 * The raw call: result or -errno (syscall(2), without its errno). */
    .globl stub_syscall
    .type stub_syscall, @function
stub_syscall:
    mov %rdi, %rax
    mov %rsi, %rdi
    mov %rdx, %rsi
    mov %rcx, %rdx
    mov %r8, %r10
    mov %r9, %r8
    mov 8(%rsp), %r9
    syscall
    ret
    .size stub_syscall, . - stub_syscall

/* The handler where protection keys are in use: Linux starts it with access to
 * little more than the stack that it is on. WRPKRU comes first; it may touch
 * everything until rt_sigreturn, or until it leaves for the kernel. */
    .globl stub_handler_keys
    .type stub_handler_keys, @function
stub_handler_keys:
    mov %rdx, %r8
    xor %eax, %eax
    xor %ecx, %ecx
    xor %edx, %edx
    wrpkru
    .globl stub_handler_open
stub_handler_open:
    mov %r8, %rdx
    jmp on_signal
    .size stub_handler_keys, . - stub_handler_keys

/* sa_restorer of every handler. */
    .globl stub_restorer
    .type stub_restorer, @function
stub_restorer:
    mov $NR_RT_SIGRETURN, %eax
    syscall
    ud2
    .size stub_restorer, . - stub_restorer

/* _Noreturn void stub_resume(ucontext_t *uc): sigreturn(2) with RSP at the
 * frame's ucontext. trap.c knows stub_resume..stub_resume_end. */
    .globl stub_resume
    .type stub_resume, @function
stub_resume:
    mov %rdi, %rsp
    mov $NR_RT_SIGRETURN, %eax
    syscall
    .globl stub_resume_end
stub_resume_end:
    ud2
    .size stub_resume, . - stub_resume

/* long stub_clone(long flags, void *stack_top, int *parent_tid,
 *                 void (*fn)(void *), void *arg)
 * clone(2); the child calls fn(arg) on its stack, which never returns. */
    .globl stub_clone
    .type stub_clone, @function
stub_clone:
    sub $16, %rsi
    mov %rcx, (%rsi)
    mov %r8, 8(%rsi)
    xor %r10d, %r10d
    xor %r8d, %r8d
    mov $NR_CLONE, %eax
    syscall
    test %rax, %rax
    jnz 1f
    xor %ebp, %ebp
    pop %rax
    pop %rdi
    call *%rax
    ud2
1:  ret
    .size stub_clone, . - stub_clone

/* _Noreturn void stub_run_on(uint64_t sp, void (*fn)(void *), void *arg):
 * leaves this stack for good. */
    .globl stub_run_on
    .type stub_run_on, @function
stub_run_on:
    mov %rdi, %rsp
    and $-16, %rsp
    xor %ebp, %ebp
    mov %rdx, %rdi
    call *%rsi
    ud2
    .size stub_run_on, . - stub_run_on

    .section .note.GNU-stack, "", @progbits
