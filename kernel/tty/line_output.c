/* SPDX-License-Identifier: MIT
 *
 * The line discipline's output: what OPOST does to a byte, the cursor's
 * column, and echo. Only bytes that are processed move the column.
 */
#include "kernel/tty/line.h"

enum { TAB = LINE_MOST };

static bool is_control(uint8_t c)
{
    return c < 32 || c == 127;
}

/* A byte that takes no column of its own in UTF-8. */
static bool is_inner(const struct line *l, uint8_t c)
{
    return (l->t.c_iflag & IUTF8) && (c & 0xc0) == 0x80;
}

static void add(struct line *l, uint8_t c)
{
    l->out[l->out_head++ % LINE_OUT] = c;
}

static void put_newline(struct line *l)
{
    if (l->t.c_oflag & (ONLCR | ONLRET)) {
        l->column = 0;
    }
    if (l->t.c_oflag & ONLCR) {
        add(l, '\r');
    }
    l->canon_column = l->column;
    add(l, '\n');
}

static void put_return(struct line *l)
{
    if ((l->t.c_oflag & ONOCR) && l->column == 0) {
        return;
    }
    if (l->t.c_oflag & OCRNL) {
        if (l->t.c_oflag & ONLRET) {
            l->canon_column = l->column = 0;
        }
        add(l, '\n');
        return;
    }
    l->canon_column = l->column = 0;
    add(l, '\r');
}

static void put_tab(struct line *l)
{
    unsigned spaces = TAB - l->column % TAB;

    l->column += spaces;
    if ((l->t.c_oflag & TABDLY) != XTABS) {
        add(l, '\t');
        return;
    }
    while (spaces--) {
        add(l, ' ');
    }
}

static void put_other(struct line *l, uint8_t c)
{
    if (c == '\b') {
        l->column -= l->column > 0;
    } else if (!is_control(c)) {
        if ((l->t.c_oflag & OLCUC) && c >= 'a' && c <= 'z') {
            c -= 'a' - 'A';
        }
        l->column += !is_inner(l, c);
    }
    add(l, c);
}

bool line_put(struct line *l, uint8_t c, size_t reserve)
{
    if (line_pending_output(l) + LINE_MOST + reserve > LINE_OUT) {
        return false;
    }
    if (!(l->t.c_oflag & OPOST)) {
        add(l, c);
    } else if (c == '\n') {
        put_newline(l);
    } else if (c == '\r') {
        put_return(l);
    } else if (c == '\t') {
        put_tab(l);
    } else {
        put_other(l, c);
    }
    return true;
}

size_t line_output(struct line *l, const uint8_t *buf, size_t len)
{
    size_t n = 0;

    while (n < len && !l->stopped && line_put(l, buf[n], LINE_ECHO)) {
        n++;
    }
    return n;
}

/* ---- echo: lost when there is no room ---- */

void line_echo_plain(struct line *l, uint8_t c)
{
    line_put(l, c, 0);
}

void line_echo(struct line *l, uint8_t c)
{
    if ((l->t.c_lflag & ECHOCTL) && is_control(c) && c != '\t') {
        line_put(l, '^', 0);
        c ^= 0100;
    }
    line_put(l, c, 0);
}
