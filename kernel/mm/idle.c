/* SPDX-License-Identifier: MIT
 *
 * Idle runs: small pieces of anonymous memory that were just unmapped, kept
 * committed without access. Mapping the place again then costs a change of
 * protection and clearing bytes that are in the cache, instead of a page
 * fault of the host per page, or of an enclave's page that goes and one that
 * comes. First fit from the top down finds the place by
 * itself: what was freed last is the highest hole.
 *
 * For everybody else an idle run does not exist: it is in no VMA and not
 * resident. Whoever maps something calls idle_take() or idle_drop() first.
 * mm->lock guards it.
 */
#include "kernel/mm/limit.h"
#include "kernel/mm/room.h"
#include "arch/x86_64/arch.h"
#include "target/target.h"

/* Clearing more than RUN_MAX would cost more than faults on what is used: those
 * of a host, or of an enclave. */
enum { RUN_MAX = 1 << 20, TOTAL_MAX = 8 << 20, DEAR = 4 };

static uint64_t run_max(void)
{
    return arena.lazy ? RUN_MAX : (uint64_t)RUN_MAX * DEAR;
}

static uint64_t total_max(void)
{
    return arena.lazy ? TOTAL_MAX : (uint64_t)TOTAL_MAX * DEAR;
}

static void remember(struct mm *mm, uint64_t start, uint64_t end)
{
    mm->idle[mm->idle_count++] = (struct idle_run){start, end};
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

/* The run that begins or ends at an edge of [start, end), or IDLE_RUNS. */
static unsigned neighbour(const struct mm *mm, uint64_t start, uint64_t end)
{
    for (unsigned i = 0; i < mm->idle_count; i++) {
        const struct idle_run *r = &mm->idle[i];
        if ((r->end == start || r->start == end) &&
            end - start + (r->end - r->start) <= run_max()) {
            return i;
        }
    }
    return IDLE_RUNS;
}

bool idle_keep(struct mm *mm, uint64_t start, uint64_t end)
{
    unsigned i;

    if (end - start > run_max() || target_mem_protect(start, end - start, 0)) {
        return false;
    }
    while ((i = neighbour(mm, start, end)) < IDLE_RUNS) {
        start = MIN(start, mm->idle[i].start);
        end = MAX(end, mm->idle[i].end);
        forget(mm, i);
    }
    while (mm->idle_count == IDLE_RUNS ||
           mm->idle_bytes + (end - start) > total_max()) {
        release(mm, 0);
    }
    remember(mm, start, end);
    return true;
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
        remember(mm, r.start, start);
    }
    if (r.end > end && mm->idle_count == IDLE_RUNS) {
        target_mem_release(end, r.end - end);
    } else if (r.end > end) {
        remember(mm, end, r.end);
    }
}

bool idle_take(struct mm *mm, uint64_t start, uint64_t end)
{
    unsigned i = 0;

    while (i < mm->idle_count &&
           (mm->idle[i].start > start || mm->idle[i].end < end)) {
        i++;
    }
    if (i == mm->idle_count) {
        idle_drop(mm, start, end);
        return false;
    }
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
