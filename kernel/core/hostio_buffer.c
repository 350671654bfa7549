/* SPDX-License-Identifier: MIT
 *
 * Bounce buffers: the one region of host memory that payloads pass through,
 * cut into buffers of two sizes. The kernel's own record (bitmaps) says which
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

enum { BUFFERS_MAX = 256 };

struct buffer_class {
    struct hptr base;
    uint32_t size, count;
    uint64_t used[BITMAP_WORDS(BUFFERS_MAX)];
};

static struct spinlock lock = SPINLOCK_INIT(LOCK_HOSTIO);
static struct buffer_class normal, large; /* their `used`: under lock */
static struct wait_queue freed;

/* A quarter for large buffers. */
int buffer_init(void)
{
    struct hptr base;
    uint64_t len, count;
    int err = target_bounce(&base, &len);

    if (err) {
        return err;
    }
    if (len / 4 < BUFFER_LARGE || !IS_ALIGNED(base.addr, PAGE_SIZE)) {
        return -EINVAL;
    }
    wait_queue_init(&freed);
    count = MIN(len / 4 / BUFFER_LARGE, (uint64_t)BUFFERS_MAX);
    large = (struct buffer_class){
        .base = base, .size = BUFFER_LARGE, .count = count};
    base.addr += count * BUFFER_LARGE;
    len -= count * BUFFER_LARGE;
    count = MIN(len / BUFFER_SIZE, (uint64_t)BUFFERS_MAX);
    normal = (struct buffer_class){
        .base = base, .size = BUFFER_SIZE, .count = count};
    return 0;
}

static bool take(struct buffer_class *c, struct host_buffer *b)
{
    size_t i = bitmap_find_zero(c->used, c->count, 0);

    if (i == c->count) {
        return false;
    }
    bitmap_set(c->used, i);
    b->at.addr = c->base.addr + i * c->size;
    b->size = c->size;
    b->index = i;
    return true;
}

static bool try_get(size_t len, struct host_buffer *b)
{
    bool got;

    spin_lock(&lock);
    got = (len > BUFFER_SIZE && take(&large, b)) || take(&normal, b);
    spin_unlock(&lock);
    return got;
}

struct host_buffer buffer_get(size_t len)
{
    struct host_buffer b;

    wait_event(&freed, try_get(len, &b), DEADLINE_NONE, WAIT_EXCLUSIVE);
    return b;
}

void buffer_put(const struct host_buffer *b)
{
    struct buffer_class *c = b->size == BUFFER_LARGE ? &large : &normal;

    spin_lock(&lock);
    check(bitmap_test(c->used, b->index));
    bitmap_clear(c->used, b->index);
    spin_unlock(&lock);
    wait_wake(&freed, 1, 0);
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

void buffer_read(const struct host_buffer *b, size_t off, void *dst, size_t len)
{
    check(off <= b->size && len <= b->size - off);
    host_read(dst, (struct hptr){b->at.addr + off}, len);
}

void buffer_write(const struct host_buffer *b, size_t off, const void *src,
                  size_t len)
{
    check(off <= b->size && len <= b->size - off);
    memcpy((void *)(b->at.addr + off), src, len);
}
