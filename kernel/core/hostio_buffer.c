/* SPDX-License-Identifier: MIT
 *
 * Bounce buffers: the one region of host memory that payloads pass through,
 * cut into buffers of three sizes. The kernel's own record (bitmaps) says which
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

enum { BUFFERS_MAX = 4096, CLASSES = 3 };

struct buffer_class {
    struct hptr base;
    uint32_t size, count, hint;
    uint32_t taken; /* how many are in use; read without lock */
    uint64_t used[BITMAP_WORDS(BUFFERS_MAX)];
};

static struct spinlock lock = SPINLOCK_INIT(LOCK_HOSTIO);
static struct buffer_class classes[CLASSES]; /* their `used`: under lock */
static struct wait_queue freed;

/* A quarter for small and a quarter for large buffers. */
int buffer_init(void)
{
    static const uint32_t sizes[CLASSES] = {BUFFER_LARGE, BUFFER_SMALL,
                                            BUFFER_SIZE};
    uint64_t len, share;
    struct hptr base;
    int err = target_bounce(&base, &len);

    if (err) {
        return err;
    }
    if (len / 4 < BUFFER_LARGE || !IS_ALIGNED(base.addr, PAGE_SIZE)) {
        return -EINVAL;
    }
    wait_queue_init(&freed);
    share = len / 4;
    for (int i = 0; i < CLASSES; i++) {
        uint64_t part = i == CLASSES - 1 ? len : share;
        uint64_t count = MIN(part / sizes[i], (uint64_t)BUFFERS_MAX);
        int at = sizes[i] == BUFFER_SMALL ? 0 : sizes[i] == BUFFER_SIZE ? 1 : 2;

        memset(&classes[at], 0, sizeof(classes[at]));
        classes[at].base = base;
        classes[at].size = sizes[i];
        classes[at].count = count;
        base.addr += count * sizes[i];
        len -= count * sizes[i];
    }
    return 0;
}

static bool take(struct buffer_class *c, struct host_buffer *b)
{
    size_t i = bitmap_find_zero(c->used, c->count, c->hint);

    if (i == c->count && c->hint) {
        i = bitmap_find_zero(c->used, c->count, 0);
    }
    if (i == c->count) {
        return false;
    }
    bitmap_set(c->used, i);
    c->taken++;
    c->hint = i + 1 < c->count ? i + 1 : 0;
    b->at.addr = c->base.addr + i * c->size;
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
    struct buffer_class *c = b->size == BUFFER_SMALL  ? &classes[0]
                             : b->size == BUFFER_SIZE ? &classes[1]
                                                      : &classes[2];

    spin_lock(&lock);
    check(bitmap_test(c->used, b->index));
    bitmap_clear(c->used, b->index);
    c->taken--;
    c->hint = b->index; /* its memory is warm */
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
