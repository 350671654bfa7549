/* SPDX-License-Identifier: MIT
 *
 * A pseudoterminal's requests (ioctl_tty(2)). Settings and size are the
 * slave's, whichever side asks; what is pending is what that side would read.
 */
#include "kernel/tty/room.h"
#include "kernel/fs/names.h"
#include "kernel/proc/proc.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/prctl.h"
#include "abi/linux/ioctl.h"
#include "abi/linux/signal.h"

/* ---- settings ---- */

/* Speeds by their code in c_cflag: 0..15, then those with BOTHER's bit. */
static const uint32_t speeds[] = {
    0,       50,      75,      110,     134,     150,     200,     300,
    600,     1200,    1800,    2400,    4800,    9600,    19200,   38400,
    0,       57600,   115200,  230400,  460800,  500000,  576000,  921600,
    1000000, 1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000,
};

static uint32_t speed_of(uint32_t cflag, uint32_t other)
{
    uint32_t code = cflag & CBAUD;

    if (code == BOTHER) {
        return other;
    }
    return speeds[(code & 15) + (code & BOTHER ? 16 : 0)];
}

static void keep(uint32_t *flags, uint32_t old, uint32_t locked)
{
    *flags = (*flags & ~locked) | (old & locked);
}

/* What is locked (TIOCSLCKTRMIOS) stays as it is. */
static void keep_locked(struct linux_termios2 *t,
                        const struct linux_termios2 *old,
                        const struct linux_termios *locked)
{
    keep(&t->c_iflag, old->c_iflag, locked->c_iflag);
    keep(&t->c_oflag, old->c_oflag, locked->c_oflag);
    keep(&t->c_cflag, old->c_cflag, locked->c_cflag);
    keep(&t->c_lflag, old->c_lflag, locked->c_lflag);
    t->c_line = locked->c_line ? old->c_line : t->c_line;
    for (size_t i = 0; i < ARRAY_SIZE(t->c_cc); i++) {
        t->c_cc[i] = locked->c_cc[i] ? old->c_cc[i] : t->c_cc[i];
    }
}

static bool has_usual_flow(const struct linux_termios2 *t)
{
    return (t->c_iflag & IXON) && t->c_cc[VSTART] == 'Q' - '@' &&
           t->c_cc[VSTOP] == 'S' - '@';
}

/* What packet mode tells of new settings. */
static void note_settings(struct pty *p, const struct linux_termios2 *old)
{
    const struct linux_termios2 *t = &p->line.t;
    bool usual = has_usual_flow(t);

    if (!p->packet) {
        return;
    }
    if (usual != has_usual_flow(old)) {
        p->line.packet &= ~(TIOCPKT_DOSTOP | TIOCPKT_NOSTOP);
        p->line.packet |= usual ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP;
    }
    if ((t->c_lflag | old->c_lflag) & EXTPROC) {
        p->line.packet |= TIOCPKT_IOCTL;
    }
}

static void set_termios(struct pty *p, struct linux_termios2 *t, bool flush)
{
    struct linux_termios2 old;

    t->c_cflag = (t->c_cflag & ~(CSIZE | PARENB)) | CS8 | CREAD;
    t->c_ospeed = speed_of(t->c_cflag, t->c_ospeed);
    t->c_ispeed = speed_of(t->c_cflag, t->c_ispeed);
    spin_lock(&p->lock);
    if (flush) {
        line_flush_input(&p->line);
    }
    old = p->line.t;
    keep_locked(t, &old, &p->locked_settings);
    line_set(&p->line, t);
    note_settings(p, &old);
    spin_unlock(&p->lock);
    pty_wake(p);
    pty_feed(p);
}

static struct linux_termios2 settings(struct pty *p)
{
    struct linux_termios2 t;

    spin_lock(&p->lock);
    t = p->line.t;
    spin_unlock(&p->lock);
    return t;
}

/* TCSETS* and TCSETS2*: the second has the first as its beginning. */
static long set_from_user(struct pty *p, struct uptr arg, size_t size,
                          bool flush)
{
    struct linux_termios2 t = settings(p);

    if (copy_from_user(&t, arg, size)) {
        return -EFAULT;
    }
    set_termios(p, &t, flush);
    return 0;
}

/* TCSETA*: the lower halves, and the first eight characters. */
static long set_old(struct pty *p, struct uptr arg, bool flush)
{
    struct linux_termios2 t = settings(p);
    struct linux_termio old;

    if (copy_from_user(&old, arg, sizeof(old))) {
        return -EFAULT;
    }
    t.c_iflag = (t.c_iflag & ~0xffffu) | old.c_iflag;
    t.c_oflag = (t.c_oflag & ~0xffffu) | old.c_oflag;
    t.c_cflag = (t.c_cflag & ~0xffffu) | old.c_cflag;
    t.c_lflag = (t.c_lflag & ~0xffffu) | old.c_lflag;
    t.c_line = old.c_line;
    memcpy(t.c_cc, old.c_cc, sizeof(old.c_cc));
    set_termios(p, &t, flush);
    return 0;
}

static long get_old(struct pty *p, struct uptr arg)
{
    struct linux_termios2 t = settings(p);
    struct linux_termio old = {
        .c_iflag = (uint16_t)t.c_iflag,
        .c_oflag = (uint16_t)t.c_oflag,
        .c_cflag = (uint16_t)t.c_cflag,
        .c_lflag = (uint16_t)t.c_lflag,
        .c_line = t.c_line,
    };

    memcpy(old.c_cc, t.c_cc, sizeof(old.c_cc));
    return copy_to_user(arg, &old, sizeof(old));
}

static long settings_ioctl(struct pty *p, uint32_t cmd, struct uptr arg)
{
    struct linux_termios2 t;

    switch (cmd) {
    case TCGETS:
    case TCGETS2:
        t = settings(p);
        return copy_to_user(
            arg, &t, cmd == TCGETS ? sizeof(struct linux_termios) : sizeof(t));
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
        return set_from_user(p, arg, sizeof(struct linux_termios),
                             cmd == TCSETSF);
    case TCSETS2:
    case TCSETSW2:
    case TCSETSF2:
        return set_from_user(p, arg, sizeof(t), cmd == TCSETSF2);
    case TCGETA:
        return get_old(p, arg);
    default:
        return set_old(p, arg, cmd == TCSETAF);
    }
}

/* ---- size ---- */

static long get_size(struct pty *p, struct uptr arg)
{
    struct winsize size;

    spin_lock(&p->lock);
    size = p->size;
    spin_unlock(&p->lock);
    return copy_to_user(arg, &size, sizeof(size));
}

static long set_size(struct pty *p, struct uptr arg)
{
    struct winsize size;
    bool changed;

    if (copy_from_user(&size, arg, sizeof(size))) {
        return -EFAULT;
    }
    spin_lock(&p->lock);
    changed = memcmp(&p->size, &size, sizeof(size)) != 0;
    p->size = size;
    spin_unlock(&p->lock);
    if (changed) {
        terminal_signal(&p->job, SIGWINCH);
    }
    return 0;
}

/* ---- what is pending ---- */

/* The master's input is what the slave printed; its output that was read into
 * the line is out of its reach, and packet mode tells of the slave's flushes
 * only. */
static long flush(struct pty *p, uint64_t what, bool master)
{
    bool typed = what == TCIOFLUSH || (what == TCIFLUSH) == !master;
    bool printed = what == TCIOFLUSH || (what == TCIFLUSH) == master;

    if (what > TCIOFLUSH) {
        return -EINVAL;
    }
    spin_lock(&p->lock);
    if (typed) {
        line_flush_held(&p->line);
    }
    if (typed && !master) {
        line_flush_input(&p->line);
    }
    if (printed && master) {
        line_drop_output(&p->line);
    } else if (printed) {
        line_flush_output(&p->line);
    }
    spin_unlock(&p->lock);
    pty_wake(p);
    return 0;
}

/* TCXONC: the slave's output, or a byte to the other side that asks it. */
static long flow(struct pty *p, uint64_t what, bool master)
{
    uint8_t c;
    int signo;

    if (what > TCION) {
        return -EINVAL;
    }
    spin_lock(&p->lock);
    if (what <= TCOON && master) {
        p->master_off = what == TCOOFF;
    } else if (what <= TCOON) {
        line_hold_off(&p->line, what == TCOOFF);
    } else if (master && p->master_off) {
        /* It goes the way of all that the master writes. */
    } else if (master) { /* its own settings are nobody's to change */
        c = what == TCIOFF ? 'S' - '@' : 'Q' - '@';
        line_type(&p->line, &c, 1, &signo);
    } else {
        c = p->line.t.c_cc[what == TCIOFF ? VSTOP : VSTART];
        if (c && !p->line.held_off) {
            line_print(&p->line, c);
        }
    }
    spin_unlock(&p->lock);
    pty_wake(p);
    return 0;
}

static long count(struct pty *p, struct uptr arg, bool master)
{
    size_t n;

    spin_lock(&p->lock);
    n = master ? MIN(line_pending_output(&p->line), (size_t)LINE_SEEN)
               : line_count(&p->line);
    spin_unlock(&p->lock);
    return put_user32(arg, (uint32_t)n);
}

/* ---- the master's own ---- */

static long set_lock(struct pty *p, struct uptr arg)
{
    uint32_t value;

    if (get_user32(&value, arg)) {
        return -EFAULT;
    }
    spin_lock(&p->lock);
    p->locked = value;
    spin_unlock(&p->lock);
    return 0;
}

static long set_packet(struct pty *p, struct uptr arg)
{
    uint32_t value;

    if (get_user32(&value, arg)) {
        return -EFAULT;
    }
    spin_lock(&p->lock);
    if (value && !p->packet) {
        p->line.packet = 0;
    }
    p->packet = value;
    spin_unlock(&p->lock);
    return 0;
}

/* TIOCSIG: as if the character for it had been typed, but not echoed. */
static long send_signal(struct pty *p, uint64_t signo)
{
    if (signo != SIGINT && signo != SIGQUIT && signo != SIGTSTP) {
        return -EINVAL;
    }
    terminal_signal(&p->job, (int)signo);
    return 0;
}

/* TIOCGPTPEER: the slave by its name, whatever is locked (ioctl_tty(2)). */
static long open_peer(struct pty *p, uint64_t flags)
{
    char name[24];
    struct file *f;
    bool locked;
    int err;

    fmt_snprintf(name, sizeof(name), "/dev/pts/%d", p->number);
    spin_lock(&p->lock);
    locked = p->locked;
    p->locked = false;
    spin_unlock(&p->lock);
    err = name_open(NULL, name, flags & ~(uint64_t)O_CLOEXEC, 0, 0, &f);
    spin_lock(&p->lock);
    p->locked = locked;
    spin_unlock(&p->lock);
    if (err) {
        return err;
    }
    err = fd_install(f, 0, flags & O_CLOEXEC);
    if (err < 0) {
        file_put(f);
    }
    return err;
}

static long master_request(struct pty *p, uint32_t cmd, struct uptr arg)
{
    switch (cmd) {
    case TIOCGPTN:
        return put_user32(arg, p->number);
    case TIOCSPTLCK:
        return set_lock(p, arg);
    case TIOCGPTLCK:
        return put_user32(arg, p->locked);
    case TIOCPKT:
        return set_packet(p, arg);
    case TIOCGPKT:
        return put_user32(arg, p->packet);
    case TIOCSIG:
        return send_signal(p, arg.addr);
    default:
        return -ENOTTY;
    }
}

/* ---- both sides' ---- */

static long set_exclusive(struct pty *p, bool on)
{
    spin_lock(&p->lock);
    p->exclusive = on;
    spin_unlock(&p->lock);
    return 0;
}

static long hang_up(struct pty *p)
{
    if (!(current_proc()->cred.cap_effective >> CAP_SYS_ADMIN & 1)) {
        return -EPERM;
    }
    pty_hangup(p);
    return 0;
}

static long get_locked(struct pty *p, struct uptr arg)
{
    struct linux_termios t;

    spin_lock(&p->lock);
    t = p->locked_settings;
    spin_unlock(&p->lock);
    return copy_to_user(arg, &t, sizeof(t));
}

static long set_locked(struct pty *p, struct uptr arg)
{
    struct linux_termios t;

    if (!(current_proc()->cred.cap_effective >> CAP_SYS_ADMIN & 1)) {
        return -EPERM;
    }
    if (copy_from_user(&t, arg, sizeof(t))) {
        return -EFAULT;
    }
    spin_lock(&p->lock);
    p->locked_settings = t;
    spin_unlock(&p->lock);
    return 0;
}

/* TIOCSTI: input of one byte, as if it had come from the other side. As on
 * Linux since 6.2, where others may not by default. */
static long type_for(struct pty *p, struct uptr arg, bool master)
{
    int signo = 0;
    uint8_t c;

    if (!(current_proc()->cred.cap_effective >> CAP_SYS_ADMIN & 1)) {
        return -EIO;
    }
    if (copy_from_user(&c, arg, 1)) {
        return -EFAULT;
    }
    spin_lock(&p->lock);
    if (master) {
        line_print(&p->line, c);
    } else {
        line_type(&p->line, &c, 1, &signo);
    }
    spin_unlock(&p->lock);
    pty_wake(p);
    if (signo) {
        terminal_signal(&p->job, signo);
    }
    return 0;
}

/* There is one line discipline, number 0. */
static long set_discipline(struct uptr arg)
{
    uint32_t n;

    return get_user32(&n, arg) ? -EFAULT : n ? -EINVAL : 0;
}

static long request(struct pty *p, uint32_t cmd, struct uptr arg, bool master)
{
    switch (cmd) {
    case TIOCGWINSZ:
        return get_size(p, arg);
    case TIOCSWINSZ:
        return set_size(p, arg);
    case FIONREAD:
        return count(p, arg, master);
    case TIOCOUTQ: /* the other side has it already */
        return put_user32(arg, 0);
    case TCFLSH:
        return flush(p, arg.addr, master);
    case TCXONC:
        return flow(p, arg.addr, master);
    case TCSBRK: /* no line to break, nothing to wait for */
    case TCSBRKP:
    case TIOCSBRK:
    case TIOCCBRK:
        return 0;
    case TIOCGETD:
        return put_user32(arg, 0);
    case TIOCSETD:
        return set_discipline(arg);
    case TIOCEXCL:
    case TIOCNXCL:
        return set_exclusive(p, cmd == TIOCEXCL);
    case TIOCGEXCL:
        return put_user32(arg, p->exclusive);
    case TIOCGDEV:
        return put_user32(arg, (uint32_t)p->job.rdev);
    case TIOCVHANGUP:
        return hang_up(p);
    case TIOCGLCKTRMIOS:
        return get_locked(p, arg);
    case TIOCSLCKTRMIOS:
        return set_locked(p, arg);
    case TIOCSTI:
        return type_for(p, arg, master);
    case TIOCGPTPEER:
        return master ? open_peer(p, arg.addr) : -EIO;
    default:
        return master ? master_request(p, cmd, arg) : -ENOTTY;
    }
}

static bool is_settings(uint32_t cmd)
{
    switch (cmd) {
    case TCGETS:
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
    case TCGETS2:
    case TCSETS2:
    case TCSETSW2:
    case TCSETSF2:
    case TCGETA:
    case TCSETA:
    case TCSETAW:
    case TCSETAF:
        return true;
    default:
        return false;
    }
}

long pty_ioctl(struct pty *p, struct file *f, uint32_t cmd, struct uptr arg,
               bool master)
{
    bool known;
    long err;

    if (!master && pty_is_hung(p, f)) {
        return cmd == TIOCSPGRP ? -ENOTTY : -EIO;
    }
    if (job_is_change(cmd)) {
        err = terminal_check(&p->job, SIGTTOU);
        if (err) {
            return err;
        }
    }
    err = job_ioctl(&p->job, f, cmd, arg, master, &known);
    if (known) {
        return err;
    }
    return is_settings(cmd) ? settings_ioctl(p, cmd, arg)
                            : request(p, cmd, arg, master);
}
