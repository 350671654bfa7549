/* SPDX-License-Identifier: MIT
 *
 * landlock_create_ruleset(2), landlock_add_rule(2), landlock_restrict_self(2).
 */
#include "kernel/sys/user_path.h"
#include "kernel/mm/user_struct.h"
#include "kernel/fs/landlock/landlock.h"
#include "kernel/proc/cred.h"
#include "abi/linux/errno.h"
#include "abi/linux/prctl.h"

static long ask_about(const struct sysargs *a, unsigned flags)
{
    if (arg_u64(a, 0) || arg_u64(a, 1)) {
        return -EINVAL;
    }
    return flags == LANDLOCK_CREATE_RULESET_VERSION  ? LANDLOCK_ABI
           : flags == LANDLOCK_CREATE_RULESET_ERRATA ? LANDLOCK_ERRATA
                                                     : -EINVAL;
}

static int get_attr(struct landlock_ruleset_attr *attr, struct uptr from,
                    uint64_t size)
{
    if (!from.addr) {
        return -EFAULT;
    }
    if (size < LANDLOCK_RULESET_ATTR_SIZE_MIN) {
        return -EINVAL;
    }
    return size > PAGE_SIZE ? -E2BIG
                            : user_struct_get(attr, sizeof(*attr), from, size);
}

long sys_landlock_create_ruleset(const struct sysargs *a)
{
    struct landlock_ruleset_attr attr;
    struct file *f;
    int err;

    if (arg_uint(a, 2)) {
        return ask_about(a, arg_uint(a, 2));
    }
    err = get_attr(&attr, arg_ptr(a, 0), arg_u64(a, 1));
    if (err) {
        return err;
    }
    if (attr.handled_access_fs & ~LANDLOCK_ACCESS_FS_ALL ||
        attr.handled_access_net & ~LANDLOCK_ACCESS_NET_ALL ||
        attr.scoped & ~LANDLOCK_SCOPE_ALL) {
        return -EINVAL;
    }
    if (!attr.handled_access_fs && !attr.handled_access_net && !attr.scoped) {
        return -ENOMSG;
    }
    err = ruleset_open(&attr, &f);
    return err ? err : user_file_install(f, true);
}

/* ---- rules ---- */

/* While fd is held. */
static int get_ruleset(int n, struct fd *fd, struct ruleset **out)
{
    int err = fd_get_io(n, fd);

    if (err) {
        return err;
    }
    *out = ruleset_of(fd->file);
    if (!*out) {
        fd_put(fd);
        return -EBADFD;
    }
    return 0;
}

/* What paths do not lead to is no place for a rule. */
static int add_beneath(struct ruleset *r, int parent, uint64_t access)
{
    struct fd fd;
    int err = fd_get(parent, &fd);

    if (err) {
        return err;
    }
    err = fd.file->path.mount->hidden
              ? -EBADFD
              : ruleset_add_path(r, &fd.file->path, access);
    fd_put(&fd);
    return err;
}

static int add_path(struct ruleset *r, struct uptr from)
{
    struct landlock_path_beneath_attr attr;

    if (copy_from_user(&attr, from, sizeof(attr))) {
        return -EFAULT;
    }
    if (!attr.allowed_access) {
        return -ENOMSG;
    }
    return ruleset_handles(r, attr.allowed_access)
               ? add_beneath(r, attr.parent_fd, attr.allowed_access)
               : -EINVAL;
}

static int add_port(struct ruleset *r, struct uptr from)
{
    struct landlock_net_port_attr attr;

    if (copy_from_user(&attr, from, sizeof(attr))) {
        return -EFAULT;
    }
    return attr.allowed_access
               ? ruleset_add_port(r, attr.port, attr.allowed_access)
               : -ENOMSG;
}

long sys_landlock_add_rule(const struct sysargs *a)
{
    struct ruleset *r;
    struct fd fd;
    int err;

    if (arg_uint(a, 3)) {
        return -EINVAL;
    }
    err = get_ruleset(arg_int(a, 0), &fd, &r);
    if (err) {
        return err;
    }
    switch (arg_uint(a, 1)) {
    case LANDLOCK_RULE_PATH_BENEATH:
        err = add_path(r, arg_ptr(a, 2));
        break;
    case LANDLOCK_RULE_NET_PORT:
        err = add_port(r, arg_ptr(a, 2));
        break;
    default:
        err = -EINVAL;
    }
    fd_put(&fd);
    return err;
}

/* ---- the restriction ---- */

/* The old domain is part of the new one and lives as long. */
static int restrict_to(struct ruleset *r)
{
    struct thread *t = current_thread();
    struct landlock *old = t->landlock, *new;
    int err = ruleset_restrict(r, old, &new);

    if (!err) {
        spin_lock(&proc_lock);
        t->landlock = new;
        spin_unlock(&proc_lock);
        landlock_put(old);
    }
    return err;
}

long sys_landlock_restrict_self(const struct sysargs *a)
{
    struct ruleset *r;
    struct fd fd;
    int err;

    if (!current_thread()->no_new_privs && !cred_capable(CAP_SYS_ADMIN)) {
        return -EPERM;
    }
    if (arg_uint(a, 1) & ~LANDLOCK_RESTRICT_SELF_ALL) {
        return -EINVAL;
    }
    if (arg_int(a, 0) == -1 &&
        arg_uint(a, 1) == LANDLOCK_RESTRICT_SELF_LOG_SUBDOMAINS_OFF) {
        return 0;
    }
    err = get_ruleset(arg_int(a, 0), &fd, &r);
    if (!err) {
        err = restrict_to(r);
        fd_put(&fd);
    }
    return err;
}
