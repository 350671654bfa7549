/* SPDX-License-Identifier: MIT
 *
 * What hostio.c (operations) needs of hostio_ring.c (the rings), hostio_call.c
 * (requests on them that a task waits for) and hostio_buffer.c (bounce
 * buffers). Nobody else includes it: these are the only files that open a
 * struct hptr.
 */
#ifndef KERNEL_CORE_HOSTIO_RING_H
#define KERNEL_CORE_HOSTIO_RING_H

#include "kernel/core/hostio_op.h"
#include "target/target.h"

/* ---- requests ---- */

/* What a completion may say besides -errno: 0..max. */
struct request {
    enum ring_index ring;
    struct ring_sqe sqe; /* without user_data */
    uint32_t max;
    bool interruptible; /* POLL_ADD only: may end by -EINTR */
};

int ring_init(void);

/* Submits r and blocks the current task until it is complete. Returns its
 * checked result. */
int64_t ring_call(const struct request *r);

/* The same for count <= RING_CALLS_MAX requests at once, none of them
 * interruptible. What the host gives back undone is -ECANCELED. */
enum { RING_CALLS_MAX = 4 };
void ring_calls(const struct request *q, unsigned count, int64_t *results);

/* The n-th request from now fails with -EIO, unseen by the host (fault
 * injection); 0: none. */
void ring_fail_after(uint64_t n);
/* Whether this one does, of who asks the host by other ways than these. */
bool ring_fails(void);

uint64_t ring_operations(void);
uint64_t ring_submits(void);

/* ---- bounce buffers ---- */

int buffer_init(void);

/* ---- buffers that the host chooses from (hostio_given.c) ---- */

enum { GIVEN_MAX = 1024 }; /* at most with the host */

int given_init(const struct target_ring *t);
/* The host says that it took that one. False: it had it not. */
bool given_take(uint32_t number, struct host_buffer *out);

/* A buffer of at least len bytes, or of BUFFER_SIZE when len is more and no
 * large one is free. May block. */
struct host_buffer buffer_get(size_t len);

/* Number `index` of the small ones, which is taken. */
struct host_buffer buffer_small(uint32_t index);

/* Host memory in aligned units of 8 bytes (stale data, Intel-SA-00615). */
void host_read(void *dst, struct hptr src, size_t len);

#endif
