/* SPDX-License-Identifier: MIT
 * userfaultfd(2): linux/userfaultfd.h. */
#ifndef ABI_LINUX_USERFAULTFD_H
#define ABI_LINUX_USERFAULTFD_H

#include "lib/types.h"

#define UFFD_API            0xaa
#define UFFD_USER_MODE_ONLY 1

#define UFFDIO_API          0xc018aa3f
#define UFFDIO_REGISTER     0xc020aa00
#define UFFDIO_UNREGISTER   0x8010aa01
#define UFFDIO_WAKE         0x8010aa02
#define UFFDIO_COPY         0xc028aa03
#define UFFDIO_ZEROPAGE     0xc020aa04
#define UFFDIO_MOVE         0xc028aa05
#define UFFDIO_WRITEPROTECT 0xc018aa06

#define USERFAULTFD_IOC_NEW 0xaa00 /* of /dev/userfaultfd */

#define UFFD_FEATURE_PAGEFAULT_FLAG_WP (1 << 0)
#define UFFD_FEATURE_SIGBUS            (1 << 7)
#define UFFD_FEATURE_EXACT_ADDRESS     (1 << 11)
#define UFFD_FEATURE_WP_UNPOPULATED    (1 << 13)
#define UFFD_FEATURE_MOVE              (1 << 16)

#define UFFDIO_REGISTER_MODE_MISSING      1
#define UFFDIO_REGISTER_MODE_WP           2
#define UFFDIO_MODE_DONTWAKE              1 /* of COPY and ZEROPAGE */
#define UFFDIO_COPY_MODE_WP               2
#define UFFDIO_WRITEPROTECT_MODE_WP       1
#define UFFDIO_WRITEPROTECT_MODE_DONTWAKE 2

#define UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES 2

#define UFFD_EVENT_PAGEFAULT      0x12
#define UFFD_PAGEFAULT_FLAG_WRITE 1
#define UFFD_PAGEFAULT_FLAG_WP    2

struct uffdio_api {
    uint64_t api, features, ioctls;
};
struct uffdio_range {
    uint64_t start, len;
};
struct uffdio_register {
    struct uffdio_range range;
    uint64_t mode, ioctls;
};
struct uffdio_copy { /* and struct uffdio_move */
    uint64_t dst, src, len, mode;
    int64_t copy;
};
struct uffdio_zeropage {
    struct uffdio_range range;
    uint64_t mode;
    int64_t zeropage;
};
struct uffdio_writeprotect {
    struct uffdio_range range;
    uint64_t mode;
};
struct uffd_msg {
    uint8_t event, reserved[7];
    uint64_t flags, address;
    uint32_t ptid, pad;
};
static_assert(sizeof(struct uffd_msg) == 32, "linux/userfaultfd.h");

#endif
