/* SPDX-License-Identifier: MIT
 *
 * /proc/net: the heads of its files, and the lines of our own sockets.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include "tests/guest/show.h"

static unsigned port_of(int s)
{
    struct sockaddr_in6 a;
    socklen_t len = sizeof(a);

    getsockname(s, (struct sockaddr *)&a, &len);
    return ntohs(a.sin6_port); /* at the same place in sockaddr_in */
}

static int bound(int family, int type)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET,
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
                              .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int s = socket(family, type, 0);

    bind(s, family == AF_INET ? (void *)&v4 : (void *)&v6,
         family == AF_INET ? sizeof(v4) : sizeof(v6));
    return s;
}

/* The head, and what a line says whose local port is ours: addresses, the
 * state, queues, what waits in it; with our port and the other as words. */
static void lines(const char *path, unsigned port)
{
    FILE *f = fopen(path, "r");
    char line[512], local[64], remote[64];
    unsigned st, tx, rx, at;

    if (!f || !fgets(line, sizeof(line), f)) {
        printf("%s: nothing\n", path);
        return;
    }
    printf("%s: [%.*s]\n", path, (int)strcspn(line, "\n"), line);
    while (port && fgets(line, sizeof(line), f)) {
        if (sscanf(line, " %*d: %[0-9A-F]:%x %[0-9A-F]:%*x %x %x:%x", local,
                   &at, remote, &st, &tx, &rx) == 6 &&
            at == port && st != 6) { /* TIME_WAIT, of another time */
            printf("%s %s %02X %u %u length %zu\n", local, remote, st, tx, rx,
                   strlen(local) == 8 ? strlen(line) : 0);
        }
    }
    fclose(f);
}

int main(void)
{
    int l, c, u, k;
    struct sockaddr_in6 a;
    socklen_t len = sizeof(a);

    show_start();
    l = bound(AF_INET, SOCK_STREAM);
    lines("/proc/net/tcp", port_of(l));
    listen(l, 5);
    lines("/proc/net/tcp", port_of(l));
    getsockname(l, (struct sockaddr *)&a, &len);
    c = socket(AF_INET, SOCK_STREAM, 0);
    connect(c, (struct sockaddr *)&a, len);
    lines("/proc/self/net/tcp", port_of(l));
    k = accept(l, NULL, NULL);
    close(l);
    lines("/proc/net/tcp", port_of(k));
    lines("/proc/net/tcp", port_of(c));
    u = bound(AF_INET, SOCK_DGRAM);
    lines("/proc/net/udp", port_of(u));
    u = bound(AF_INET6, SOCK_DGRAM);
    lines("/proc/net/udp6", port_of(u));
    l = bound(AF_INET6, SOCK_STREAM);
    listen(l, 5);
    lines("/proc/net/tcp6", port_of(l));
    lines("/proc/net/dev", 0);
    lines("/proc/net/route", 0);
    lines("/proc/net/arp", 0);
    lines("/proc/net/raw", 0);
    lines("/proc/net/packet", 0);
    EXPECT(access("/proc/net/if_inet6", R_OK) == 0);
    EXPECT(access("/proc/net/sockstat", R_OK) == 0);
    return 0;
}
