/* SPDX-License-Identifier: MIT
 *
 * The line discipline (termios(3)): what becomes of the bytes between the two
 * ends of a pseudoterminal. It is plain data: whoever calls holds the lock
 * that guards it, and wakes who waits.
 *
 *     line_type()     bytes typed at the master, by line_input() one by one,
 *                     or held until there is room
 *     line_input()    a byte typed: edited, echoed, kept
 *     line_read()     what the program on the slave reads
 *     line_output()   what it writes: processed, kept for the master
 *     line_drain()    what the master reads
 */
#ifndef KERNEL_TTY_LINE_H
#define KERNEL_TTY_LINE_H

#include "lib/types.h"
#include "lib/bitmap.h"
#include "abi/linux/termios.h"

enum {
    LINE_IN = 4096, /* as Linux: the longest line, with its end */
    LINE_HELD = 16384,
    LINE_OUT = 20480, /* as much as Linux lets wait on either way */
    LINE_SEEN = 4095, /* of LINE_OUT, what the master has got */
    LINE_ECHO = 1024, /* of LINE_OUT, that only echo may use */
    LINE_MOST = 8,    /* bytes that one becomes: a tab */
    LINE_ECHOES = 4096,
    LINE_ECHO_BATCH = 256,
    LINE_EOF = 0, /* stands, marked, for an end of file in `in` */
};

struct line {
    struct linux_termios2 t;
    /* Typed and not read yet: [tail, canon) whole lines, [canon, head) the
     * one that is edited. A mark is set on the last byte of each line. Counts
     * of all bytes ever; `in` is a ring. */
    uint64_t head, canon, tail;
    uint8_t in[LINE_IN];
    uint64_t marks[BITMAP_WORDS(LINE_IN)];
    uint64_t held_head, held_tail; /* typed before there was room */
    uint8_t held[LINE_HELD];
    uint64_t out_head, out_tail;
    uint8_t out[LINE_OUT];
    /* Echo to be shown, bytes and ECHO_*: all that was typed at once is looked
     * at first, and may stop the output. */
    uint64_t echo_head, echo_tail;
    uint16_t echo[LINE_ECHOES];
    unsigned column;       /* of the cursor */
    unsigned canon_column; /* where the edited line begins */
    bool stopped;          /* by VSTOP or TCOOFF */
    bool held_off;         /* by TCOOFF: only TCOON ends it */
    bool literal;          /* VLNEXT was typed */
    bool erasing;          /* inside \.../ of ECHOPRT */
    uint8_t packet;        /* TIOCPKT_* for the master's next read */
};

void line_init(struct line *l);

/* New settings; what is typed stays. */
void line_set(struct line *l, const struct linux_termios2 *t);

/* ---- the master's side ---- */

/* One byte typed. Returns the signal for the group in front, or 0. */
int line_input(struct line *l, uint8_t c);
/* Whether line_input() can take a byte now, or would drop it. */
bool line_has_room(const struct line *l);
/* Bytes typed, up to one that is a signal; returns how many were taken. */
size_t line_type(struct line *l, const uint8_t *buf, size_t len, int *signo);
/* Bytes that line_type() can hold. */
size_t line_held_room(const struct line *l);
/* After room was made: held bytes are input, up to one that is a signal; call
 * again after that one. Returns how many. */
size_t line_feed(struct line *l, int *signo);
void line_flush_held(struct line *l);
/* Up to len bytes of output. */
size_t line_drain(struct line *l, uint8_t *buf, size_t len);
static inline size_t line_pending_output(const struct line *l)
{
    return l->out_head - l->out_tail;
}

/* ---- the slave's side ---- */

/* Bytes that can be read now (canonical: an end of file counts as one). */
size_t line_readable(const struct line *l);
/* FIONREAD's view: whole lines without their ends of file, or all. */
size_t line_count(const struct line *l);
/* Up to len bytes. *end: a line or a file ended with them. */
size_t line_read(struct line *l, uint8_t *buf, size_t len, bool *end);
/* An end of file that stands right here goes with what was read before. */
void line_swallow_eof(struct line *l);
/* Takes bytes of output, fewer when there is no room. */
size_t line_output(struct line *l, const uint8_t *buf, size_t len);
/* Room for output; 0 while stopped. */
size_t line_output_room(const struct line *l);

/* ---- both ---- */

void line_stop(struct line *l, bool stop);
/* TCOOFF, TCOON. */
void line_hold_off(struct line *l, bool stop);
void line_flush_input(struct line *l);
/* The slave's flush: of what it wrote, what the master has not got yet. */
void line_flush_output(struct line *l);
/* The master's: all of that. */
void line_drop_output(struct line *l);

/* ---- between the files ---- */

/* Whether bytes are read as they come, not line by line. */
static inline bool line_is_raw(const struct line *l)
{
    return (l->t.c_lflag & (ICANON | EXTPROC)) != ICANON;
}
/* Letters of ISO 8859-1, as Linux takes them. */
static inline bool line_is_lower(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 0xdf && c != 0xf7);
}
static inline bool line_is_upper(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c < 0xdf && c != 0xd7);
}
/* A byte for the master as it is; false: no room. */
bool line_print(struct line *l, uint8_t c);
/* Output processing of one byte; false: no room beyond `reserve`. */
bool line_put(struct line *l, uint8_t c, size_t reserve);
/* Echo: as it is shown, and processed without ^X. The oldest is lost when there
 * is too much. */
void line_echo(struct line *l, uint8_t c);
void line_echo_plain(struct line *l, uint8_t c);
/* The edited line begins where the cursor is then. */
void line_echo_start(struct line *l);
/* The cursor goes back over a tab: to so many columns behind the tab before it,
 * or behind the line's beginning. */
void line_echo_tab(struct line *l, unsigned columns, bool after_tab);
/* Shows it, as far as output is not stopped and there is room. */
void line_show_echo(struct line *l);

#endif
