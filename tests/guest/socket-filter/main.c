/* SPDX-License-Identifier: MIT
 *
 * SO_ATTACH_FILTER and its kin (socket(7)): which packets come and how much of
 * them, what a filter can read, what its checker refuses, and the errors; and
 * threads that change things meanwhile.
 */
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/ioctl.h>
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
    ATTACH(to, LOAD(BPF_H, SKF_LL_OFF + 12),
           INSN(BPF_ALU | BPF_RSH | BPF_K, 0, 0, 8),
           INSN(BPF_ALU | BPF_ADD | BPF_K, 0, 0, 2), RET_A);
    sends(from, to);
    ATTACH(to, LOAD(BPF_B, SKF_LL_OFF + 14),
           INSN(BPF_ALU | BPF_RSH | BPF_K, 0, 0, 3),
           INSN(BPF_ALU | BPF_ADD | BPF_K, 0, 0, 2), RET_A);
    sends(from, to);
    ATTACH(to, LOAD(BPF_B, SKF_LL_OFF - 1), RET(-1));
    sends(from, to);
    ATTACH(to, LOAD(BPF_W, SKF_AD_OFF + SKF_AD_PAY_OFFSET),
           INSN(BPF_ALU | BPF_ADD | BPF_K, 0, 0, 2), RET_A);
    sends(from, to);
    dgram(ip, from, to);
    close(from);
    close(to);
}

static void locals(int type, const char *what)
{
    int s[2];

    socketpair(AF_UNIX, type, 0, s);
    dgram(what, s[0], s[1]);
    ATTACH(s[1], INSN(BPF_LD | BPF_IMM, 0, 0, 2),
           LOAD(BPF_W, SKF_AD_OFF + SKF_AD_IFINDEX), RET(0));
    sends(s[0], s[1]);
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
    ATTACH(c, LOAD(BPF_B, SKF_NET_OFF + 9),
           INSN(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, IPPROTO_TCP), RET(0),
           LOAD(BPF_W, SKF_NET_OFF + 16),
           INSN(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, INADDR_LOOPBACK), RET(0),
           RET(-1));
    CALL(write, s, "ghi", 3L);
    CALL(read, c, buf, 3L);
    ATTACH(c, RET(0));
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

/* A connection inside: who connected, and who is accepted. */
static void connected(int s[2])
{
    union name n;
    int l = bound("127.0.0.1", SOCK_STREAM, &n);

    listen(l, 5);
    s[0] = socket(AF_INET, SOCK_STREAM, 0);
    connect(s[0], &n.any, len_of(&n));
    s[1] = accept(l, NULL, NULL);
    close(l);
}

/* What a filter refuses is not shown by what comes later. */
static void stays_refused(void)
{
    int s[2], v = 0;

    title("stays refused");
    connected(s);
    ATTACH(s[1], RET(0));
    CALL(write, s[0], "abc", 3L);
    CALL(shutdown, s[0], SHUT_WR);
    bits("bytes and an end", s[1]);
    CALL(recvfrom, s[1], buf, 9L, MSG_DONTWAIT, NULL, NULL);
    detach(s[1]);
    CALL(recvfrom, s[1], buf, 9L, MSG_WAITALL, NULL, NULL);
    close(s[0]);
    close(s[1]);
    connected(s);
    ATTACH(s[1], RET(0));
    CALL(shutdown, s[0], SHUT_WR);
    bits("an end", s[1]);
    detach(s[1]);
    CALL(read, s[1], buf, 9L);
    close(s[0]);
    close(s[1]);
    connected(s);
    ATTACH(s[1], RET(0));
    CALL(write, s[0], "abc", 3L);
    close(s[0]);
    bits("closed", s[1]);
    close(s[1]);
    connected(s);
    CALL(sendto, s[0], "ab", 2L, MSG_MORE, NULL, 0L);
    CALL(sendto, s[0], "c", 1L, 0, NULL, 0L);
    CALL(recvfrom, s[1], buf, 3L, MSG_WAITALL, NULL, NULL);
    ATTACH(s[1], RET(0));
    CALL(write, s[0], "abc", 3L);
    usleep(250000); /* more than MSG_MORE waits */
    ioctl(s[1], FIONREAD, &v);
    printf("%d\n", v);
    close(s[0]);
    close(s[1]);
}

/* Its last byte refuses a segment. */
#define NOT_AT_END(byte)                                                       \
    INSN(BPF_LD | BPF_W | BPF_LEN, 0, 0, 0),                                   \
        INSN(BPF_ALU | BPF_SUB | BPF_K, 0, 0, 1),                              \
        INSN(BPF_MISC | BPF_TAX, 0, 0, 0),                                     \
        INSN(BPF_LD | BPF_B | BPF_IND, 0, 0, 0),                               \
        INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, byte), RET(0), RET(-1)

/* A long write comes to the filter piece by piece, to its end. */
static void long_write(void)
{
    static char text[120000];
    int s[2], v = 0;

    title("a long write");
    connected(s);
    memset(text, 'a', sizeof(text) / 2);
    memset(text + sizeof(text) / 2, 'x', sizeof(text) / 2);
    ATTACH(s[1], NOT_AT_END('x'));
    CALL(write, s[0], text, sizeof(text));
    usleep(20000);
    ioctl(s[1], FIONREAD, &v);
    EXPECT(v < (int)sizeof(text));
    close(s[0]);
    close(s[1]);
}

enum { PIECE = 20000 };

static char changing[PIECE];
static int goes_on = 1;

static void *change(void *unused)
{
    while (__atomic_load_n(&goes_on, __ATOMIC_RELAXED)) {
        __atomic_store_n(&changing[PIECE - 1], 'x', __ATOMIC_RELAXED);
        __atomic_store_n(&changing[PIECE - 1], 'y', __ATOMIC_RELAXED);
    }
    return NULL;
}

/* What comes is what the filter saw, whatever happens to the sender's buffer.
 */
static void changing_write(void)
{
    static char got[PIECE];
    struct sock_filter insns[] = {NOT_AT_END('x')};
    struct sock_fprog p = {COUNT(insns), insns};
    struct linger now = {1, 0};
    int s[2], bad = 0;
    pthread_t t;

    title("a write that changes");
    pthread_create(&t, NULL, change, NULL);
    for (int i = 0; i < 300; i++) {
        connected(s);
        setsockopt(s[0], SOL_SOCKET, SO_LINGER, &now, sizeof(now));
        setsockopt(s[1], SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof(p));
        write(s[0], changing, PIECE);
        bad += recv(s[1], got, PIECE, MSG_DONTWAIT) == PIECE &&
               got[PIECE - 1] == 'x';
        close(s[0]);
        close(s[1]);
    }
    __atomic_store_n(&goes_on, 0, __ATOMIC_RELAXED);
    pthread_join(t, NULL);
    printf("%d\n", bad);
}

enum { LONGEST = 4096 };

static int victim;
static pthread_barrier_t barrier;

static void *attach_often(void *unused)
{
    static struct sock_filter insns[LONGEST];
    struct sock_fprog p = {LONGEST, insns};

    for (int i = 0; i < LONGEST; i++) {
        insns[i] = (struct sock_filter)RET(-1);
    }
    for (int i = 0; i < 300; i++) {
        pthread_barrier_wait(&barrier);
        for (int k = 0; k < 5; k++, p.len--) {
            setsockopt(victim, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof(p));
        }
        pthread_barrier_wait(&barrier);
    }
    return NULL;
}

/* Once SO_LOCK_FILTER is set, a filter that was on its way does not come. */
static void locked_meanwhile(void)
{
    int one = 1, changed = 0;
    pthread_t t;

    title("locked meanwhile");
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&t, NULL, attach_often, NULL);
    for (int i = 0; i < 300; i++) {
        socklen_t before = 0, after = 0;

        victim = socket(AF_INET, SOCK_DGRAM, 0);
        pthread_barrier_wait(&barrier);
        while (!before) {
            getsockopt(victim, SOL_SOCKET, SO_GET_FILTER, NULL, &before);
        }
        setsockopt(victim, SOL_SOCKET, SO_LOCK_FILTER, &one, sizeof(one));
        before = 0;
        getsockopt(victim, SOL_SOCKET, SO_GET_FILTER, NULL, &before);
        pthread_barrier_wait(&barrier);
        getsockopt(victim, SOL_SOCKET, SO_GET_FILTER, NULL, &after);
        changed += before != after;
        close(victim);
    }
    pthread_join(t, NULL);
    printf("%d\n", changed);
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
    stays_refused();
    long_write();
    changing_write();
    locked_meanwhile();
    answers();
    return 0;
}
