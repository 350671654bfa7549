/* SPDX-License-Identifier: MIT
 *
 * SO_ATTACH_FILTER and its kin (socket(7)): which packets come and how much of
 * them, what a filter can read, what its checker refuses, and the errors.
 */
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/tcp.h>
#include "tests/guest/inet.h"

#ifndef SO_LOCK_FILTER
#define SO_LOCK_FILTER 44
#endif

#define INSN(code, jt, jf, k)                                                  \
    {                                                                          \
        (code), (jt), (jf), (unsigned)(k)                                      \
    }
#define RET(k)        INSN(BPF_RET | BPF_K, 0, 0, k)
#define RET_A         INSN(BPF_RET | BPF_A, 0, 0, 0)
#define LOAD(size, k) INSN(BPF_LD | (size) | BPF_ABS, 0, 0, k)
#define ATTACH(s, ...)                                                         \
    attach(s, #__VA_ARGS__, (struct sock_filter[]){__VA_ARGS__},               \
           COUNT(((struct sock_filter[]){__VA_ARGS__})))

static char buf[2000];

static void attach(int s, const char *text, struct sock_filter *insns, int len)
{
    struct sock_fprog p = {(unsigned short)len, insns};

    show(text, (errno = 0,
                setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof(p))));
}

static void detach(int s)
{
    SHOW(setsockopt(s, SOL_SOCKET, SO_DETACH_FILTER, &s, sizeof(s)));
}

/* What comes of what is sent, which takes a moment natively; the last always
 * comes. */
static void sends(int from, int to)
{
    static const char *texts[] = {"abcd", "a", "xyz", "", "the end"};

    for (unsigned i = 0; i < COUNT(texts) - 1; i++) {
        CALL(sendto, from, texts[i], strlen(texts[i]), 0, NULL, 0L);
    }
    detach(to);
    CALL(sendto, from, texts[4], 7L, 0, NULL, 0L);
    do {
        ssize_t n = recv(to, buf, sizeof(buf), 0);

        printf("[%.*s]\n", (int)n, buf);
    } while (buf[0] != 't');
}

static void dgram(const char *what, int from, int to)
{
    title(what);
    ATTACH(to, RET(0));
    sends(from, to);
    ATTACH(to, RET(-1));
    sends(from, to);
    ATTACH(to, RET(2));
    sends(from, to);
    ATTACH(to, RET(10));
    sends(from, to);
    ATTACH(to, INSN(BPF_LD | BPF_W | BPF_LEN, 0, 0, 0), RET_A);
    sends(from, to);
    ATTACH(to, LOAD(BPF_B, 8), INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 'a'),
           RET(-1), RET(0));
    sends(from, to);
    ATTACH(to, LOAD(BPF_B, 0), INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 'a'),
           RET(-1), RET(0));
    sends(from, to);
    ATTACH(to, INSN(BPF_LDX | BPF_W | BPF_IMM, 0, 0, 3),
           INSN(BPF_LD | BPF_B | BPF_IND, 0, 0, 0), RET(-1));
    sends(from, to);
    ATTACH(to, LOAD(BPF_H, SKF_AD_OFF + SKF_AD_PROTOCOL), RET_A);
    sends(from, to);
    ATTACH(to, LOAD(BPF_W, SKF_AD_OFF + SKF_AD_IFINDEX), RET(-1));
    sends(from, to);
    ATTACH(to, LOAD(BPF_W, SKF_AD_OFF + SKF_AD_PKTTYPE),
           INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0), RET(-1), RET(0));
    sends(from, to);
    ATTACH(to, INSN(BPF_LD | BPF_IMM, 0, 0, 17),
           INSN(BPF_LDX | BPF_IMM, 0, 0, 5),
           INSN(BPF_ALU | BPF_MOD | BPF_X, 0, 0, 0),
           INSN(BPF_ALU | BPF_ADD | BPF_K, 0, 0, 7), RET_A);
    sends(from, to);
    ATTACH(to, INSN(BPF_LDX | BPF_IMM, 0, 0, 0),
           INSN(BPF_ALU | BPF_DIV | BPF_X, 0, 0, 0), RET(-1));
    sends(from, to);
}

/* Headers of IP and UDP. */
static void headers(const char *ip)
{
    union name n;
    int to = bound(ip, SOCK_DGRAM, &n), from, v4 = n.any.sa_family == AF_INET;
    int port = ntohs(n.v4.sin_port), at = v4 ? 9 : 6;

    printf("-- headers %s\n", ip);
    from = socket(n.any.sa_family, SOCK_DGRAM, 0);
    connect(from, &n.any, len_of(&n));
    attach(to, "port and protocol",
           (struct sock_filter[]){
               LOAD(BPF_H, 2), INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 5, port),
               LOAD(BPF_B, SKF_NET_OFF + at),
               INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 3, IPPROTO_UDP),
               LOAD(BPF_H, 4), INSN(BPF_JMP | BPF_JGT | BPF_K, 0, 1, 9),
               RET(-1), RET(0)},
           8);
    sends(from, to);
    if (v4) {
        ATTACH(to, LOAD(BPF_W, SKF_NET_OFF + 12),
               INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 2, INADDR_LOOPBACK),
               INSN(BPF_LDX | BPF_B | BPF_MSH, 0, 0, SKF_NET_OFF),
               INSN(BPF_MISC | BPF_TXA, 0, 0, 0), RET_A);
        sends(from, to);
    }
    dgram(ip, from, to);
    close(from);
    close(to);
}

static void locals(int type, const char *what)
{
    int s[2];

    socketpair(AF_UNIX, type, 0, s);
    dgram(what, s[0], s[1]);
    close(s[0]);
    close(s[1]);
}

static void stream(int family)
{
    union name n;
    int l = bound("127.0.0.1", SOCK_STREAM, &n), s, c, p[2];

    title("streams");
    listen(l, 5);
    s = socket(family, SOCK_STREAM, 0);
    connect(s, &n.any, len_of(&n));
    c = accept(l, NULL, NULL);
    ATTACH(c, RET(-1));
    CALL(write, s, "abc", 3L);
    CALL(read, c, buf, 3L);
    ATTACH(c, LOAD(BPF_B, 12), INSN(BPF_ALU | BPF_AND | BPF_K, 0, 0, 0xf0),
           INSN(BPF_ALU | BPF_RSH | BPF_K, 0, 0, 2),
           INSN(BPF_MISC | BPF_TAX, 0, 0, 0),
           INSN(BPF_LD | BPF_W | BPF_LEN, 0, 0, 0),
           INSN(BPF_JMP | BPF_JGT | BPF_X, 0, 3, 0),
           INSN(BPF_LD | BPF_B | BPF_IND, 0, 0, 0),
           INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 'x'), RET(0), RET(-1));
    CALL(write, s, "def", 3L);
    CALL(read, c, buf, 3L);
    CALL(write, s, "xyz", 3L);
    CALL(write, s, "abc", 3L);
    bits("refused", c);
    detach(c);
    CALL(recvfrom, c, buf, 6L, MSG_WAITALL, NULL, NULL);
    printf("%.6s\n", buf);
    close(s);
    close(c);
    close(l);
    socketpair(AF_UNIX, SOCK_STREAM, 0, p);
    ATTACH(p[1], RET(0));
    CALL(write, p[0], "abc", 3L);
    CALL(read, p[1], buf, 3L);
    close(p[0]);
    close(p[1]);
}

static void answers(void)
{
    struct {
        struct nlmsghdr h;
        struct ifinfomsg m;
    } q = {{sizeof(q), RTM_GETLINK, NLM_F_REQUEST, 1, 0}, {.ifi_index = 1}};
    int s = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

    title("netlink");
    ATTACH(s, RET(0));
    CALL(sendto, s, &q, sizeof(q), 0, NULL, 0L);
    CALL(recvfrom, s, buf, sizeof(buf), MSG_DONTWAIT, NULL, NULL);
    ATTACH(s, RET(20));
    CALL(sendto, s, &q, sizeof(q), 0, NULL, 0L);
    CALL(recvfrom, s, buf, sizeof(buf), MSG_DONTWAIT, NULL, NULL);
    close(s);
}

static void refused(void)
{
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    struct sock_filter one[] = {RET(1)};
    struct sock_fprog p = {1, one};

    title("refused");
    detach(s);
    ATTACH(s, LOAD(BPF_W, 1), RET(1));
    ATTACH(s, LOAD(BPF_W, 1));
    ATTACH(s, INSN(BPF_JMP | BPF_JA, 0, 0, 1), RET(1));
    ATTACH(s, INSN(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1), RET(1));
    ATTACH(s, INSN(BPF_ALU | BPF_DIV | BPF_K, 0, 0, 0), RET(1));
    ATTACH(s, INSN(BPF_ALU | BPF_MOD | BPF_K, 0, 0, 0), RET(1));
    ATTACH(s, INSN(BPF_ALU | BPF_MOD | BPF_K, 0, 0, 2), RET(1));
    ATTACH(s, INSN(BPF_ALU | BPF_LSH | BPF_K, 0, 0, 32), RET(1));
    ATTACH(s, INSN(BPF_LD | BPF_MEM, 0, 0, 1), RET(1));
    ATTACH(s, INSN(BPF_ST, 0, 0, 16), RET(1));
    ATTACH(s, INSN(BPF_ST, 0, 0, 1), INSN(BPF_LD | BPF_MEM, 0, 0, 1), RET(1));
    ATTACH(s, INSN(BPF_LDX | BPF_H | BPF_MSH, 0, 0, 1), RET(1));
    ATTACH(s, LOAD(BPF_W, SKF_AD_OFF + SKF_AD_RANDOM), RET(1));
    ATTACH(s, LOAD(BPF_W, SKF_AD_OFF + 2), RET(1));
    ATTACH(s, LOAD(BPF_W, SKF_AD_OFF + SKF_AD_MAX), RET(1));
    ATTACH(s, LOAD(BPF_W, SKF_NET_OFF), RET(1));
    ATTACH(s, INSN(0xff, 0, 0, 1), RET(1));
    ATTACH(s, INSN(0x1000, 0, 0, 1), RET(1));
    ATTACH(s, INSN(BPF_RET | BPF_X, 0, 0, 1));
    SHOW(setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof(p) - 1));
    SHOW(setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof(p) + 1));
    SHOW(setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &p, 0));
    p.len = 0;
    SHOW(setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof(p)));
    p.len = 4097;
    SHOW(setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof(p)));
    p.len = 1;
    p.filter = NULL;
    SHOW(setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof(p)));
    p.filter = BAD;
    SHOW(setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof(p)));
    close(s);
}

static void got(int s, socklen_t len)
{
    struct sock_filter out[4] = {{0}};

    SHOW(getsockopt(s, SOL_SOCKET, SO_GET_FILTER, out, &len));
    printf("%u: %x %x %x\n", len, out[0].code, out[1].code, out[2].code);
}

static void asked(void)
{
    int s = socket(AF_INET, SOCK_DGRAM, 0), one = 1, zero = 0;
    socklen_t len = 4;

    title("asked");
    got(s, 4);
    ATTACH(s, LOAD(BPF_W, 1), RET(1));
    got(s, 0);
    got(s, 1);
    got(s, 2);
    got(s, 3);
    SHOW(getsockopt(s, SOL_SOCKET, SO_GET_FILTER, BAD, &len));
    title("locked");
    SHOW(setsockopt(s, SOL_SOCKET, SO_LOCK_FILTER, &one, sizeof(one)));
    SHOW(setsockopt(s, SOL_SOCKET, SO_LOCK_FILTER, &zero, sizeof(zero)));
    SHOW(setsockopt(s, SOL_SOCKET, SO_LOCK_FILTER, &one, sizeof(one)));
    ATTACH(s, RET(1));
    ATTACH(s, LOAD(BPF_W, 1));
    detach(s);
    got(s, 4);
    close(s);
}

int main(void)
{
    show_start();
    refused();
    asked();
    locals(SOCK_DGRAM, "unix datagrams");
    locals(SOCK_SEQPACKET, "unix records");
    headers("127.0.0.1");
    headers("::1");
    stream(AF_INET);
    answers();
    return 0;
}
