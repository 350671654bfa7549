/* SPDX-License-Identifier: MIT
 *
 * lib/bitmap.h against an array of bool, at every boundary.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/bitmap.h"
#include "lib/tests/unit.h"

enum { BITS = 200 };

static size_t slow_find(const bool *model, size_t from, bool want)
{
    while (from < BITS && model[from] != want) {
        from++;
    }
    return from;
}

static bool agree(const uint64_t *map, const bool *model)
{
    size_t count = 0;
    for (size_t i = 0; i < BITS; i++) {
        count += model[i];
        if (bitmap_test(map, i) != model[i] ||
            bitmap_find_set(map, BITS, i) != slow_find(model, i, true) ||
            bitmap_find_zero(map, BITS, i) != slow_find(model, i, false)) {
            return false;
        }
    }
    return bitmap_count(map, BITS) == count;
}

static void bitmap_random_ranges(void)
{
    uint64_t map[BITMAP_WORDS(BITS)] = {0};
    bool model[BITS] = {0};
    srand(2);
    for (int step = 0; step < 2000; step++) {
        size_t a = rand() % (BITS + 1), b = rand() % (BITS + 1);
        size_t from = MIN(a, b), to = MAX(a, b);
        bool set = rand() % 2;
        (set ? bitmap_set_range : bitmap_clear_range)(map, from, to);
        memset(model + from, set, to - from);
        a = rand() % BITS;
        (model[a] ? bitmap_clear : bitmap_set)(map, a);
        model[a] = !model[a];
        if (!agree(map, model)) {
            EXPECT(!"map and model agree");
            return;
        }
    }
}

int main(void)
{
    RUN(bitmap_random_ranges);
    return unit_result();
}
