/* SPDX-License-Identifier: MIT
 *
 * poll(2), ppoll(2), select(2), pselect6(2): arguments in, results out; the
 * waiting is poll_files() (fs/poll_wait.c).
 */
#include "kernel/sys/convert.h"
#include "kernel/sys/table.h"
#include "kernel/fs/current.h"
#include "kernel/fs/poll_wait.h"
#include "kernel/mm/heap.h"
#include "kernel/signal/signal.h"
#include "abi/linux/prctl.h"
#include "lib/bitmap.h"
#include "lib/string.h"

enum { FDS_SMALL = 16 };

struct deadline {
    uint64_t at; /* ns of clock_now(); 0: none */
    bool now;
};

static struct deadline after_ns(int64_t ns)
{
    if (ns == 0) {
        return (struct deadline){0, true};
    }
    return (struct deadline){ns_add(clock_now(), ns), false};
}

static struct deadline after_ms(int ms)
{
    return ms < 0 ? (struct deadline){0, false}
                  : after_ns(ms * (int64_t)NSEC_PER_MSEC);
}

/* ---- poll ---- */

/* Only revents goes back: the rest is the program's. */
static int put_results(struct uptr to, const struct pollfd *fds, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        int err = copy_to_user(
            uptr_add(to, i * sizeof(*fds) + offsetof(struct pollfd, revents)),
            &fds[i].revents, sizeof(fds[i].revents));

        if (err) {
            return err;
        }
    }
    return 0;
}

static long poll_user(struct uptr user, uint64_t count, struct deadline d)
{
    struct pollfd small[FDS_SMALL], *fds = small;
    long n, err;

    if (count > current_limit(FS_LIMIT_NOFILE)) {
        return -EINVAL;
    }
    if (count > FDS_SMALL) {
        fds = kmalloc(count * sizeof(*fds));
        if (!fds) {
            return -ENOMEM;
        }
    }
    n = copy_from_user(fds, user, count * sizeof(*fds));
    if (!n) {
        n = poll_files(fds, count, d.at, d.now);
    }
    if (n >= 0) {
        err = put_results(user, fds, count);
        n = err ? err : n;
    }
    if (fds != small) {
        kfree(fds);
    }
    return n;
}

static int restart_poll(struct thread *t)
{
    uint64_t *v = t->restart.args;
    struct deadline d = {v[2], v[3]};
    long n = poll_user(uptr(v[0]), v[1], d);

    return n == -EINTR ? -ERESTART_RESTARTBLOCK : (int)n;
}

long sys_poll(const struct sysargs *a)
{
    struct deadline d = after_ms(arg_int(a, 2));
    struct thread *t = current_thread();
    long n = poll_user(arg_ptr(a, 0), arg_uint(a, 1), d);

    if (n == -EINTR) {
        t->restart.fn = restart_poll;
        t->restart.args[0] = arg_u64(a, 0);
        t->restart.args[1] = arg_uint(a, 1);
        t->restart.args[2] = d.at;
        t->restart.args[3] = d.now;
        return -ERESTART_RESTARTBLOCK;
    }
    return n;
}

/* What is left of a wait, as the interrupted call shows it. */
static int64_t left_of(struct deadline d)
{
    uint64_t now = clock_now();

    return d.now || now >= d.at ? 0 : (int64_t)(d.at - now);
}

/* A timespec or none. */
static int get_deadline(struct uptr from, struct deadline *d)
{
    int64_t ns;
    int err;

    *d = (struct deadline){0, false};
    if (!from.addr) {
        return 0;
    }
    err = get_user_timespec(&ns, from);
    if (!err) {
        *d = after_ns(ns);
    }
    return err;
}

/* personality(2): the time that is left is not told. */
static bool timeouts_stick(void)
{
    return current_proc()->personality & STICKY_TIMEOUTS;
}

static long finish(long n, struct uptr timeout, struct deadline d)
{
    if (timeout.addr && !timeouts_stick()) {
        put_user_timespec(timeout, left_of(d)); /* failing is no error */
    }
    signal_mask_end(n == -EINTR);
    return n == -EINTR ? -ERESTARTNOHAND : n;
}

long sys_ppoll(const struct sysargs *a)
{
    struct deadline d;
    int err = get_deadline(arg_ptr(a, 2), &d);

    err = err ? err : signal_mask_begin(arg_ptr(a, 3), arg_u64(a, 4));
    if (err) {
        return err;
    }
    return finish(poll_user(arg_ptr(a, 0), arg_uint(a, 1), d), arg_ptr(a, 2),
                  d);
}

/* ---- select ---- */

enum { IN, OUT, EX, SETS };

/* What each set asks for and what sets its bit (select(2), "Correspondence
 * between select and poll notifications"). */
static const uint16_t asks[SETS] = {
    POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR,
    POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR,
    POLLPRI,
};

struct sets {
    uint64_t *bits[SETS]; /* kernel copies, in one block */
    struct uptr user[SETS];
    size_t words;
    unsigned nfds;
};

static int get_sets(struct sets *s)
{
    size_t bytes = s->words * 8;

    s->bits[0] = kzalloc(MAX(bytes * SETS, (size_t)8));
    if (!s->bits[0]) {
        return -ENOMEM;
    }
    for (int i = 0; i < SETS; i++) {
        s->bits[i] = s->bits[0] + i * s->words;
        if (s->user[i].addr && copy_from_user(s->bits[i], s->user[i], bytes)) {
            kfree(s->bits[0]);
            return -EFAULT;
        }
        if (s->nfds % 64) { /* what lies behind nfds comes back clear */
            s->bits[i][s->words - 1] &= ~(~0ull << s->nfds % 64);
        }
    }
    return 0;
}

static unsigned count_asked(const struct sets *s)
{
    unsigned n = 0;

    for (unsigned fd = 0; fd < s->nfds; fd++) {
        n += bitmap_test(s->bits[IN], fd) || bitmap_test(s->bits[OUT], fd) ||
             bitmap_test(s->bits[EX], fd);
    }
    return n;
}

static void fill_fds(const struct sets *s, struct pollfd *fds)
{
    for (unsigned fd = 0; fd < s->nfds; fd++) {
        uint16_t events = 0;

        for (int i = 0; i < SETS; i++) {
            events |= bitmap_test(s->bits[i], fd) ? asks[i] : 0;
        }
        if (events) {
            *fds++ = (struct pollfd){fd, (int16_t)events, 0};
        }
    }
}

/* Leaves in the sets what came true; returns how many bits, or -EBADF. */
static int take_results(struct sets *s, const struct pollfd *fds,
                        unsigned count)
{
    int bits = 0;

    for (unsigned i = 0; i < count; i++) {
        if (fds[i].revents & POLLNVAL) {
            return -EBADF;
        }
        for (int set = 0; set < SETS; set++) {
            if (!bitmap_test(s->bits[set], fds[i].fd)) {
                continue;
            }
            if (fds[i].revents & asks[set]) {
                bits++;
            } else {
                bitmap_clear(s->bits[set], fds[i].fd);
            }
        }
    }
    return bits;
}

static long select_sets(struct sets *s, struct deadline d)
{
    unsigned count = count_asked(s);
    struct pollfd *fds = kmalloc(MAX(count, 1u) * sizeof(*fds));
    long n;

    if (!fds) {
        return -ENOMEM;
    }
    fill_fds(s, fds);
    n = poll_files(fds, count, d.at, d.now);
    if (n >= 0) {
        n = take_results(s, fds, count);
    }
    kfree(fds);
    return n;
}

static long select_user(const struct sysargs *a, struct deadline d)
{
    int nfds = arg_int(a, 0);
    struct sets s = {.user = {arg_ptr(a, 1), arg_ptr(a, 2), arg_ptr(a, 3)}};
    long n;

    if (nfds < 0) {
        return -EINVAL;
    }
    s.nfds = MIN((unsigned)nfds, (unsigned)current_limit(FS_LIMIT_NOFILE));
    s.words = BITMAP_WORDS(s.nfds);
    n = get_sets(&s);
    if (n) {
        return n;
    }
    n = select_sets(&s, d);
    for (int i = 0; i < SETS && n >= 0; i++) {
        if (s.user[i].addr && copy_to_user(s.user[i], s.bits[i], s.words * 8)) {
            n = -EFAULT;
        }
    }
    kfree(s.bits[0]);
    return n;
}

long sys_select(const struct sysargs *a)
{
    struct uptr user = arg_ptr(a, 4);
    struct deadline d = {0, false};
    struct abi_timeval tv;
    int64_t ns;
    long n;

    if (user.addr) {
        n = copy_from_user(&tv, user, sizeof(tv));
        /* select lets microseconds overflow into seconds. */
        if (!n && tv.usec >= 1000000) {
            tv.sec += tv.usec / 1000000;
            tv.usec %= 1000000;
        }
        n = n ? n : ns_of_timeval(&tv, &ns);
        if (n) {
            return n;
        }
        d = after_ns(ns);
    }
    n = select_user(a, d);
    if (user.addr && !timeouts_stick()) {
        tv = timeval_of_ns(left_of(d));
        if (copy_to_user(user, &tv, sizeof(tv))) {
            /* as on Linux, not the call's failure */
        }
    }
    return n == -EINTR ? -ERESTARTNOHAND : n;
}

long sys_pselect6(const struct sysargs *a)
{
    uint64_t mask[2] = {0, 0}; /* set, size */
    struct deadline d;
    int err = 0;

    if (arg_u64(a, 5)) {
        err = copy_from_user(mask, arg_ptr(a, 5), sizeof(mask));
    }
    err = err ? err : get_deadline(arg_ptr(a, 4), &d);
    err = err ? err : signal_mask_begin(uptr(mask[0]), mask[1]);
    if (err) {
        return err;
    }
    return finish(select_user(a, d), arg_ptr(a, 4), d);
}
