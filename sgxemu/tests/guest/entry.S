/* SPDX-License-Identifier: MIT */
/*
 * Entry of the test enclave: a stack for each TCS and for CSSA 0 and above,
 * then C. Preserves what a C caller of the vDSO function expects. The pattern
 * loop holds values in every general, vector and mask register.
 */
        .section .text.entry, "ax"
        .globl entry
entry:
        xor     %r11d, %r11d
        test    %rax, %rax
        setnz   %r11b
        mov     %gs:0(, %r11, 8), %rsp
        pushfq
        popq    %gs:40
        cld
        push    %rcx
        push    %rax
        mov     %rax, %rsi
        call    enclave_main
        pop     %rax
        pop     %rbx
        /* RSP and RBP of the outside, as the last entry or resumption left
         * them in the SSA frame: URSP at 144 of the GPR area, URBP at 152. */
        inc     %rax
        shl     $12, %rax
        add     %gs:32, %rax
        mov     -184 + 144(%rax), %rsp
        mov     -184 + 152(%rax), %rbp
        xor     %edx, %edx
        mov     $4, %eax
        .byte   0x0f, 0x01, 0xd7
        ud2

        .text
/* void enclu(struct op *): RDI */
        .globl enclu
enclu:
        push    %rbx
        mov     8(%rdi), %rax
        mov     16(%rdi), %rbx
        mov     24(%rdi), %rcx
        mov     32(%rdi), %rdx
        .byte   0x0f, 0x01, 0xd7
        mov     %rax, 40(%rdi)
        pushfq
        popq    48(%rdi)
        pop     %rbx
        ret

/* uint64_t pattern(volatile uint64_t *stop): mismatches. R15 has the stack's
 * only copy of nothing: all state is in registers. */
        .globl pattern
pattern:
        push    %rbx
        push    %rbp
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        mov     $0x0101010101010101, %rbx
        mov     $0x2323232323232323, %rcx
        mov     $0x4545454545454545, %rdx
        mov     $0x6767676767676767, %rsi
        mov     $0x8989898989898989, %rbp
        mov     $0xabababababababab, %r8
        mov     $0xcdcdcdcdcdcdcdcd, %r9
        mov     $0xefefefefefefefef, %r10
        mov     $0x1212121212121212, %r11
        mov     $0x3434343434343434, %r12
        mov     $0x5656565656565656, %r13
        mov     $0x7878787878787878, %r14
        xor     %r15d, %r15d
        .set    i, 0
        .rept   32
        lea     0x1000(%r12, %r15), %rax
        add     $i * 0x101, %rax
        .if i == 0
        vpbroadcastq %rax, %zmm0
        .endif
        .altmacro
        .macro  fill n
        vpbroadcastq %rax, %zmm\n
        .endm
        fill    %i
        .purgem fill
        .set    i, i + 1
        .endr
        mov     $0x5aa5, %eax
        kmovw   %eax, %k1
        kmovw   %eax, %k7
1:      /* every register against its value; RAX is scratch */
        .macro  same reg, value
        mov     $\value, %rax
        cmp     %rax, %\reg
        je      2f
        inc     %r15
2:
        .endm
        same    rbx, 0x0101010101010101
        same    rcx, 0x2323232323232323
        same    rdx, 0x4545454545454545
        same    rsi, 0x6767676767676767
        same    rbp, 0x8989898989898989
        same    r8, 0xabababababababab
        same    r9, 0xcdcdcdcdcdcdcdcd
        same    r10, 0xefefefefefefefef
        same    r11, 0x1212121212121212
        same    r12, 0x3434343434343434
        same    r13, 0x5656565656565656
        same    r14, 0x7878787878787878
        .set    i, 1
        .rept   31
        .macro  check n
        vmovq   %xmm0, %rax
        add     $\n * 0x101, %rax
        vpbroadcastq %rax, %zmm0
        vpcmpeqq %zmm0, %zmm\n, %k2
        kortestb %k2, %k2
        jc      3f
        inc     %r15
3:      sub     $\n * 0x101, %rax
        vpbroadcastq %rax, %zmm0
        .endm
        check   %i
        .purgem check
        .set    i, i + 1
        .endr
        kmovw   %k1, %eax
        cmp     $0x5aa5, %eax
        je      4f
        inc     %r15
4:      kmovw   %k7, %eax
        cmp     $0x5aa5, %eax
        je      5f
        inc     %r15
5:      cmpq    $0, (%rdi)
        je      1b
        vzeroupper
        mov     %r15, %rax
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbp
        pop     %rbx
        ret

        .section .note.GNU-stack, "", @progbits
