/* SPDX-License-Identifier: MIT
 *
 * Sockets, as kernel/sys/sys_socket.c sees them. So far there is one kind:
 * an end of socketpair(AF_UNIX, SOCK_STREAM) (pair.c). read(2), write(2),
 * poll(2) and close(2) reach it through struct file_ops.
 */
#ifndef KERNEL_NET_NET_H
#define KERNEL_NET_NET_H

#include "kernel/fs/file.h"

/* socketpair(2): two files with one reference each. flags: O_NONBLOCK.
 * -ENOMEM. */
int pair_open(uint32_t flags, struct file **a, struct file **b);

/* Whether f is a socket (getpeername(2) and others ask first). */
bool socket_is(struct file *f);

/* send(2), recv(2): MSG_* flags; may block. -ERESTARTSYS, -EAGAIN, -EPIPE
 * with SIGPIPE unless MSG_NOSIGNAL, -ECONNRESET, -EOPNOTSUPP. */
long socket_send(struct file *f, struct iobuf *io, uint32_t msg);
long socket_recv(struct file *f, struct iobuf *io, uint32_t msg);

/* shutdown(2). -EINVAL. */
int socket_shutdown(struct file *f, int how);

/* SO_ERROR: the pending error, as a positive errno, and forgets it. */
int socket_take_error(struct file *f);

#endif
