/* SPDX-License-Identifier: MIT
 *
 * The families that there are: one row each. A family whose file is missing
 * loses its row here and nothing else. Packets of interfaces (packet(7)) are
 * for who has CAP_NET_RAW, which is of no use here.
 */
#include "kernel/net/socket.h"
#include "abi/linux/errno.h"

static const struct socket_family *const families[] = {
    &unix_family,
    &inet_family,
    &inet6_family,
    &netlink_family,
};

static int check_type(int type)
{
    return type < 0 || type > SOCK_PACKET ? -EINVAL : 0;
}

static int no_such(int family, int err)
{
    if (family < 0 || family >= AF_MAX) {
        return -EAFNOSUPPORT;
    }
    return err ? err : family == AF_PACKET ? -EPERM : -EAFNOSUPPORT;
}

static const struct socket_family *find(int family)
{
    for (unsigned i = 0; i < ARRAY_SIZE(families); i++) {
        if (families[i]->family == family) {
            return families[i];
        }
    }
    return NULL;
}

int socket_create(int family, int type, int protocol, struct socket **out)
{
    const struct socket_family *f = find(family);
    int err = check_type(type);

    if (!f) {
        return no_such(family, err);
    }
    if (family == AF_INET && type == SOCK_PACKET) { /* an old way to say it */
        return -EPERM;
    }
    return err ? err : f->create(family, type, protocol, out);
}

int socket_pair(int family, int type, int protocol, struct socket *out[2])
{
    const struct socket_family *f = find(family);
    int err = check_type(type);

    if (!f) {
        return no_such(family, err);
    }
    if (err) {
        return err;
    }
    if (!f->pair) { /* the type and protocol are looked at first */
        err = f->create(family, type, protocol, &out[0]);
        if (err) {
            return err;
        }
        if (out[0]->ops->release) {
            out[0]->ops->release(out[0]);
        }
        socket_unref(out[0]);
        return -EOPNOTSUPP;
    }
    return f->pair(type, protocol, out);
}
