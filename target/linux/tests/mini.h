/* SPDX-License-Identifier: MIT
 *
 * A kernel as small as the tests of target/linux need: no tasks but one per
 * vCPU, no scheduler. mini_kernel.c is its machinery, mini_tests.c the tests,
 * mini_main.c the host program that runs each test in a process of its own.
 */
#ifndef TARGET_LINUX_TESTS_MINI_H
#define TARGET_LINUX_TESTS_MINI_H

#include "arch/x86_64/arch.h"
#include "kernel/kernel.h"
#include "lib/atomic.h"
#include "lib/types.h"
#include "target/target.h"

/* What entry.S looks at of struct task. */
struct mini_task {
    uint64_t unused[3];
    uint32_t fpu_saved, unused2, interrupted;
    struct fpu_area fpu, copy;
    _Alignas(16) uint8_t stack[KSTACK_SIZE];
};

extern struct mini_task mini_tasks[VCPU_MAX];
extern const struct boot_info *mini_boot;

/* Set by the test: what to do on a trap; the return to user code follows. */
extern void (*mini_on_trap)(const struct trap *t, struct user_regs *r);
extern void (*mini_on_vcpu)(unsigned id);
extern uint64_t mini_signals;
extern bool mini_by_frame; /* resume from a copy: the way by a signal frame */

/* Puts [code, end) at a place of its own in the arena with a stack, and makes
 * it the current task's next user code, r12 = arg. */
void mini_load(const void *code, const void *end, uint64_t arg);
_Noreturn void mini_enter_user(void);

void mini_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void mini_end(int failed);

/* Ends the test as failed unless ok. */
#define MUST(ok)                                                               \
    do {                                                                       \
        if (!(ok)) {                                                           \
            mini_say("%s:%d: not so: %s", __FILE__, __LINE__, #ok);            \
            mini_end(1);                                                       \
        }                                                                      \
    } while (0)

/* Runs the test of that name (boot_info.program); false: none. */
bool mini_run(const char *name);

#endif
