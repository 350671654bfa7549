/* SPDX-License-Identifier: MIT
 *
 * Locks that the host's processes see, too (file_ops.lock). To them all of our
 * processes are one: what any of them has, that one has, for writing if
 * somebody has it for writing. Among our own locks.c decides, so that a range
 * of which the host was told by one may be asked of it again by another.
 */
#include "kernel/fs/locks_private.h"
#include "abi/linux/errno.h"

/* [start, end] as fcntl(2) has it. */
static struct flock64 range(int type, uint64_t start, uint64_t end)
{
    return (struct flock64){
        .l_type = (int16_t)type,
        .l_whence = SEEK_SET,
        .l_start = (int64_t)start,
        .l_len = end >= INT64_MAX ? 0 : (int64_t)(end - start + 1)};
}

int outside_lock(struct file *f, const struct record *want)
{
    struct flock64 fl =
        range(want->write ? F_WRLCK : F_RDLCK, want->start, want->end);

    return f->ops->lock(f, want->kind, &fl, false);
}

/* The first stretch of [*at, end] that none of list has: it ends at *gap_end,
 * and *at is its start. False: there is none. */
static bool next_gap(struct list *list, uint64_t *at, uint64_t end,
                     uint64_t *gap_end)
{
    bool again = true;

    *gap_end = end;
    while (again) {
        again = false;
        list_for_each (pos, list) {
            const struct record *r = list_entry(pos, struct record, node);

            if (r->start <= *at && *at <= r->end) {
                if (r->end >= end) {
                    return false;
                }
                *at = r->end + 1;
                again = true;
            }
        }
    }
    list_for_each (pos, list) {
        const struct record *r = list_entry(pos, struct record, node);

        if (r->start > *at && r->start <= *gap_end) {
            *gap_end = r->start - 1;
        }
    }
    return true;
}

static void follow_ranges(struct file *f, struct list *list, uint64_t at,
                          uint64_t end)
{
    uint64_t gap_end = 0;
    struct flock64 fl;
    bool any;

    do {
        spin_lock(&locks_lock);
        any = next_gap(list, &at, end, &gap_end);
        spin_unlock(&locks_lock);
        if (any) {
            fl = range(F_UNLCK, at, gap_end);
            f->ops->lock(f, LOCK_KIND_OFD, &fl, false);
            at = gap_end + 1;
        }
    } while (any && gap_end < end);
}

/* flock(2) knows no ranges: the strongest that somebody has. */
static void follow_flock(struct file *f, struct list *list)
{
    struct flock64 fl = range(F_UNLCK, 0, UINT64_MAX);

    spin_lock(&locks_lock);
    list_for_each (pos, list) {
        if (fl.l_type != F_WRLCK) {
            fl.l_type =
                list_entry(pos, struct record, node)->write ? F_WRLCK : F_RDLCK;
        }
    }
    spin_unlock(&locks_lock);
    f->ops->lock(f, LOCK_KIND_FLOCK, &fl, false);
}

void outside_follow(struct file *f, struct inode_locks *l,
                    const struct record *all)
{
    struct list *ranges = locks_list(l, LOCK_KIND_OFD);
    struct list *whole = locks_list(l, LOCK_KIND_FLOCK);
    bool none;

    spin_lock(&locks_lock);
    none = list_empty(ranges) && list_empty(whole);
    spin_unlock(&locks_lock);
    if (none) {
        f->ops->lock(f, LOCK_KINDS, NULL, false);
        return;
    }
    follow_flock(f, whole);
    follow_ranges(f, ranges, all->start, all->end);
}

/* Whose it is says a number that means nothing here. */
int outside_test(struct file *f, const struct record *want, struct flock64 *fl)
{
    struct flock64 theirs =
        range(want->write ? F_WRLCK : F_RDLCK, want->start, want->end);
    int err = f->ops->lock(f, want->kind, &theirs, true);

    if (err || (theirs.l_type != F_RDLCK && theirs.l_type != F_WRLCK) ||
        theirs.l_start < 0 || theirs.l_len < 0) {
        fl->l_type = F_UNLCK;
        return err;
    }
    fl->l_type = theirs.l_type;
    fl->l_whence = SEEK_SET;
    fl->l_start = theirs.l_start;
    fl->l_len = theirs.l_len;
    fl->l_pid = 0;
    return 0;
}
