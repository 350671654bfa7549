/* SPDX-License-Identifier: MIT
 *
 * ptrace(2) in Linux's ABI on x86-64.
 */
#ifndef ABI_LINUX_PTRACE_H
#define ABI_LINUX_PTRACE_H

#include "lib/types.h"

#define PTRACE_TRACEME           0
#define PTRACE_PEEKTEXT          1
#define PTRACE_PEEKDATA          2
#define PTRACE_PEEKUSER          3
#define PTRACE_POKETEXT          4
#define PTRACE_POKEDATA          5
#define PTRACE_POKEUSER          6
#define PTRACE_CONT              7
#define PTRACE_KILL              8
#define PTRACE_SINGLESTEP        9
#define PTRACE_GETREGS           12
#define PTRACE_SETREGS           13
#define PTRACE_GETFPREGS         14
#define PTRACE_SETFPREGS         15
#define PTRACE_ATTACH            16
#define PTRACE_DETACH            17
#define PTRACE_SYSCALL           24
#define PTRACE_ARCH_PRCTL        30
#define PTRACE_SYSEMU            31
#define PTRACE_SYSEMU_SINGLESTEP 32
#define PTRACE_SETOPTIONS        0x4200
#define PTRACE_GETEVENTMSG       0x4201
#define PTRACE_GETSIGINFO        0x4202
#define PTRACE_SETSIGINFO        0x4203
#define PTRACE_GETREGSET         0x4204
#define PTRACE_SETREGSET         0x4205
#define PTRACE_SEIZE             0x4206
#define PTRACE_INTERRUPT         0x4207
#define PTRACE_LISTEN            0x4208
#define PTRACE_PEEKSIGINFO       0x4209
#define PTRACE_GETSIGMASK        0x420a
#define PTRACE_SETSIGMASK        0x420b
#define PTRACE_GET_SYSCALL_INFO  0x420e

#define PTRACE_PEEKSIGINFO_SHARED 1
struct ptrace_peeksiginfo_args {
    uint64_t off;
    uint32_t flags;
    int32_t nr;
};

#define PTRACE_O_TRACESYSGOOD 1
#define PTRACE_O_EXITKILL     0x100000
/* PTRACE_O_TRACEFORK and the others are PTRACE_O_EVENT(PTRACE_EVENT_FORK). */
#define PTRACE_O_EVENT(event)    (1u << (event))
#define PTRACE_O_SUSPEND_SECCOMP 0x200000
#define PTRACE_O_KNOWN           0x3000ffu

#define PTRACE_EVENT_FORK       1
#define PTRACE_EVENT_VFORK      2
#define PTRACE_EVENT_CLONE      3
#define PTRACE_EVENT_EXEC       4
#define PTRACE_EVENT_VFORK_DONE 5
#define PTRACE_EVENT_EXIT       6
#define PTRACE_EVENT_SECCOMP    7
#define PTRACE_EVENT_STOP       128

#define NT_PRSTATUS   1
#define NT_PRFPREG    2
#define NT_X86_XSTATE 0x202

/* struct user_regs_struct is struct user_regs without its last word, and these
 * four behind. */
#define PTRACE_REGS 27 /* words */

/* Of struct user: what PEEKUSER and POKEUSER reach. */
#define PTRACE_USER_SIZE   928
#define USER_DEBUGREG      848 /* eight words */
#define USER_DEBUGREG_STOP 912

#define PTRACE_SYSCALL_INFO_NONE    0
#define PTRACE_SYSCALL_INFO_ENTRY   1
#define PTRACE_SYSCALL_INFO_EXIT    2
#define PTRACE_SYSCALL_INFO_SECCOMP 3

struct ptrace_syscall_info {
    uint8_t op;
    uint8_t pad[3];
    uint32_t arch;
    uint64_t instruction_pointer, stack_pointer;
    union {
        struct {
            uint64_t nr, args[6];
            uint32_t ret_data; /* at a seccomp stop only */
        } entry;
        struct {
            int64_t rval;
            uint8_t is_error;
        } exit;
    };
};
_Static_assert(sizeof(struct ptrace_syscall_info) == 88, "ptrace(2)");

#endif
