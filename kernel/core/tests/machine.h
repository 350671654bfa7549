/* SPDX-License-Identifier: MIT
 *
 * A machine for the scheduler's tests, which are ordinary programs: one vCPU
 * (of a second one there is but the structure), and a target whose clock jumps
 * to the next deadline whenever the vCPU waits. Kernel stacks are real, so
 * there is no ASan; the lock order is checked.
 *
 *     static void run_tests(void *unused) { ... exit(machine.failures != 0); }
 *     int main(void) { machine_run(run_tests); }
 */
#ifndef KERNEL_CORE_TESTS_MACHINE_H
#define KERNEL_CORE_TESTS_MACHINE_H

#include "kernel/core/runqueue.h"

enum { MACHINE_TASKS = 8 };

struct machine {
    uint64_t now;  /* ns */
    uint64_t step; /* how much later it is after each look at the clock */
    uint64_t tick; /* when the armed tick comes; 0: none is */
    unsigned waits, kicks, failures;
    void (*on_wait)(void);
    void (*on_kick)(unsigned id);
};
extern struct machine machine;
extern struct task machine_tasks[MACHINE_TASKS + 1];

/* Boots, and runs fn in a task of its own, the last of machine_tasks. */
_Noreturn void machine_run(void (*fn)(void *));

/* From here on time is what the test makes it: it stands still but for
 * machine_advance() and sleeps, and the TSC counts its nanoseconds. */
void machine_own_time(void);
/* So many ns of computing. The tick comes, if it is due. */
void machine_advance(uint64_t ns);

void expect(bool good, const char *name);
/* Makes machine_tasks[i] and starts it. */
void spawn(unsigned i, void (*fn)(void *), void *arg);
/* Sleeps until so many have ended since the last call. */
void join(unsigned count);
/* Sleeps for a millisecond, in which all who can run do. */
void settle(void);

#endif
