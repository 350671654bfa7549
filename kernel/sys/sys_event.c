/* SPDX-License-Identifier: MIT
 *
 * epoll, eventfd, timerfd, signalfd: arguments in, files out.
 */
#include "kernel/sys/convert.h"
#include "kernel/sys/table.h"
#include "kernel/fs/event/epoll.h"
#include "kernel/fs/event/event.h"
#include "kernel/fs/file.h"
#include "kernel/mm/mm.h"
#include "kernel/proc/cred.h"
#include "kernel/signal/signal.h"
#include "abi/linux/prctl.h"
#include "abi/linux/userfaultfd.h"

/* Installs a new file, taking it. */
static long install(struct file *f, bool cloexec)
{
    int fd = fd_install(f, 0, cloexec);

    if (fd < 0) {
        file_put(f);
    }
    return fd;
}

/* ---- epoll ---- */

static long make_epoll(uint32_t flags)
{
    struct file *f;
    int err;

    if (flags & ~(uint32_t)EPOLL_CLOEXEC) {
        return -EINVAL;
    }
    err = epoll_open(0, &f);
    return err ? err : install(f, flags & EPOLL_CLOEXEC);
}

long sys_epoll_create(const struct sysargs *a)
{
    return arg_int(a, 0) <= 0 ? -EINVAL : make_epoll(0);
}

long sys_epoll_create1(const struct sysargs *a)
{
    return make_epoll(arg_uint(a, 0));
}

long sys_epoll_ctl(const struct sysargs *a)
{
    struct epoll_event event = {0};
    struct fd ep, target;
    int op = arg_int(a, 1);
    long err = 0;

    if (op != EPOLL_CTL_DEL) {
        err = copy_from_user(&event, arg_ptr(a, 3), sizeof(event));
    }
    err = err ? err : fd_get_io(arg_int(a, 0), &ep);
    if (err) {
        return err;
    }
    err = fd_get_io(arg_int(a, 2), &target);
    if (!err) {
        err = epoll_control(ep.file, op, target.file, arg_int(a, 2), &event);
        fd_put(&target);
    }
    fd_put(&ep);
    return err;
}

enum { TAKE_MOST = 64 }; /* events a call returns at most */

struct wait_time {
    uint64_t deadline;
    bool now;
};

static long take_events(int fd, struct uptr to, int count,
                        struct wait_time wait)
{
    struct epoll_event events[TAKE_MOST];
    struct fd ep;
    long n;

    n = fd_get_io(fd, &ep);
    if (n) {
        return n;
    }
    if (count <= 0 || count > INT32_MAX / (int)sizeof(events[0])) {
        n = -EINVAL;
    } else if (!mm_linux_range(to.addr, count * sizeof(events[0]))) {
        n = -EFAULT;
    } else {
        n = epoll_take(ep.file, events, MIN(count, (int)TAKE_MOST),
                       wait.deadline, wait.now);
    }
    fd_put(&ep);
    if (n > 0 && copy_to_user(to, events, n * sizeof(events[0]))) {
        return -EFAULT;
    }
    return n;
}

static struct wait_time for_ns(int64_t ns)
{
    return ns ? (struct wait_time){ns_add(clock_now(), ns), false}
              : (struct wait_time){0, true};
}

static struct wait_time for_ms(int ms)
{
    return ms < 0 ? (struct wait_time){0, false}
                  : for_ns(ms * (int64_t)NSEC_PER_MSEC);
}

long sys_epoll_wait(const struct sysargs *a)
{
    return take_events(arg_int(a, 0), arg_ptr(a, 1), arg_int(a, 2),
                       for_ms(arg_int(a, 3)));
}

static long take_masked(const struct sysargs *a, struct wait_time wait)
{
    long n = signal_mask_begin(arg_ptr(a, 4), arg_u64(a, 5));

    if (!n) {
        n = take_events(arg_int(a, 0), arg_ptr(a, 1), arg_int(a, 2), wait);
        signal_mask_end(n == -EINTR);
    }
    return n;
}

long sys_epoll_pwait(const struct sysargs *a)
{
    return take_masked(a, for_ms(arg_int(a, 3)));
}

long sys_epoll_pwait2(const struct sysargs *a)
{
    struct wait_time wait = {0, false};
    int64_t ns;

    if (arg_u64(a, 3)) {
        int err = get_user_timespec(&ns, arg_ptr(a, 3));

        if (err) {
            return err;
        }
        wait = for_ns(ns);
    }
    return take_masked(a, wait);
}

/* ---- eventfd ---- */

static long make_eventfd(unsigned count, uint32_t flags)
{
    struct file *f;
    int err;

    if (flags & ~(uint32_t)(EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC)) {
        return -EINVAL;
    }
    err = eventfd_open(count, flags, &f);
    return err ? err : install(f, flags & EFD_CLOEXEC);
}

long sys_eventfd(const struct sysargs *a)
{
    return make_eventfd(arg_uint(a, 0), 0);
}

long sys_eventfd2(const struct sysargs *a)
{
    return make_eventfd(arg_uint(a, 0), arg_uint(a, 1));
}

/* ---- userfaultfd ---- */

long sys_userfaultfd(const struct sysargs *a)
{
    const uint32_t known = O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY;
    uint32_t flags = arg_uint(a, 0);
    struct file *f;
    int err;

    if (flags & ~known) {
        return -EINVAL;
    }
    if (!(flags & UFFD_USER_MODE_ONLY) && !cred_capable(CAP_SYS_PTRACE)) {
        return -EPERM; /* as vm.unprivileged_userfaultfd is 0 */
    }
    err = userfaultfd_open(flags, &f);
    return err ? err : install(f, flags & O_CLOEXEC);
}

/* ---- timerfd ---- */

long sys_timerfd_create(const struct sysargs *a)
{
    uint32_t flags = arg_uint(a, 1);
    int clock = arg_int(a, 0), err;
    struct file *f;

    if (flags & ~(uint32_t)(TFD_NONBLOCK | TFD_CLOEXEC)) {
        return -EINVAL;
    }
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_MONOTONIC:
    case CLOCK_BOOTTIME:
        break;
    case CLOCK_REALTIME_ALARM:
    case CLOCK_BOOTTIME_ALARM:
        if (!cred_capable(CAP_WAKE_ALARM)) {
            return -EPERM;
        }
        break;
    default:
        return -EINVAL;
    }
    err = timerfd_open(clock, flags, &f);
    return err ? err : install(f, flags & TFD_CLOEXEC);
}

static int put_setting(struct uptr to, int64_t value, int64_t interval)
{
    struct abi_itimerspec its = {timespec_of_ns(interval),
                                 timespec_of_ns(value)};

    return copy_to_user(to, &its, sizeof(its));
}

long sys_timerfd_settime(const struct sysargs *a)
{
    uint32_t flags = arg_uint(a, 1);
    int64_t value, interval, old_value, old_interval;
    struct abi_itimerspec its;
    struct fd fd;
    int err;

    err = copy_from_user(&its, arg_ptr(a, 2), sizeof(its));
    if (!err &&
        flags & ~(uint32_t)(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) {
        return -EINVAL;
    }
    err = err ? err : ns_of_timespec(&its.value, &value);
    err = err ? err : ns_of_timespec(&its.interval, &interval);
    err = err ? err : fd_get_io(arg_int(a, 0), &fd);
    if (err) {
        return err;
    }
    err = timerfd_set(fd.file, value, interval, flags & TFD_TIMER_ABSTIME,
                      &old_value, &old_interval);
    fd_put(&fd);
    if (!err && arg_u64(a, 3)) {
        err = put_setting(arg_ptr(a, 3), old_value, old_interval);
    }
    return err;
}

long sys_timerfd_gettime(const struct sysargs *a)
{
    int64_t value, interval;
    struct fd fd;
    int err = fd_get_io(arg_int(a, 0), &fd);

    if (err) {
        return err;
    }
    err = timerfd_get(fd.file, &value, &interval);
    fd_put(&fd);
    return err ? err : put_setting(arg_ptr(a, 1), value, interval);
}

/* ---- signalfd ---- */

static long signalfd_call(int fd, struct uptr mask, uint64_t size,
                          uint32_t flags)
{
    struct file *f;
    struct fd old;
    sigset set;
    int err;

    if (size != sizeof(set)) {
        return -EINVAL;
    }
    err = copy_from_user(&set, mask, sizeof(set));
    if (!err && flags & ~(uint32_t)(SFD_NONBLOCK | SFD_CLOEXEC)) {
        err = -EINVAL;
    }
    if (err) {
        return err;
    }
    if (fd == -1) {
        err = signalfd_open(set, flags, &f);
        return err ? err : install(f, flags & SFD_CLOEXEC);
    }
    err = fd_get_io(fd, &old);
    if (!err) {
        err = signalfd_set(old.file, set);
        fd_put(&old);
    }
    return err ? err : fd;
}

long sys_signalfd(const struct sysargs *a)
{
    return signalfd_call(arg_int(a, 0), arg_ptr(a, 1), arg_u64(a, 2), 0);
}

long sys_signalfd4(const struct sysargs *a)
{
    return signalfd_call(arg_int(a, 0), arg_ptr(a, 1), arg_u64(a, 2),
                         arg_uint(a, 3));
}
