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

/* A name's hash, eight bytes at a time; the last word is short, perhaps empty,
 * and its other bytes are zero. */
extern uint64_t name_hash_seed;
static inline uint64_t name_hash_word(uint64_t hash, uint64_t word)
{
    return hash_fold(hash ^ HASH_K2, word ^ HASH_K0);
}

/* A path's next eight bytes. What lies behind its NUL may be anything, for
 * who sees the NUL does not look at it; but no page is read that the path does
 * not reach. */
uint64_t path_word_slowly(const char *p);
static inline __attribute__((no_sanitize("address"))) uint64_t
path_word(const char *p)
{
    typedef uint64_t word __attribute__((aligned(1), may_alias));

    return likely(((uint64_t)p & 4095) <= 4096 - sizeof(word))
               ? *(const word *)p
               : path_word_slowly(p);
}

/* Not 0: a slash or NUL is in word, and this in bit 7 of the first one's
 * byte is the lowest that is set. */
static inline uint64_t name_end(uint64_t word)
{
    const uint64_t ones = ~0ull / 255, slashes = word ^ ones * '/';

    return (((word - ones) & ~word) | ((slashes - ones) & ~slashes)) &
           ones * 128;
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
