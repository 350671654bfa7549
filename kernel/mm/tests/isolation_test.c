/* SPDX-License-Identifier: MIT
 *
 * Which family has which key, and what its tasks may touch: PKRU bit by bit,
 * on any CPU, for nothing here executes WRPKRU.
 */
#include "lib/tests/unit.h"
#include "kernel/mm/tests/support.h"
#include "kernel/kernel.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/family/families.h"
#include "kernel/mm/room.h"
#include "abi/linux/errno.h"

enum { KERNEL = 1, VCPU, SHARED, FIRST, KEYS = 3, ALL = 3, WRITE = 2 };

static void fresh(unsigned program_keys)
{
    struct memory_keys keys = {KERNEL,
                               VCPU,
                               SHARED,
                               {FIRST, FIRST + 1, FIRST + 2},
                               (uint8_t)program_keys};

    support_reset();
    heap_init(support_kernel_start(), support_kernel_end(), 0, 0, 0);
    isolation_init(&keys);
    mm_init(support_user_start(), support_user_end(), 0, true);
}

/* What PKRU forbids of a key: 1 access, 2 writing. */
static unsigned denied(uint32_t pkru, unsigned key)
{
    return pkru >> 2 * key & ALL;
}

static void families_share_keys_only_when_there_are_too_few(void)
{
    struct mm *mm[2 * KEYS];
    unsigned count[16] = {0};

    fresh(KEYS);
    for (unsigned i = 0; i < 2 * KEYS; i++) {
        EXPECT_EQ(mm_create(&mm[i]), 0);
        count[mm[i]->family->key]++;
        EXPECT_EQ(count[mm[i]->family->key], 1 + i / KEYS);
    }
    for (unsigned i = 0; i < KEYS; i++) {
        EXPECT_EQ(count[FIRST + i], 2);
    }
    for (unsigned i = 0; i < 2 * KEYS; i++) {
        mm_put(mm[i]);
    }
}

static void programs_touch_their_own_and_read_the_vcpu(void)
{
    struct mm *mm;
    uint32_t user, kernel;
    unsigned key;

    fresh(KEYS);
    EXPECT_EQ(mm_create(&mm), 0);
    key = mm->family->key;
    user = (uint32_t)mm->gate.rights;
    kernel = (uint32_t)(mm->gate.rights >> 32);
    for (unsigned i = 1; i < 16; i++) {
        bool ours = i == KERNEL || i == VCPU || i == SHARED || i == key;

        EXPECT_EQ(denied(kernel, i), ours ? 0 : ALL);
        if (i != VCPU) {
            EXPECT_EQ(denied(user, i), i == key ? 0 : ALL);
        }
    }
    EXPECT_EQ(denied(user, VCPU), WRITE);
    EXPECT_EQ(denied(user, 0) | denied(kernel, 0), 0);
    mm->windows = true;
    isolation_grant(mm);
    EXPECT_EQ(denied((uint32_t)mm->gate.rights, SHARED), 0);
    mm_put(mm);
}

/* The first at those addresses begins the family, the second joins it. */
static void strangers_touch_what_they_have_in_common_and_their_own(void)
{
    uint64_t at = support_user_start() + (3ul << 30), len = PAGE_SIZE, own[2];
    struct mm *mm[2];

    fresh(KEYS);
    for (unsigned i = 0; i < 2; i++) {
        EXPECT_EQ(mm_create(&mm[i]), 0);
        support_set_mm(mm[i]);
        EXPECT_EQ(i ? family_enter(mm[0]->family, mm[1])
                    : mm_take_fixed(mm[0], at, at + len),
                  0);
        EXPECT(i == 0 || family_exchange(mm[0]->family, mm[1]) == 0);
        own[i] = 0;
        EXPECT_EQ(mm_map(mm[i], &own[i], len, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0),
                  0);
    }
    for (unsigned i = 0; i < 2; i++) {
        uint32_t user = (uint32_t)mm[i]->gate.rights;

        EXPECT_EQ(denied(user, slots_key(at)), 0);
        EXPECT_EQ(denied(user, slots_key(own[i])), 0);
        EXPECT_EQ(denied(user, slots_key(own[!i])), ALL);
    }
    EXPECT_EQ(mm_map(mm[1], &own[0], len, PROT_READ,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0),
              -ENOMEM);
    *(uint64_t *)own[1] = 7; /* stays where it is */
    EXPECT_EQ(family_exchange(mm[0]->family, mm[0]), 0);
    EXPECT_EQ(mm[1]->store.count, 0);
    EXPECT_EQ(*(uint64_t *)own[1], 7);
}

static void without_keys_nobody_has_rights(void)
{
    struct mm *mm;

    fresh(0);
    EXPECT_EQ(mm_create(&mm), 0);
    EXPECT_EQ(mm->gate.rights, 0);
    mm_put(mm);
}

int main(void)
{
    RUN(families_share_keys_only_when_there_are_too_few);
    RUN(programs_touch_their_own_and_read_the_vcpu);
    RUN(strangers_touch_what_they_have_in_common_and_their_own);
    RUN(without_keys_nobody_has_rights);
    return unit_result();
}
