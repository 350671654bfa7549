/* SPDX-License-Identifier: MIT
 *
 * F_NOTIFY (dnotify.h): one list of all files that ask for it, since hardly
 * any program does. Signals are sent after the lock is dropped.
 */
#include "kernel/fs/event/dnotify.h"
#include "kernel/fs/async.h"
#include "kernel/fs/current.h"
#include "kernel/fs/event/watch.h"
#include "kernel/mm/heap.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"

struct notice {
    struct list node;
    struct file *file; /* not counted: its close takes the notice away */
    uint32_t mask;     /* DN_* */
};

uint32_t dnotify_count;
static struct list notices = LIST_INIT(notices);
static struct spinlock notices_lock = SPINLOCK_INIT(LOCK_PAGECACHE);

/* [notices_lock] */
static struct notice *find(struct file *f)
{
    list_for_each (pos, &notices) {
        struct notice *n = list_entry(pos, struct notice, node);

        if (n->file == f) {
            return n;
        }
    }
    return NULL;
}

/* [notices_lock] */
static void drop(struct notice *n)
{
    list_del(&n->node);
    kfree(n);
    atomic_fetch_sub(&dnotify_count, 1);
    atomic_fetch_sub(&watch_count, 1);
}

void dnotify_close(struct file *f)
{
    struct notice *n;

    spin_lock(&notices_lock);
    n = find(f);
    if (n) {
        drop(n);
    }
    spin_unlock(&notices_lock);
}

int dnotify_set(struct file *f, int fd, uint32_t mask)
{
    struct notice *fresh, *n;

    if (!(mask & ~DN_MULTISHOT)) {
        dnotify_close(f);
        return 0;
    }
    if (!S_ISDIR(f->inode->mode)) {
        return -ENOTDIR;
    }
    fresh = kzalloc(sizeof(*fresh));
    if (!fresh) {
        return -ENOMEM;
    }
    spin_lock(&f->lock);
    f->owner_fd = fd;
    f->owner_type = F_OWNER_PID;
    f->owner_pid = current_proc()->pid;
    spin_unlock(&f->lock);
    spin_lock(&notices_lock);
    n = find(f);
    if (!n) {
        n = fresh;
        fresh = NULL;
        n->file = f;
        list_add_tail(&notices, &n->node);
        atomic_fetch_add(&dnotify_count, 1);
        atomic_fetch_add(&watch_count, 1);
    }
    n->mask |= mask;
    spin_unlock(&notices_lock);
    kfree(fresh);
    return 0;
}

/* ---- telling ---- */

static uint32_t mask_of(uint32_t events)
{
    static const struct {
        uint32_t in, dn;
    } map[] = {
        {IN_ACCESS, DN_ACCESS}, {IN_MODIFY, DN_MODIFY},
        {IN_CREATE, DN_CREATE}, {IN_MOVED_TO, DN_CREATE},
        {IN_DELETE, DN_DELETE}, {IN_MOVED_FROM, DN_DELETE},
        {IN_ATTRIB, DN_ATTRIB}, {WATCH_RENAME, DN_RENAME},
    };
    uint32_t mask = 0;

    for (size_t i = 0; i < ARRAY_SIZE(map); i++) {
        mask |= events & map[i].in ? map[i].dn : 0;
    }
    return mask;
}

/* The owner of one more file that is to be told, from the list's place *skip
 * on; false: no more. */
static bool next_owner(struct inode *dir, uint32_t mask, unsigned *skip,
                       struct io_owner *owner)
{
    unsigned at = 0;
    bool found = false;

    spin_lock(&notices_lock);
    list_for_each_safe (pos, &notices) {
        struct notice *n = list_entry(pos, struct notice, node);

        if (at++ < *skip || n->file->inode != dir || !(n->mask & mask)) {
            continue;
        }
        io_owner_get(n->file, owner);
        *skip = at;
        if (!(n->mask & DN_MULTISHOT)) {
            drop(n);
            (*skip)--;
        }
        found = true;
        break;
    }
    spin_unlock(&notices_lock);
    return found;
}

void dnotify_tell(struct inode *dir, uint32_t events)
{
    uint32_t mask = mask_of(events);
    struct io_owner owner;
    unsigned skip = 0;

    while (mask && next_owner(dir, mask, &skip, &owner)) {
        io_owner_message(&owner);
    }
}
