/* SPDX-License-Identifier: MIT
 *
 * The clock: the TSC, which the CPU lets the enclave read, scaled by a line
 * that the host keeps bent towards its own time. The host's word is taken for
 * the frequency at the start, within what CPUs have, and for corrections of
 * FREQUENCY_SLACK from then on; a line that leaves that, or does not begin
 * where the one before has got to, is not used. Time stays untrusted: what
 * comes out is monotonic on each vCPU, and runs at about the rate of the start.
 *
 * In the SGX1 class RDTSC is undefined: a word of the host's, which it brings
 * up to date every millisecond or so, stands in for the TSC everywhere. Between
 * two of its values time goes on with each reading, so that what ran is never
 * seen to have taken none.
 */
#include "target/sgx/enclave/enclave.h"
#include "arch/x86_64/arch.h"

enum {
    TRIES = 1000,
    READING = 64,          /* cycles: no reading takes less */
    FREQUENCY_SLACK = 500, /* one part in that many */
};
/* ns per cycle, as a fraction of 2^32: 10 GHz and 200 MHz. */
#define RATE_MIN ((1ull << 32) / 10)
#define RATE_MAX ((1ull << 32) * 5)

static struct sgx_clock piece; /* the latest good one */
static uint64_t first_rate;
static uint32_t lock; /* piece's writers */
static uint32_t sequence;

/* ns per cycle times 2^32; 0 for nonsense. */
static uint64_t rate_of(const struct sgx_clock *c)
{
    uint64_t mult = c->sequence_mult >> 32, shift = (uint32_t)c->shift;

    return shift > 63 ? 0 : (uint64_t)(((__uint128_t)mult << 32) >> shift);
}

static bool is_plausible(const struct sgx_clock *c)
{
    uint64_t rate = rate_of(c);

    if (!first_rate) {
        return rate >= RATE_MIN && rate <= RATE_MAX;
    }
    return rate - first_rate + first_rate / FREQUENCY_SLACK <=
           2 * (first_rate / FREQUENCY_SLACK);
}

static bool read_piece(struct sgx_clock *out)
{
    for (int i = 0; i < TRIES; i++) {
        uint64_t before = outside_load(sgx.boot.clock);

        outside_read(out, sgx.boot.clock, sizeof(*out));
        if (!(before & 1) && out->sequence_mult == before &&
            outside_load(sgx.boot.clock) == before) {
            return is_plausible(out);
        }
        cpu_relax();
    }
    return false;
}

/* Grows with each reading, whoever reads; at its end (a host's lie) it stays.
 */
uint64_t sgx_hosts_tsc(void)
{
    static uint64_t latest;
    uint64_t tsc = outside_load(sgx.boot.tsc);
    uint64_t seen = atomic_load(&latest);
    uint64_t next;

    do {
        next = seen < UINT64_MAX - READING ? seen + READING : seen;
        next = MAX(next, tsc);
    } while (!atomic_cas(&latest, &seen, next));
    return next;
}

static bool has_rdtsc(void)
{
    return sgx.info->enclave_class != POLICY_CLASS_SGX1;
}

uint64_t sgx_tsc(void)
{
    return has_rdtsc() ? arch_rdtsc() : sgx_hosts_tsc();
}

void clock_init(void)
{
    struct sgx_clock c;

    if (!read_piece(&c)) {
        sgx_die("the host gives no usable frequency of the TSC");
    }
    piece = c;
    first_rate = rate_of(&c);
}

uint64_t sgx_cycles_per_1024ns(void)
{
    return (1024ull << 32) / first_rate;
}

static uint64_t ns_at(const struct sgx_clock *c, uint64_t tsc)
{
    /* A reading may precede the piece's start by a moment: signed. */
    int64_t delta = tsc - c->base_tsc;
    uint32_t mult = c->sequence_mult >> 32;

    return c->base_ns +
           (uint64_t)(((__int128)delta * mult) >> (uint32_t)c->shift);
}

/* Whether c begins where p has got to; or about there, for we may not have seen
 * the lines in between. An honest host never steps (calibrate.c). */
static bool goes_on(const struct sgx_clock *p, const struct sgx_clock *c)
{
    uint64_t reached = ns_at(p, c->base_tsc);
    uint64_t slack = 2 * ((reached - p->base_ns) / FREQUENCY_SLACK);

    return c->base_tsc >= p->base_tsc && c->base_tsc <= sgx_tsc() &&
           c->base_ns - reached + slack <= 2 * slack;
}

static struct sgx_clock own_piece(void)
{
    struct sgx_clock c;
    uint32_t seq;

    do {
        seq = atomic_load(&sequence);
        c = *(volatile struct sgx_clock *)&piece;
    } while (seq & 1 || seq != atomic_load(&sequence));
    return c;
}

static bool is_same(const struct sgx_clock *a, const struct sgx_clock *b)
{
    return a->sequence_mult == b->sequence_mult && a->base_tsc == b->base_tsc;
}

/* c goes on from own. False: on another vCPU, while the host kept this one from
 * running, it went on from there already. Who meets a writer leaves it to him.
 */
static bool take_over(const struct sgx_clock *own, const struct sgx_clock *c)
{
    bool is_own;

    if (is_same(c, own) || atomic_xchg_acquire(&lock, 1)) {
        return true;
    }
    is_own = is_same(&piece, own);
    if (is_own) {
        atomic_store(&sequence, sequence + 1);
        piece = *c;
        atomic_store(&sequence, sequence + 1);
    }
    atomic_store_release(&lock, 0);
    return is_own;
}

/* The line to use now: the host's when it is good, else the one before. */
static struct sgx_clock current_piece(void)
{
    struct sgx_clock own, c;

    do {
        own = own_piece();
        if (!read_piece(&c) || !goes_on(&own, &c)) {
            return own;
        }
    } while (!take_over(&own, &c));
    return c;
}

uint64_t target_clock(void)
{
    struct sgx_clock c = current_piece();
    uint64_t *latest = &this_sgx_vcpu()->clock;
    uint64_t ns = ns_at(&c, sgx_tsc());

    if (ns < *latest) {
        return *latest;
    }
    *latest = ns;
    return ns;
}

void target_clock_info(struct target_clock *out)
{
    struct sgx_clock c = current_piece();

    out->base_tsc = c.base_tsc;
    out->base_ns = c.base_ns;
    out->mult = has_rdtsc() ? c.sequence_mult >> 32 : 0;
    out->shift = c.shift;
    out->realtime_offset = c.realtime_offset;
}
