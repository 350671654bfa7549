/* SPDX-License-Identifier: MIT
 *
 * The thread pool that executes ring entries where io_uring does not: ring 1
 * always, ring 0 when it must. Host side, ordinary libc code.
 *
 * pool_ring.c: the rings, and what vCPUs do themselves; pool_wait.c: what waits
 * for sockets, on the vCPU that handed it over. pool.c: the workers, who do the
 * rest. pool_ops.c: what one entry does, possibly blocking its worker;
 * pool_names.c: to names; pool_attrs.c: to extended attributes; pool_socket.c:
 * to sockets, without waiting.
 */
#ifndef TARGET_LINUX_POOL_H
#define TARGET_LINUX_POOL_H

#include "target/linux/pool_ring.h"

/* Executes e of ring 0 or 1: the result or -errno. */
int64_t pool_op(const struct ring_sqe *e);
int64_t pool_hostop(const struct ring_sqe *e);
int64_t pool_name_op(const struct ring_sqe *e);
/* To what is called last in directory fd; "": to fd itself. */
int64_t pool_attr_op(const struct ring_sqe *e, int fd, const char *last);
int64_t pool_socket_hostop(const struct ring_sqe *e, void *addr);

extern bool pool_has_sockets; /* false: ring 0 is not ours */

#endif
