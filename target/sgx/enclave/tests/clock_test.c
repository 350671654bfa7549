/* SPDX-License-Identifier: MIT
 *
 * What a host can do to the enclave's clock by the line that it publishes: bend
 * it a little. Not make it jump, run at another rate, or begin elsewhere.
 */
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

#include "target/sgx/enclave/enclave.h"
#include "lib/tests/unit.h"

#define MULT  (1u << 31) /* half a ns a cycle */
#define SHIFT 32
#define LATER 2000000 /* cycles: a millisecond */

struct sgx_global sgx;
static struct sgx_info info = {.enclave_class = POLICY_CLASS_SGX1};
static struct sgx_clock host;
/* Never backwards: that is seen to elsewhere. In a page of its own. */
static struct {
    _Alignas(4096) uint64_t tsc;
} cycles;
static uint64_t begin;
static jmp_buf died;

void sgx_die(const char *why)
{
    longjmp(died, 1);
}

static void publish(uint64_t base_tsc, uint64_t base_ns, uint32_t mult)
{
    uint64_t sequence = (uint32_t)host.sequence_mult + 2;

    host = (struct sgx_clock){.sequence_mult = sequence | (uint64_t)mult << 32,
                              .shift = SHIFT,
                              .base_tsc = base_tsc,
                              .base_ns = base_ns};
}

/* A kernel that has just started, at time 7. */
static void fresh(void)
{
    sgx.info = &info;
    sgx.boot.clock = (uint64_t)&host;
    sgx.boot.tsc = (uint64_t)&cycles.tsc;
    begin = cycles.tsc += 1000;
    publish(begin, 7, MULT);
    clock_init();
}

/* Where the line begins that is in use. */
static uint64_t base(void)
{
    struct target_clock c;

    target_clock_info(&c);
    return c.base_ns;
}

static void later(void)
{
    cycles.tsc += LATER;
}

static void a_line_that_goes_on_is_taken(void)
{
    uint64_t ns = 7;

    fresh();
    for (int i = 0; i < 5; i++) {
        later();
        ns += LATER / 2;
        publish(cycles.tsc, ns, MULT);
        EXPECT_EQ(base(), ns);
    }
}

/* Not all of the lines in between have been seen. */
static void lines_may_have_been_missed(void)
{
    const uint64_t faster = MULT + MULT / 600;
    uint64_t ns = 7;

    fresh();
    later();
    ns += LATER / 2;
    publish(cycles.tsc, ns, (uint32_t)faster);
    later();
    ns += LATER * faster >> SHIFT;
    publish(cycles.tsc, ns, MULT);
    EXPECT_EQ(base(), ns);
}

static void a_line_that_jumps_is_not(void)
{
    const uint64_t right = 7 + LATER / 2, slack = LATER / 2 / 500 * 2;
    const uint64_t wrong[] = {
        right + slack + 1,    right - slack - 1, 0,
        right + (1ull << 40), 1ull << 63,        UINT64_MAX};

    fresh();
    later();
    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
        publish(cycles.tsc, wrong[i], MULT);
        EXPECT_EQ(base(), 7);
    }
    publish(cycles.tsc, right, MULT);
    EXPECT_EQ(base(), right);
    host.base_ns = right + 1; /* under the same number */
    EXPECT_EQ(base(), right);
}

static void nor_one_from_the_future_or_before_the_last(void)
{
    fresh();
    later();
    publish(cycles.tsc, 7 + LATER / 2, MULT);
    EXPECT_EQ(base(), 7 + LATER / 2);
    later();
    host.base_tsc = cycles.tsc; /* under the same number */
    host.base_ns = 7 + LATER;
    EXPECT_EQ(base(), 7 + LATER);
    host.base_tsc = begin + LATER;
    host.base_ns = 7 + LATER / 2;
    EXPECT_EQ(base(), 7 + LATER);

    fresh();
    later();
    publish(cycles.tsc + 1, 7 + LATER / 2, MULT);
    EXPECT_EQ(base(), 7);
    publish(begin - 1, 6, MULT);
    EXPECT_EQ(base(), 7);
}

static void nor_one_of_another_rate(void)
{
    const uint32_t wrong[] = {MULT + MULT / 400, MULT - MULT / 400, 0, 1,
                              UINT32_MAX};

    fresh();
    later();
    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
        publish(cycles.tsc, 7 + LATER / 2, wrong[i]);
        EXPECT_EQ(base(), 7);
    }
}

static uint64_t in_between; /* base() of the other vCPU */

static void on_fault(int sig)
{
    mprotect(&cycles, sizeof(cycles), PROT_READ | PROT_WRITE);
    later();
    publish(cycles.tsc, host.base_ns + LATER / 2, MULT);
    in_between = base();
}

/* A vCPU has looked at a line, and is not run before another vCPU has used the
 * next one: that stays. */
static void nor_one_that_another_vcpu_is_past(void)
{
    struct sigaction sa = {.sa_handler = on_fault};
    const uint64_t next = 7 + LATER, between = LATER + LATER / 2;

    fresh();
    later();
    publish(cycles.tsc, 7 + LATER / 2, MULT);
    sigaction(SIGSEGV, &sa, NULL);
    mprotect(&cycles, sizeof(cycles), PROT_NONE);
    EXPECT_EQ(base(), next);
    EXPECT_EQ(in_between, next);
    sa.sa_handler = SIG_DFL;
    sigaction(SIGSEGV, &sa, NULL);
    publish(begin + between, 7 + between / 2, MULT);
    EXPECT_EQ(base(), next);
}

/* Whatever it does at each turn, within a hundredth. */
static void all_lies_together_bend_it_a_little(void)
{
    uint64_t real = 0, ns = 7;

    fresh();
    for (int i = 0; i < 1000; i++) {
        later();
        real += LATER / 2;
        for (uint64_t more = 0; more < 20000; more += 500) {
            publish(cycles.tsc, ns + LATER / 2 + more, MULT + MULT / 501);
            if (base() != ns + LATER / 2 + more) {
                break;
            }
        }
        ns = base();
    }
    EXPECT(ns > real && ns < real + real / 100);
}

/* The host's word stands still: time goes on a little. It leaps: so does time.
 * It goes back, or is at its end: time does not go back. Last: it stays there.
 */
static void every_reading_is_later(void)
{
    uint64_t first, second;

    fresh();
    first = sgx_hosts_tsc();
    second = sgx_hosts_tsc();
    EXPECT(second > first && second - first < 1000);
    later();
    EXPECT_EQ(sgx_hosts_tsc(), cycles.tsc);
    cycles.tsc = 0;
    EXPECT(sgx_hosts_tsc() > second);
    cycles.tsc = UINT64_MAX - 100;
    first = sgx_hosts_tsc();
    EXPECT_EQ(first, UINT64_MAX - 100);
    for (int i = 0; i < 10; i++, first = second) {
        second = sgx_hosts_tsc();
        EXPECT(second >= first);
    }
}

static void nonsense_at_the_start_ends_it(void)
{
    fresh();
    publish(begin, 7, 0);
    if (!setjmp(died)) {
        clock_init();
        EXPECT(false);
    }
}

int main(void)
{
    RUN(a_line_that_goes_on_is_taken);
    RUN(lines_may_have_been_missed);
    RUN(a_line_that_jumps_is_not);
    RUN(nor_one_from_the_future_or_before_the_last);
    RUN(nor_one_of_another_rate);
    RUN(nor_one_that_another_vcpu_is_past);
    RUN(all_lies_together_bend_it_a_little);
    RUN(nonsense_at_the_start_ends_it);
    RUN(every_reading_is_later);
    return unit_result();
}
