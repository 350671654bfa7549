/* SPDX-License-Identifier: MIT
 *
 * The dentry cache (dentry.h): sections, the hash, birth and death. Looking
 * names up, moving and removing them is in dentry.c.
 *
 * The hash has a fixed number of buckets, lists singly linked: a reader in a
 * section follows hash_next, a writer under dcache_lock puts new ones in
 * front. Nothing is taken out unless all readers are shut out.
 */
#include "kernel/fs/dcache.h"
#include "kernel/fs/event/watch.h"
#include "kernel/core/log.h"
#include "kernel/core/sched.h"
#include "kernel/mm/heap.h"
#include "lib/atomic.h"
#include "lib/hash.h"
#include "target/target.h"

enum { HASH_BITS = 13, CACHE_MAX = 100000 };

struct section {
    _Alignas(64) uint32_t busy;
};

static struct section sections[VCPU_MAX];
struct spinlock dcache_lock = SPINLOCK_INIT(LOCK_DENTRY);
static struct dentry *buckets[1 << HASH_BITS];
uint64_t name_hash_seed;
static struct {
    _Alignas(64) uint64_t n;
} dentry_count; /* atomic */

/* ---- sections ---- */

uint32_t *dcache_enter(void)
{
    uint32_t *busy = &sections[this_vcpu()->id].busy;

    lock_check_acquire(LOCK_DENTRY, false);
    while (unlikely(vcpus_xchg(busy, 1))) {
        while (atomic_load_relaxed(busy)) {
            cpu_relax();
        }
    }
    return busy;
}

void dcache_leave(uint32_t *section)
{
    lock_check_release(LOCK_DENTRY, false);
    atomic_store_release(section, 0);
}

void dcache_exclude(void)
{
    unsigned count = sched_vcpu_count();

    spin_lock(&dcache_lock);
    for (unsigned i = 0; i < count; i++) {
        while (atomic_xchg_acquire(&sections[i].busy, 1)) {
            while (atomic_load_relaxed(&sections[i].busy)) {
                cpu_relax();
            }
        }
    }
}

void dcache_allow(void)
{
    unsigned count = sched_vcpu_count();

    for (unsigned i = 0; i < count; i++) {
        atomic_store_release(&sections[i].busy, 0);
    }
    spin_unlock(&dcache_lock);
}

/* ---- the hash ---- */

void dcache_init(void)
{
    target_random(&name_hash_seed, sizeof(name_hash_seed));
}

/* Must agree with the walk's own loop (walk.c), which hashes as it scans. */
uint64_t name_hash(const char *name, size_t len)
{
    uint64_t hash = name_hash_seed, last = 0;

    for (; len >= 8; len -= 8, name += 8) {
        hash = name_hash_word(hash, hash_load((const uint8_t *)name, 8));
    }
    for (size_t i = 0; i < len; i++) {
        last |= (uint64_t)(uint8_t)name[i] << 8 * i;
    }
    return name_hash_word(hash, last);
}

uint64_t path_word_slowly(const char *p)
{
    uint64_t word = 0;

    for (unsigned i = 0; i < 8 && p[i]; i++) {
        word |= (uint64_t)(uint8_t)p[i] << 8 * i;
    }
    return word;
}

static struct dentry **bucket_of(struct dentry *dir, uint64_t hash)
{
    uint64_t key = hash ^ (uint64_t)dir * HASH_K0;

    return &buckets[(key ^ key >> 32) * HASH_K1 >> (64 - HASH_BITS)];
}

/* memcmp(3) is a call, and names are short. */
static inline bool same_name(const char *a, const char *b, size_t len)
{
    const uint8_t *p = (const uint8_t *)a, *q = (const uint8_t *)b;

    if (len < 4) {
        return !len || (p[0] == q[0] && p[len / 2] == q[len / 2] &&
                        p[len - 1] == q[len - 1]);
    }
    if (len < 8) {
        return hash_load(p, 4) == hash_load(q, 4) &&
               hash_load(p + len - 4, 4) == hash_load(q + len - 4, 4);
    }
    for (size_t i = 0; i < len - 8; i += 8) {
        if (hash_load(p + i, 8) != hash_load(q + i, 8)) {
            return false;
        }
    }
    return hash_load(p + len - 8, 8) == hash_load(q + len - 8, 8);
}

struct dentry *dcache_find(struct dentry *dir, const char *name, size_t len,
                           uint64_t hash)
{
    struct dentry *d = atomic_load_acquire(bucket_of(dir, hash));

    for (; d; d = d->hash_next) {
        if (d->hash == hash && d->parent == dir && d->len == len &&
            same_name(d->name, name, len)) {
            return d;
        }
    }
    return NULL;
}

void dcache_hash(struct dentry *d)
{
    struct dentry **bucket = bucket_of(d->parent, d->hash);

    d->hash_next = *bucket;
    atomic_fetch_and(&d->refs, ~DENTRY_UNHASHED);
    atomic_store_release(bucket, d);
}

void dcache_unhash(struct dentry *d)
{
    struct dentry **at = bucket_of(d->parent, d->hash);

    if (dentry_unhashed(d)) {
        return;
    }
    while (*at != d) {
        at = &(*at)->hash_next;
    }
    *at = d->hash_next;
    atomic_fetch_or(&d->refs, DENTRY_UNHASHED);
}

/* ---- birth and death ---- */

static int set_name(struct dentry *d, const char *name, size_t len)
{
    char *copy = d->inline_name;

    if (len > DENTRY_INLINE) {
        copy = kmalloc(len + 1);
        if (!copy) {
            return -ENOMEM;
        }
    }
    memcpy(copy, name, len);
    copy[len] = '\0';
    d->name = copy;
    d->len = len;
    return 0;
}

int dentry_new(struct dentry *parent, const char *name, size_t len,
               struct dentry **out)
{
    struct dentry *d;

    if (atomic_load_relaxed(&dentry_count.n) > CACHE_MAX) {
        dcache_shrink(CACHE_MAX / 8);
    }
    d = kmalloc(sizeof(*d));
    if (!d) {
        return -ENOMEM;
    }
    if (set_name(d, name, len)) {
        kfree(d);
        return -ENOMEM;
    }
    d->hash_next = NULL;
    d->hash = 0;
    d->inode = NULL;
    d->refs = 1 | DENTRY_UNHASHED;
    d->used = 1;
    d->mounted = 0;
    d->pruned = 0;
    d->parent = parent ? parent : d;
    list_init(&d->child);
    list_init(&d->children);
    if (parent) {
        dentry_get(parent);
    }
    vcpus_add_fetch(&dentry_count.n, 1);
    *out = d;
    return 0;
}

/* Everybody is shut out or has lost sight of d: gives back what it holds, and
 * whoever that frees in turn. No section or lock is held. */
static struct dentry *dentry_free(struct dentry *d)
{
    struct dentry *parent = d->parent == d ? NULL : d->parent;

    if (d->inode && unlikely(atomic_load_relaxed(&watch_count))) {
        watch_forgotten(d->inode);
    }
    inode_put(d->inode);
    if (d->name != d->inline_name) {
        kfree((void *)d->name);
    }
    kfree(d);
    vcpus_add_fetch(&dentry_count.n, -1);
    return parent;
}

void dentry_get(struct dentry *d)
{
    vcpus_add_fetch(&d->refs, 1);
}

/* The last put of an unhashed dentry. A reader in a section may still look at
 * it, so all are shut out before it goes. */
static bool put_unhashed(struct dentry *d)
{
    uint32_t refs;
    bool last;

    dcache_exclude();
    refs = vcpus_add_fetch(&d->refs, -1);
    last = refs == DENTRY_UNHASHED;
    if (last) {
        list_del(&d->child);
    }
    dcache_allow();
    return last;
}

void dentry_put(struct dentry *d)
{
    while (d) {
        uint32_t refs = atomic_load_relaxed(&d->refs);

        for (;;) {
            if (refs == (1 | DENTRY_UNHASHED)) {
                break;
            }
            check((refs & ~DENTRY_UNHASHED) > 0);
            if (vcpus_cas(&d->refs, &refs, refs - 1)) {
                return;
            }
        }
        if (!put_unhashed(d)) {
            return;
        }
        d = dentry_free(d);
    }
}

void dcache_attach(struct dentry *d)
{
    list_add(&d->parent->children, &d->child);
}

/* ---- shrinking ---- */

/* Takes an unused child of dir out of everything. Readers are shut out. */
static bool evict(struct dentry *d, struct list *gone)
{
    if (d->refs != 0 || !list_empty(&d->children)) {
        return false;
    }
    dcache_unhash(d);
    list_del(&d->child);
    list_add_tail(gone, &d->child);
    return true;
}

static void free_all(struct list *gone)
{
    struct list *pos;

    while ((pos = list_pop(gone)) != NULL) {
        dentry_put(dentry_free(list_entry(pos, struct dentry, child)));
    }
}

void dcache_prune(struct dentry *dir)
{
    struct list gone = LIST_INIT(gone);

    dcache_exclude();
    list_for_each_safe (pos, &dir->children) {
        evict(list_entry(pos, struct dentry, child), &gone);
    }
    dcache_allow();
    free_all(&gone);
}

/* A dentry right below d that has children of its own, counted. */
static struct dentry *inner_child(struct dentry *d)
{
    struct dentry *found = NULL;

    spin_lock(&dcache_lock);
    list_for_each (pos, &d->children) {
        struct dentry *child = list_entry(pos, struct dentry, child);

        if (!list_empty(&child->children) && !child->pruned) {
            found = child;
            dentry_get(found);
            break;
        }
    }
    spin_unlock(&dcache_lock);
    return found;
}

/* Depth first without recursion: trees are deep. */
void dcache_prune_tree(struct dentry *root)
{
    struct dentry *d = root, *inner;

    dentry_get(root);
    while (d) {
        inner = inner_child(d);
        if (inner) {
            d = inner;
            continue;
        }
        dcache_prune(d);
        inner = d == root ? NULL : d->parent;
        d->pruned = 1; /* what is left below is in use */
        dentry_put(d);
        d = inner;
    }
    root->pruned = 0;
}

/* A few buckets at a time, so that readers are not shut out for long. */
static uint64_t shrink_buckets(uint64_t first, uint64_t n, uint64_t count)
{
    struct list gone = LIST_INIT(gone);
    uint64_t freed = 0;

    dcache_exclude();
    for (uint64_t i = first; i < first + n && freed < count; i++) {
        struct dentry *next;

        for (struct dentry *d = buckets[i]; d; d = next) {
            next = d->hash_next;
            if (d->used) {
                d->used = 0;
            } else if (evict(d, &gone)) {
                freed++;
            }
        }
    }
    dcache_allow();
    free_all(&gone);
    return freed;
}

void dcache_shrink(uint64_t count)
{
    enum { STEP = 64, ROUNDS = 3 * (1 << HASH_BITS) / STEP };
    static uint64_t hand; /* atomic; where the last shrink stopped */
    uint64_t freed = 0;

    for (int i = 0; i < ROUNDS && freed < count; i++) {
        uint64_t at = atomic_fetch_add(&hand, STEP) % (1 << HASH_BITS);

        freed += shrink_buckets(at, STEP, count - freed);
    }
}
