/* SPDX-License-Identifier: MIT
 *
 * SO_ZEROCOPY and MSG_ZEROCOPY: a program lends its memory to a send, and is
 * told in the error queue when it may write there again. Nothing here is sent
 * from its memory once the call has returned, so it is told at once, and that
 * the bytes were copied, as Linux does for what stays on lo.
 *
 * What was not told yet is one range of numbers: Linux joins what follows one
 * another, too.
 */
#include "kernel/net/socket.h"
#include "abi/linux/epoll.h"
#include "abi/linux/errno.h"
#include "abi/linux/inet.h"

void socket_zerocopy_sent(struct socket *s)
{
    if (!(atomic_load_relaxed(&s->flags) & SOCKET_ZEROCOPY)) {
        return;
    }
    spin_lock(&s->lock);
    s->zerocopy_sent++;
    spin_unlock(&s->lock);
    socket_wake_read(s, POLLERR);
}

long socket_zerocopy_recv(struct socket *s, struct socket_msg *msg)
{
    struct {
        struct abi_extended_err e;
        struct abi_sockaddr offender; /* nobody */
    } m = {.e = {.origin = SO_EE_ORIGIN_ZEROCOPY,
                 .code = SO_EE_CODE_ZEROCOPY_COPIED}};
    bool v6 = s->family == AF_INET6, any;
    size_t offender =
        v6 ? sizeof(struct abi_sockaddr_in6) : sizeof(struct abi_sockaddr_in);

    spin_lock(&s->lock);
    any = socket_zerocopy_tells(s);
    m.e.info = s->zerocopy_told;
    m.e.data = s->zerocopy_sent - 1;
    s->zerocopy_told = s->zerocopy_sent;
    spin_unlock(&s->lock);
    if (!any) {
        return -EAGAIN;
    }
    msg->name_len = 0;
    msg->result |= MSG_ERRQUEUE;
    socket_put_control(msg, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
                       v6 ? IPV6_RECVERR : IP_RECVERR, &m,
                       sizeof(m.e) + offender);
    return 0;
}
