/* SPDX-License-Identifier: MIT
 *
 * Credentials: who the program is, and what that lets it do. Root has all
 * capabilities, as in a container of its own; what they would do to the host
 * does not exist here. proc_lock guards changes; a thread reads its own bare.
 */
#include "kernel/proc/cred.h"
#include "kernel/proc/room.h"
#include "kernel/mm/heap.h"
#include "abi/linux/errno.h"
#include "abi/linux/prctl.h"
#include "lib/string.h"

/* What a file-system user id of 0 stands for (capabilities(7)). */
#define CAP_FS                                                                 \
    (CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_DAC_OVERRIDE) |                          \
     CAP_BIT(CAP_DAC_READ_SEARCH) | CAP_BIT(CAP_FOWNER) |                      \
     CAP_BIT(CAP_FSETID) | CAP_BIT(CAP_LINUX_IMMUTABLE) | CAP_BIT(CAP_MKNOD) | \
     CAP_BIT(CAP_MAC_OVERRIDE))

void fs_current_cred(struct fs_cred *out)
{
    struct thread *t = current_thread();

    if (!t) { /* the kernel's own tasks */
        *out = (struct fs_cred){.caps = CAP_ALL};
        return;
    }
    const struct cred *c = &t->cred;
    out->uid = c->fsuid;
    out->gid = c->fsgid;
    out->group_count = c->groups ? c->groups->count : 0;
    out->groups = c->groups ? c->groups->ids : NULL;
    out->caps = c->cap_effective;
}

void fs_real_cred(struct fs_cred *out)
{
    const struct cred *c = current_cred();

    fs_current_cred(out);
    out->uid = c->uid;
    out->gid = c->gid;
    out->caps = c->uid == 0 ? c->cap_permitted : 0;
}

void cred_hold(const struct cred *c)
{
    if (c->groups) {
        atomic_fetch_add(&c->groups->refs, 1);
    }
}

void cred_drop(const struct cred *c)
{
    if (c->groups && atomic_sub_fetch(&c->groups->refs, 1) == 0) {
        kfree(c->groups);
    }
}

bool cred_capable(int cap)
{
    return current_thread()->cred.cap_effective >> cap & 1;
}

void cred_first(struct cred *c, uint32_t uid, uint32_t gid)
{
    *c = (struct cred){
        .uid = uid,
        .euid = uid,
        .suid = uid,
        .fsuid = uid,
        .gid = gid,
        .egid = gid,
        .sgid = gid,
        .fsgid = gid,
        .cap_bounding = CAP_ALL,
    };
    if (uid == 0) {
        c->cap_permitted = c->cap_effective = CAP_ALL;
    }
}

/* ---- user ids ---- */

static bool any_root(const struct cred *c)
{
    return c->uid == 0 || c->euid == 0 || c->suid == 0;
}

/* Capabilities after a change of user ids from old to c. */
static void fix_caps(const struct cred *old, struct cred *c)
{
    if (c->securebits & SECURE_NO_SETUID_FIXUP) {
        return;
    }
    if (any_root(old) && !any_root(c)) {
        if (!(c->securebits & SECURE_KEEP_CAPS)) {
            c->cap_permitted = c->cap_effective = 0;
        }
        c->cap_ambient = 0; /* kept or not: execve(2) must drop them all */
    }
    if (old->euid == 0 && c->euid != 0) {
        c->cap_effective = 0;
    }
    if (old->euid != 0 && c->euid == 0) {
        c->cap_effective = c->cap_permitted;
    }
}

/* Takes the place of what *at was. proc_lock held; the old groups are dropped
 * by the caller, later. */
static struct cred replace(struct cred *at, const struct cred *c)
{
    struct cred old = *at;

    cred_hold(c);
    *at = *c;
    return old;
}

/* Whether c is somebody else than old, or may do more. */
static bool is_other(const struct cred *old, const struct cred *c)
{
    return c->euid != old->euid || c->egid != old->egid ||
           c->fsuid != old->fsuid || c->fsgid != old->fsgid ||
           c->cap_permitted & ~old->cap_permitted;
}

/* Installs the new credentials; dumpable falls when who we are changed, and the
 * places of this run, which another user may know then, are no more used. */
static void commit(struct cred *c)
{
    struct thread *t = current_thread();
    struct proc *p = t->proc;
    struct cred old, shown = {0};
    bool other;

    spin_lock(&proc_lock);
    other = is_other(&t->cred, c);
    if (other) {
        p->dumpable = false;
        t->pdeath_signal = 0;
    }
    old = replace(&t->cred, c);
    if (t->tid == p->pid) {
        shown = replace(&p->cred, c);
    }
    spin_unlock(&proc_lock);
    cred_drop(&old);
    cred_drop(&shown);
    if (other) {
        mm_leave_nothing(p->mm);
    }
}

static void commit_uids(struct cred *c)
{
    c->fsuid = c->euid;
    fix_caps(&current_thread()->cred, c);
    commit(c);
}

static bool among(uint32_t id, uint32_t a, uint32_t b, uint32_t c)
{
    return id == ID_KEEP || id == a || id == b || id == c;
}

int cred_setuid(uint32_t uid)
{
    struct cred c = current_thread()->cred;

    if (uid == ID_KEEP) {
        return -EINVAL;
    }
    if (cred_capable(CAP_SETUID)) {
        c.uid = c.suid = uid;
    } else if (uid != c.uid && uid != c.suid) {
        return -EPERM;
    }
    c.euid = uid;
    commit_uids(&c);
    return 0;
}

int cred_setreuid(uint32_t ruid, uint32_t euid)
{
    struct cred c = current_thread()->cred, old = c;

    if (!cred_capable(CAP_SETUID) &&
        (!among(ruid, old.uid, old.euid, old.euid) ||
         !among(euid, old.uid, old.euid, old.suid))) {
        return -EPERM;
    }
    c.uid = ruid == ID_KEEP ? c.uid : ruid;
    c.euid = euid == ID_KEEP ? c.euid : euid;
    if (ruid != ID_KEEP || (euid != ID_KEEP && euid != old.uid)) {
        c.suid = c.euid;
    }
    commit_uids(&c);
    return 0;
}

int cred_setresuid(uint32_t ruid, uint32_t euid, uint32_t suid)
{
    struct cred c = current_thread()->cred;

    if (!cred_capable(CAP_SETUID) && (!among(ruid, c.uid, c.euid, c.suid) ||
                                      !among(euid, c.uid, c.euid, c.suid) ||
                                      !among(suid, c.uid, c.euid, c.suid))) {
        return -EPERM;
    }
    c.uid = ruid == ID_KEEP ? c.uid : ruid;
    c.euid = euid == ID_KEEP ? c.euid : euid;
    c.suid = suid == ID_KEEP ? c.suid : suid;
    commit_uids(&c);
    return 0;
}

uint32_t cred_setfsuid(uint32_t uid)
{
    struct cred c = current_thread()->cred;
    uint32_t old = c.fsuid;

    if (uid == ID_KEEP || uid == old ||
        (!cred_capable(CAP_SETUID) &&
         !(among(uid, c.uid, c.euid, c.suid) || uid == c.fsuid))) {
        return old;
    }
    c.fsuid = uid;
    if (!(c.securebits & SECURE_NO_SETUID_FIXUP)) {
        if (old == 0) {
            c.cap_effective &= ~CAP_FS;
        } else if (uid == 0) {
            c.cap_effective |= CAP_FS & c.cap_permitted;
        }
    }
    commit(&c);
    return old;
}

/* ---- group ids ---- */

static void commit_gids(struct cred *c)
{
    c->fsgid = c->egid;
    commit(c);
}

int cred_setgid(uint32_t gid)
{
    struct cred c = current_thread()->cred;

    if (gid == ID_KEEP) {
        return -EINVAL;
    }
    if (cred_capable(CAP_SETGID)) {
        c.gid = c.sgid = gid;
    } else if (gid != c.gid && gid != c.sgid) {
        return -EPERM;
    }
    c.egid = gid;
    commit_gids(&c);
    return 0;
}

int cred_setregid(uint32_t rgid, uint32_t egid)
{
    struct cred c = current_thread()->cred, old = c;

    if (!cred_capable(CAP_SETGID) &&
        (!among(rgid, old.gid, old.egid, old.egid) ||
         !among(egid, old.gid, old.egid, old.sgid))) {
        return -EPERM;
    }
    c.gid = rgid == ID_KEEP ? c.gid : rgid;
    c.egid = egid == ID_KEEP ? c.egid : egid;
    if (rgid != ID_KEEP || (egid != ID_KEEP && egid != old.gid)) {
        c.sgid = c.egid;
    }
    commit_gids(&c);
    return 0;
}

int cred_setresgid(uint32_t rgid, uint32_t egid, uint32_t sgid)
{
    struct cred c = current_thread()->cred;

    if (!cred_capable(CAP_SETGID) && (!among(rgid, c.gid, c.egid, c.sgid) ||
                                      !among(egid, c.gid, c.egid, c.sgid) ||
                                      !among(sgid, c.gid, c.egid, c.sgid))) {
        return -EPERM;
    }
    c.gid = rgid == ID_KEEP ? c.gid : rgid;
    c.egid = egid == ID_KEEP ? c.egid : egid;
    c.sgid = sgid == ID_KEEP ? c.sgid : sgid;
    commit_gids(&c);
    return 0;
}

uint32_t cred_setfsgid(uint32_t gid)
{
    struct cred c = current_thread()->cred;
    uint32_t old = c.fsgid;

    if (gid == ID_KEEP ||
        (!cred_capable(CAP_SETGID) &&
         !(among(gid, c.gid, c.egid, c.sgid) || gid == c.fsgid))) {
        return old;
    }
    c.fsgid = gid;
    commit(&c);
    return old;
}

/* Moves ids[i] down to where it belongs among the first n: a heap. */
static void sift(uint32_t *ids, unsigned i, unsigned n)
{
    for (unsigned child; (child = 2 * i + 1) < n; i = child) {
        uint32_t id = ids[i];

        child += child + 1 < n && ids[child + 1] > ids[child];
        if (ids[child] <= id) {
            break;
        }
        ids[i] = ids[child];
        ids[child] = id;
    }
}

/* Linux keeps groups in order, and getgroups(2) shows it. */
static void sort(uint32_t *ids, unsigned n)
{
    for (unsigned i = n / 2; i-- > 0;) {
        sift(ids, i, n);
    }
    for (unsigned i = n; i-- > 1;) {
        uint32_t id = ids[i];

        ids[i] = ids[0];
        ids[0] = id;
        sift(ids, 0, i);
    }
}

struct group_list *group_list_new(unsigned count)
{
    struct group_list *g = kmalloc(sizeof(*g) + count * sizeof(g->ids[0]));

    if (g) {
        g->refs = 1;
        g->count = count;
    }
    return g;
}

int cred_setgroups(struct group_list *groups)
{
    struct cred c = current_thread()->cred;

    if (!cred_capable(CAP_SETGID)) {
        return -EPERM;
    }
    sort(groups->ids, groups->count);
    c.groups = groups;
    commit(&c);
    return 0;
}

/* ---- capabilities ---- */

int cred_capset(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
    struct cred c = current_thread()->cred;
    uint64_t may_inherit = c.cap_inheritable | c.cap_permitted;

    effective &= CAP_ALL;
    permitted &= CAP_ALL;
    inheritable &= CAP_ALL;
    if (cred_capable(CAP_SETPCAP)) {
        may_inherit = CAP_ALL;
    }
    if ((inheritable & ~may_inherit) ||
        (inheritable & ~(c.cap_inheritable | c.cap_bounding)) ||
        (permitted & ~c.cap_permitted) || (effective & ~permitted)) {
        return -EPERM;
    }
    c.cap_effective = effective;
    c.cap_permitted = permitted;
    c.cap_inheritable = inheritable;
    c.cap_ambient &= permitted & inheritable;
    commit(&c);
    return 0;
}

int cred_drop_bounding(int cap)
{
    struct cred c = current_thread()->cred;

    if (!cred_capable(CAP_SETPCAP)) {
        return -EPERM;
    }
    if (cap < 0 || cap > CAP_LAST) {
        return -EINVAL;
    }
    c.cap_bounding &= ~CAP_BIT(cap);
    commit(&c);
    return 0;
}

int cred_ambient(int how, int cap)
{
    struct cred c = current_thread()->cred;
    uint64_t bit;

    if (how == PR_CAP_AMBIENT_CLEAR_ALL) {
        if (cap) {
            return -EINVAL;
        }
        c.cap_ambient = 0;
        commit(&c);
        return 0;
    }
    if (cap < 0 || cap > CAP_LAST) {
        return -EINVAL;
    }
    bit = CAP_BIT(cap);
    switch (how) {
    case PR_CAP_AMBIENT_IS_SET:
        return (c.cap_ambient & bit) != 0;
    case PR_CAP_AMBIENT_RAISE:
        if (!(c.cap_permitted & c.cap_inheritable & bit) ||
            (c.securebits & SECURE_NO_AMBIENT_RAISE)) {
            return -EPERM;
        }
        c.cap_ambient |= bit;
        break;
    case PR_CAP_AMBIENT_LOWER:
        c.cap_ambient &= ~bit;
        break;
    default:
        return -EINVAL;
    }
    commit(&c);
    return 0;
}

int cred_set_securebits(uint32_t bits)
{
    struct cred c = current_thread()->cred;
    uint32_t locked = (c.securebits & SECURE_BITS << 1) >> 1;
    uint32_t changed = bits ^ c.securebits;

    if (!cred_capable(CAP_SETPCAP) || (changed & locked) ||
        (c.securebits & SECURE_BITS << 1 & ~bits) ||
        (bits & ~(SECURE_BITS | SECURE_BITS << 1))) {
        return -EPERM;
    }
    c.securebits = bits;
    commit(&c);
    return 0;
}

bool cred_keeps_caps(void)
{
    return current_thread()->cred.securebits & SECURE_KEEP_CAPS;
}

int cred_keep_caps(bool keep)
{
    struct cred c = current_thread()->cred;

    if (c.securebits & SECURE_KEEP_CAPS << 1) {
        return -EPERM; /* locked */
    }
    c.securebits &= ~(uint32_t)SECURE_KEEP_CAPS;
    c.securebits |= keep ? SECURE_KEEP_CAPS : 0;
    commit(&c);
    return 0;
}

/* ---- execve(2) ---- */

void cred_become(const struct cred *c, bool dumpable)
{
    struct thread *t = current_thread();
    struct proc *p = t->proc;
    struct cred old = t->cred, shown;

    t->cred = *c; /* of the same groups */
    shown = replace(&p->cred, c);
    p->dumpable = dumpable;
    if (is_other(&old, c)) {
        p->dumpable = false;
        t->pdeath_signal = 0;
    }
    cred_drop(&shown);
}
