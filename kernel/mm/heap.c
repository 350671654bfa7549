/* SPDX-License-Identifier: MIT
 *
 * Small objects by size class: a slab is a run of pages cut into equal
 * objects, and each vCPU keeps a short list of free objects of each class
 * (and of single pages), so that most calls take no lock. The kernel is never
 * preempted, hence these lists need none. Lists are filled and emptied in
 * batches under heap_lock.
 *
 * What kfree() must know about an object is in its page's descriptor
 * (pages.h). Sizes that are page multiples, and large ones, are page runs.
 */
#include "kernel/mm/heap.h"
#include "kernel/mm/limit.h"
#include "kernel/mm/pages.h"
#include "kernel/mm/warm.h"
#include "kernel/core/log.h"
#include "kernel/kernel.h"
#include "arch/x86_64/vcpu.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "target/target.h"

/* Multiples of 64 from 64 on (alignment), of 256 from 1024 on (class_of). */
static const uint16_t class_size[] = {
    16,  32,   48,   64,   128,  192,  256,  320,  384,  448,  512,  640,  768,
    896, 1024, 1280, 1536, 1792, 2048, 2560, 3072, 3584, 5120, 6144, 7168,
};
enum {
    CLASSES = ARRAY_SIZE(class_size),
    CLASS_PAGE = CLASSES, /* single pages, cached like objects */
    CLASS_COUNTED,        /* the same, of page_share_alloc() */
    SIZE_MAX_SLAB = 7168,
    SIZE_MAX_BELOW_PAGE = 3584,
    RECLAIM_PAGES = 512,
};

struct magazine {
    void *head; /* free objects, linked through their first word */
    uint32_t count;
};

/* Each row belongs to its vCPU. */
static struct vcpu_cache {
    struct magazine class[CLASS_COUNTED + 1];
} __attribute__((aligned(64))) caches[VCPU_MAX];

static uint8_t class_small[1024 / 16 + 1];           /* by (size + 15) / 16 */
static uint8_t class_large[SIZE_MAX_SLAB / 256 + 1]; /* by (size + 255) / 256 */
static uint32_t partial[CLASSES]; /* slabs with a free object; heap_lock */
static uint64_t fail_countdown;
static uint32_t changes; /* page_changes(); atomic */
static uint64_t (*shrinker)(uint64_t count);

void heap_init(uint64_t start, uint64_t end, uint64_t shown, uint64_t shown_end,
               uint64_t limit)
{
    unsigned c = 0;

    pages_init(start, end, shown, shown_end, limit);
    memset(caches, 0, sizeof(caches));
    memset(partial, 0, sizeof(partial));
    for (unsigned i = 0; i < ARRAY_SIZE(class_small); i++) {
        c += i * 16 > class_size[c];
        class_small[i] = (uint8_t)c;
    }
    for (unsigned i = 1024 / 256; i < ARRAY_SIZE(class_large); i++) {
        c += i * 256 > class_size[c];
        class_large[i] = (uint8_t)c;
    }
}

void heap_fail_after(uint64_t n)
{
    fail_countdown = n;
}

static bool fail_now(void)
{
    return unlikely(fail_countdown) && --fail_countdown == 0;
}

static struct magazine *magazine_of(unsigned class)
{
    return &caches[this_vcpu()->id].class[class];
}

static void magazine_push(struct magazine *m, void *object)
{
    *(void **)object = m->head;
    m->head = object;
    m->count++;
}

static void *magazine_pop(struct magazine *m)
{
    void *object = m->head;

    m->head = *(void **)object;
    m->count--;
    return object;
}

/* Objects moved at a time: about 8 KiB. */
static unsigned batch_of(unsigned class)
{
    unsigned n = class >= CLASS_PAGE ? 16 : 8192u / class_size[class];

    return MIN(MAX(n, 4u), 64u);
}

static unsigned slab_order(unsigned class)
{
    return class_size[class] <= 512 ? 0 : class_size[class] <= 2048 ? 2 : 3;
}

/* ---- slabs; heap_lock held ---- */

static uint32_t slab_create(unsigned class)
{
    unsigned order = slab_order(class), size = class_size[class];
    uint32_t slab = pages_take(ZONE_OWN, 1ul << order), n;
    struct page_desc *d = pages_desc(slab);
    char *base = pages_addr(slab);

    if (!slab) {
        return 0;
    }
    for (unsigned i = 0; i < 1u << order; i++) {
        d[i].kind = PAGE_SLAB;
        d[i].order = (uint8_t) class;
    }
    n = (uint32_t)(PAGE_SIZE << order) / size;
    for (uint32_t i = 0; i < n; i++) { /* each names the next, +1; 0 ends */
        *(uint32_t *)(base + i * size) = i + 1 < n ? i + 2 : 0;
    }
    d->used = 0;
    d->count = 1;
    pages_list_add(&partial[class], slab);
    return slab;
}

static void slab_destroy(uint32_t slab, unsigned class)
{
    unsigned order = slab_order(class);
    struct page_desc *d = pages_desc(slab);

    pages_list_del(&partial[class], slab);
    for (unsigned i = 0; i < 1u << order; i++) {
        d[i].kind = PAGE_NONE;
    }
    pages_give(slab, 1ul << order);
}

static void *slab_take(unsigned class)
{
    uint32_t slab = partial[class] ? partial[class] : slab_create(class);
    struct page_desc *d = pages_desc(slab);
    uint32_t *object;

    if (!slab) {
        return NULL;
    }
    object = (uint32_t *)((char *)pages_addr(slab) +
                          (d->count - 1) * (uint64_t)class_size[class]);
    d->count = *object;
    d->used++;
    if (!d->count) {
        pages_list_del(&partial[class], slab);
    }
    return object;
}

static void slab_give(void *object, unsigned class)
{
    uint32_t slab = pages_index(object) & ~((1u << slab_order(class)) - 1);
    struct page_desc *d = pages_desc(slab);
    uint64_t off = (uint64_t)object - (uint64_t)pages_addr(slab);

    check(d->used > 0 && off % class_size[class] == 0);
    if (!d->count) {
        pages_list_add(&partial[class], slab);
    }
    *(uint32_t *)object = d->count;
    d->count = (uint32_t)(off / class_size[class]) + 1;
    d->used--;
    if (!d->used && (d->next || d->prev)) { /* keep one empty slab */
        slab_destroy(slab, class);
    }
}

/* ---- between slabs and caches ---- */

static void *page_take_one(unsigned class)
{
    uint32_t index = pages_take(class == CLASS_PAGE ? ZONE_OWN : ZONE_SHOWN, 1);

    return index ? pages_addr(index) : NULL;
}

static void *magazine_refill(unsigned class)
{
    struct magazine *m = magazine_of(class);
    unsigned n = batch_of(class);
    void *object;

    spin_lock(&heap_lock);
    do {
        object = class >= CLASS_PAGE ? page_take_one(class) : slab_take(class);
        if (object) {
            magazine_push(m, object);
        }
    } while (object && m->count < n);
    spin_unlock(&heap_lock);
    return m->count ? magazine_pop(m) : NULL;
}

static void magazine_flush(struct magazine *m, unsigned class, unsigned keep)
{
    spin_lock(&heap_lock);
    while (m->count > keep) {
        void *object = magazine_pop(m);
        if (class >= CLASS_PAGE) {
            pages_give(pages_index(object), 1);
        } else {
            slab_give(object, class);
        }
    }
    spin_unlock(&heap_lock);
}

static void *cached_alloc(unsigned class)
{
    struct magazine *m = magazine_of(class);

    return likely(m->head) ? magazine_pop(m) : magazine_refill(class);
}

static void cached_free(void *object, unsigned class)
{
    struct magazine *m = magazine_of(class);

    check(object != m->head); /* the cheapest sign of a double free */
    magazine_push(m, object);
    if (unlikely(m->count > 2 * batch_of(class))) {
        magazine_flush(m, class, batch_of(class));
    }
}

/* ---- pages ---- */

static void *run_alloc(size_t count)
{
    uint32_t index;

    if (count == 1) {
        return cached_alloc(CLASS_PAGE);
    }
    spin_lock(&heap_lock);
    index = pages_take(ZONE_OWN, count);
    spin_unlock(&heap_lock);
    return index ? pages_addr(index) : NULL;
}

static void run_free(void *p, size_t count)
{
    if (count == 1) {
        cached_free(p, CLASS_PAGE);
        return;
    }
    spin_lock(&heap_lock);
    pages_give(pages_index(p), count);
    spin_unlock(&heap_lock);
}

void *page_alloc(size_t count)
{
    check(count > 0);
    return fail_now() ? NULL : run_alloc(count);
}

void page_free(void *p, size_t count)
{
    struct page_desc *d;

    if (!p) {
        return;
    }
    d = pages_desc(pages_index(p));
    check(d->kind == PAGE_RUN && d->count == count &&
          IS_ALIGNED((uint64_t)p, PAGE_SIZE));
    run_free(p, count);
}

void page_split(void *p, size_t count, size_t first)
{
    struct page_desc *d = pages_desc(pages_index(p));

    check(d->kind == PAGE_RUN && d->count == count && first < count);
    d[first].kind = PAGE_RUN;
    d[first].count = (uint32_t)(count - first);
    d->count = (uint32_t)first;
}

/* ---- counted pages ---- */

static void *counted_run(size_t count)
{
    uint32_t index;

    if (count == 1) {
        return cached_alloc(CLASS_COUNTED);
    }
    spin_lock(&heap_lock);
    index = pages_take(ZONE_SHOWN, count);
    spin_unlock(&heap_lock);
    return index ? pages_addr(index) : NULL;
}

void *page_share_alloc(size_t count)
{
    char *p = fail_now() ? NULL : counted_run(count);
    struct page_desc *d = p ? pages_desc(pages_index(p)) : NULL;

    for (size_t i = 0; d && i < count; i++) {
        d[i].kind = PAGE_COUNTED;
        d[i].count = 1;
    }
    return p;
}

static uint64_t uncounted, uncounted_len; /* set at boot */

void heap_set_uncounted(uint64_t start, uint64_t len)
{
    uncounted = start;
    uncounted_len = len;
}

static bool is_uncounted(const void *p)
{
    return (uint64_t)p - uncounted < uncounted_len;
}

void page_get(const void *p, size_t count)
{
    struct page_desc *d;

    if (is_uncounted(p)) {
        return;
    }
    d = pages_desc(pages_index(p));
    for (size_t i = 0; i < count; i++) {
        check(d[i].kind == PAGE_COUNTED);
        atomic_fetch_add(&d[i].count, 1);
    }
}

void page_put(void *p, size_t count)
{
    struct page_desc *d;

    if (is_uncounted(p)) {
        return;
    }
    d = pages_desc(pages_index(p));
    for (size_t i = 0; i < count; i++) {
        check(d[i].kind == PAGE_COUNTED && d[i].count > 0);
        if (atomic_sub_fetch(&d[i].count, 1) == 0) {
            cached_free((char *)p + i * PAGE_SIZE, CLASS_COUNTED);
        }
    }
}

uint32_t page_refs(const void *p)
{
    return is_uncounted(p)
               ? 2
               : atomic_load_relaxed(&pages_desc(pages_index(p))->count);
}

void page_changed(const void *p)
{
    if (page_refs(p) > 1) {
        atomic_fetch_add(&changes, 1);
    }
}

uint32_t page_changes(void)
{
    return atomic_load(&changes);
}

/* ---- objects ---- */

void *kmalloc(size_t size)
{
    if (fail_now()) {
        return NULL;
    }
    if (size <= 1024) {
        return cached_alloc(class_small[(size + 15) / 16]);
    }
    if (size <= SIZE_MAX_SLAB && !IS_ALIGNED(size, PAGE_SIZE) &&
        (size <= SIZE_MAX_BELOW_PAGE || size > PAGE_SIZE)) {
        return cached_alloc(class_large[(size + 255) / 256]);
    }
    if (size > SIZE_MAX - PAGE_SIZE) {
        return NULL;
    }
    return run_alloc((size + PAGE_SIZE - 1) / PAGE_SIZE);
}

void *kzalloc(size_t size)
{
    void *p = kmalloc(size);

    if (p) {
        memset(p, 0, size);
    }
    return p;
}

void kfree(void *p)
{
    struct page_desc *d;

    if (!p) {
        return;
    }
    d = pages_desc(pages_index(p));
    if (likely(d->kind == PAGE_SLAB)) {
        cached_free(p, d->order);
        return;
    }
    check(d->kind == PAGE_RUN && IS_ALIGNED((uint64_t)p, PAGE_SIZE));
    run_free(p, d->count);
}

char *kstrdup(const char *s)
{
    size_t size = strlen(s) + 1;
    char *copy = kmalloc(size);

    if (copy) {
        memcpy(copy, s, size);
    }
    return copy;
}

void heap_set_shrinker(uint64_t (*shrink)(uint64_t count))
{
    shrinker = shrink;
}

bool heap_low(void)
{
    return unlikely(limit_is_set()) && pages_low();
}

bool heap_reclaim(void)
{
    uint64_t got = warm_reclaim();

    got += shrinker && got < RECLAIM_PAGES ? shrinker(RECLAIM_PAGES) : 0;
    magazine_flush(magazine_of(CLASS_PAGE), CLASS_PAGE, 0);
    magazine_flush(magazine_of(CLASS_COUNTED), CLASS_COUNTED, 0);
    spin_lock(&heap_lock);
    got += pages_release_free();
    spin_unlock(&heap_lock);
    return got > 0;
}

void heap_get_stats(struct heap_stats *out)
{
    spin_lock(&heap_lock);
    pages_stats(out);
    spin_unlock(&heap_lock);
}
