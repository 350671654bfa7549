/* SPDX-License-Identifier: MIT
 *
 * Host I/O on sockets, for who waits: making, naming, asking. Data goes
 * through hostio_op.h (kernel/net/host/host_stream.c) or, for datagrams to be
 * sent, through here. All return >= 0 or -errno; addresses and options that
 * come back are copies whose length is what it should be, and untrusted.
 */
#ifndef KERNEL_CORE_HOSTIO_NET_H
#define KERNEL_CORE_HOSTIO_NET_H

#include "kernel/core/hostio_op.h"

enum { HOSTIO_NAME_MAX = 128, HOSTIO_OPTION_MAX = 1024, HOSTIO_CONTROL = 512 };

int hostio_socket(int family, int type, int protocol);
int hostio_bind(int fd, const void *name, size_t len);
int hostio_listen(int fd, int backlog);
int hostio_connect(int fd, const void *name, size_t len); /* datagrams */
int hostio_shutdown(int fd, int how);
/* The length, at most HOSTIO_NAME_MAX. */
int hostio_sockname(int fd, bool peer, void *name);
int hostio_setsockopt(int fd, int level, int option, const void *value,
                      size_t len);
/* The length, at most len (<= HOSTIO_OPTION_MAX). */
int hostio_getsockopt(int fd, int level, int option, void *value, size_t len);

/* One message. data of a send lies in kernel memory. */
struct hostio_message {
    void *name, *control, *data;
    uint32_t name_len, control_len, len;
};
/* Waits for room, with a signal ending that, unless flags has MSG_DONTWAIT. */
int64_t hostio_sendmsg(int fd, const struct hostio_message *m, int flags);

/* ---- messages in a bounce buffer, for receiving without waiting ---- */

enum {
    MESSAGE_NAME = 128, /* where things stand in the buffer */
    MESSAGE_CONTROL = MESSAGE_NAME + HOSTIO_NAME_MAX,
    MESSAGE_DATA = MESSAGE_CONTROL + HOSTIO_CONTROL,
    MESSAGE_MOST = 65536, /* bytes of data */
};

/* Lays out an empty message that can receive; b is of BUFFER_LARGE. */
void hostio_message_prepare(const struct host_buffer *b);
/* What the host made of it: lengths, checked, and MSG_* flags. */
void hostio_message_look(const struct host_buffer *b, uint32_t *name_len,
                         uint32_t *control_len, uint32_t *flags);

#endif
