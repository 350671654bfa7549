/* SPDX-License-Identifier: MIT
 *
 * Address spaces against a model that is an array of pages: random mmap,
 * munmap, mprotect, mremap, madvise and accesses inside a playground, each
 * compared with what the array says. Then the same with every call to the
 * target, or every allocation, failing in turn, or with a ceiling that is often
 * reached.
 */
#include "lib/tests/unit.h"
#include "kernel/mm/tests/support.h"
#include "kernel/mm/room.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/limit.h"
#include "abi/linux/errno.h"

enum { GROUND = 192, STEPS = 30000, FILE_PAGES = 100 };

struct page {
    bool mapped, file, shared;
    int prot;
    uint64_t word;   /* the page's first */
    uint64_t origin; /* of a file page: what it reads after DONTNEED */
};

static struct mm *mm;
static uint64_t ground;
static struct page model[GROUND];
static struct support_file file;

/* limit: the ceiling in bytes, 0: none. */
static void fresh(bool lazy, uint64_t limit)
{
    support_reset();
    limit_init(limit);
    heap_init(support_kernel_start(), support_kernel_end(), 0, 0, 0);
    mm_init(support_user_start(), support_user_end(), 0, lazy);
    EXPECT_EQ(mm_create(&mm), 0);
    support_set_mm(mm);
    support_file_init(&file, FILE_PAGES * PAGE_SIZE - 100);
    ground = support_user_start() + (1ul << 33) + 5 * PAGE_SIZE;
    memset(model, 0, sizeof(model));
}

static uint64_t addr_of(unsigned i)
{
    return ground + i * PAGE_SIZE;
}

static void pick(unsigned *first, unsigned *count)
{
    *first = support_rand() % GROUND;
    *count = 1 + support_rand() % (support_rand() % 4 ? 6 : 60);
    *count = MIN(*count, GROUND - *first);
}

static int some_prot(void)
{
    static const int prots[] = {0, 1, 3, 3, 3, 2};

    return prots[support_rand() % ARRAY_SIZE(prots)];
}

/* ---- one operation on both ---- */

static void do_map(void)
{
    unsigned i, n, off = support_rand() % FILE_PAGES;
    int kind = support_rand() % 4, prot = some_prot(), flags = MAP_FIXED;
    bool with_file = kind == 0, shared = kind == 1;
    uint64_t addr;

    pick(&i, &n);
    n = with_file ? MIN(n, FILE_PAGES - off) : n;
    addr = addr_of(i);
    flags |= (shared ? MAP_SHARED : MAP_PRIVATE) |
             (with_file ? 0 : MAP_ANONYMOUS) |
             (support_rand() % 8 ? 0 : MAP_POPULATE);
    EXPECT_EQ(mm_map(mm, &addr, n * PAGE_SIZE, prot, flags,
                     with_file ? &file.object : NULL, off * PAGE_SIZE),
              0);
    EXPECT_EQ(addr, addr_of(i));
    for (unsigned k = i; k < i + n; k++, off++) {
        uint64_t word = support_file_word(off * PAGE_SIZE);
        model[k] = (struct page){true, with_file, shared, prot, 0, 0};
        model[k].word = model[k].origin = with_file ? word : 0;
    }
}

static void do_unmap(void)
{
    unsigned i, n;

    pick(&i, &n);
    EXPECT_EQ(mm_unmap(mm, addr_of(i), n * PAGE_SIZE), 0);
    memset(&model[i], 0, n * sizeof(model[0]));
}

static void do_protect(void)
{
    unsigned i, n, k;
    int prot = some_prot(), err;

    pick(&i, &n);
    err = mm_protect(mm, addr_of(i), n * PAGE_SIZE, prot);
    for (k = i; k < i + n && model[k].mapped; k++) {
        model[k].prot = prot;
    }
    EXPECT_EQ(err, k < i + n ? -ENOMEM : 0);
}

static void do_write(void)
{
    unsigned i = support_rand() % GROUND;
    uint64_t word = support_rand();
    bool may = model[i].mapped && model[i].prot & 2;

    EXPECT_EQ(put_user64(uptr(addr_of(i)), word), may ? 0 : -EFAULT);
    if (may) {
        model[i].word = word;
    }
}

static void do_read(void)
{
    unsigned i = support_rand() % GROUND;
    bool may = model[i].mapped && model[i].prot;
    uint64_t word = 0;

    EXPECT_EQ(get_user64(&word, uptr(addr_of(i))), may ? 0 : -EFAULT);
    if (may) {
        EXPECT_EQ(word, model[i].word);
    }
}

static void do_advise(void)
{
    unsigned i, n;
    bool hole = false;

    pick(&i, &n);
    for (unsigned k = i; k < i + n; k++) {
        hole |= !model[k].mapped;
        if (!model[k].shared) {
            model[k].word = model[k].origin;
        }
    }
    EXPECT_EQ(mm_advise(mm, addr_of(i), n * PAGE_SIZE, MADV_DONTNEED),
              hole ? -ENOMEM : 0);
}

/* mremap of a run inside one VMA, to another place of the playground. */
static void do_move(void)
{
    unsigned i, n, to;
    struct page moved[GROUND];
    uint64_t addr;
    struct vma *v;

    pick(&i, &n);
    to = support_rand() % (GROUND - n + 1);
    if (to < i + n && i < to + n) {
        return;
    }
    addr = addr_of(to);
    v = vma_at(mm, addr_of(i));
    if (!v || v->end < addr_of(i + n)) {
        EXPECT_EQ(mm_remap(mm, addr_of(i), n * PAGE_SIZE, (n + 1) * PAGE_SIZE,
                           0, &addr),
                  -EFAULT);
        return;
    }
    EXPECT_EQ(mm_remap(mm, addr_of(i), n * PAGE_SIZE, n * PAGE_SIZE,
                       MREMAP_MAYMOVE | MREMAP_FIXED, &addr),
              0);
    memcpy(moved, &model[i], n * sizeof(model[0]));
    memset(&model[i], 0, n * sizeof(model[0]));
    memcpy(&model[to], moved, n * sizeof(model[0]));
}

static void step(void)
{
    switch (support_rand() % 16) {
    case 0:
    case 1:
    case 2:
        do_map();
        break;
    case 3:
    case 4:
        do_unmap();
        break;
    case 5:
    case 6:
        do_protect();
        break;
    case 7:
        do_advise();
        break;
    case 8:
        do_move();
        break;
    case 9:
    case 10:
    case 11:
        do_write();
        break;
    default:
        do_read();
    }
}

/* ---- what must hold ---- */

static int subtree_wrong(struct rb_node *node, uint64_t *lo, uint64_t *hi)
{
    struct vma *v = rb_entry(node, struct vma, node);
    uint64_t start = v->start, end = v->end, gap = 0, a, b;
    int wrong = 0;

    if (node->left) {
        wrong += subtree_wrong(node->left, &start, &b);
        wrong += b > v->start;
        gap =
            MAX(rb_entry(node->left, struct vma, node)->sub_gap, v->start - b);
    }
    if (node->right) {
        wrong += subtree_wrong(node->right, &a, &end);
        wrong += a < v->end;
        gap = MAX(gap, MAX(rb_entry(node->right, struct vma, node)->sub_gap,
                           a - v->end));
    }
    *lo = start;
    *hi = end;
    return wrong + (v->sub_start != start || v->sub_end != end ||
                    v->sub_gap != gap || v->start >= v->end);
}

static int tree_wrong(void)
{
    uint64_t lo, hi, sum = 0, count = 0;

    for (struct vma *v = vma_first(mm); v; v = vma_next(v)) {
        sum += v->end - v->start;
        count++;
    }
    return (mm->vmas.root && subtree_wrong(mm->vmas.root, &lo, &hi)) +
           (sum != mm->virtual_bytes) + (count != mm->vma_count);
}

static int state_wrong(bool compare)
{
    int wrong = tree_wrong();

    for (unsigned i = 0; i < GROUND; i++) {
        struct vma *v = vma_at(mm, addr_of(i));
        wrong += support_page_wrong(mm, addr_of(i));
        if (compare && (model[i].mapped != (v != NULL) ||
                        (v && v->prot != model[i].prot))) {
            printf("page %u is not as it should be\n", i);
            wrong++;
        }
    }
    return wrong;
}

/* Pages that the account has and we cannot find, or the other way around. */
static int64_t account_off(void)
{
    struct heap_stats heap;

    heap_get_stats(&heap);
    return (int64_t)(limit_used() - heap.bytes_committed / PAGE_SIZE -
                     mm->resident.pages - mm->idle_bytes / PAGE_SIZE);
}

/* ---- the tests ---- */

static void play(bool lazy)
{
    struct mm_stats s;

    fresh(lazy, 1ul << 30);
    for (int i = 0; i < STEPS && !unit_bad; i++) {
        step();
        EXPECT_EQ(state_wrong(true), 0);
        EXPECT_EQ(account_off(), 0);
    }
    mm_get_stats(mm, &s);
    EXPECT_EQ((s.resident_bytes + mm->idle_bytes) / PAGE_SIZE,
              support_committed(ground, addr_of(GROUND)));
    mm_put(mm);
    EXPECT_EQ(support_committed(ground, addr_of(GROUND)), 0);
    EXPECT_EQ(file.refs, 0);
}

static void random_operations_match_the_model(void)
{
    play(false);
}

static void random_operations_match_the_model_committing_lazily(void)
{
    play(true);
}

/* One of the operations above, wherever it fails. Content is not compared:
 * what came before the failure may have happened. */
static void fail_somewhere(void)
{
    static const uint64_t advice[] = {MADV_DONTNEED, MADV_POPULATE_READ,
                                      MADV_DONTFORK};
    uint64_t addr, len;
    unsigned i, n;

    pick(&i, &n);
    addr = addr_of(i);
    len = n * PAGE_SIZE;
    switch (support_rand() % 7) {
    case 0:
        mm_map(mm, &addr, len, some_prot(),
               MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
        break;
    case 1:
        mm_map(mm, &addr, len, some_prot(),
               MAP_FIXED | MAP_PRIVATE | MAP_POPULATE, &file.object, 0);
        break;
    case 2:
        mm_unmap(mm, addr, len);
        break;
    case 3:
        mm_protect(mm, addr, len, some_prot());
        break;
    case 4:
        mm_advise(mm, addr, len,
                  (int)advice[support_rand() % ARRAY_SIZE(advice)]);
        break;
    case 5:
        addr = addr_of(support_rand() % (GROUND - n));
        mm_remap(mm, addr_of(i), len, len, MREMAP_MAYMOVE | MREMAP_FIXED,
                 &addr);
        break;
    default:
        put_user64(uptr(addr), 1);
    }
}

static void play_failing(bool lazy, uint64_t limit)
{
    fresh(lazy, limit);
    for (unsigned i = 0; i < STEPS && !unit_bad; i++) {
        if (limit && i % 4) {
            ; /* the ceiling is trouble enough */
        } else if (i % 2) {
            support_fail_target(1 + support_rand() % 4, 1);
        } else {
            heap_fail_after(1 + support_rand() % 6);
        }
        fail_somewhere();
        support_fail_target(0, 0);
        heap_fail_after(0);
        EXPECT_EQ(state_wrong(false), 0);
        EXPECT_EQ(limit ? account_off() : 0, 0);
    }
    mm_put(mm);
    EXPECT_EQ(support_committed(ground, addr_of(GROUND)), 0);
    EXPECT_EQ(file.refs, 0);
}

static void failures_leave_a_consistent_state(void)
{
    play_failing(false, 0);
}

static void failures_leave_a_consistent_state_committing_lazily(void)
{
    play_failing(true, 0);
}

/* Of 3 MiB the heap takes 2, and the ground has 768 KiB. */
static void a_ceiling_leaves_a_consistent_state(void)
{
    play_failing(false, 3ul << 20);
    play_failing(true, 3ul << 20);
}

int main(void)
{
    RUN(random_operations_match_the_model);
    RUN(random_operations_match_the_model_committing_lazily);
    RUN(failures_leave_a_consistent_state);
    RUN(failures_leave_a_consistent_state_committing_lazily);
    RUN(a_ceiling_leaves_a_consistent_state);
    return unit_result();
}
