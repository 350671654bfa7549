/* SPDX-License-Identifier: MIT
 *
 * TCP inside: TCP_DEFER_ACCEPT. Who connects to a listener that has it is
 * connected at once, but the other end is accepted only when bytes or an end
 * have come for it, or the time is over that the option names.
 */
#include "kernel/net/loop/loop_private.h"

void loop_defer(struct connection *c, uint32_t seconds)
{
    atomic_store_release(&c->end[1].deferred, true);
    atomic_store_release(&c->end[0].connecting, false);
    timer_arm(&c->defer_over, clock_now() + seconds * NSEC_PER_SEC);
}

void loop_arrived(struct connection *c)
{
    struct inet_socket *listener, *conn;

    atomic_store_release(&c->end[1].deferred, false);
    listener = loop_hold_listener(c);
    if (!listener) {
        return;
    }
    conn = loop_hold(c, &c->end[1]);
    if (conn) {
        inet_listener_ready(listener, conn);
        socket_unref(&conn->s);
    }
    socket_unref(&listener->s);
}

void loop_defer_over(struct timer *t)
{
    loop_arrived(container_of(t, struct connection, defer_over));
}
