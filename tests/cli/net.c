/* SPDX-License-Identifier: MIT */
/* Tries the network on loopback: pairs of a word and a port. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int try(const char *what, int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(port),
                            .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr *name = (struct sockaddr *)&a;
    int one = 1, fd;

    fd = socket(AF_INET, !strcmp(what, "send") ? SOCK_DGRAM : SOCK_STREAM, 0);
    if (fd < 0) {
        return -1;
    }
    if (!strcmp(what, "connect")) {
        return connect(fd, name, sizeof(a));
    }
    if (!strcmp(what, "send")) {
        return sendto(fd, "x", 1, 0, name, sizeof(a)) == 1 ? 0 : -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, name, sizeof(a)) || listen(fd, 1)) {
        return -1;
    }
    if (!strcmp(what, "inside")) {
        int peer = socket(AF_INET, SOCK_STREAM, 0);

        return connect(peer, name, sizeof(a)) || accept(fd, NULL, NULL) < 0 ? -1
                                                                            : 0;
    }
    /* Somebody outside tries to connect all the time. */
    errno = ETIMEDOUT;
    return poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1,
                !strcmp(what, "serve") ? 30000 : 1000) == 1
               ? 0
               : -1;
}

int main(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        int err = try(argv[i], atoi(argv[i + 1]));

        printf("%s %s\n", argv[i], err ? strerrorname_np(errno) : "works");
    }
    return 0;
}
