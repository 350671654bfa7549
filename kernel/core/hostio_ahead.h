/* SPDX-License-Identifier: MIT
 *
 * Reading a file of the host's ahead, where each transition to the host is
 * dear: a read takes a whole window of the file into a bounce buffer, and what
 * was not asked for stays there, in the host's memory, until somebody wants
 * it. It costs the enclave nothing, and a host that changes it meanwhile is
 * one that answers wrongly: whoever reads a file of the host's checks what he
 * got.
 *
 * A window that nobody used is work in vain. So it has to be earned: reads from
 * windows give credit, windows cost some, and without credit reads are plain.
 */
#ifndef KERNEL_CORE_HOSTIO_AHEAD_H
#define KERNEL_CORE_HOSTIO_AHEAD_H

#include "kernel/core/hostio_op.h"
#include "kernel/core/lock.h"

enum { AHEAD_WINDOWS = 8, AHEAD_PAGES = BUFFER_LARGE / 4096 };

/* Pages [first, first + count) of the file are in buffer. */
struct ahead_window {
    struct host_buffer buffer;
    uint64_t first;
    unsigned count;
    unsigned users; /* who copies from it, or fills it */
    uint64_t used;  /* the last time, of host_ahead.time */
};

struct host_ahead {
    int fd;
    uint64_t at, pages; /* of the file: where page 0 is, and how many */
    bool enabled;
    struct spinlock lock; /* LOCK_HOSTIO; guards what follows */
    struct ahead_window windows[AHEAD_WINDOWS];
    uint64_t time;
    int credit; /* pages */
};

/* enabled: windows are worth it; else all reads are plain. */
void ahead_init(struct host_ahead *a, int fd, uint64_t at, uint64_t pages,
                bool enabled);
void ahead_free(struct host_ahead *a);

/* Empties the windows, except those that are being read. */
void ahead_forget(struct host_ahead *a);

/* Reads pages [page, page + count) to pages[], each of 4096 bytes: 0 or
 * -errno; -EIO where the file ends before. May block. */
int ahead_read(struct host_ahead *a, uint64_t page, unsigned count,
               void *const pages[]);

#endif
