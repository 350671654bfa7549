/* SPDX-License-Identifier: MIT
 *
 * The line discipline's input: one typed byte at a time. Flow control and
 * signals first, then newlines, then the editing of canonical mode; what is
 * left is kept for the reader. A character that is set to 0 is off.
 */
#include "kernel/tty/line.h"
#include "abi/linux/signal.h"

static bool has(const struct line *l, uint32_t lflag)
{
    return l->t.c_lflag & lflag;
}

static bool is(const struct line *l, uint8_t c, int which)
{
    return c && c == l->t.c_cc[which];
}

/* Those that are special only with IEXTEN. */
static bool is_extended(const struct line *l, uint8_t c, int which)
{
    return has(l, IEXTEN) && is(l, c, which);
}

static uint8_t at(const struct line *l, uint64_t pos)
{
    return l->in[pos % LINE_IN];
}

static bool is_control(uint8_t c)
{
    return c < 32 || c == 127;
}

static bool is_inner(const struct line *l, uint8_t c)
{
    return (l->t.c_iflag & IUTF8) && (c & 0xc0) == 0x80;
}

/* ---- keeping ---- */

/* One byte less than the buffer, so that a line without its end always has
 * room for it; what is typed beyond takes the last byte's place. */
bool line_has_room(const struct line *l)
{
    return l->head - l->tail < LINE_IN - 1 ||
           (!line_is_raw(l) && l->canon == l->tail);
}

static void keep(struct line *l, uint8_t c)
{
    if (l->head - l->tail == LINE_IN) {
        l->head--;
    }
    bitmap_clear(l->marks, l->head % LINE_IN);
    l->in[l->head++ % LINE_IN] = c;
    if (line_is_raw(l)) {
        l->canon = l->head;
    }
}

static void keep_end(struct line *l, uint8_t c)
{
    keep(l, c);
    bitmap_set(l->marks, (l->head - 1) % LINE_IN);
    l->canon = l->head;
}

/* ---- erasing ---- */

static void finish_erasing(struct line *l)
{
    if (l->erasing) {
        line_echo_plain(l, '/');
        l->erasing = false;
    }
}

static void rub_out(struct line *l)
{
    line_echo_plain(l, '\b');
    line_echo_plain(l, ' ');
    line_echo_plain(l, '\b');
}

/* A tab takes the cursor back to where it stood before: the columns since the
 * tab before it, or since the line's beginning. */
static void rub_out_tab(struct line *l)
{
    unsigned columns = 0;
    bool after_tab = false;

    for (uint64_t pos = l->head; pos != l->canon && !after_tab; pos--) {
        uint8_t c = at(l, pos - 1);

        if (c == '\t') {
            after_tab = true;
        } else if (is_control(c)) {
            columns += has(l, ECHOCTL) ? 2 : 0;
        } else {
            columns += !is_inner(l, c);
        }
    }
    line_echo_tab(l, columns, after_tab);
}

/* Shows that the character [pos, pos + len), which begins with c, went. */
static void show_erased(struct line *l, uint64_t pos, unsigned len, int which)
{
    uint8_t c = at(l, pos);

    if (has(l, ECHOPRT)) {
        if (!l->erasing) {
            line_echo_plain(l, '\\');
            l->erasing = true;
        }
        line_echo(l, c);
        for (unsigned i = 1; i < len; i++) {
            line_echo_plain(l, at(l, pos + i));
        }
    } else if (which == VERASE && !has(l, ECHOE)) {
        line_echo(l, l->t.c_cc[VERASE]);
    } else if (c == '\t') {
        rub_out_tab(l);
    } else {
        if (is_control(c) && has(l, ECHOCTL)) {
            rub_out(l);
        }
        if (!is_control(c) || has(l, ECHOCTL)) {
            rub_out(l);
        }
    }
}

/* A whole line at once, where it is not erased character by character. */
static bool kill_at_once(struct line *l)
{
    const uint32_t visibly = ECHOK | ECHOKE | ECHOE;

    if (has(l, ECHO) && (l->t.c_lflag & visibly) == visibly) {
        return false;
    }
    l->head = l->canon;
    if (has(l, ECHO)) {
        finish_erasing(l);
        line_echo(l, l->t.c_cc[VKILL]);
        if (has(l, ECHOK)) {
            line_echo_plain(l, '\n');
        }
    }
    return true;
}

static bool is_word(uint8_t c)
{
    return (c >= '0' && c <= '9') || line_is_lower(c) || line_is_upper(c) ||
           c == '_';
}

static void erase(struct line *l, int which)
{
    bool in_word = false;

    if (l->head == l->canon || (which == VKILL && kill_at_once(l))) {
        return;
    }
    while (l->head != l->canon) {
        uint64_t pos = l->head - 1;
        unsigned len;

        while (pos != l->canon && is_inner(l, at(l, pos))) {
            pos--;
        }
        if (is_inner(l, at(l, pos))) {
            break; /* half a character: it stays */
        }
        if (which == VWERASE && in_word && !is_word(at(l, pos))) {
            break;
        }
        in_word |= is_word(at(l, pos));
        len = l->head - pos;
        l->head = pos;
        if (has(l, ECHO)) {
            show_erased(l, pos, len, which);
        }
        if (which == VERASE) {
            break;
        }
    }
    if (l->head == l->canon && has(l, ECHO)) {
        finish_erasing(l);
    }
}

static void reprint(struct line *l)
{
    finish_erasing(l);
    line_echo(l, l->t.c_cc[VREPRINT]);
    line_echo_plain(l, '\n');
    for (uint64_t pos = l->canon; pos != l->head; pos++) {
        line_echo(l, at(l, pos));
    }
}

/* ---- one byte ---- */

static int signal_of(const struct line *l, uint8_t c)
{
    if (!has(l, ISIG)) {
        return 0;
    }
    return is(l, c, VINTR)   ? SIGINT
           : is(l, c, VQUIT) ? SIGQUIT
           : is(l, c, VSUSP) ? SIGTSTP
                             : 0;
}

static int take_signal(struct line *l, uint8_t c, int signo)
{
    if (!has(l, NOFLSH)) {
        l->echo_tail = l->echo_head;
        line_flush_output(l);
        line_flush_input(l);
    }
    if (l->t.c_iflag & IXON) {
        line_stop(l, false);
    }
    if (has(l, ECHO)) {
        line_echo(l, c);
    }
    return signo;
}

/* Where an edited line begins on the screen. */
static void note_column(struct line *l)
{
    if (l->head == l->canon) {
        line_echo_start(l);
    }
}

/* A newline that was typed literally, or that ends no line, shows as a control
 * character; not one that was a carriage return. */
static void keep_typed(struct line *l, uint8_t c, bool literal)
{
    if (has(l, ECHO)) {
        finish_erasing(l);
        if (c == '\n' && !literal) {
            line_echo_plain(l, '\n');
        } else {
            note_column(l);
            line_echo(l, c);
        }
    }
    if (c == 0xff && (l->t.c_iflag & PARMRK)) {
        keep(l, c);
    }
    keep(l, c);
}

static void end_line(struct line *l, uint8_t c)
{
    if (c == '\n') {
        if (has(l, ECHO | ECHONL)) {
            line_echo_plain(l, '\n');
        }
    } else if (has(l, ECHO)) {
        note_column(l);
        line_echo(l, c);
    }
    keep_end(l, c);
}

static void begin_literal(struct line *l)
{
    l->literal = true;
    if (has(l, ECHO)) {
        finish_erasing(l);
        if (has(l, ECHOCTL)) {
            line_echo_plain(l, '^');
            line_echo_plain(l, '\b');
        }
    }
}

/* False: the byte is an ordinary one. */
static bool edit(struct line *l, uint8_t c)
{
    if (is(l, c, VERASE)) {
        erase(l, VERASE);
    } else if (is(l, c, VKILL)) {
        erase(l, VKILL);
    } else if (is_extended(l, c, VWERASE)) {
        erase(l, VWERASE);
    } else if (is_extended(l, c, VLNEXT)) {
        begin_literal(l);
    } else if (is_extended(l, c, VREPRINT) && has(l, ECHO)) {
        reprint(l);
    } else if (is(l, c, VEOF)) {
        keep_end(l, LINE_EOF);
    } else if (c == '\n' || is(l, c, VEOL) || is_extended(l, c, VEOL2)) {
        end_line(l, c);
    } else {
        return false;
    }
    return true;
}

/* Flow control: true when the byte was for it. */
static bool flow(struct line *l, uint8_t c)
{
    if (!(l->t.c_iflag & IXON)) {
        return false;
    }
    if (is(l, c, VSTART) || is(l, c, VSTOP)) {
        line_stop(l, !is(l, c, VSTART));
        line_show_echo(l);
        return true;
    }
    if (l->stopped && !l->held_off && (l->t.c_iflag & IXANY)) {
        line_stop(l, false);
        line_show_echo(l);
    }
    return false;
}

/* False: the byte is dropped. */
static bool translate(const struct line *l, uint8_t *c)
{
    uint32_t iflag = l->t.c_iflag;

    if (*c == '\r') {
        if (iflag & IGNCR) {
            return false;
        }
        *c = iflag & ICRNL ? '\n' : *c;
    } else if (*c == '\n' && (iflag & INLCR)) {
        *c = '\r';
    }
    return true;
}

static int take(struct line *l, uint8_t c)
{
    uint8_t typed;
    int signo;

    if (l->t.c_iflag & ISTRIP) {
        c &= 0x7f;
    }
    if ((l->t.c_iflag & IUCLC) && has(l, IEXTEN) && line_is_upper(c)) {
        c += 'a' - 'A';
    }
    if (l->literal) {
        l->literal = false;
        keep_typed(l, c, true);
        return 0;
    }
    if (has(l, EXTPROC)) { /* the other side edits and echoes */
        keep(l, c);
        return 0;
    }
    if (flow(l, c)) {
        return 0;
    }
    signo = signal_of(l, c);
    if (signo) {
        return take_signal(l, c, signo);
    }
    typed = c;
    if (translate(l, &c) && (line_is_raw(l) || !edit(l, c))) {
        keep_typed(l, c, c == typed);
    }
    return 0;
}

int line_input(struct line *l, uint8_t c)
{
    int signo = take(l, c);

    if (l->echo_head - l->echo_tail >= LINE_ECHO_BATCH) {
        line_show_echo(l);
    }
    return signo;
}
