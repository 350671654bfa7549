/* SPDX-License-Identifier: MIT
 *
 * The way in and out of the kernel for system calls.
 *
 * In: from a trampoline (arch/x86_64/patch.h), with what SYSCALL leaves: RCX
 * the return address, RAX the number, everything else the program's; its
 * flags in RFLAGS. The red zone is untouched: nothing is written to the user
 * stack. GS base is the vCPU.
 *
 * Out: the short way restores every register and jumps to RCX. It runs only
 * when the task has nothing else to do and its vector state is live. The
 * kernel is never preempted, so a tick that lands here is only a flag.
 */
#include "arch/x86_64/fixup.h"
#include "arch/x86_64/load_user_regs.h"

#define TASK_FPU_SAVED   24
#define TASK_INTERRUPTED 32

#define FLAG_ARITHMETIC 0x8d5 /* OF, SF, ZF, AF, PF, CF */
#define FLAG_IF         0x200
#define FLAG_SLOW 0x40500 /* AC, DF, TF: what the short way cannot restore */
#define FLAG_ODD  0x40400 /* AC, DF: what the kernel's own code may not have */

#define RESTART_LEAST 516 /* restart codes: this and four more; dispatch.c */
#define RESTART_MORE  4

/* Where protection keys are in use, user code may write neither the kernel's
 * memory nor the vCPU: what WRPKRU needs as arguments waits where it may.
 * SYSCALL leaves R11 to us; no flag changes. */
    .macro open_kernel
    mov %gs:VCPU_SCRATCH, %r11
    mov %rax, (%r11)
    mov %rcx, 8(%r11)
    mov %rdx, 16(%r11)
    mov %gs:VCPU_KERNEL_RIGHTS, %eax
    mov $0, %ecx
    mov $0, %edx
    wrpkru
    mov (%r11), %rax
    mov 8(%r11), %rcx
    mov 16(%r11), %rdx
    .endm

#define NR_GETPID 39

/* getpid(2) costs half a call less without WRPKRU, and its answer hangs on
 * nothing but who runs: it lies where user code may read, unless calls are
 * watched (sched_watch_calls). No flag changes. Falls through for all others;
 * R11 is lost. */
    .macro answer_getpid
    .globl arch_answers
arch_answers:
8:  mov %gs:VCPU_PID, %ecx
    jecxz 7f
    mov %ecx, %eax
    mov %r11, %rcx
    jmp *%rcx
    .endm

/* The program's flags to where they belong, and to 2f where the kernel may not
 * have them; RAX, RCX and RSI are lost. PUSHFQ waits for all that is under way:
 * behind a locked instruction, as where threads call futex(2), for longer than
 * the rest of the entry takes. LAHF and SETO know the arithmetic flags, and a
 * load that goes upward and is not aligned finds out DF and AC. */
    .macro save_flags
    lahf
    seto %al
    movzbl %ah, %ecx
    movzbl %al, %eax
    shl $11, %eax
    lea FLAG_IF(%rcx, %rax), %ecx
    mov %rcx, REGS_RFLAGS(%rsp)
    mov %rcx, REGS_R11(%rsp)
    lea 1(%rsp), %rsi
9:  lodsl
    FIXUP(9b, 2f)
    cmp %rsp, %rsi
    jb 2f
    .endm

/* The same behind WRPKRU, which has waited already. */
    .macro save_flags_keys
    pushfq
    pop %rcx
    mov %rcx, REGS_RFLAGS(%rsp)
    mov %rcx, REGS_R11(%rsp)
    test $FLAG_ODD, %ecx
    jnz 2f
    .endm

/* As open_kernel for a CPUID: RDX, an output, is what is ours. */
    .macro open_for_cpuid
    mov %gs:VCPU_SCRATCH, %rdx
    mov %rax, (%rdx)
    mov %rcx, 8(%rdx)
    mov %gs:VCPU_KERNEL_RIGHTS, %eax
    mov $0, %ecx
    mov $0, %edx
    wrpkru
    mov %gs:VCPU_SCRATCH, %rdx
    mov (%rdx), %rax
    mov 8(%rdx), %rcx
    .endm

/* keys: empty, or _keys. Twice, so that a system call takes no branch for it. */
    .macro system_calls keys
    .ifnb \keys
    answer_getpid
    .endif
    .globl arch_syscall_entry\keys
    .type arch_syscall_entry\keys, @function
arch_syscall_entry\keys:
    .ifnb \keys
    mov %rcx, %r11
    lea -NR_GETPID(%rax), %ecx
    jecxz 8b
7:  mov %r11, %rcx
    open_kernel
    .globl arch_opened
arch_opened:
    .endif
    mov %rsp, %r11
    mov %gs:VCPU_KSTACK, %rsp
    lea -REGS_SIZE(%rsp), %rsp
    mov %r15, REGS_R15(%rsp)
    mov %r14, REGS_R14(%rsp)
    mov %r13, REGS_R13(%rsp)
    mov %r12, REGS_R12(%rsp)
    mov %rbp, REGS_RBP(%rsp)
    mov %rbx, REGS_RBX(%rsp)
    mov %r10, REGS_R10(%rsp)
    mov %r9, REGS_R9(%rsp)
    mov %r8, REGS_R8(%rsp)
    mov %rax, REGS_RAX(%rsp)
    mov %rax, REGS_ORIG_RAX(%rsp)
    mov %rcx, REGS_RCX(%rsp)
    mov %rdx, REGS_RDX(%rsp)
    mov %rsi, REGS_RSI(%rsp)
    mov %rdi, REGS_RDI(%rsp)
    mov %rcx, REGS_RIP(%rsp)
    mov %r11, REGS_RSP(%rsp)
    movq $0, REGS_FULL(%rsp)
    mov %eax, %r11d
    save_flags\keys
3:
    xor %ebp, %ebp
    mov %rsp, %rdi
    mov %r11d, %esi
    call syscall_dispatch
    mov %rax, REGS_RAX(%rsp)
    add $RESTART_LEAST, %rax
    cmp $RESTART_MORE, %rax
    jbe 4f
    /* falls into the way out, RSP at the registers */

arch_exit\keys:
    mov %gs:VCPU_TASK, %rax
    mov TASK_FPU_SAVED(%rax), %ecx
    or TASK_INTERRUPTED(%rax), %ecx
    or %gs:VCPU_FLAGS, %ecx
    or REGS_FULL(%rsp), %ecx
    jnz 1f
    mov REGS_RFLAGS(%rsp), %r11
    test $FLAG_SLOW, %r11d
    jnz 1f
    mov REGS_R15(%rsp), %r15
    mov REGS_R14(%rsp), %r14
    mov REGS_R13(%rsp), %r13
    mov REGS_R12(%rsp), %r12
    mov REGS_RBP(%rsp), %rbp
    mov REGS_RBX(%rsp), %rbx
    mov REGS_R10(%rsp), %r10
    mov REGS_R9(%rsp), %r9
    mov REGS_R8(%rsp), %r8
    mov REGS_RDX(%rsp), %rdx
    mov REGS_RSI(%rsp), %rsi
    mov REGS_RDI(%rsp), %rdi
    mov REGS_RIP(%rsp), %rcx
    /* The arithmetic flags without POPF: OF by an addition, the rest by SAHF
     * (SDM vol. 2B). */
    mov %r11d, %eax
    shl $8, %eax
    bt $11, %r11d
    setc %al
    add $0x7f, %al
    sahf
    mov REGS_RAX(%rsp), %rax
    mov REGS_RSP(%rsp), %rsp
    .ifnb \keys
    .globl arch_closing, arch_closed
arch_closing:
    close_kernel
    .endif
    jmp *%rcx
    .ifnb \keys
arch_closed:
    .endif
1:
    mov %rsp, %rdi
    call arch_exit_work
    jmp arch_exit\keys
2:  /* The kernel's own accesses need not be aligned, and go upward. */
    pushfq
    mov (%rsp), %rcx
    andq $~FLAG_ODD, (%rsp)
    popfq
    and $~FLAG_ARITHMETIC, %ecx
    or %rcx, REGS_RFLAGS(%rsp)
    or %rcx, REGS_R11(%rsp)
    jmp 3b
4:  call syscall_restarts
    jmp arch_exit\keys
    .size arch_syscall_entry\keys, . - arch_syscall_entry\keys
    .endm

    .text
    system_calls
    system_calls _keys

/* A CPUID that was rewritten (patch.h), where the instruction traps: what
 * CPUID leaves, but with the return address in RBX, which is an output. Flags
 * and every other register are kept; no task is looked at. */
    .macro cpuids keys
    .globl arch_cpuid_entry\keys
    .type arch_cpuid_entry\keys, @function
arch_cpuid_entry\keys:
    .ifnb \keys
    open_for_cpuid
    .globl arch_cpuid_opened
arch_cpuid_opened:
    .endif
    mov %rsp, %gs:VCPU_USER_RSP
    mov %gs:VCPU_KSTACK, %rsp
    pushfq
    push %rbx
    push %rsi
    push %rdi
    push %r8
    push %r9
    push %r10
    push %r11
    push %rbp
    mov %gs:VCPU_USER_RSP, %rbp
    push %rbp
    pushq $2
    popfq
    sub $16, %rsp
    mov %eax, %edi
    mov %ecx, %esi
    mov %rsp, %rdx
    xor %ebp, %ebp
    call target_cpuid
    mov (%rsp), %eax
    mov 4(%rsp), %ebx
    mov 8(%rsp), %ecx
    mov 12(%rsp), %edx
    add $16, %rsp
    pop %rdi /* the program's RSP */
    pop %rbp
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    mov 16(%rsp), %rsi
    mov %rsi, %gs:VCPU_USER_RSP
    mov %rdi, 16(%rsp)
    pop %rdi
    pop %rsi
    add $8, %rsp
    popfq
    mov -16(%rsp), %rsp
    .ifnb \keys
    .globl arch_cpuid_closing, arch_cpuid_closed
arch_cpuid_closing:
    close_kernel
    .endif
    jmp *%gs:VCPU_USER_RSP
    .ifnb \keys
arch_cpuid_closed:
    .endif
    .size arch_cpuid_entry\keys, . - arch_cpuid_entry\keys
    .endm

    cpuids
    cpuids _keys

/* Leaves with the current task's registers, dropping the kernel stack. */
    .globl arch_user_return
    .type arch_user_return, @function
arch_user_return:
    mov %gs:VCPU_KSTACK, %rsp
    lea -REGS_SIZE(%rsp), %rsp
    testl $1, %gs:VCPU_KEYS
    jz arch_exit
    jmp arch_exit_keys
    .size arch_user_return, . - arch_user_return

    .section .note.GNU-stack, "", @progbits
