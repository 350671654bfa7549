/* SPDX-License-Identifier: MIT */
/*
 * The few places where an address decides: how a signal handler of ours
 * returns, how a system call of the program runs, and the copy from and to
 * program memory. signals.c and trap.c compare RIP with the labels here.
 */
#include <sys/syscall.h>

#define STACK_SIZE 0x40000 /* emu.h */

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
1:      cmpl    $0, pkeys_present(%rip)
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
 * Three ways back without the system call of sigreturn, all
 * _Noreturn void fast_...(ucontext_t *uc): to the program from its system
 * call, out of an enclave (EEXIT), into one (EENTER from our vDSO). They need
 * a signal mask and alternate stack that have not changed, and a register or
 * memory of the program that holds the new RIP: RCX, as SYSCALL leaves it;
 * RBX, EEXIT's operand; a slot in the vDSO's frame (vdso_image.S).
 * A signal before the jump is put off and RIP moved back to the beginning,
 * where RSP is the frame's again; at the jump itself all is the program's.
 */
#define UC_R8      40
#define UC_FPREGS  224
        .macro  fast_path name, target:vararg
        .globl \name, \name\()_begin, \name\()_jump
        .type \name, @function
\name:
        mov     %rdi, %rsp
\name\()_begin:
        mov     %rsp, %rax
        and     $-STACK_SIZE, %rax
        cmpl    $0, (%rax)
        jne     trap_return
        mov     UC_FPREGS(%rsp), %rcx
        mov     $-1, %eax
        mov     $-1, %edx
        xrstor64 (%rcx)
        pushq   UC_R8 + 17 * 8(%rsp)
        popfq
        mov     UC_R8(%rsp), %r8
        mov     UC_R8 + 1 * 8(%rsp), %r9
        mov     UC_R8 + 2 * 8(%rsp), %r10
        mov     UC_R8 + 3 * 8(%rsp), %r11
        mov     UC_R8 + 4 * 8(%rsp), %r12
        mov     UC_R8 + 5 * 8(%rsp), %r13
        mov     UC_R8 + 6 * 8(%rsp), %r14
        mov     UC_R8 + 7 * 8(%rsp), %r15
        mov     UC_R8 + 8 * 8(%rsp), %rdi
        mov     UC_R8 + 9 * 8(%rsp), %rsi
        mov     UC_R8 + 10 * 8(%rsp), %rbp
        mov     UC_R8 + 11 * 8(%rsp), %rbx
        mov     UC_R8 + 12 * 8(%rsp), %rdx
        mov     UC_R8 + 13 * 8(%rsp), %rax
        mov     UC_R8 + 14 * 8(%rsp), %rcx
        mov     UC_R8 + 15 * 8(%rsp), %rsp
\name\()_jump:
        jmp     *\target
        .size \name, . - \name
        .endm

        fast_path fast_return, %rcx
        fast_path fast_exit, %rbx
        fast_path fast_enter, -24(%rbp)

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
        cmpl    $0, pkeys_present(%rip)
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
        cmpl    $0, pkeys_present(%rip)
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
