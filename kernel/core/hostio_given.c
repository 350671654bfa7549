/* SPDX-License-Identifier: MIT
 *
 * Small bounce buffers that are with the host, which chooses one for each
 * piece that comes for one of many receives. So thousands of connections can
 * wait for input without a buffer each, and each of them by one request.
 *
 * The list in host memory is only ever written. What the host has is in `with`,
 * ours: a completion names a buffer, which must be there and is not from then
 * on. As many are given as come between two looks, for what is used in turn
 * should stay in the CPU's cache: GIVEN_FIRST, twice as many each time that
 * they did not last.
 *
 * All this is called by who drains ring 0, so by one at a time.
 */
#include "kernel/core/hostio_ring.h"
#include "kernel/core/lock.h"
#include "lib/bitmap.h"
#include "lib/string.h"
#include "abi/linux/errno.h"

enum {
    GIVEN_FIRST = 64,
    SMALL_MAX = 4096, /* buffers of that size; hostio_buffer.c */
};

static struct hptr list;      /* of struct ring_buffer; 0: none */
static uint32_t entries;      /* of it */
static uint32_t given;        /* how many are with the host; atomic */
static uint32_t wanted;       /* how many should be */
static uint16_t tail;         /* the host's own begins at 0 */
static uint16_t first_number; /* of the buffer in entry 0, beside the tail */
static uint64_t with[BITMAP_WORDS(SMALL_MAX)];

/* Length, number and tail are one word of host memory. */
static uint64_t word_of(uint16_t number, uint16_t at)
{
    return BUFFER_SMALL | (uint64_t)number << 32 | (uint64_t)at << 48;
}

static void set_word(uint64_t off, uint64_t word)
{
    atomic_store_release((uint64_t *)(list.addr + off), word);
}

static void give(const struct host_buffer *b)
{
    uint32_t i = tail & (entries - 1);

    bitmap_set(with, b->index);
    set_word(i * sizeof(struct ring_buffer), b->at.addr);
    if (i) {
        set_word(i * sizeof(struct ring_buffer) + 8,
                 word_of((uint16_t)b->index, 0));
    } else {
        first_number = (uint16_t)b->index;
    }
    tail++;
    set_word(8, word_of(first_number, tail));
    atomic_store_relaxed(&given, given + 1);
}

/* One more, unless others need it. */
static bool give_one(void)
{
    struct host_buffer b;

    if (given >= wanted || buffer_is_scarce(BUFFER_SMALL) ||
        !buffer_try(BUFFER_SMALL, &b)) {
        return false;
    }
    if (b.size != BUFFER_SMALL) {
        buffer_put(&b);
        return false;
    }
    give(&b);
    return true;
}

bool hostio_chooses(void)
{
    return atomic_load_relaxed(&given) != 0;
}

void hostio_give_back(struct host_buffer *b)
{
    if (given < wanted) {
        give(b);
    } else {
        buffer_put(b);
    }
    b->size = 0;
}

void hostio_give_more(void)
{
    wanted = MIN(2 * wanted, entries);
    while (give_one()) {
    }
}

bool given_take(uint32_t number, struct host_buffer *out)
{
    if (number >= SMALL_MAX || !bitmap_test(with, number)) {
        return false;
    }
    bitmap_clear(with, number);
    *out = buffer_small(number);
    atomic_store_relaxed(&given, given - 1);
    if (given < wanted / 2) { /* some were kept */
        give_one();
        give_one();
    }
    return true;
}

int given_init(const struct target_ring *t)
{
    list = t->buffers;
    entries = list.addr ? t->buffer_entries : 0;
    wanted = MIN((uint32_t)GIVEN_FIRST, entries);
    given = 0;
    tail = 0;
    memset(with, 0, sizeof(with));
    if (!IS_ALIGNED(list.addr, 8)) {
        return -EINVAL;
    }
    while (give_one()) {
    }
    return 0;
}
