/* SPDX-License-Identifier: MIT
 *
 * Touching user memory. Every instruction that can fault has a row in the
 * fixup table: the address where execution goes on. arch_fixup_find() reads
 * the table; kernel/mm/uaccess.c is the only caller of the rest.
 */
#include "arch/x86_64/fixup.h"

    .text
/* size_t arch_user_copy(void *dst, const void *src, size_t n)
 * Bytes not copied. Long copies by REP MOVSB, whose RCX is exact after a fault
 * (SDM vol. 1, 7.3.9.2), others by words; the last word overlaps what is there
 * already. Registers move on only behind a whole step, so that a fault is
 * found again, exactly, by going on in bytes. A copy of 4 or 8 bytes is one
 * access each way.
 *
 * The last LAST bytes of a long one are never REP MOVSB's: it reads ahead
 * where source and destination lie differently in their cache lines, and a
 * page behind the source that is not there costs it 100 ns each time. */
#define LAST 64

    .globl arch_user_copy
    .type arch_user_copy, @function
arch_user_copy:
    mov %rdx, %rcx
    cmp $8, %rdx
    jb 5f
    cmp $512, %rdx
    jae 9f
    sub $32, %rcx
    jb 2f
1:  mov (%rsi), %rax
11: mov 8(%rsi), %r8
12: mov 16(%rsi), %r9
13: mov 24(%rsi), %r10
14: mov %rax, (%rdi)
15: mov %r8, 8(%rdi)
16: mov %r9, 16(%rdi)
17: mov %r10, 24(%rdi)
    add $32, %rsi
    add $32, %rdi
    sub $32, %rcx
    jae 1b
2:  add $24, %rcx /* left, less 8 */
    js 4f
3:  mov (%rsi), %rax
31: mov %rax, (%rdi)
    add $8, %rsi
    add $8, %rdi
    sub $8, %rcx
    jns 3b
4:  add $8, %rcx
    jz 10f
41: mov -8(%rsi, %rcx), %rax
42: mov %rax, -8(%rdi, %rcx)
    xor %eax, %eax
    ret
5:  cmp $4, %rcx
    jb 7f
51: mov (%rsi), %eax
52: mov %eax, (%rdi)
    jz 8f
53: mov -4(%rsi, %rcx), %eax
54: mov %eax, -4(%rdi, %rcx)
8:  xor %eax, %eax
    ret
6:  add $32, %rcx /* faults of the steps come here, */
    jmp 7f
61: add $8, %rcx
7:  test %rcx, %rcx
    jz 10f
71: mov (%rsi), %al
72: mov %al, (%rdi)
    inc %rsi
    inc %rdi
    dec %rcx
    jnz 71b
    jmp 10f
9:  sub $LAST, %rcx
91: rep movsb
    mov $LAST - 32, %ecx
    jmp 1b
92: add $LAST, %rcx
10: mov %rcx, %rax /* and here when nothing helps */
    ret
    FIXUP(1b, 6b)
    FIXUP(11b, 6b)
    FIXUP(12b, 6b)
    FIXUP(13b, 6b)
    FIXUP(14b, 6b)
    FIXUP(15b, 6b)
    FIXUP(16b, 6b)
    FIXUP(17b, 6b)
    FIXUP(3b, 61b)
    FIXUP(31b, 61b)
    FIXUP(41b, 7b)
    FIXUP(42b, 7b)
    FIXUP(51b, 7b)
    FIXUP(52b, 7b)
    FIXUP(53b, 7b)
    FIXUP(54b, 7b)
    FIXUP(71b, 10b)
    FIXUP(72b, 10b)
    FIXUP(91b, 92b)
    .size arch_user_copy, . - arch_user_copy

/* bool arch_page_equal(const void *a, const void *b)
 * 64 bytes a turn, with XMM0 to XMM3. */
    .globl arch_page_equal
    .type arch_page_equal, @function
arch_page_equal:
    mov $-4096, %rcx
    sub %rcx, %rdi
    sub %rcx, %rsi
1:  movdqa (%rdi,%rcx), %xmm0
    movdqa 16(%rdi,%rcx), %xmm1
    movdqa 32(%rdi,%rcx), %xmm2
    movdqa 48(%rdi,%rcx), %xmm3
    pcmpeqb (%rsi,%rcx), %xmm0
    pcmpeqb 16(%rsi,%rcx), %xmm1
    pcmpeqb 32(%rsi,%rcx), %xmm2
    pcmpeqb 48(%rsi,%rcx), %xmm3
    pand %xmm1, %xmm0
    pand %xmm3, %xmm2
    pand %xmm2, %xmm0
    pmovmskb %xmm0, %eax
    cmp $0xffff, %eax
    jne 2f
    add $64, %rcx
    jnz 1b
    mov $1, %eax
    ret
2:  xor %eax, %eax
    ret
    .size arch_page_equal, . - arch_page_equal

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

/* long arch_user_strncpy(char *dst, const char *src, size_t max)
 * By words, where they cross no page: the string may end with the page. */
    .globl arch_user_strncpy
    .type arch_user_strncpy, @function
arch_user_strncpy:
    mov %rdi, %r11
    mov $0x0101010101010101, %r8
    mov $0x8080808080808080, %r9
1:  cmp $8, %rdx
    jb 3f
    mov %esi, %eax
    and $0xfff, %eax
    cmp $0xff8, %eax
    ja 4f
2:  mov (%rsi), %rax
    mov %rax, %r10
    mov %rax, %rcx
    not %r10
    sub %r8, %rcx
    and %r9, %r10
    mov %rax, (%rdi)
    and %r10, %rcx /* bit 7 of the first byte that is 0 */
    jnz 6f
    add $8, %rsi
    add $8, %rdi
    sub $8, %rdx
    jmp 1b
3:  test %rdx, %rdx
    jz 5f
4:  mov (%rsi), %al
    mov %al, (%rdi)
    test %al, %al
    jz 5f
    inc %rsi
    inc %rdi
    dec %rdx
    jmp 1b
5:  mov %rdi, %rax
    sub %r11, %rax
    ret
6:  bsf %rcx, %rax
    shr $3, %eax
    sub %r11, %rdi
    add %rdi, %rax
    ret
7:  mov $-14, %rax /* -EFAULT */
    ret
    FIXUP(2b, 7b)
    FIXUP(4b, 7b)
    .size arch_user_strncpy, . - arch_user_strncpy

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
