/* SPDX-License-Identifier: MIT
 *
 * Access control lists: what they are, what they grant, and how they and the
 * mode go together (acl.h).
 */
#include "kernel/fs/acl.h"
#include "kernel/fs/path.h"
#include "kernel/mm/heap.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "abi/linux/acl.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"

struct acl {
    uint32_t refs; /* atomic */
    uint32_t count;
    struct acl_entry entries[];
};

enum { XATTR_HEAD = sizeof(uint32_t) };

/* Guards all slots while a reference is taken or the list changed: few files
 * have one. */
static struct spinlock slots_lock = SPINLOCK_INIT(LOCK_PAGECACHE);

/* ---- references ---- */

static struct acl *with_ref(struct acl *acl)
{
    if (acl) {
        atomic_fetch_add(&acl->refs, 1);
    }
    return acl;
}

struct acl *acl_get(struct acl **slot)
{
    struct acl *acl;

    if (likely(!atomic_load_relaxed(slot))) {
        return NULL;
    }
    spin_lock(&slots_lock);
    acl = with_ref(*slot);
    spin_unlock(&slots_lock);
    return acl;
}

void acl_put(struct acl *acl)
{
    if (acl && atomic_sub_fetch(&acl->refs, 1) == 0) {
        kfree(acl);
    }
}

void acl_set(struct acl **slot, struct acl *acl)
{
    struct acl *old;

    if (likely(!acl && !*slot)) {
        return;
    }
    spin_lock(&slots_lock);
    old = *slot;
    atomic_store_release(slot, with_ref(acl));
    spin_unlock(&slots_lock);
    acl_put(old);
}

static struct acl *acl_new(uint32_t count, const void *entries)
{
    struct acl *acl = kmalloc(sizeof(*acl) + count * sizeof(struct acl_entry));

    if (acl) {
        acl->refs = 1;
        acl->count = count;
        memcpy(acl->entries, entries, count * sizeof(struct acl_entry));
    }
    return acl;
}

/* ---- values of attributes ---- */

static bool has_id(const struct acl_entry *e)
{
    return e->tag == ACL_USER || e->tag == ACL_GROUP;
}

static bool entries_make_sense(struct acl *acl)
{
    for (uint32_t i = 0; i < acl->count; i++) {
        struct acl_entry *e = &acl->entries[i];

        if (!e->tag || e->tag > ACL_OTHER || e->tag & (e->tag - 1) ||
            (has_id(e) && e->id == ACL_UNDEFINED_ID)) {
            return false;
        }
        e->id = has_id(e) ? e->id : ACL_UNDEFINED_ID;
    }
    return true;
}

int acl_from_xattr(const void *value, size_t len, struct acl **out)
{
    uint32_t version;
    struct acl *acl;

    *out = NULL;
    if (len < XATTR_HEAD) {
        return -EINVAL;
    }
    memcpy(&version, value, sizeof(version));
    if (version != ACL_XATTR_VERSION) {
        return -EOPNOTSUPP;
    }
    len -= XATTR_HEAD;
    if (len % sizeof(struct acl_entry)) {
        return -EINVAL;
    }
    if (!len) {
        return 0;
    }
    acl = acl_new(len / sizeof(struct acl_entry),
                  (const char *)value + XATTR_HEAD);
    if (!acl) {
        return -ENOMEM;
    }
    if (!entries_make_sense(acl)) {
        acl_put(acl);
        return -EINVAL;
    }
    *out = acl;
    return 0;
}

long acl_to_xattr(const struct acl *acl, void *buf, size_t len)
{
    size_t bytes = acl->count * sizeof(struct acl_entry);
    uint32_t version = ACL_XATTR_VERSION;

    if (len && len < XATTR_HEAD + bytes) {
        return -ERANGE;
    }
    if (len) {
        memcpy(buf, &version, sizeof(version));
        memcpy((char *)buf + XATTR_HEAD, acl->entries, bytes);
    }
    return XATTR_HEAD + bytes;
}

/* Tags are bits that grow along the list. */
bool acl_valid(const struct acl *acl)
{
    const unsigned needed = ACL_USER_OBJ | ACL_GROUP_OBJ | ACL_OTHER;
    unsigned seen = 0;

    for (uint32_t i = 0; i < acl->count; i++) {
        const struct acl_entry *e = &acl->entries[i];

        if (e->perm & ~7 || seen > 2 * e->tag - 1u ||
            (seen & e->tag && !has_id(e))) {
            return false;
        }
        seen |= e->tag;
    }
    return (seen & needed) == needed &&
           (!(seen & (ACL_USER | ACL_GROUP)) || seen & ACL_MASK);
}

/* ---- lists and modes ---- */

static const struct acl_entry *find(const struct acl *acl, uint16_t tag)
{
    for (uint32_t i = 0; i < acl->count; i++) {
        if (acl->entries[i].tag == tag) {
            return &acl->entries[i];
        }
    }
    return NULL;
}

/* The digit of the mode that e is, as a shift; -1: none. */
static int digit_of(const struct acl *acl, const struct acl_entry *e)
{
    switch (e->tag) {
    case ACL_USER_OBJ:
        return 6;
    case ACL_MASK:
        return 3;
    case ACL_GROUP_OBJ:
        return find(acl, ACL_MASK) ? -1 : 3;
    case ACL_OTHER:
        return 0;
    default:
        return -1;
    }
}

bool acl_to_mode(const struct acl *acl, uint32_t *mode)
{
    if (!acl) {
        return true;
    }
    for (uint32_t i = 0; i < acl->count; i++) {
        int shift = digit_of(acl, &acl->entries[i]);

        if (shift >= 0) {
            *mode = (*mode & ~(7u << shift)) | (uint32_t)acl->entries[i].perm
                                                   << shift;
        }
    }
    return acl->count == 3;
}

/* Digits of the list become those of mode; with a mask, no more than they
 * were. */
static void take_mode(struct acl *acl, uint32_t mode, bool masks)
{
    for (uint32_t i = 0; i < acl->count; i++) {
        struct acl_entry *e = &acl->entries[i];
        int shift = digit_of(acl, e);

        if (shift >= 0) {
            e->perm = (mode >> shift & 7) & (masks ? e->perm : 7);
        }
    }
}

int acl_with_mode(const struct acl *acl, uint32_t mode, struct acl **out)
{
    struct acl *new = acl_new(acl->count, acl->entries);

    if (!new) {
        return -ENOMEM;
    }
    take_mode(new, mode, false);
    *out = new;
    return 0;
}

int acl_inherit(struct inode *dir, struct inode_attr *attr, bool *inherits)
{
    struct acl *from = acl_get(&dir->default_acl), *own;

    *inherits = from != NULL;
    if (!from) {
        return 0;
    }
    own = acl_new(from->count, from->entries);
    if (!own) {
        acl_put(from);
        return -ENOMEM;
    }
    take_mode(own, attr->mode, true);
    if (acl_to_mode(own, &attr->mode)) {
        acl_put(own);
        own = NULL;
    }
    attr->acl = own;
    if (S_ISDIR(attr->mode)) {
        attr->default_acl = from;
    } else {
        acl_put(from);
    }
    return 0;
}

void attr_put(struct inode_attr *attr)
{
    acl_put(attr->acl);
    acl_put(attr->default_acl);
}

/* ---- what is granted ---- */

static bool covers(unsigned perm, unsigned may)
{
    return (perm & may) == may;
}

/* The first list of acl(5)'s that fits cred decides; of the groups it is in,
 * one that grants enough is enough. */
static bool grants(const struct acl *acl, uint32_t group, unsigned may,
                   const struct fs_cred *cred)
{
    const struct acl_entry *limit = find(acl, ACL_MASK);
    unsigned mask = limit ? limit->perm : 7;
    bool in_group = false;

    for (uint32_t i = 0; i < acl->count; i++) {
        const struct acl_entry *e = &acl->entries[i];

        switch (e->tag) {
        case ACL_USER:
            if (e->id == cred->uid) {
                return covers(e->perm & mask, may);
            }
            break;
        case ACL_GROUP_OBJ:
        case ACL_GROUP:
            if (fs_in_group(cred, e->tag == ACL_GROUP ? e->id : group)) {
                in_group = true;
                if (covers(e->perm & mask, may)) {
                    return true;
                }
            }
            break;
        case ACL_OTHER:
            return !in_group && covers(e->perm, may);
        default:
            break;
        }
    }
    return false;
}

int acl_permission(struct inode *data, unsigned may, const struct fs_cred *cred)
{
    struct acl *acl = acl_get(&data->acl);
    int granted;

    if (!acl) {
        return -1;
    }
    granted = grants(acl, data->gid, may, cred);
    acl_put(acl);
    return granted;
}
