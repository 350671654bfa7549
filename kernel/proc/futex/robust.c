/* SPDX-License-Identifier: MIT
 *
 * Robust futexes (set_robust_list(2), get_robust_list(2)): a thread that ends
 * walks its list in user memory and marks every lock that it still holds, so
 * that the next taker learns of it. The list is the program's: it may be
 * anything, so the walk is bounded and a bad address just ends it.
 */
#include "kernel/proc/futex/futex.h"
#include "kernel/proc/room.h"
#include "abi/linux/errno.h"
#include "abi/linux/futex.h"

static void wake(struct uptr word)
{
    futex_wake((struct futex_word){word, true}, 1, FUTEX_BITSET_MATCH_ANY);
}

/* One lock of the list; pending: it was about to be taken or given up. */
static int owner_died(struct thread *t, struct uptr word, bool pi, bool pending)
{
    uint32_t val, new, old;
    int err = word.addr % sizeof(uint32_t) ? -EINVAL : get_user32(&val, word);

    if (err) {
        return err;
    }
    if (pending && !pi && (val & FUTEX_TID_MASK) == 0) {
        /* Given up, but the wake-up did not come to pass. */
        wake(word);
        return 0;
    }
    for (;;) {
        if ((val & FUTEX_TID_MASK) != (uint32_t)t->tid) {
            return 0;
        }
        new = (val & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
        err = user_cmpxchg32(word, val, new, &old);
        if (err) {
            return err;
        }
        if (old == val) {
            break;
        }
        val = old;
    }
    if (!pi && (val & FUTEX_WAITERS)) {
        wake(word);
    }
    return 0;
}

static int fetch_entry(uint64_t *entry, bool *pi, struct uptr at)
{
    int err = get_user64(entry, at);

    *pi = *entry & 1;
    *entry &= ~1ull;
    return err;
}

void robust_list_exit(struct thread *t)
{
    struct uptr head = t->robust_list;
    struct abi_robust_list_head h;
    uint64_t entry, next, pending = 0;
    bool pi, next_pi, pending_pi = false;

    if (!head.addr || copy_from_user(&h, head, sizeof(h))) {
        return;
    }
    entry = h.next & ~1ull;
    pi = h.next & 1;
    pending = h.list_op_pending & ~1ull;
    pending_pi = h.list_op_pending & 1;
    for (int i = 0; entry != head.addr && i < ROBUST_LIST_LIMIT; i++) {
        /* The link first: once marked, the entry may be reused. */
        int err = fetch_entry(&next, &next_pi, uptr(entry));
        uint64_t word = entry + (uint64_t)h.futex_offset;

        if (entry != pending && owner_died(t, uptr(word), pi, false)) {
            return;
        }
        if (err) {
            return;
        }
        entry = next;
        pi = next_pi;
    }
    if (pending) {
        owner_died(t, uptr(pending + (uint64_t)h.futex_offset), pending_pi,
                   true);
    }
    t->robust_list = uptr(0);
}
