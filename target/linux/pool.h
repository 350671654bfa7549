/* SPDX-License-Identifier: MIT
 *
 * The thread pool that executes ring entries where io_uring does not: ring 1
 * always, ring 0 when it must. Host side, ordinary libc code.
 *
 * pool_ring.c: the rings, and what vCPUs do themselves. pool.c: the workers.
 * pool_ops.c: what one entry does, possibly
 * blocking its worker; pool_names.c: to names. pool_socket.c: what an entry
 * does with sockets. pool_poll.c: entries that wait (POLL_ADD, TIMEOUT, sockets
 * without data), which would use up the workers, and cancelling them.
 */
#ifndef TARGET_LINUX_POOL_H
#define TARGET_LINUX_POOL_H

#include "target/linux/pool_ring.h"

/* Puts a completion into ring `index`; any thread of the host side. */
void pool_complete(unsigned index, uint64_t user_data, int64_t res);

/* Executes e of ring 0 or 1: the result or -errno. */
int64_t pool_op(const struct ring_sqe *e);
int64_t pool_hostop(const struct ring_sqe *e);
int64_t pool_name_op(const struct ring_sqe *e);
int64_t pool_socket_hostop(const struct ring_sqe *e, void *addr);

/* Socket operations that may wait for the other side, without waiting:
 * -EAGAIN means that it is to be tried again when pool_waits(), poll bits, are
 * there. first: a connect that was not tried before. */
short pool_waits(const struct ring_sqe *e);
extern bool pool_has_sockets; /* false: ring 0 is not ours */
int64_t pool_try(const struct ring_sqe *e, bool first);

/* The thread that waits, for all that is in pool_waiting, and ... */
int pool_start_poller(void);
/* ... for what was begun already, or is a time. */
void pool_wait_add(unsigned index, const struct ring_sqe *e);
void pool_timeout_add(unsigned index, const struct ring_sqe *e);
/* Ends the waiting entry with that user_data by -ECANCELED: 0 or -ENOENT. */
int pool_cancel(unsigned index, uint64_t user_data);

#endif
