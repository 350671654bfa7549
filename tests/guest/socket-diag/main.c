/* SPDX-License-Identifier: MIT
 *
 * What is told of sockets and interfaces: sock_diag(7) for AF_INET, AF_INET6
 * and AF_UNIX, the route to one address, the counts of /proc/net/snmp, the
 * files of an interface in sysfs(5); and looking while connections end.
 */
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <pthread.h>
#include <sys/mount.h>
#include <sys/un.h>
#include "tests/guest/inet.h"

enum { ALL_STATES = 0xfff };

static char buf[65536];

/* Sends a request and calls fn for each message of the answer. */
static void ask(int s, void *request, size_t len, void (*fn)(struct nlmsghdr *))
{
    struct nlmsghdr *q = request, *h;
    int n, more = 1;

    q->nlmsg_len = (unsigned)len;
    send(s, request, len, 0);
    while (more && (n = (int)recv(s, buf, sizeof(buf), 0)) > 0) {
        for (h = (void *)buf; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
            more = h->nlmsg_flags & NLM_F_MULTI && h->nlmsg_type != NLMSG_DONE;
            if (h->nlmsg_type == NLMSG_ERROR) {
                struct nlmsgerr *e = NLMSG_DATA(h);

                printf("error %s\n", strerrorname_np(-e->error));
            } else if (h->nlmsg_type != NLMSG_DONE) {
                fn(h);
            }
        }
    }
}

/* ---- AF_INET ---- */

static int ports[8], port_count;

static const char *port_name(int port)
{
    static char names[4][8];
    static int turn;

    for (int i = 0; i < port_count; i++) {
        if (ports[i] == port) {
            sprintf(names[turn % 4], "P%d", i);
            return names[turn++ % 4];
        }
    }
    return port ? "?" : "0";
}

static int learn(int s)
{
    union name n;
    socklen_t len = sizeof(n);

    getsockname(s, &n.any, &len);
    ports[port_count++] = ntohs(n.v4.sin_port);
    return s;
}

static char lines[16][200];
static int line_count;

static int order(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void show_inet(struct nlmsghdr *h)
{
    struct inet_diag_msg *m = NLMSG_DATA(h);
    struct rtattr *a = (void *)(m + 1);
    int len = (int)(h->nlmsg_len - NLMSG_LENGTH(sizeof(*m))), shut = -1;
    const char *from = port_name(ntohs(m->id.idiag_sport));
    const char *to = port_name(ntohs(m->id.idiag_dport));

    /* Others on the machine may have a port of the same number. */
    if (from[0] != 'P' || to[0] == '?' || m->idiag_state == 6 ||
        line_count == COUNT(lines)) {
        return;
    }
    for (; RTA_OK(a, len); a = RTA_NEXT(a, len)) {
        if (a->rta_type == INET_DIAG_SHUTDOWN) {
            shut = *(unsigned char *)RTA_DATA(a);
        }
    }
    sprintf(lines[line_count++],
            "family %d state %d %x:%s %x:%s rx %u tx %u uid %u inode %d "
            "cookie %d shut %d",
            m->idiag_family, m->idiag_state, ntohl(m->id.idiag_src[0]), from,
            ntohl(m->id.idiag_dst[0]), to, m->idiag_rqueue, m->idiag_wqueue,
            m->idiag_uid, m->idiag_inode != 0, m->id.idiag_cookie[0] != 0,
            shut);
}

static void inet(int nl, int family, int protocol, unsigned states)
{
    struct {
        struct nlmsghdr h;
        struct inet_diag_req_v2 q;
    } q = {{0, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 1, 0},
           {.sdiag_family = (unsigned char)family,
            .sdiag_protocol = (unsigned char)protocol,
            .idiag_states = states}};

    printf("-- family %d protocol %d states %x\n", family, protocol, states);
    line_count = 0;
    ask(nl, &q, sizeof(q), show_inet);
    qsort(lines, (size_t)line_count, sizeof(lines[0]), order);
    for (int i = 0; i < line_count; i++) {
        printf("%s\n", lines[i]);
    }
}

/* ---- filters ---- */

#define OP(code, yes, no)                                                      \
    {                                                                          \
        code, yes, (unsigned short)(no)                                        \
    }

static void filtered(int nl, const char *what, const void *code, size_t len)
{
    struct {
        struct nlmsghdr h;
        struct inet_diag_req_v2 q;
        struct nlattr a;
        char code[128];
    } q = {{0, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 1, 0},
           {.sdiag_family = AF_INET,
            .sdiag_protocol = IPPROTO_TCP,
            .idiag_states = ALL_STATES},
           {(unsigned short)(sizeof(q.a) + len), INET_DIAG_REQ_BYTECODE},
           {0}};

    memcpy(q.code, code, len);
    printf("-- filter %s\n", what);
    line_count = 0;
    ask(nl, &q, offsetof(typeof(q), code) + len, show_inet);
    qsort(lines, (size_t)line_count, sizeof(lines[0]), order);
    for (int i = 0; i < line_count; i++) {
        printf("%s\n", lines[i]);
    }
}

static void filters(int nl)
{
    struct inet_diag_bc_op is[] = {OP(INET_DIAG_BC_S_EQ, 8, 12),
                                   OP(0, 0, ports[0])};
    struct inet_diag_bc_op either[] = {
        OP(INET_DIAG_BC_S_EQ, 8, 12), OP(0, 0, ports[1]),
        OP(INET_DIAG_BC_JMP, 4, 12), OP(INET_DIAG_BC_D_EQ, 8, 12),
        OP(0, 0, ports[1])};
    struct inet_diag_bc_op between[] = {
        OP(INET_DIAG_BC_S_GE, 8, 20), OP(0, 0, ports[1]),
        OP(INET_DIAG_BC_S_LE, 8, 12), OP(0, 0, ports[1])};
    struct inet_diag_bc_op own[] = {
        OP(INET_DIAG_BC_NOP, 4, 0),   OP(INET_DIAG_BC_AUTO, 4, 20),
        OP(INET_DIAG_BC_D_GE, 8, 20), OP(0, 0, ports[0]),
        OP(INET_DIAG_BC_D_LE, 8, 12), OP(0, 0, ports[0])};
    struct {
        struct inet_diag_bc_op op;
        struct inet_diag_hostcond c;
        unsigned char address[4];
    } host = {OP(INET_DIAG_BC_D_COND, 16, 20),
              {.family = AF_INET, .prefix_len = 31, .port = ports[0]},
              {127, 0, 0, 0}};

    filtered(nl, "port", is, sizeof(is));
    filtered(nl, "either", either, sizeof(either));
    filtered(nl, "between", between, sizeof(between));
    filtered(nl, "own", own, sizeof(own));
    filtered(nl, "host", &host, sizeof(host));
    host.address[0] = 128;
    filtered(nl, "another host", &host, sizeof(host));
    host.c.prefix_len = 33;
    filtered(nl, "bits", &host, sizeof(host));
    filtered(nl, "cut", is, 4);
    is[0].yes = 3;
    filtered(nl, "odd", is, sizeof(is));
    is[0].yes = 0;
    filtered(nl, "still", is, sizeof(is));
    is[0].yes = 16;
    filtered(nl, "far", is, sizeof(is));
    either[0].no = 16;
    filtered(nl, "within", either, sizeof(either));
    own[0].code = 99;
    filtered(nl, "unknown", own, sizeof(own));
}

static void all_inet(int nl)
{
    union name n, n6;
    int l = learn(bound("127.0.0.1", SOCK_STREAM, &n)), s, c;

    listen(l, 7);
    s = socket(AF_INET, SOCK_STREAM, 0);
    connect(s, &n.any, len_of(&n));
    learn(s);
    inet(nl, AF_INET, IPPROTO_TCP, 1 << 10);
    c = accept(l, NULL, NULL);
    write(s, "hello", 5);
    bits("readable", c);
    listen(learn(bound("::1", SOCK_STREAM, &n6)), 3);
    inet(nl, AF_INET6, IPPROTO_TCP, ALL_STATES);
    learn(bound("127.0.0.1", SOCK_DGRAM, &n));
    learn(bound("::1", SOCK_DGRAM, &n6));
    inet(nl, AF_INET, IPPROTO_TCP, ALL_STATES);
    inet(nl, AF_INET, IPPROTO_TCP, 1 << 1);
    filters(nl);
    inet(nl, AF_INET, IPPROTO_UDP, ALL_STATES);
    inet(nl, AF_INET6, IPPROTO_UDP, ALL_STATES);
    shutdown(s, SHUT_WR);
    bits("ended", c);
    while (read(c, buf, 100) > 0) {
    }
    inet(nl, AF_INET, IPPROTO_TCP, 1 << 8);
    close(s);
    close(c);
    close(l);
}

static void refused(int nl)
{
    struct {
        struct nlmsghdr h;
        struct inet_diag_req_v2 q;
    } q = {{0, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 1, 0},
           {.sdiag_family = AF_INET,
            .sdiag_protocol = IPPROTO_TCP,
            .id.idiag_sport = htons(1),
            .id.idiag_cookie = {~0u, ~0u}}};

    title("one");
    ask(nl, &q, sizeof(q), show_inet);
    title("too short");
    ask(nl, &q, sizeof(q.h) + 1, show_inet);
    q.q.sdiag_family = 40;
    ask(nl, &q, sizeof(q), show_inet);
    q.h.nlmsg_type = 99;
    ask(nl, &q, sizeof(q), show_inet);
}

/* ---- AF_UNIX ---- */

static unsigned inos[8];

static unsigned ino_of(int s)
{
    struct stat st;

    fstat(s, &st);
    return (unsigned)st.st_ino;
}

static int index_of(unsigned ino)
{
    for (int i = 0; i < (int)COUNT(inos); i++) {
        if (inos[i] && inos[i] == ino) {
            return i;
        }
    }
    return -1;
}

static void show_unix(struct nlmsghdr *h)
{
    struct unix_diag_msg *m = NLMSG_DATA(h);
    struct rtattr *a = (void *)(m + 1);
    int len = (int)(h->nlmsg_len - NLMSG_LENGTH(sizeof(*m)));
    char *out = lines[line_count];

    if (index_of(m->udiag_ino) < 0 || line_count == COUNT(lines)) {
        return;
    }
    line_count++;
    out += sprintf(out, "%d: type %d state %d", index_of(m->udiag_ino),
                   m->udiag_type, m->udiag_state);
    for (; RTA_OK(a, len); a = RTA_NEXT(a, len)) {
        unsigned *v = RTA_DATA(a);

        switch (a->rta_type) {
        case UNIX_DIAG_NAME:
            out += sprintf(out, " name [%.*s]", (int)RTA_PAYLOAD(a),
                           (char *)v + (*(char *)v == '\0'));
            break;
        case UNIX_DIAG_PEER:
            out += sprintf(out, " peer %d", index_of(v[0]));
            break;
        case UNIX_DIAG_RQLEN:
            out += sprintf(out, " queue %u", v[0]);
            break;
        case UNIX_DIAG_SHUTDOWN:
            out += sprintf(out, " shut %u", *(unsigned char *)v);
            break;
        }
    }
}

static void locals(int nl)
{
    struct {
        struct nlmsghdr h;
        struct unix_diag_req q;
    } q = {{0, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 1, 0},
           {.sdiag_family = AF_UNIX,
            .udiag_states = ALL_STATES,
            .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN,
            .udiag_cookie = {~0u, ~0u}}};
    struct sockaddr_un n = {AF_UNIX, "/tmp/diag"}, abs = {AF_UNIX, "\0diag"};
    int s[6], i;

    title("unix");
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    write(s[0], "abc", 3);
    s[2] = socket(AF_UNIX, SOCK_STREAM, 0);
    unlink(n.sun_path);
    bind(s[2], (void *)&n, sizeof(n));
    listen(s[2], 4);
    s[3] = socket(AF_UNIX, SOCK_STREAM, 0);
    connect(s[3], (void *)&n, sizeof(n));
    s[4] = socket(AF_UNIX, SOCK_DGRAM, 0);
    bind(s[4], (void *)&abs, 7);
    s[5] = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    shutdown(s[1], SHUT_WR);
    for (i = 0; i < 6; i++) {
        inos[i] = ino_of(s[i]);
    }
    line_count = 0;
    ask(nl, &q, sizeof(q), show_unix);
    qsort(lines, (size_t)line_count, sizeof(lines[0]), order);
    for (i = 0; i < line_count; i++) {
        printf("%s\n", lines[i]);
    }
    title("one");
    line_count = 0;
    q.h.nlmsg_flags = NLM_F_REQUEST;
    q.q.udiag_ino = inos[2];
    ask(nl, &q, sizeof(q), show_unix);
    printf("%s\n", lines[0]);
    q.q.udiag_ino = 0;
    ask(nl, &q, sizeof(q), show_unix);
    q.q.udiag_ino = ~0u;
    ask(nl, &q, sizeof(q), show_unix);
    for (i = 0; i < 6; i++) {
        close(s[i]);
    }
}

/* ---- routes ---- */

static void show_route(struct nlmsghdr *h)
{
    struct rtmsg *m = NLMSG_DATA(h);
    struct rtattr *a = RTM_RTA(m);
    int len = (int)RTM_PAYLOAD(h);

    printf("type %d family %d length %d kind %d flags %x\n", h->nlmsg_type,
           m->rtm_family, m->rtm_dst_len, m->rtm_type, m->rtm_flags);
    for (; RTA_OK(a, len); a = RTA_NEXT(a, len)) {
        if (a->rta_type == RTA_DST || a->rta_type == RTA_PREFSRC ||
            a->rta_type == RTA_OIF || a->rta_type == RTA_UID) {
            printf("%d: %x\n", a->rta_type, ntohl(*(unsigned *)RTA_DATA(a)));
        }
    }
}

static void routes(void)
{
    struct {
        struct nlmsghdr h;
        struct rtmsg m;
        struct rtattr a;
        unsigned to;
    } q = {{0, RTM_GETROUTE, NLM_F_REQUEST, 1, 0},
           {.rtm_family = AF_INET, .rtm_dst_len = 32},
           {8, RTA_DST},
           htonl(INADDR_LOOPBACK)};
    int nl = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

    title("routes");
    ask(nl, &q, sizeof(q), show_route);
    q.to = htonl(0x7f010203);
    setresuid(5, 6, 0);
    ask(nl, &q, sizeof(q), show_route);
    setresuid(0, 0, 0);
    close(nl);
}

/* ---- counts ---- */

static long count(const char *protocol, const char *name)
{
    FILE *f = fopen("/proc/net/snmp", "r");
    char names[4096], numbers[4096], *a, *b, *p, *q;
    long found = -1;

    while (found < 0 && f && fgets(names, sizeof(names), f) &&
           fgets(numbers, sizeof(numbers), f)) {
        if (strncmp(names, protocol, strlen(protocol))) {
            continue;
        }
        a = strtok_r(names, " \n", &p);
        b = strtok_r(numbers, " \n", &q);
        while (a && b && strcmp(a, name)) {
            a = strtok_r(NULL, " \n", &p);
            b = strtok_r(NULL, " \n", &q);
        }
        found = b ? atol(b) : -1;
    }
    if (f) {
        fclose(f);
    }
    return found;
}

/* Others on the machine count, too. */
static void counts(void)
{
    long before[5], i;
    static const char *names[] = {"ActiveOpens", "PassiveOpens", "CurrEstab",
                                  "OutDatagrams", "InDatagrams"};
    union name n;
    int l = bound("127.0.0.1", SOCK_STREAM, &n), s, c, u, v;

    title("counts");
    listen(l, 5);
    for (i = 0; i < 5; i++) {
        before[i] = count(i < 3 ? "Tcp:" : "Udp:", names[i]);
        EXPECT(before[i] >= 0);
    }
    s = socket(AF_INET, SOCK_STREAM, 0);
    connect(s, &n.any, len_of(&n));
    c = accept(l, NULL, NULL);
    u = bound("127.0.0.1", SOCK_DGRAM, &n);
    v = socket(AF_INET, SOCK_DGRAM, 0);
    sendto(v, "x", 1, 0, &n.any, len_of(&n));
    recv(u, buf, 1, 0);
    EXPECT(count("Tcp:", names[0]) > before[0]);
    EXPECT(count("Tcp:", names[1]) > before[1]);
    EXPECT(count("Tcp:", names[2]) >= 2);
    EXPECT(count("Udp:", names[3]) > before[3]);
    EXPECT(count("Udp:", names[4]) > before[4]);
    EXPECT(count("Ip:", "DefaultTTL") == 64);
    close(s);
    close(c);
    close(l);
    close(u);
    close(v);
}

static void interfaces(void)
{
    char path[100];
    static const char *names[] = {
        "address", "broadcast", "mtu",   "ifindex", "operstate",
        "type",    "carrier",   "flags", "uevent",  "nothing"};

    title("interfaces");
    mkdir("/tmp/sys", 0755);
    SHOW(mount("sysfs", "/tmp/sys", "sysfs", MS_RDONLY, NULL));
    for (unsigned i = 0; i < COUNT(names); i++) {
        sprintf(path, "/tmp/sys/class/net/lo/%s", names[i]);
        cat(path);
    }
    EXPECT(access("/tmp/sys/class/net/lo/statistics/rx_bytes", R_OK) == 0);
    EXPECT(access("/tmp/sys/class/net/none", R_OK) != 0);
    EXPECT(readlink("/tmp/sys/class/net/lo", path, sizeof(path)) ==
           (ssize_t)strlen("../../devices/virtual/net/lo"));
    SHOW(umount("/tmp/sys"));
}

static void settings(void)
{
    title("settings");
    cat("/proc/sys/net/ipv4/ip_local_port_range");
    cat("/proc/sys/net/ipv4/tcp_fin_timeout");
    cat("/proc/sys/net/ipv4/tcp_keepalive_time");
    cat("/proc/sys/net/unix/max_dgram_qlen");
    EXPECT(access("/proc/sys/net/ipv4/tcp_rmem", R_OK) == 0);
    EXPECT(access("/proc/sys/net/ipv6/conf/all/disable_ipv6", R_OK) == 0);
    EXPECT(access("/proc/net/netstat", R_OK) == 0);
    EXPECT(access("/proc/net/netlink", R_OK) == 0);
}

/* How requests end: what errors carry, and who is told that all went well. */
static void end_of(const char *what, int s, void *request, size_t len,
                   unsigned type, unsigned flags)
{
    struct nlmsghdr *q = request, *h;
    int n;

    *q = (struct nlmsghdr){.nlmsg_len = (unsigned)len,
                           .nlmsg_type = (unsigned short)type,
                           .nlmsg_flags = (unsigned short)flags};
    printf("%s: %zd\n", what, send(s, request, len, 0));
    while ((n = (int)recv(s, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
        for (h = (void *)buf; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
            if (h->nlmsg_type == NLMSG_ERROR) {
                struct nlmsgerr *e = NLMSG_DATA(h);

                printf("  error %d, %u bytes, %x\n", e->error, h->nlmsg_len,
                       h->nlmsg_flags);
            } else if (h->nlmsg_type == NLMSG_DONE) {
                printf("  done\n");
            }
        }
    }
}

static void ends(int nl)
{
    enum { REQUEST = NLM_F_REQUEST, ACK = NLM_F_REQUEST | NLM_F_ACK };
    struct {
        struct nlmsghdr h;
        union {
            struct ifinfomsg link;
            struct rtmsg route;
            struct inet_diag_req_v2 inet;
            struct unix_diag_req local;
        };
    } q = {.link = {.ifi_index = 1}};
    int s = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), one = 1;
    const size_t link = 32, inet = 72;

    title("ends");
    end_of("link", s, &q, link, RTM_GETLINK, REQUEST);
    end_of("link", s, &q, link, RTM_GETLINK, ACK);
    end_of("no request", s, &q, link, RTM_GETLINK, NLM_F_ACK);
    end_of("nothing", s, &q, 16, NLMSG_NOOP, ACK);
    end_of("links", s, &q, link, RTM_GETLINK, ACK | NLM_F_DUMP);
    end_of("too short", s, &q, 20, RTM_GETLINK, REQUEST);
    q.link.ifi_index = 999;
    end_of("no such link", s, &q, link, RTM_GETLINK, REQUEST);
    end_of("no such link", s, &q, link, RTM_GETLINK, ACK);
    end_of("unknown", s, &q, link, 200, REQUEST);
    setsockopt(s, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
    end_of("capped", s, &q, link, RTM_GETLINK, REQUEST);
    memset(&q, 0, sizeof(q));
    q.route.rtm_family = AF_INET;
    end_of("route", s, &q, 28, RTM_GETROUTE, ACK);
    q.inet.sdiag_family = AF_INET;
    q.inet.sdiag_protocol = IPPROTO_TCP;
    end_of("odd", nl, &q, 17, SOCK_DIAG_BY_FAMILY, REQUEST);
    end_of("no socket", nl, &q, inet, SOCK_DIAG_BY_FAMILY, REQUEST);
    end_of("none", nl, &q, inet, SOCK_DIAG_BY_FAMILY, ACK | NLM_F_DUMP);
    q.inet.sdiag_family = 45;
    end_of("no family", nl, &q, inet, SOCK_DIAG_BY_FAMILY, REQUEST);
    q.inet.sdiag_family = 46;
    end_of("no such family", nl, &q, inet, SOCK_DIAG_BY_FAMILY, REQUEST);
    close(s);
}

static int looks;

static void *look(void *unused)
{
    char text[4096];

    while (__atomic_load_n(&looks, __ATOMIC_ACQUIRE)) {
        int f = open("/proc/net/tcp", O_RDONLY);

        while (read(f, text, sizeof(text)) > 0) {
        }
        close(f);
    }
    return NULL;
}

/* Connections end while others look at all there are. */
static void passing(void)
{
    struct linger now = {1, 0};
    union name n;
    int l = bound("127.0.0.1", SOCK_STREAM, &n), done = 0;
    pthread_t t;

    title("passing");
    listen(l, 5);
    looks = 1;
    pthread_create(&t, NULL, look, NULL);
    for (int i = 0; i < 3000; i++) {
        int s = socket(AF_INET, SOCK_STREAM, 0), c;

        setsockopt(s, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
        connect(s, &n.any, len_of(&n));
        c = accept(l, NULL, NULL);
        done += c >= 0;
        close(s);
        close(c);
    }
    __atomic_store_n(&looks, 0, __ATOMIC_RELEASE);
    pthread_join(t, NULL);
    printf("%d\n", done);
    close(l);
}

int main(void)
{
    int nl;

    show_start();
    nl = socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
    all_inet(nl);
    refused(nl);
    locals(nl);
    routes();
    counts();
    interfaces();
    settings();
    ends(nl);
    passing();
    return 0;
}
