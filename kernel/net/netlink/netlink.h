/* SPDX-License-Identifier: MIT
 *
 * A netlink socket as others use it: mq_notify(2) by a thread.
 */
#ifndef KERNEL_NET_NETLINK_H
#define KERNEL_NET_NETLINK_H

#include "kernel/fs/file.h"

/* Whether f is a netlink socket. */
bool netlink_is(struct file *f);
/* Queues len bytes in f, which is one, as a datagram from the kernel. -ENOMEM,
 * -ENOBUFS: it is full. */
int netlink_post(struct file *f, const void *bytes, size_t len);

#endif
