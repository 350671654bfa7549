/* SPDX-License-Identifier: MIT
 *
 * Which of an address space's pages may hold something, asked of the target in
 * batches: the searches of fork and of exchanges.
 */
#include "kernel/mm/family/families.h"
#include "target/target.h"

bool touched_next(struct touched *t, uint64_t *start, uint64_t end,
                  uint64_t *stop)
{
    while (*start < end) {
        while (t->next < t->count) {
            struct mem_run *r = &t->runs[t->next];
            if (r->start >= end) {
                return false;
            }
            if (r->end > *start) {
                *start = MAX(*start, r->start);
                *stop = MIN(end, r->end);
                return true;
            }
            t->next++;
        }
        t->from = MAX(t->from, *start);
        if (t->from >= end) {
            return false;
        }
        t->next = 0;
        t->count = target_mem_touched(&t->from, t->end, t->written, t->runs,
                                      TOUCHED_BATCH);
    }
    return false;
}

uint64_t touched_count(struct touched *found, uint64_t start, uint64_t end,
                       uint64_t enough)
{
    struct touched t;
    uint64_t n = 0, to;

    if (!touched_next(found, &start, end, &to)) {
        return 0;
    }
    t = *found; /* with the first answer, which whoever goes on needs, too */
    do {
        n += to - start;
        start = to;
    } while (n < enough && touched_next(&t, &start, end, &to));
    return n;
}
