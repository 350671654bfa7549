/* SPDX-License-Identifier: MIT
 *
 * What dcache.c, dentry.c, view.c and walk.c share; nobody else includes it.
 */
#ifndef KERNEL_FS_DCACHE_H
#define KERNEL_FS_DCACHE_H

#include "kernel/fs/dentry.h"
#include "lib/hash.h"
#include "abi/linux/errno.h"

/* LOCK_DENTRY: the hash's lists, all lists of children and the list of views,
 * for writers. */
extern struct spinlock dcache_lock;

/* A name's hash, eight bytes at a time, first byte highest; the last word may
 * be short and is always there. */
uint64_t name_hash_begin(void);
static inline uint64_t name_hash_word(uint64_t hash, uint64_t word)
{
    return hash_fold(hash ^ HASH_K2, word ^ HASH_K0);
}

/* It was looked up. Many look at one directory, so no more is written than
 * must be. */
static inline void dentry_use(struct dentry *d)
{
    if (!d->used) {
        d->used = 1;
    }
}

/* A negative dentry outside the hash, one reference; counts parent. */
int dentry_new(struct dentry *parent, const char *name, size_t len,
               struct dentry **out);

/* With dcache_lock: into the hash and its parent's children. */
void dcache_hash(struct dentry *d);
void dcache_attach(struct dentry *d);
/* With readers shut out: out of the hash. */
void dcache_unhash(struct dentry *d);

#endif
