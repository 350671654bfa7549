/* SPDX-License-Identifier: MIT
 *
 * Keeps the TSC clock beside the host's CLOCK_MONOTONIC. The rate is measured
 * from the process's first instants on, without waiting for it: a baseline of
 * 200 us is good to some 200 ppm. The service thread then measures again, ever
 * more rarely; an error is never stepped back but removed by running up to
 * SLEW faster or slower for one interval, so that time stays monotonic.
 */
#include "target/linux/host.h"
#include "arch/x86_64/arch.h"
#include <cpuid.h>
#include <time.h>

enum {
    BASELINE_NS = 200000,
    FIRST_STEP_NS = 5000000,
    LAST_STEP_NS = 1000000000,
    TOO_FAR_NS = 100000000, /* a suspended host, a moved machine */
    SAMPLES = 5,
};
#define SLEW        500e-6
#define REF_MAX_NS  100000000000ull /* measure over 100 s: follow NTP */
#define CPUID_TSC   0x80000007
#define EDX_TSC_INV (1u << 8)

struct sample {
    uint64_t tsc, ns;
};

static struct sample start, ref;
static uint64_t step_ns = FIRST_STEP_NS;
static int64_t host_offset; /* added to the host's time */

static uint64_t host_ns(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

/* The tightest of a few: a reading that was interrupted is wide. */
static struct sample take_sample(void)
{
    struct sample best = {0};
    uint64_t width = UINT64_MAX;

    for (int i = 0; i < SAMPLES; i++) {
        uint64_t t0 = arch_rdtsc();
        uint64_t ns = host_ns(CLOCK_MONOTONIC);
        uint64_t t1 = arch_rdtsc();

        if (t1 - t0 < width) {
            width = t1 - t0;
            best = (struct sample){t0 + width / 2, ns + host_offset};
        }
    }
    return best;
}

static bool tsc_is_invariant(void)
{
    unsigned a, b, c, d;

    return __get_cpuid(CPUID_TSC, &a, &b, &c, &d) && (d & EDX_TSC_INV);
}

static void publish(const struct clock_piece *p)
{
    uint32_t seq = clock_piece.sequence;

    atomic_store(&clock_piece.sequence, seq + 1);
    atomic_store(&clock_piece.mult, p->mult);
    atomic_store(&clock_piece.shift, p->shift);
    atomic_store(&clock_piece.base_tsc, p->base_tsc);
    atomic_store(&clock_piece.base_ns, p->base_ns);
    atomic_store(&clock_piece.realtime_offset, p->realtime_offset);
    atomic_store(&clock_piece.sequence, seq + 2);
}

static int64_t realtime_offset(void)
{
    return host_ns(CLOCK_REALTIME) - host_ns(CLOCK_MONOTONIC) - host_offset;
}

/* A piece from (tsc, ns) on with that many ns per cycle. */
static void publish_line(uint64_t tsc, uint64_t ns, double rate)
{
    struct clock_piece p = {.base_tsc = tsc, .base_ns = ns, .shift = 32};

    while (rate * (1ull << p.shift) >= 4294967295.0) {
        p.shift--;
    }
    p.mult = rate * (1ull << p.shift);
    p.realtime_offset = realtime_offset();
    publish(&p);
}

static double rate_since(const struct sample *from, const struct sample *to)
{
    return (double)(to->ns - from->ns) / (double)(to->tsc - from->tsc);
}

void calibrate_start(void)
{
    if (!start.tsc) {
        start = take_sample();
        ref = start;
    }
}

void calibrate_finish(void)
{
    struct sample now;

    if (!tsc_is_invariant()) {
        struct clock_piece none = {.realtime_offset = realtime_offset()};

        publish(&none);
        return;
    }
    do {
        now = take_sample();
    } while (now.ns - start.ns < BASELINE_NS);
    publish_line(now.tsc, now.ns, rate_since(&start, &now));
}

static double clamp(double x, double limit)
{
    return x > limit ? limit : x < -limit ? -limit : x;
}

uint64_t calibrate_step(void)
{
    struct sample now = take_sample();
    uint64_t ours;
    int64_t error;
    double rate;

    if (!clock_piece.mult) {
        struct clock_piece none = {.realtime_offset = realtime_offset()};

        publish(&none);
        return LAST_STEP_NS;
    }
    ours = clock_piece_at(&clock_piece, now.tsc);
    error = now.ns - ours;
    if (error > TOO_FAR_NS || error < -TOO_FAR_NS) {
        host_offset -= error;
        now.ns = ours;
        start = ref = now;
        error = 0;
        rate = (double)clock_piece.mult / (1ull << clock_piece.shift);
    } else {
        rate = rate_since(&start, &now);
    }
    if (now.ns - ref.ns > REF_MAX_NS) {
        start = ref;
        ref = now;
    }
    publish_line(now.tsc, ours,
                 rate * (1 + clamp((double)error / step_ns, SLEW)));
    step_ns = step_ns * 10 < LAST_STEP_NS ? step_ns * 10 : LAST_STEP_NS;
    return step_ns;
}
