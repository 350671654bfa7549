/* SPDX-License-Identifier: MIT
 *
 * EROFS extended attributes: behind the inode stand a header, references to
 * attributes shared by many files, and the file's own. Names are stored
 * without their prefix, which is a number.
 */
#include "kernel/fs/erofs/erofs_core.h"
#include "kernel/fs/erofs/erofs_format.h"
#include "abi/linux/errno.h"
#include "lib/string.h"

/* 2 and 3 are whole names. A number that is not here is passed over. */
static const char *const prefixes[] = {
    [1] = "user.",
    [2] = "system.posix_acl_access",
    [3] = "system.posix_acl_default",
    [4] = "trusted.",
    [5] = "lustre.",
    [6] = "security.",
};

/* A walk over one inode's attributes, and the one it is at. */
struct walk {
    const struct erofs *fs;
    uint64_t shared, shared_end; /* references not yet seen */
    uint64_t own, own_end;       /* bytes not yet seen */
    char name[EROFS_XATTR_NAME_MAX + 1];
    unsigned name_len; /* 0: an unknown prefix */
    uint64_t value;    /* byte offset */
    unsigned value_size;
};

static int walk_begin(struct walk *w, const struct erofs *fs,
                      const struct erofs_inode *inode)
{
    struct erofs_disk_xattrs head;
    int err;

    memset(w, 0, sizeof(*w));
    w->fs = fs;
    if (inode->xattr_size == 0) {
        return 0;
    }
    err = erofs_bytes(fs, inode->xattr, &head, sizeof(head));
    if (err) {
        return err;
    }
    w->shared = inode->xattr + sizeof(head);
    w->shared_end = w->shared + head.shared_count * sizeof(uint32_t);
    w->own = w->shared_end;
    w->own_end = inode->xattr + inode->xattr_size;
    return w->own > w->own_end ? -EUCLEAN : 0;
}

/* Takes the entry at off; its length in *len. */
static int walk_take(struct walk *w, uint64_t off, uint64_t *len)
{
    struct erofs_disk_xattr e;
    const char *prefix = NULL;
    unsigned prefix_len;
    int err = erofs_bytes(w->fs, off, &e, sizeof(e));

    if (err) {
        return err;
    }
    if (e.prefix < ARRAY_SIZE(prefixes)) {
        prefix = prefixes[e.prefix];
    }
    *len = sizeof(e) + e.name_len + e.value_size;
    w->value = off + sizeof(e) + e.name_len;
    w->value_size = e.value_size;
    w->name_len = 0;
    if (!prefix) {
        return 0;
    }
    prefix_len = strlen(prefix);
    if (prefix_len + e.name_len > EROFS_XATTR_NAME_MAX) {
        return -EUCLEAN;
    }
    memcpy(w->name, prefix, prefix_len);
    err = erofs_bytes(w->fs, off + sizeof(e), w->name + prefix_len, e.name_len);
    if (err) {
        return err;
    }
    w->name_len = prefix_len + e.name_len;
    w->name[w->name_len] = '\0';
    return memchr(w->name, '\0', w->name_len) ? -EUCLEAN : 0;
}

/* The next attribute: 1, or 0 at the end. */
static int walk_next(struct walk *w)
{
    uint64_t len;
    int err;

    if (w->shared < w->shared_end) {
        uint32_t ref;

        err = erofs_bytes(w->fs, w->shared, &ref, sizeof(ref));
        w->shared += sizeof(ref);
        if (!err) {
            err = walk_take(w, w->fs->xattrs + (uint64_t)ref * 4, &len);
        }
        return err ? err : 1;
    }
    if (w->own_end - w->own < sizeof(struct erofs_disk_xattr)) {
        return 0;
    }
    err = walk_take(w, w->own, &len);
    if (!err && len > w->own_end - w->own) {
        err = -EUCLEAN;
    }
    w->own = MIN(w->own + ALIGN_UP(len, 4), w->own_end);
    return err ? err : 1;
}

long erofs_getxattr(const struct erofs *fs, const struct erofs_inode *inode,
                    const char *name, void *buf, size_t len)
{
    struct walk w;
    int more = walk_begin(&w, fs, inode);

    if (more < 0) {
        return more;
    }
    while ((more = walk_next(&w)) > 0) {
        if (w.name_len == 0 || strcmp(w.name, name) != 0) {
            continue;
        }
        if (len == 0) {
            return w.value_size;
        }
        if (len < w.value_size) {
            return -ERANGE;
        }
        more = erofs_bytes(fs, w.value, buf, w.value_size);
        return more ? more : (long)w.value_size;
    }
    return more < 0 ? more : -ENODATA;
}

long erofs_listxattr(const struct erofs *fs, const struct erofs_inode *inode,
                     char *buf, size_t len)
{
    struct walk w;
    size_t total = 0;
    int more = walk_begin(&w, fs, inode);

    if (more < 0) {
        return more;
    }
    while ((more = walk_next(&w)) > 0) {
        size_t n = w.name_len ? w.name_len + 1 : 0;

        if (len && n > len - total) {
            return -ERANGE;
        }
        if (len) {
            memcpy(buf + total, w.name, n);
        }
        total += n;
    }
    return more < 0 ? more : (long)total;
}
