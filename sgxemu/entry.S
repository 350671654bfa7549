/* SPDX-License-Identifier: MIT */
/*
 * The few places where an address decides: how a signal handler of ours
 * returns, how a system call of the program runs, and the copy from and to
 * program memory. signals.c and trap.c compare RIP with the labels here.
 */
#include <sys/syscall.h>

#define STACK_SIZE  0x40000 /* emu.h */
#define STACK_COUNT 4096

        .text

/*
 * Restorer of our handlers. RSP is at the ucontext. A signal that was put off
 * while we ran must be delivered before sigreturn; one that comes after the
 * check is put off too, and its handler moves RIP back to trap_return.
 */
        .globl trap_return, trap_return_end
        .type trap_return, @function
trap_return:
        mov     %rsp, %rax
        and     $-STACK_SIZE, %rax
        cmpl    $0, (%rax)
        jne     1f
        mov     $SYS_rt_sigreturn, %eax
        syscall
trap_return_end:
1:      cmpl    $0, open_pages(%rip)
        je      7f
        xor     %eax, %eax      /* fast_return has closed our memory */
        xor     %ecx, %ecx
        xor     %edx, %edx
        wrpkru
7:      mov     %rsp, %rdi
        call    signal_deferred
        jmp     trap_return
        .size trap_return, . - trap_return

/*
 * _Noreturn void fast_return(ucontext_t *uc)
 * Back without the system call of sigreturn: XRSTOR, the registers, POPF and
 * a jump. For a signal mask and an alternate stack that have not changed
 * (trap.c decides). No register is left to say where to, and no stack: each
 * thread has a tail of its own, which jumps through its own slot. (An IRET
 * would do without, and takes 0.4 us.)
 * A signal before that jump is put off and RIP moved back to the beginning,
 * where RSP is uc; at the jump all else is the program's (trap.c).
 */
#define UC_REG(n)  40 + 8 * n
#define UC_FPREGS  224
#define HEAD_TAIL  8    /* struct stack_head */
#define HEAD_SLOT  16
#define TAIL_SIZE  32
        .globl fast_return, fast_return_begin, fast_return_end
        .globl return_tails
        .type fast_return, @function
fast_return:
        mov     %rdi, %rsp
fast_return_begin:
        mov     %rsp, %rbx
        and     $-STACK_SIZE, %rbx
        cmpl    $0, (%rbx)
        jne     trap_return
        mov     HEAD_SLOT(%rbx), %rcx
        mov     UC_REG(16)(%rsp), %rax
        mov     %rax, (%rcx)
        mov     UC_FPREGS(%rsp), %rcx
        mov     $-1, %eax
        mov     $-1, %edx
        xrstor64 (%rcx)
        mov     UC_REG(0)(%rsp), %r8
        mov     UC_REG(1)(%rsp), %r9
        mov     UC_REG(2)(%rsp), %r10
        mov     UC_REG(3)(%rsp), %r11
        mov     UC_REG(4)(%rsp), %r12
        mov     UC_REG(5)(%rsp), %r13
        mov     UC_REG(6)(%rsp), %r14
        mov     UC_REG(7)(%rsp), %r15
        mov     UC_REG(8)(%rsp), %rdi
        mov     UC_REG(9)(%rsp), %rsi
        mov     UC_REG(10)(%rsp), %rbp
        mov     HEAD_TAIL(%rbx), %rax
        mov     UC_REG(11)(%rsp), %rbx
        mov     UC_REG(12)(%rsp), %rdx
        mov     UC_REG(14)(%rsp), %rcx
        pushq   UC_REG(17)(%rsp)
        popfq
        jmp     *%rax

        .set    slot, 0
        .balign TAIL_SIZE
return_tails:
        .rept   STACK_COUNT
        mov     UC_REG(13)(%rsp), %rax
        mov     UC_REG(15)(%rsp), %rsp
        jmp     *open_pages + 4096 + slot(%rip)      /* TAIL_JUMP: emu.h */
        .set    slot, slot + 8
        .balign TAIL_SIZE
        .endr
fast_return_end:
        .size fast_return, . - fast_return

/* _Noreturn void nested_return(ucontext_t *uc): back into our own code, which
 * will look at the signal when it is done. */
        .globl nested_return
        .type nested_return, @function
nested_return:
        mov     %rdi, %rsp
        mov     $SYS_rt_sigreturn, %eax
        syscall
        hlt
        .size nested_return, . - nested_return

/*
 * long gate_syscall(const long call[7], uint32_t pkru, uint32_t *deferred)
 * A signal between gate_check and the SYSCALL would be put off until the call
 * has ended, which may be never: its handler moves RIP to gate_abort. So it
 * does when the kernel backs up to restart the call.
 */
        .globl gate_syscall, gate_check, gate_end, gate_abort
        .type gate_syscall, @function
gate_syscall:
        push    %rbx
        push    %rbp
        push    %r12
        mov     %rdi, %rbp
        mov     %rdx, %rbx
        mov     %esi, %eax
        xor     %ecx, %ecx
        xor     %edx, %edx
        cmp     $-1, %eax
        je      2f
        wrpkru
2:      mov     (%rbp), %rax
        mov     8(%rbp), %rdi
        mov     16(%rbp), %rsi
        mov     24(%rbp), %rdx
        mov     32(%rbp), %r10
        mov     40(%rbp), %r8
        mov     48(%rbp), %r9
gate_check:
        cmpl    $0, (%rbx)
        jne     gate_abort
        syscall
gate_end:
        mov     %rax, %rbx
        xor     %eax, %eax
        xor     %ecx, %ecx
        xor     %edx, %edx
        cmpl    $0, open_pages(%rip)
        je      3f
        wrpkru
3:      mov     %rbx, %rax
        pop     %r12
        pop     %rbp
        pop     %rbx
        ret
gate_abort:
        mov     $-512, %rax
        jmp     gate_end
        .size gate_syscall, . - gate_syscall

/*
 * size_t usercopy(void *to, const void *from, size_t n, uint32_t pkru)
 * Bytes not copied. A fault inside ends the copy (trap.c).
 */
        .globl usercopy, usercopy_begin, usercopy_end
        .type usercopy, @function
usercopy:
        mov     %rdx, %r8
        mov     %ecx, %eax
        xor     %ecx, %ecx
        xor     %edx, %edx
        cmp     $-1, %eax
        je      4f
        wrpkru
4:      mov     %r8, %rcx
usercopy_begin:
        rep movsb
usercopy_end:
        mov     %rcx, %r8
        xor     %eax, %eax
        xor     %ecx, %ecx
        xor     %edx, %edx
        cmpl    $0, open_pages(%rip)
        je      5f
        wrpkru
5:      mov     %r8, %rax
        ret
        .size usercopy, . - usercopy

/*
 * long clone_raw(flags, child_frame, ptid, ctid, tls)
 * The child starts on its own alternate stack, with RSP at the ucontext that
 * it is to return into.
 */
        .globl clone_raw
        .type clone_raw, @function
clone_raw:
        mov     %rcx, %r10
        mov     $SYS_clone, %eax
        syscall
        test    %rax, %rax
        jz      6f
        ret
6:      xor     %ebp, %ebp
        call    thread_started
        jmp     trap_return
        .size clone_raw, . - clone_raw

        .section .note.GNU-stack, "", @progbits
