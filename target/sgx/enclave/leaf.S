/* SPDX-License-Identifier: MIT
 *
 * The ENCLU leaves that the enclave uses (SDM, "SGX user leaf functions"), and
 * reading user code. An instruction here that faults goes on at its fixup.
 */
#define EREPORT     0
#define EGETKEY     1
#define EACCEPT     5
#define EMODPE      6
#define EACCEPTCOPY 7
#define ENCLU       enclu

    .section enclave_text, "ax", @progbits

/* long leaf_eaccept(secinfo, page) */
    .globl leaf_eaccept
    .type leaf_eaccept, @function
leaf_eaccept:
    push %rbx
    mov %rdi, %rbx
    mov %rsi, %rcx
    mov $EACCEPT, %eax
fault_eaccept:
    ENCLU
    pop %rbx
    ret
    .size leaf_eaccept, . - leaf_eaccept

/* long leaf_emodpe(secinfo, page): has no result of its own */
    .globl leaf_emodpe
    .type leaf_emodpe, @function
leaf_emodpe:
    push %rbx
    mov %rdi, %rbx
    mov %rsi, %rcx
    mov $EMODPE, %eax
fault_emodpe:
    ENCLU
    xor %eax, %eax
    pop %rbx
    ret
    .size leaf_emodpe, . - leaf_emodpe

/* long leaf_eacceptcopy(secinfo, page, from) */
    .globl leaf_eacceptcopy
    .type leaf_eacceptcopy, @function
leaf_eacceptcopy:
    push %rbx
    mov %rdi, %rbx
    mov %rsi, %rcx
    mov $EACCEPTCOPY, %eax
fault_eacceptcopy:
    ENCLU
    pop %rbx
    ret
fixed:
    mov $-1, %rax
    pop %rbx
    ret
    .size leaf_eacceptcopy, . - leaf_eacceptcopy

/* void leaf_ereport(info, data, report) */
    .globl leaf_ereport
    .type leaf_ereport, @function
leaf_ereport:
    push %rbx
    mov %rdi, %rbx
    mov %rsi, %rcx
    mov $EREPORT, %eax
    ENCLU
    pop %rbx
    ret
    .size leaf_ereport, . - leaf_ereport

/* long leaf_egetkey(request, key): faults on reserved bits */
    .globl leaf_egetkey
    .type leaf_egetkey, @function
leaf_egetkey:
    push %rbx
    mov %rdi, %rbx
    mov %rsi, %rcx
    mov $EGETKEY, %eax
fault_egetkey:
    ENCLU
    pop %rbx
    ret
    .size leaf_egetkey, . - leaf_egetkey

/* size_t leaf_fetch(dst, src, n) */
    .globl leaf_fetch
    .type leaf_fetch, @function
leaf_fetch:
    xor %eax, %eax
1:  cmp %rdx, %rax
    jae 2f
fault_fetch:
    mov (%rsi, %rax), %cl
    mov %cl, (%rdi, %rax)
    inc %rax
    jmp 1b
2:  ret
    .size leaf_fetch, . - leaf_fetch

/* uint64_t leaf_fixup(rip) */
    .globl leaf_fixup
    .type leaf_fixup, @function
leaf_fixup:
    lea fault_fetch(%rip), %rcx
    lea 2b(%rip), %rax
    cmp %rcx, %rdi
    je 1f
    lea fixed(%rip), %rax
    lea fault_eaccept(%rip), %rcx
    cmp %rcx, %rdi
    je 1f
    lea fault_emodpe(%rip), %rcx
    cmp %rcx, %rdi
    je 1f
    lea fault_eacceptcopy(%rip), %rcx
    cmp %rcx, %rdi
    je 1f
    lea fault_egetkey(%rip), %rcx
    cmp %rcx, %rdi
    je 1f
    xor %eax, %eax
1:  ret
    .size leaf_fixup, . - leaf_fixup

    .section .note.GNU-stack, "", @progbits
