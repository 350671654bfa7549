/* SPDX-License-Identifier: MIT
 *
 * Sessions and their terminals (credentials(7), tty_ioctl(4)): who is in front
 * of a terminal, what becomes of those who are not, and what the end of a
 * session's leader means to the rest. What a terminal does with bytes is in
 * kernel/tty/; it embeds a struct terminal.
 *
 * A process's controlling terminal is the one whose `sid` is its session, if it
 * sees that: who was in the session when its leader took it, or has given it up
 * by TIOCNOTTY, has none.
 */
#ifndef KERNEL_PROC_SESSION_H
#define KERNEL_PROC_SESSION_H

#include "lib/types.h"
#include "lib/list.h"

struct proc;
struct file;

struct terminal {
    struct list node; /* of all terminals; LOCK_PROC */
    int sid, pgrp;    /* session and group in front; 0: none; LOCK_PROC */
    uint64_t rdev;    /* for /proc/PID/stat */
    /* Takes a reference on what embeds it; does not block. */
    void (*get)(struct terminal *t);
    /* Makes f an open file of it; takes the reference, also on failure. */
    int (*open)(struct terminal *t, struct file *f);
};

void terminal_add(struct terminal *t);
void terminal_remove(struct terminal *t);

/* The current process's controlling terminal with a reference; NULL: none. */
struct terminal *terminal_current(void);
bool terminal_is_mine(const struct terminal *t);

/* Before the current process does to t what only the group in front may:
 * signo is SIGTTIN or SIGTTOU. 0: go on; -EIO; -ERESTARTSYS, the group was
 * signalled. */
int terminal_check(const struct terminal *t, int signo);

/* open(2) without O_NOCTTY: t becomes the session's, if that has none. */
void terminal_opened(struct terminal *t);
/* TIOCSCTTY. force: take it from another session. -EPERM. */
int terminal_acquire(struct terminal *t, bool force);
/* TIOCNOTTY. -ENOTTY. */
int terminal_give_up(struct terminal *t);

/* TIOCGPGRP, TIOCGSID: >= 0, or -ENOTTY. master: asked from a pty's other
 * side, by whoever has that. */
int terminal_pgrp(const struct terminal *t, bool master);
int terminal_sid(const struct terminal *t, bool master);
/* TIOCSPGRP: -ENOTTY, -EINVAL, -ESRCH, -EPERM. */
int terminal_set_pgrp(struct terminal *t, int pgrp);

/* Signals the group in front. */
void terminal_signal(struct terminal *t, int signo);
/* The line is gone: the leader gets SIGHUP and SIGCONT, the session has no
 * terminal any more. */
void terminal_hangup(struct terminal *t);

/* Signals every process of a group; proc_lock is not held, or is. */
void group_signal(int pgid, int signo);
void group_signal_locked(int pgid, int signo);

/* Whether nobody outside the current process's group could continue it when
 * it stops (setpgid(2)). */
bool group_is_orphaned(void);

/* p, the current process, ends; its children have their new parents. */
void session_exit(struct proc *p);
/* child has lost `from` for its parent, and has another one. [L] */
void session_reparented(const struct proc *from, const struct proc *child);
/* For /proc/PID/stat: device and group in front; 0 and -1 without one. [L] */
void session_terminal(const struct proc *p, uint64_t *rdev, int *pgrp);

#endif
