/* SPDX-License-Identifier: MIT
 *
 * Touching user memory. Every instruction that can fault has a row in the
 * fixup table: the address where execution goes on. arch_fixup_find() reads
 * the table; kernel/mm/uaccess.c is the only caller of the rest.
 */
#define FIXUP(at, to)                                                          \
    .pushsection kfixup, "a", @progbits;                                       \
    .balign 4;                                                                 \
    .long (at) - .;                                                            \
    .long (to) - .;                                                            \
    .popsection

    .text
/* size_t arch_user_copy(void *dst, const void *src, size_t n)
 * Bytes not copied. Short copies by words, long ones by REP MOVSB, whose RCX
 * is exact after a fault (SDM vol. 1, 7.3.9.2). */
    .globl arch_user_copy
    .type arch_user_copy, @function
arch_user_copy:
    mov %rdx, %rcx
    cmp $256, %rdx
    jae 3f
    cmp $8, %rdx
    jb 2f
1:  mov (%rsi), %rax
11: mov %rax, (%rdi)
    add $8, %rsi
    add $8, %rdi
    sub $8, %rcx
    cmp $8, %rcx
    jae 1b
2:  test %rcx, %rcx
    jz 4f
22: mov (%rsi), %al
23: mov %al, (%rdi)
    inc %rsi
    inc %rdi
    dec %rcx
    jnz 22b
    jmp 4f
3:  rep movsb
4:  mov %rcx, %rax
    ret
5:  mov %esi, %eax /* bytes of the word are only there if it crosses pages */
    jmp 7f
6:  mov %edi, %eax
7:  and $0xfff, %eax
    cmp $0xff8, %eax
    ja 2b
    jmp 4b
    FIXUP(1b, 5b)
    FIXUP(11b, 6b)
    FIXUP(22b, 4b)
    FIXUP(23b, 4b)
    FIXUP(3b, 4b)
    .size arch_user_copy, . - arch_user_copy

/* size_t arch_user_zero(void *dst, size_t n) */
    .globl arch_user_zero
    .type arch_user_zero, @function
arch_user_zero:
    mov %rsi, %rcx
    xor %eax, %eax
1:  rep stosb
2:  mov %rcx, %rax
    ret
    FIXUP(1b, 2b)
    .size arch_user_zero, . - arch_user_zero

/* long arch_user_strnlen(const char *src, size_t max) */
    .globl arch_user_strnlen
    .type arch_user_strnlen, @function
arch_user_strnlen:
    xor %eax, %eax
    jmp 2f
1:  cmpb $0, (%rdi, %rax)
    je 3f
    inc %rax
2:  cmp %rsi, %rax
    jb 1b
3:  ret
4:  mov $-14, %rax /* -EFAULT */
    ret
    FIXUP(1b, 4b)
    .size arch_user_strnlen, . - arch_user_strnlen

/* int arch_user_load32(const uint32_t *addr, uint32_t *val) */
    .globl arch_user_load32
    .type arch_user_load32, @function
arch_user_load32:
1:  mov (%rdi), %ecx
    mov %ecx, (%rsi)
    xor %eax, %eax
    ret
2:  mov $-14, %eax
    ret
    FIXUP(1b, 2b)
    .size arch_user_load32, . - arch_user_load32

/* int arch_user_cmpxchg32(uint32_t *addr, uint32_t expect, uint32_t val,
 *                         uint32_t *old) */
    .globl arch_user_cmpxchg32
    .type arch_user_cmpxchg32, @function
arch_user_cmpxchg32:
    mov %esi, %eax
1:  lock cmpxchg %edx, (%rdi)
    mov %eax, (%rcx)
    xor %eax, %eax
    ret
2:  mov $-14, %eax
    ret
    FIXUP(1b, 2b)
    .size arch_user_cmpxchg32, . - arch_user_cmpxchg32

/* int arch_user_xchg32(uint32_t *addr, uint32_t val, uint32_t *old) */
    .globl arch_user_xchg32
    .type arch_user_xchg32, @function
arch_user_xchg32:
1:  xchg %esi, (%rdi)
    mov %esi, (%rdx)
    xor %eax, %eax
    ret
2:  mov $-14, %eax
    ret
    FIXUP(1b, 2b)
    .size arch_user_xchg32, . - arch_user_xchg32

/* int arch_user_add32(uint32_t *addr, uint32_t val, uint32_t *old) */
    .globl arch_user_add32
    .type arch_user_add32, @function
arch_user_add32:
1:  lock xadd %esi, (%rdi)
    mov %esi, (%rdx)
    xor %eax, %eax
    ret
2:  mov $-14, %eax
    ret
    FIXUP(1b, 2b)
    .size arch_user_add32, . - arch_user_add32

/* A read-modify-write by compare and exchange: int f(uint32_t *addr,
 * uint32_t val, uint32_t *old). */
.macro USER_RMW name, insn
    .globl \name
    .type \name, @function
\name:
1:  mov (%rdi), %eax
2:  mov %eax, %ecx
    \insn %esi, %ecx
3:  lock cmpxchg %ecx, (%rdi)
    jnz 2b
    mov %eax, (%rdx)
    xor %eax, %eax
    ret
4:  mov $-14, %eax
    ret
    FIXUP(1b, 4b)
    FIXUP(3b, 4b)
    .size \name, . - \name
.endm

    USER_RMW arch_user_or32, or
    USER_RMW arch_user_and32, and
    USER_RMW arch_user_xor32, xor

    .section .note.GNU-stack, "", @progbits
