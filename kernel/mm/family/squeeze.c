/* SPDX-License-Identifier: MIT
 *
 * What happens when the host refuses in the middle of an exchange, where there
 * is no way back: mostly because it has as many mappings as it allows
 * (vm.max_map_count), which many members with scattered pages can bring about.
 * Then, one after the other: memory that the kernel can do without goes; what
 * `out` has and `in` has not is taken away before its turn comes; members that
 * wait get their moved pages as copies, which need no mappings; and fewer are
 * moved from then on. When all that was in vain, who was to come is lost: none
 * of its pages is there, and who touches one of them is killed (mm->lost). The
 * others keep theirs.
 */
#include "kernel/mm/family/exchange.h"
#include "kernel/core/log.h"
#include "kernel/mm/heap.h"
#include "arch/x86_64/arch.h"
#include "lib/atomic.h"
#include "target/target.h"

enum step { CLEAR_AHEAD, UNMOVE };

void family_lose(struct mm *mm)
{
    if (!mm->lost) {
        log_error("the host has no mapping left for a process among %u that "
                  "share addresses (vm.max_map_count): it ends",
                  mm->family->count);
    }
    mm->lost = true;
    atomic_store_relaxed(&mm->pieces.fresh, 0);
}

/* Only content that the store has, too, or nobody needs. */
static void clear_ahead(const struct walk *w)
{
    static const struct pieces none;
    const struct pieces *out = w->out ? &w->out->pieces : &none;
    unsigned was_next = w->was, is_next = w->is;
    uint64_t at = w->at, end;

    for (; at < arena.end; at = end) {
        struct piece was = piece_at(out, &was_next, at);
        struct piece is = piece_at(&w->in->pieces, &is_next, at);

        end = MIN(was.end, is.end);
        if (was.own && !is.vma) {
            target_mem_release(at, end - at);
        }
    }
}

static void unmove_others(const struct walk *w)
{
    list_for_each (pos, &w->f->members) {
        struct mm *mm = list_entry(pos, struct mm, family_node);

        if (mm != w->in && mm != w->out) {
            store_unmove(&mm->store);
        }
    }
    shadow_take_less();
}

/* What has come already goes. */
static void lose(struct walk *w)
{
    const struct pieces *p = &w->in->pieces;

    w->lost = true;
    family_lose(w->in);
    for (unsigned i = 0; i < p->count && p->list[i].start < w->at; i++) {
        const struct piece *is = &p->list[i];
        if (is->own) {
            target_mem_release(is->start, MIN(is->end, w->at) - is->start);
        }
    }
}

bool exchange_insists(struct walk *w)
{
    if (w->lost) {
        return false;
    }
    if (heap_reclaim() && w->squeezed > UNMOVE) {
        return true;
    }
    switch (w->squeezed++) {
    case CLEAR_AHEAD:
        clear_ahead(w);
        return true;
    case UNMOVE:
        unmove_others(w);
        return true;
    default:
        lose(w);
        return false;
    }
}

/* A page of `out` that was to be traded: the content that is there goes to its
 * store alone. */
void exchange_keep(struct walk *w, const void *at, void *stored)
{
    if (arch_user_copy(stored, at, PAGE_SIZE)) {
        family_lose(w->out);
    }
}
