/* SPDX-License-Identifier: MIT
 *
 * The parser of completions, for every host at once: proved by Frama-C's Eva,
 * an abstract interpreter (`make prove`). Host memory is addresses of which
 * nothing is known, at any reading; so are the sizes of the rings, and which
 * operations are under way. That no access leaves an object, no index is out of
 * range and nothing is divided, shifted or converted beyond what C defines, is
 * what Eva finds by itself; what is asserted here is what callbacks rely on.
 */
#include "kernel/core/sched.h"

static struct vcpu cpu;
#define this_vcpu() (&cpu)

#include "kernel/core/hostio_given.c"
#include "kernel/core/hostio_ring.c"

/* -absolute-valid-range in prove.sh. */
#define HOST_MEMORY 0x10000000ul
enum { OPS = 4, LIMIT = 65536, BUFFERS = SMALL_MAX };

extern volatile int any_int;
extern volatile unsigned any;
extern volatile unsigned long any_long;

static struct hostio_op ops[OPS];

/* ---- what the sources call ---- */

bool (*sched_poll_io)(bool hand_over);
uint32_t sched_io_inflight;
uint64_t sched_io_flush_at;
bool sched_io_hidden, one_vcpu;

/*@ assigns \nothing;
  @ ensures \false;
  @*/
void host_lied(const char *what);

/*@ assigns \nothing;
  @ ensures \false;
  @*/
void panic(const char *fmt, ...);

void spin_lock_slow(void *l)
{
}

/* Aligned words of which nothing is known. */
void host_read(void *dst, struct hptr src, size_t len)
{
    uint64_t *to = dst;

    //@ assert src.addr % 8 == 0 && len % 8 == 0;
    for (size_t i = 0; i < len / 8; i++) {
        to[i] = *(uint64_t *)(src.addr + i * 8);
    }
}

uint64_t clock_now(void)
{
    return any_long;
}

unsigned sched_vcpu_count(void)
{
    return 1;
}

void task_yield(void)
{
}

void target_ring_submit(unsigned index, unsigned count)
{
}

struct host_buffer buffer_small(uint32_t index)
{
    //@ assert index < BUFFERS;
    return (struct host_buffer){
        {HOST_MEMORY + index * 4096ul}, BUFFER_SMALL, index};
}

bool buffer_try(size_t len, struct host_buffer *b)
{
    *b = buffer_small(any % BUFFERS);
    return any;
}

void buffer_put(const struct host_buffer *b)
{
    //@ assert b->index < BUFFERS;
}

bool buffer_is_scarce(size_t len)
{
    return any;
}

/* ---- the host, and what is under way ---- */

/* Somewhere in host memory, as far as target_ring_setup() sees to it. */
static struct hptr theirs(uint64_t align)
{
    uint64_t off = any_long;

    return (struct hptr){HOST_MEMORY + (off & 0xffffff) * align};
}

int target_ring_setup(unsigned index, struct target_ring *out)
{
    *out = (struct target_ring){
        .sq_head = theirs(4),
        .sq_tail = theirs(4),
        .sqes = theirs(8),
        .sq_flags = {0},
        .cq_head = theirs(4),
        .cq_tail = theirs(4),
        .cqes = theirs(8),
        .buffers = theirs(8),
        .sq_entries = any,
        .cq_entries = any,
        .buffer_entries = any,
    };
    return 0;
}

static void done(struct hostio_op *op, int32_t result)
{
    //@ assert \valid(op);
    //@ assert -4095 <= result <= LIMIT;
    //@ assert op->got.size == 0 || op->got.index < BUFFERS;
}

/* Any slot may have any operation, of any generation, that asked for no more
 * than LIMIT. */
static void start_some(struct ring *r)
{
    for (uint32_t i = 0; i < SLOTS_MAX; i++) {
        slots_uring[i] = (struct slot){.op = any ? &ops[any % OPS] : NULL,
                                       .generation = any,
                                       .max = any % (LIMIT + 1),
                                       .next = any,
                                       .parked = any,
                                       .multi = any};
    }
    r->live = any;
    r->parked = any;
    r->cq_head = any;
    given = any;
    wanted = any;
    for (size_t i = 0; i < ARRAY_SIZE(with); i++) {
        with[i] = any_long;
    }
}

int main(void)
{
    struct ring *r = &rings[RING_URING];

    for (int i = 0; i < OPS; i++) {
        ops[i].done = done;
    }
    if (init_one(RING_URING) || given_init(&r->host)) {
        return 1;
    }
    start_some(r);
    while (any) {
        drain(r);
    }
    return 0;
}
