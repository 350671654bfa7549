/* SPDX-License-Identifier: MIT
 *
 * What sys_socket.c (making and naming sockets) and sys_message.c (sending and
 * receiving) share.
 */
#ifndef KERNEL_SYS_SYS_SOCKET_H
#define KERNEL_SYS_SYS_SOCKET_H

#include "kernel/net/socket.h"
#include "kernel/sys/table.h"

/* -EBADF, -ENOTSOCK. */
int user_socket_get(int n, struct fd *fd, struct socket **s);

/* A name of len bytes: -EINVAL, -EFAULT. */
int user_name_get(struct abi_sockaddr *name, struct uptr from, uint32_t len);
/* As much of name as *len_at allows; *len_at becomes len. */
int user_name_put(struct uptr to, struct uptr len_at,
                  const struct abi_sockaddr *name, uint32_t len);

#endif
