/* SPDX-License-Identifier: MIT
 *
 * What a bundle's policy says of the host's network (host_private.h). Without
 * a policy everything is allowed. What stays inside is no matter of it: any
 * port may be bound and listened on, but outside clients come only to those of
 * the policy. Datagrams that come are let in when their sender may be reached,
 * or the port is one to listen on.
 */
#include "kernel/net/host/host_private.h"
#include "kernel/policy.h"
#include "abi/linux/errno.h"

enum { PROTOCOL_TCP = 6, PROTOCOL_UDP = 17, V4_AT = 12 };

static const struct policy *policy; /* set once, at boot */

void host_set_policy(const struct policy *p)
{
    policy = p;
}

static bool allows(const struct inet_socket *i, bool listen,
                   const struct inet_addr *a)
{
    bool v4 = inet_addr_is_v4(a);

    return policy_allows(policy, listen,
                         i->s.type == SOCK_DGRAM ? PROTOCOL_UDP : PROTOCOL_TCP,
                         v4 ? 4 : 6, v4 ? a->ip + V4_AT : a->ip, a->port);
}

bool host_may_listen(const struct inet_socket *i)
{
    return allows(i, true, &i->local);
}

int host_may_reach(const struct inet_socket *i, const struct inet_addr *to)
{
    return allows(i, false, to) ? 0 : -EPERM;
}

bool host_may_receive(const struct inet_socket *i, const struct inet_addr *from)
{
    return allows(i, true, &i->local) || allows(i, false, from);
}
