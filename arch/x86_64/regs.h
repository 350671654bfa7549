/* SPDX-License-Identifier: MIT
 *
 * The registers of interrupted user code, in the order of Linux's struct
 * user_regs_struct (ptrace(2)), so that ptrace and core dumps need no
 * translation. They lie at the top of the task's kernel stack.
 */
#ifndef ARCH_X86_64_REGS_H
#define ARCH_X86_64_REGS_H

#define REGS_R15      0
#define REGS_R14      8
#define REGS_R13      16
#define REGS_R12      24
#define REGS_RBP      32
#define REGS_RBX      40
#define REGS_R11      48
#define REGS_R10      56
#define REGS_R9       64
#define REGS_R8       72
#define REGS_RAX      80
#define REGS_RCX      88
#define REGS_RDX      96
#define REGS_RSI      104
#define REGS_RDI      112
#define REGS_ORIG_RAX 120
#define REGS_RIP      128
#define REGS_CS       136
#define REGS_RFLAGS   144
#define REGS_RSP      152
#define REGS_SS       160
#define REGS_FS_BASE  168
#define REGS_GS_BASE  176
#define REGS_FULL     184
#define REGS_SIZE     192

#ifndef __ASSEMBLER__
#include "lib/types.h"

struct user_regs {
    uint64_t r15, r14, r13, r12, rbp, rbx;
    uint64_t r11, r10, r9, r8;
    uint64_t rax, rcx, rdx, rsi, rdi;
    uint64_t orig_rax; /* the system call's number; -1: not in one */
    uint64_t rip, cs, rflags, rsp, ss;
    uint64_t fs_base, gs_base; /* fs_base only while the task is off a vCPU
                                  or in a trap; gs_base in a trap: not 0 when
                                  the program changed it, for which it dies */
    uint64_t full; /* not Linux's: all registers must be restored, not
                      only what a system call preserves */
};

_Static_assert(offsetof(struct user_regs, rax) == REGS_RAX, "entry.S");
_Static_assert(offsetof(struct user_regs, rsp) == REGS_RSP, "entry.S");
_Static_assert(sizeof(struct user_regs) == REGS_SIZE, "entry.S");

enum {
    USER_CS = 0x33,
    USER_SS = 0x2b,
    RFLAGS_CF = 1,
    RFLAGS_TF = 0x100,
    RFLAGS_IF = 0x200,
    RFLAGS_DF = 0x400,
    RFLAGS_FIXED = 0x202,
};
#endif
#endif
