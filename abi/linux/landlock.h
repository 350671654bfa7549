/* SPDX-License-Identifier: MIT
 *
 * landlock(7) in Linux's ABI, version 7.
 */
#ifndef ABI_LINUX_LANDLOCK_H
#define ABI_LINUX_LANDLOCK_H

#include "lib/types.h"

enum { LANDLOCK_ABI = 7, LANDLOCK_ERRATA = 7, LANDLOCK_LAYERS_MAX = 16 };

#define LANDLOCK_CREATE_RULESET_VERSION 1u
#define LANDLOCK_CREATE_RULESET_ERRATA  2u

struct landlock_ruleset_attr {
    uint64_t handled_access_fs, handled_access_net, scoped;
};
#define LANDLOCK_RULESET_ATTR_SIZE_MIN 8

#define LANDLOCK_RULE_PATH_BENEATH 1u
#define LANDLOCK_RULE_NET_PORT     2u

struct landlock_path_beneath_attr {
    uint64_t allowed_access;
    int32_t parent_fd;
} __attribute__((packed));
_Static_assert(sizeof(struct landlock_path_beneath_attr) == 12, "landlock(7)");

struct landlock_net_port_attr {
    uint64_t allowed_access, port;
};

#define LANDLOCK_ACCESS_FS_EXECUTE     0x1ull
#define LANDLOCK_ACCESS_FS_WRITE_FILE  0x2ull
#define LANDLOCK_ACCESS_FS_READ_FILE   0x4ull
#define LANDLOCK_ACCESS_FS_READ_DIR    0x8ull
#define LANDLOCK_ACCESS_FS_REMOVE_DIR  0x10ull
#define LANDLOCK_ACCESS_FS_REMOVE_FILE 0x20ull
#define LANDLOCK_ACCESS_FS_MAKE_CHAR   0x40ull
#define LANDLOCK_ACCESS_FS_MAKE_DIR    0x80ull
#define LANDLOCK_ACCESS_FS_MAKE_REG    0x100ull
#define LANDLOCK_ACCESS_FS_MAKE_SOCK   0x200ull
#define LANDLOCK_ACCESS_FS_MAKE_FIFO   0x400ull
#define LANDLOCK_ACCESS_FS_MAKE_BLOCK  0x800ull
#define LANDLOCK_ACCESS_FS_MAKE_SYM    0x1000ull
#define LANDLOCK_ACCESS_FS_REFER       0x2000ull
#define LANDLOCK_ACCESS_FS_TRUNCATE    0x4000ull
#define LANDLOCK_ACCESS_FS_IOCTL_DEV   0x8000ull
#define LANDLOCK_ACCESS_FS_ALL         0xffffull
/* Those that make sense for what is no directory. */
#define LANDLOCK_ACCESS_FILE                                                   \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |              \
     LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_TRUNCATE |              \
     LANDLOCK_ACCESS_FS_IOCTL_DEV)

#define LANDLOCK_ACCESS_NET_BIND_TCP    0x1ull
#define LANDLOCK_ACCESS_NET_CONNECT_TCP 0x2ull
#define LANDLOCK_ACCESS_NET_ALL         0x3ull

/* What stays among those who are restricted by the same layer. */
#define LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET 0x1ull
#define LANDLOCK_SCOPE_SIGNAL               0x2ull
#define LANDLOCK_SCOPE_ALL                  0x3ull

/* What an audit log would get, of which there is none. */
#define LANDLOCK_RESTRICT_SELF_LOG_SUBDOMAINS_OFF 4u
#define LANDLOCK_RESTRICT_SELF_ALL                7u

#endif
