/* SPDX-License-Identifier: MIT
 *
 * The system calls of users, groups and capabilities. The rules are in
 * kernel/proc/cred.c.
 */
#include "kernel/sys/table.h"
#include "kernel/proc/cred.h"
#include "abi/linux/errno.h"
#include "abi/linux/prctl.h"

enum { GROUPS_MAX = 65536 }; /* NGROUPS_MAX */

static const struct cred *own(void)
{
    return current_cred();
}

long sys_getuid(const struct sysargs *a)
{
    return own()->uid;
}

long sys_geteuid(const struct sysargs *a)
{
    return own()->euid;
}

long sys_getgid(const struct sysargs *a)
{
    return own()->gid;
}

long sys_getegid(const struct sysargs *a)
{
    return own()->egid;
}

static long put_three(const struct sysargs *a, uint32_t x, uint32_t y,
                      uint32_t z)
{
    int err = put_user32(arg_ptr(a, 0), x);

    err = err ? err : put_user32(arg_ptr(a, 1), y);
    return err ? err : put_user32(arg_ptr(a, 2), z);
}

long sys_getresuid(const struct sysargs *a)
{
    return put_three(a, own()->uid, own()->euid, own()->suid);
}

long sys_getresgid(const struct sysargs *a)
{
    return put_three(a, own()->gid, own()->egid, own()->sgid);
}

long sys_setuid(const struct sysargs *a)
{
    return cred_setuid(arg_uint(a, 0));
}

long sys_setreuid(const struct sysargs *a)
{
    return cred_setreuid(arg_uint(a, 0), arg_uint(a, 1));
}

long sys_setresuid(const struct sysargs *a)
{
    return cred_setresuid(arg_uint(a, 0), arg_uint(a, 1), arg_uint(a, 2));
}

long sys_setfsuid(const struct sysargs *a)
{
    return cred_setfsuid(arg_uint(a, 0));
}

long sys_setgid(const struct sysargs *a)
{
    return cred_setgid(arg_uint(a, 0));
}

long sys_setregid(const struct sysargs *a)
{
    return cred_setregid(arg_uint(a, 0), arg_uint(a, 1));
}

long sys_setresgid(const struct sysargs *a)
{
    return cred_setresgid(arg_uint(a, 0), arg_uint(a, 1), arg_uint(a, 2));
}

long sys_setfsgid(const struct sysargs *a)
{
    return cred_setfsgid(arg_uint(a, 0));
}

long sys_getgroups(const struct sysargs *a)
{
    const struct group_list *g = own()->groups;
    int size = arg_int(a, 0), count = g ? (int)g->count : 0;

    if (size < 0 || (size > 0 && size < count)) {
        return -EINVAL;
    }
    if (size > 0 && count > 0 &&
        copy_to_user(arg_ptr(a, 1), g->ids, count * sizeof(g->ids[0]))) {
        return -EFAULT;
    }
    return count;
}

long sys_setgroups(const struct sysargs *a)
{
    unsigned count = arg_uint(a, 0);
    struct group_list *groups;
    int err;

    if (!cred_capable(CAP_SETGID)) {
        return -EPERM;
    }
    if (count > GROUPS_MAX) {
        return -EINVAL;
    }
    groups = group_list_new(count);
    if (!groups) {
        return -ENOMEM;
    }
    err = copy_from_user(groups->ids, arg_ptr(a, 1),
                         count * sizeof(groups->ids[0]));
    for (unsigned i = 0; !err && i < count; i++) {
        err = groups->ids[i] == UINT32_MAX ? -EINVAL : 0; /* nobody's number */
    }
    if (!err) {
        err = cred_setgroups(groups);
    }
    cred_drop(&(struct cred){.groups = groups});
    return err;
}

/* ---- capabilities ---- */

struct cap_header {
    uint32_t version;
    int32_t pid;
};

struct cap_data {
    uint32_t effective, permitted, inheritable;
};

/* How many structures of 32 capabilities each the version has; an unknown one
 * is answered with ours. */
static int read_header(struct uptr from, struct cap_header *h, int *words)
{
    if (copy_from_user(h, from, sizeof(*h))) {
        return -EFAULT;
    }
    switch (h->version) {
    case CAPABILITY_VERSION_1:
        *words = 1;
        return 0;
    case CAPABILITY_VERSION_2:
    case CAPABILITY_VERSION_3:
        *words = 2;
        return 0;
    default:
        return put_user32(from, CAPABILITY_VERSION_3) ? -EFAULT : -EINVAL;
    }
}

static int find_cred(int pid, struct cred *out)
{
    struct thread *t;
    struct proc *p;

    if (pid < 0) {
        return -EINVAL;
    }
    if (pid == 0 || pid == current_thread()->tid) {
        *out = *own();
        return 0;
    }
    spin_lock(&proc_lock);
    t = thread_find(pid);
    p = proc_lookup_any(pid);
    if (t || p) {
        *out = t ? t->cred : p->cred;
    }
    spin_unlock(&proc_lock);
    return t || p ? 0 : -ESRCH;
}

long sys_capget(const struct sysargs *a)
{
    struct cap_header h;
    struct cap_data data[2];
    struct cred c;
    int words, err = read_header(arg_ptr(a, 0), &h, &words);

    if (err) { /* asking for the version only is no mistake */
        return err == -EINVAL && !arg_ptr(a, 1).addr ? 0 : err;
    }
    err = find_cred(h.pid, &c);
    if (err || !arg_ptr(a, 1).addr) {
        return err;
    }
    for (int i = 0; i < words; i++) {
        data[i].effective = (uint32_t)(c.cap_effective >> 32 * i);
        data[i].permitted = (uint32_t)(c.cap_permitted >> 32 * i);
        data[i].inheritable = (uint32_t)(c.cap_inheritable >> 32 * i);
    }
    return copy_to_user(arg_ptr(a, 1), data, (size_t)words * sizeof(data[0]));
}

long sys_capset(const struct sysargs *a)
{
    struct cap_header h;
    struct cap_data d[2] = {{0, 0, 0}, {0, 0, 0}};
    int words, err = read_header(arg_ptr(a, 0), &h, &words);

    if (err) {
        return err;
    }
    if (h.pid && h.pid != current_thread()->tid) {
        return -EPERM;
    }
    if (copy_from_user(d, arg_ptr(a, 1), (size_t)words * sizeof(d[0]))) {
        return -EFAULT;
    }
    return cred_capset(d[0].effective | (uint64_t)d[1].effective << 32,
                       d[0].permitted | (uint64_t)d[1].permitted << 32,
                       d[0].inheritable | (uint64_t)d[1].inheritable << 32);
}
