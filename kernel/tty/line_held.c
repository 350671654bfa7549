/* SPDX-License-Identifier: MIT
 *
 * Bytes typed before there is room for them, which wait in front of the line
 * as they do on Linux: neither edited, echoed nor looked at for signals until
 * their turn comes. They are there only while the line is full, or while a
 * signal that line_feed() found has not been sent.
 */
#include "kernel/tty/line.h"

size_t line_held_room(const struct line *l)
{
    return LINE_HELD - (l->held_head - l->held_tail);
}

size_t line_type(struct line *l, const uint8_t *buf, size_t len, int *signo)
{
    size_t n = 0;

    *signo = 0;
    while (n < len && !*signo) {
        if (l->held_head == l->held_tail && line_has_room(l)) {
            *signo = line_input(l, buf[n++]);
        } else if (line_held_room(l)) {
            l->held[l->held_head++ % LINE_HELD] = buf[n++];
        } else {
            break;
        }
    }
    line_show_echo(l);
    return n;
}

size_t line_feed(struct line *l, int *signo)
{
    size_t n = 0;

    *signo = 0;
    while (l->held_head != l->held_tail && !*signo && line_has_room(l)) {
        *signo = line_input(l, l->held[l->held_tail++ % LINE_HELD]);
        n++;
    }
    if (n) {
        line_show_echo(l);
    }
    return n;
}

void line_flush_held(struct line *l)
{
    l->held_tail = l->held_head;
}
