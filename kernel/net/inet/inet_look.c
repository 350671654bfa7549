/* SPDX-License-Identifier: MIT
 *
 * What /proc/net and sock_diag(7) tell of a socket (inet_look_at): the state
 * that TCP would have, and what waits in it.
 */
#include "kernel/net/count.h"
#include "kernel/net/inet/inet_private.h"
#include "kernel/net/host/host.h"
#include "kernel/net/loop/loop.h"
#include "abi/linux/diag.h"

uint64_t net_counts[NET_COUNTS];

static void look_at_waiting(struct family_socket *f, struct inet_look *out)
{
    out->drops = f->dropped;
    if (f->i.s.type == SOCK_DGRAM) {
        out->state = f->i.peer.port ? TCP_STATE_ESTABLISHED : TCP_STATE_CLOSE;
        out->rx = f->bytes;
        out->shut = (uint8_t)(f->rx_shut | f->tx_shut << 1);
    } else {
        out->state = f->backlog ? TCP_STATE_LISTEN : TCP_STATE_CLOSE;
        out->rx = f->count;
        out->tx = f->backlog ? f->backlog - 1 : 0;
    }
}

void inet_look_at(struct inet_socket *i, struct inet_look *out)
{
    *out = (struct inet_look){.cookie = socket_cookie(&i->s)};
    spin_lock(&i->s.lock);
    if (i->s.file) {
        out->ino = i->s.file->inode->ino;
        out->uid = i->s.file->inode->uid;
    }
    spin_unlock(&i->s.lock);
    if (atomic_load_acquire(&i->s.ops) == &inet_ops) {
        look_at_waiting(family_of(i), out);
    } else if (loop_has(&i->s)) {
        loop_look_at(i, out);
    } else {
        host_look_at(i, out);
    }
}

static void find_nameless(struct inet_socket *i, void *arg)
{
    struct inet_socket **found = arg;

    if (!*found && host_lacks_name(i)) {
        socket_ref(&i->s);
        *found = i;
    }
}

void inet_learn_names(void)
{
    struct inet_socket *i;

    for (;;) {
        i = NULL;
        inet_for_each(find_nameless, &i);
        if (!i) {
            return;
        }
        host_ask_name(i);
        socket_unref(&i->s);
    }
}
