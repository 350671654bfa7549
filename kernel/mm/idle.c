/* SPDX-License-Identifier: MIT
 *
 * Idle runs: small pieces of anonymous memory that were just unmapped, kept
 * committed without access. Mapping the place again then costs a change of
 * protection and clearing bytes that are in the cache, instead of a page
 * fault of the host per page, or of an enclave's page that goes and one that
 * comes. First fit from the top down finds the place by
 * itself: what was freed last is the highest hole.
 *
 * In an enclave to take the access away is an exit, and to give it again is
 * another, which nothing inside can do. So a place that a program has mapped
 * and unmapped again and again is left open: it stays within the program's
 * reach until it is mapped the next time, and is cleared then. Only the program
 * itself can tell, by using memory that it has unmapped (docs/THREATS.md); one
 * that has been seen to touch what is not mapped has nothing left open.
 *
 * For everybody else an idle run does not exist: it is in no VMA and not
 * resident. Whoever maps something calls idle_take() or idle_drop() first.
 * mm->lock guards it.
 */
#include "kernel/mm/family/families.h"
#include "kernel/mm/limit.h"
#include "kernel/mm/room.h"
#include "kernel/mm/uaccess.h"
#include "arch/x86_64/arch.h"
#include "target/target.h"

/* Clearing more than RUN_MAX would cost more than faults on what is used. */
enum { RUN_MAX = 4 << 20, TOTAL_MAX = 8 << 20, DEAR = 4 };

/* On target linux a fault takes as long as clearing seven pages. So of what is
 * longer than SHORT the beginning is kept that the program seems to have used:
 * it is likely to use as much the next time. */
enum { SHORT = 64 << 10, SAMPLES = 8 };

/* How often is again and again; how much is left open, of one run and in
 * all. */
enum { OFTEN = 16, OPEN_MAX = 256 << 10, OPEN_TOTAL = 1 << 20 };

static uint64_t total_max(void)
{
    return arena.lazy ? TOTAL_MAX : (uint64_t)TOTAL_MAX * DEAR;
}

static void remember(struct mm *mm, uint64_t start, uint64_t end, bool open)
{
    mm->idle[mm->idle_count++] = (struct idle_run){start, end, open};
    mm->idle_bytes += end - start;
    limit_move_in((end - start) / PAGE_SIZE);
}

static void forget(struct mm *mm, unsigned i)
{
    uint64_t len = mm->idle[i].end - mm->idle[i].start;

    mm->idle_bytes -= len;
    limit_uncharge(len / PAGE_SIZE);
    mm->idle[i] = mm->idle[--mm->idle_count];
}

static void release(struct mm *mm, unsigned i)
{
    struct idle_run *r = &mm->idle[i];

    target_mem_release(r->start, r->end - r->start);
    forget(mm, i);
}

/* ---- what is left open ---- */

/* [start, end) was taken. */
static void count_turn(struct mm *mm, uint64_t start, uint64_t end)
{
    struct idle_place *p = mm->idle_places;

    if (arena.lazy || mm->idle_closed) {
        return;
    }
    for (unsigned i = 0; i < IDLE_PLACES; i++) {
        if (p[i].start == start && p[i].end == end) {
            p[i].turns += p[i].turns < OFTEN;
            return;
        }
    }
    p[mm->idle_place++ % IDLE_PLACES] = (struct idle_place){start, end, 1};
}

static uint64_t open_bytes(const struct mm *mm)
{
    uint64_t bytes = 0;

    for (unsigned i = 0; i < mm->idle_count; i++) {
        const struct idle_run *r = &mm->idle[i];
        bytes += r->open ? r->end - r->start : 0;
    }
    return bytes;
}

static bool stays_open(const struct mm *mm, uint64_t start, uint64_t end)
{
    const struct idle_place *p = mm->idle_places;
    unsigned i = 0;

    while (i < IDLE_PLACES && (p[i].start != start || p[i].end != end)) {
        i++;
    }
    return i < IDLE_PLACES && !mm->idle_closed && p[i].turns == OFTEN &&
           end - start <= OPEN_MAX &&
           open_bytes(mm) + (end - start) <= OPEN_TOTAL;
}

void idle_close(struct mm *mm)
{
    mm->idle_closed = true;
    for (unsigned i = 0; i < mm->idle_count;) {
        if (mm->idle[i].open) {
            release(mm, i);
        } else {
            i++;
        }
    }
}

/* ---- keeping ---- */

/* The run that begins or ends at an edge of [start, end), or IDLE_RUNS. */
static unsigned neighbour(const struct mm *mm, uint64_t start, uint64_t end,
                          bool open)
{
    for (unsigned i = 0; i < mm->idle_count; i++) {
        const struct idle_run *r = &mm->idle[i];
        if (r->open == open && (r->end == start || r->start == end) &&
            end - start + (r->end - r->start) <= RUN_MAX) {
            return i;
        }
    }
    return IDLE_RUNS;
}

/* What was cleared for the program and never written to is taken for unused. A
 * wrong guess costs a fault. */
static bool seems_zero(uint64_t page)
{
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint32_t val;
        if (get_user32_nofault(&val, uptr(page + i * (PAGE_SIZE / SAMPLES))) ||
            val) {
            return false;
        }
    }
    return true;
}

static uint64_t used_until(uint64_t start, uint64_t end)
{
    struct touched t = {.from = start, .end = end};
    uint64_t at = start, stop = start;

    if (!touched_next(&t, &at, end, &stop) || at != start) {
        return start;
    }
    while (stop > start && seems_zero(stop - PAGE_SIZE)) {
        stop -= PAGE_SIZE;
    }
    return stop;
}

uint64_t idle_keep(struct mm *mm, uint64_t start, uint64_t end)
{
    bool open = stays_open(mm, start, end);
    uint64_t from = start, kept = end;
    unsigned i;

    if (arena.lazy && end - start > SHORT) {
        end = kept = used_until(start, MIN(end, start + RUN_MAX));
    }
    if (start == end || end - start > RUN_MAX ||
        (!open && target_mem_protect(start, end - start, 0))) {
        return from;
    }
    while ((i = neighbour(mm, start, end, open)) < IDLE_RUNS) {
        start = MIN(start, mm->idle[i].start);
        end = MAX(end, mm->idle[i].end);
        forget(mm, i);
    }
    while (mm->idle_count == IDLE_RUNS ||
           mm->idle_bytes + (end - start) > total_max()) {
        release(mm, 0);
    }
    remember(mm, start, end, open);
    return kept;
}

void idle_drop(struct mm *mm, uint64_t start, uint64_t end)
{
    for (unsigned i = 0; i < mm->idle_count;) {
        if (mm->idle[i].start < end && start < mm->idle[i].end) {
            release(mm, i);
        } else {
            i++;
        }
    }
}

/* Cuts [start, end) out of run i; what remains on either side stays. */
static void cut(struct mm *mm, unsigned i, uint64_t start, uint64_t end)
{
    struct idle_run r = mm->idle[i];

    forget(mm, i);
    if (r.start < start) {
        remember(mm, r.start, start, r.open);
    }
    if (r.end > end && mm->idle_count == IDLE_RUNS) {
        target_mem_release(end, r.end - end);
    } else if (r.end > end) {
        remember(mm, end, r.end, r.open);
    }
}

/* [start, end), a part of run i, is the mapping's again. */
static bool take(struct mm *mm, unsigned i, uint64_t start, uint64_t end)
{
    cut(mm, i, start, end);
    if (pages_commit(mm, start, end, PROT_READ | PROT_WRITE)) {
        target_mem_release(start, end - start);
        return false;
    }
    if (arch_user_zero((void *)start, end - start)) {
        /* A host that keeps it out of reach now may show its old content. */
        pages_release(mm, start, end);
        return false;
    }
    return true;
}

/* All that is kept of the range. */
static void take_parts(struct mm *mm, uint64_t start, uint64_t end)
{
    for (unsigned i = 0; i < mm->idle_count;) {
        uint64_t from = MAX(mm->idle[i].start, start);
        uint64_t to = MIN(mm->idle[i].end, end);

        if (from < to) {
            take(mm, i, from, to);
            i = 0;
        } else {
            i++;
        }
    }
}

bool idle_take(struct mm *mm, uint64_t start, uint64_t end)
{
    unsigned i = 0;

    while (i < mm->idle_count &&
           (mm->idle[i].start > start || mm->idle[i].end < end)) {
        i++;
    }
    if (i < mm->idle_count) {
        count_turn(mm, start, end);
        return take(mm, i, start, end);
    }
    take_parts(mm, start, end);
    return false;
}
