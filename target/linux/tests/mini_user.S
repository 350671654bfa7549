/* SPDX-License-Identifier: MIT
 *
 * Programs for the tests: position-independent, copied into the arena. Each
 * ends by system call 1000 with its verdict in RDI (0: good).
 */
#define END(n) mov $n, %edi; mov $1000, %eax; syscall; ud2

    .section .rodata, "a", @progbits

.macro PROGRAM name
    .balign 16
    .globl \name
\name:
.endm
.macro PROGRAM_END name
    .globl \name\()_end
\name\()_end:
.endm

/* Loads a pattern made from R12 into every register that a system call
 * keeps; R15 is the loop counter, R14 how many rounds. */
.macro PATTERN_LOAD
    lea 1(%r12), %rbx
    lea 2(%r12), %rbp
    lea 3(%r12), %r8
    lea 4(%r12), %r9
    lea 5(%r12), %r10
    lea 6(%r12), %rsi
    lea 7(%r12), %rdx
    lea 8(%r12), %r13
    vpbroadcastq %r12, %zmm0
    vpbroadcastq %rbx, %zmm15
    vpbroadcastq %rbp, %zmm16
    vpbroadcastq %r13, %zmm31
    kmovq %r13, %k1
    wrfsbase %r12
.endm
/* Jumps to 9f when something changed. Uses RAX, RCX, R11, ZMM1, K2. */
.macro PATTERN_CHECK
    mov $1, %edi
    lea 1(%r12), %rax
    cmp %rax, %rbx
    jne 9f
    lea 2(%r12), %rax
    cmp %rax, %rbp
    jne 9f
    lea 3(%r12), %rax
    cmp %rax, %r8
    jne 9f
    lea 4(%r12), %rax
    cmp %rax, %r9
    jne 9f
    lea 5(%r12), %rax
    cmp %rax, %r10
    jne 9f
    lea 6(%r12), %rax
    cmp %rax, %rsi
    jne 9f
    lea 7(%r12), %rax
    cmp %rax, %rdx
    jne 9f
    lea 8(%r12), %rax
    cmp %rax, %r13
    jne 9f
    mov $2, %edi
    kmovq %k1, %rax
    cmp %rax, %r13
    jne 9f
    rdfsbase %rax
    cmp %rax, %r12
    jne 9f
    mov $3, %edi
    vpbroadcastq %r12, %zmm1
    vpcmpeqq %zmm0, %zmm1, %k2
    kmovb %k2, %eax
    cmp $0xff, %eax
    jne 9f
    vpbroadcastq %rbx, %zmm1
    vpcmpeqq %zmm15, %zmm1, %k2
    kmovb %k2, %eax
    cmp $0xff, %eax
    jne 9f
    vpbroadcastq %rbp, %zmm1
    vpcmpeqq %zmm16, %zmm1, %k2
    kmovb %k2, %eax
    cmp $0xff, %eax
    jne 9f
    vpbroadcastq %r13, %zmm1
    vpcmpeqq %zmm31, %zmm1, %k2
    kmovb %k2, %eax
    cmp $0xff, %eax
    jne 9f
.endm

/* System call 1001 returns RDX + 5, and so often as R14 says. */
PROGRAM user_syscalls
    PATTERN_LOAD
    xor %r15d, %r15d
1:  movq $0x1234, -8(%rsp)
    mov $1001, %eax
    syscall
2:  mov $4, %edi
    lea 5(%rdx), %r11
    cmp %rax, %r11
    jne 9f
    mov $5, %edi
    lea 2b(%rip), %rax
    cmp %rax, %rcx
    jne 9f
    mov $6, %edi
    cmpq $0x1234, -8(%rsp)
    jne 9f
    PATTERN_CHECK
    inc %r15
    cmp %r14, %r15
    jb 1b
    END(0)
9:  mov $1000, %eax
    syscall
    ud2
PROGRAM_END user_syscalls

/* Never enters the kernel by itself; the kernel sets *R12 when it is over,
 * where R12 points to a word that holds 0 till then. */
PROGRAM user_loop
    PATTERN_LOAD
    xor %r15d, %r15d
1:  lea (%r15, %r12), %rax
    mov %rax, -8(%rsp)
    mov %rax, -128(%rsp)
    mov %rax, %rcx
    mov %rax, %rdi
    mov %rax, %r11
    add $1, %rax
    cmp -8(%rsp), %rcx
    jne 8f
    cmp -128(%rsp), %rdi
    jne 8f
    cmp %r11, %rdi
    jne 8f
    PATTERN_CHECK
    inc %r15
    cmpq $0, (%r12)
    je 1b
    END(0)
8:  mov $7, %edi
9:  mov $1000, %eax
    syscall
    ud2
PROGRAM_END user_loop

/* R14 times: asks for a tick (number R13, by the rewritten site's way in), then
 * waits in user code until the word at 8(R12) changes. */
PROGRAM user_await_tick
1:  mov 8(%r12), %rbx
    mov %r13, %rax
    lea 2f(%rip), %rcx
    jmp *%gs:32
2:  cmp 8(%r12), %rbx
    je 2b
    dec %r14
    jnz 1b
    END(0)
PROGRAM_END user_await_tick

PROGRAM user_spin
1:  jmp 1b
PROGRAM_END user_spin

PROGRAM user_ud2
    ud2
PROGRAM_END user_ud2
PROGRAM user_int3
    int3
PROGRAM_END user_int3
PROGRAM user_int80
    mov $20, %eax
    int $0x80
    ud2
PROGRAM_END user_int80
PROGRAM user_divide
    xor %ecx, %ecx
    div %ecx
PROGRAM_END user_divide
PROGRAM user_read_nothing
    mov $0x12345678000, %rax
    mov (%rax), %rax
PROGRAM_END user_read_nothing
PROGRAM user_jump_away
    mov $0x12345678000, %rax
    jmp *%rax
PROGRAM_END user_jump_away
PROGRAM user_noncanonical
    mov $0x8000000000000000, %rax
    mov (%rax), %rax
PROGRAM_END user_noncanonical
PROGRAM user_change_gs
    xor %eax, %eax
    wrgsbase %rax
    mov $1001, %eax
    syscall
    END(9)
PROGRAM_END user_change_gs

    .section .note.GNU-stack, "", @progbits
