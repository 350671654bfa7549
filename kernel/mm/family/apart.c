/* SPDX-License-Identifier: MIT
 *
 * What programs without a choice of address have besides. Two runs of one are
 * a family for the sake of their images; libraries, stacks and most of their
 * memory could lie anywhere. So each has spans of its own for those, with its
 * own protection key, in which no other may map anything: it and the children
 * of its forks are a line. As long as a line has one member, its spans are
 * apart: their pages stay where they are in exchanges, out of reach of the
 * others, as another family's are. From a fork on they are exchanged like the
 * rest; once a line has one member again, they stay from when it goes next.
 *
 * Where the family was begun by a program with a choice (it has memory where
 * the other must be), all is one line.
 */
#include "kernel/mm/family/families.h"
#include "lib/atomic.h"
#include "target/target.h"

/* With more members their mappings could be too many for the host, which has
 * all of them at once then. */
enum { MEMBERS_MOST = 32, LINES = INT16_MAX };

static bool has_line(struct family *f, unsigned line, const struct mm *but)
{
    list_for_each (pos, &f->members) {
        const struct mm *mm = list_entry(pos, struct mm, family_node);
        if (mm != but && mm->line == line) {
            return true;
        }
    }
    return false;
}

void apart_begin(struct family *f, struct mm *mm)
{
    if (!f->splits) {
        return;
    }
    do {
        f->lines = f->lines % LINES + 1;
    } while (has_line(f, f->lines, NULL));
    mm->line = (uint16_t)f->lines;
    mm->line_key = mm->family->key;
    isolation_share_key(mm->line_key);
}

static bool is_of(const struct span *s, const struct mm *mm)
{
    return s->general && s->line == mm->line;
}

static void set(struct mm *mm, bool apart)
{
    struct family *f = mm->family;

    list_for_each (pos, &f->spans) {
        struct span *s = list_entry(pos, struct span, node);
        if (is_of(s, mm) && s->apart != apart) {
            slots_set_apart(s, apart);
            f->changes++; /* of what pieces there are, in all members */
        }
    }
}

/* Who holds a lock of its may look at what is there just now. */
void apart_look(struct family *f, const struct mm *in, struct mm *out)
{
    bool alone = f->splits && in->line != out->line &&
                 f->count <= MEMBERS_MOST && !out->lost &&
                 !mutex_taken(&out->lock) && !has_line(f, out->line, out);

    if (alone && vma_count_apart(out, true)) {
        set(out, true);
    }
}

void apart_end(struct mm *mm)
{
    if (mm->family->splits) {
        vma_count_apart(mm, false);
        set(mm, false);
    }
}

static void release_aliases(struct mm *mm, const struct span *s)
{
    struct vma *v = vma_find(mm, s->start);

    for (; v && v->start < s->end; v = vma_next(v)) {
        if (v->flags & VMA_ALIAS) {
            target_mem_release(v->start, MIN(v->end, s->end) - v->start);
        }
    }
}

void apart_leave(struct mm *mm)
{
    vma_count_apart(mm, false);
    list_for_each (pos, &mm->family->spans) {
        struct span *s = list_entry(pos, struct span, node);
        if (s->apart && is_of(s, mm)) {
            release_aliases(mm, s);
            pages_give_back(mm, s->start, s->end);
        }
    }
}

/* Not what others must leave alone for shared memory (family_share.c). */
void apart_bury(struct family *f, const struct mm *mm)
{
    if (!f->splits || f->shared || has_line(f, mm->line, mm)) {
        return;
    }
    list_for_each_safe (pos, &f->spans) {
        struct span *s = list_entry(pos, struct span, node);
        if (is_of(s, mm)) {
            slots_release(s);
        }
    }
}
