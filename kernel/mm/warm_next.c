/* SPDX-License-Identifier: MIT
 *
 * See warm.h: from one call of a program's loader to the next. In an enclave
 * each change of what the host's page table or the EPCM allows is an exit, and
 * a loader makes changes that its next calls take back, or do once more for
 * another file:
 *
 *   it maps a library as a whole, and the segments over that. What waits there
 *   for the segments would be hidden, and be shown piece by piece.
 *   it takes the write access from what it has relocated, file by file (RELRO),
 *   itself last.
 *
 * What a run does here, in calls of the loader's own text that follow each
 * other, is noted, and the next run from the same place is expected to do it
 * again. Then what waits stays in reach for those who take all of it, and the
 * accesses go together, with the last. Any other call is told of first
 * (mm_called()) and finds everything as it should be, and so do who faults and
 * who visits.
 * So it is about the moments between two calls of the loader, of which the last
 * run has shown that nothing is touched in them; docs/THREATS.md says what that
 * leaves open.
 *
 * All of it under mm->lock.
 */
#include "kernel/mm/warm.h"
#include "kernel/core/log.h"
#include "abi/linux/errno.h"
#include "lib/string.h"
#include "target/target.h"

void (*mm_await_call)(bool on);

/* Not while somebody else is in it (mm_visit): he may touch it any time. */
static bool can_foresee(struct mm *mm)
{
    return mm_await_call && !arena.lazy && mm->warm && mm->warm->kind.loader &&
           !mm_in_use_by_others(mm);
}

static void await(struct mm *mm, bool on)
{
    if (mm->next.awaits != on) {
        mm->next.awaits = on;
        mm_await_call(on);
    }
}

/* ---- a library ---- */

/* The place of [start, end) among the known; their number: it is none. */
static unsigned find_library(const struct warm_known *k, uint64_t start,
                             uint64_t end)
{
    unsigned i = 0;

    while (i < k->library_count &&
           (k->libraries[i].start != start || k->libraries[i].end != end)) {
        i++;
    }
    return i;
}

bool warm_next_takes(struct mm *mm, uint64_t start, uint64_t end)
{
    struct mm_next *n = &mm->next;
    struct warm_piece *p;

    if (!can_foresee(mm) || n->end) {
        return false;
    }
    p = warm_piece_from(mm->warm, start);
    if (!p || p->start >= end) {
        return false;
    }
    n->start = start;
    n->end = end;
    n->open = find_library(&mm->warm->known, start, end) <
              mm->warm->known.library_count;
    await(mm, true);
    return n->open;
}

/* Something else comes than another segment. */
static void close_library(struct mm *mm, bool touched)
{
    struct warm_known *k = &mm->warm->known;
    struct mm_next *n = &mm->next;
    unsigned i = find_library(k, n->start, n->end);
    struct warm_piece *p = warm_piece_from(mm->warm, n->start);
    bool taken = !touched && !(p && p->start < n->end);

    if (n->open && !taken) {
        warm_hide(mm, n->start, n->end);
        k->libraries[i] = k->libraries[--k->library_count];
    } else if (!n->open && taken && k->library_count < KNOWN_FILES) {
        k->libraries[k->library_count++] = (struct mem_run){n->start, n->end};
    }
    n->end = 0;
}

void warm_next_fault(struct mm *mm, uint64_t addr)
{
    struct mm_next *n = &mm->next;

    if (n->end && addr >= n->start && addr < n->end) {
        close_library(mm, true);
    }
    if (n->count && !n->over) {
        warm_next_end(mm, false);
    }
}

void warm_next_visit(struct mm *mm)
{
    if (mm->next.end) {
        close_library(mm, true);
    }
    warm_next_end(mm, false);
}

/* ---- relocated data ---- */

/* Takes the write access that was put off. Of pages that the host does not let
 * go of nobody may think that they cannot be written to: they are lost. */
static int settle(struct mm *mm)
{
    struct mm_next *n = &mm->next;
    const struct mem_run *r = &n->files[n->settled];
    unsigned count = n->count - n->settled;

    n->settled = n->count;
    if (!count || !target_mem_protect_runs(r, count, PROT_READ)) {
        return 0;
    }
    log_warn("memory at %lx cannot be made read-only", r->start);
    for (; count--; r++) {
        pages_release(mm, r->start, r->end);
    }
    mm->lost = true;
    return -ENOMEM;
}

int warm_next_end(struct mm *mm, bool as_example)
{
    struct mm_next *n = &mm->next;
    int err = settle(mm);

    if (n->count && !n->over) {
        struct warm_known *k = &mm->warm->known;

        n->over = true;
        k->file_count = as_example ? n->count : 0;
        memcpy(k->files, n->files, k->file_count * sizeof(k->files[0]));
    }
    return err;
}

static bool is_relocated(struct mm *mm, uint64_t start, uint64_t end, int prot)
{
    const struct vma *v = vma_at(mm, start);

    return prot == PROT_READ && v && v->obj && !v->flags &&
           v->prot == (PROT_READ | PROT_WRITE) && end <= v->end &&
           resident_find(&mm->resident, start, end, false) == end;
}

void warm_next_protect(struct mm *mm, uint64_t start, uint64_t end, int prot)
{
    const struct warm_known *k = mm->warm ? &mm->warm->known : NULL;
    struct mm_next *n = &mm->next;
    unsigned i = n->count;

    n->puts_off = false;
    if (!can_foresee(mm) || n->over || !mm->warm->started) {
        return;
    }
    if (!is_relocated(mm, start, end, prot)) {
        warm_next_end(mm, false);
        return;
    }
    if (i == KNOWN_FILES) { /* no room to put off more */
        return;
    }
    n->files[n->count++] = (struct mem_run){start, end};
    n->puts_off = k->file_count > 1 && i < k->file_count && n->settled == 0 &&
                  k->files[i].start == start && k->files[i].end == end;
    if (!n->puts_off) {
        n->count = i;
        settle(mm);
        n->settled = n->count = i + 1;
    }
    await(mm, true);
}

/* What the loader relocates last is itself, before code of the program runs.
 * One that is the program's library, too (musl's), does not: the program's own
 * mprotect(2) would come next in the row, and its code would run in between. */
static bool is_last(struct mm *mm, uint64_t start)
{
    const struct vma *v = vma_at(mm, start);

    return v && warm_content(v) == mm->warm->kind.loader;
}

int warm_next_protected(struct mm *mm, uint64_t start, int err)
{
    struct mm_next *n = &mm->next;
    bool put_off = n->puts_off;

    n->puts_off = false;
    if (!n->count || n->over) {
        return err;
    }
    if (err) {
        n->count -= put_off;
        warm_next_end(mm, false);
        return err;
    }
    if (is_last(mm, start)) {
        return warm_next_end(mm, true);
    }
    return put_off && n->count == mm->warm->known.file_count ? settle(mm) : 0;
}

/* ---- the next call ---- */

static bool is_loaders(struct mm *mm, uint64_t rip)
{
    const struct vma *v = vma_at(mm, rip);

    return v && warm_content(v) == mm->warm->kind.loader;
}

void mm_called(struct mm *mm, enum mm_call call, uint64_t start, uint64_t end,
               uint64_t rip)
{
    struct mm_next *n = &mm->next;

    if (!n->awaits) {
        return;
    }
    mm_lock(mm);
    if (!is_loaders(mm, rip)) {
        call = MM_CALL_OTHER;
    }
    if (n->end && (call != MM_CALL_MAP || start < n->start || end > n->end)) {
        close_library(mm, false);
    }
    if (call != MM_CALL_PROTECT) {
        warm_next_end(mm, false);
    }
    await(mm, n->end || (n->count && !n->over));
    mm_unlock(mm);
}

void warm_next_leave(struct mm *mm)
{
    struct mm_next *n = &mm->next;

    if (n->count > n->settled && mm->warm) {
        mm->warm->uses = UINT32_MAX; /* pages can be written to still */
    }
    n->end = 0;
    if (n->awaits) {
        await(mm, false);
    }
}
