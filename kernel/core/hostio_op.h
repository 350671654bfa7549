/* SPDX-License-Identifier: MIT
 *
 * Host I/O that nobody waits for: operations that are started now and tell a
 * callback when the host has completed them. Sockets live by it; hostio.h is
 * the same for who wants to wait.
 *
 * What is started is handed to the host in batches: when a vCPU has nothing
 * else to run, when somebody asks for readiness (hostio_look()), when enough
 * has gathered, or after HOSTIO_DELAY_NS at the latest.
 *
 * A callback runs on whatever vCPU finds the completion, in kernel context,
 * with no lock held that it could want; it must not block. It may start the
 * operation again. Results are checked: 0..max or a valid -errno.
 */
#ifndef KERNEL_CORE_HOSTIO_OP_H
#define KERNEL_CORE_HOSTIO_OP_H

#include "lib/list.h"
#include "lib/types.h"
#include "abi/boundary.h"

enum { HOSTIO_DELAY_NS = 200000 };

enum ring_index { RING_URING = 0, RING_HOSTOP = 1 };

enum hostio_state { HOSTIO_IDLE, HOSTIO_QUEUED, HOSTIO_LIVE };

struct host_buffer {
    struct hptr at;
    uint32_t size, index; /* size 0: none */
};

struct hostio_op {
    struct ring_sqe sqe; /* without user_data */
    uint32_t max;
    uint8_t ring;   /* enum ring_index */
    bool parked;    /* may stay with the host for any length of time */
    bool multi;     /* completes again and again (hostio_chooses()) */
    bool more;      /* in done: it is still under way */
    uint32_t state; /* enum hostio_state; atomic */
    void (*done)(struct hostio_op *op, int32_t result);
    struct host_buffer got; /* of multi, in done: what came; done's to keep */
    uint64_t name;          /* LIVE: what the host knows it by */
    struct list node;       /* QUEUED */
};

/* Starts op, which is idle and stays in place until done was called. Never
 * blocks, never calls done by itself. */
void hostio_start(struct hostio_op *op);

/* Whether an operation may point to a program's memory. It must be one that
 * the host ends at once (MSG_DONTWAIT), and who starts it looks (below) until
 * it has ended and blocks not once, or else another process could have its
 * memory there. */
bool hostio_may_read_memory(void);

/* Asks the host to end op early, by means of `with`, which is idle and has its
 * done set. op completes all the same, by -ECANCELED or otherwise. A host that
 * does not know op yet answers -ENOENT to `with`: ask again then. */
void hostio_cancel(struct hostio_op *op, struct hostio_op *with);

/* Calls l->run, once, before what was started is handed over next: what comes
 * until then can go along. False: it is to be called already. run is called
 * like a callback; l may be used again from then on. */
struct hostio_later {
    void (*run)(struct hostio_later *l);
    uint32_t queued; /* atomic */
    struct list node;
};
bool hostio_later(struct hostio_later *l);

/* Hands over what was started and looks for completions. No spinlock held. */
void hostio_look(void);

/* Waits until each vCPU that is handing something over has come back. A close
 * that io_uring has completed takes effect only then: Linux lets go of a file
 * when the thread that closed it leaves the kernel, and another vCPU may have
 * seen the completion before. */
void hostio_settle(void);

/* ---- bounce buffers ---- */

enum {
    BUFFER_SMALL = 4 << 10,
    BUFFER_MEDIUM = 16 << 10,
    BUFFER_SIZE = 64 << 10,
    BUFFER_LARGE = 256 << 10,
};

/* A buffer of at least len bytes (len <= BUFFER_LARGE): false when there is
 * none now. Never blocks. */
bool buffer_try(size_t len, struct host_buffer *b);
void buffer_put(const struct host_buffer *b);
/* More than half of the buffers of that size are taken: who may hold one for
 * any length of time should do without. */
bool buffer_is_scarce(size_t len);

/* Copy in either direction, at an offset that is a multiple of 8; each host
 * byte is read once. */
void buffer_read(const struct host_buffer *b, size_t off, void *dst,
                 size_t len);
void buffer_write(const struct host_buffer *b, size_t off, const void *src,
                  size_t len);

/* Buffers that are with the host, which chooses one for each piece that a
 * receive brings (multi; sqe.flags = RING_SELECTS, of BUFFER_SMALL): whether
 * there are any. Without them a receive has its own. */
bool hostio_chooses(void);
/* What an operation got goes to the host again, in a callback of one. */
void hostio_give_back(struct host_buffer *b);
/* They did not last: more of them from now on. */
void hostio_give_more(void);

/* Where len bytes of b at off are to be written, if that may be in any units:
 * where the host can read all memory, stale data that goes along is no secret.
 * Nothing is to be read there. NULL: buffer_write(). */
void *buffer_plain(const struct host_buffer *b, size_t off, size_t len);

/* Payload for the statistics. */
void hostio_count(uint64_t in, uint64_t out);
/* As the two above, counted. */
void hostio_receive(const struct host_buffer *b, size_t off, void *dst,
                    size_t len);
void hostio_provide(const struct host_buffer *b, size_t off, const void *src,
                    size_t len);

/* Reads that leave what comes in their buffers for now: count <= HOSTIO_READS
 * of them, done at once. result: as hostio_read()'s (hostio.h). */
enum { HOSTIO_READS = 4 };
struct hostio_read {
    struct host_buffer buffer;
    size_t len;
    int64_t off, result;
};
void hostio_reads(int fd, struct hostio_read *reads, unsigned count);

#endif
