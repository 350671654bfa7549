/* SPDX-License-Identifier: MIT
 *
 * EROFS directories. A directory is a sorted sequence of names, cut into
 * blocks that stand for themselves: first the entries, then their names. A
 * lookup finds the block by its first name, then the entry, both by halving.
 *
 * A readdir cookie is block * 4096 + number of the entry in it.
 */
#include "kernel/fs/erofs/erofs_core.h"
#include "kernel/fs/erofs/erofs_format.h"
#include "abi/linux/errno.h"
#include "lib/string.h"

/* One block of a directory, checked as far as its first entry. */
struct dir_block {
    const uint8_t *data;
    unsigned len;   /* bytes of it that belong to the directory */
    unsigned count; /* entries, at least 1 */
};

struct dir_entry {
    const char *name;
    unsigned len;
    uint64_t nid;
    uint8_t type;
};

static uint64_t block_count(const struct erofs_inode *dir)
{
    return (dir->size + EROFS_BLOCK - 1) / EROFS_BLOCK;
}

static void get_dirent(const struct dir_block *b, unsigned i,
                       struct erofs_disk_dirent *out)
{
    memcpy(out, b->data + i * sizeof(*out), sizeof(*out));
}

static int load_block(const struct erofs *fs, const struct erofs_inode *dir,
                      uint64_t index, uint8_t *scratch, struct dir_block *b)
{
    uint64_t left = dir->size - index * EROFS_BLOCK;
    struct erofs_disk_dirent first;
    int err;

    b->data = scratch;
    b->len = MIN(left, (uint64_t)EROFS_BLOCK);
    if (b->len < sizeof(first)) {
        return -EUCLEAN;
    }
    err = erofs_read(fs, dir, index * EROFS_BLOCK, scratch, b->len);
    if (err) {
        return err;
    }
    get_dirent(b, 0, &first);
    b->count = first.name / sizeof(first);
    if (first.name % sizeof(first) != 0 || b->count == 0 ||
        first.name > b->len) {
        return -EUCLEAN;
    }
    return 0;
}

/* A name that a directory may hold. */
static bool name_is_sane(const char *name, unsigned len)
{
    return len >= 1 && len <= EROFS_NAME_MAX && !memchr(name, '/', len) &&
           !memchr(name, '\0', len);
}

static int get_entry(const struct dir_block *b, unsigned i,
                     struct dir_entry *out)
{
    struct erofs_disk_dirent d, next;
    unsigned end = b->len;

    get_dirent(b, i, &d);
    if (i + 1 < b->count) {
        get_dirent(b, i + 1, &next);
        end = next.name;
    }
    if (d.name < b->count * sizeof(d) || end > b->len || d.name >= end) {
        return -EUCLEAN;
    }
    out->name = (const char *)b->data + d.name;
    out->len = end - d.name;
    if (i + 1 == b->count) { /* the last name may end before the block */
        out->len = strnlen(out->name, out->len);
    }
    out->nid = d.nid_low | (uint64_t)d.nid_high << 32;
    out->type = d.type;
    return name_is_sane(out->name, out->len) ? 0 : -EUCLEAN;
}

/* As memcmp: which of the two names sorts first. */
static int compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int order = memcmp(a, b, MIN(a_len, b_len));

    return order ? order : (a_len > b_len) - (a_len < b_len);
}

/* The last block whose first name is not behind name; -ENOENT: none. It is
 * what scratch then holds. */
static int find_block(const struct erofs *fs, const struct erofs_inode *dir,
                      const char *name, size_t len, uint8_t *scratch,
                      struct dir_block *b)
{
    uint64_t low = 0, high = block_count(dir), loaded = UINT64_MAX;
    struct dir_entry e;
    int err;

    while (low < high) {
        uint64_t mid = low + (high - low) / 2;

        err = load_block(fs, dir, mid, scratch, b);
        if (!err) {
            err = get_entry(b, 0, &e);
        }
        if (err) {
            return err;
        }
        loaded = mid;
        if (compare(e.name, e.len, name, len) <= 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    if (low == 0) {
        return -ENOENT;
    }
    return loaded == low - 1 ? 0 : load_block(fs, dir, low - 1, scratch, b);
}

int erofs_lookup(const struct erofs *fs, const struct erofs_inode *dir,
                 const char *name, size_t len, uint8_t *scratch, uint64_t *nid)
{
    struct dir_block b;
    struct dir_entry e;
    unsigned low = 0, high;
    int err = find_block(fs, dir, name, len, scratch, &b);

    if (err) {
        return err;
    }
    for (high = b.count; low < high;) {
        unsigned mid = low + (high - low) / 2;
        int order;

        err = get_entry(&b, mid, &e);
        if (err) {
            return err;
        }
        order = compare(e.name, e.len, name, len);
        if (order == 0) {
            *nid = e.nid;
            return 0;
        }
        if (order < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return -ENOENT;
}

/* EROFS's type codes are those of ext2; the result is one of DT_*. */
static uint8_t dirent_type(uint8_t type)
{
    static const uint8_t types[] = {0, 8, 4, 2, 6, 1, 12, 10};

    return type < sizeof(types) ? types[type] : 0;
}

static bool is_dot(const struct dir_entry *e)
{
    return e->name[0] == '.' &&
           (e->len == 1 || (e->len == 2 && e->name[1] == '.'));
}

int erofs_readdir(const struct erofs *fs, const struct erofs_inode *dir,
                  uint64_t *pos, uint8_t *scratch,
                  bool (*emit)(void *arg, const char *name, size_t len,
                               uint64_t nid, uint8_t type, uint64_t next),
                  void *arg)
{
    uint64_t index = *pos / EROFS_BLOCK;
    unsigned i = *pos % EROFS_BLOCK;

    for (; index < block_count(dir); index++, i = 0) {
        struct dir_block b;
        int err = load_block(fs, dir, index, scratch, &b);

        if (err) {
            return err;
        }
        for (; i < b.count; i++) {
            struct dir_entry e;

            *pos = index * EROFS_BLOCK + i;
            err = get_entry(&b, i, &e);
            if (err) {
                return err;
            }
            if (!is_dot(&e) && !emit(arg, e.name, e.len, e.nid,
                                     dirent_type(e.type), *pos + 1)) {
                return 0;
            }
        }
        *pos = (index + 1) * EROFS_BLOCK;
    }
    return 0;
}
