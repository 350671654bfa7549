/* SPDX-License-Identifier: MIT
 *
 * statfs(2): the structure, mount flags and the magic numbers in use here.
 */
#ifndef ABI_LINUX_STATFS_H
#define ABI_LINUX_STATFS_H

#include <stdint.h>

struct linux_statfs {
    int64_t f_type, f_bsize;
    uint64_t f_blocks, f_bfree, f_bavail, f_files, f_ffree;
    int32_t f_fsid[2];
    int64_t f_namelen, f_frsize, f_flags, f_spare[4];
};
_Static_assert(sizeof(struct linux_statfs) == 120, "struct statfs");

#define ST_RDONLY      1
#define ST_NOSUID      2
#define ST_NODEV       4
#define ST_NOEXEC      8
#define ST_VALID       32
#define ST_NOATIME     1024
#define ST_NODIRATIME  2048
#define ST_RELATIME    4096
#define ST_NOSYMFOLLOW 8192

#define TMPFS_MAGIC        0x01021994
#define SECRETMEM_MAGIC    0x5345434d
#define PROC_SUPER_MAGIC   0x9fa0
#define SYSFS_MAGIC        0x62656572
#define OVERLAYFS_MAGIC    0x794c7630
#define EROFS_MAGIC        0xe0f5e1e2
#define PIPEFS_MAGIC       0x50495045
#define SOCKFS_MAGIC       0x534f434b
#define NSFS_MAGIC         0x6e736673
#define ANON_INODE_MAGIC   0x09041934
#define DEVPTS_MAGIC       0x1cd1
#define HOSTFS_SUPER_MAGIC 0x00c0ffee

/* mount(2), umount2(2) */
#define MS_RDONLY      1
#define MS_NOSUID      2
#define MS_NODEV       4
#define MS_NOEXEC      8
#define MS_SYNCHRONOUS 16
#define MS_REMOUNT     32
#define MS_NOSYMFOLLOW 256
#define MS_NOATIME     1024
#define MS_NODIRATIME  2048
#define MS_BIND        4096
#define MS_MOVE        8192
#define MS_REC         16384
#define MS_SILENT      32768
#define MS_UNBINDABLE  (1 << 17)
#define MS_PRIVATE     (1 << 18)
#define MS_SLAVE       (1 << 19)
#define MS_SHARED      (1 << 20)
#define MS_RELATIME    (1 << 21)
#define MS_STRICTATIME (1 << 24)
#define MS_LAZYTIME    (1 << 25)

#define MNT_FORCE       1
#define MNT_DETACH      2
#define MNT_EXPIRE      4
#define UMOUNT_NOFOLLOW 8

#endif
