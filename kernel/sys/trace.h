/* SPDX-License-Identifier: MIT
 *
 * Watching system calls, inside this room: --strace's lines (strace.c, with
 * the names in names.c), --stats' counts (stats.c), and threads that are
 * traced or filtered (dispatch.c).
 */
#ifndef KERNEL_SYS_TRACE_H
#define KERNEL_SYS_TRACE_H

#include "kernel/sys/table.h"
#include "kernel/signal/signal.h"

enum {
    TRACE_PRINT = 1,  /* a line a call */
    TRACE_COUNT = 2,  /* calls and their times, printed at the end */
    TRACE_EVENTS = 4, /* print the event counters, too */
    TRACE_WATCH = 8,  /* some thread is, or was, traced or filtered */
    TRACE_BITS = 15,  /* these are only ever set */
};
/* And how many address spaces want to hear of the next call (mm_called()). */
#define TRACE_NEXT     (~(uint32_t)TRACE_BITS)
#define TRACE_NEXT_ONE ((uint32_t)TRACE_BITS + 1)
extern uint32_t trace_mode; /* atomic */

/* From now on calls are looked at for ptrace(2) and seccomp(2). May switch
 * tasks. */
void trace_watch(void);
/* prctl(2), PR_SET_SECCOMP: sys_seccomp.c. */
long seccomp_prctl(uint64_t mode, struct uptr filter);

/* Runs call `number`, which has a row, as trace_mode says. */
long trace_call(unsigned number, const struct sysargs *args);

/* The line for a signal that the current thread takes. */
void trace_signal(const struct k_siginfo *info);

/* Counts a call that took ns. */
void stats_call(unsigned number, long result, uint64_t ns);

/* ---- names.c ---- */

/* The name of a constant, or NULL. */
const char *name_errno(int err);
const char *name_signal(int signo); /* with SIG, real-time ones NULL */
const char *name_si_code(int code); /* SI_*: who sent it */

/* A value of a kind that has names, as text in buf: listed constants and
 * flags by name, the rest in hexadecimal. False: the kind has none. */
bool name_value(char *buf, size_t size, enum sys_kind kind, uint64_t value);

#endif
