/* SPDX-License-Identifier: MIT
 *
 * What the tests of the host side share (stand_in.c): a family of their own,
 * which keeps what it is given here, and a host with real sockets of loopback.
 */
#ifndef KERNEL_NET_TESTS_STAND_IN_H
#define KERNEL_NET_TESTS_STAND_IN_H

#include "kernel/core/hostio.h"
#include "kernel/net/host/host.h"
#include "kernel/net/host/host_private.h"
#include "kernel/net/tests/outside.h"
#include "kernel/policy.h"
#include "lib/tests/unit.h"
#include "target/fake/fake.h"
#include "lib/string.h"
#include "abi/linux/errno.h"

enum { QUEUE = 64, DATA = 300000 };

/* What the family was given. */
extern struct inet_socket *accepted[QUEUE];
extern unsigned accepted_count, datagram_count, error_count, freed;
extern struct inet_info datagram_info;
extern uint8_t datagram[70000];
extern size_t datagram_len;

/* What tests send, and room for what they receive. */
extern uint8_t data[DATA], back[DATA];

/* A host and a family as new. */
void fresh(void);

struct inet_addr local_port(uint16_t port);
struct inet_socket *new_socket(int type);
struct inet_socket *listening_socket(void);
/* A connection: ours, and the outside's descriptor. */
struct inet_socket *connected(int *fd);
int connect_outside(struct inet_socket *i, const struct inet_addr *to,
                    bool nowait);
/* Ends a stream and lets the host finish with it. */
void end(struct inet_socket *i);
/* The same of one whose connect(2) may have failed. */
void end_connecting(struct inet_socket *i);

long send_some(struct inet_socket *i, const void *bytes, size_t len,
               bool nowait);
long recv_some(struct inet_socket *i, void *bytes, size_t len, bool nowait);

/* A client of l, and until the family has so many. */
int outside_client(struct inet_socket *l);
void wait_accepted(unsigned count);

#endif
