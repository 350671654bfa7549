/* SPDX-License-Identifier: MIT
 *
 * Time and timers. clock_now() is nanoseconds of the kernel's monotonic clock
 * (CLOCK_MONOTONIC and BOOTTIME); it never runs backwards, whatever the host
 * says. Timer callbacks run on some vCPU in kernel context, without locks
 * held by the caller, and must not block.
 */
#ifndef KERNEL_CORE_TIMER_H
#define KERNEL_CORE_TIMER_H

#include "lib/types.h"
#include "lib/atomic.h"
#include "lib/rbtree.h"
#include "arch/x86_64/arch.h"

#define NSEC_PER_SEC  1000000000ull
#define NSEC_PER_MSEC 1000000ull
#define NSEC_PER_USEC 1000ull
#define DEADLINE_NONE 0ull /* in wait_*(): no deadline */

uint64_t clock_now(void);

/* The TSC, or what the target has in its place (boot_info.tsc); once, at
 * boot. */
void clock_set_tsc(uint64_t (*source)(void));
extern uint64_t (*clock_tsc_source)(void);
static inline uint64_t clock_tsc(void)
{
    return unlikely(clock_tsc_source) ? clock_tsc_source() : arch_rdtsc();
}

/* How fast that is, as the line that clock_now() follows has it. 0: there is
 * none, the target is asked for the time. */
uint32_t clock_tsc_khz(void);

/* Nanoseconds since the epoch: clock_now() plus an offset. */
int64_t clock_realtime(void);
int64_t clock_realtime_offset(void);
/* clock_settime(2): shifts the offset; programs see it at once. */
void clock_set_realtime(int64_t ns);

/* The line over the TSC that clock_now() follows (clock.c), for who shows it
 * to programs: which one it is; whether the target has a newer one. Begin goes
 * over to that, if there is one, and returns its number: until end, nobody is
 * told the time, and the caller must neither block nor ask. */
struct target_clock;
uint32_t clock_turns(void);
bool clock_is_behind(void);
uint32_t clock_turn_begin(struct target_clock *out);
void clock_turn_end(void);

struct timer {
    struct rb_node node;
    uint64_t deadline;
    void (*fire)(struct timer *t);
    bool armed;
};

void timer_init(struct timer *t, void (*fire)(struct timer *));

/* Arms t at deadline (ns of clock_now()), or moves it. */
void timer_arm(struct timer *t, uint64_t deadline);

/* Disarms t. True when it was armed. On return its callback does not run and
 * will not, unless the caller is that callback. */
bool timer_cancel(struct timer *t);

/* Fires what is due; returns the next deadline or UINT64_MAX. sched.c calls
 * it. */
uint64_t timer_run(void);

extern uint64_t timer_earliest; /* atomic */
static inline uint64_t timer_next(void)
{
    return atomic_load_relaxed(&timer_earliest);
}

#endif
