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
        if ((l->t.c_oflag & OLCUC) && line_is_lower(c)) {
            c -= 'a' - 'A';
        }
        l->column += !is_inner(l, c);
    }
    add(l, c);
}

bool line_print(struct line *l, uint8_t c)
{
    bool room = line_pending_output(l) < LINE_OUT;

    if (room) {
        add(l, c);
    }
    return room;
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

    line_show_echo(l);
    while (n < len && !l->stopped && line_put(l, buf[n], LINE_ECHO)) {
        n++;
    }
    return n;
}

/* ---- echo ---- */

enum {
    ECHO_START = 0x100,
    ECHO_TAB = 0x200,
    ECHO_PLAIN = 0x400, /* not processed */
    AFTER_TAB = 0x80
};

static void remember(struct line *l, unsigned what)
{
    if (l->echo_head - l->echo_tail == LINE_ECHOES) {
        l->echo_tail++;
    }
    l->echo[l->echo_head++ % LINE_ECHOES] = (uint16_t)what;
}

void line_echo_plain(struct line *l, uint8_t c)
{
    remember(l, c == 0xff ? ECHO_PLAIN | c : c);
}

void line_echo(struct line *l, uint8_t c)
{
    if ((l->t.c_lflag & ECHOCTL) && is_control(c) && c != '\t') {
        remember(l, '^');
        c ^= 0100;
    }
    line_echo_plain(l, c);
}

void line_echo_start(struct line *l)
{
    remember(l, ECHO_START);
}

void line_echo_tab(struct line *l, unsigned columns, bool after_tab)
{
    remember(l, ECHO_TAB | columns % TAB | (after_tab ? AFTER_TAB : 0));
}

static bool put_back_over_tab(struct line *l, unsigned columns)
{
    if (line_pending_output(l) + LINE_MOST > LINE_OUT) {
        return false;
    }
    columns += columns & AFTER_TAB ? 0 : l->canon_column;
    for (unsigned n = TAB - columns % TAB; n > 0; n--) {
        l->column -= l->column > 0;
        add(l, '\b');
    }
    return true;
}

static bool show(struct line *l, unsigned what)
{
    if (what & ECHO_TAB) {
        return put_back_over_tab(l, what & 0xff);
    }
    if (what & ECHO_START) {
        l->canon_column = l->column;
        return true;
    }
    if (what & ECHO_PLAIN) {
        l->column++;
        return line_print(l, (uint8_t)what);
    }
    return line_put(l, (uint8_t)what, 0);
}

void line_show_echo(struct line *l)
{
    while (l->echo_tail != l->echo_head && !l->stopped &&
           show(l, l->echo[l->echo_tail % LINE_ECHOES])) {
        l->echo_tail++;
    }
}
