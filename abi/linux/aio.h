/* SPDX-License-Identifier: MIT
 *
 * Asynchronous I/O as io_submit(2) takes it; from <linux/aio_abi.h>.
 */
#ifndef ABI_LINUX_AIO_H
#define ABI_LINUX_AIO_H

#include "lib/types.h"

enum {
    IOCB_CMD_PREAD = 0,
    IOCB_CMD_PWRITE = 1,
    IOCB_CMD_FSYNC = 2,
    IOCB_CMD_FDSYNC = 3,
    IOCB_CMD_POLL = 5,
    IOCB_CMD_NOOP = 6,
    IOCB_CMD_PREADV = 7,
    IOCB_CMD_PWRITEV = 8,
};

enum { IOCB_FLAG_RESFD = 1, IOCB_FLAG_IOPRIO = 2 };

struct abi_iocb {
    uint64_t data; /* comes back in the event */
    uint32_t key;  /* the kernel's */
    uint32_t rw_flags;
    uint16_t opcode;
    int16_t priority;
    uint32_t fd;
    uint64_t buf, nbytes;
    int64_t offset;
    uint64_t reserved;
    uint32_t flags;
    uint32_t resfd;
};
static_assert(sizeof(struct abi_iocb) == 64, "struct iocb");

struct abi_io_event {
    uint64_t data;
    uint64_t obj; /* the iocb's address */
    int64_t res, res2;
};
static_assert(sizeof(struct abi_io_event) == 32, "struct io_event");

#endif
