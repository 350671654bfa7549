/* SPDX-License-Identifier: MIT
 *
 * Rewritten code and the stock (mm/stock.h): what an earlier run made of a file
 * is shown as it is, and what this one made is put into words for the next.
 *
 * A set's pages of slots that come from there are closed: they get no more.
 */
#include "kernel/mm/text/trampoline.h"
#include "kernel/mm/stock.h"
#include "lib/atomic.h"
#include "lib/string.h"

_Static_assert((int)STOCK_SLOTS == (int)TRAMPOLINE_SLOTS,
               "their maps are the same");
_Static_assert((int)STOCK_SLOT_BYTES == (int)TRAMPOLINE_SIZE,
               "and their pages");
_Static_assert(TRAMPOLINE_PAGES <= 32, "bits of slot_set.closed");

static size_t chunk_of(const struct text_image *img, uint64_t at)
{
    return (img->off % TEXT_CHUNK + at) / TEXT_CHUNK;
}

static uint64_t chunk_end(const struct text_image *img, size_t chunk)
{
    return MIN((chunk + 1) * TEXT_CHUNK - img->off % TEXT_CHUNK, img->len);
}

static bool is_stocked(const struct text_image *img, size_t chunk)
{
    return img->stock && bitmap_test(img->stock->filled, chunk);
}

char *text_code(const struct text_image *img, uint64_t at, uint64_t *end)
{
    size_t chunk = chunk_of(img, at);
    bool stocked = is_stocked(img, chunk);
    uint64_t stop = chunk_end(img, chunk);

    while (stop < *end && is_stocked(img, chunk + 1) == stocked) {
        stop = chunk_end(img, ++chunk);
    }
    *end = MIN(stop, *end);
    return (stocked ? stock_code(img->stock) : img->text) + at;
}

const struct stock_text *text_stocked(const struct text_anchor *a,
                                      const struct vma *v,
                                      const struct stock_text *s)
{
    do {
        s = stock_text(s, a->stock);
    } while (s && (v->off < s->off || v->off - s->off >= s->len));
    return s;
}

void text_from_stock(struct text_image *img, const struct stock_text *s)
{
    uint8_t *slots = (uint8_t *)stock_code(s) + s->len;

    img->stock = s;
    memcpy(img->filled, s->filled,
           BITMAP_WORDS(chunk_of(img, img->len - 1) + 1) * sizeof(uint64_t));
    img->slots.count = TRAMPOLINE_SLOTS;
    memcpy(img->slots.used, s->used, sizeof(img->slots.used));
    for (unsigned i = 0; i < TRAMPOLINE_PAGES; i++) {
        if (s->pages >> i & 1) {
            img->slots.pages[i] = slots + i * PAGE_SIZE;
            img->slots.closed |= 1u << i;
        }
    }
}

/* ---- for the next run ---- */

/* Without its lock, whose owner may be asleep for good by then: first which
 * code there is, whose slots are there as well. */
bool text_describe(const struct text_image *img, struct stock_text *out)
{
    size_t chunks = chunk_of(img, img->len - 1) + 1;
    bool more = false;

    *out = (struct stock_text){.ino = img->ino,
                               .off = img->off,
                               .len = img->len,
                               .distance = img->distance};
    for (size_t i = 0; i < BITMAP_WORDS(chunks); i++) {
        out->filled[i] = atomic_load_acquire(&img->filled[i]);
    }
    memcpy(out->used, img->slots.used, sizeof(out->used));
    for (unsigned i = 0; i < TRAMPOLINE_PAGES; i++) {
        out->pages |= (uint64_t)(img->slots.pages[i] != NULL) << i;
    }
    for (size_t i = 0; i < chunks; i++) {
        more |= bitmap_test(out->filled, i) && !is_stocked(img, i);
    }
    return more;
}

const char *text_piece(struct text_image *img, uint64_t at, uint64_t *end)
{
    size_t chunk = chunk_of(img, at);
    bool there = bitmap_test(img->filled, chunk);

    while (chunk_end(img, chunk) < *end &&
           bitmap_test(img->filled, chunk + 1) == there) {
        chunk++;
    }
    *end = MIN(*end, chunk_end(img, chunk));
    return there ? text_code(img, at, end) : NULL;
}

const void *text_slots(const struct text_image *img, unsigned i)
{
    return atomic_load_acquire(&img->slots.pages[i]);
}
