/* SPDX-License-Identifier: MIT
 *
 * Kept pages: given back by the kernel, and not to the host. The next commit of
 * the same addresses clears them, which needs none of the instructions and
 * calls that a page costs which goes and another one that comes.
 *
 * A kept page belongs to this file, and its byte changes under lock: to who
 * commits it (kept_take), or to who gives it to the host (PAGE_GOING until it
 * is gone, for which a taker waits). runs[] says where they are, the oldest
 * first; it may name pages that were taken meanwhile, and one twice.
 */
#include "target/sgx/enclave/pages.h"

enum { RUNS = 256 };
#define KEPT_MAX (64ull << 20)

static uint32_t lock; /* guards all below */
static struct mem_run runs[RUNS];
static unsigned first, count;
static uint64_t kept; /* pages */

static void take_lock(void)
{
    while (atomic_xchg_acquire(&lock, 1)) {
        cpu_relax();
    }
}

static void drop_lock(void)
{
    atomic_store_release(&lock, 0);
}

static uint64_t most(void)
{
    return (sgx.memory ? MIN(sgx.memory / 8, KEPT_MAX) : KEPT_MAX) / PAGE_SIZE;
}

/* Marks the first run of kept pages in [*at, end) as going; its end, or end
 * when there is none. Under lock. */
static uint64_t mark_going(uint64_t *at, uint64_t end)
{
    uint64_t stop;

    while (*at < end && !(pages_state(*at) & PAGE_KEPT)) {
        *at += PAGE_SIZE;
    }
    for (stop = *at; stop < end && pages_state(stop) & PAGE_KEPT;
         stop += PAGE_SIZE) {
        pages_set(stop, (pages_state(stop) & ~PAGE_KEPT) | PAGE_GOING);
        kept--;
    }
    return stop;
}

/* Gives the oldest to the host. False: there are none. */
static bool give_up_oldest(void)
{
    uint64_t at = 0, stop = 0;

    take_lock();
    while (count && at == stop) {
        struct mem_run *r = &runs[first];

        at = r->start;
        stop = mark_going(&at, r->end);
        r->start = stop;
        if (r->start == r->end) {
            first = (first + 1) % RUNS;
            count--;
        }
    }
    drop_lock();
    if (at < stop) {
        pages_remove(at, stop);
    }
    return at < stop;
}

static bool put(uint64_t addr, uint64_t end)
{
    bool room;

    take_lock();
    room = count < RUNS;
    if (room) {
        runs[(first + count++) % RUNS] = (struct mem_run){addr, end};
        for (uint64_t at = addr; at < end; at += PAGE_SIZE) {
            pages_set(at, (pages_state(at) & ~PAGE_COMMITTED) | PAGE_KEPT);
        }
        kept += (end - addr) / PAGE_SIZE;
    }
    drop_lock();
    return room;
}

bool kept_put(uint64_t addr, uint64_t end)
{
    if ((end - addr) / PAGE_SIZE > most()) {
        return false;
    }
    while (!put(addr, end)) {
        give_up_oldest();
    }
    while (atomic_load_relaxed(&kept) > most() && give_up_oldest()) {
    }
    return true;
}

uint64_t kept_take(uint64_t addr, uint64_t end)
{
    uint64_t at = addr;

    take_lock();
    for (; at < end && pages_state(at) & PAGE_KEPT; at += PAGE_SIZE) {
        pages_set(at, (pages_state(at) & ~PAGE_KEPT) | PAGE_COMMITTED);
        kept--;
    }
    drop_lock();
    while (at == addr && pages_state(at) & PAGE_GOING) {
        cpu_relax();
    }
    return at;
}

void kept_make_room(uint64_t pages)
{
    if (!sgx.memory) {
        return;
    }
    while (pages_committed() + atomic_load_relaxed(&kept) + pages >
               sgx.memory / PAGE_SIZE &&
           give_up_oldest()) {
    }
}
