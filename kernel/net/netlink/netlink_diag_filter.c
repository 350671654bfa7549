/* SPDX-License-Identifier: MIT
 *
 * Filters of sock_diag(7) (INET_DIAG_REQ_BYTECODE): a program of tests, each
 * with how far it is to the next one if it holds and if it does not. What comes
 * to its end exactly is meant; a jump past that says no.
 *
 * A program was checked before it runs: every jump goes forward to a test that
 * is whole, or to the end, or just past it.
 */
#include "kernel/net/netlink/netlink_diag.h"
#include "lib/string.h"
#include "abi/linux/diag.h"
#include "abi/linux/errno.h"
#include "abi/linux/socket.h"

enum { PORT_TEST = 8, HOST_TEST = 12, V4_AT = 12, V4_BYTES = 4 };

/* struct inet_diag_bc_op; a port's number is in `no` of the one behind it. */
struct op {
    uint8_t code, yes;
    uint16_t no;
};

/* struct inet_diag_hostcond; the address follows. port -1: any. */
struct host {
    uint8_t family, prefix;
    int32_t port;
};

static struct op op_at(const uint8_t *at)
{
    struct op o;

    memcpy(&o, at, sizeof(o));
    return o;
}

/* Bytes of the test at `at`, of which there are `left`. 0: it is none. */
static size_t size_of(const uint8_t *at, size_t left)
{
    struct host h;
    size_t bytes;

    switch (op_at(at).code) {
    case DIAG_NOP:
    case DIAG_JMP:
    case DIAG_AUTO:
        return sizeof(struct op);
    case DIAG_S_EQ:
    case DIAG_S_GE:
    case DIAG_S_LE:
    case DIAG_D_EQ:
    case DIAG_D_GE:
    case DIAG_D_LE:
    case DIAG_DEV_COND:
        return left < PORT_TEST ? 0 : PORT_TEST;
    case DIAG_MARK_COND:
        return left < HOST_TEST ? 0 : HOST_TEST;
    case DIAG_S_COND:
    case DIAG_D_COND:
        break;
    default:
        return 0;
    }
    if (left < HOST_TEST) {
        return 0;
    }
    memcpy(&h, at + sizeof(struct op), sizeof(h));
    bytes = h.family == AF_INET ? 4 : h.family == AF_INET6 ? 16 : 0;
    if ((!bytes && h.family != AF_UNSPEC) || h.prefix > 8 * bytes ||
        left < HOST_TEST + bytes) {
        return 0;
    }
    return HOST_TEST + bytes;
}

/* A test begins there, by the way of those that hold; or the end is there. */
static bool begins(const uint8_t *code, size_t len, size_t where)
{
    size_t at = 0;

    while (at < where && at < len) {
        at += op_at(code + at).yes;
    }
    return at == where;
}

static bool is_jump(size_t distance, size_t least, size_t left)
{
    return distance >= least && distance <= left + sizeof(struct op) &&
           distance % sizeof(struct op) == 0;
}

int diag_filter_check(const uint8_t *code, size_t len)
{
    size_t at = 0;

    while (at < len) {
        size_t left = len - at, size;
        struct op o;

        if (left < sizeof(o)) {
            return -EINVAL;
        }
        o = op_at(code + at);
        size = size_of(code + at, left);
        if (!size || !is_jump(o.yes, size, left)) {
            return -EINVAL;
        }
        if (o.code != DIAG_NOP && !is_jump(o.no, size, left)) {
            return -EINVAL;
        }
        at += o.yes;
    }
    if (at != len) {
        return -EINVAL;
    }
    for (at = 0; at < len; at += op_at(code + at).yes) {
        struct op o = op_at(code + at);

        if (o.code != DIAG_NOP && o.no < len - at &&
            !begins(code, len, at + o.no)) {
            return -EINVAL;
        }
    }
    return 0;
}

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned bytes = bits / 8, rest = bits % 8;

    return !memcmp(a, b, bytes) &&
           (!rest || (a[bytes] ^ b[bytes]) >> (8 - rest) == 0);
}

/* The address and port at `at`, for one end of a socket. */
static bool holds_host(const uint8_t *at, int family, const uint8_t *address,
                       uint16_t port)
{
    static const uint8_t mapped[V4_AT] = {[10] = 0xff, [11] = 0xff};
    const uint8_t *wanted = at + HOST_TEST;
    struct host h;

    memcpy(&h, at + sizeof(struct op), sizeof(h));
    if (h.port != -1 && h.port != port) {
        return false;
    }
    if (!h.prefix) {
        return h.family == AF_UNSPEC || h.family == family ||
               (h.family == AF_INET && !memcmp(address, mapped, V4_AT));
    }
    if (h.family == family) {
        return same_bits(address, wanted, h.prefix);
    }
    return h.family == AF_INET && !memcmp(address, mapped, V4_AT) &&
           same_bits(address + V4_AT, wanted, h.prefix);
}

static bool holds(const uint8_t *at, const struct abi_inet_diag_msg *m,
                  const struct diag_facts *f)
{
    uint16_t sport = __builtin_bswap16(m->id.sport);
    uint16_t dport = __builtin_bswap16(m->id.dport);
    struct op o = op_at(at);
    uint16_t number = 0;
    uint32_t words[2] = {0};

    if (o.code != DIAG_NOP && o.code != DIAG_JMP && o.code != DIAG_AUTO) {
        number = op_at(at + sizeof(o)).no;
        memcpy(&words[0], at + sizeof(o), sizeof(words[0]));
    }
    if (o.code == DIAG_MARK_COND) {
        memcpy(&words[1], at + PORT_TEST, sizeof(words[1]));
    }
    switch (o.code) {
    case DIAG_JMP:
        return false;
    case DIAG_S_EQ:
        return sport == number;
    case DIAG_S_GE:
        return sport >= number;
    case DIAG_S_LE:
        return sport <= number;
    case DIAG_D_EQ:
        return dport == number;
    case DIAG_D_GE:
        return dport >= number;
    case DIAG_D_LE:
        return dport <= number;
    case DIAG_AUTO:
        return !f->bound_port;
    case DIAG_S_COND:
        return holds_host(at, m->family, (const uint8_t *)m->id.src, sport);
    case DIAG_D_COND:
        return holds_host(at, m->family, (const uint8_t *)m->id.dst, dport);
    case DIAG_DEV_COND:
        return words[0] == m->id.interface;
    case DIAG_MARK_COND:
        return (f->mark & words[1]) == words[0];
    default: /* DIAG_NOP */
        return true;
    }
}

bool diag_filter_takes(const uint8_t *code, size_t len,
                       const struct abi_inet_diag_msg *m,
                       const struct diag_facts *f)
{
    size_t at = 0;

    while (at < len) {
        struct op o = op_at(code + at);

        at += holds(code + at, m, f) ? o.yes : o.no;
    }
    return at == len;
}
