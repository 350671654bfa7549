/* SPDX-License-Identifier: MIT */
/*
 * The vDSO that the program sees: the kernel's functions by way of slots that
 * vdso.c fills in, and __vdso_sgx_enter_enclave, whose contract is in
 * <asm/sgx.h>. RBX, RCX and RAX belong to ENCLU; everything else goes into
 * the enclave as the caller left it. RBP anchors the frame:
 *   16(%rbp) struct sgx_enclave_run *, -8(%rbp) the caller's RBX,
 *   -16(%rbp) R11 for the enclave.
 */
#define RUN_TCS       0
#define RUN_FUNCTION  8
#define RUN_VECTOR    12
#define RUN_ERROR     14
#define RUN_ADDRESS   16
#define RUN_HANDLER   24
#define RUN_RESERVED  40
#define RUN_SIZE      256
#define EENTER        2
#define ERESUME       3
#define EEXIT         4

        .text
        .macro forward name, alias, slot
        .globl __vdso_\name, \alias
        .type __vdso_\name, @function
        .type \alias, @function
__vdso_\name:
\alias:
        jmp     *.Lslots + 8 * \slot(%rip)
        .size __vdso_\name, . - __vdso_\name
        .size \alias, . - \alias
        .endm

        forward clock_gettime, clock_gettime, 0
        forward gettimeofday, gettimeofday, 1
        forward time, time, 2
        forward clock_getres, clock_getres, 3
        forward getcpu, getcpu, 4

        .globl __vdso_sgx_enter_enclave, vdso_enclu, vdso_fixup
        .type __vdso_sgx_enter_enclave, @function
__vdso_sgx_enter_enclave:
        .cfi_startproc
        push    %rbp
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbp, 0
        mov     %rsp, %rbp
        .cfi_def_cfa_register %rbp
        push    %rbx
        .cfi_rel_offset %rbx, -8
        push    %rcx            /* room for R11 */
        mov     %ecx, %eax
.Lcheck:
        cmp     $EENTER, %eax
        jb      .Linvalid
        cmp     $ERESUME, %eax
        ja      .Linvalid
        mov     16(%rbp), %rbx
        mov     $RUN_RESERVED, %ecx
1:      cmpq    $0, (%rbx, %rcx)
        jne     .Linvalid
        add     $8, %ecx
        cmp     $RUN_SIZE, %ecx
        jne     1b
        mov     RUN_TCS(%rbx), %rbx
        lea     .Lenclu(%rip), %rcx
        /* Entry, and the asynchronous exit pointer. ENCLU here is a SYSCALL
         * that the emulator catches, at a third of the price of a #UD. It
         * destroys RCX, which is known, and R11, which is kept here. */
        mov     %r11, -16(%rbp)
vdso_enclu:
.Lenclu:
        syscall
        nop
        mov     16(%rbp), %rbx
        movl    $EEXIT, RUN_FUNCTION(%rbx)
        xor     %eax, %eax
.Lhandler:
        cmpq    $0, RUN_HANDLER(%rbx)
        jne     .Lcall
.Lout:  mov     -8(%rbp), %rbx
        leave
        .cfi_remember_state
        .cfi_def_cfa %rsp, 8
        ret
        .cfi_restore_state
.Linvalid:
        mov     $-22, %eax
        jmp     .Lout
        /* The emulator comes here for a fault: RAX is the leaf, RDI the
         * vector, RSI the error code, RDX the address. */
vdso_fixup:
        mov     16(%rbp), %rbx
        mov     %eax, RUN_FUNCTION(%rbx)
        mov     %di, RUN_VECTOR(%rbx)
        mov     %si, RUN_ERROR(%rbx)
        mov     %rdx, RUN_ADDRESS(%rbx)
        xor     %eax, %eax
        jmp     .Lhandler
        /* int handler(rdi, rsi, rdx, rsp, r8, r9, run) */
.Lcall: mov     %rsp, %rcx
        and     $-16, %rsp
        cld
        push    %rcx
        push    %rbx
        call    *RUN_HANDLER(%rbx)
        mov     8(%rsp), %rsp
        test    %eax, %eax
        jle     .Lout
        jmp     .Lcheck
        .cfi_endproc
        .size __vdso_sgx_enter_enclave, . - __vdso_sgx_enter_enclave

        .globl vdso_slots
        .balign 8
vdso_slots:
.Lslots:
        .fill   5, 8, 0

        .section .note.GNU-stack, "", @progbits
