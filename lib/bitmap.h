/* SPDX-License-Identifier: MIT
 *
 * Sets of small numbers: an array of 64-bit words, bit n in word n / 64.
 *
 *     uint64_t used[BITMAP_WORDS(1000)] = {0};
 *     size_t fd = bitmap_find_zero(used, 1000, 3);   // 1000: none
 *
 * `bits` is always the size of the whole map; a find returns it when there is
 * nothing. Not atomic: locking is the caller's.
 */
#ifndef LIB_BITMAP_H
#define LIB_BITMAP_H

#include "lib/types.h"

#define BITMAP_WORDS(bits) (((bits) + 63) / 64)

static inline bool bitmap_test(const uint64_t *map, size_t bit)
{
    return map[bit / 64] >> bit % 64 & 1;
}

static inline void bitmap_set(uint64_t *map, size_t bit)
{
    map[bit / 64] |= 1ull << bit % 64;
}

static inline void bitmap_clear(uint64_t *map, size_t bit)
{
    map[bit / 64] &= ~(1ull << bit % 64);
}

/* The bits of [from, to) that lie in from's word. */
static inline uint64_t bitmap_mask(size_t from, size_t to)
{
    uint64_t mask = ~0ull << from % 64;
    if (to / 64 == from / 64) {
        mask &= ~(~0ull << to % 64);
    }
    return mask;
}

/* Sets or clears [from, to). */
static inline void bitmap_set_range(uint64_t *map, size_t from, size_t to)
{
    for (; from < to; from = (from / 64 + 1) * 64) {
        map[from / 64] |= bitmap_mask(from, to);
    }
}

static inline void bitmap_clear_range(uint64_t *map, size_t from, size_t to)
{
    for (; from < to; from = (from / 64 + 1) * 64) {
        map[from / 64] &= ~bitmap_mask(from, to);
    }
}

/* flip is 0 to find a set bit, ~0 to find a clear one. */
static inline size_t bitmap_find(const uint64_t *map, size_t bits, size_t from,
                                 uint64_t flip)
{
    while (from < bits) {
        uint64_t word = (map[from / 64] ^ flip) & ~0ull << from % 64;
        if (word) {
            size_t bit = from / 64 * 64 + __builtin_ctzll(word);
            return bit < bits ? bit : bits;
        }
        from = (from / 64 + 1) * 64;
    }
    return bits;
}

/* The first set or clear bit at or after from. */
static inline size_t bitmap_find_set(const uint64_t *map, size_t bits,
                                     size_t from)
{
    return bitmap_find(map, bits, from, 0);
}

static inline size_t bitmap_find_zero(const uint64_t *map, size_t bits,
                                      size_t from)
{
    return bitmap_find(map, bits, from, ~0ull);
}

/* How many bits of the map are set; those past bits in the last word must be
 * clear. */
static inline size_t bitmap_count(const uint64_t *map, size_t bits)
{
    size_t count = 0;
    for (size_t i = 0; i < BITMAP_WORDS(bits); i++) {
        count += __builtin_popcountll(map[i]);
    }
    return count;
}

#endif
