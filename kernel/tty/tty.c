/* SPDX-License-Identifier: MIT
 *
 * Terminals by their device numbers (tty(4), pts(4)), and the requests of job
 * control, which every kind answers alike (ioctl_tty(2)).
 */
#include "kernel/tty/room.h"
#include "kernel/proc/proc.h"
#include "abi/linux/errno.h"
#include "abi/linux/ioctl.h"
#include "abi/linux/signal.h"
#include "abi/linux/stat.h"

enum { MAJOR_TTY = 5, MAJOR_PTS = 136 };

const struct file_ops tty_device_ops;

static int open_current(struct file *f)
{
    struct terminal *t = terminal_current();

    return t ? t->open(t, f) : -ENXIO;
}

int tty_open(struct file *f, uint64_t rdev)
{
    if (dev_major(rdev) == MAJOR_PTS) {
        return devpts_open(f, dev_minor(rdev));
    }
    switch (dev_minor(rdev)) {
    case 0:
        return open_current(f);
    case 1:
        return console_open(f);
    default:
        return pty_open_master(f);
    }
}

/* ---- job control ---- */

static long set_pgrp(struct terminal *t, struct uptr arg)
{
    uint32_t pgrp;
    int err = get_user32(&pgrp, arg);

    return err ? err : terminal_set_pgrp(t, (int32_t)pgrp);
}

static long put_id(struct uptr arg, int id)
{
    return id < 0 ? id : put_user32(arg, id);
}

bool job_is_change(uint32_t cmd)
{
    switch (cmd) {
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
    case TCSETS2:
    case TCSETSW2:
    case TCSETSF2:
    case TCSETA:
    case TCSETAW:
    case TCSETAF:
    case TCSBRK:
    case TCSBRKP:
    case TIOCSBRK:
    case TIOCCBRK:
    case TCFLSH:
    case TCXONC:
    case TIOCSETD:
        return true;
    default:
        return false;
    }
}

long job_ioctl(struct terminal *t, struct file *f, uint32_t cmd,
               struct uptr arg, bool master, bool *known)
{
    *known = true;
    switch (cmd) {
    case TIOCGPGRP:
        return put_id(arg, terminal_pgrp(t, master));
    case TIOCSPGRP:
        return set_pgrp(t, arg);
    case TIOCGSID:
        return put_id(arg, terminal_sid(t, master));
    case TIOCSCTTY:
        return terminal_acquire(t, arg.addr == 1);
    case TIOCNOTTY:
        return master ? -ENOTTY : terminal_give_up(t);
    default:
        *known = false;
        return -ENOTTY;
    }
}
