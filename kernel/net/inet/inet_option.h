/* SPDX-License-Identifier: MIT
 *
 * The options that inet_option.c knows, with the values that each takes.
 */
#ifndef KERNEL_NET_INET_OPTION_H
#define KERNEL_NET_INET_OPTION_H

#include "lib/types.h"

enum {
    SWITCH = 1,        /* on or off */
    AT_ONCE = 2,       /* done by the host now, and not kept */
    BYTES = 4,         /* no number */
    GET_ONLY = 8,      /* the host is asked */
    DATAGRAM = 16,     /* streams refuse it */
    NO_BYTE = 32,      /* an int, no less */
    NOT_EMPTY = 64,    /* a byte at least */
    LOCAL = 128,       /* the host need not know; 0 until it is set */
    ZERO_RESETS = 256, /* 0: again what it was at the start */
    ASK = 512,         /* the host says whether it may be so */
    CLOSED = 1024,     /* not of a connection */
};

struct inet_option_row {
    int16_t level, name, flags;
    int32_t least, most;
    uint32_t wants; /* of family_socket */
};

/* NULL: there is none of that name. */
const struct inet_option_row *inet_option_row(int level, int name);

/* What is refused whatever the value, and read as 0 or not at all: the errno of
 * either, negative. least: fewer bytes are refused with EINVAL. */
struct inet_refusal {
    int16_t level, name;
    int32_t set, get;
    uint32_t least;
};
enum { READS_ZERO = 0, READS_EMPTY = 1 }; /* get, else */
const struct inet_refusal *inet_refusal(int level, int name);

/* What becomes of a number that is allowed. */
int32_t inet_option_settle(const struct inet_option_row *row, bool stream,
                           int32_t number);

#endif
