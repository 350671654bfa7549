/* SPDX-License-Identifier: MIT
 *
 * syscall_table, built from the rows of calls.h. A number without a row stays
 * zero: no name, no handler. Dispatch runs a row's handler; a call that the
 * table names but nobody implements runs sys_none() (dispatch.c).
 */
#include "kernel/sys/table.h"
#include "abi/linux/syscall.h"

/* The result's kind, then up to six arguments'; missing ones are K_NONE. */
#define KINDS(...) KINDS7(__VA_ARGS__, NONE, NONE, NONE, NONE, NONE, NONE)
#define KINDS7(r, a, b, c, d, e, f, ...)                                       \
    .result = K_##r, .args = {K_##a, K_##b, K_##c, K_##d, K_##e, K_##f}

#define SYSCALL(number, call, handler, how, ...)                               \
    [number] = {                                                               \
        .name = #call,                                                         \
        .fn = handler,                                                         \
        .state = SYS_##how,                                                    \
        KINDS(__VA_ARGS__),                                                    \
    },

const struct syscall_row syscall_table[SYSCALL_MAX + 1] = {
#include "kernel/sys/calls.h"
};
#undef SYSCALL

/* What other rooms know by number must be what the rows say. */
#define SYSCALL(number, name, ...) enum { ROW_##name = number };
#include "kernel/sys/calls.h"
#undef SYSCALL
#define SAME(name) static_assert((int)ROW_##name == NR_##name, #name)
SAME(rt_sigreturn);
SAME(gettimeofday);
SAME(time);
SAME(restart_syscall);
SAME(clock_gettime);
SAME(clock_getres);
SAME(getcpu);
