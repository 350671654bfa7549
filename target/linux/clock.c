/* SPDX-License-Identifier: MIT
 *
 * The clock as vCPUs read it: the TSC, scaled by a piece of a line that
 * calibrate.c keeps bent towards the host's CLOCK_MONOTONIC. Where the TSC
 * cannot be trusted to run evenly, each reading is a system call.
 */
#include "target/linux/host.h"
#include "arch/x86_64/arch.h"
#include <linux/time_types.h>
#include <sys/syscall.h>
#include <time.h>

struct clock_piece clock_piece;

uint64_t clock_piece_at(const struct clock_piece *p, uint64_t tsc)
{
    /* A reading may precede the piece's start by a moment: signed. */
    int64_t delta = tsc - p->base_tsc;

    return p->base_ns + (uint64_t)(((__int128)delta * p->mult) >> p->shift);
}

static struct clock_piece current_piece(void)
{
    struct clock_piece p;

    do {
        p.sequence = atomic_load_acquire(&clock_piece.sequence);
        p.mult = atomic_load_relaxed(&clock_piece.mult);
        p.shift = atomic_load_relaxed(&clock_piece.shift);
        p.base_tsc = atomic_load_relaxed(&clock_piece.base_tsc);
        p.base_ns = atomic_load_relaxed(&clock_piece.base_ns);
        p.realtime_offset = atomic_load_relaxed(&clock_piece.realtime_offset);
        atomic_fence_acquire();
    } while ((p.sequence & 1) ||
             p.sequence != atomic_load_relaxed(&clock_piece.sequence));
    return p;
}

static uint64_t ask_host(void)
{
    struct __kernel_timespec ts;

    RAW(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

uint64_t target_clock(void)
{
    struct clock_piece p = current_piece();
    uint64_t *latest = &this_host_vcpu()->clock;
    uint64_t ns = p.mult ? clock_piece_at(&p, arch_rdtsc()) : ask_host();

    if (ns < *latest) {
        return *latest;
    }
    *latest = ns;
    return ns;
}

void target_clock_info(struct target_clock *out)
{
    struct clock_piece p = current_piece();

    out->base_tsc = p.base_tsc;
    out->base_ns = p.base_ns;
    out->mult = p.mult;
    out->shift = p.shift;
    out->realtime_offset = p.realtime_offset;
}
