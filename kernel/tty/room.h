/* SPDX-License-Identifier: MIT
 *
 * What the files of this room share; nobody else includes it.
 *
 * A pty lives as long as a file on one of its sides is open. /dev/pts knows it
 * until its master is closed; files on the slave that were open then are hung
 * up (their `generation` is over) and only wait to be closed.
 */
#ifndef KERNEL_TTY_ROOM_H
#define KERNEL_TTY_ROOM_H

#include "kernel/fs/file.h"
#include "kernel/proc/session.h"
#include "kernel/tty/line.h"
#include "kernel/tty/tty.h"

struct pty {
    struct terminal job;
    uint32_t refs;        /* one a file; atomic */
    int number;           /* in /dev/pts */
    struct inode *node;   /* there */
    uint32_t generation;  /* hangups so far; atomic */
    struct spinlock lock; /* LOCK_PIPE: guards the rest, but the queues */
    struct line line;
    struct linux_termios locked_settings; /* bits that stay: TIOCSLCKTRMIOS */
    struct winsize size;
    unsigned slaves;   /* open files of this generation */
    bool locked;       /* TIOCSPTLCK: the slave cannot be opened yet */
    bool packet;       /* TIOCPKT */
    bool master_off;   /* TCOOFF: what the master writes waits */
    bool exclusive;    /* TIOCEXCL */
    bool slave_closed; /* it was open, and all of it is closed */
    bool master_closed;
    struct wait_queue slave, master; /* who waits on either side */
};

enum { TTY_CHUNK = 512 }; /* bytes that are moved at a time */

/* ---- pty.c ---- */

int pty_open_master(struct file *f);
void pty_slave_release(struct file *f);
void pty_master_release(struct file *f);
/* The line is gone: files on the slave only end from now on. */
void pty_hangup(struct pty *p);
/* A slave's file whose line went. */
static inline bool pty_is_hung(struct pty *p, struct file *f)
{
    return atomic_load_acquire(&p->generation) != (uint32_t)f->pos;
}
/* Both sides look again. */
void pty_wake(struct pty *p);
/* The line may have room for what is held: signals that were typed are sent.
 * Wakes nobody but readers. */
void pty_feed(struct pty *p);

/* ---- pty_slave.c, pty_master.c ---- */

extern const struct file_ops pty_slave_ops, pty_master_ops;

/* ---- pty_ioctl.c ---- */

long pty_ioctl(struct pty *p, struct file *f, uint32_t cmd, struct uptr arg,
               bool master);

/* ---- tty.c: what every terminal answers alike ---- */

/* TIOCGPGRP, TIOCSPGRP, TIOCGSID, TIOCSCTTY, TIOCNOTTY; *known: whether cmd is
 * one of them. */
long job_ioctl(struct terminal *t, struct file *f, uint32_t cmd,
               struct uptr arg, bool master, bool *known);
/* Requests that change the terminal, and so only the group in front may. */
bool job_is_change(uint32_t cmd);

/* ---- devpts.c ---- */

/* Enters t at the lowest free number; *node is borrowed. -ENOSPC, -ENOMEM. */
int devpts_add(struct terminal *t, uint32_t uid, struct inode **node);
void devpts_remove(int number);
int devpts_open(struct file *f, uint32_t number);

/* ---- console.c ---- */

int console_open(struct file *f);

#endif
