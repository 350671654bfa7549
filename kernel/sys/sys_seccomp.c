/* SPDX-License-Identifier: MIT
 *
 * seccomp(2), and prctl(2)'s way to it.
 */
#include "kernel/sys/table.h"
#include "kernel/sys/trace.h"
#include "kernel/fs/file.h"
#include "kernel/proc/seccomp/listener.h"
#include "kernel/proc/seccomp/seccomp.h"
#include "abi/linux/errno.h"

static bool flags_fit(unsigned flags)
{
    const unsigned known = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG |
                           SECCOMP_FILTER_FLAG_SPEC_ALLOW |
                           SECCOMP_FILTER_FLAG_NEW_LISTENER |
                           SECCOMP_FILTER_FLAG_TSYNC_ESRCH |
                           SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    const unsigned both =
        SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_NEW_LISTENER;

    /* Two numbers cannot be returned; only listeners are killable. */
    return !(flags & ~known) &&
           ((flags & both) != both ||
            flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH) &&
           (!(flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) ||
            flags & SECCOMP_FILTER_FLAG_NEW_LISTENER);
}

static long add_filter(const struct bpf_program *p, unsigned flags,
                       struct listener *l)
{
    long err = seccomp_add(uptr(p->filter), p->len, flags, l);

    if (err >= 0) {
        trace_watch();
    }
    return err > 0 && flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH ? -ESRCH : err;
}

/* Its descriptor. */
static long add_listening(const struct bpf_program *p, unsigned flags)
{
    struct listener *l;
    struct file *f;
    int fd = fd_reserve(true);
    long err;

    if (fd < 0) {
        return fd;
    }
    err = listener_open(flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &l, &f);
    if (!err) {
        err = add_filter(p, flags, l);
        if (err) {
            file_put(f);
        }
    }
    fd_fill(fd, err ? NULL : f);
    return err ? err : fd;
}

static long set_filter(unsigned flags, struct uptr from)
{
    struct bpf_program program;

    if (!flags_fit(flags)) {
        return -EINVAL;
    }
    if (copy_from_user(&program, from, sizeof(program))) {
        return -EFAULT;
    }
    return flags & SECCOMP_FILTER_FLAG_NEW_LISTENER
               ? add_listening(&program, flags)
               : add_filter(&program, flags, NULL);
}

static long tell_sizes(struct uptr to)
{
    const struct seccomp_notif_sizes sizes = {sizeof(struct seccomp_notif),
                                              sizeof(struct seccomp_notif_resp),
                                              sizeof(struct seccomp_data)};

    return copy_to_user(to, &sizes, sizeof(sizes));
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
    case SECCOMP_GET_NOTIF_SIZES:
        return flags ? -EINVAL : tell_sizes(arg_ptr(a, 2));
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
