/* SPDX-License-Identifier: MIT
 *
 * Flags of inodes in Linux's ABI (FS_IOC_GETFLAGS(2const)), the newer form of
 * the same, and file_getattr(2).
 */
#ifndef ABI_LINUX_FILEATTR_H
#define ABI_LINUX_FILEATTR_H

#include "lib/types.h"

#define FS_IOC_GETFLAGS   0x80086601
#define FS_IOC_SETFLAGS   0x40086602
#define FS_IOC_FSGETXATTR 0x801c581f
#define FS_IOC_FSSETXATTR 0x401c5820

#define FS_IMMUTABLE_FL 0x10
#define FS_APPEND_FL    0x20
#define FS_NODUMP_FL    0x40
#define FS_NOATIME_FL   0x80

#define FS_XFLAG_IMMUTABLE 0x08
#define FS_XFLAG_APPEND    0x10
#define FS_XFLAG_NOATIME   0x40
#define FS_XFLAG_NODUMP    0x80

struct abi_fsxattr {
    uint32_t xflags, extsize, nextents, projid, cowextsize;
    uint8_t pad[8];
};
_Static_assert(sizeof(struct abi_fsxattr) == 28, "fsxattr");

struct abi_file_attr {
    uint64_t xflags;
    uint32_t extsize, nextents, projid, cowextsize;
};
#define FILE_ATTR_SIZE_VER0 24
_Static_assert(sizeof(struct abi_file_attr) == FILE_ATTR_SIZE_VER0,
               "file_attr");

#endif
