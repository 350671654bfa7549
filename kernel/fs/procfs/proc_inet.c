/* SPDX-License-Identifier: MIT
 *
 * /proc/PID/net of AF_INET and AF_INET6 (proc(5)): tcp, udp and their IPv6
 * brothers, interfaces, routes. What netstat(8), ss(8) and others read, in
 * Linux's columns; what does not exist here is a header and no lines.
 */
#include "kernel/fs/procfs/proc_net.h"
#include "kernel/net/inet/inet_private.h"
#include "kernel/net/netlink/netif.h"
#include "kernel/net/stream.h"
#include "lib/string.h"
#include "abi/linux/diag.h"

enum {
    ROUTE_UP = 1,
    LINE_TCP = 149, /* lines are filled up with blanks */
    LINE_UDP = 127,
};

/* ---- sockets ---- */

struct listing {
    struct text *t;
    int family, type;
    unsigned count;
};

static void pad(struct text *t, size_t start, size_t width)
{
    while (!t->failed && t->len - start < width) {
        text_bytes(t, " ", 1);
    }
    text_bytes(t, "\n", 1);
}

static void end_line(struct text *t, size_t start, int family, bool udp)
{
    pad(t, start, family != AF_INET ? 0 : udp ? LINE_UDP : LINE_TCP);
}

/* Four bytes as the number that they are on this machine, as Linux does. */
static void add_address(struct text *t, int family, const struct inet_addr *a)
{
    uint32_t word[4];

    memcpy(word, a->ip, sizeof(word));
    for (int i = family == AF_INET ? 3 : 0; i < 4; i++) {
        text_add(t, "%08X", word[i]);
    }
    text_add(t, ":%04X ", (unsigned)a->port);
}

static void show_socket(struct inet_socket *i, void *arg)
{
    struct listing *l = arg;
    struct text *t = l->t;
    size_t start = t->len;
    bool udp = l->type == SOCK_DGRAM;
    struct inet_look look;

    if (i->s.family != l->family || i->s.type != l->type || !i->local.port) {
        return;
    }
    inet_look_at(i, &look);
    if (!udp && look.state == TCP_STATE_CLOSE) {
        return;
    }
    text_add(t, udp ? "%5u: " : "%4u: ", l->count++);
    add_address(t, l->family, &i->local);
    add_address(t, l->family, &i->peer);
    text_add(t, "%02X %08X:%08X %02X:%08X %08X %5u %8d %lu ", look.state,
             look.state == TCP_STATE_LISTEN ? 0 : look.tx, look.rx, 0, 0, 0,
             look.uid, 0, look.ino);
    if (udp) {
        text_add(t, "%u %016x %u", i->s.refs, 0, look.drops);
    } else {
        text_add(t, "%u %016x 100 0 0 10 0", i->s.refs, 0);
    }
    end_line(t, start, l->family, udp);
}

static int show_sockets(struct text *t, int family, int type)
{
    struct listing l = {t, family, type, 0};
    size_t start = t->len;
    bool udp = type == SOCK_DGRAM;

    text_add(t, udp && family == AF_INET ? "   sl  " : "  sl  ");
    text_add(t, family == AF_INET ? "local_address rem_address   "
                                  : "local_address                         "
                                    "remote_address                        ");
    text_add(t,
             "st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
             "inode%s",
             udp ? " ref pointer drops" : "");
    end_line(t, start, family, udp);
    inet_learn_names();
    inet_for_each(show_socket, &l);
    return 0;
}

int proc_show_tcp(struct text *t, const struct pseudo_at *at)
{
    return show_sockets(t, AF_INET, SOCK_STREAM);
}

int proc_show_tcp6(struct text *t, const struct pseudo_at *at)
{
    return show_sockets(t, AF_INET6, SOCK_STREAM);
}

int proc_show_udp(struct text *t, const struct pseudo_at *at)
{
    return show_sockets(t, AF_INET, SOCK_DGRAM);
}

int proc_show_udp6(struct text *t, const struct pseudo_at *at)
{
    return show_sockets(t, AF_INET6, SOCK_DGRAM);
}

static void count_one(struct inet_socket *i, void *arg)
{
    unsigned *count = arg;

    count[(i->s.family == AF_INET6) * 2 + (i->s.type == SOCK_DGRAM)] +=
        i->local.port != 0;
}

int proc_show_sockstat(struct text *t, const struct pseudo_at *at)
{
    unsigned n[4] = {0};

    inet_for_each(count_one, n);
    text_add(t, "sockets: used %u\n", n[0] + n[1] + n[2] + n[3]);
    text_add(t, "TCP: inuse %u orphan 0 tw 0 alloc %u mem %lu\n", n[0],
             n[0] + n[2], stream_pages());
    text_add(t,
             "UDP: inuse %u mem 0\nUDPLITE: inuse 0\nRAW: inuse 0\n"
             "FRAG: inuse 0 memory 0\n",
             n[1]);
    return 0;
}

int proc_show_sockstat6(struct text *t, const struct pseudo_at *at)
{
    unsigned n[4] = {0};

    inet_for_each(count_one, n);
    text_add(t,
             "TCP6: inuse %u\nUDP6: inuse %u\nUDPLITE6: inuse 0\n"
             "RAW6: inuse 0\nFRAG6: inuse 0 memory 0\n",
             n[2], n[3]);
    return 0;
}

/* ---- interfaces ---- */

/* Nobody counts packets here. */
int proc_show_dev(struct text *t, const struct pseudo_at *at)
{
    const struct netif *list;
    unsigned n = netif_all(&list);

    text_add(t, "Inter-|   Receive                                            "
                "    |  Transmit\n"
                " face |bytes    packets errs drop fifo frame compressed "
                "multicast|bytes    packets errs drop fifo colls carrier "
                "compressed\n");
    for (unsigned i = 0; i < n; i++) {
        text_add(t,
                 "%6s: %7d %7d %4d %4d %4d %5d %10d %9d "
                 "%8d %7d %4d %4d %4d %5d %7d %10d\n",
                 list[i].name, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    }
    return 0;
}

int proc_show_route(struct text *t, const struct pseudo_at *at)
{
    const struct netif *list;
    unsigned n = netif_all(&list);
    size_t start = t->len;

    text_add(t, "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\t"
                "Mask\t\tMTU\tWindow\tIRTT");
    pad(t, start, LINE_UDP);
    for (unsigned i = 1; i < n; i++) { /* but lo */
        uint32_t mask = list[i].prefix ? ~0u << (32 - list[i].prefix) : 0, ip;

        memcpy(&ip, list[i].ip, sizeof(ip));
        mask = __builtin_bswap32(mask);
        start = t->len;
        text_add(t, "%s\t%08X\t%08X\t%04X\t%d\t%u\t%d\t%08X\t%d\t%u\t%u",
                 list[i].name, ip & mask, 0, ROUTE_UP, 0, 0, 0, mask, 0, 0, 0);
        pad(t, start, LINE_UDP);
    }
    return 0;
}
