/* SPDX-License-Identifier: MIT
 *
 * seccomp(2) in Linux's ABI; filter.h has what its filters are written in.
 */
#ifndef ABI_LINUX_SECCOMP_H
#define ABI_LINUX_SECCOMP_H

#include "lib/types.h"
#include "abi/linux/filter.h"

#define SECCOMP_MODE_DISABLED 0
#define SECCOMP_MODE_STRICT   1
#define SECCOMP_MODE_FILTER   2

#define SECCOMP_SET_MODE_STRICT  0
#define SECCOMP_SET_MODE_FILTER  1
#define SECCOMP_GET_ACTION_AVAIL 2
#define SECCOMP_GET_NOTIF_SIZES  3

#define SECCOMP_FILTER_FLAG_TSYNC              1
#define SECCOMP_FILTER_FLAG_LOG                2
#define SECCOMP_FILTER_FLAG_SPEC_ALLOW         4
#define SECCOMP_FILTER_FLAG_NEW_LISTENER       8
#define SECCOMP_FILTER_FLAG_TSYNC_ESRCH        16
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV 32

#define SECCOMP_RET_KILL_PROCESS 0x80000000u
#define SECCOMP_RET_KILL_THREAD  0x00000000u
#define SECCOMP_RET_TRAP         0x00030000u
#define SECCOMP_RET_ERRNO        0x00050000u
#define SECCOMP_RET_USER_NOTIF   0x7fc00000u
#define SECCOMP_RET_TRACE        0x7ff00000u
#define SECCOMP_RET_LOG          0x7ffc0000u
#define SECCOMP_RET_ALLOW        0x7fff0000u
#define SECCOMP_RET_ACTION       0xffff0000u
#define SECCOMP_RET_DATA         0x0000ffffu

#define AUDIT_ARCH_X86_64 0xc000003eu

struct seccomp_data {
    int32_t nr;
    uint32_t arch;
    uint64_t ip;
    uint64_t args[6];
};
_Static_assert(sizeof(struct seccomp_data) == 64, "seccomp(2)");

/* ---- seccomp_unotify(2) ---- */

struct seccomp_notif_sizes {
    uint16_t seccomp_notif, seccomp_notif_resp, seccomp_data;
};

struct seccomp_notif {
    uint64_t id;
    uint32_t pid, flags;
    struct seccomp_data data;
};
_Static_assert(sizeof(struct seccomp_notif) == 80, "seccomp_unotify(2)");

#define SECCOMP_USER_NOTIF_FLAG_CONTINUE 1u

struct seccomp_notif_resp {
    uint64_t id;
    int64_t val;
    int32_t error;
    uint32_t flags;
};
_Static_assert(sizeof(struct seccomp_notif_resp) == 24, "seccomp_unotify(2)");

#define SECCOMP_ADDFD_FLAG_SETFD 1u
#define SECCOMP_ADDFD_FLAG_SEND  2u

struct seccomp_notif_addfd {
    uint64_t id;
    uint32_t flags, srcfd, newfd, newfd_flags;
};
_Static_assert(sizeof(struct seccomp_notif_addfd) == 24, "seccomp_unotify(2)");

#define SECCOMP_IOCTL_NOTIF_RECV         0xc0502100u
#define SECCOMP_IOCTL_NOTIF_SEND         0xc0182101u
#define SECCOMP_IOCTL_NOTIF_ID_VALID     0x40082102u
#define SECCOMP_IOCTL_NOTIF_ID_VALID_OLD 0x80082102u
#define SECCOMP_IOCTL_NOTIF_ADDFD        0x2103u /* without direction and size */
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS    0x40082104u
#define IOCTL_SIZE_MASK                  0x3fff0000u
#define IOCTL_DIRECTION_MASK             0xc0000000u

#endif
