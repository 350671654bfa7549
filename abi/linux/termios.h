/* SPDX-License-Identifier: MIT
 *
 * Terminal settings as TCGETS and TIOCGWINSZ give them (tty_ioctl(4)), their
 * bits (termios(3)) and those of packet mode (ioctl_tty(2)).
 */
#ifndef ABI_LINUX_TERMIOS_H
#define ABI_LINUX_TERMIOS_H

#include <stdint.h>

struct linux_termio {
    uint16_t c_iflag, c_oflag, c_cflag, c_lflag;
    uint8_t c_line, c_cc[8];
};
_Static_assert(sizeof(struct linux_termio) == 18, "struct termio");

struct linux_termios {
    uint32_t c_iflag, c_oflag, c_cflag, c_lflag;
    uint8_t c_line, c_cc[19];
};
_Static_assert(sizeof(struct linux_termios) == 36, "struct termios");

struct linux_termios2 {
    uint32_t c_iflag, c_oflag, c_cflag, c_lflag;
    uint8_t c_line, c_cc[19];
    uint32_t c_ispeed, c_ospeed;
};
_Static_assert(sizeof(struct linux_termios2) == 44, "struct termios2");

struct winsize {
    uint16_t ws_row, ws_col, ws_xpixel, ws_ypixel;
};
_Static_assert(sizeof(struct winsize) == 8, "struct winsize");

/* c_cc */
#define VINTR    0
#define VQUIT    1
#define VERASE   2
#define VKILL    3
#define VEOF     4
#define VTIME    5
#define VMIN     6
#define VSTART   8
#define VSTOP    9
#define VSUSP    10
#define VEOL     11
#define VREPRINT 12
#define VWERASE  14
#define VLNEXT   15
#define VEOL2    16

/* c_iflag */
#define ISTRIP  0x0020
#define INLCR   0x0040
#define IGNCR   0x0080
#define ICRNL   0x0100
#define IUCLC   0x0200
#define PARMRK  0x0008
#define IXON    0x0400
#define IXANY   0x0800
#define IMAXBEL 0x2000
#define IUTF8   0x4000

/* c_oflag */
#define OPOST  0x01
#define OLCUC  0x02
#define ONLCR  0x04
#define OCRNL  0x08
#define ONOCR  0x10
#define ONLRET 0x20
#define TABDLY 0x1800
#define XTABS  0x1800

/* c_cflag */
#define CBAUD  0x100f
#define BOTHER 0x1000
#define CSIZE  0x30
#define CS8    0x30
#define CREAD  0x80
#define PARENB 0x100
#define B38400 0x0f

/* c_lflag */
#define ISIG    0x0001
#define ICANON  0x0002
#define ECHO    0x0008
#define ECHOE   0x0010
#define ECHOK   0x0020
#define ECHONL  0x0040
#define NOFLSH  0x0080
#define TOSTOP  0x0100
#define ECHOCTL 0x0200
#define ECHOPRT 0x0400
#define ECHOKE  0x0800
#define IEXTEN  0x8000
#define EXTPROC 0x10000

/* TCFLSH, TCXONC */
#define TCIFLUSH  0
#define TCOFLUSH  1
#define TCIOFLUSH 2
#define TCOOFF    0
#define TCOON     1
#define TCIOFF    2
#define TCION     3

/* First byte of what a pty's master reads in packet mode */
#define TIOCPKT_DATA       0
#define TIOCPKT_FLUSHREAD  1
#define TIOCPKT_FLUSHWRITE 2
#define TIOCPKT_STOP       4
#define TIOCPKT_START      8
#define TIOCPKT_NOSTOP     16
#define TIOCPKT_DOSTOP     32
#define TIOCPKT_IOCTL      64

#endif
