/* SPDX-License-Identifier: MIT
 *
 * What a signal handler returns to (sigreturn(2)), with unwind information:
 * at __restore_rt, RSP points to the struct ucontext of the frame, and every
 * register of the interrupted code is in its uc_mcontext. Debuggers and
 * exception handling walk through the frame by it.
 *
 * Also the padding and the note that the image needs.
 */
#define SYS_rt_sigreturn 15

/* Offsets in struct ucontext (<asm/sigcontext.h>'s struct sigcontext, which
 * begins at 40), and DWARF's numbers of the registers (psABI 3.6.2). */
#define UC_RSP 160

/* What a DWARF expression needs: RSP (breg7) plus an offset, as SLEB128. */
    .macro reg_at number, offset
    .if \offset < 64
    .cfi_escape 0x10, \number, 2, 0x77, \offset
    .else
    .cfi_escape 0x10, \number, 3, 0x77, (\offset & 0x7f) | 0x80, \offset >> 7
    .endif
    .endm

/* 256 bytes of known code before the first function: the rewriter's context
 * (PATCH_CONTEXT_BEFORE). */
    .section .text.padding, "ax", @progbits
    .fill 256, 1, 0x90

    .text
    .cfi_startproc simple
    .cfi_signal_frame
    .cfi_escape 0x0f, 4, 0x77, (UC_RSP & 0x7f) | 0x80, UC_RSP >> 7, 0x06
    reg_at 0, 144   /* RAX */
    reg_at 1, 136   /* RDX */
    reg_at 2, 152   /* RCX */
    reg_at 3, 128   /* RBX */
    reg_at 4, 112   /* RSI */
    reg_at 5, 104   /* RDI */
    reg_at 6, 120   /* RBP */
    reg_at 7, 160   /* RSP */
    reg_at 8, 40    /* R8 */
    reg_at 9, 48
    reg_at 10, 56
    reg_at 11, 64
    reg_at 12, 72
    reg_at 13, 80
    reg_at 14, 88
    reg_at 15, 96   /* R15 */
    reg_at 16, 168  /* RIP */
    nop             /* unwinders look up the address before a return address */
    .globl __restore_rt
    .type __restore_rt, @function
__restore_rt:
    mov $SYS_rt_sigreturn, %eax
    syscall
    .size __restore_rt, . - __restore_rt
    .cfi_endproc

/* The version of Linux that we stand for: 6.1 (elf(5), NT_VERSION). */
    .section .note.Linux, "a", @note
    .balign 4
    .long 2f - 1f
    .long 4f - 3f
    .long 0
1:  .asciz "Linux"
2:  .balign 4
3:  .long 0x060100
4:  .balign 4

    .section .note.GNU-stack, "", @progbits
