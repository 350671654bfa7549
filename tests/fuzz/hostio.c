/* SPDX-License-Identifier: MIT
 *
 * The host's side of the rings, played by the input: it takes entries,
 * completes what is under way, and writes whatever it likes into completions
 * and indices at any moment. The kernel's side must notice every lie, complete
 * each operation at most once, and never with a result that it cannot have.
 *
 * hostio_ring.c and hostio_given.c are taken in as source: their parts are
 * looked at from here.
 */
#include "kernel/core/hostio_given.c"
#include "kernel/core/hostio_ring.c"

#include <setjmp.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

enum { ENTRIES = 64, OPS = 128, ARCH_SET_GS_ = 0x1001 };
enum { CHOSEN = 16, BUFFERS = 24 }; /* with the host at most, and in all */

static struct host_ring {
    uint32_t sq_head, sq_tail, cq_head, cq_tail;
    struct ring_sqe sqes[ENTRIES];
    struct ring_cqe cqes[ENTRIES];
    struct ring_buffer buffers[CHOSEN];
} host_side[TARGET_RINGS];

static struct op {
    struct hostio_op op;
    bool under_way;
} ops[OPS];

static jmp_buf lied;

/* ---- what hostio_ring.c calls ---- */

bool (*sched_poll_io)(bool hand_over);
uint32_t sched_io_inflight;
uint64_t sched_io_flush_at;
bool sched_io_hidden;
bool sched_ticks_are_dear;

void sched_looks(void)
{
}

void host_lied(const char *what)
{
    longjmp(lied, 1);
}

void panic(const char *fmt, ...)
{
    __builtin_trap();
}

void host_read(void *dst, struct hptr src, size_t len)
{
    memcpy(dst, (void *)src.addr, len);
}

uint64_t clock_now(void)
{
    return 1;
}

/* ---- what hostio_given.c calls ---- */

static bool buffer_used[BUFFERS];

struct host_buffer buffer_small(uint32_t index)
{
    return (struct host_buffer){
        {(index + 1ul) * BUFFER_SMALL}, BUFFER_SMALL, index};
}

bool buffer_try(size_t len, struct host_buffer *b)
{
    for (uint32_t i = 0; i < BUFFERS; i++) {
        if (!buffer_used[i]) {
            buffer_used[i] = true;
            *b = buffer_small(i);
            return true;
        }
    }
    return false;
}

void buffer_put(const struct host_buffer *b)
{
    fuzz_expect(b->index < BUFFERS && buffer_used[b->index]);
    buffer_used[b->index] = false;
}

bool buffer_is_scarce(size_t len)
{
    return false;
}

/* ---- the target ---- */

int target_ring_setup(unsigned index, struct target_ring *out)
{
    struct host_ring *h = &host_side[index];

    *out = (struct target_ring){
        .sq_head = {(uint64_t)&h->sq_head},
        .sq_tail = {(uint64_t)&h->sq_tail},
        .sqes = {(uint64_t)h->sqes},
        .cq_head = {(uint64_t)&h->cq_head},
        .cq_tail = {(uint64_t)&h->cq_tail},
        .cqes = {(uint64_t)h->cqes},
        .buffers = {index ? 0 : (uint64_t)h->buffers},
        .buffer_entries = index ? 0 : CHOSEN,
        .sq_entries = ENTRIES,
        .cq_entries = ENTRIES,
    };
    return 0;
}

void target_ring_submit(unsigned index, unsigned count)
{
}

/* Nobody waits here. */
bool one_vcpu;

void spin_lock_slow(void *l)
{
    __builtin_trap();
}
unsigned sched_vcpu_count(void)
{
    return 1;
}

void task_yield(void)
{
}

/* ---- the game ---- */

struct input {
    const uint8_t *at, *end;
};

static uint32_t take(struct input *in, size_t bytes)
{
    uint32_t n = 0;

    while (bytes-- && in->at < in->end) {
        n = n << 8 | *in->at++;
    }
    return n;
}

static void done(struct hostio_op *o, int32_t result)
{
    struct op *op = container_of(o, struct op, op);

    fuzz_expect(result >= -ERRNO_MAX &&
                (result < 0 || (uint32_t)result <= o->max));
    fuzz_expect(op->under_way && (o->multi || !o->more));
    if (o->got.size) {
        fuzz_expect(o->multi && buffer_used[o->got.index] &&
                    !bitmap_test(with, o->got.index));
        result % 2 ? hostio_give_back(&o->got) : buffer_put(&o->got);
    }
    op->under_way = o->more;
}

static void start(struct input *in)
{
    struct op *op = &ops[take(in, 1) % OPS];

    if (op->under_way) {
        return;
    }
    memset(op, 0, sizeof(*op));
    op->op.ring = take(in, 1) % 2;
    op->op.max = take(in, 1);
    op->op.parked = take(in, 1) % 2;
    op->op.multi = !op->op.ring && take(in, 1) % 2;
    op->op.done = done;
    op->under_way = true;
    hostio_start(&op->op);
}

static void complete(struct host_ring *h, uint64_t name, int32_t result,
                     uint32_t flags)
{
    h->cqes[h->cq_tail % ENTRIES] =
        (struct ring_cqe){.user_data = name, .res = result, .flags = flags};
    h->cq_tail++;
}

/* A buffer that the host has, and whether more is to come. */
static uint32_t choose(struct input *in)
{
    uint32_t i = take(in, 1) % BUFFERS, more = take(in, 1) % 2 * RING_MORE;

    while (!bitmap_test(with, i)) {
        i = (i + 1) % BUFFERS;
    }
    return RING_BUFFER | more | i << RING_BUFFER_SHIFT;
}

/* As a host that keeps its contract would. */
static void complete_one(struct input *in)
{
    struct op *op = &ops[take(in, 1) % OPS];

    if (op->under_way && op->op.state == HOSTIO_LIVE) {
        struct host_ring *h = &host_side[op->op.ring];
        int32_t result = (int32_t)(take(in, 1) % (op->op.max + 1));
        bool chooses = op->op.multi && result && given;

        h->sq_head = h->sq_tail;
        complete(h, op->op.name, op->op.multi && !chooses ? 0 : result,
                 chooses ? choose(in) : 0);
        drain(&rings[op->op.ring]);
    }
}

static void lie(struct input *in, struct host_ring *h)
{
    switch (take(in, 1) % 6) {
    case 0:
        h->sq_head = take(in, 4);
        break;
    case 1:
        h->cq_tail = take(in, 4);
        break;
    case 2:
        h->cq_tail += take(in, 1);
        break;
    case 3:
        h->cqes[take(in, 1) % ENTRIES].user_data = take(in, 4);
        break;
    case 4:
        complete(h, (uint64_t)take(in, 1) << 32 | take(in, 1),
                 (int32_t)take(in, 4), take(in, 4));
        break;
    default:
        h->sq_tail = take(in, 4); /* ours alone: must not matter */
        h->cq_head = take(in, 4);
        break;
    }
}

static void play(struct input *in)
{
    while (in->at < in->end) {
        unsigned r = take(in, 1);

        switch (r % 8) {
        case 0:
        case 1:
        case 2:
            start(in);
            break;
        case 3:
        case 4:
            complete_one(in);
            break;
        case 5:
            poll_rings(true);
            break;
        case 6:
            host_side[r / 8 % 2].sq_head += take(in, 1) % 4;
            break;
        default:
            lie(in, &host_side[r / 8 % 2]);
            break;
        }
    }
    poll_rings(true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct vcpu vcpu;
    struct input in = {data, data + size};

    vcpu.self = &vcpu;
    syscall(SYS_arch_prctl, ARCH_SET_GS_, &vcpu);
    memset(rings, 0, sizeof(rings));
    memset(host_side, 0, sizeof(host_side));
    memset(ops, 0, sizeof(ops));
    memset(buffer_used, 0, sizeof(buffer_used));
    memset(slots_uring, 0, sizeof(slots_uring));
    memset(slots_hostop, 0, sizeof(slots_hostop));
    sched_io_inflight = 0;
    if (setjmp(lied) == 0) {
        fuzz_expect(ring_init() == 0);
        play(&in);
    }
    return 0;
}
