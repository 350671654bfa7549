/* SPDX-License-Identifier: MIT
 *
 * What a run leaves for the next one of the same image (mm/stock.h): what the
 * last one left, and what this one checked and rewrote beyond that. It is
 * written when the instance ends, if that is much, under a name of its own,
 * and takes the old one's place when it is complete. Any failure: nothing is
 * left, and nobody hears of it.
 */
#include "kernel/kernel.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/pagecache/pagecache.h"
#include "kernel/core/hostio.h"
#include "kernel/core/log.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/stock.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/fcntl.h"

/* WORTH: fewer new pages are not, nor less than an eighth of what there was,
 * where that is more than SMALL: it is written anew. */
enum {
    PAGES_MAX = 32 << 10,
    TEXTS_MAX = 1024,
    WORTH = 8,
    SHARE = 8,
    SMALL = 4096,
    SLOT_PAGES = STOCK_SLOT_BYTES / PAGE_SIZE,
    MODE = 0600,
};

struct text {
    struct stock_text now;
    struct text_image *img;       /* a reference; NULL: it is old */
    const struct stock_text *old; /* what the stock has of it */
};

struct saving {
    struct stock_page *pages; /* new ones, references; in order of block */
    size_t page_count, page_room;
    struct text *texts;
    size_t text_count;
    uint64_t fresh; /* pages of code that are new */
    uint64_t blocks;
    char *index;
    uint64_t index_len;
    int fd;
};

/* ---- what there is ---- */

/* By Shell's method: there are some thousand. */
static void sort_pages(struct stock_page *p, size_t count)
{
    for (size_t gap = count / 2; gap > 0; gap = gap == 2 ? 1 : gap * 5 / 11) {
        for (size_t i = gap; i < count; i++) {
            struct stock_page page = p[i];
            size_t j = i;

            for (; j >= gap && p[j - gap].block > page.block; j -= gap) {
                p[j] = p[j - gap];
            }
            p[j] = page;
        }
    }
}

static int collect_pages(struct saving *s)
{
    struct pagecache_stats stats;

    pagecache_get_stats(&stats);
    s->page_room = MIN(stats.pages + 1, (uint64_t)PAGES_MAX);
    s->pages = page_alloc(
        ALIGN_UP(s->page_room * sizeof(*s->pages), PAGE_SIZE) / PAGE_SIZE);
    if (!s->pages) {
        return -ENOMEM;
    }
    s->page_count = pagecache_collect(s->pages, s->page_room);
    sort_pages(s->pages, s->page_count);
    return 0;
}

static bool is_same(const struct stock_text *a, const struct stock_text *b)
{
    return a->ino == b->ino && a->off == b->off && a->len == b->len &&
           a->distance == b->distance;
}

static uint64_t chunks_of(const struct stock_text *t)
{
    return bitmap_count(t->filled, STOCK_CHUNKS);
}

/* An old text is left out where this run has had it, and perhaps more of it. */
static void add_old_texts(struct saving *s, size_t fresh)
{
    const struct stock_head *h = stock_head();

    for (size_t i = 0; h && i < h->text_count; i++) {
        const struct stock_text *old = stock_texts() + i;
        bool found = false;

        for (size_t j = 0; j < fresh && !found; j++) {
            found = is_same(old, &s->texts[j].now);
        }
        if (!found && s->text_count < TEXTS_MAX) {
            s->texts[s->text_count++] = (struct text){.now = *old, .old = old};
        }
    }
}

static int collect_texts(struct saving *s)
{
    struct text_image **images = kmalloc(TEXTS_MAX * sizeof(*images));
    size_t count;

    s->texts = kmalloc(TEXTS_MAX * sizeof(*s->texts));
    if (!images || !s->texts) {
        kfree(images);
        return -ENOMEM;
    }
    count = text_collect(images, TEXTS_MAX);
    for (size_t i = 0; i < count; i++) {
        struct text *t = &s->texts[i];

        *t = (struct text){.img = images[i]};
        s->fresh += text_describe(t->img, &t->now);
    }
    s->text_count = count;
    kfree(images);
    add_old_texts(s, count);
    return 0;
}

static void let_go(struct saving *s)
{
    for (size_t i = 0; i < s->page_count; i++) {
        page_put(s->pages[i].data, 1);
    }
    for (size_t i = 0; i < s->text_count; i++) {
        if (s->texts[i].img) {
            text_image_put(s->texts[i].img);
        }
    }
    if (s->pages) {
        page_free(s->pages,
                  ALIGN_UP(s->page_room * sizeof(*s->pages), PAGE_SIZE) /
                      PAGE_SIZE);
    }
    kfree(s->texts);
    if (s->index) {
        page_free(s->index, s->index_len / PAGE_SIZE);
    }
}

/* ---- the index ---- */

static struct stock_head *head(const struct saving *s)
{
    return (struct stock_head *)s->index;
}

static uint64_t *map(const struct saving *s)
{
    return (uint64_t *)(s->index + sizeof(struct stock_head) +
                        s->text_count * sizeof(struct stock_text));
}

static void mark_blocks(struct saving *s)
{
    if (stock_head()) {
        memcpy(map(s), stock_map(), BITMAP_WORDS(s->blocks) * sizeof(uint64_t));
    }
    for (size_t i = 0; i < s->page_count; i++) {
        if (s->pages[i].block < s->blocks) {
            bitmap_set(map(s), s->pages[i].block);
        }
    }
}

static int make_index(struct saving *s)
{
    struct stock_text *texts;
    uint64_t at;

    s->index_len =
        ALIGN_UP(stock_index_len(s->blocks, s->text_count), PAGE_SIZE);
    s->index = page_alloc(s->index_len / PAGE_SIZE);
    if (!s->index) {
        return -ENOMEM;
    }
    memset(s->index, 0, s->index_len);
    at = PAGE_SIZE + s->index_len + s->blocks * PAGE_SIZE;
    texts = (struct stock_text *)(s->index + sizeof(struct stock_head));
    for (size_t i = 0; i < s->text_count; i++) {
        s->texts[i].now.at = at;
        texts[i] = s->texts[i].now;
        at += texts[i].len + STOCK_SLOT_BYTES;
    }
    mark_blocks(s);
    *head(s) = (struct stock_head){.magic = STOCK_MAGIC,
                                   .size = at,
                                   .first = PAGE_SIZE + s->index_len,
                                   .blocks = s->blocks,
                                   .text_count = s->text_count};
    head(s)->sum = stock_sum(head(s));
    return 0;
}

/* ---- the file ---- */

static int put(const struct saving *s, const void *buf, uint64_t len,
               uint64_t off)
{
    const char *p = buf;

    while (len) {
        int64_t n = hostio_write(s->fd, p, len, (int64_t)off);

        if (n <= 0) {
            return n ? (int)n : -EIO;
        }
        p += n;
        off += (uint64_t)n;
        len -= (uint64_t)n;
    }
    return 0;
}

static int put_old_blocks(const struct saving *s)
{
    uint64_t at = 0, count;
    int err = 0;

    for (; !err && stock_head() && at < s->blocks; at += count) {
        const char *data = stock_blocks(at, (count = s->blocks - at, &count));

        err = data ? put(s, data, count * PAGE_SIZE,
                         head(s)->first + at * PAGE_SIZE)
                   : 0;
    }
    return err;
}

/* How many pages from i on follow each other, in the image and in memory. */
static size_t run_of(const struct saving *s, size_t i)
{
    size_t n = 1;

    while (i + n < s->page_count &&
           s->pages[i + n].block == s->pages[i].block + n &&
           s->pages[i + n].data == s->pages[i].data + n * PAGE_SIZE) {
        n++;
    }
    return n;
}

static int put_new_blocks(const struct saving *s)
{
    size_t count;
    int err = 0;

    for (size_t i = 0; i < s->page_count && !err; i += count) {
        uint64_t block = s->pages[i].block;

        count = run_of(s, i);
        if (block + count <= s->blocks) {
            err = put(s, s->pages[i].data, count * PAGE_SIZE,
                      head(s)->first + block * PAGE_SIZE);
        }
    }
    return err;
}

static const char *piece_of(const struct text *t, uint64_t at, uint64_t *end)
{
    uint64_t skipped = t->now.off % STOCK_SLOT_BYTES;
    uint64_t chunk = (skipped + at) / STOCK_SLOT_BYTES;

    if (t->img) {
        return text_piece(t->img, at, end);
    }
    *end = MIN(*end, (chunk + 1) * STOCK_SLOT_BYTES - skipped);
    return bitmap_test(t->now.filled, chunk) ? stock_code(t->old) + at : NULL;
}

static int put_code(const struct saving *s, const struct text *t)
{
    uint64_t at = 0, end;
    int err = 0;

    for (; !err && at < t->now.len; at = end) {
        const char *code = piece_of(t, at, (end = t->now.len, &end));

        err = code ? put(s, code, end - at, t->now.at + at) : 0;
    }
    return err;
}

static int put_slots(const struct saving *s, const struct text *t)
{
    int err = 0;

    for (unsigned i = 0; i < SLOT_PAGES && !err; i++) {
        uint64_t at = t->now.len + i * PAGE_SIZE;

        if (t->now.pages >> i & 1) {
            err =
                put(s, t->img ? text_slots(t->img, i) : stock_code(t->old) + at,
                    PAGE_SIZE, t->now.at + at);
        }
    }
    return err;
}

static int put_all(const struct saving *s, const void *key)
{
    int err = hostio_truncate(s->fd, head(s)->size);

    err = err ? err : put(s, key, PAGE_SIZE, 0);
    err = err ? err : put(s, s->index, s->index_len, PAGE_SIZE);
    err = err ? err : put_old_blocks(s);
    err = err ? err : put_new_blocks(s);
    for (size_t i = 0; i < s->text_count && !err; i++) {
        err = put_code(s, &s->texts[i]);
        err = err ? err : put_slots(s, &s->texts[i]);
    }
    return err;
}

static int write_file(struct saving *s, const struct boot_info *info)
{
    int err, closed;

    s->fd = hostio_open_below(info->stock_dir, info->stock_temp,
                              O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, MODE);
    if (s->fd < 0) {
        return s->fd;
    }
    err = put_all(s, info->stock_key);
    closed = hostio_close(s->fd); /* some file systems only then know */
    err = err ? err : closed;
    if (!err) {
        err = hostio_rename(info->stock_dir, info->stock_temp, info->stock_name,
                            0);
    }
    if (err) {
        hostio_unlink(info->stock_dir, info->stock_temp, 0);
    }
    return err;
}

static bool is_worth_it(const struct saving *s)
{
    const uint64_t chunk = STOCK_SLOT_BYTES / PAGE_SIZE;
    uint64_t fresh = s->page_count, had = 0;

    if (stock_head()) {
        had = bitmap_count(stock_map(), s->blocks);
    }
    for (size_t i = 0; i < s->text_count; i++) {
        const struct text *t = &s->texts[i];

        had += t->old ? chunks_of(&t->now) * chunk : 0;
    }
    fresh += s->fresh * chunk;
    return fresh >= WORTH && (had <= SMALL || fresh > had / SHARE) &&
           had + fresh <= PAGES_MAX;
}

void stock_save(const struct boot_info *info)
{
    struct saving s = {.blocks = info->image_size / PAGE_SIZE};
    int err;

    if (!info->stock_name ||
        (stock_head() && stock_head()->blocks != s.blocks)) {
        return;
    }
    err = collect_pages(&s);
    err = err ? err : collect_texts(&s);
    if (!err && is_worth_it(&s)) {
        err = make_index(&s);
        err = err ? err : write_file(&s, info);
    }
    if (err) {
        log_info("nothing is left for the next run: error %d", -err);
    }
    let_go(&s);
}
