/* SPDX-License-Identifier: MIT
 *
 * Leases (lease.h). An inode that ever had one keeps a list; one spinlock
 * guards all lists, since leases are rare. A lease that is being broken has a
 * target and a deadline. Signals are sent after the lock is dropped.
 */
#include "kernel/fs/lease.h"
#include "kernel/fs/async.h"
#include "kernel/fs/current.h"
#include "kernel/fs/procfs/tunable.h"
#include "kernel/core/timer.h"
#include "kernel/fs/path.h"
#include "kernel/mm/heap.h"
#include "abi/linux/errno.h"
#include "abi/linux/prctl.h"
#include "abi/linux/stat.h"

struct inode_leases {
    struct list leases;
    struct wait_queue changed;
};

struct lease {
    struct list node;
    struct file *file; /* not counted: its end takes the lease away */
    int type;          /* F_RDLCK or F_WRLCK */
    int target;        /* what it is being broken to, or type */
    uint64_t deadline; /* when it is taken away; ns of clock_now() */
};

static struct spinlock lease_lock = SPINLOCK_INIT(LOCK_PAGECACHE);

static int leases_of(struct inode *inode, struct inode_leases **out)
{
    struct inode_leases *l = atomic_load_acquire(&inode->leases), *seen = NULL;

    if (!l) {
        l = kmalloc(sizeof(*l));
        if (!l) {
            return -ENOMEM;
        }
        list_init(&l->leases);
        wait_queue_init(&l->changed);
        if (!atomic_cas(&inode->leases, &seen, l)) {
            kfree(l);
            l = seen;
        }
    }
    *out = l;
    return 0;
}

void leases_free(struct inode_leases *leases)
{
    kfree(leases); /* its list is empty: every holder has gone */
}

/* [lease_lock] */
static struct lease *lease_of(struct inode_leases *l, struct file *f)
{
    list_for_each (pos, &l->leases) {
        struct lease *lease = list_entry(pos, struct lease, node);

        if (lease->file == f) {
            return lease;
        }
    }
    return NULL;
}

/* [lease_lock] */
static void change(struct lease *lease, int type)
{
    if (type == F_UNLCK) {
        list_del(&lease->node);
        lease->file->owner_pid = lease->file->owner_signal = 0;
        kfree(lease);
    } else {
        lease->type = lease->target = type;
    }
}

/* ---- setting ---- */

/* Whether others have the file open in a way that a lease of that type would
 * have to be broken for. An open file counts its dentry. */
static bool open_against(struct file *f, int type)
{
    uint32_t refs = atomic_load_relaxed(&f->path.dentry->refs);
    int writers = atomic_load_relaxed(&f->inode->writers);

    return type == F_RDLCK ? writers > 0
                           : (refs & ~(uint32_t)DENTRY_UNHASHED) > 1;
}

/* *fresh is used up when the file had no lease. [lease_lock] */
static int set_locked(struct inode_leases *l, struct file *f, int type,
                      struct lease **fresh)
{
    struct lease *own = lease_of(l, f);

    if (open_against(f, type) ||
        (own && type != F_UNLCK && own->target == F_UNLCK)) {
        return -EAGAIN;
    }
    list_for_each (pos, &l->leases) {
        struct lease *other = list_entry(pos, struct lease, node);

        if (other != own && (type == F_WRLCK || other->type == F_WRLCK ||
                             other->target != other->type)) {
            return -EAGAIN;
        }
    }
    if (own) {
        change(own, type);
        return 0;
    }
    **fresh = (struct lease){.file = f, .type = type, .target = type};
    list_add_tail(&l->leases, &(*fresh)->node);
    *fresh = NULL;
    return 0;
}

static int give_back(struct inode_leases *l, struct file *f)
{
    struct lease *lease;

    spin_lock(&lease_lock);
    lease = lease_of(l, f);
    if (lease) {
        change(lease, F_UNLCK);
    }
    spin_unlock(&lease_lock);
    if (!lease) {
        return -EAGAIN;
    }
    wait_wake_all(&l->changed);
    return 0;
}

static int check_lease(struct file *f, int type)
{
    struct fs_cred cred;

    if (type != F_RDLCK && type != F_WRLCK && type != F_UNLCK) {
        return -EINVAL;
    }
    fs_current_cred(&cred);
    if (cred.uid != f->inode->uid && !fs_capable(&cred, CAP_LEASE)) {
        return -EACCES;
    }
    return S_ISREG(f->inode->mode) ? 0 : -EINVAL;
}

int lease_set(struct file *f, int fd, int type)
{
    struct lease *fresh = NULL;
    struct inode_leases *l;
    int err = check_lease(f, type);

    if (!err) {
        err = leases_of(f->inode, &l);
    }
    if (err) {
        return err;
    }
    if (type == F_UNLCK) {
        return give_back(l, f);
    }
    fresh = kmalloc(sizeof(*fresh));
    if (!fresh) {
        return -ENOMEM;
    }
    spin_lock(&lease_lock);
    err = set_locked(l, f, type, &fresh);
    if (!err) {
        f->owner_fd = fd;
        if (!f->owner_pid) {
            f->owner_type = F_OWNER_PID;
            f->owner_pid = current_proc()->pid;
        }
    }
    spin_unlock(&lease_lock);
    kfree(fresh);
    wait_wake_all(&l->changed);
    return err;
}

int lease_get(struct file *f)
{
    struct inode_leases *l = atomic_load_acquire(&f->inode->leases);
    struct lease *lease;
    int type = F_UNLCK;

    if (l) {
        spin_lock(&lease_lock);
        lease = lease_of(l, f);
        type = lease ? lease->target : F_UNLCK;
        spin_unlock(&lease_lock);
    }
    return type;
}

void lease_release(struct file *f)
{
    struct inode_leases *l = atomic_load_acquire(&f->inode->leases);

    if (l) {
        (void)give_back(l, f); /* -EAGAIN: it had none */
    }
}

/* ---- breaking ---- */

enum { OWNERS_MOST = 8 }; /* told in one pass */

struct breaking {
    unsigned told;
    struct io_owner owners[OWNERS_MOST];
    uint64_t deadline; /* the first one's */
};

static bool is_against(const struct lease *lease, bool writes)
{
    return writes || lease->type == F_WRLCK;
}

/* What the lease is to become, if that is news to its holder: the first to want
 * it broken, or a writer after readers. [lease_lock] */
static bool lower(struct lease *lease, bool writes)
{
    int target = writes ? F_UNLCK : F_RDLCK;

    if (lease->target == F_UNLCK || lease->target == target) {
        return false;
    }
    lease->target = target;
    return true;
}

/* Begins to break what is against it, takes away what is overdue. True when
 * some is left; when OWNERS_MOST are to be told, there may be more of them.
 * [lease_lock] */
static bool break_locked(struct inode_leases *l, bool writes,
                         struct breaking *b)
{
    uint64_t now = clock_now(), grace;
    bool left = false;

    grace = (uint64_t)tunable(&tunable_lease_break_time) * NSEC_PER_SEC;
    b->told = 0;
    b->deadline = UINT64_MAX;
    list_for_each_safe (pos, &l->leases) {
        struct lease *lease = list_entry(pos, struct lease, node);

        if (!is_against(lease, writes)) {
            continue;
        }
        if (b->told == OWNERS_MOST) {
            return true;
        }
        if (lower(lease, writes)) {
            lease->deadline = now + grace;
            io_owner_get(lease->file, &b->owners[b->told++]);
        } else if (lease->deadline <= now) {
            change(lease, lease->target);
            continue;
        }
        b->deadline = MIN(b->deadline, lease->deadline);
        left = true;
    }
    return left;
}

static bool break_once(struct inode_leases *l, bool writes, struct breaking *b)
{
    bool left;

    do {
        spin_lock(&lease_lock);
        left = break_locked(l, writes, b);
        spin_unlock(&lease_lock);
        for (unsigned i = 0; i < b->told; i++) {
            io_owner_message(&b->owners[i]);
        }
    } while (b->told == OWNERS_MOST);
    return left;
}

int lease_break_slow(struct inode *inode, bool writes, bool nonblock)
{
    struct inode_leases *l = atomic_load_acquire(&inode->leases);
    struct wait_entry entry;
    struct breaking b;
    int err = 0;

    if (!break_once(l, writes, &b)) {
        return 0;
    }
    if (nonblock) {
        return -EAGAIN;
    }
    wait_begin(&entry, &l->changed, 0);
    for (;;) {
        wait_prepare();
        if (!break_once(l, writes, &b)) {
            break;
        }
        err = wait_sleep(b.deadline, WAIT_INTR);
        if (err == -EINTR) {
            err = -ERESTARTSYS;
            break;
        }
        err = 0;
    }
    wait_end(&entry);
    return err;
}
