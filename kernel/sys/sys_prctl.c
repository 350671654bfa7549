/* SPDX-License-Identifier: MIT
 *
 * prctl(2) and arch_prctl(2). What has no meaning here is -EINVAL, as on a
 * Linux that was built without it.
 */
#include "kernel/sys/table.h"
#include "kernel/sys/trace.h"
#include "kernel/core/log.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/user_dispatch.h"
#include "abi/linux/errno.h"
#include "abi/linux/prctl.h"
#include "lib/string.h"

/* ---- names ---- */

static long set_name(struct uptr from)
{
    struct thread *t = current_thread();
    char name[sizeof(t->comm)];
    long len = strncpy_from_user(name, from, sizeof(name));

    if (len == -ENAMETOOLONG) { /* cut, as Linux does */
        len = copy_from_user(name, from, sizeof(name) - 1);
        name[sizeof(name) - 1] = '\0';
    }
    if (len < 0) {
        return len;
    }
    strlcpy(t->comm, name, sizeof(t->comm));
    if (t->tid == t->proc->pid) {
        strlcpy(t->proc->comm, name, sizeof(t->proc->comm));
    }
    return 0;
}

static long get_name(struct uptr to)
{
    char name[sizeof(current_thread()->comm)] = {0};

    strlcpy(name, current_thread()->comm, sizeof(name));
    return copy_to_user(to, name, sizeof(name));
}

/* ---- flags of the process ---- */

static long set_dumpable(uint64_t value)
{
    if (value > 1) {
        return -EINVAL;
    }
    current_proc()->dumpable = value;
    return 0;
}

static long set_death_signal(uint64_t signo)
{
    if (signo > NSIG) {
        return -EINVAL;
    }
    current_thread()->pdeath_signal = (int)signo;
    return 0;
}

static long set_keep_caps(uint64_t value)
{
    if (value > 1) {
        return -EINVAL;
    }
    return cred_keep_caps(value);
}

static bool rest_is_zero(const struct sysargs *a, int from)
{
    for (int i = from; i < 5; i++) {
        if (arg_u64(a, i)) {
            return false;
        }
    }
    return true;
}

static long no_new_privs(const struct sysargs *a, bool set)
{
    if (set) {
        if (arg_u64(a, 1) != 1 || !rest_is_zero(a, 2)) {
            return -EINVAL;
        }
        current_thread()->no_new_privs = true;
        return 0;
    }
    return rest_is_zero(a, 1) ? current_thread()->no_new_privs : -EINVAL;
}

static long ambient(const struct sysargs *a)
{
    return rest_is_zero(a, 3) ? cred_ambient(arg_int(a, 1), arg_int(a, 2))
                              : -EINVAL;
}

static long read_bounding(uint64_t cap)
{
    if (cap > CAP_LAST) {
        return -EINVAL;
    }
    return current_cred()->cap_bounding >> cap & 1;
}

static long set_slack(uint64_t ns)
{
    struct thread *t = current_thread();

    t->timer_slack = (int64_t)ns <= 0 ? t->default_slack : ns;
    return 0;
}

/* As without Yama's restriction: who may trace is not asked for, but a wrong
 * number is wrong. */
static long set_ptracer(uint64_t who)
{
    struct proc *p;

    if (who == 0 || (int)who == -1) {
        return 0;
    }
    p = proc_find_any((int)who);
    if (!p) {
        return -EINVAL;
    }
    proc_put(p);
    return 0;
}

/* The places of a program's parts are the kernel's to say. */
static long set_mm(const struct sysargs *a)
{
    return cred_capable(CAP_SYS_RESOURCE) ? -EINVAL : -EPERM;
}

/* There are none to disable: only what was asked for is told again. */
static long disable_huge_pages(const struct sysargs *a)
{
    if (!rest_is_zero(a, 2)) {
        return -EINVAL;
    }
    current_proc()->thp_disabled = arg_u64(a, 1) != 0;
    return 0;
}

/* Names of anonymous memory are taken and not shown: a hint for people. */
static long set_vma(const struct sysargs *a)
{
    char name[80];

    if (arg_u64(a, 1) != PR_SET_VMA_ANON_NAME || arg_u64(a, 2) % PAGE_SIZE) {
        return -EINVAL;
    }
    if (arg_ptr(a, 4).addr) {
        long len = strncpy_from_user(name, arg_ptr(a, 4), sizeof(name));
        return len == -ENAMETOOLONG ? -EINVAL : len < 0 ? len : 0;
    }
    return 0;
}

/* ---- what is kept, and has no effect here ---- */

/* Whether hardware errors kill early: the host has the memory. */
static long set_mce_kill(const struct sysargs *a)
{
    uint64_t what = arg_u64(a, 1), policy = arg_u64(a, 2);
    struct thread *t = current_thread();

    if (!rest_is_zero(a, 3)) {
        return -EINVAL;
    }
    if (what == PR_MCE_KILL_CLEAR && policy == 0) {
        t->mce_kill = PR_MCE_KILL_DEFAULT;
    } else if (what == PR_MCE_KILL_SET && policy <= PR_MCE_KILL_DEFAULT) {
        t->mce_kill = (uint8_t)policy;
    } else {
        return -EINVAL;
    }
    return 0;
}

/* The host decides how its CPUs speculate, for all of us. */
static long speculation(const struct sysargs *a, bool set)
{
    if (!rest_is_zero(a, set ? 3 : 2)) {
        return -EINVAL;
    }
    if (arg_u64(a, 1) > PR_SPEC_L1D_FLUSH) {
        return -ENODEV;
    }
    if (!set) {
        return PR_SPEC_ENABLE;
    }
    return arg_u64(a, 1) == PR_SPEC_L1D_FLUSH ? -EPERM : -ENXIO;
}

/* Who serves I/O of others: memory is never written back for it here. */
static long io_flusher(const struct sysargs *a, bool set)
{
    struct thread *t = current_thread();

    if (!cred_capable(CAP_SYS_RESOURCE)) {
        return -EPERM;
    }
    if (!rest_is_zero(a, set ? 2 : 1) || (set && arg_u64(a, 1) > 1)) {
        return -EINVAL;
    }
    if (!set) {
        return t->io_flusher;
    }
    t->io_flusher = arg_u64(a, 1);
    return 0;
}

static long set_mdwe(const struct sysargs *a)
{
    uint64_t bits = arg_u64(a, 1);

    if (!rest_is_zero(a, 2) ||
        bits & ~(uint64_t)(PR_MDWE_REFUSE_EXEC_GAIN | PR_MDWE_NO_INHERIT) ||
        bits == PR_MDWE_NO_INHERIT) {
        return -EINVAL;
    }
    return mm_set_mdwe(current_task()->mm, (unsigned)bits);
}

long sys_prctl(const struct sysargs *a)
{
    struct proc *p = current_proc();
    uint64_t x = arg_u64(a, 1);

    switch (arg_int(a, 0)) {
    case PR_SET_PDEATHSIG:
        return set_death_signal(x);
    case PR_GET_PDEATHSIG:
        return put_user32(arg_ptr(a, 1),
                          (uint32_t)current_thread()->pdeath_signal);
    case PR_GET_DUMPABLE:
        return p->dumpable;
    case PR_SET_DUMPABLE:
        return set_dumpable(x);
    case PR_GET_KEEPCAPS:
        return cred_keeps_caps();
    case PR_SET_KEEPCAPS:
        return set_keep_caps(x);
    case PR_GET_TIMING:
        return PR_TIMING_STATISTICAL;
    case PR_SET_TIMING:
        return x == PR_TIMING_STATISTICAL ? 0 : -EINVAL;
    case PR_SET_NAME:
        return set_name(arg_ptr(a, 1));
    case PR_GET_NAME:
        return get_name(arg_ptr(a, 1));
    case PR_GET_SECCOMP:
        return current_thread()->seccomp_mode;
    case PR_SET_SECCOMP:
        return seccomp_prctl(x, arg_ptr(a, 2));
    case PR_CAPBSET_READ:
        return read_bounding(x);
    case PR_CAPBSET_DROP:
        return cred_drop_bounding((int)MIN(x, (uint64_t)INT32_MAX));
    case PR_GET_TSC:
        return put_user32(arg_ptr(a, 1), PR_TSC_ENABLE);
    case PR_SET_TSC:
        return x == PR_TSC_ENABLE ? 0 : -EINVAL;
    case PR_GET_SECUREBITS:
        return current_cred()->securebits;
    case PR_SET_SECUREBITS:
        return cred_set_securebits((uint32_t)x);
    case PR_SET_TIMERSLACK:
        return set_slack(x);
    case PR_GET_TIMERSLACK:
        return (long)current_thread()->timer_slack;
    case PR_TASK_PERF_EVENTS_DISABLE: /* there are none */
    case PR_TASK_PERF_EVENTS_ENABLE:
        return 0;
    case PR_MCE_KILL:
        return set_mce_kill(a);
    case PR_MCE_KILL_GET:
        return rest_is_zero(a, 1) ? current_thread()->mce_kill : -EINVAL;
    case PR_GET_SPECULATION_CTRL:
        return speculation(a, false);
    case PR_SET_SPECULATION_CTRL:
        return speculation(a, true);
    case PR_SET_IO_FLUSHER:
        return io_flusher(a, true);
    case PR_GET_IO_FLUSHER:
        return io_flusher(a, false);
    case PR_SET_CHILD_SUBREAPER:
        p->subreaper = x != 0;
        return 0;
    case PR_GET_CHILD_SUBREAPER:
        return put_user32(arg_ptr(a, 1), p->subreaper);
    case PR_SET_NO_NEW_PRIVS:
        return no_new_privs(a, true);
    case PR_GET_NO_NEW_PRIVS:
        return no_new_privs(a, false);
    case PR_GET_TID_ADDRESS:
        return put_user64(arg_ptr(a, 1),
                          current_thread()->clear_child_tid.addr);
    case PR_SET_THP_DISABLE:
        return disable_huge_pages(a);
    case PR_GET_THP_DISABLE:
        return rest_is_zero(a, 1) ? p->thp_disabled : -EINVAL;
    case PR_SET_MDWE:
        return set_mdwe(a);
    case PR_GET_MDWE:
        return rest_is_zero(a, 1) ? (long)mm_mdwe(current_task()->mm) : -EINVAL;
    case PR_CAP_AMBIENT:
        return ambient(a);
    case PR_SET_PTRACER:
        return set_ptracer(x);
    case PR_SET_MM:
        return set_mm(a);
    case PR_SET_SYSCALL_USER_DISPATCH:
        trace_watch();
        return user_dispatch_set(x, arg_u64(a, 2), arg_u64(a, 3),
                                 arg_ptr(a, 4));
    case PR_SET_VMA:
        return set_vma(a);
    default:
        return -EINVAL;
    }
}

/* ---- arch_prctl ---- */

static long refuse_gs(void)
{
    static bool said;

    if (!atomic_xchg(&said, true)) {
        log_warn("%s: ARCH_SET_GS: GS base is the kernel's here",
                 current_thread()->comm);
    }
    return -EINVAL;
}

static long set_fs(uint64_t base)
{
    if (base >= USER_ADDRESS_END) {
        return -EPERM;
    }
    write_fs_base(base);
    mm_started(current_proc()->mm);
    return 0;
}

long sys_arch_prctl(const struct sysargs *a)
{
    switch (arg_int(a, 0)) {
    case ARCH_SET_FS:
        return set_fs(arg_u64(a, 1));
    case ARCH_GET_FS:
        return put_user64(arg_ptr(a, 1), read_fs_base());
    case ARCH_SET_GS:
        return refuse_gs();
    case ARCH_GET_GS:
        return put_user64(arg_ptr(a, 1), 0);
    case ARCH_GET_CPUID: /* CPUID faulting is not offered: it runs */
        return 1;
    case ARCH_SET_CPUID:
        return -ENODEV;
    case ARCH_GET_XCOMP_SUPP:
    case ARCH_GET_XCOMP_PERM:
        return put_user64(arg_ptr(a, 1), fpu_mask());
    default:
        return -EINVAL;
    }
}
