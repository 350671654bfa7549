/* SPDX-License-Identifier: MIT
 *
 * A target in the same process as an ordinary test program: deterministic,
 * one vCPU (or two, fake_both()), and able to fail or lie on demand. Rooms are
 * tested over it with UNIT_CFLAGS (ASan, UBSan).
 *
 *     int main(void)
 *     {
 *         fake_init();          GS base, a current task, an empty arena
 *         RUN(some_test);       this_vcpu(), current_task(), target_*() work
 *         return unit_result();
 *     }
 *
 * Link the room's objects, the parts of kernel/core it uses (lock.o wait.o
 * timer.o log.o ...) and $(B)/unit/target/fake/fake.a. The archive has five
 * separate parts, taken as they are needed, so a room may bring its own:
 *   fake.o        target.h but the rings; this header
 *   fake_ring.o   the rings, executed with real descriptors
 *   fake_sched.o  in place of sched.c: one task, whose sleep runs whatever
 *                 can wake it (completions, timers) and which panics when
 *                 nothing can
 *   fake_both.o   fake_both()
 *   fake_heap.o   in place of kernel/mm/heap.h: malloc, so that ASan sees
 *                 every access
 */
#ifndef TARGET_FAKE_FAKE_H
#define TARGET_FAKE_FAKE_H

#include "abi/boundary.h"
#include "kernel/core/sched.h"
#include "kernel/kernel.h"
#include "target/target.h"

/* Starts from nothing, and again whenever called: arena released, clock at
 * one second, no failures, no lies. */
void fake_init(void);

/* The address fields of a boot_info for this arena (user part 256 GiB, kernel
 * part 4 GiB), commit_is_lazy false. */
void fake_boot_info(struct boot_info *info);

/* The current task: thread, mm and interrupted are the test's to set. */
struct task *fake_task(void);

/* ---- two vCPUs ---- */

enum { FAKE_VCPUS = 2 };

/* Runs fn(0) here and fn(1) at the same time, in a thread that is vCPU 1. Both
 * have the current task's thread; neither may sleep, so what they call must
 * not find a mutex taken. */
void fake_both(void (*fn)(unsigned id));
/* How many run; atomic. The calling thread becomes a vCPU (fake_both.o). */
extern uint32_t fake_running;
void fake_be_vcpu(unsigned id);

/* ---- failures ---- */

/* The n-th target call from now that can fail does: -ENOMEM from memory and
 * setup, -EIO as the result of a ring operation. 0: none. */
void fake_fail_after(unsigned n);
/* How many such calls there were since fake_init(). */
unsigned fake_calls(void);

/* Runs fn in a forked child. NULL when it returned; else the last line that
 * was logged before it called target_stop() (panic, host_lied), valid until
 * the next use. */
const char *fake_stopped(void (*fn)(void));

/* ---- time ---- */

/* Moves target_clock() on; it stands still otherwise, but for sleeps. */
void fake_advance(uint64_t ns);

/* ---- memory ---- */

/* The protection of a page of the arena, -1 if it is not committed. */
int fake_protection(uint64_t addr);
/* Committed bytes of the arena. */
uint64_t fake_committed(void);

/* ---- rings ---- */

/* False: completions appear within target_ring_submit(). True: only when the
 * task sleeps, so that the room's waiting is tried. */
void fake_defer(bool defer);

/* Whether ring 0 has receives of many into buffers that the host chooses, as
 * io_uring; from the next hostio_init() on. */
void fake_choose(bool choose);

/* Sees and may change each completion, and what the host writes through the
 * entry's pointers, before it is posted. NULL: none. */
void fake_on_complete(void (*hook)(unsigned ring, const struct ring_sqe *sqe,
                                   struct ring_cqe *cqe));

/* Posts a completion of the test's own. */
void fake_post(unsigned ring, uint64_t user_data, int32_t res);

/* Both sides' indices, for lies about them. */
struct fake_indices {
    uint32_t sq_head, sq_tail, cq_head, cq_tail;
};
struct fake_indices *fake_indices(unsigned ring);

/* Used by fake_sched.c: posts what has been deferred or became ready. */
bool fake_ring_progress(void);
/* The same call counting as the rest of the target. True: fail now. */
bool fake_fails_now(void);

#endif
