/* SPDX-License-Identifier: MIT
 *
 * futex(2) and futex_waitv(2): operations, flags and timeouts decoded; the
 * work is in kernel/proc/futex*.c.
 */
#include "kernel/sys/table.h"
#include "kernel/sys/convert.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/clock.h"
#include "kernel/proc/futex/futex.h"
#include "abi/linux/futex.h"

static struct futex_word word_of(const struct sysargs *a, int arg)
{
    return (struct futex_word){arg_ptr(a, arg),
                               !(arg_int(a, 1) & FUTEX_PRIVATE_FLAG)};
}

/* Like FUTEX_WAIT with a relative timeout after a signal without handler:
 * goes on until the same deadline. args: address, value, deadline, bitset and
 * whether it is shared. */
static int restart_wait(struct thread *t)
{
    uint64_t *v = t->restart.args;
    struct futex_word word = {uptr(v[0]), v[3] >> 32};
    int err = futex_wait(word, (uint32_t)v[1], v[2], (uint32_t)v[3]);

    return err == -EINTR ? -ERESTART_RESTARTBLOCK : err;
}

static __attribute__((noinline)) long
wait_again(const struct sysargs *a, uint64_t deadline, uint32_t bitset)
{
    struct thread *t = current_thread();

    if (!deadline) {
        return -ERESTARTSYS;
    }
    t->restart.fn = restart_wait;
    t->restart.args[0] = arg_u64(a, 0);
    t->restart.args[1] = arg_uint(a, 2);
    t->restart.args[2] = deadline;
    t->restart.args[3] = bitset | (uint64_t)word_of(a, 0).shared << 32;
    return -ERESTART_RESTARTBLOCK;
}

static inline long wait(const struct sysargs *a, uint64_t deadline,
                        uint32_t bitset)
{
    int err;

    if (bitset == 0) {
        return -EINVAL;
    }
    err = futex_wait(word_of(a, 0), arg_uint(a, 2), deadline, bitset);
    return unlikely(err == -EINTR) ? wait_again(a, deadline, bitset) : err;
}

static long lock_pi(const struct sysargs *a, uint64_t deadline)
{
    int err = futex_lock_pi(word_of(a, 0), deadline, false);

    return err == -EINTR ? -ERESTARTNOINTR : err;
}

static long wait_requeue_pi(const struct sysargs *a, uint64_t deadline)
{
    int err;

    if (arg_u64(a, 0) == arg_u64(a, 4)) {
        return -EINVAL;
    }
    err = futex_wait_requeue_pi(word_of(a, 0), arg_uint(a, 2), word_of(a, 4),
                                deadline);
    return err == -EINTR ? -ERESTARTNOINTR : err;
}

static bool takes_timeout(int cmd)
{
    return cmd == FUTEX_WAIT || cmd == FUTEX_WAIT_BITSET ||
           cmd == FUTEX_LOCK_PI || cmd == FUTEX_LOCK_PI2 ||
           cmd == FUTEX_WAIT_REQUEUE_PI;
}

/* FUTEX_WAIT's timeout is relative, the others' a time of a clock. */
static int read_deadline(const struct sysargs *a, int op, uint64_t *deadline)
{
    int cmd = op & FUTEX_CMD_MASK;
    bool realtime = (op & FUTEX_CLOCK_REALTIME) || cmd == FUTEX_LOCK_PI;
    int64_t ns;
    int err;

    *deadline = DEADLINE_NONE;
    if (!takes_timeout(cmd) || !arg_ptr(a, 3).addr) {
        return 0;
    }
    err = get_user_timespec(&ns, arg_ptr(a, 3));
    if (err) {
        return err;
    }
    if (cmd == FUTEX_WAIT) {
        *deadline = (uint64_t)ns_add((int64_t)clock_now(), ns);
    } else {
        *deadline =
            clock_deadline(realtime ? CLOCK_REALTIME : CLOCK_MONOTONIC, ns);
    }
    return 0;
}

static bool clock_flag_allowed(int cmd)
{
    return cmd == FUTEX_WAIT_BITSET || cmd == FUTEX_WAIT_REQUEUE_PI ||
           cmd == FUTEX_LOCK_PI2;
}

static __attribute__((noinline)) long any_operation(const struct sysargs *a)
{
    int op = arg_int(a, 1), cmd = op & FUTEX_CMD_MASK;
    struct futex_word word = word_of(a, 0);
    uint32_t cmp = arg_uint(a, 5);
    uint64_t deadline;
    int err = read_deadline(a, op, &deadline);

    if (err) {
        return err;
    }
    if ((op & FUTEX_CLOCK_REALTIME) && !clock_flag_allowed(cmd)) {
        return -ENOSYS;
    }
    switch (cmd) {
    case FUTEX_WAIT:
        return wait(a, deadline, FUTEX_BITSET_MATCH_ANY);
    case FUTEX_WAIT_BITSET:
        return wait(a, deadline, cmp);
    case FUTEX_WAKE_BITSET:
        return cmp ? futex_wake(word, arg_int(a, 2), cmp) : -EINVAL;
    case FUTEX_REQUEUE:
        return futex_requeue(word, word_of(a, 4), arg_int(a, 2), arg_int(a, 3),
                             NULL);
    case FUTEX_CMP_REQUEUE:
        return futex_requeue(word, word_of(a, 4), arg_int(a, 2), arg_int(a, 3),
                             &cmp);
    case FUTEX_WAKE_OP:
        return futex_wake_op(word, word_of(a, 4), arg_int(a, 2), arg_int(a, 3),
                             cmp);
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2:
        return lock_pi(a, deadline);
    case FUTEX_TRYLOCK_PI:
        return futex_lock_pi(word, DEADLINE_NONE, true);
    case FUTEX_UNLOCK_PI:
        return futex_unlock_pi(word);
    case FUTEX_WAIT_REQUEUE_PI:
        return wait_requeue_pi(a, deadline);
    case FUTEX_CMP_REQUEUE_PI:
        return futex_requeue_pi(word, word_of(a, 4), arg_int(a, 2),
                                arg_int(a, 3), cmp);
    default:
        return -ENOSYS; /* FUTEX_FD is gone */
    }
}

/* What nearly everybody asks for needs no look at the other arguments. */
long sys_futex(const struct sysargs *a)
{
    int op = arg_int(a, 1) & ~FUTEX_PRIVATE_FLAG;

    if (likely(op == FUTEX_WAKE)) {
        return futex_wake(word_of(a, 0), arg_int(a, 2), FUTEX_BITSET_MATCH_ANY);
    }
    if (likely(op == FUTEX_WAIT && !arg_ptr(a, 3).addr)) {
        return wait(a, DEADLINE_NONE, FUTEX_BITSET_MATCH_ANY);
    }
    return any_operation(a);
}

/* ---- futex_waitv and its relatives ---- */

/* A time of one of two clocks; from NULL: none. */
static int read_absolute(struct uptr from, int clock, uint64_t *deadline)
{
    int64_t ns;
    int err;

    *deadline = DEADLINE_NONE;
    if (!from.addr) {
        return 0;
    }
    if (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME) {
        return -EINVAL;
    }
    err = get_user_timespec(&ns, from);
    if (!err) {
        *deadline = clock_deadline(clock, ns);
    }
    return err;
}

static bool flags_ok(uint32_t flags)
{
    return flags == FUTEX_32 || flags == (FUTEX_32 | FUTEX_PRIVATE_FLAG);
}

static struct futex_word futex2_word(uint64_t addr, uint32_t flags)
{
    return (struct futex_word){uptr(addr), !(flags & FUTEX_PRIVATE_FLAG)};
}

static int read_wants(struct futex_want *want, struct uptr from, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct abi_futex_waitv w;

        if (copy_from_user(&w, uptr_add(from, i * sizeof(w)), sizeof(w))) {
            return -EFAULT;
        }
        if (!flags_ok(w.flags) || w.reserved || w.val > UINT32_MAX) {
            return -EINVAL;
        }
        want[i].word = futex2_word(w.uaddr, w.flags);
        want[i].val = (uint32_t)w.val;
    }
    return 0;
}

long sys_futex_waitv(const struct sysargs *a)
{
    unsigned count = arg_uint(a, 1);
    uint64_t deadline;
    struct futex_want *want;
    int err;

    if (arg_uint(a, 2) || count == 0 || count > FUTEX_WAITV_MAX ||
        !arg_ptr(a, 0).addr) {
        return -EINVAL;
    }
    err = read_absolute(arg_ptr(a, 3), arg_int(a, 4), &deadline);
    if (err) {
        return err;
    }
    want = kmalloc(count * sizeof(*want));
    if (!want) {
        return -ENOMEM;
    }
    err = read_wants(want, arg_ptr(a, 0), count);
    if (!err) {
        err = futex_wait_many(want, count, deadline);
    }
    kfree(want);
    return err == -EINTR ? -ERESTARTSYS : err;
}

long sys_futex_wake(const struct sysargs *a)
{
    uint64_t mask = arg_u64(a, 1);

    if (!flags_ok(arg_uint(a, 3)) || mask == 0 || mask > UINT32_MAX) {
        return -EINVAL;
    }
    return futex_wake(futex2_word(arg_u64(a, 0), arg_uint(a, 3)), arg_int(a, 2),
                      (uint32_t)mask);
}

long sys_futex_wait(const struct sysargs *a)
{
    uint64_t val = arg_u64(a, 1), mask = arg_u64(a, 2), deadline;
    int err;

    if (!flags_ok(arg_uint(a, 3)) || mask == 0 || mask > UINT32_MAX ||
        val > UINT32_MAX) {
        return -EINVAL;
    }
    err = read_absolute(arg_ptr(a, 4), arg_int(a, 5), &deadline);
    if (!err) {
        err = futex_wait(futex2_word(arg_u64(a, 0), arg_uint(a, 3)),
                         (uint32_t)val, deadline, (uint32_t)mask);
    }
    return err == -EINTR ? -ERESTARTSYS : err;
}

long sys_futex_requeue(const struct sysargs *a)
{
    struct abi_futex_waitv w[2];
    uint32_t cmp;

    if (arg_uint(a, 1) || !arg_ptr(a, 0).addr) {
        return -EINVAL;
    }
    if (copy_from_user(w, arg_ptr(a, 0), sizeof(w))) {
        return -EFAULT;
    }
    if (!flags_ok(w[0].flags) || w[0].flags != w[1].flags || w[0].reserved ||
        w[1].reserved || w[0].val > UINT32_MAX || w[1].val > UINT32_MAX) {
        return -EINVAL;
    }
    cmp = (uint32_t)w[0].val;
    return futex_requeue(futex2_word(w[0].uaddr, w[0].flags),
                         futex2_word(w[1].uaddr, w[1].flags), arg_int(a, 2),
                         arg_int(a, 3), &cmp);
}
