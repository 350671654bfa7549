/* SPDX-License-Identifier: MIT
 *
 * The line discipline's buffers: settings, reading, flushing. Typed bytes are
 * in line_input.c, output and echo in line_output.c.
 */
#include "kernel/tty/line.h"
#include "lib/string.h"

/* What stty(1) calls sane, at 38400 baud. */
static const struct linux_termios2 sane = {
    .c_iflag = ICRNL | IXON,
    .c_oflag = OPOST | ONLCR,
    .c_cflag = B38400 | CS8 | CREAD,
    .c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
    .c_cc = {[VINTR] = 3,
             [VQUIT] = 28,
             [VERASE] = 127,
             [VKILL] = 21,
             [VEOF] = 4,
             [VMIN] = 1,
             [VSTART] = 17,
             [VSTOP] = 19,
             [VSUSP] = 26,
             [VREPRINT] = 18,
             [13] = 15, /* VDISCARD, which Linux does not act on */
             [VWERASE] = 23,
             [VLNEXT] = 22},
    .c_ispeed = 38400,
    .c_ospeed = 38400,
};

void line_init(struct line *l)
{
    memset(l, 0, sizeof(*l));
    l->t = sane;
}

static void clear_marks(struct line *l)
{
    memset(l->marks, 0, sizeof(l->marks));
}

/* From canonical to raw all that is typed can be read; the other way it is
 * one line. */
static void change_mode(struct line *l)
{
    clear_marks(l);
    if ((l->t.c_lflag & ICANON) && l->head != l->tail) {
        bitmap_set(l->marks, (l->head - 1) % LINE_IN);
    }
    l->canon = l->head;
    l->literal = l->erasing = false;
    l->canon_column = l->column;
}

void line_set(struct line *l, const struct linux_termios2 *t)
{
    struct linux_termios2 old = l->t;

    l->t = *t;
    if ((old.c_lflag ^ t->c_lflag) & (ICANON | EXTPROC)) {
        change_mode(l);
    }
    if ((old.c_iflag & IXON) && !(t->c_iflag & IXON)) {
        line_stop(l, false);
        line_show_echo(l);
    }
}

void line_stop(struct line *l, bool stop)
{
    if (l->stopped != stop && !l->held_off) {
        l->stopped = stop;
        l->packet &= ~(TIOCPKT_STOP | TIOCPKT_START);
        l->packet |= stop ? TIOCPKT_STOP : TIOCPKT_START;
    }
}

void line_hold_off(struct line *l, bool stop)
{
    if (l->held_off != stop) {
        l->held_off = false;
        line_stop(l, stop);
        l->held_off = stop;
    }
}

void line_flush_input(struct line *l)
{
    l->tail = l->canon = l->head;
    l->literal = l->erasing = false;
    clear_marks(l);
    l->packet |= TIOCPKT_FLUSHREAD;
}

void line_flush_output(struct line *l)
{
    if (line_pending_output(l) > LINE_SEEN) {
        l->out_head = l->out_tail + LINE_SEEN;
    }
    l->packet |= TIOCPKT_FLUSHWRITE;
}

void line_drop_output(struct line *l)
{
    l->out_tail = l->out_head;
}

/* ---- reading ---- */

size_t line_readable(const struct line *l)
{
    return line_is_raw(l) ? l->head - l->tail : l->canon - l->tail;
}

static bool is_eof(const struct line *l, uint64_t pos)
{
    return bitmap_test(l->marks, pos % LINE_IN) &&
           l->in[pos % LINE_IN] == LINE_EOF;
}

size_t line_count(const struct line *l)
{
    size_t n = line_readable(l);

    if (!line_is_raw(l)) {
        for (uint64_t pos = l->tail; pos != l->canon; pos++) {
            n -= is_eof(l, pos);
        }
    }
    return n;
}

/* In canonical mode an end of file that a byte was typed for is no byte. A
 * line may also be marked on an ordinary byte (change_mode()). */
size_t line_read(struct line *l, uint8_t *buf, size_t len, bool *end)
{
    uint64_t last = line_is_raw(l) ? l->head : l->canon;
    size_t n = 0;

    *end = false;
    while (n < len && l->tail != last && !*end) {
        size_t at = l->tail % LINE_IN;
        bool marked = !line_is_raw(l) && bitmap_test(l->marks, at);

        if (marked) {
            bitmap_clear(l->marks, at);
            *end = true;
        }
        if (!marked || l->in[at] != LINE_EOF) {
            buf[n++] = l->in[at];
        }
        l->tail++;
    }
    return n;
}

void line_swallow_eof(struct line *l)
{
    if (!line_is_raw(l) && l->tail != l->canon && is_eof(l, l->tail)) {
        bitmap_clear(l->marks, l->tail % LINE_IN);
        l->tail++;
    }
}

/* ---- output ---- */

size_t line_drain(struct line *l, uint8_t *buf, size_t len)
{
    size_t n = MIN(len, line_pending_output(l));
    size_t at = l->out_tail % LINE_OUT;
    size_t first = MIN(n, LINE_OUT - at);

    memcpy(buf, l->out + at, first);
    memcpy(buf + first, l->out, n - first);
    l->out_tail += n;
    return n;
}

size_t line_output_room(const struct line *l)
{
    const size_t most = LINE_OUT - LINE_ECHO - LINE_MOST;
    size_t used = line_pending_output(l);

    return l->stopped || used > most ? 0 : most + 1 - used;
}
