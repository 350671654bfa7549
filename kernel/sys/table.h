/* SPDX-License-Identifier: MIT
 *
 * The system call table: one row a call, all numbers 0..470. Dispatch,
 * --strace, statistics and docs/syscalls.md come from these rows alone.
 *
 *   SYSCALL(number, name, handler, state, result, arguments...)
 *
 * handler: long sys_name(const struct sysargs *a), or sys_none for a call
 * that answers -ENOSYS. state: DONE (behaves as Linux, error cases tested),
 * PART (a comment on the row's line says what is missing), NONE. arguments:
 * up to six kinds that tell strace how to print each.
 *
 * The rows are in kernel/sys/calls.h, sorted by number.
 */
#ifndef KERNEL_SYS_TABLE_H
#define KERNEL_SYS_TABLE_H

#include "lib/types.h"
#include "arch/x86_64/regs.h"
#include "kernel/mm/uaccess.h"

enum { SYSCALL_MAX = 470 };

/* The arguments, where the way in has put them: the caller's registers. Who
 * changes those (execve, rt_sigreturn) reads its arguments before. */
struct sysargs {
    struct user_regs regs;
};

typedef long syscall_fn(const struct sysargs *a);

/* Decoding helpers for handlers. */
static inline uint64_t arg_u64(const struct sysargs *a, int i)
{
    const struct user_regs *r = &a->regs;

    return i == 0   ? r->rdi
           : i == 1 ? r->rsi
           : i == 2 ? r->rdx
           : i == 3 ? r->r10
           : i == 4 ? r->r8
                    : r->r9;
}
static inline int arg_int(const struct sysargs *a, int i)
{
    return (int)arg_u64(a, i);
}
static inline unsigned arg_uint(const struct sysargs *a, int i)
{
    return (unsigned)arg_u64(a, i);
}
static inline int64_t arg_long(const struct sysargs *a, int i)
{
    return (int64_t)arg_u64(a, i);
}
static inline struct uptr arg_ptr(const struct sysargs *a, int i)
{
    return uptr(arg_u64(a, i));
}

enum sys_state { SYS_NONE, SYS_PART, SYS_DONE };

/* How strace prints an argument or a result. */
enum sys_kind {
    K_NONE,     /* no such argument */
    K_INT,      /* signed decimal */
    K_UINT,     /* unsigned decimal */
    K_LONG,     /* signed 64-bit */
    K_HEX,      /* hexadecimal */
    K_OCT,      /* a mode */
    K_PTR,      /* an address */
    K_FD,       /* a descriptor, AT_FDCWD named */
    K_PATH,     /* a NUL-terminated string, printed quoted */
    K_BUF,      /* bytes going in: printed after the call; length = next arg */
    K_OUTBUF,   /* bytes coming out; length = the result */
    K_SIZE,     /* size_t */
    K_OFF,      /* a file offset */
    K_SIG,      /* a signal number */
    K_OFLAGS,   /* open(2) flags */
    K_PROT,     /* mmap protection */
    K_MAP,      /* mmap flags */
    K_CLOCK,    /* a clock id */
    K_TIMESPEC, /* pointer to one */
    K_FUTEX,    /* futex operation */
    K_CLONE,    /* clone flags */
    K_WHENCE,   /* lseek */
    K_STRV,     /* NULL-terminated array of strings */
    K_PID,
    K_SIGSET,  /* pointer to a signal set going in */
    K_SIGHOW,  /* sigprocmask(2) how */
    K_FDPAIR,  /* pointer to two descriptors coming out */
    K_STATUS,  /* pointer to a wait(2) status coming out */
    K_IOV,     /* pointer to iovecs; count = next arg */
    K_ATFLAGS, /* AT_* */
    K_FCNTL,   /* fcntl(2) command */
    K_MADV,    /* madvise(2) advice */
    K_RLIMIT,  /* getrlimit(2) resource */
    K_AF,      /* address family */
    K_SOCK,    /* socket type and flags */
    K_OUTIOV,  /* pointer to iovecs that were filled; length = the result */
};

struct syscall_row {
    const char *name; /* NULL: no such call */
    syscall_fn *fn;
    uint8_t state;
    uint8_t result;
    uint8_t args[6];
};

extern const struct syscall_row syscall_table[SYSCALL_MAX + 1];

/* Every handler that a row names. */
#define SYSCALL(number, name, handler, ...)                                    \
    long handler(const struct sysargs *a);
#include "kernel/sys/calls.h"
#undef SYSCALL

/* Runs the call in the current task's registers, for the SYSCALL trap: number
 * in rax, of which Linux takes 32 bits, too; the result goes there. */
void syscall_run(struct user_regs *regs);
/* entry.S does that by itself, with these two: number is in orig_rax as well,
 * the result is returned; and it was a restart code. */
long syscall_dispatch(struct user_regs *regs, uint32_t number);
void syscall_restarts(void);

/* Boot: whether calls are printed, and whether they are counted. */
void syscall_set_mode(bool strace, bool stats);

/* The end of the instance: prints what was counted, if that was asked for. */
void stats_report(void);

#endif
