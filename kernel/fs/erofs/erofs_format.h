/* SPDX-License-Identifier: MIT
 *
 * EROFS on disk, as far as it is read here. Little-endian, packed by nature.
 * Only erofs_*.c and tools/image/canon.c include it.
 */
#ifndef KERNEL_FS_EROFS_FORMAT_H
#define KERNEL_FS_EROFS_FORMAT_H

#include "lib/types.h"

enum {
    EROFS_SB_OFFSET = 1024,
    EROFS_SLOT_SIZE = 32, /* a nid counts these from the metadata's start */
    EROFS_INCOMPAT_CHUNKED = 4,
    EROFS_CHUNK_BITS = 0x1f,
    EROFS_CHUNK_INDEXES = 0x20,
};
#define EROFS_MAGIC     0xe0f5e1e2u
#define EROFS_NULL_ADDR 0xffffffffu

struct erofs_disk_sb {
    uint32_t magic, checksum, feature_compat;
    uint8_t block_bits, extra_slots;
    uint16_t root_nid;
    uint64_t inodes;
    uint64_t build_time; /* s */
    uint32_t build_time_nsec;
    uint32_t blocks, meta_block, xattr_block;
    uint8_t uuid[16], volume[16];
    uint32_t feature_incompat;
    uint8_t rest[44];
};
static_assert(sizeof(struct erofs_disk_sb) == 128, "EROFS superblock");

/* What both kinds of inode begin with. */
struct erofs_disk_inode {
    uint16_t format; /* bit 0: extended; bits 1-3: layout */
    uint16_t xattr_count;
    uint16_t mode;
    uint16_t nlink16; /* compact only */
    union {
        struct {
            uint32_t size, reserved, u, ino;
            uint16_t uid, gid;
            uint32_t reserved2;
        } compact; /* 32 bytes in all */
        struct {
            uint64_t size;
            uint32_t u, ino, uid, gid;
            uint64_t mtime;
            uint32_t mtime_nsec, nlink;
            uint8_t reserved[16];
        } extended; /* 64 bytes in all */
    };
};
static_assert(sizeof(struct erofs_disk_inode) == 64, "EROFS extended inode");
static_assert(offsetof(struct erofs_disk_inode, compact.reserved2) == 28,
              "EROFS compact inode");

struct erofs_disk_dirent {
    uint32_t nid_low, nid_high;
    uint16_t name; /* offset in the block; the first one's / 12 is the count */
    uint8_t type;
    uint8_t reserved;
};
static_assert(sizeof(struct erofs_disk_dirent) == 12, "EROFS dirent");

struct erofs_disk_xattrs {
    uint32_t reserved;
    uint8_t shared_count;
    uint8_t reserved2[7];
    /* then shared_count 32-bit offsets / 4 into the shared area, then inline
     * entries, each padded to 4 bytes */
};
static_assert(sizeof(struct erofs_disk_xattrs) == 12, "EROFS xattr header");

struct erofs_disk_xattr {
    uint8_t name_len;
    uint8_t prefix;
    uint16_t value_size;
    /* then name without prefix, then value */
};
static_assert(sizeof(struct erofs_disk_xattr) == 4, "EROFS xattr entry");

struct erofs_disk_chunk {
    uint16_t advise, device;
    uint32_t block;
};
static_assert(sizeof(struct erofs_disk_chunk) == 8, "EROFS chunk index");

#endif
