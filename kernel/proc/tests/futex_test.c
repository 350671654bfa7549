/* SPDX-License-Identifier: MIT
 *
 * The futex queue without a scheduler: waiters are put in by hand, waking
 * them is counted, user memory is a few words here, whose page may be away at
 * first. What needs tasks that really sleep is in tests/guest/.
 */
#include "lib/tests/unit.h"
#include "abi/linux/errno.h"
#include "abi/linux/futex.h"
#include "kernel/proc/futex/futex.h"
#include "kernel/proc/futex/futex_queue.h"
#include "kernel/proc/room.h"

static struct vcpu vcpu;
static struct task self;
static uint32_t words[4096]; /* user memory from address 0x10000 on */
static unsigned wakes, away, prepared;

enum { USER = 0x10000 };

/* ---- what the room stands on ---- */

bool task_wake(struct task *t)
{
    wakes++;
    return true;
}

void task_prepare_sleep(void)
{
    prepared++;
}

int wait_sleep(uint64_t deadline, int flags)
{
    return -ETIMEDOUT;
}

void task_cancel_sleep(void)
{
}

bool one_vcpu;

void spin_lock_slow(void *l)
{
    __builtin_trap(); /* nobody else is here: a lock was left */
}

void lock_check_acquire(uint32_t cls, bool sleeps)
{
}

void lock_check_release(uint32_t cls, bool sleeps)
{
}

uint64_t mm_address_space(struct mm *mm, uint64_t *addr)
{
    return (uint64_t)mm;
}

bool mm_maps_file(struct mm *mm, struct uptr addr)
{
    return false;
}

static uint32_t *word_at(struct uptr p)
{
    return &words[(p.addr - USER) / 4];
}

int get_user32(uint32_t *val, struct uptr src)
{
    away = 0;
    if (src.addr - USER >= sizeof(words)) {
        return -EFAULT;
    }
    *val = *word_at(src);
    return 0;
}

int get_user32_nofault(uint32_t *val, struct uptr src)
{
    return away ? -EFAULT : get_user32(val, src);
}

int user_cmpxchg32(struct uptr addr, uint32_t expect, uint32_t val,
                   uint32_t *old)
{
    away = 0;
    *old = *word_at(addr);
    *word_at(addr) = *old == expect ? val : *old;
    return 0;
}

int user_rmw32_nofault(struct uptr addr, enum user_rmw op, uint32_t arg,
                       uint32_t *old)
{
    uint32_t *w = word_at(addr);

    if (away) {
        return -EFAULT;
    }
    *old = *w;
    *w = op == USER_SET    ? arg
         : op == USER_ADD  ? *old + arg
         : op == USER_OR   ? *old | arg
         : op == USER_ANDN ? *old & ~arg
                           : *old ^ arg;
    return 0;
}

/* ---- helpers ---- */

static struct futex_waiter waiters[8];

static struct futex_word word(unsigned i)
{
    return (struct futex_word){uptr(USER + 4 * i), false};
}

static struct futex_word word_at_addr(uint64_t addr, bool shared)
{
    return (struct futex_word){uptr(addr), shared};
}

static void put(unsigned w, unsigned at, uint32_t bitset)
{
    struct futex_key key = futex_key(word(at));

    waiters[w] = (struct futex_waiter){.key = key, .bitset = bitset};
    waiters[w].task = &self;
    futex_enqueue(&waiters[w], futex_bucket(key));
}

static void begin(void)
{
    futex_init();
    wakes = 0;
    away = 0;
    words[1] = words[2] = 0;
    for (unsigned i = 0; i < 4; i++) {
        put(i, 1, i < 2 ? 1 : 2);
    }
}

static bool woken(unsigned w)
{
    return waiters[w].bucket == NULL;
}

/* ---- tests ---- */

static void waking_is_first_come_first_served(void)
{
    begin();
    EXPECT_EQ(futex_wake(word(1), 2, FUTEX_BITSET_MATCH_ANY), 2);
    EXPECT(woken(0) && woken(1) && !woken(2) && !woken(3));
    EXPECT_EQ(futex_wake(word(2), 9, FUTEX_BITSET_MATCH_ANY), 0);
    EXPECT_EQ(futex_wake(word(1), 9, FUTEX_BITSET_MATCH_ANY), 2);
    EXPECT_EQ(wakes, 4);
}

static void private_and_shared_do_not_meet(void)
{
    begin();
    EXPECT_EQ(futex_wake(word_at_addr(USER + 4, true), 9, ~0u), 0);
    EXPECT_EQ(futex_wake(word(1), 9, ~0u), 4);
}

static void a_bitset_selects(void)
{
    begin();
    EXPECT_EQ(futex_wake(word(1), 9, 2), 2);
    EXPECT(!woken(0) && !woken(1) && woken(2) && woken(3));
}

static void bad_addresses_are_errors(void)
{
    begin();
    EXPECT_EQ(futex_wake(word_at_addr(USER + 2, false), 1, ~0u), -EINVAL);
    EXPECT_EQ(futex_wake(word_at_addr(0, false), 1, ~0u), 0);
    EXPECT_EQ(futex_wake(word_at_addr(0, true), 1, ~0u), -EFAULT);
    EXPECT_EQ(futex_wait(word_at_addr(0, false), 0, 0, ~0u), -EFAULT);
    EXPECT_EQ(futex_wait(word_at_addr(~3ull, false), 0, 0, ~0u), -EFAULT);
    EXPECT_EQ(futex_wake(word_at_addr(~3ull, false), 1, ~0u), -EFAULT);
}

static void waiting_looks_at_the_word(void)
{
    begin();
    words[2] = 7;
    EXPECT_EQ(futex_wait(word(2), 6, 0, ~0u), -EAGAIN);
    away = 1;
    EXPECT_EQ(futex_wait(word(2), 6, 0, ~0u), -EAGAIN);
    EXPECT_EQ(futex_wait(word(2), 7, 1, ~0u), -ETIMEDOUT);
    /* and leaves nothing behind */
    EXPECT_EQ(futex_wake(word(2), 9, ~0u), 0);
}

static void requeue_moves_who_is_not_woken(void)
{
    uint32_t cmp = 5;

    begin();
    EXPECT_EQ(futex_requeue(word(1), word(2), 1, 2, &cmp), -EAGAIN);
    words[1] = 5;
    away = 1;
    EXPECT_EQ(futex_requeue(word(1), word(2), 1, 2, &cmp), 3);
    EXPECT(woken(0) && !woken(1) && !woken(2) && !woken(3));
    EXPECT_EQ(futex_wake(word(2), 9, ~0u), 2);
    EXPECT(woken(1) && woken(2) && !woken(3));
    EXPECT_EQ(futex_requeue(word(1), word(1), -1, 2, NULL), -EINVAL);
    EXPECT_EQ(futex_requeue(word(1), word(1), 0, 9, NULL), 1);
    EXPECT_EQ(futex_wake(word(1), 9, ~0u), 1);
}

static void a_moved_waiter_leaves_its_new_queue(void)
{
    begin();
    EXPECT_EQ(futex_requeue(word(1), word(2), 0, 9, NULL), 4);
    EXPECT(futex_dequeue(&waiters[1]));
    EXPECT(!futex_dequeue(&waiters[1]));
    EXPECT_EQ(futex_wake(word(2), 9, ~0u), 3);
}

/* op, cmp, oparg, cmparg as FUTEX_OP() packs them. */
static uint32_t pack(uint32_t op, uint32_t cmp, uint32_t arg, uint32_t cmparg)
{
    return op << 28 | cmp << 24 | (arg & 0xfff) << 12 | (cmparg & 0xfff);
}

static void wake_op_changes_and_compares(void)
{
    uint32_t op = pack(FUTEX_OP_ADD, FUTEX_OP_CMP_LT, 5, -1u);

    begin();
    put(4, 2, ~0u);
    words[2] = 0;
    away = 1;
    EXPECT_EQ(futex_wake_op(word(1), word(2), 1, 1, op), 1);
    EXPECT_EQ(words[2], 5);
    words[2] = -2u; /* less than -1 */
    EXPECT_EQ(futex_wake_op(word(1), word(2), 1, 1, op), 2);
    op = pack(FUTEX_OP_OR | FUTEX_OP_ARG_SHIFT, FUTEX_OP_CMP_NE, 31, 0);
    words[2] = 0;
    /* 0 wakes one, as on Linux. */
    EXPECT_EQ(futex_wake_op(word(1), word(2), 0, 0, op), 1);
    EXPECT_EQ(words[2], 0x80000000);
    EXPECT_EQ(futex_wake_op(word(1), word(2), 0, 0, pack(5, 0, 0, 0)), -ENOSYS);
    EXPECT_EQ(futex_wake_op(word(1), word(2), 0, 0, pack(0, 6, 0, 0)), -ENOSYS);
}

static void waiters_for_ownership_are_not_woken_plainly(void)
{
    begin();
    waiters[0].pi = true;
    EXPECT_EQ(futex_wake(word(1), 1, ~0u), -EINVAL);
    EXPECT_EQ(futex_requeue(word(1), word(2), 1, 1, NULL), -EINVAL);
}

static void neighbouring_words_spread_over_buckets(void)
{
    unsigned used[FUTEX_BUCKETS] = {0}, most = 0;

    for (unsigned i = 0; i < 4096; i++) {
        unsigned b = futex_bucket(futex_key(word(i))) - futex_buckets;
        used[b]++;
        most = MAX(most, used[b]);
    }
    EXPECT(most < 3 * 4096 / FUTEX_BUCKETS);
}

int main(void)
{
    vcpu.self = &vcpu;
    vcpu.task = &self;
    vcpu_set_gs(&vcpu);
    RUN(waking_is_first_come_first_served);
    RUN(private_and_shared_do_not_meet);
    RUN(a_bitset_selects);
    RUN(bad_addresses_are_errors);
    RUN(waiting_looks_at_the_word);
    RUN(requeue_moves_who_is_not_woken);
    RUN(a_moved_waiter_leaves_its_new_queue);
    RUN(wake_op_changes_and_compares);
    RUN(waiters_for_ownership_are_not_woken_plainly);
    RUN(neighbouring_words_spread_over_buckets);
    return unit_result();
}
