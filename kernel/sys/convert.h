/* SPDX-License-Identifier: MIT
 *
 * Linux's structures of time to nanoseconds and back, with the checks that
 * every call makes. What does not fit 64 bits is cut to the longest time.
 */
#ifndef KERNEL_SYS_CONVERT_H
#define KERNEL_SYS_CONVERT_H

#include "abi/linux/errno.h"
#include "abi/linux/resource.h"
#include "abi/linux/time.h"
#include "kernel/core/timer.h"
#include "kernel/mm/uaccess.h"
#include "kernel/proc/usage.h"

#define NS_MAX INT64_MAX

static inline struct abi_timespec timespec_of_ns(int64_t ns)
{
    struct abi_timespec ts = {ns / (int64_t)NSEC_PER_SEC,
                              ns % (int64_t)NSEC_PER_SEC};

    if (ts.nsec < 0) {
        ts.nsec += (int64_t)NSEC_PER_SEC;
        ts.sec--;
    }
    return ts;
}

static inline struct abi_timeval timeval_of_ns(int64_t ns)
{
    struct abi_timespec ts = timespec_of_ns(ns);

    return (struct abi_timeval){ts.sec, ts.nsec / 1000};
}

/* Times in ns. */
static inline struct abi_rusage rusage_of(const struct usage *u, uint64_t user,
                                          uint64_t kernel)
{
    return (struct abi_rusage){
        .utime = timeval_of_ns((int64_t)user),
        .stime = timeval_of_ns((int64_t)kernel),
        .maxrss = (int64_t)(u->peak_bytes / 1024),
        .minflt = (int64_t)u->faults,
        .nvcsw = (int64_t)(u->switches - u->preemptions),
        .nivcsw = (int64_t)u->preemptions,
    };
}

/* -EINVAL for what is no time. */
static inline int ns_of_timespec(const struct abi_timespec *ts, int64_t *ns)
{
    if (ts->sec < 0 || ts->nsec < 0 || ts->nsec >= (int64_t)NSEC_PER_SEC) {
        return -EINVAL;
    }
    *ns = ts->sec >= NS_MAX / (int64_t)NSEC_PER_SEC
              ? NS_MAX
              : ts->sec * (int64_t)NSEC_PER_SEC + ts->nsec;
    return 0;
}

static inline int ns_of_timeval(const struct abi_timeval *tv, int64_t *ns)
{
    struct abi_timespec ts = {tv->sec, tv->usec * 1000};

    if (tv->usec < 0 || tv->usec >= 1000000) {
        return -EINVAL;
    }
    return ns_of_timespec(&ts, ns);
}

/* -EFAULT, -EINVAL. */
static inline int get_user_timespec(int64_t *ns, struct uptr from)
{
    struct abi_timespec ts;
    int err = copy_from_user(&ts, from, sizeof(ts));

    return err ? err : ns_of_timespec(&ts, ns);
}

static inline int put_user_timespec(struct uptr to, int64_t ns)
{
    struct abi_timespec ts = timespec_of_ns(ns);

    return copy_to_user(to, &ts, sizeof(ts));
}

/* a + b, cut. */
static inline int64_t ns_add(int64_t a, int64_t b)
{
    int64_t sum;

    return __builtin_add_overflow(a, b, &sum) ? NS_MAX : sum;
}

#endif
