/* SPDX-License-Identifier: MIT
 *
 * The system calls of clocks, sleeping and timers. Structures become
 * nanoseconds here; kernel/proc/clock.c and timers.c do the rest.
 */
#include "kernel/sys/table.h"
#include "kernel/sys/convert.h"
#include "kernel/proc/clock.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/timers.h"
#include "abi/linux/prctl.h"

/* ---- clocks ---- */

long sys_clock_gettime(const struct sysargs *a)
{
    int64_t ns;
    int err = clock_read(arg_int(a, 0), &ns);

    return err ? err : put_user_timespec(arg_ptr(a, 1), ns);
}

long sys_clock_getres(const struct sysargs *a)
{
    int64_t ns;
    int err = clock_resolution(arg_int(a, 0), &ns);

    if (err || !arg_ptr(a, 1).addr) {
        return err;
    }
    return put_user_timespec(arg_ptr(a, 1), ns);
}

long sys_clock_settime(const struct sysargs *a)
{
    int64_t ns, now;
    int err = clock_read(arg_int(a, 0), &now);

    if (err) {
        return err;
    }
    err = get_user_timespec(&ns, arg_ptr(a, 1));
    return err ? err : clock_set(arg_int(a, 0), ns);
}

static struct abi_timezone timezone; /* kept, never used, as on Linux */

long sys_gettimeofday(const struct sysargs *a)
{
    struct abi_timeval tv;
    int64_t ns;
    int err = clock_read(CLOCK_REALTIME, &ns);

    tv = timeval_of_ns(ns);
    if (arg_ptr(a, 0).addr) {
        err = copy_to_user(arg_ptr(a, 0), &tv, sizeof(tv));
    }
    if (!err && arg_ptr(a, 1).addr) {
        err = copy_to_user(arg_ptr(a, 1), &timezone, sizeof(timezone));
    }
    return err;
}

static int set_timezone(struct uptr from)
{
    struct abi_timezone tz;

    if (copy_from_user(&tz, from, sizeof(tz))) {
        return -EFAULT;
    }
    if (tz.minutes_west > 15 * 60 || tz.minutes_west < -15 * 60) {
        return -EINVAL;
    }
    timezone = tz;
    return 0;
}

long sys_settimeofday(const struct sysargs *a)
{
    struct abi_timeval tv;
    int64_t ns = 0;
    int err = 0;

    if (arg_ptr(a, 0).addr) {
        err = copy_from_user(&tv, arg_ptr(a, 0), sizeof(tv));
        err = err ? err : ns_of_timeval(&tv, &ns);
    }
    if (!err && !cred_capable(CAP_SYS_TIME)) {
        err = -EPERM;
    }
    if (!err && arg_ptr(a, 1).addr) {
        err = set_timezone(arg_ptr(a, 1));
    }
    if (!err && arg_ptr(a, 0).addr) {
        err = clock_set(CLOCK_REALTIME, ns);
    }
    return err;
}

long sys_time(const struct sysargs *a)
{
    int64_t now;

    (void)clock_read(CLOCK_REALTIME, &now); /* always there */
    now = timespec_of_ns(now).sec;
    if (arg_ptr(a, 0).addr && put_user64(arg_ptr(a, 0), (uint64_t)now)) {
        return -EFAULT;
    }
    return now;
}

static int64_t ticks(uint64_t ns)
{
    return (int64_t)(ns / (NSEC_PER_SEC / USER_HZ));
}

long sys_times(const struct sysargs *a)
{
    struct proc *p = current_proc();
    uint64_t user, kernel;

    if (arg_ptr(a, 0).addr) {
        proc_times(p, &user, &kernel);
        struct abi_tms tms = {ticks(user), ticks(kernel),
                              ticks(p->child_user_ns),
                              ticks(p->child_kernel_ns)};
        if (copy_to_user(arg_ptr(a, 0), &tms, sizeof(tms))) {
            return -EFAULT;
        }
    }
    return ticks(clock_now());
}

/* The clock is nobody's to adjust here: reading only. */
static long adjtime(struct uptr buf)
{
    enum { SS_READ = 0xa001 };
    struct abi_timex tx;

    if (copy_from_user(&tx, buf, sizeof(tx))) {
        return -EFAULT;
    }
    if (tx.modes && tx.modes != SS_READ) {
        return -EPERM;
    }
    tx = (struct abi_timex){
        .modes = tx.modes,
        .maxerror = 16000000, /* microseconds: as bad as it gets */
        .esterror = 16000000,
        .status = STA_UNSYNC,
        .constant = 2,
        .precision = 1,
        .tolerance = 32768000,
        .time = timeval_of_ns(clock_realtime()),
        .tick = 1000000 / USER_HZ,
    };
    return copy_to_user(buf, &tx, sizeof(tx)) ? -EFAULT : TIME_ERROR;
}

long sys_adjtimex(const struct sysargs *a)
{
    return adjtime(arg_ptr(a, 0));
}

long sys_clock_adjtime(const struct sysargs *a)
{
    int64_t now;

    if (arg_int(a, 0) == CLOCK_REALTIME) {
        return adjtime(arg_ptr(a, 1));
    }
    return clock_read(arg_int(a, 0), &now) ? -EINVAL : -EOPNOTSUPP;
}

/* ---- sleeping ---- */

/* args: clock, when to end, where the rest goes (0: nowhere). */
static int restart_sleep(struct thread *t)
{
    uint64_t *v = t->restart.args;
    int clock = (int)v[0];
    int64_t target = (int64_t)v[1], now;
    int err = clock_sleep(clock, target);

    if (err != -EINTR) {
        return err;
    }
    if (v[2] && clock_read(clock, &now) == 0 &&
        put_user_timespec(uptr(v[2]), MAX(target - now, (int64_t)0))) {
        return -EFAULT;
    }
    return -ERESTART_RESTARTBLOCK;
}

static long sleep_for(int clock, int64_t ns, struct uptr rest)
{
    struct thread *t = current_thread();
    int64_t now;
    int err = clock_read(clock, &now);

    if (err) {
        return err;
    }
    t->restart.args[0] = (uint64_t)clock;
    t->restart.args[1] = (uint64_t)ns_add(now, ns);
    t->restart.args[2] = rest.addr;
    err = restart_sleep(t);
    if (err == -ERESTART_RESTARTBLOCK) {
        t->restart.fn = restart_sleep;
    }
    return err;
}

long sys_nanosleep(const struct sysargs *a)
{
    int64_t ns;
    int err = get_user_timespec(&ns, arg_ptr(a, 0));

    return err ? err : sleep_for(CLOCK_MONOTONIC, ns, arg_ptr(a, 1));
}

static int check_sleep_clock(int clock)
{
    int64_t now;

    switch (clock) {
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_THREAD_CPUTIME_ID: /* it stands still while we sleep */
        return -EOPNOTSUPP;
    default:
        return clock_is_own(clock) ? -EINVAL : clock_read(clock, &now);
    }
}

long sys_clock_nanosleep(const struct sysargs *a)
{
    int clock = arg_int(a, 0), flags = arg_int(a, 1);
    int64_t ns;
    int err = check_sleep_clock(clock);

    if (!err) {
        err = get_user_timespec(&ns, arg_ptr(a, 2));
    }
    if (err) {
        return err;
    }
    if (!(flags & TIMER_ABSTIME)) {
        /* A relative sleep is not moved by setting the clock. */
        clock = clock == CLOCK_REALTIME ? CLOCK_MONOTONIC : clock;
        return sleep_for(clock, ns, arg_ptr(a, 3));
    }
    err = clock_sleep(clock, ns);
    return err == -EINTR ? -ERESTARTNOHAND : err;
}

/* ---- interval timers ---- */

static struct abi_itimerval itimerval_of(const struct timer_value *v)
{
    /* Less than a microsecond left is not disarmed. */
    uint64_t left = v->left && v->left < 1000 ? 1000 : v->left;

    return (struct abi_itimerval){timeval_of_ns((int64_t)v->interval),
                                  timeval_of_ns((int64_t)left)};
}

long sys_getitimer(const struct sysargs *a)
{
    struct timer_value v;
    int err = itimer_exchange(arg_int(a, 0), NULL, &v);

    if (err) {
        return err;
    }
    struct abi_itimerval out = itimerval_of(&v);
    return copy_to_user(arg_ptr(a, 1), &out, sizeof(out));
}

static int read_itimerval(struct uptr from, struct timer_value *v)
{
    struct abi_itimerval in = {{0, 0}, {0, 0}};
    int64_t left, interval;
    int err = 0;

    if (from.addr) { /* null disarms, as Linux has it */
        err = copy_from_user(&in, from, sizeof(in));
    }
    err = err ? err : ns_of_timeval(&in.value, &left);
    err = err ? err : ns_of_timeval(&in.interval, &interval);
    if (!err) {
        v->left = (uint64_t)left;
        v->interval = (uint64_t)interval;
    }
    return err;
}

long sys_setitimer(const struct sysargs *a)
{
    struct timer_value new, old;
    int err = read_itimerval(arg_ptr(a, 1), &new);

    err = err ? err : itimer_exchange(arg_int(a, 0), &new, &old);
    if (err || !arg_ptr(a, 2).addr) {
        return err;
    }
    struct abi_itimerval out = itimerval_of(&old);
    return copy_to_user(arg_ptr(a, 2), &out, sizeof(out));
}

long sys_alarm(const struct sysargs *a)
{
    struct timer_value old, new = {arg_uint(a, 0) * NSEC_PER_SEC, 0};
    uint64_t seconds, rest;
    int err = itimer_exchange(ITIMER_REAL, &new, &old);

    if (err) {
        return 0; /* alarm(2) cannot fail */
    }
    seconds = old.left / NSEC_PER_SEC;
    rest = old.left % NSEC_PER_SEC;
    return (long)(seconds + ((seconds == 0 && rest) || rest >= 500000000));
}

/* ---- POSIX timers ---- */

long sys_timer_create(const struct sysargs *a)
{
    struct abi_sigevent ev;
    bool has = arg_ptr(a, 1).addr;
    int id;

    if (has && copy_from_user(&ev, arg_ptr(a, 1), sizeof(ev))) {
        return -EFAULT;
    }
    id = ptimer_create(arg_int(a, 0), has ? &ev : NULL);
    if (id < 0) {
        return id;
    }
    if (put_user32(arg_ptr(a, 2), (uint32_t)id)) {
        ptimer_delete(id);
        return -EFAULT;
    }
    return 0;
}

long sys_timer_delete(const struct sysargs *a)
{
    return ptimer_delete(arg_int(a, 0));
}

long sys_timer_getoverrun(const struct sysargs *a)
{
    return ptimer_overrun(arg_int(a, 0));
}

static int put_itimerspec(struct uptr to, const struct timer_value *v)
{
    struct abi_itimerspec out = {timespec_of_ns((int64_t)v->interval),
                                 timespec_of_ns((int64_t)v->left)};

    return copy_to_user(to, &out, sizeof(out));
}

long sys_timer_gettime(const struct sysargs *a)
{
    struct timer_value v;
    int err = ptimer_get(arg_int(a, 0), &v);

    return err ? err : put_itimerspec(arg_ptr(a, 1), &v);
}

static int read_itimerspec(struct uptr from, struct timer_value *v)
{
    struct abi_itimerspec in;
    int64_t left, interval;
    int err = copy_from_user(&in, from, sizeof(in));

    err = err ? err : ns_of_timespec(&in.value, &left);
    err = err ? err : ns_of_timespec(&in.interval, &interval);
    if (!err) {
        v->left = (uint64_t)left;
        v->interval = (uint64_t)interval;
    }
    return err;
}

long sys_timer_settime(const struct sysargs *a)
{
    struct timer_value new, old;
    int err;

    if (!arg_ptr(a, 2).addr) {
        return -EINVAL;
    }
    err = read_itimerspec(arg_ptr(a, 2), &new);
    if (!err) {
        err = ptimer_set(arg_int(a, 0), arg_int(a, 1) & TIMER_ABSTIME, &new,
                         &old);
    }
    if (err || !arg_ptr(a, 3).addr) {
        return err;
    }
    return put_itimerspec(arg_ptr(a, 3), &old);
}
