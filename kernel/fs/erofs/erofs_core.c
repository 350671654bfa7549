/* SPDX-License-Identifier: MIT
 *
 * Superblock, inodes and the map from a file's blocks to the image's.
 * Directories are in erofs_dir.c, extended attributes in erofs_xattr.c.
 */
#include "kernel/fs/erofs/erofs_core.h"
#include "kernel/fs/erofs/erofs_format.h"
#include "abi/linux/errno.h"
#include "lib/string.h"

enum { INODE_COMPACT = 32, INODE_EXTENDED = 64, NSEC_MAX = 999999999 };
enum { S_IFMT = 0170000, S_IFBLK = 0060000, S_IFCHR = 0020000 };

#define NSEC 1000000000ll

int erofs_bytes(const struct erofs *fs, uint64_t off, void *dst, size_t len)
{
    uint64_t size = fs->blocks * EROFS_BLOCK;

    if (off > size || len > size - off) {
        return -EUCLEAN;
    }
    return fs->read(fs->ctx, off, dst, len);
}

/* Seconds that fit into ns of 64 bits. */
static int set_time(uint64_t sec, uint32_t nsec, int64_t *out)
{
    int64_t s = (int64_t)sec;

    if (s > INT64_MAX / NSEC - 1 || s < INT64_MIN / NSEC + 1 ||
        nsec > NSEC_MAX) {
        return -EUCLEAN;
    }
    *out = s * NSEC + nsec;
    return 0;
}

int erofs_open(struct erofs *fs, uint64_t size)
{
    struct erofs_disk_sb sb;
    int err;

    fs->blocks = size / EROFS_BLOCK;
    err = erofs_bytes(fs, EROFS_SB_OFFSET, &sb, sizeof(sb));
    if (err) {
        return err;
    }
    if (sb.magic != EROFS_MAGIC || 1 << (sb.block_bits & 31) != EROFS_BLOCK ||
        sb.extra_slots || sb.feature_incompat & ~EROFS_INCOMPAT_CHUNKED) {
        return -EINVAL;
    }
    if (sb.blocks == 0 || sb.blocks > fs->blocks ||
        sb.meta_block >= sb.blocks || sb.xattr_block > sb.blocks) {
        return -EUCLEAN;
    }
    fs->blocks = sb.blocks;
    fs->meta = (uint64_t)sb.meta_block * EROFS_BLOCK;
    fs->xattrs = (uint64_t)sb.xattr_block * EROFS_BLOCK;
    fs->root_nid = sb.root_nid;
    fs->inode_count = sb.inodes;
    return set_time(sb.build_time, sb.build_time_nsec, &fs->build_time);
}

/* ---- inodes ---- */

static int from_compact(const struct erofs *fs,
                        const struct erofs_disk_inode *d,
                        struct erofs_inode *out)
{
    out->size = d->compact.size;
    out->raw = d->compact.u;
    out->uid = d->compact.uid;
    out->gid = d->compact.gid;
    out->nlink = d->nlink16;
    out->mtime = fs->build_time;
    return 0;
}

static int from_extended(const struct erofs_disk_inode *d,
                         struct erofs_inode *out)
{
    out->size = d->extended.size;
    out->raw = d->extended.u;
    out->uid = d->extended.uid;
    out->gid = d->extended.gid;
    out->nlink = d->extended.nlink;
    return set_time(d->extended.mtime, d->extended.mtime_nsec, &out->mtime);
}

/* The kernel's 32-bit dev_t on disk: minor's low 8 bits, major's 12, then the
 * rest of minor; makedev(3)'s 64-bit one puts the rest of minor there too. */
static void set_rdev(struct erofs_inode *inode)
{
    uint32_t type = inode->mode & S_IFMT;

    if (type == S_IFCHR || type == S_IFBLK) {
        inode->rdev = inode->raw;
    }
}

/* The inode's head at off, extended or not, and where its body ends. */
static int read_head(const struct erofs *fs, uint64_t off,
                     struct erofs_disk_inode *d, struct erofs_inode *out)
{
    size_t len = INODE_COMPACT;
    int err = erofs_bytes(fs, off, d, INODE_COMPACT);

    if (!err && d->format & 1) {
        len = INODE_EXTENDED;
        err = erofs_bytes(fs, off + INODE_COMPACT, (uint8_t *)d + INODE_COMPACT,
                          INODE_EXTENDED - INODE_COMPACT);
    }
    if (err) {
        return err;
    }
    out->xattr = off + len;
    if (d->xattr_count) {
        out->xattr_size =
            sizeof(struct erofs_disk_xattrs) + (d->xattr_count - 1) * 4;
    }
    out->tail = out->xattr + out->xattr_size;
    return 0;
}

int erofs_inode(const struct erofs *fs, uint64_t nid, struct erofs_inode *out)
{
    struct erofs_disk_inode d;
    int err;

    memset(out, 0, sizeof(*out));
    out->nid = nid;
    if (nid > fs->blocks * (EROFS_BLOCK / EROFS_SLOT_SIZE)) {
        return -EUCLEAN;
    }
    err = read_head(fs, fs->meta + nid * EROFS_SLOT_SIZE, &d, out);
    if (err) {
        return err;
    }
    out->mode = d.mode;
    out->layout = d.format >> 1;
    err = d.format & 1 ? from_extended(&d, out) : from_compact(fs, &d, out);
    if (err) {
        return err;
    }
    set_rdev(out);
    if (out->size > INT64_MAX - EROFS_BLOCK ||
        (out->layout != EROFS_PLAIN && out->layout != EROFS_INLINE &&
         out->layout != EROFS_CHUNKS)) {
        return -EUCLEAN; /* compressed layouts among them */
    }
    return 0;
}

/* ---- content ---- */

static int map_blocks(const struct erofs *fs, uint64_t block, unsigned count,
                      struct erofs_extent *out)
{
    if (block >= fs->blocks || count > fs->blocks - block) {
        return -EUCLEAN;
    }
    *out = (struct erofs_extent){EROFS_AT_BLOCKS, block, count, 0};
    return 0;
}

static int map_chunk(const struct erofs *fs, const struct erofs_inode *inode,
                     uint64_t index, unsigned max, struct erofs_extent *out)
{
    uint16_t format = inode->raw;
    unsigned bits = format & EROFS_CHUNK_BITS;
    bool indexes = format & EROFS_CHUNK_INDEXES;
    uint64_t chunk = index >> bits, in_chunk = index - (chunk << bits);
    uint64_t left = ((uint64_t)1 << bits) - in_chunk;
    struct erofs_disk_chunk entry = {0};
    unsigned unit = indexes ? sizeof(entry) : sizeof(entry.block);
    int err;

    if (inode->raw & ~(uint32_t)(EROFS_CHUNK_BITS | EROFS_CHUNK_INDEXES)) {
        return -EUCLEAN;
    }
    err = erofs_bytes(fs, ALIGN_UP(inode->tail, unit) + chunk * unit,
                      indexes ? (void *)&entry : (void *)&entry.block, unit);
    if (err) {
        return err;
    }
    max = MIN((uint64_t)max, left);
    if (entry.block == EROFS_NULL_ADDR) {
        *out = (struct erofs_extent){EROFS_AT_HOLE, 0, max, 0};
        return 0;
    }
    return entry.device ? -EUCLEAN
                        : map_blocks(fs, entry.block + in_chunk, max, out);
}

static int map_inline(const struct erofs_inode *inode, uint64_t index,
                      struct erofs_extent *out)
{
    unsigned len = inode->size - index * EROFS_BLOCK;
    uint64_t in_block = inode->tail % EROFS_BLOCK;

    if (in_block + len > EROFS_BLOCK) {
        return -EUCLEAN; /* inline data never crosses a block */
    }
    *out = (struct erofs_extent){EROFS_AT_BYTES, inode->tail, 1, len};
    return 0;
}

int erofs_map(const struct erofs *fs, const struct erofs_inode *inode,
              uint64_t index, unsigned max, struct erofs_extent *out)
{
    uint64_t end = (inode->size + EROFS_BLOCK - 1) / EROFS_BLOCK;

    if (index >= end) {
        return -EINVAL;
    }
    max = MIN((uint64_t)max, end - index);
    if (inode->layout == EROFS_CHUNKS) {
        return map_chunk(fs, inode, index, max, out);
    }
    if (inode->layout == EROFS_INLINE) {
        if (index == end - 1) {
            return map_inline(inode, index, out);
        }
        max = MIN((uint64_t)max, end - 1 - index);
    }
    return map_blocks(fs, inode->raw + index, max, out);
}

/* Copies from one extent: the bytes at in_block of it. */
static int copy_from(const struct erofs *fs, const struct erofs_extent *x,
                     unsigned in_block, uint8_t *dst, size_t len)
{
    size_t have;

    switch (x->at) {
    case EROFS_AT_BLOCKS:
        return erofs_bytes(fs, x->where * EROFS_BLOCK + in_block, dst, len);
    case EROFS_AT_BYTES:
        have = in_block < x->len ? MIN(len, (size_t)x->len - in_block) : 0;
        memset(dst + have, 0, len - have);
        return erofs_bytes(fs, x->where + in_block, dst, have);
    default:
        memset(dst, 0, len);
        return 0;
    }
}

int erofs_read(const struct erofs *fs, const struct erofs_inode *inode,
               uint64_t off, void *dst, size_t len)
{
    uint8_t *to = dst;

    if (off > inode->size || len > inode->size - off) {
        return -EINVAL;
    }
    while (len) {
        unsigned in_block = off % EROFS_BLOCK;
        size_t n = MIN(len, (size_t)EROFS_BLOCK - in_block);
        struct erofs_extent x;
        int err = erofs_map(fs, inode, off / EROFS_BLOCK, 1, &x);

        if (!err) {
            err = copy_from(fs, &x, in_block, to, n);
        }
        if (err) {
            return err;
        }
        to += n;
        off += n;
        len -= n;
    }
    return 0;
}
