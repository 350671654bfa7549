/* SPDX-License-Identifier: MIT
 *
 * Who owns which part of the arena. All address spaces share one, so it is
 * cut into slots of equal size (up to 4 GiB) with one owner each, a family; an
 * address space takes runs of slots, its spans, as it needs them, and finds
 * room for mappings inside them with its own tree. The first such span is its
 * home: image and heap at the bottom, everything else from the top down.
 *
 * Spans lie at random. Where the arena reaches up to where Linux has libraries
 * and stacks they lie there, as ThreadSanitizer wants it, and long ones below
 * (MemorySanitizer). In a smaller arena they lie above its lowest sixteenth,
 * which is left to programs that ask for fixed addresses (0x400000, Go's
 * 0xc000000000), and in the lower quarter of the rest, which leaves room in one
 * piece to programs that set terabytes aside.
 *
 * owners[] is guarded by slots_lock; an mm may read that an entry is its own
 * without it, since only the mm itself gives it up.
 */
#include "kernel/mm/warm.h"
#include "kernel/core/log.h"
#include "kernel/mm/heap.h"
#include "kernel/kernel.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "target/target.h"

#define SLOT_SIZE_MAX (4ull << 30)
#define SLOT_SIZE_MIN (16ull << 20)
#define LIBRARIES     0x7e8000000000ull
#define FAR           0x700000000000ull
enum { SLOTS_WANTED = 8192, RANDOM_TRIES = 16, ANY_LINE = UINT16_MAX };

static struct spinlock slots_lock = SPINLOCK_INIT(LOCK_SLOTS);
static struct family **owners; /* by slot: (address - base) / slot_size */
/* What more there is to know of one that has an owner: slots_lock to change. */
static struct slot {
    uint16_t line; /* whose members may use it (struct span); or ANY_LINE */
    uint8_t key;
    bool apart;
} * slots;
static uint64_t base, slot_size, slot_count;
static struct family nobody; /* owns the holes */
static const struct family *shown_owner;

/* Where runs of slots begin at random: short ones, and long ones. */
static struct choice {
    uint64_t first, count;
} shorts, longs;

static uint64_t slot_of(uint64_t addr)
{
    return (addr - base) / slot_size;
}

static void choose_ranges(void)
{
    uint64_t first = MAX(slot_count / 16, (uint64_t)1);

    check(slot_count > first);
    shorts = longs = (struct choice){first, (slot_count - first) / 4};
    if (arena.end > LIBRARIES) {
        first = slot_of(LIBRARIES);
        shorts = (struct choice){first, slot_count - first};
        longs = (struct choice){slot_of(FAR), first - slot_of(FAR)};
    }
}

int slots_init(const struct user_hole *holes)
{
    slot_size = SLOT_SIZE_MAX;
    while (slot_size > SLOT_SIZE_MIN &&
           arena.end - arena.start < slot_size * SLOTS_WANTED) {
        slot_size /= 2;
    }
    base = ALIGN_DOWN(arena.start, slot_size);
    slot_count = (arena.end - base) / slot_size;
    choose_ranges();
    owners = kzalloc(slot_count * sizeof(*owners));
    slots = kzalloc(slot_count * sizeof(*slots));
    for (unsigned i = 0; owners && i < USER_HOLES; i++) {
        for (uint64_t at = holes[i].start; at < holes[i].end; at += slot_size) {
            owners[slot_of(at)] = &nobody;
        }
    }
    return owners && slots ? 0 : -ENOMEM;
}

/* Whether [first, first + n) has no owner. */
static bool run_free(uint64_t first, uint64_t n)
{
    for (uint64_t i = first; i < first + n; i++) {
        if (owners[i]) {
            return false;
        }
    }
    return true;
}

static void run_set(uint64_t first, uint64_t n, struct family *f,
                    struct slot what)
{
    uint64_t start = MAX(base + first * slot_size, arena.start);

    for (uint64_t i = first; i < first + n; i++) {
        slots[i] = what;
        atomic_store_release(&owners[i], f);
    }
    target_mem_key(start, base + (first + n) * slot_size - start, what.key);
}

static struct slot fixed_slot(const struct family *f)
{
    unsigned key = f->splits ? f->fixed_key : f->key;

    return (struct slot){.line = ANY_LINE, .key = (uint8_t)key};
}

static struct slot general_slot(const struct mm *mm)
{
    unsigned key = mm->line ? mm->line_key : mm->family->key;

    return (struct slot){.line = mm->line, .key = (uint8_t)key};
}

/* Whether mm, whose family owns it, may map anything in slot i. */
static bool is_for(const struct mm *mm, uint64_t i)
{
    return slots[i].line == ANY_LINE || slots[i].line == mm->line;
}

bool slots_may_use(const struct mm *mm, const struct span *s)
{
    return is_for(mm, slot_of(s->start));
}

bool slots_apart(uint64_t at, uint64_t end, uint64_t *stop)
{
    uint64_t i = slot_of(at), last = slot_of(end - 1), next = i;

    while (next <= last && slots[next].apart == slots[i].apart) {
        next++;
    }
    *stop = MIN(end, base + next * slot_size);
    return slots[i].apart;
}

void slots_set_apart(struct span *s, bool apart)
{
    uint64_t first = slot_of(s->start), last = slot_of(s->end - 1);

    spin_lock(&slots_lock);
    for (uint64_t i = first; i <= last; i++) {
        atomic_store_relaxed(&slots[i].apart, apart);
    }
    spin_unlock(&slots_lock);
    s->apart = apart;
}

bool slots_own(const struct family *f, uint64_t addr)
{
    uint64_t i = slot_of(addr);

    return i < slot_count && atomic_load_relaxed(&owners[i]) == f;
}

unsigned slots_key(uint64_t addr)
{
    uint64_t i = slot_of(addr);

    return i < slot_count && atomic_load_relaxed(&owners[i]) ? slots[i].key : 0;
}

static struct span *span_new(void)
{
    return kzalloc(sizeof(struct span));
}

static void span_add(struct mm *mm, struct span *s, uint64_t first, uint64_t n,
                     bool general)
{
    s->start = MAX(base + first * slot_size, arena.start);
    s->end = base + (first + n) * slot_size;
    s->general = general;
    s->line = mm->line;
    list_add_tail(&mm->family->spans, &s->node);
}

/* What mappings without access may lie over (map_fix()). */
static bool is_hole(const struct family *owner)
{
    return owner == &nobody || (owner && owner == shown_owner);
}

/* Whether mm may use slot i, which has an owner. */
static bool is_ours(const struct mm *mm, uint64_t i, bool holes)
{
    return owners[i] == mm->family ? is_for(mm, i)
                                   : holes && is_hole(owners[i]);
}

/* The first run without owner in [*first, last], if all else is mm's (or, with
 * holes, a hole): its length, 0 when there is none, or -EBUSY. */
static int64_t run_missing(const struct mm *mm, uint64_t *first, uint64_t last,
                           bool holes)
{
    uint64_t n = 0, run = *first;

    for (uint64_t i = *first; i <= last; i++) {
        if (owners[i] && !is_ours(mm, i, holes)) {
            return -EBUSY;
        }
        if (!owners[i]) {
            run = n ? run : i;
            n = i - run + 1;
        } else if (n) {
            break;
        }
    }
    *first = run;
    return (int64_t)n;
}

static int claim(struct mm *mm, uint64_t start, uint64_t end, bool holes)
{
    uint64_t first = slot_of(start), last = slot_of(end - 1), i = first;
    int64_t n;

    if (last >= slot_count) {
        return -ENOMEM;
    }
    while (i <= last && atomic_load_relaxed(&owners[i]) == mm->family &&
           is_for(mm, i)) {
        i++;
    }
    while (i <= last) {
        struct span *s = span_new();
        if (!s) {
            return -ENOMEM;
        }
        spin_lock(&slots_lock);
        n = run_missing(mm, &i, last, holes);
        if (n > 0) {
            run_set(i, (uint64_t)n, mm->family, fixed_slot(mm->family));
        }
        spin_unlock(&slots_lock);
        if (n <= 0) {
            kfree(s);
            return (int)n;
        }
        span_add(mm, s, i, (uint64_t)n, false);
        i += (uint64_t)n;
    }
    return 0;
}

/* Who only waits there makes room. */
static int claim_from_idle(struct mm *mm, uint64_t start, uint64_t end,
                           bool holes)
{
    int err = claim(mm, start, end, holes);

    return err && warm_discard(start, end) ? claim(mm, start, end, holes) : err;
}

int slots_claim(struct mm *mm, uint64_t start, uint64_t end)
{
    return claim_from_idle(mm, start, end, false) ? -ENOMEM : 0;
}

int slots_set_aside(struct mm *mm, uint64_t start, uint64_t end)
{
    return claim_from_idle(mm, start, end, true) ? -ENOMEM : 0;
}

/* mm, which is empty, becomes a member of the family that has part of it.
 * -EAGAIN: that just ends, or has gone meanwhile. */
static int join(struct mm *mm, uint64_t start, uint64_t end)
{
    uint64_t first = slot_of(start), last = slot_of(end - 1);
    int err = -EAGAIN;

    spin_lock(&slots_lock);
    for (uint64_t i = first; i <= last; i++) {
        if (owners[i] && owners[i] != mm->family) {
            err = is_hole(owners[i]) ? -ENOMEM : family_enter(owners[i], mm);
            break;
        }
    }
    spin_unlock(&slots_lock);
    return err;
}

struct mm *slots_resident(uint64_t start, uint64_t end)
{
    struct mm *mm = NULL;

    spin_lock(&slots_lock);
    for (uint64_t i = slot_of(start); i <= slot_of(end - 1) && !mm; i++) {
        struct family *f = owners[i];

        if (f && !is_hole(f)) {
            spin_lock(&f->lock);
            mm = f->resident && mm_get_living(f->resident) ? f->resident : NULL;
            spin_unlock(&f->lock);
        }
    }
    spin_unlock(&slots_lock);
    return mm;
}

/* Before mm has anything. */
static void split(struct mm *mm)
{
    struct family *f = mm->family;

    if (list_empty(&f->spans) && !f->splits) {
        f->fixed_key = isolation_take_key();
        f->splits = true;
        isolation_grant(mm);
    }
}

int slots_claim_or_join(struct mm *mm, uint64_t start, uint64_t end)
{
    int err;

    split(mm);
    err = claim_from_idle(mm, start, end, false);
    if (err != -EBUSY) {
        return err;
    }
    return list_empty(&mm->family->spans) && !window_holds(start)
               ? join(mm, start, end)
               : -ENOMEM;
}

static uint64_t random_below(uint64_t n)
{
    uint64_t r;

    target_random(&r, sizeof(r));
    return r % n;
}

/* The first slot of n free ones; slot_count: none. At random unless n is so
 * large that it would tear apart what is left. slots_lock held. */
static uint64_t find_free(uint64_t n)
{
    const struct choice *c = n <= shorts.count / 4 ? &shorts : &longs;

    if (n > slot_count) {
        return slot_count;
    }
    for (int i = 0; n <= c->count / 4 && i < RANDOM_TRIES; i++) {
        uint64_t at = c->first + random_below(c->count);
        if (at + n <= slot_count && run_free(at, n)) {
            return at;
        }
    }
    for (uint64_t at = slot_count, run = 0; at-- > 0;) {
        run = owners[at] ? 0 : run + 1;
        if (run == n) {
            return at;
        }
    }
    return slot_count;
}

int slots_claim_any(struct mm *mm, uint64_t len, struct span **out)
{
    uint64_t n = (len + slot_size - 1) / slot_size, at;
    struct span *s = span_new();

    if (!s) {
        return -ENOMEM;
    }
    spin_lock(&slots_lock);
    at = find_free(n);
    if (at < slot_count) {
        run_set(at, n, mm->family, general_slot(mm));
    }
    spin_unlock(&slots_lock);
    if (at >= slot_count) {
        kfree(s);
        return warm_discard(0, UINT64_MAX) ? slots_claim_any(mm, len, out)
                                           : -ENOMEM;
    }
    span_add(mm, s, at, n, true);
    *out = s;
    return 0;
}

int slots_home(struct mm *mm, struct span **out)
{
    uint64_t len = MIN((arena.end - arena.start) / 32, SLOT_SIZE_MAX);
    int err = 0;

    if (!mm->home) {
        err = slots_claim_any(mm, MAX(len, slot_size), &mm->home);
        if (!err) {
            len = mm->home->end - mm->home->start;
            mm->home_top =
                mm->home->end - random_below(len / 16 / PAGE_SIZE) * PAGE_SIZE;
        }
    }
    *out = mm->home;
    return err;
}

int slots_claim_shown(struct mm *mm)
{
    int err = slots_claim(mm, arena.shown, arena.shown_end);

    if (!err) {
        mm->home = list_entry(mm->family->spans.next, struct span, node);
        mm->home->general = true;
        mm->home_top = mm->home->end;
        shown_owner = mm->family;
    }
    return err;
}

void slots_release(struct span *s)
{
    uint64_t first = slot_of(s->start);

    spin_lock(&slots_lock);
    run_set(first, slot_of(s->end - 1) - first + 1, NULL, (struct slot){0});
    spin_unlock(&slots_lock);
    list_del(&s->node);
    kfree(s);
}

void slots_release_all(struct family *f)
{
    list_for_each_safe (pos, &f->spans) {
        slots_release(list_entry(pos, struct span, node));
    }
}

void slots_trim(struct mm *mm, uint64_t start, uint64_t end)
{
    struct vma *next = vma_find(mm, start);
    struct vma *prev = next ? vma_prev(next) : vma_last(mm);

    if (end - start < slot_size || mm->family->count > 1) {
        return;
    }
    start = prev ? prev->end : arena.start;
    end = next ? next->start : arena.end;
    list_for_each_safe (pos, &mm->family->spans) {
        struct span *s = list_entry(pos, struct span, node);
        if (s != mm->home && s->start >= start && s->end <= end) {
            idle_drop(mm, s->start, s->end);
            warm_drop(mm, s->start, s->end);
            slots_release(s);
        }
    }
}
