/* SPDX-License-Identifier: MIT
 *
 * System calls about limits, usage and the system as a whole, and those that
 * an unprivileged container may not make: EPERM, as there.
 */
#include "kernel/sys/table.h"
#include "kernel/sys/convert.h"
#include "kernel/crypto/crypto.h"
#include "kernel/fs/procfs/tunable.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/exec/load.h"
#include "kernel/proc/pidfd.h"
#include "kernel/proc/timers.h"
#include "kernel/proc/uts.h"
#include "abi/linux/prctl.h"
#include "abi/linux/resource.h"
#include "abi/linux/sched.h"
#include "lib/string.h"

/* ---- limits ---- */

static int may_limit(struct proc *p)
{
    const struct cred *c = current_cred(), *o = &p->cred;

    if (p == current_proc() || cred_capable(CAP_SYS_RESOURCE) ||
        (c->uid == o->uid && c->uid == o->euid && c->uid == o->suid &&
         c->gid == o->gid && c->gid == o->egid && c->gid == o->sgid)) {
        return 0;
    }
    return -EPERM;
}

static int check_limit(const struct rlimit64 *old, const struct rlimit64 *new,
                       unsigned resource)
{
    if (new->cur > new->max) {
        return -EINVAL;
    }
    if (resource == LIMIT_NOFILE &&
        new->max > (uint64_t)tunable(&tunable_nr_open)) {
        return -EPERM;
    }
    if (new->max > old->max && !cred_capable(CAP_SYS_RESOURCE)) {
        return -EPERM;
    }
    return 0;
}

/* pid 0: the caller's process; new, old may be NULL. */
static int exchange_limit(int pid, unsigned resource,
                          const struct rlimit64 *new, struct rlimit64 *old)
{
    struct proc *p;
    int err;

    if (resource >= LIMIT_COUNT) {
        return -EINVAL;
    }
    p = pid ? proc_find_any(pid) : current_proc();
    if (!p) {
        return -ESRCH;
    }
    err = may_limit(p);
    spin_lock(&proc_lock);
    if (!err && old) {
        *old = p->limits[resource];
    }
    if (!err && new) {
        err = check_limit(&p->limits[resource], new, resource);
        if (!err) {
            p->limits[resource] = *new;
        }
    }
    spin_unlock(&proc_lock);
    if (!err && new &&resource == LIMIT_CPU) {
        err = timers_limit_cpu(p, new->cur);
    }
    if (pid) {
        proc_put(p);
    }
    return err;
}

long sys_getrlimit(const struct sysargs *a)
{
    struct rlimit64 old;
    int err = exchange_limit(0, arg_uint(a, 0), NULL, &old);

    return err ? err : copy_to_user(arg_ptr(a, 1), &old, sizeof(old));
}

long sys_setrlimit(const struct sysargs *a)
{
    struct rlimit64 new;

    if (copy_from_user(&new, arg_ptr(a, 1), sizeof(new))) {
        return -EFAULT;
    }
    return exchange_limit(0, arg_uint(a, 0), &new, NULL);
}

long sys_prlimit64(const struct sysargs *a)
{
    struct rlimit64 new, old;
    bool set = arg_ptr(a, 2).addr, get = arg_ptr(a, 3).addr;
    int err;

    if (set && copy_from_user(&new, arg_ptr(a, 2), sizeof(new))) {
        return -EFAULT;
    }
    err = exchange_limit(arg_int(a, 0), arg_uint(a, 1), set ? &new : NULL,
                         get ? &old : NULL);
    if (err || !get) {
        return err;
    }
    return copy_to_user(arg_ptr(a, 3), &old, sizeof(old));
}

/* ---- usage ---- */

static struct usage usage_of_process(struct proc *p)
{
    struct usage u;

    spin_lock(&proc_lock);
    u = p->past;
    list_for_each (pos, &p->threads) {
        usage_add_task(&u, &list_entry(pos, struct thread, node)->task);
    }
    spin_unlock(&proc_lock);
    usage_add_mm(&u, p->mm);
    return u;
}

long sys_getrusage(const struct sysargs *a)
{
    struct abi_rusage r;
    struct proc *p = current_proc();
    struct usage u;
    uint64_t user, kernel;

    switch (arg_int(a, 0)) {
    case ABI_RUSAGE_SELF:
        proc_times(p, &user, &kernel);
        u = usage_of_process(p);
        break;
    case ABI_RUSAGE_THREAD: /* memory is the process's */
        task_times(current_task(), &user, &kernel);
        u = usage_of_process(p);
        u.switches = u.preemptions = 0;
        usage_add_task(&u, current_task());
        break;
    case ABI_RUSAGE_CHILDREN:
        spin_lock(&proc_lock);
        user = p->child_user_ns;
        kernel = p->child_kernel_ns;
        u = p->children_usage;
        spin_unlock(&proc_lock);
        break;
    default:
        return -EINVAL;
    }
    r = rusage_of(&u, user, kernel);
    return copy_to_user(arg_ptr(a, 1), &r, sizeof(r));
}

long sys_sysinfo(const struct sysargs *a)
{
    struct system_memory memory = system_memory();
    unsigned threads = MIN(proc_thread_total(), 65535u);
    uint32_t load[SYSTEM_LOADS];
    struct abi_sysinfo info = {
        .uptime = timespec_of_ns((int64_t)clock_now()).sec,
        .totalram = memory.total,
        .freeram = memory.free,
        .procs = (uint16_t)threads,
        .mem_unit = 1,
    };

    system_load(load);
    for (int i = 0; i < SYSTEM_LOADS; i++) {
        info.loads[i] = (uint64_t)load[i] * (SYSINFO_LOAD_ONE / LOAD_ONE);
    }
    return copy_to_user(arg_ptr(a, 0), &info, sizeof(info));
}

/* ---- names ---- */

/* personality(2): what programs for older or smaller machines are told. */
static void disguise(struct abi_utsname *names)
{
    uint32_t personality = current_proc()->personality;

    if (personality & UNAME26) { /* of 6.18 */
        memset(names->release, 0, sizeof(names->release));
        strlcpy(names->release, "2.6.78", sizeof(names->release));
    }
    if ((personality & PER_MASK) == PER_LINUX32) {
        memset(names->machine, 0, sizeof(names->machine));
        strlcpy(names->machine, "i686", sizeof(names->machine));
    }
}

long sys_uname(const struct sysargs *a)
{
    struct abi_utsname names;

    uts_get(&names);
    disguise(&names);
    return copy_to_user(arg_ptr(a, 0), &names, sizeof(names));
}

static long set_name(const struct sysargs *a, int (*set)(const char *, size_t))
{
    char name[UTS_LEN];
    int len = arg_int(a, 1);

    if (!cred_capable(CAP_SYS_ADMIN)) {
        return -EPERM;
    }
    if (len < 0 || len > UTS_LEN) {
        return -EINVAL;
    }
    if (copy_from_user(name, arg_ptr(a, 0), (size_t)len)) {
        return -EFAULT;
    }
    return set(name, (size_t)len);
}

long sys_sethostname(const struct sysargs *a)
{
    return set_name(a, uts_set_hostname);
}

long sys_setdomainname(const struct sysargs *a)
{
    return set_name(a, uts_set_domainname);
}

/* ---- randomness ---- */

enum { GRND_NONBLOCK = 1, GRND_RANDOM = 2, GRND_INSECURE = 4 };

long sys_getrandom(const struct sysargs *a)
{
    struct uptr to = arg_ptr(a, 0);
    size_t len = MIN(arg_u64(a, 1), (uint64_t)INT32_MAX), done = 0;
    unsigned flags = arg_uint(a, 2);
    uint8_t chunk[1024];
    long err = 0;

    if ((flags & ~(unsigned)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE)) ||
        (flags & (GRND_RANDOM | GRND_INSECURE)) ==
            (GRND_RANDOM | GRND_INSECURE)) {
        return -EINVAL;
    }
    while (done < len) {
        size_t n = MIN(len - done, sizeof(chunk));

        random_bytes(chunk, n);
        err = copy_to_user(uptr_add(to, done), chunk, n);
        if (err) {
            break;
        }
        done += n;
        if (done < len && signal_pending(current_thread())) {
            break; /* never for 256 bytes or less (getrandom(2)) */
        }
    }
    wipe(chunk, MIN(len, sizeof(chunk)));
    return done ? (long)done : err;
}

/* ---- the rest ---- */

long sys_personality(const struct sysargs *a)
{
    uint32_t wanted = arg_uint(a, 0);
    uint32_t old = current_proc()->personality;

    if (wanted != 0xffffffff) {
        current_proc()->personality = wanted;
    }
    return old;
}

/* Everybody is in the same namespaces, which nobody may enter. */
static int setns_refusal(struct file *f, uint32_t flags)
{
    const uint32_t known = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |
                           CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
                           CLONE_NEWNET | CLONE_NEWTIME;
    uint32_t kind = ns_kind(f);
    struct proc *p = pidfd_proc(f);

    if (kind) { /* one's own user namespace is never entered again */
        return (flags && flags != kind) || kind == CLONE_NEWUSER ? -EINVAL
                                                                 : -EPERM;
    }
    if (!p || !flags || flags & ~known) {
        return -EINVAL;
    }
    return atomic_load(&p->ended) ? -ESRCH : -EPERM;
}

long sys_setns(const struct sysargs *a)
{
    struct file *f;
    int err = file_get(arg_int(a, 0), &f);

    if (!err) {
        err = setns_refusal(f, arg_uint(a, 1));
        file_put(f);
    }
    return err;
}

/* Calls that reach for the machine itself. */
long sys_not_permitted(const struct sysargs *a)
{
    return -EPERM;
}
