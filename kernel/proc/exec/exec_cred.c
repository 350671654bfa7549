/* SPDX-License-Identifier: MIT
 *
 * See exec_cred.h. A thread reads its own credentials bare; cred_become() puts
 * the new ones in place.
 */
#include "kernel/proc/exec/exec_cred.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/ptrace/ptrace.h"
#include "kernel/proc/room.h"
#include "abi/linux/errno.h"
#include "abi/linux/prctl.h"
#include "kernel/fs/path.h"

/* security.capability, <linux/capability.h>; little-endian. */
struct file_caps {
    uint32_t magic;
    struct {
        uint32_t permitted, inheritable;
    } word[2];
    uint32_t root; /* revision 3: whose namespace they are for */
};
enum { CAPS_EFFECTIVE = 1, CAPS_LENGTH_1 = 12, CAPS_LENGTH_2 = 20 };
#define CAPS_REVISION(n) ((n)*0x01000000u)
#define CAPS_REVISIONS   0xff000000u

/* ---- the file ---- */

/* What is of no revision, or for another namespace, is not there. */
static bool caps_are_there(const struct file_caps *c, long len)
{
    switch (c->magic & CAPS_REVISIONS) {
    case CAPS_REVISION(1):
        return len == CAPS_LENGTH_1;
    case CAPS_REVISION(2):
        return len == CAPS_LENGTH_2;
    case CAPS_REVISION(3):
        return len == sizeof(*c) && c->root == 0;
    default:
        return false;
    }
}

static int read_caps(struct file *f, struct exec_grant *out)
{
    const struct cred *me = current_cred();
    struct file_caps c = {.magic = 0};
    long len = file_capabilities(f, &c, sizeof(c));

    if (len <= 0) {
        return (int)len;
    }
    if (!caps_are_there(&c, len)) {
        return 0;
    }
    out->has_caps = true;
    out->effective = c.magic & CAPS_EFFECTIVE;
    out->permitted = c.word[0].permitted | (uint64_t)c.word[1].permitted << 32;
    out->inheritable = c.word[0].inheritable | (uint64_t)c.word[1].inheritable
                                                   << 32;
    out->permitted &= CAP_ALL;
    /* It does not know how to live with less. */
    return out->effective && (out->permitted &
                              ~(me->cap_bounding |
                                (out->inheritable & me->cap_inheritable)))
               ? -EPERM
               : 0;
}

int exec_grant_get(struct file *f, struct exec_grant *out)
{
    *out = (struct exec_grant){.has_caps = false};
    file_owner(f, &out->mode, &out->uid, &out->gid);
    out->unreadable = !file_is_readable(f);
    return read_caps(f, out);
}

bool exec_grants(const struct exec_grant *g)
{
    return g->mode & (MODE_SETUID | MODE_SETGID) || g->has_caps;
}

/* ---- who watches ---- */

struct sharers {
    const struct fs_view *view;
    unsigned count;
};

static void count_sharers(struct proc *p, void *arg)
{
    struct sharers *s = arg;

    list_for_each (pos, &p->threads) {
        s->count += list_entry(pos, struct thread, node)->view == s->view;
    }
}

/* Whether another process could lead this one astray: one that has its working
 * directory, too (CLONE_FS), or traces it and may not trace anybody; or it has
 * said that it wants no more rights. [L] */
static bool is_unsafe(const struct thread *t)
{
    struct sharers s = {.view = t->view};

    if (t->no_new_privs || ptrace_by_weaker(t)) {
        return true;
    }
    proc_for_each_locked(count_sharers, &s);
    return s.count > 1;
}

/* ---- the rights ---- */

/* Capabilities before anything is taken back; whether they are in effect. */
static bool give_caps(const struct exec_grant *g, const struct cred *old,
                      struct cred *c)
{
    bool root = !(old->securebits & SECURE_NOROOT);
    bool lent = c->uid != 0 && c->euid == 0; /* a set-user-ID root program */

    c->cap_permitted = (old->cap_bounding & g->permitted) |
                       (old->cap_inheritable & g->inheritable);
    if (!root || (g->has_caps && lent) || (c->uid != 0 && c->euid != 0)) {
        return g->effective;
    }
    c->cap_permitted = old->cap_bounding | old->cap_inheritable;
    return g->effective || c->euid == 0;
}

/* More rights than it had, in doubtful company. */
static void take_back(struct thread *t, const struct cred *old, struct cred *c)
{
    if (!cred_capable(CAP_SETUID) || t->no_new_privs) {
        c->euid = c->uid;
        c->egid = c->gid;
    }
    c->cap_permitted &= old->cap_permitted;
}

static void give_ids(const struct exec_grant *g, const struct thread *t,
                     struct cred *c)
{
    if (t->no_new_privs) {
        return;
    }
    if (g->mode & MODE_SETUID) {
        c->euid = g->uid;
    }
    if ((g->mode & MODE_SETGID) && (g->mode & MODE_XGROUP)) {
        c->egid = g->gid;
    }
}

/* The personality's flags that would help to attack it. */
static void clear_personality(struct proc *p, const struct cred *old,
                              const struct cred *c)
{
    if (c->euid != old->euid || c->egid != old->egid ||
        c->cap_permitted & ~old->cap_permitted) {
        p->personality &= ~(uint32_t)PER_CLEAR_ON_SETID;
    }
}

bool exec_grant_take(const struct exec_grant *g)
{
    struct thread *t = current_thread();
    struct cred c = t->cred, old = c;
    bool effective, changed, secure;
    struct fs_cred mine;

    fs_current_cred(&mine);
    give_ids(g, t, &c);
    effective = give_caps(g, &old, &c);
    clear_personality(t->proc, &old, &c);
    changed = c.euid != old.euid ||
              (c.egid != mine.gid && !fs_in_group(&mine, c.egid));
    spin_lock(&proc_lock); /* nobody begins to trace it in between */
    if ((changed || c.cap_permitted & ~old.cap_permitted) && is_unsafe(t)) {
        take_back(t, &old, &c);
    }
    c.suid = c.fsuid = c.euid;
    c.sgid = c.fsgid = c.egid;
    if (g->has_caps || changed) {
        c.cap_ambient = 0;
    }
    secure = changed || c.euid != old.uid || c.egid != old.gid ||
             (c.uid != 0 && (effective || c.cap_permitted & ~c.cap_ambient));
    c.cap_permitted |= c.cap_ambient;
    c.cap_effective = effective ? c.cap_permitted : c.cap_ambient;
    c.securebits &= ~(uint32_t)SECURE_KEEP_CAPS;
    cred_become(&c,
                old.euid == old.uid && old.egid == old.gid && !g->unreadable);
    if (secure) {
        t->pdeath_signal = 0;
    }
    spin_unlock(&proc_lock);
    return secure;
}
