/* SPDX-License-Identifier: MIT
 *
 * Control messages of level SOL_SOCKET that a program sends with data of an
 * internet socket (socket(7)): checked as Linux checks them.
 */
#include "kernel/net/socket.h"
#include "lib/string.h"
#include "abi/linux/errno.h"

int socket_check_one(const struct abi_cmsghdr *h, const uint8_t *data)
{
    int32_t v = 0;
    bool is_number = h->len == sizeof(*h) + sizeof(v);

    if (is_number) {
        memcpy(&v, data, sizeof(v));
    }
    switch (h->type) {
    case SCM_RIGHTS:
    case SCM_CREDENTIALS:
        return 0;
    case SO_MARK:
        if (!socket_capable(CAP_NET_RAW_) && !socket_capable(CAP_NET_ADMIN_)) {
            return -EPERM;
        }
        return is_number ? 0 : -EINVAL;
    case SO_PRIORITY:
        if (is_number && (v < 0 || v > 6) && !socket_capable(CAP_NET_RAW_) &&
            !socket_capable(CAP_NET_ADMIN_)) {
            return -EPERM;
        }
        return is_number ? 0 : -EINVAL;
    case SO_TIMESTAMPING:
    case SO_TIMESTAMPING_NEW:
        return is_number && !(v & ~TIMESTAMPING_OF_SENDS) ? 0 : -EINVAL;
    default: /* SCM_TXTIME, too: SO_TXTIME cannot be set */
        return -EINVAL;
    }
}

int socket_check_control(const struct socket_msg *msg)
{
    struct abi_cmsghdr h;
    const uint8_t *data;
    size_t pos = 0;
    int err = 0;

    while (!err && socket_next_control(msg, &pos, &h, &data, &err)) {
        err = h.level == SOL_SOCKET ? socket_check_one(&h, data) : 0;
    }
    return err ? -EINVAL : 0;
}
