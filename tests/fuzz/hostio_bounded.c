/* SPDX-License-Identifier: MIT
 *
 * The parser of completions over all of a bounded domain, beside the proof in
 * tests/prove: one operation is under way, and the host writes one completion
 * and both indices. Names, results, limits
 * and indices run over every value at which a check could be off by one, all
 * combined; each combination must be taken or noticed exactly as the contract
 * says, under the sanitizers.
 */
#include "tests/fuzz/hostio.c"

#include <stdio.h>

static const uint32_t slots[] = {0,         1,         2, 63, SLOTS_MAX - 1,
                                 SLOTS_MAX, UINT32_MAX};
static const uint32_t generations[] = {0, 1, 2, INT32_MAX, UINT32_MAX};
static const uint32_t limits[] = {0, 1, 4096, INT32_MAX};
static const int64_t results[] = {INT32_MIN, -4097, -4096, -4095, -1,       0,
                                  1,         4095,  4096,  4097,  INT32_MAX};
enum { TAILS = ENTRIES + 4 };

static unsigned taken, noticed, wrong;

static void set_up(uint32_t limit, bool multi)
{
    static struct vcpu vcpu;

    vcpu.self = &vcpu;
    syscall(SYS_arch_prctl, ARCH_SET_GS_, &vcpu);
    memset(rings, 0, sizeof(rings));
    memset(&host_side[0], 0, sizeof(host_side[0]));
    memset(slots_uring, 0, sizeof(slots_uring[0]) * 4);
    memset(buffer_used, 0, sizeof(buffer_used));
    sched_io_inflight = 0;
    fuzz_expect(ring_init() == 0);
    memset(&ops[0], 0, sizeof(ops[0]));
    ops[0].op.max = limit;
    ops[0].op.multi = multi;
    ops[0].op.done = done;
    ops[0].under_way = true;
    hostio_start(&ops[0].op);
    poll_rings(true);
}

/* Whether poll_rings() notices a lie. */
static bool is_noticed(void)
{
    if (setjmp(lied)) {
        return true;
    }
    poll_rings(true);
    return false;
}

static void judge(bool is_lie, bool completes)
{
    bool seen = is_noticed();

    wrong += seen != is_lie || (!is_lie && ops[0].under_way == completes);
    *(seen ? &noticed : &taken) += 1;
}

/* tail: how many completions the host says there are. */
static void one_completion(uint32_t limit, uint64_t name, int32_t result,
                           uint32_t tail)
{
    bool good;

    set_up(limit, false);
    good = name == ops[0].op.name && result >= -ERRNO_MAX &&
           (result < 0 || (uint32_t)result <= limit);
    host_side[0].sq_head = 1;
    host_side[0].cqes[0] = (struct ring_cqe){.user_data = name, .res = result};
    host_side[0].cq_tail = tail;
    judge(tail > 1 || (tail == 1 && !good), tail == 1 && good);
}

static void all_tails(uint32_t limit, uint64_t name, int32_t result)
{
    for (uint32_t tail = 0; tail < TAILS; tail++) {
        one_completion(limit, name, result, tail);
    }
    one_completion(limit, name, result, INT32_MAX);
    one_completion(limit, name, result, 1u << 31);
    one_completion(limit, name, result, UINT32_MAX);
}

static void all_completions(void)
{
    for (size_t m = 0; m < ARRAY_SIZE(limits); m++) {
        for (size_t r = 0; r < ARRAY_SIZE(results); r++) {
            for (size_t s = 0; s < ARRAY_SIZE(slots); s++) {
                for (size_t g = 0; g < ARRAY_SIZE(generations); g++) {
                    all_tails(limits[m],
                              (uint64_t)generations[g] << 32 | slots[s],
                              (int32_t)results[r]);
                }
            }
        }
    }
}

/* A receive of many: the buffer that the host names, and what it promises. */
static void one_choice(int32_t result, uint32_t flags)
{
    bool more = flags & RING_MORE, buffer = flags & RING_BUFFER;
    bool good = result >= -ERRNO_MAX && result <= BUFFER_SMALL &&
                (!more || result > 0) && (buffer || result <= 0) &&
                (!buffer || flags >> RING_BUFFER_SHIFT < CHOSEN);

    set_up(BUFFER_SMALL, true);
    host_side[0].sq_head = 1;
    host_side[0].cqes[0] = (struct ring_cqe){
        .user_data = ops[0].op.name, .res = result, .flags = flags};
    host_side[0].cq_tail = 1;
    judge(!good, good && !more);
    if (good && buffer) { /* and once more: it has it no longer, or again */
        uint32_t number = flags >> RING_BUFFER_SHIFT;
        bool has = bitmap_test(with, number);

        if (more) {
            host_side[0].cqes[1] = host_side[0].cqes[0];
            host_side[0].cq_tail = 2;
            judge(!has, false);
        }
    }
}

static void all_choices(void)
{
    static const uint32_t numbers[] = {0,       1,    CHOSEN - 1, CHOSEN,
                                       BUFFERS, 4095, 4096,       UINT16_MAX};

    for (size_t r = 0; r < ARRAY_SIZE(results); r++) {
        for (size_t n = 0; n < ARRAY_SIZE(numbers); n++) {
            for (uint32_t flags = 0; flags < 16; flags++) {
                one_choice((int32_t)results[r],
                           flags | numbers[n] << RING_BUFFER_SHIFT);
            }
        }
    }
}

/* How far the host says it has taken entries: looked at with the next one. */
static void one_head(uint32_t head)
{
    bool is_lie = head > 1;

    set_up(0, false);
    host_side[0].sq_head = head;
    memset(&ops[1], 0, sizeof(ops[1]));
    ops[1].op.done = done;
    if (setjmp(lied) == 0) {
        hostio_start(&ops[1].op);
        wrong += is_lie;
        taken++;
    } else {
        wrong += !is_lie;
        noticed++;
    }
}

int main(void)
{
    all_completions();
    all_choices();
    for (uint32_t head = 0; head < 200; head++) {
        one_head(head);
    }
    one_head(INT32_MAX);
    one_head(1u << 31);
    one_head(UINT32_MAX);
    printf("# %u taken, %u noticed\n", taken, noticed);
    printf("%s completions_over_a_bounded_domain\n",
           wrong || taken < 1000 || noticed < 1000 ? "not ok" : "ok");
    return wrong != 0;
}
