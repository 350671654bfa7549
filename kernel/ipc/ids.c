/* SPDX-License-Identifier: MIT
 *
 * Identifiers of System V objects (ids.h). An identifier is a slot of the
 * table plus a sequence number times IPC_SLOTS, so that an old one does not
 * find a new object. The table grows to what is used.
 *
 * Order of locks: ids->lock stands alone; an object's lock may be taken by
 * who holds a reference, and ids->lock never inside it but in ipc_remove(),
 * which therefore lets go of it in between.
 */
#include "kernel/ipc/ids.h"
#include "kernel/core/log.h"
#include "kernel/fs/current.h"
#include "kernel/fs/path.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"

/* ---- who asks ---- */

bool ipc_capable(unsigned cap)
{
    struct fs_cred cred;

    fs_current_cred(&cred);
    return fs_capable(&cred, cap);
}

int ipc_pid(void)
{
    struct thread *t = current_thread();

    return t ? t->proc->pid : 0;
}

int64_t ipc_now(void)
{
    return clock_realtime() / (int64_t)NSEC_PER_SEC;
}

int ipc_permitted(const struct ipc_object *o, int want)
{
    int asked = (want >> 6 | want >> 3 | want) & 7;
    uint32_t granted = o->mode;
    struct fs_cred cred;

    fs_current_cred(&cred);
    if (cred.uid == o->uid || cred.uid == o->cuid) {
        granted >>= 6;
    } else if (fs_in_group(&cred, o->gid) || fs_in_group(&cred, o->cgid)) {
        granted >>= 3;
    }
    return asked & ~granted && !fs_capable(&cred, CAP_IPC_OWNER) ? -EACCES : 0;
}

int ipc_owned(const struct ipc_object *o)
{
    struct fs_cred cred;

    fs_current_cred(&cred);
    return cred.uid == o->uid || cred.uid == o->cuid ||
                   fs_capable(&cred, CAP_SYS_ADMIN)
               ? 0
               : -EPERM;
}

void ipc_set(struct ipc_object *o, const struct ipc64_perm *p)
{
    o->uid = p->uid;
    o->gid = p->gid;
    o->mode = (o->mode & ~0777u) | (p->mode & 0777);
}

void ipc_stat(const struct ipc_object *o, struct ipc64_perm *p)
{
    memset(p, 0, sizeof(*p));
    p->key = o->key;
    p->uid = o->uid;
    p->gid = o->gid;
    p->cuid = o->cuid;
    p->cgid = o->cgid;
    p->mode = o->mode;
    p->seq = o->seq;
}

/* ---- the table ---- */

void ipc_get(struct ipc_object *o)
{
    atomic_fetch_add(&o->refs, 1);
}

void ipc_put(struct ipc_ids *ids, struct ipc_object *o)
{
    if (o && atomic_sub_fetch(&o->refs, 1) == 0) {
        ids->free(o);
    }
}

/* [ids->lock] */
static struct ipc_object *find_key(struct ipc_ids *ids, int32_t key)
{
    for (unsigned i = 0; i < ids->size && key != IPC_PRIVATE; i++) {
        if (ids->slots[i] && ids->slots[i]->key == key) {
            return ids->slots[i];
        }
    }
    return NULL;
}

int ipc_open(struct ipc_ids *ids, int32_t key, int flags,
             struct ipc_object **out)
{
    struct ipc_object *o;
    int err;

    if (key == IPC_PRIVATE) {
        return 1;
    }
    spin_lock(&ids->lock);
    o = find_key(ids, key);
    if (o) {
        ipc_get(o);
    }
    spin_unlock(&ids->lock);
    if (!o) {
        return flags & IPC_CREAT ? 1 : -ENOENT;
    }
    err = (flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL)
              ? -EEXIST
              : ipc_permitted(o, flags & 0777);
    if (err) {
        ipc_put(ids, o);
        return err;
    }
    *out = o;
    return 0;
}

/* Room for one more, in slot `from` or the first free one behind it.
 * [ids->lock] */
static int free_slot(struct ipc_ids *ids, unsigned from, unsigned *slot)
{
    unsigned size = MAX(ids->size * 2, 16u);
    struct ipc_object **bigger;

    if (ids->used >= tunable(ids->most)) {
        return -ENOSPC;
    }
    for (*slot = from; *slot < ids->size; (*slot)++) {
        if (!ids->slots[*slot]) {
            return 0;
        }
    }
    if (*slot >= IPC_SLOTS) {
        return -ENOSPC;
    }
    size = MIN(MAX(size, *slot + 1), (unsigned)IPC_SLOTS);
    bigger = kzalloc(size * sizeof(struct ipc_object *));
    if (!bigger) {
        return -ENOMEM;
    }
    if (ids->size) {
        memcpy(bigger, ids->slots, ids->size * sizeof(struct ipc_object *));
    }
    kfree(ids->slots);
    ids->slots = bigger;
    ids->size = size;
    return 0;
}

/* Where the next object goes and which sequence number it gets.
 * [ids->lock] */
static int place(struct ipc_ids *ids, unsigned *slot, uint16_t *seq)
{
    int64_t wanted = tunable(ids->next);
    int err;

    if (wanted < 0) {
        err = free_slot(ids, 0, slot);
        *seq = err ? 0 : ids->seq++ & 0x7fff;
        return err;
    }
    err = free_slot(ids, (unsigned)wanted % IPC_SLOTS, slot);
    if (!err) {
        *seq = (uint16_t)(wanted / IPC_SLOTS);
        atomic_store(&ids->next->value, -1);
    }
    return err;
}

int ipc_add(struct ipc_ids *ids, struct ipc_object *o, int32_t key, int flags)
{
    struct fs_cred cred;
    unsigned slot;
    int err;

    fs_current_cred(&cred);
    spin_init(&o->lock, LOCK_PIPE);
    o->refs = 1;
    o->key = key;
    o->uid = o->cuid = cred.uid;
    o->gid = o->cgid = cred.gid;
    o->mode = flags & 0777;
    o->removed = false;
    spin_lock(&ids->lock);
    err = find_key(ids, key) ? -EEXIST : place(ids, &slot, &o->seq);
    if (!err) {
        o->id = err = (int)(o->seq * (unsigned)IPC_SLOTS + slot);
        ids->slots[slot] = o;
        ids->used++;
    }
    spin_unlock(&ids->lock);
    return err;
}

int ipc_find_slot(struct ipc_ids *ids, int slot, struct ipc_object **out)
{
    struct ipc_object *o = NULL;

    spin_lock(&ids->lock);
    if (slot >= 0 && (unsigned)slot < ids->size) {
        o = ids->slots[slot];
    }
    if (o) {
        ipc_get(o);
    }
    spin_unlock(&ids->lock);
    *out = o;
    return o ? 0 : -EINVAL;
}

int ipc_find(struct ipc_ids *ids, int id, struct ipc_object **out)
{
    int err = id < 0 ? -EINVAL : ipc_find_slot(ids, id % IPC_SLOTS, out);

    if (!err && (*out)->id != id) {
        ipc_put(ids, *out);
        err = -EINVAL;
    }
    return err;
}

int ipc_next_slot(struct ipc_ids *ids, int slot)
{
    int found = -1;

    spin_lock(&ids->lock);
    for (unsigned i = slot; i < ids->size && found < 0; i++) {
        found = ids->slots[i] ? (int)i : -1;
    }
    spin_unlock(&ids->lock);
    return found;
}

bool ipc_remove(struct ipc_ids *ids, struct ipc_object *o)
{
    if (o->removed) {
        return false;
    }
    o->removed = true;
    spin_unlock(&o->lock);
    spin_lock(&ids->lock);
    check(ids->slots[o->id % IPC_SLOTS] == o);
    ids->slots[o->id % IPC_SLOTS] = NULL;
    ids->used--;
    spin_unlock(&ids->lock);
    ipc_put(ids, o); /* never the last: the caller has one */
    spin_lock(&o->lock);
    return true;
}

void ipc_hide(struct ipc_ids *ids, struct ipc_object *o)
{
    spin_lock(&ids->lock);
    o->key = IPC_PRIVATE;
    spin_unlock(&ids->lock);
}

/* ---- control calls ---- */

int ipc_lock(struct ipc_ids *ids, int id, int want, struct ipc_object **out)
{
    struct ipc_object *o;
    int err = ipc_find(ids, id, &o);

    if (err) {
        return err;
    }
    err = want ? ipc_permitted(o, want) : ipc_owned(o);
    spin_lock(&o->lock);
    if (!err && o->removed) {
        err = -EIDRM;
    }
    if (err) {
        ipc_unlock(ids, o);
    }
    *out = o;
    return err;
}

int ipc_lock_slot(struct ipc_ids *ids, int slot, bool any,
                  struct ipc_object **out)
{
    struct ipc_object *o;
    int err = ipc_find_slot(ids, slot, &o);

    if (err) {
        return err;
    }
    err = any ? 0 : ipc_permitted(o, 0444);
    if (err) {
        ipc_put(ids, o);
        return err;
    }
    spin_lock(&o->lock);
    *out = o;
    return 0;
}

void ipc_unlock(struct ipc_ids *ids, struct ipc_object *o)
{
    spin_unlock(&o->lock);
    ipc_put(ids, o);
}
