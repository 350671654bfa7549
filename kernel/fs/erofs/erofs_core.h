/* SPDX-License-Identifier: MIT
 *
 * Reading an EROFS file system (uncompressed, 4096-byte blocks, as mkfs.erofs
 * makes it) through a function that returns its verified bytes. It knows
 * nothing of the VFS: erofs.c makes a leaf of it, tools/image and the tests
 * use it as it is.
 *
 * Although verity stands below, nothing that the image says is believed: every
 * offset is checked against the image's end, and contradictions are -EUCLEAN.
 * Holds no state besides struct erofs, allocates nothing, takes no lock; any
 * number of tasks may use one struct erofs. All functions may block in read().
 *
 * Format: Documentation/filesystems/erofs.rst of Linux, erofs_fs.h.
 */
#ifndef KERNEL_FS_EROFS_CORE_H
#define KERNEL_FS_EROFS_CORE_H

#include "lib/types.h"

enum {
    EROFS_BLOCK = 4096,
    EROFS_NAME_MAX = 255,
    EROFS_LINK_MAX = 4095,
    EROFS_XATTR_NAME_MAX = 255, /* with its prefix */
};

struct erofs {
    /* Copies image bytes [off, off + len), which lie inside the image. 0 or
     * -errno. */
    int (*read)(void *ctx, uint64_t off, void *dst, size_t len);
    void *ctx;
    uint64_t blocks;       /* of the image */
    uint64_t meta, xattrs; /* byte offsets: inodes, shared attributes */
    uint64_t root_nid;
    uint64_t inode_count;
    int64_t build_time; /* ns since the epoch */
};

struct erofs_inode {
    uint64_t nid; /* its number: stat's st_ino */
    uint64_t size;
    uint64_t rdev; /* devices: makedev(3) */
    int64_t mtime; /* ns since the epoch */
    uint32_t mode, uid, gid, nlink;
    uint32_t layout; /* enum erofs_layout */
    uint32_t raw;    /* first block, or the chunks' format */
    uint64_t xattr;  /* byte offset of its attributes */
    uint32_t xattr_size;
    uint64_t tail; /* byte offset of what follows: inline data, chunk table */
};

enum erofs_layout {
    EROFS_PLAIN = 0,  /* whole blocks in one run */
    EROFS_INLINE = 2, /* the same, but the last block behind the inode */
    EROFS_CHUNKS = 4, /* a table of runs */
};

/* fs->read and ctx are set. size: bytes of the image. -EINVAL: not EROFS, or
 * with features that are not read here; -EUCLEAN. */
int erofs_open(struct erofs *fs, uint64_t size);

/* Copies image bytes [off, off + len); -EUCLEAN past the end. */
int erofs_bytes(const struct erofs *fs, uint64_t off, void *dst, size_t len);

int erofs_inode(const struct erofs *fs, uint64_t nid, struct erofs_inode *out);

/* Where content is: blocks [index, index + count) of the inode. */
struct erofs_extent {
    enum { EROFS_AT_HOLE, EROFS_AT_BLOCKS, EROFS_AT_BYTES } at;
    uint64_t where; /* AT_BLOCKS: image block; AT_BYTES: byte offset */
    unsigned count; /* blocks that lie like this one; at least 1 */
    unsigned len;   /* AT_BYTES: bytes there, zeros follow */
};

/* Maps block index (inside the size), at most max blocks at once. */
int erofs_map(const struct erofs *fs, const struct erofs_inode *inode,
              uint64_t index, unsigned max, struct erofs_extent *out);

/* Copies content; [off, off + len) lies inside the size. */
int erofs_read(const struct erofs *fs, const struct erofs_inode *inode,
               uint64_t off, void *dst, size_t len);

/* ---- directories; scratch is one block of the caller's memory ---- */

/* -ENOENT. type: DT_* */
int erofs_lookup(const struct erofs *fs, const struct erofs_inode *dir,
                 const char *name, size_t len, uint8_t *scratch, uint64_t *nid);

/* Gives entries from cookie *pos (0: the first) on, without "." and "..", in
 * the order of their bytes, until emit returns false or the end. *pos is then
 * the cookie of the first entry not taken. */
int erofs_readdir(const struct erofs *fs, const struct erofs_inode *dir,
                  uint64_t *pos, uint8_t *scratch,
                  bool (*emit)(void *arg, const char *name, size_t len,
                               uint64_t nid, uint8_t type, uint64_t next),
                  void *arg);

/* ---- extended attributes; lengths and buffers as getxattr(2) ---- */

long erofs_getxattr(const struct erofs *fs, const struct erofs_inode *inode,
                    const char *name, void *buf, size_t len);
long erofs_listxattr(const struct erofs *fs, const struct erofs_inode *inode,
                     char *buf, size_t len);

#endif
