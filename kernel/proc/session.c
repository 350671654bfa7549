/* SPDX-License-Identifier: MIT
 *
 * Sessions and their terminals (session.h). Everything here is numbers in
 * struct proc and struct terminal, under proc_lock; signals are sent with it
 * held, so that a group cannot change in between.
 *
 * The parent of process 1 is outside, in its session: its group is never
 * orphaned.
 */
#include "kernel/proc/session.h"
#include "kernel/proc/proc.h"
#include "kernel/proc/room.h"
#include "abi/linux/errno.h"
#include "abi/linux/prctl.h"
#include "abi/linux/signal.h"

static struct list terminals = LIST_INIT(terminals);

void terminal_add(struct terminal *t)
{
    spin_lock(&proc_lock);
    list_add_tail(&terminals, &t->node);
    spin_unlock(&proc_lock);
}

static void lose_sight(struct proc *p, void *arg)
{
    const struct terminal *t = arg;

    if (p->sid == t->sid) {
        p->sees_terminal = false;
    }
}

/* It has no session any more. [L] */
static void part(struct terminal *t)
{
    if (t->sid) {
        proc_for_each_locked(lose_sight, t);
    }
    atomic_store(&t->sid, 0);
    atomic_store(&t->pgrp, 0);
}

void terminal_remove(struct terminal *t)
{
    spin_lock(&proc_lock);
    list_del(&t->node);
    part(t);
    spin_unlock(&proc_lock);
}

/* [L] */
static struct terminal *terminal_of(const struct proc *p)
{
    list_for_each (pos, &terminals) {
        struct terminal *t = list_entry(pos, struct terminal, node);

        if (p->sees_terminal && t->sid == p->sid) {
            return t;
        }
    }
    return NULL;
}

struct terminal *terminal_current(void)
{
    struct terminal *t;

    spin_lock(&proc_lock);
    t = terminal_of(current_proc());
    if (t) {
        t->get(t);
    }
    spin_unlock(&proc_lock);
    return t;
}

bool terminal_is_mine(const struct terminal *t)
{
    const struct proc *p = current_proc();

    return atomic_load_relaxed(&t->sid) == p->sid && p->sees_terminal;
}

void session_terminal(const struct proc *p, uint64_t *rdev, int *pgrp)
{
    struct terminal *t = terminal_of(p);

    *rdev = t ? t->rdev : 0;
    *pgrp = t ? t->pgrp : -1;
}

/* ---- groups ---- */

struct group_send {
    int pgid;
    struct k_siginfo info;
};

static void send_to_member(struct proc *p, void *arg)
{
    const struct group_send *g = arg;

    if (p->pgid == g->pgid && !p->zombie) {
        signal_send_proc_locked(p, &g->info);
    }
}

void group_signal_locked(int pgid, int signo)
{
    struct group_send g = {pgid, {.signo = signo, .code = SI_KERNEL}};

    if (pgid > 0) {
        proc_for_each_locked(send_to_member, &g);
    }
}

void group_signal(int pgid, int signo)
{
    spin_lock(&proc_lock);
    group_signal_locked(pgid, signo);
    spin_unlock(&proc_lock);
}

/* p, a member, has a parent that may continue its group: of another one in the
 * same session. [L] */
static bool guards(const struct proc *parent, const struct proc *p)
{
    return parent && parent->sid == p->sid && parent->pgid != p->pgid;
}

struct orphan_query {
    int pgid;
    const struct proc *but; /* as if it were gone already */
    bool has_guardian, has_stopped;
};

static void look_for_guardian(struct proc *p, void *arg)
{
    struct orphan_query *q = arg;
    if (p->pgid != q->pgid || p->zombie) {
        return;
    }
    q->has_stopped |= atomic_load_relaxed(&p->signals.stopped);
    if (p != q->but && (!p->parent || guards(p->parent, p))) {
        q->has_guardian = true;
    }
}

/* [L] */
static struct orphan_query ask_orphaned(int pgid, const struct proc *but)
{
    struct orphan_query q = {.pgid = pgid, .but = but};

    proc_for_each_locked(look_for_guardian, &q);
    return q;
}

bool group_is_orphaned(void)
{
    bool yes;

    spin_lock(&proc_lock);
    yes = !ask_orphaned(current_proc()->pgid, NULL).has_guardian;
    spin_unlock(&proc_lock);
    return yes;
}

/* ---- who is in front ---- */

static bool ignores(const struct proc *p, int signo)
{
    return (current_thread()->signals.blocked & sigbit(signo)) ||
           p->signals.actions[signo - 1].handler == SIG_IGN;
}

/* [L] */
static int check_locked(const struct terminal *t, int signo)
{
    struct proc *p = current_proc();

    if (t->sid != p->sid || !p->sees_terminal || !t->pgrp ||
        t->pgrp == p->pgid) {
        return 0;
    }
    if (ignores(p, signo)) {
        return signo == SIGTTIN ? -EIO : 0;
    }
    if (!ask_orphaned(p->pgid, NULL).has_guardian) {
        return -EIO;
    }
    group_signal_locked(p->pgid, signo);
    return -ERESTARTSYS;
}

int terminal_check(const struct terminal *t, int signo)
{
    int err;

    if (likely(!atomic_load_relaxed(&t->sid) ||
               atomic_load_relaxed(&t->pgrp) == current_proc()->pgid)) {
        return 0;
    }
    spin_lock(&proc_lock);
    err = check_locked(t, signo);
    spin_unlock(&proc_lock);
    return err;
}

int terminal_pgrp(const struct terminal *t, bool master)
{
    return master || terminal_is_mine(t) ? atomic_load_relaxed(&t->pgrp)
                                         : -ENOTTY;
}

int terminal_sid(const struct terminal *t, bool master)
{
    int sid = atomic_load_relaxed(&t->sid);

    return sid && (master || terminal_is_mine(t)) ? sid : -ENOTTY;
}

struct session_query {
    int pgid, sid; /* sid: that of a member, 0: there is none */
};

static void look_for_session(struct proc *p, void *arg)
{
    struct session_query *q = arg;

    if (p->pgid == q->pgid) {
        q->sid = p->sid;
    }
}

/* [L] */
static int set_pgrp_locked(struct terminal *t, int pgrp)
{
    struct session_query q = {.pgid = pgrp};
    struct proc *named;
    int err = check_locked(t, SIGTTOU);

    if (err) {
        return err == -EIO ? -ENOTTY : err;
    }
    if (pgrp < 0) {
        return -EINVAL;
    }
    if (!terminal_is_mine(t)) {
        return -ENOTTY;
    }
    proc_for_each_locked(look_for_session, &q);
    named = q.sid ? NULL : proc_lookup_any(pgrp);
    q.sid = named ? named->sid : q.sid; /* a process will do, too */
    if (!q.sid && (!pgrp || !pid_taken(pgrp))) {
        return -ESRCH;
    }
    if (q.sid != t->sid) {
        return -EPERM;
    }
    atomic_store(&t->pgrp, pgrp);
    return 0;
}

int terminal_set_pgrp(struct terminal *t, int pgrp)
{
    int err;

    spin_lock(&proc_lock);
    err = set_pgrp_locked(t, pgrp);
    spin_unlock(&proc_lock);
    return err;
}

void terminal_signal(struct terminal *t, int signo)
{
    spin_lock(&proc_lock);
    group_signal_locked(t->pgrp, signo);
    spin_unlock(&proc_lock);
}

/* ---- whose it is ---- */

/* [L] */
static void become(struct terminal *t, struct proc *leader)
{
    part(t);
    leader->sees_terminal = true;
    atomic_store(&t->pgrp, leader->pgid);
    atomic_store(&t->sid, leader->sid);
}

/* [L] */
static bool leads_without_terminal(const struct proc *p)
{
    return p->pid == p->sid && !terminal_of(p);
}

void terminal_opened(struct terminal *t)
{
    struct proc *p = current_proc();

    if (p->pid != p->sid || atomic_load_relaxed(&t->sid)) {
        return;
    }
    spin_lock(&proc_lock);
    if (leads_without_terminal(p) && !t->sid) {
        become(t, p);
    }
    spin_unlock(&proc_lock);
}

int terminal_acquire(struct terminal *t, bool force)
{
    struct proc *p = current_proc();
    int err = 0;

    spin_lock(&proc_lock);
    if (p->pid == p->sid && t->sid == p->sid) {
        /* it is ours already */
    } else if (!leads_without_terminal(p) ||
               (t->sid &&
                !(force &&
                  (current_cred()->cap_effective >> CAP_SYS_ADMIN & 1)))) {
        err = -EPERM;
    } else {
        become(t, p);
    }
    spin_unlock(&proc_lock);
    return err;
}

int terminal_give_up(struct terminal *t)
{
    struct proc *p = current_proc();
    int err = 0;

    spin_lock(&proc_lock);
    if (!terminal_is_mine(t)) {
        err = -ENOTTY;
    } else if (p->pid == p->sid) {
        group_signal_locked(t->pgrp, SIGHUP);
        group_signal_locked(t->pgrp, SIGCONT);
        part(t);
    } else {
        p->sees_terminal = false;
    }
    spin_unlock(&proc_lock);
    return err;
}

void terminal_hangup(struct terminal *t)
{
    struct k_siginfo hup = {.signo = SIGHUP, .code = SI_KERNEL};
    struct k_siginfo cont = {.signo = SIGCONT, .code = SI_KERNEL};
    struct proc *leader;

    spin_lock(&proc_lock);
    leader = t->sid ? proc_lookup(t->sid) : NULL;
    if (leader && !leader->zombie) {
        leader->hung_up_pgrp = t->pgrp;
        signal_send_proc_locked(leader, &hup);
        signal_send_proc_locked(leader, &cont);
    }
    part(t);
    spin_unlock(&proc_lock);
}

/* ---- the end of a process ---- */

/* The leader's terminal has no session from now on; who is in front hears of
 * it, also when the line went first. [L] */
static void leader_exit(struct proc *p)
{
    struct terminal *t = terminal_of(p);

    if (t) {
        group_signal_locked(t->pgrp, SIGHUP);
        part(t);
    } else if (p->hung_up_pgrp) {
        group_signal_locked(p->hung_up_pgrp, SIGHUP);
        group_signal_locked(p->hung_up_pgrp, SIGCONT);
    }
}

/* A group that nobody is left to continue must not stay stopped. [L] */
static void wake_orphans(int pgid, const struct proc *but)
{
    struct orphan_query q = ask_orphaned(pgid, but);

    if (!q.has_guardian && q.has_stopped) {
        group_signal_locked(pgid, SIGHUP);
        group_signal_locked(pgid, SIGCONT);
    }
}

void session_reparented(const struct proc *from, const struct proc *child)
{
    if (guards(from, child)) {
        wake_orphans(child->pgid, NULL);
    }
}

void session_exit(struct proc *p)
{
    spin_lock(&proc_lock);
    if (p->pid == p->sid) {
        leader_exit(p);
    }
    if (guards(p->parent, p)) {
        wake_orphans(p->pgid, p);
    }
    spin_unlock(&proc_lock);
}
