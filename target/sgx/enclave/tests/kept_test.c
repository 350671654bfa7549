/* SPDX-License-Identifier: MIT
 *
 * Kept pages over a record of pages of the test's own: what is kept is taken
 * as it was, never more than may be, and goes to the host oldest first, once.
 */
#include <stdlib.h>
#include <string.h>

#include "target/sgx/enclave/pages.h"
#include "lib/tests/unit.h"

enum { PAGES = 1 << 16, MOST = 16384 };
#define AT(page) ((uint64_t)(page) << PAGE_SHIFT)

struct sgx_global sgx;
static uint8_t states[PAGES];
static uint64_t removed;

uint8_t pages_state(uint64_t addr)
{
    return states[addr >> PAGE_SHIFT];
}

void pages_set(uint64_t addr, uint8_t state)
{
    states[addr >> PAGE_SHIFT] = state;
}

static uint64_t count(uint8_t mask)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < PAGES; i++) {
        n += (states[i] & mask) != 0;
    }
    return n;
}

uint64_t pages_committed(void)
{
    return count(PAGE_COMMITTED);
}

void pages_remove(uint64_t addr, uint64_t end)
{
    for (; addr < end; addr += PAGE_SIZE, removed++) {
        EXPECT(pages_state(addr) & (PAGE_GOING | PAGE_COMMITTED));
        pages_set(addr, 0);
    }
}

static void commit(unsigned from, unsigned to, uint8_t more)
{
    memset(states + from, PAGE_COMMITTED | MEM_READ | more, to - from);
}

static void everything_goes(void)
{
    sgx.memory = PAGE_SIZE; /* a ceiling: nothing may be kept */
    kept_make_room(PAGES);
    sgx.memory = 0;
    EXPECT_EQ(count(PAGE_KEPT | PAGE_GOING), 0);
    memset(states, 0, sizeof(states));
    removed = 0;
}

static void taken_as_it_was(void)
{
    commit(10, 20, MEM_EXEC | PAGE_HIDDEN);
    EXPECT(kept_put(AT(10), AT(20)));
    EXPECT_EQ(count(PAGE_COMMITTED), 0);
    EXPECT_EQ(kept_take(AT(12), AT(15)), AT(15));
    for (unsigned i = 12; i < 15; i++) {
        EXPECT_EQ(states[i],
                  PAGE_COMMITTED | MEM_READ | MEM_EXEC | PAGE_HIDDEN);
    }
    EXPECT_EQ(kept_take(AT(12), AT(15)), AT(12)); /* they are not kept */
    EXPECT_EQ(kept_take(AT(18), AT(40)), AT(20));
    everything_goes();
}

static void too_many_are_not_kept(void)
{
    commit(0, MOST + 1, MEM_WRITE);
    EXPECT(!kept_put(0, AT(MOST + 1)));
    EXPECT(kept_put(0, AT(MOST)));
    sgx.memory = AT(800);
    EXPECT(!kept_put(AT(MOST), AT(MOST + 101)));
    everything_goes();
}

static void the_oldest_goes_first(void)
{
    commit(0, MOST + 10, MEM_WRITE);
    EXPECT(kept_put(0, AT(MOST)));
    EXPECT(kept_put(AT(MOST), AT(MOST + 10)));
    EXPECT_EQ(states[0], 0);
    EXPECT(states[MOST + 9] & PAGE_KEPT);
    EXPECT(count(PAGE_KEPT) <= MOST);
    everything_goes();
}

/* What was taken belongs to the taker, though its old run is still named. */
static void taken_pages_stay(void)
{
    commit(0, 30, MEM_WRITE);
    EXPECT(kept_put(0, AT(30)));
    kept_take(AT(10), AT(20));
    EXPECT(kept_put(AT(12), AT(14))); /* named twice */
    everything_goes();
    commit(0, 30, MEM_WRITE);
    EXPECT(kept_put(0, AT(30)));
    kept_take(AT(10), AT(20));
    sgx.memory = AT(10);
    kept_make_room(10);
    EXPECT_EQ(count(PAGE_COMMITTED), 10);
    EXPECT_EQ(removed, 20);
    everything_goes();
}

static void more_runs_than_there_is_room_for(void)
{
    commit(0, 2000, MEM_WRITE);
    for (unsigned i = 0; i < 2000; i += 2) {
        EXPECT(kept_put(AT(i), AT(i + 1)));
    }
    EXPECT_EQ(count(PAGE_COMMITTED), 1000);
    EXPECT_EQ(count(PAGE_KEPT) + removed, 1000);
    EXPECT(states[1998] & PAGE_KEPT);
    everything_goes();
}

/* As much goes as a ceiling asks for, and no more than a run too much. */
static void a_ceiling_counts_both(void)
{
    sgx.memory = AT(1000);
    commit(0, 900, MEM_WRITE);
    for (unsigned i = 0; i < 100; i += 10) {
        EXPECT(kept_put(AT(i), AT(i + 10)));
    }
    kept_make_room(100);
    EXPECT_EQ(removed, 0);
    kept_make_room(105);
    EXPECT_EQ(removed, 10);
    EXPECT_EQ(states[0], 0);
    EXPECT(states[10] & PAGE_KEPT);
    everything_goes();
}

int main(void)
{
    RUN(taken_as_it_was);
    RUN(too_many_are_not_kept);
    RUN(the_oldest_goes_first);
    RUN(taken_pages_stay);
    RUN(more_runs_than_there_is_room_for);
    RUN(a_ceiling_counts_both);
    return unit_result();
}
