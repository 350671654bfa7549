/* SPDX-License-Identifier: MIT
 *
 * See outside.h.
 */
#include "kernel/net/tests/outside.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in loopback(uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};

    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return in;
}

static int bound(int type)
{
    struct sockaddr_in in = loopback(0);
    int fd = socket(AF_INET, type, 0);

    if (bind(fd, (void *)&in, sizeof(in))) {
        abort();
    }
    return fd;
}

int outside_stream(void)
{
    int fd = bound(SOCK_STREAM);

    if (listen(fd, 5)) {
        abort();
    }
    return fd;
}

int outside_datagram(void)
{
    return bound(SOCK_DGRAM);
}

uint16_t outside_port(int fd)
{
    struct sockaddr_in in;
    socklen_t len = sizeof(in);

    if (getsockname(fd, (void *)&in, &len)) {
        abort();
    }
    return ntohs(in.sin_port);
}

int outside_accept(int fd)
{
    fd = dup(fd);
    if (fd >= 0) {
        struct timeval brief = {5, 0};
        int conn;

        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &brief, sizeof(brief));
        conn = accept(fd, NULL, NULL);
        close(fd);
        fd = conn;
    }
    return fd;
}

int outside_connect(uint16_t port)
{
    struct sockaddr_in in = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (connect(fd, (void *)&in, sizeof(in))) {
        abort();
    }
    return fd;
}

long outside_send_to(int fd, uint16_t port, const void *data, size_t len)
{
    struct sockaddr_in in = loopback(port);

    return sendto(fd, data, len, 0, (void *)&in, sizeof(in));
}

long outside_write(int fd, const void *data, size_t len)
{
    return send(fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

long outside_read(int fd, void *data, size_t len)
{
    return read(fd, data, len);
}

long outside_read_now(int fd, void *data, size_t len)
{
    return recv(fd, data, len, MSG_DONTWAIT);
}

void outside_close(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}
