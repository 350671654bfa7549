/* SPDX-License-Identifier: MIT
 *
 * seccomp(2), and prctl(2)'s way to it.
 */
#include "kernel/sys/table.h"
#include "kernel/sys/trace.h"
#include "kernel/proc/seccomp.h"
#include "abi/linux/errno.h"

static long set_filter(unsigned flags, struct uptr from)
{
    const unsigned known = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG |
                           SECCOMP_FILTER_FLAG_SPEC_ALLOW |
                           SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
    struct bpf_program program;
    long err;

    if (flags & ~known) {
        return -EINVAL;
    }
    if (copy_from_user(&program, from, sizeof(program))) {
        return -EFAULT;
    }
    err = seccomp_add(uptr(program.filter), program.len, flags);
    if (err >= 0) {
        trace_watch();
    }
    return err > 0 && flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH ? -ESRCH : err;
}

static long set_strict(void)
{
    int err = seccomp_strict();

    if (!err) {
        trace_watch();
    }
    return err;
}

static long action_available(struct uptr from)
{
    uint32_t action;
    int err = get_user32(&action, from);

    return err ? err : seccomp_knows(action) ? 0 : -EOPNOTSUPP;
}

long sys_seccomp(const struct sysargs *a)
{
    unsigned flags = arg_uint(a, 1);

    switch (arg_uint(a, 0)) {
    case SECCOMP_SET_MODE_STRICT:
        return flags || arg_u64(a, 2) ? -EINVAL : set_strict();
    case SECCOMP_SET_MODE_FILTER:
        return set_filter(flags, arg_ptr(a, 2));
    case SECCOMP_GET_ACTION_AVAIL:
        return flags ? -EINVAL : action_available(arg_ptr(a, 2));
    default:
        return -EINVAL;
    }
}

long seccomp_prctl(uint64_t mode, struct uptr filter)
{
    switch (mode) {
    case SECCOMP_MODE_STRICT:
        return set_strict();
    case SECCOMP_MODE_FILTER:
        return set_filter(0, filter);
    default:
        return -EINVAL;
    }
}
