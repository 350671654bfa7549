/* SPDX-License-Identifier: MIT
 *
 * readv(2), preadv2(2).
 */
#ifndef ABI_LINUX_UIO_H
#define ABI_LINUX_UIO_H

#include <stdint.h>

struct linux_iovec {
    uint64_t iov_base, iov_len;
};
_Static_assert(sizeof(struct linux_iovec) == 16, "struct iovec");

#define IOV_MAX 1024
/* What one call moves at most. */
#define MAX_RW_COUNT 0x7ffff000ul

#define RWF_HIPRI  0x01
#define RWF_DSYNC  0x02
#define RWF_SYNC   0x04
#define RWF_NOWAIT 0x08
#define RWF_APPEND 0x10

#endif
