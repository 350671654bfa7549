/* SPDX-License-Identifier: MIT
 *
 * The other side of host_test.c: real sockets on loopback, in a file of their
 * own, since libc's headers and the kernel's define the same names.
 */
#ifndef KERNEL_NET_TESTS_OUTSIDE_H
#define KERNEL_NET_TESTS_OUTSIDE_H

#include <stddef.h>
#include <stdint.h>

/* A bound socket, and a stream one listens. */
int outside_stream(void);
int outside_datagram(void);
uint16_t outside_port(int fd);
int outside_accept(int fd); /* does not wait */
int outside_connect(uint16_t port);
long outside_send_to(int fd, uint16_t port, const void *data, size_t len);
long outside_write(int fd, const void *data, size_t len);
long outside_read(int fd, void *data, size_t len);
long outside_read_now(int fd, void *data, size_t len); /* does not wait */
void outside_close(int fd);

#endif
