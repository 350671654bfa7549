/* SPDX-License-Identifier: MIT
 *
 * File modes, struct stat and struct statx (stat(2), statx(2), inode(7)).
 */
#ifndef ABI_LINUX_STAT_H
#define ABI_LINUX_STAT_H

#include <stdint.h>

#define S_IFMT   0170000
#define S_IFSOCK 0140000
#define S_IFLNK  0120000
#define S_IFREG  0100000
#define S_IFBLK  0060000
#define S_IFDIR  0040000
#define S_IFCHR  0020000
#define S_IFIFO  0010000
#define S_ISUID  0004000
#define S_ISGID  0002000
#define S_ISVTX  0001000

#define S_ISLNK(m)  (((m)&S_IFMT) == S_IFLNK)
#define S_ISREG(m)  (((m)&S_IFMT) == S_IFREG)
#define S_ISDIR(m)  (((m)&S_IFMT) == S_IFDIR)
#define S_ISCHR(m)  (((m)&S_IFMT) == S_IFCHR)
#define S_ISBLK(m)  (((m)&S_IFMT) == S_IFBLK)
#define S_ISFIFO(m) (((m)&S_IFMT) == S_IFIFO)
#define S_ISSOCK(m) (((m)&S_IFMT) == S_IFSOCK)

struct linux_stat {
    uint64_t st_dev, st_ino, st_nlink;
    uint32_t st_mode, st_uid, st_gid, pad0;
    uint64_t st_rdev;
    int64_t st_size, st_blksize, st_blocks;
    uint64_t st_atime, st_atime_nsec;
    uint64_t st_mtime, st_mtime_nsec;
    uint64_t st_ctime, st_ctime_nsec;
    int64_t unused[3];
};
_Static_assert(sizeof(struct linux_stat) == 144, "struct stat");

struct statx_timestamp {
    int64_t tv_sec;
    uint32_t tv_nsec;
    int32_t pad;
};

struct linux_statx {
    uint32_t stx_mask, stx_blksize;
    uint64_t stx_attributes;
    uint32_t stx_nlink, stx_uid, stx_gid;
    uint16_t stx_mode, pad0;
    uint64_t stx_ino, stx_size, stx_blocks, stx_attributes_mask;
    struct statx_timestamp stx_atime, stx_btime, stx_ctime, stx_mtime;
    uint32_t stx_rdev_major, stx_rdev_minor, stx_dev_major, stx_dev_minor;
    uint64_t stx_mnt_id;
    uint32_t stx_dio_mem_align, stx_dio_offset_align;
    uint64_t pad1[12];
};
_Static_assert(sizeof(struct linux_statx) == 256, "struct statx");

#define STATX_TYPE          0x0001u
#define STATX_MODE          0x0002u
#define STATX_NLINK         0x0004u
#define STATX_UID           0x0008u
#define STATX_GID           0x0010u
#define STATX_ATIME         0x0020u
#define STATX_MTIME         0x0040u
#define STATX_CTIME         0x0080u
#define STATX_INO           0x0100u
#define STATX_SIZE          0x0200u
#define STATX_BLOCKS        0x0400u
#define STATX_BASIC_STATS   0x07ffu
#define STATX_BTIME         0x0800u
#define STATX_MNT_ID        0x1000u
#define STATX_MNT_ID_UNIQUE 0x4000u
#define STATX_RESERVED      0x80000000u

#define STATX_ATTR_MOUNT_ROOT 0x2000u

/* utimensat(2) */
#define UTIME_NOW  ((1l << 30) - 1l)
#define UTIME_OMIT ((1l << 30) - 2l)

/* makedev(3) */
static inline uint64_t make_dev(uint32_t major, uint32_t minor)
{
    return (minor & 0xffull) | (major & 0xfffull) << 8 |
           (minor & ~0xffull) << 12 | (major & ~0xfffull) << 32;
}
static inline uint32_t dev_major(uint64_t dev)
{
    return (uint32_t)((dev >> 8 & 0xfff) | (dev >> 32 & ~0xfffull));
}
static inline uint32_t dev_minor(uint64_t dev)
{
    return (uint32_t)((dev & 0xff) | (dev >> 12 & ~0xffull));
}

#endif
