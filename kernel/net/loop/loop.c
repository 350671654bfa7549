/* SPDX-License-Identifier: MIT
 *
 * Who can be reached at which port inside the instance: listening streams and
 * bound datagram sockets, by port. names_lock guards the table; who is found
 * under it is alive, because its end takes it away here first.
 */
#include "kernel/net/loop/loop.h"
#include "kernel/net/netlink/netif.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"

enum { BUCKETS = 256 };

static struct spinlock names_lock = SPINLOCK_INIT(LOCK_PIPE);
static struct list table[BUCKETS]; /* zero: not yet used */
static uint32_t turn;              /* who of several with SO_REUSEPORT */

static struct list *bucket_of(uint16_t port)
{
    struct list *b = &table[port % BUCKETS];

    if (!b->next) {
        list_init(b);
    }
    return b;
}

static bool list_empty_or_new(uint16_t port)
{
    struct list *b = &table[port % BUCKETS];

    return !atomic_load_acquire(&b->next) || list_empty(b);
}

void loop_add(struct inet_socket *i)
{
    struct loop *l = i->loop;

    if (!l) {
        l = kzalloc(sizeof(*l));
        if (!l) {
            return; /* then it is reached by way of the host */
        }
        list_init(&l->node);
    }
    spin_lock(&names_lock);
    i->loop = l;
    list_del(&l->node);
    list_add_tail(bucket_of(i->local.port), &l->node);
    l->i = i;
    spin_unlock(&names_lock);
}

void loop_del(struct inet_socket *i)
{
    struct loop *l = i->loop;

    if (!l) {
        return;
    }
    spin_lock(&names_lock);
    list_del(&l->node);
    i->loop = NULL;
    spin_unlock(&names_lock);
    kfree(l);
}

/* One of the machine's own IPv4 addresses. May wait. */
static bool is_own(const struct inet_addr *a)
{
    const struct netif *all;
    unsigned n = netif_all(&all);

    for (unsigned i = 0; i < n; i++) {
        if (inet_addr_is_v4(a) && memcmp(all[i].ip, a->ip + 12, 4) == 0) {
            return true;
        }
    }
    return false;
}

/* How well i fits: 0 not at all; its peer's being the sender counts most, then
 * its own address, then its family. own: `to` is this machine. */
static int score(struct inet_socket *i, int protocol,
                 const struct inet_addr *to, const struct inet_addr *from,
                 bool own)
{
    int points = 1;

    if (i->s.protocol != protocol || i->local.port != to->port) {
        return 0;
    }
    if (inet_addr_is_any(&i->local)) {
        if (!own) {
            return 0;
        }
        if (inet_addr_is_v4(to) ? i->s.family == AF_INET6 && i->v6only
                                : i->s.family == AF_INET) {
            return 0;
        }
    } else if (memcmp(i->local.ip, to->ip, sizeof(to->ip)) == 0) {
        points += 2;
    } else {
        return 0;
    }
    if (inet_addr_is_v4(to) && i->s.family == AF_INET) {
        points++;
    }
    if (protocol != IPPROTO_TCP && i->peer.port) {
        if (!inet_addr_equal(&i->peer, from)) {
            return 0;
        }
        points += 4;
    }
    return points;
}

/* Who of several equals, as SO_REUSEPORT has them: always the same for one
 * sender; each in turn for those who have no port yet. */
static unsigned choose(const struct inet_socket *first,
                       const struct inet_addr *to, const struct inet_addr *from,
                       unsigned count)
{
    uint64_t key = 0, part;

    if (!(atomic_load_relaxed(&first->s.flags) & SOCKET_REUSEPORT)) {
        return count - 1; /* SO_REUSEADDR: who came last */
    }

    if (!from->port) {
        return turn++ % count;
    }
    for (int k = 0; k < 16; k += 8) {
        memcpy(&part, from->ip + k, sizeof(part));
        key = (key ^ part) * 0x9e3779b97f4a7c15ull;
        memcpy(&part, to->ip + k, sizeof(part));
        key = (key ^ key >> 32 ^ part) * 0x9e3779b97f4a7c15ull;
    }
    key ^= (uint64_t)from->port << 16 | to->port;
    key = (key ^ key >> 32) * 0x9e3779b97f4a7c15ull;
    return (uint32_t)(key >> 32) % count;
}

struct inet_socket *loop_find(int protocol, const struct inet_addr *to,
                              const struct inet_addr *from)
{
    struct inet_socket *best = NULL;
    unsigned equals = 0, skip;
    int most = 0;
    bool own;

    if (list_empty_or_new(to->port)) {
        return NULL;
    }
    own = inet_addr_is_loopback(to) || is_own(to);
    spin_lock(&names_lock);
    list_for_each (pos, bucket_of(to->port)) {
        struct inet_socket *i = list_entry(pos, struct loop, node)->i;
        int points = score(i, protocol, to, from, own);

        if (points > most) {
            best = i;
            most = points;
            equals = 1;
        } else if (points && points == most) {
            equals++;
        }
    }
    skip = equals > 1 ? choose(best, to, from, equals) : 0;
    list_for_each (pos, bucket_of(to->port)) {
        struct inet_socket *i = list_entry(pos, struct loop, node)->i;

        if (equals < 2 || score(i, protocol, to, from, own) != most) {
            continue;
        }
        best = i;
        if (!skip--) {
            break;
        }
    }
    if (best) {
        socket_ref(&best->s);
    }
    spin_unlock(&names_lock);
    return best;
}

static void set_loopback(struct inet_addr *a, bool v4)
{
    static const uint8_t ip4[16] = {[10] = 0xff, 0xff, 127, 0, 0, 1};
    static const uint8_t ip6[16] = {[15] = 1};

    memcpy(a->ip, v4 ? ip4 : ip6, sizeof(a->ip));
}

void loop_route(const struct inet_socket *i, const struct inet_addr *to,
                struct inet_addr *dest, struct inet_addr *source)
{
    bool v4 = inet_addr_is_v4(to);

    *dest = *to;
    *source = i->local;
    if (inet_addr_is_any(to)) {
        set_loopback(dest, v4);
    }
    if (inet_addr_is_any(source) || inet_addr_is_v4(source) != v4) {
        if (inet_addr_is_loopback(dest)) {
            set_loopback(source, v4);
        } else {
            memcpy(source->ip, dest->ip, sizeof(source->ip));
        }
    }
}
