/* SPDX-License-Identifier: MIT
 *
 * Bounce buffers: the one region of host memory that payloads pass through,
 * cut into buffers of four sizes. The kernel's own record (bitmaps) says which
 * are taken; nothing about them is kept in the region itself.
 */
#include "kernel/core/hostio_ring.h"
#include "kernel/core/lock.h"
#include "kernel/core/log.h"
#include "kernel/core/timer.h"
#include "kernel/core/wait.h"
#include "lib/bitmap.h"
#include "lib/string.h"
#include "target/target.h"
#include "abi/linux/errno.h"

enum { BUFFERS_MAX = 4096, CLASSES = 4 };

struct buffer_class {
    struct hptr base;
    uint32_t size, count;
    uint32_t taken; /* how many are in use; read without lock */
    uint64_t used[BITMAP_WORDS(BUFFERS_MAX)];
    /* count - taken of them, 0 standing for what is there at first (see
     * free_at); the last one freed, whose memory is warm, is taken first. */
    uint16_t free[BUFFERS_MAX];
};

static struct spinlock lock = SPINLOCK_INIT(LOCK_HOSTIO);
static struct buffer_class classes[CLASSES]; /* under lock */
static struct wait_queue freed;

static const uint32_t sizes[CLASSES] = {BUFFER_SMALL, BUFFER_MEDIUM,
                                        BUFFER_SIZE, BUFFER_LARGE};

/* A quarter for each size. */
int buffer_init(void)
{
    uint64_t len;
    struct hptr base;
    int err = target_bounce(&base, &len);

    if (err) {
        return err;
    }
    if (len / CLASSES < BUFFER_LARGE || !IS_ALIGNED(base.addr, PAGE_SIZE)) {
        return -EINVAL;
    }
    wait_queue_init(&freed);
    for (int i = 0; i < CLASSES; i++) {
        uint64_t count = MIN(len / CLASSES / sizes[i], (uint64_t)BUFFERS_MAX);

        if (classes[i].count) { /* a test begins anew */
            memset(&classes[i], 0, sizeof(classes[i]));
        }
        classes[i].base = base;
        classes[i].size = sizes[i];
        classes[i].count = count;
        base.addr += count * sizes[i];
    }
    return 0;
}

/* Entry n of the stack: a buffer that was freed, or, while nothing was put
 * there, the one that a stack of all would have there, the first on top. So
 * what is never used is never written. */
static uint32_t free_at(const struct buffer_class *c, uint32_t n)
{
    return c->free[n] ? c->free[n] - 1u : c->count - 1 - n;
}

static bool take(struct buffer_class *c, struct host_buffer *b)
{
    uint32_t i;

    if (c->taken == c->count) {
        return false;
    }
    c->taken++;
    i = free_at(c, c->count - c->taken);
    bitmap_set(c->used, i);
    b->at.addr = c->base.addr + (uint64_t)i * c->size;
    b->size = c->size;
    b->index = i;
    return true;
}

bool buffer_try(size_t len, struct host_buffer *b)
{
    bool got = false;

    b->size = 0;
    spin_lock(&lock);
    for (int i = 0; i < CLASSES && !got; i++) {
        got = classes[i].size >= len && take(&classes[i], b);
    }
    spin_unlock(&lock);
    return got;
}

bool buffer_is_scarce(size_t len)
{
    const struct buffer_class *c = classes;

    while (c->size < len) {
        c++;
    }
    return atomic_load_relaxed(&c->taken) > c->count / 2;
}

struct host_buffer buffer_small(uint32_t index)
{
    const struct buffer_class *c = &classes[0];

    return (struct host_buffer){
        {c->base.addr + (uint64_t)index * c->size}, c->size, index};
}

static bool try_get(size_t len, struct host_buffer *b)
{
    return buffer_try(MIN(len, (size_t)BUFFER_LARGE), b) ||
           (len > BUFFER_SIZE && buffer_try(BUFFER_SIZE, b));
}

struct host_buffer buffer_get(size_t len)
{
    struct host_buffer b;

    wait_event(&freed, try_get(len, &b), DEADLINE_NONE, WAIT_EXCLUSIVE);
    return b;
}

void buffer_put(const struct host_buffer *b)
{
    struct buffer_class *c = classes;

    while (c->size != b->size) {
        c++;
    }
    spin_lock(&lock);
    check(bitmap_test(c->used, b->index));
    bitmap_clear(c->used, b->index);
    c->free[c->count - c->taken] = (uint16_t)(b->index + 1);
    c->taken--;
    spin_unlock(&lock);
    wait_wake_all(&freed);
}

void host_read(void *dst, struct hptr src, size_t len)
{
    uint64_t last, words = len / 8;
    uint8_t *to = dst;
    const uint64_t *from = (const uint64_t *)src.addr;

    check(IS_ALIGNED(src.addr, 8));
    __asm__ volatile("rep movsq"
                     : "+D"(to), "+S"(from), "+c"(words)
                     :
                     : "memory");
    if (len % 8) {
        last = *(const volatile uint64_t *)from;
        memcpy(to, &last, len % 8);
    }
}

/* n bytes at `at` of one word: what is around them is written back. */
static void write_part(volatile uint64_t *word, size_t at, const uint8_t *src,
                       size_t n)
{
    uint64_t w = *word;

    memcpy((uint8_t *)&w + at, src, n);
    *word = w;
}

/* Whole aligned words only, as host_read() and for the same reason: a part of
 * one would take stale data of a fill buffer along (INTEL-SA-00615). */
static void host_write(struct hptr dst, const void *src, size_t len)
{
    volatile uint64_t *to = (volatile uint64_t *)(dst.addr & ~7ull);
    const uint8_t *from = src;
    size_t at = dst.addr % 8, head = at ? MIN(len, 8 - at) : 0;
    uint64_t words = (len - head) / 8;

    if (head) {
        write_part(to++, at, from, head);
        from += head;
    }
    __asm__ volatile("rep movsq"
                     : "+D"(to), "+S"(from), "+c"(words)
                     :
                     : "memory");
    if ((len - head) % 8) {
        write_part(to, 0, from, (len - head) % 8);
    }
}

void *buffer_plain(const struct host_buffer *b, size_t off, size_t len)
{
    check(off <= b->size && len <= b->size - off);
    return hostio_may_read_memory() ? (void *)(b->at.addr + off) : NULL;
}

void buffer_read(const struct host_buffer *b, size_t off, void *dst, size_t len)
{
    check(off <= b->size && len <= b->size - off);
    host_read(dst, (struct hptr){b->at.addr + off}, len);
}

void buffer_write(const struct host_buffer *b, size_t off, const void *src,
                  size_t len)
{
    check(off <= b->size && len <= b->size - off);
    host_write((struct hptr){b->at.addr + off}, src, len);
}
