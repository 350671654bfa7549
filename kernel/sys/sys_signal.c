/* SPDX-License-Identifier: MIT
 *
 * The system calls of signals: arguments in, the signal room's functions, and
 * who may signal whom (kill(2), credentials(7)).
 */
#include "kernel/sys/table.h"
#include "kernel/core/timer.h"
#include "kernel/fs/procfs/procfs.h"
#include "kernel/proc/peer.h"
#include "kernel/proc/pidfd.h"
#include "kernel/proc/proc.h"
#include "kernel/signal/signal.h"
#include "abi/linux/errno.h"
#include "abi/linux/signal.h"
#include "abi/linux/time.h"
#include "lib/atomic.h"

enum { CAP_KILL = 5 };

/* sigsetsize, which every call that takes a set has to give. */
static bool set_size_ok(const struct sysargs *a, int i)
{
    return arg_u64(a, i) == sizeof(sigset);
}

/* ---- handlers and masks ---- */

long sys_rt_sigaction(const struct sysargs *a)
{
    struct uptr act = arg_ptr(a, 1), old = arg_ptr(a, 2);
    struct k_sigaction new_action, old_action;
    int err;

    if (!set_size_ok(a, 3)) {
        return -EINVAL;
    }
    if (act.addr && copy_from_user(&new_action, act, sizeof(new_action))) {
        return -EFAULT;
    }
    mm_started(current_proc()->mm);
    err = signal_action(arg_int(a, 0), act.addr ? &new_action : NULL,
                        &old_action);
    if (!err && old.addr) {
        err = copy_to_user(old, &old_action, sizeof(old_action));
    }
    return err;
}

static int change_mask(int how, sigset set)
{
    sigset mask = current_thread()->signals.blocked;

    switch (how) {
    case SIG_BLOCK:
        signal_set_mask(mask | set);
        return 0;
    case SIG_UNBLOCK:
        signal_set_mask(mask & ~set);
        return 0;
    case SIG_SETMASK:
        signal_set_mask(set);
        return 0;
    default:
        return -EINVAL;
    }
}

long sys_rt_sigprocmask(const struct sysargs *a)
{
    sigset old = current_thread()->signals.blocked, set;
    int err = 0;

    if (!set_size_ok(a, 3)) {
        return -EINVAL;
    }
    if (arg_ptr(a, 1).addr) {
        if (get_user64(&set, arg_ptr(a, 1))) {
            return -EFAULT;
        }
        err = change_mask(arg_int(a, 0), set);
    }
    if (!err && arg_ptr(a, 2).addr) {
        err = put_user64(arg_ptr(a, 2), old);
    }
    return err;
}

long sys_rt_sigpending(const struct sysargs *a)
{
    struct thread *t = current_thread();
    sigset set = signal_pending_set(t) & t->signals.blocked;

    if (arg_u64(a, 1) > sizeof(set)) {
        return -EINVAL;
    }
    return copy_to_user(arg_ptr(a, 0), &set, arg_u64(a, 1));
}

long sys_sigaltstack(const struct sysargs *a)
{
    struct linux_stack ss, old;
    int err;

    if (arg_ptr(a, 0).addr && copy_from_user(&ss, arg_ptr(a, 0), sizeof(ss))) {
        return -EFAULT;
    }
    err = signal_altstack(arg_ptr(a, 0).addr ? &ss : NULL, &old,
                          thread_regs(current_thread())->rsp);
    if (!err && arg_ptr(a, 1).addr) {
        err = copy_to_user(arg_ptr(a, 1), &old, sizeof(old));
    }
    return err;
}

long sys_rt_sigreturn(const struct sysargs *a)
{
    struct user_regs *regs = thread_regs(current_thread());

    signal_return(regs);
    return (long)regs->rax;
}

/* What a call left to be done after a signal without a handler. A program
 * that calls this by itself, or after a handler, has nothing to go on with. */
long sys_restart_syscall(const struct sysargs *a)
{
    struct thread *t = current_thread();

    return t->restart.fn ? t->restart.fn(t) : -EINTR;
}

/* ---- waiting ---- */

/* Sleeps until there is something to deliver. */
static void wait_for_signal(void)
{
    wait_event(&current_proc()->signals.signalfds, false, DEADLINE_NONE,
               WAIT_INTR);
}

long sys_pause(const struct sysargs *a)
{
    wait_for_signal();
    return -ERESTARTNOHAND;
}

long sys_rt_sigsuspend(const struct sysargs *a)
{
    int err;

    if (!set_size_ok(a, 1)) {
        return -EINVAL;
    }
    if (!arg_ptr(a, 0).addr) {
        return -EFAULT;
    }
    err = signal_mask_begin(arg_ptr(a, 0), sizeof(sigset));
    if (err) {
        return err;
    }
    wait_for_signal();
    signal_mask_end(true);
    return -ERESTARTNOHAND;
}

/* A timespec as a deadline; DEADLINE_NONE for a null pointer. */
static int read_timeout(struct uptr p, uint64_t *deadline)
{
    struct abi_timespec ts;
    uint64_t now = clock_now();

    *deadline = DEADLINE_NONE;
    if (!p.addr) {
        return 0;
    }
    if (copy_from_user(&ts, p, sizeof(ts))) {
        return -EFAULT;
    }
    if (ts.sec < 0 || ts.nsec < 0 || ts.nsec >= (int64_t)NSEC_PER_SEC) {
        return -EINVAL;
    }
    if ((uint64_t)ts.sec < (INT64_MAX - now) / NSEC_PER_SEC - 1) {
        *deadline = now + (uint64_t)ts.sec * NSEC_PER_SEC + (uint64_t)ts.nsec;
    }
    return 0;
}

/* The number of the signal taken, -EAGAIN at the deadline, -EINTR. */
static int wait_in_set(sigset set, uint64_t deadline, struct k_siginfo *info)
{
    struct thread *t = current_thread();
    int signo = signal_dequeue(t, set, info), err = 0;

    while (!signo && !err) {
        err = wait_event(&t->proc->signals.signalfds,
                         signal_pending_set(t) & set, deadline, WAIT_INTR);
        signo = signal_dequeue(t, set, info);
    }
    if (signo) {
        return signo;
    }
    return err == -ETIMEDOUT ? -EAGAIN : err;
}

long sys_rt_sigtimedwait(const struct sysargs *a)
{
    struct k_siginfo info;
    uint64_t deadline;
    sigset set;
    int signo, err;

    if (!set_size_ok(a, 3)) {
        return -EINVAL;
    }
    if (get_user64(&set, arg_ptr(a, 0))) {
        return -EFAULT;
    }
    set &= ~(sigbit(SIGKILL) | sigbit(SIGSTOP));
    err = read_timeout(arg_ptr(a, 2), &deadline);
    if (err) {
        return err;
    }
    signo = wait_in_set(set, deadline, &info);
    if (signo > 0 && arg_ptr(a, 1).addr &&
        copy_to_user(arg_ptr(a, 1), &info, sizeof(info))) {
        return -EFAULT;
    }
    return signo;
}

/* ---- sending ---- */

/* kill(2): the sender's real or effective user is the target's real or saved
 * one, or it has CAP_KILL; SIGCONT also inside a session. */
static bool may_signal(const struct proc *to, int signo)
{
    const struct proc *from = current_proc();
    const struct cred *c = current_cred();

    return from == to || c->euid == to->cred.suid || c->euid == to->cred.uid ||
           c->uid == to->cred.suid || c->uid == to->cred.uid ||
           (c->cap_effective >> CAP_KILL & 1) ||
           (signo == SIGCONT && from->sid == to->sid);
}

static struct k_siginfo info_from_current(int signo, int code)
{
    struct k_siginfo info = {.signo = signo, .code = code};

    info.kill.pid = current_proc()->pid;
    info.kill.uid = current_cred()->uid;
    return info;
}

/* Whether info may go to p: also the number is looked at only once there is
 * somebody to send it to. 1: send it; 0: signo 0 only asks. */
static int check_sending(const struct proc *p, const struct k_siginfo *info)
{
    if (info->signo < 0 || info->signo > NSIG) {
        return -EINVAL;
    }
    if (!may_signal(p, info->signo) || !proc_in_scope_locked(p)) {
        return -EPERM;
    }
    return info->signo != 0;
}

/* proc_lock is held. */
static int send_checked(struct proc *p, const struct k_siginfo *info)
{
    int send = check_sending(p, info);

    return send > 0 ? signal_send_proc_locked(p, info) : send;
}

/* A thread's id names its process, too. */
static int send_to_pid(int pid, const struct k_siginfo *info)
{
    struct proc *p;
    int err;

    if (pid <= 0) {
        return -ESRCH;
    }
    p = proc_find(pid);
    spin_lock(&proc_lock);
    if (p) {
        err = send_checked(p, info);
    } else {
        struct thread *t = thread_find(pid);

        err = t ? send_checked(t->proc, info) : -ESRCH;
    }
    spin_unlock(&proc_lock);
    if (p) {
        proc_put(p);
    }
    return err;
}

struct group_kill {
    int pgid; /* 0: everybody but process 1 and the sender */
    bool found, sent;
    int err;
    const struct k_siginfo *info;
};

static void send_to_member(struct proc *p, void *arg)
{
    struct group_kill *g = arg;
    int err;

    if (g->pgid ? p->pgid != g->pgid : p->pid == 1 || p == current_proc()) {
        return;
    }
    g->found = true;
    err = send_checked(p, g->info);
    if (err) {
        g->err = err;
    } else {
        g->sent = true;
    }
}

static int send_to_group(int pgid, const struct k_siginfo *info)
{
    struct group_kill g = {.pgid = pgid, .info = info};

    proc_for_each(send_to_member, &g);
    if (!g.found) {
        return -ESRCH;
    }
    return g.sent ? 0 : g.err;
}

long sys_kill(const struct sysargs *a)
{
    int pid = arg_int(a, 0), signo = arg_int(a, 1);
    struct k_siginfo info = info_from_current(signo, SI_USER);

    if (pid > 0) {
        return send_to_pid(pid, &info);
    }
    if (pid == 0) {
        return send_to_group(current_proc()->pgid, &info);
    }
    if (pid == INT32_MIN) {
        return -ESRCH;
    }
    return send_to_group(pid == -1 ? 0 : -pid, &info);
}

/* ---- by pidfd ---- */

enum {
    PIDFD_SIGNAL_THREAD = 1,
    PIDFD_SIGNAL_THREAD_GROUP = 2,
    PIDFD_SIGNAL_PROCESS_GROUP = 4,
};

static int send_to_proc(struct proc *p, const struct k_siginfo *info)
{
    int err;

    spin_lock(&proc_lock);
    err = atomic_load(&p->reaped) ? -ESRCH : send_checked(p, info);
    spin_unlock(&proc_lock);
    return err;
}

/* The thread that a pidfd stands for: of a process, the first, or all of it
 * when that has ended. */
static int send_to_thread(struct file *f, struct proc *p,
                          const struct k_siginfo *info)
{
    struct thread *t;
    int err = -ESRCH;

    spin_lock(&proc_lock);
    t = f ? pidfd_thread(f) : thread_find(p->pid);
    if (t) {
        err = check_sending(p, info);
        err = err > 0 ? signal_send_thread(t, info) : err;
    } else if (!atomic_load(&p->reaped) && (!f || !pidfd_is_thread(f))) {
        err = send_checked(p, info);
    }
    spin_unlock(&proc_lock);
    return err;
}

/* What the call may pretend, as rt_sigqueueinfo(2). */
static int info_for(struct proc *p, struct uptr from, struct k_siginfo *info)
{
    int signo = info->signo;

    if (!from.addr) {
        return 0;
    }
    if (copy_from_user(info, from, sizeof(*info))) {
        return -EFAULT;
    }
    info->from_timer = 0;
    if (info->signo != signo) {
        return -EINVAL;
    }
    return p == current_proc() || (info->code < 0 && info->code != SI_TKILL)
               ? 0
               : -EPERM;
}

/* f: a pidfd, or NULL. */
static long signal_to(struct file *f, struct proc *p, const struct sysargs *a)
{
    unsigned flags = arg_uint(a, 3);
    struct k_siginfo info;
    int err;

    if (!flags && f && pidfd_is_thread(f)) {
        flags = PIDFD_SIGNAL_THREAD;
    }
    info = info_from_current(arg_int(a, 1),
                             flags == PIDFD_SIGNAL_THREAD ? SI_TKILL : SI_USER);
    err = info_for(p, arg_ptr(a, 2), &info);
    if (err) {
        return err;
    }
    switch (flags) {
    case PIDFD_SIGNAL_THREAD:
        return send_to_thread(f, p, &info);
    case PIDFD_SIGNAL_PROCESS_GROUP:
        return send_to_group(f ? pidfd_number(f) : p->pid, &info);
    default:
        return send_to_proc(p, &info);
    }
}

/* By a pidfd, or by the directory /proc/PID. */
static long signal_by(struct file *f, const struct sysargs *a)
{
    struct proc *p = pidfd_proc(f);
    bool directory;
    long err;

    if (p) {
        return signal_to(f, p, a);
    }
    p = proc_of_directory(f, &directory);
    if (!p) {
        return directory ? -ESRCH : -EBADF;
    }
    err = signal_to(NULL, p, a);
    proc_put(p);
    return err;
}

long sys_pidfd_send_signal(const struct sysargs *a)
{
    unsigned flags = arg_uint(a, 3);
    struct fd fd;
    long result;

    if (flags > PIDFD_SIGNAL_PROCESS_GROUP || (flags & (flags - 1))) {
        return -EINVAL;
    }
    result = fd_get_io(arg_int(a, 0), &fd);
    if (!result) {
        result = signal_by(fd.file, a);
        fd_put(&fd);
    }
    return result;
}

/* A process whose first thread has ended: there is nobody to get the signal,
 * and that is no error. */
static int send_to_ended(int pid, const struct k_siginfo *info)
{
    struct proc *p = proc_find(pid);
    int err;

    if (!p) {
        return -ESRCH;
    }
    spin_lock(&proc_lock);
    err = check_sending(p, info);
    spin_unlock(&proc_lock);
    proc_put(p);
    return MIN(err, 0);
}

/* tgid 0: any process. */
static int send_to_tid(int tgid, int tid, const struct k_siginfo *info)
{
    struct thread *t;
    int err = -ESRCH;

    spin_lock(&proc_lock);
    t = thread_find(tid);
    if (t && (!tgid || t->proc->pid == tgid)) {
        err = check_sending(t->proc, info);
        if (err > 0) {
            err = signal_send_thread(t, info);
        }
    }
    spin_unlock(&proc_lock);
    return t || (tgid && tgid != tid) ? err : send_to_ended(tid, info);
}

long sys_tgkill(const struct sysargs *a)
{
    int tgid = arg_int(a, 0), tid = arg_int(a, 1), signo = arg_int(a, 2);
    struct k_siginfo info = info_from_current(signo, SI_TKILL);

    if (tgid <= 0 || tid <= 0) {
        return -EINVAL;
    }
    return send_to_tid(tgid, tid, &info);
}

long sys_tkill(const struct sysargs *a)
{
    int tid = arg_int(a, 0), signo = arg_int(a, 1);
    struct k_siginfo info = info_from_current(signo, SI_TKILL);

    if (tid <= 0) {
        return -EINVAL;
    }
    return send_to_tid(0, tid, &info);
}

/* A siginfo from the program: its code must not look like the kernel's or
 * kill(2)'s, unless it is for the sender itself (rt_sigqueueinfo(2)). */
static bool may_pretend(const struct k_siginfo *info, int id)
{
    return (info->code < 0 && info->code != SI_TKILL) ||
           id == current_thread()->tid;
}

/* Codes by which Linux knows what a siginfo holds. */
static bool code_is_known(int signo, int code)
{
    static const uint8_t most[] = {[SIGILL] = 11, [SIGFPE] = 15, [SIGSEGV] = 10,
                                   [SIGBUS] = 5,  [SIGTRAP] = 6, [SIGSYS] = 2};
    bool own = (unsigned)signo < ARRAY_SIZE(most) && most[signo];

    if (code <= 0) {
        return code >= SI_DETHREAD || code == SI_ASYNCNL;
    }
    return code == SI_KERNEL || code <= (own ? most[signo] : 6);
}

/* Of one whose code says nothing, the part behind what Linux has is zero. */
static int read_info(struct uptr p, int signo, struct k_siginfo *info)
{
    enum { KNOWN = 48 - 16 }; /* in raw */
    uint8_t any = 0;

    if (copy_from_user(info, p, sizeof(*info))) {
        return -EFAULT;
    }
    info->from_timer = 0;
    info->signo = signo;
    if (code_is_known(signo, info->code)) {
        return 0;
    }
    for (size_t i = KNOWN; i < sizeof(info->raw); i++) {
        any |= info->raw[i];
    }
    return any ? -E2BIG : 0;
}

long sys_rt_sigqueueinfo(const struct sysargs *a)
{
    int pid = arg_int(a, 0), signo = arg_int(a, 1), err;
    struct k_siginfo info;

    err = read_info(arg_ptr(a, 2), signo, &info);
    if (err) {
        return err;
    }
    if (!may_pretend(&info, pid)) {
        return -EPERM;
    }
    return send_to_pid(pid, &info);
}

long sys_rt_tgsigqueueinfo(const struct sysargs *a)
{
    int tgid = arg_int(a, 0), tid = arg_int(a, 1), signo = arg_int(a, 2), err;
    struct k_siginfo info;

    err = read_info(arg_ptr(a, 3), signo, &info);
    if (err) {
        return err;
    }
    if (tgid <= 0 || tid <= 0) {
        return -EINVAL;
    }
    if (!may_pretend(&info, tid)) {
        return -EPERM;
    }
    return send_to_tid(tgid, tid, &info);
}
