/* SPDX-License-Identifier: MIT
 *
 * A round trip over TCP loopback between two processes, each with epoll: one
 * byte there and back. Prints the nanoseconds of the best of ten parts.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PARTS = 10, ROUNDS = 2000 };

extern char **environ;

static int ready(int fd)
{
    struct epoll_event e = {.events = EPOLLIN};
    int ep = epoll_create1(0), one = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
    return ep;
}

static void take(int ep, int fd)
{
    struct epoll_event e;
    char byte;

    if (epoll_wait(ep, &e, 1, -1) != 1 || read(fd, &byte, 1) != 1) {
        exit(0);
    }
}

static void answer(uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(port),
                            .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0), ep;

    if (connect(fd, (struct sockaddr *)&a, sizeof(a))) {
        exit(1);
    }
    ep = ready(fd);
    for (;;) {
        take(ep, fd);
        if (write(fd, "x", 1) != 1) {
            exit(0);
        }
    }
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e9 + t.tv_nsec;
}

int main(int argc, char **argv)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(a);
    int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd, ep;
    double best = 1e18;
    char port[16];
    pid_t pid;

    if (argc > 1) {
        answer((uint16_t)atoi(argv[1]));
    }
    bind(l, (struct sockaddr *)&a, sizeof(a));
    listen(l, 1);
    getsockname(l, (struct sockaddr *)&a, &len);
    snprintf(port, sizeof(port), "%d", ntohs(a.sin_port));
    if (posix_spawn(&pid, "/proc/self/exe", NULL, NULL,
                    (char *[]){argv[0], port, NULL}, environ)) {
        return 1;
    }
    fd = accept(l, NULL, NULL);
    ep = ready(fd);
    for (int part = 0; part < PARTS; part++) {
        double start = now();

        for (int i = 0; i < ROUNDS; i++) {
            if (write(fd, "x", 1) != 1) {
                return 1;
            }
            take(ep, fd);
        }
        best =
            (now() - start) / ROUNDS < best ? (now() - start) / ROUNDS : best;
    }
    printf("tcp-echo-inside %.1f ns\n", best);
    return 0;
}
