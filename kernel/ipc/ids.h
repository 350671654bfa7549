/* SPDX-License-Identifier: MIT
 *
 * What the three kinds of System V objects share: identifiers, keys, owners
 * and permissions (sysvipc(7)). A kind embeds struct ipc_object and keeps one
 * struct ipc_ids.
 *
 * An object is counted: by its table until it is removed, by calls that use
 * it, by what the kind says. After ipc_remove() `removed` is set and new
 * look-ups fail; who waited finds -EIDRM.
 */
#ifndef KERNEL_IPC_IDS_H
#define KERNEL_IPC_IDS_H

#include "kernel/fs/procfs/tunable.h"
#include "kernel/ipc/ipc.h"
#include "lib/atomic.h"
#include "abi/linux/errno.h"

enum { IPC_SLOTS = 32768, CAP_IPC_LOCK = 14, CAP_IPC_OWNER = 15 };
enum { CAP_SYS_ADMIN = 21, CAP_SYS_RESOURCE = 24 };

struct ipc_object {
    struct spinlock lock; /* LOCK_PIPE: everything below, and the kind's own */
    uint32_t refs;        /* atomic */
    int id;
    int32_t key;
    uint32_t uid, gid, cuid, cgid, mode;
    uint16_t seq;
    bool removed;
};

struct ipc_ids {
    struct spinlock lock; /* LOCK_POLL: the table */
    struct ipc_object **slots;
    unsigned size, used;        /* of slots */
    const struct tunable *most; /* of objects */
    struct tunable *next;       /* the next one's identifier, or -1 */
    uint16_t seq;
    void (*free)(struct ipc_object *o); /* the last reference is gone */
};
#define IPC_IDS_INIT(limit, wanted, fn)                                        \
    {                                                                          \
        .lock = SPINLOCK_INIT(LOCK_POLL), .most = (limit), .next = (wanted),   \
        .free = (fn)                                                           \
    }

/* 0: *out is the object with that key, counted, and the caller may have it;
 * 1: there is none and one is to be made. -ENOENT, -EEXIST, -EACCES. */
int ipc_open(struct ipc_ids *ids, int32_t key, int flags,
             struct ipc_object **out);
/* Fills o, which is the caller's alone (one reference), and gives it an
 * identifier: that, -EEXIST (another was quicker), -ENOSPC, -ENOMEM. On
 * failure the caller still owns o. */
int ipc_add(struct ipc_ids *ids, struct ipc_object *o, int32_t key, int flags);

/* By identifier, or by slot (*_STAT). Counted. -EINVAL. */
int ipc_find(struct ipc_ids *ids, int id, struct ipc_object **out);
int ipc_find_slot(struct ipc_ids *ids, int slot, struct ipc_object **out);
/* The first used slot from `slot` on, or -1. */
int ipc_next_slot(struct ipc_ids *ids, int slot);
void ipc_get(struct ipc_object *o);
void ipc_put(struct ipc_ids *ids, struct ipc_object *o);

/* For control calls: locked and counted, unless it fails; ipc_unlock() undoes
 * both. want: permissions; 0: the caller must own it. -EINVAL, -EACCES,
 * -EPERM, -EIDRM. */
int ipc_lock(struct ipc_ids *ids, int id, int want, struct ipc_object **out);
/* The same by slot, readable unless `any`; 0 also when it is going. */
int ipc_lock_slot(struct ipc_ids *ids, int slot, bool any,
                  struct ipc_object **out);
void ipc_unlock(struct ipc_ids *ids, struct ipc_object *o);

/* Takes o out of the table and its reference with it; o->lock is held.
 * False: somebody did before. */
bool ipc_remove(struct ipc_ids *ids, struct ipc_object *o);
/* Its key finds it no more, its identifier does (a segment that is marked). */
void ipc_hide(struct ipc_ids *ids, struct ipc_object *o);

/* May the caller do what the bits of `want` (0444, 0222) say? -EACCES. */
int ipc_permitted(const struct ipc_object *o, int want);
/* May it change or remove o? -EPERM. */
int ipc_owned(const struct ipc_object *o);
/* IPC_SET's and IPC_STAT's part that all kinds have; o->lock is held. */
void ipc_set(struct ipc_object *o, const struct ipc64_perm *p);
void ipc_stat(const struct ipc_object *o, struct ipc64_perm *p);

bool ipc_capable(unsigned cap);
int ipc_pid(void);     /* of the current process */
int64_t ipc_now(void); /* seconds since the epoch */

#endif
