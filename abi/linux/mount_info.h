/* SPDX-License-Identifier: MIT
 *
 * listmount(2) and statmount(2) in Linux's ABI; open_tree(2), fsopen(2) and
 * what goes with them.
 */
#ifndef ABI_LINUX_MOUNT_INFO_H
#define ABI_LINUX_MOUNT_INFO_H

#include "lib/types.h"

/* Numbers up to here are the old kind, which may be used again. */
#define MOUNT_ID_OFFSET (1ull << 31)

struct mnt_id_req {
    uint32_t size, mnt_ns_fd;
    uint64_t mnt_id, param, mnt_ns_id;
};
#define MNT_ID_REQ_SIZE_VER0 24
_Static_assert(sizeof(struct mnt_id_req) == 32, "mnt_id_req");

#define LSMT_ROOT         (~0ull)
#define LISTMOUNT_REVERSE 1

#define STATMOUNT_SB_BASIC       0x01
#define STATMOUNT_MNT_BASIC      0x02
#define STATMOUNT_PROPAGATE_FROM 0x04
#define STATMOUNT_MNT_ROOT       0x08
#define STATMOUNT_MNT_POINT      0x10
#define STATMOUNT_FS_TYPE        0x20
#define STATMOUNT_SB_SOURCE      0x200

/* Offsets of strings count from str. */
struct statmount {
    uint32_t size, mnt_opts;
    uint64_t mask;
    uint32_t sb_dev_major, sb_dev_minor;
    uint64_t sb_magic;
    uint32_t sb_flags, fs_type;
    uint64_t mnt_id, mnt_parent_id;
    uint32_t mnt_id_old, mnt_parent_id_old;
    uint64_t mnt_attr, mnt_propagation, mnt_peer_group, mnt_master;
    uint64_t propagate_from;
    uint32_t mnt_root, mnt_point;
    uint64_t mnt_ns_id;
    uint32_t fs_subtype, sb_source;
    uint32_t opt_num, opt_array, opt_sec_num, opt_sec_array;
    uint64_t supported_mask;
    uint32_t mnt_uidmap_num, mnt_uidmap, mnt_gidmap_num, mnt_gidmap;
    uint64_t spare[43];
    char str[];
};
_Static_assert(sizeof(struct statmount) == 512, "statmount(2)");

#define MOUNT_ATTR_RDONLY      0x01
#define MOUNT_ATTR_NOSUID      0x02
#define MOUNT_ATTR_NODEV       0x04
#define MOUNT_ATTR_NOEXEC      0x08
#define MOUNT_ATTR_NOATIME     0x10
#define MOUNT_ATTR_STRICTATIME 0x20
#define MOUNT_ATTR_ATIMES      0x70
#define MOUNT_ATTR_NODIRATIME  0x80
#define MOUNT_ATTR_IDMAP       0x100000
#define MOUNT_ATTR_NOSYMFOLLOW 0x200000
#define MOUNT_ATTR_SETTABLE    0x20008f /* those that are bits of their own */

struct mount_attr {
    uint64_t attr_set, attr_clr, propagation, userns_fd;
};
#define MOUNT_ATTR_SIZE_VER0 32
_Static_assert(sizeof(struct mount_attr) == 32, "mount_setattr(2)");

#define OPEN_TREE_CLONE 1

#define MOVE_MOUNT_F_SYMLINKS   0x01
#define MOVE_MOUNT_F_EMPTY_PATH 0x04
#define MOVE_MOUNT_T_SYMLINKS   0x10
#define MOVE_MOUNT_T_EMPTY_PATH 0x40
#define MOVE_MOUNT_SET_GROUP    0x100
#define MOVE_MOUNT_BENEATH      0x200
#define MOVE_MOUNT_MASK         0x377

#define FSOPEN_CLOEXEC  1
#define FSMOUNT_CLOEXEC 1

#define FSPICK_CLOEXEC          1
#define FSPICK_SYMLINK_NOFOLLOW 2
#define FSPICK_NO_AUTOMOUNT     4
#define FSPICK_EMPTY_PATH       8

enum {
    FSCONFIG_SET_FLAG,
    FSCONFIG_SET_STRING,
    FSCONFIG_SET_BINARY,
    FSCONFIG_SET_PATH,
    FSCONFIG_SET_PATH_EMPTY,
    FSCONFIG_SET_FD,
    FSCONFIG_CMD_CREATE,
    FSCONFIG_CMD_RECONFIGURE,
    FSCONFIG_CMD_CREATE_EXCL,
};

#endif
