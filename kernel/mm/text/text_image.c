/* SPDX-License-Identifier: MIT
 *
 * See text_image.h. Of one piece of a file there may be a few images, with
 * slots at different distances, since the place of the first may be taken in
 * some address space; usually it is right below where the file begins.
 *
 * images_lock guards the lists; an image's lock its slots and the filling.
 * Chunks only ever become filled, and their bytes do not change then.
 */
#include "kernel/mm/limit.h"
#include "kernel/mm/stock.h"
#include "kernel/mm/text/trampoline.h"
#include "kernel/mm/warm.h"
#include "kernel/mm/heap.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "abi/linux/errno.h"

/* CHUNK: of the file's content, so that a fault brings in one where the file
 * is mapped at a multiple of it. */
enum {
    CHUNK = TEXT_CHUNK,
    EDGE = 1024,         /* more than what decides on a site is away from it */
    VARIANTS_MAX = 4,    /* images of the same piece */
    WHOLE_MAX = 4 << 20, /* such code comes as a whole the second time */
    CEILING_MAX = 1 << 20,
};

static struct spinlock images_lock = SPINLOCK_INIT(LOCK_DENTRY);
static struct list shrinkable;

void text_images_init(void)
{
    list_init(&shrinkable);
}

void text_anchor_init(struct text_anchor *a)
{
    list_init(&a->images);
    a->id = 0;
    a->stock = 0;
}

uint64_t text_id(struct text_anchor *a)
{
    static uint64_t last; /* under images_lock */
    uint64_t id = atomic_load_relaxed(&a->id);

    if (!id) {
        spin_lock(&images_lock);
        id = a->id ? a->id : ++last;
        atomic_store_relaxed(&a->id, id);
        spin_unlock(&images_lock);
    }
    return id;
}

/* ---- chunks ---- */

static size_t chunk_of(const struct text_image *img, uint64_t at)
{
    return (img->off % CHUNK + at) / CHUNK;
}

static uint64_t chunk_start(const struct text_image *img, size_t chunk)
{
    uint64_t skipped = img->off % CHUNK, at = (uint64_t)chunk * CHUNK;

    return at - MIN(at, skipped);
}

static uint64_t chunk_end(const struct text_image *img, size_t chunk)
{
    return MIN(chunk_start(img, chunk + 1), img->len);
}

static size_t chunk_count(uint64_t off, uint64_t len)
{
    return (off % CHUNK + len + CHUNK - 1) / CHUNK;
}

/* ---- lives ---- */

static void image_free(struct text_image *img)
{
    if (img->text) {
        page_put(img->text, img->len / PAGE_SIZE);
    }
    if (img->slots.room) {
        page_put(img->slots.room, TRAMPOLINE_PAGES);
    }
    kfree(img);
}

void text_image_get(struct text_image *img)
{
    atomic_fetch_add(&img->refs, 1);
}

void text_image_put(struct text_image *img)
{
    if (atomic_sub_fetch(&img->refs, 1) == 0) {
        image_free(img);
    }
}

/* A target may have larger pages for what is written at once: chunks lie at
 * multiples of their size. */
static char *text_alloc(uint64_t off, uint64_t len)
{
    uint64_t before = off % CHUNK;
    char *room = page_share_alloc((before + len) / PAGE_SIZE);

    if (room && before) {
        page_put(room, before / PAGE_SIZE);
    }
    return room ? room + before : NULL;
}

/* Room for a whole region, though few have so many sites: the address of a
 * slot must fit the instructions that it serves (patch_slot_fit). */
static int slots_alloc(struct text_image *img)
{
    img->slots.count = TRAMPOLINE_SLOTS;
    img->slots.room = page_share_alloc(TRAMPOLINE_PAGES);
    return img->slots.room ? 0 : -ENOMEM;
}

static struct text_image *image_new(const struct text_anchor *a, uint64_t off,
                                    uint64_t len, uint64_t distance)
{
    size_t chunks = chunk_count(off, len);
    struct text_image *img =
        kzalloc(sizeof(*img) + BITMAP_WORDS(chunks) * sizeof(uint64_t));

    if (!img) {
        return NULL;
    }
    *img = (struct text_image){.anchor = a,
                               .refs = 1,
                               .off = off,
                               .len = len,
                               .distance = distance,
                               .ino = a->stock};
    mutex_init(&img->lock, LOCK_TEXT);
    list_init(&img->node);
    list_init(&img->shrink_node);
    return img;
}

static struct text_image *image_create(const struct text_anchor *a,
                                       uint64_t off, uint64_t len,
                                       uint64_t distance)
{
    struct text_image *img = image_new(a, off, len, distance);

    if (!img) {
        return NULL;
    }
    img->text = text_alloc(off, len);
    if (!img->text || slots_alloc(img)) {
        image_free(img);
        return NULL;
    }
    return img;
}

/* Both under images_lock. */
static void enlist(struct text_anchor *a, struct text_image *img)
{
    text_image_get(img);
    img->listed = true;
    list_add_tail(&a->images, &img->node);
    list_add_tail(&shrinkable, &img->shrink_node);
}

static void delist(struct text_image *img, struct list *gone)
{
    img->listed = false;
    list_del(&img->node);
    list_del(&img->shrink_node);
    list_add_tail(gone, &img->node);
}

static void put_all(struct list *gone)
{
    struct list *pos;

    while ((pos = list_pop(gone)) != NULL) {
        text_image_put(list_entry(pos, struct text_image, node));
    }
}

/* img for old, of which the caller has a reference. */
static void replace(struct text_anchor *a, struct text_image *old,
                    struct text_image *img)
{
    struct list gone = LIST_INIT(gone);

    spin_lock(&images_lock);
    if (old->listed) {
        delist(old, &gone);
        enlist(a, img);
    }
    spin_unlock(&images_lock);
    put_all(&gone);
    text_image_put(old);
}

void text_forget(struct text_anchor *a)
{
    struct list gone = LIST_INIT(gone);

    spin_lock(&images_lock);
    list_for_each_safe (pos, &a->images) {
        delist(list_entry(pos, struct text_image, node), &gone);
    }
    spin_unlock(&images_lock);
    put_all(&gone);
}

uint64_t text_begin(struct text_anchor *a)
{
    uint64_t begin = UINT64_MAX;

    spin_lock(&images_lock);
    list_for_each (pos, &a->images) {
        begin = MIN(begin, list_entry(pos, struct text_image, node)->off);
    }
    spin_unlock(&images_lock);
    return begin;
}

uint64_t text_shrink(uint64_t count)
{
    struct list gone = LIST_INIT(gone);
    uint64_t pages = 0;

    warm_discard(0, UINT64_MAX);
    spin_lock(&images_lock);
    list_for_each_safe (pos, &shrinkable) {
        struct text_image *img =
            list_entry(pos, struct text_image, shrink_node);
        if (pages < count && atomic_load(&img->refs) == 1) {
            pages += img->text ? img->len / PAGE_SIZE : 1;
            delist(img, &gone);
        }
    }
    spin_unlock(&images_lock);
    put_all(&gone);
    return pages;
}

/* ---- which one ---- */

static uint64_t base_for(const struct text_image *img, const struct vma *v)
{
    return v->start - v->off + img->off;
}

static bool covers(const struct text_image *img, const struct text_anchor *a,
                   const struct vma *v)
{
    return img->anchor == a && img->off <= v->off &&
           v->off < img->off + img->len;
}

static bool is_filled(const struct text_image *img, size_t chunk)
{
    return bitmap_test(img->filled, chunk);
}

/* The end of the filled chunks from the one that `at` lies in on. */
static uint64_t filled_end(const struct text_image *img, uint64_t at)
{
    size_t chunk = chunk_of(img, at);

    while (at < img->len && is_filled(img, chunk)) {
        at = chunk_end(img, chunk++);
    }
    return at;
}

/* Some sites only show when they trap, in each address space that shows the
 * image. Where all of it is there already, a copy that has them rewritten, too,
 * takes its place: code that somebody may run is left alone. */
static struct text_image *improve(struct text_anchor *a, struct text_image *old,
                                  uint64_t base)
{
    struct text_image *img;

    if (!old->trapped_count || filled_end(old, 0) < old->len) {
        return old;
    }
    img = image_create(a, old->off, old->len, old->distance);
    if (!img) {
        return old;
    }
    mutex_lock(&old->lock);
    for (uint64_t at = 0, stop; at < old->len; at = stop) {
        const char *code = text_code(old, at, (stop = old->len, &stop));

        memcpy(img->text + at, code, stop - at);
    }
    memcpy(img->slots.used, old->slots.used, sizeof(img->slots.used));
    for (unsigned i = 0; i < TRAMPOLINE_PAGES; i++) {
        if (old->slots.pages[i]) {
            img->slots.pages[i] = img->slots.room + i * PAGE_SIZE;
            memcpy(img->slots.pages[i], old->slots.pages[i], PAGE_SIZE);
        }
    }
    mutex_unlock(&old->lock);
    bitmap_set_range(img->filled, 0, chunk_count(old->off, old->len));
    img->shown = old->shown;
    for (unsigned i = 0; i < old->trapped_count; i++) {
        text_improve(img, base, old->trapped[i]);
    }
    replace(a, old, img);
    return img;
}

/* One of those there are whose slots have room; counts them. With a
 * reference. */
static struct text_image *find_fitting(struct mm *mm, struct text_anchor *a,
                                       const struct vma *v, unsigned *count)
{
    struct text_image *found = NULL;

    *count = 0;
    spin_lock(&images_lock);
    list_for_each (pos, &a->images) {
        struct text_image *img = list_entry(pos, struct text_image, node);
        if (!covers(img, a, v)) {
            continue;
        }
        ++*count;
        if (!found && trampoline_fits(mm, base_for(img, v) - img->distance)) {
            found = img;
            text_image_get(img);
        }
    }
    spin_unlock(&images_lock);
    return found;
}

/* Usually where the file begins; else as near as can be. 0: nowhere. */
static uint64_t place_slots(struct mm *mm, const struct vma *v)
{
    uint64_t begin = v->off < v->start ? v->start - v->off : 0;
    uint64_t at =
        ALIGN_DOWN(begin, (uint64_t)TRAMPOLINE_SIZE) - TRAMPOLINE_SIZE;

    return begin > TRAMPOLINE_SIZE && trampoline_fits(mm, at)
               ? at
               : trampoline_place(mm, v->start);
}

/* One that an earlier run left. Where it misses code, that comes to memory of
 * this run's, and gets slots there. */
static struct text_image *
find_stocked(struct mm *mm, const struct text_anchor *a, const struct vma *v)
{
    const struct stock_text *s = NULL;
    struct text_image *img;

    do {
        s = text_stocked(a, v, s);
    } while (s &&
             !trampoline_fits(mm, v->start - v->off + s->off - s->distance));
    img = s ? image_new(a, s->off, s->len, s->distance) : NULL;
    if (!img) {
        return NULL;
    }
    text_from_stock(img, s);
    if (filled_end(img, 0) < img->len && slots_alloc(img)) {
        image_free(img);
        return NULL;
    }
    return img;
}

static struct text_image *make(struct mm *mm, struct text_anchor *a,
                               const struct vma *v, uint64_t size)
{
    uint64_t len = MIN(v->end - v->start, ALIGN_UP(size, PAGE_SIZE) - v->off);
    uint64_t slots;
    struct text_image *img;

    if (limit_is_set() && len > CEILING_MAX) {
        return NULL;
    }
    img = find_stocked(mm, a, v);
    slots = img ? 0 : place_slots(mm, v);
    if (slots) {
        img = image_create(a, v->off, len, v->start - slots);
    }
    if (img) {
        spin_lock(&images_lock);
        enlist(a, img);
        spin_unlock(&images_lock);
    }
    return img;
}

/* The image that v shows, from now on if not before. */
static struct text_image *image_for(struct mm *mm, const struct vma *v)
{
    struct text_image *img;
    struct text_anchor *a;
    unsigned count;
    uint64_t size;

    a = v->obj->ops->texts ? v->obj->ops->texts(v->obj, &size) : NULL;
    if (!a || v->off >= size) {
        return NULL;
    }
    img = trampoline_image(mm, a, v->start - v->off, v->off);
    if (img) {
        return img;
    }
    img = find_fitting(mm, a, v, &count);
    img = img ? improve(a, img, base_for(img, v)) : NULL;
    if (!img && count < VARIANTS_MAX) {
        img = make(mm, a, v, size);
    }
    if (img && trampoline_show(mm, base_for(img, v) - img->distance, img)) {
        text_image_put(img);
        img = NULL;
    }
    if (img) {
        img->shown++; /* a race costs little */
    }
    return img;
}

void text_note_trap(struct mm *mm, const struct vma *v, uint64_t at)
{
    uint64_t size;
    struct text_anchor *a =
        v->obj && v->obj->ops->texts ? v->obj->ops->texts(v->obj, &size) : NULL;
    struct text_image *img =
        a ? trampoline_image(mm, a, v->start - v->off, v->off) : NULL;

    if (!img || at - base_for(img, v) >= img->len) {
        return;
    }
    spin_lock(&images_lock);
    if (img->trapped_count < TRAPPED_MAX) {
        img->trapped[img->trapped_count++] = (uint32_t)(at - base_for(img, v));
    }
    spin_unlock(&images_lock);
}

/* ---- filling ---- */

struct taking {
    struct text_image *img;
    uint64_t start; /* of its slots */
};

static uint64_t take(void *arg, const struct patch_site *site,
                     const uint8_t *code, uint64_t addr)
{
    struct taking *t = arg;

    return slot_take(&t->img->slots, t->start, site, code, addr);
}

/* Of the object's content, as far as there is any. */
static size_t read_some(struct vm_object *o, uint64_t off, void *dst,
                        size_t len)
{
    const struct vm_object_ops *ops = o->ops;
    long n = (ops->read_once ? ops->read_once : ops->read)(o, off, dst, len);

    return n > 0 ? (size_t)n : 0;
}

/* Whether what is beyond the edges of a chunk matters to a site in it. */
static bool is_near_edge(const uint8_t *bytes, size_t size)
{
    return size < 2 * EDGE || text_has_sites(bytes, EDGE) ||
           text_has_sites(bytes + size - EDGE, EDGE);
}

/* size bytes at `at`, as they are in the object: rewritten in a copy with a
 * page before and one behind, as far as there are. 0 without memory: they trap.
 */
static uint64_t rewrite_between(const struct slot_source *source,
                                struct text_image *img, struct vm_object *o,
                                uint64_t at, size_t size, uint64_t base)
{
    uint64_t off = img->off + at, sites;
    size_t before = off ? PAGE_SIZE : 0, pages = size / PAGE_SIZE + 2;
    uint8_t *buf = page_alloc(pages);
    struct patch_text text = {.bytes = buf,
                              .lo = before,
                              .hi = before + size,
                              .addr = base + at - before,
                              .neighbours = true};

    if (!buf || (before && read_some(o, off - before, buf, before) != before)) {
        page_free(buf, pages);
        return 0;
    }
    memcpy(buf + before, img->text + at, size);
    text.len =
        text.hi +
        ALIGN_UP(read_some(o, off + size, buf + text.hi, PAGE_SIZE), PAGE_SIZE);
    sites = text_rewrite_from(source, &text);
    memcpy(img->text + at, buf + before, size);
    page_free(buf, pages);
    return sites;
}

/* Before anybody sees these pages. base: where the image would begin in some
 * address space. */
static uint64_t rewrite(struct text_image *img, struct vm_object *o,
                        uint64_t at, size_t size, uint64_t base)
{
    struct taking t = {img, base - img->distance};
    struct slot_source source = {.take = take, .arg = &t};
    struct patch_text text = {.bytes = (uint8_t *)img->text + at,
                              .len = size,
                              .hi = size,
                              .addr = base + at,
                              .neighbours = true};

    return is_near_edge(text.bytes, size)
               ? rewrite_between(&source, img, o, at, size, base)
               : text_rewrite_from(&source, &text);
}

static int fill(struct mm *mm, struct text_image *img, const struct vma *v,
                size_t chunk)
{
    uint64_t at = chunk_start(img, chunk);
    size_t size = chunk_end(img, chunk) - at;
    int err = 0;

    mutex_lock(&img->lock);
    if (!img->text) {
        img->text = text_alloc(img->off, img->len);
        err = img->text ? 0 : -ENOMEM;
    }
    if (!err && !is_filled(img, chunk)) {
        err = read_some(v->obj, img->off + at, img->text + at, size) == size
                  ? 0
                  : -EIO;
        if (!err) {
            mm->sites_patched +=
                rewrite(img, v->obj, at, size, base_for(img, v));
            spin_lock(&images_lock);
            bitmap_set(img->filled, chunk);
            spin_unlock(&images_lock);
        }
    }
    mutex_unlock(&img->lock);
    return err;
}

void text_show(struct mm *mm, struct vma *v, uint64_t start, uint64_t end,
               bool load)
{
    struct text_image *img = image_for(mm, v);
    uint64_t base, at, stop;
    char *code;

    if (!img) {
        return;
    }
    base = base_for(img, v);
    load = load || (img->shown == 2 && img->len <= WHOLE_MAX);
    for (at = start - base, end = MIN(end - base, img->len); at < end;) {
        if (load && !is_filled(img, chunk_of(img, at)) &&
            fill(mm, img, v, chunk_of(img, at))) {
            return;
        }
        if (!is_filled(img, chunk_of(img, at))) {
            at = chunk_end(img, chunk_of(img, at));
            continue;
        }
        stop = MIN(filled_end(img, at), end);
        code = text_code(img, at, &stop);
        stock_note(code == img->text + at ? 0 : (stop - at) / PAGE_SIZE);
        if (load && stop < end && !is_filled(img, chunk_of(img, stop))) {
            if (fill(mm, img, v, chunk_of(img, stop))) {
                return;
            }
            continue;
        }
        if (show_kept(mm, v, base + at, code, stop - at)) {
            return;
        }
        share_shown(mm, v, base + at, code, stop - at, img,
                    base - img->distance);
        at = stop;
    }
}

size_t text_collect(struct text_image **images, size_t room)
{
    size_t n = 0;

    spin_lock(&images_lock);
    list_for_each (pos, &shrinkable) {
        struct text_image *img =
            list_entry(pos, struct text_image, shrink_node);

        if (n < room && img->ino &&
            img->len < (STOCK_CHUNKS - 1) * (uint64_t)CHUNK) {
            text_image_get(img);
            images[n++] = img;
        }
    }
    spin_unlock(&images_lock);
    return n;
}
