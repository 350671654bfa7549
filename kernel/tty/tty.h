/* SPDX-License-Identifier: MIT
 *
 * Terminals: the console, which is the host's, and pseudoterminals (pty(7)),
 * which are ours altogether. Sessions and who is in front of a terminal are
 * in kernel/proc/session.h.
 */
#ifndef KERNEL_TTY_TTY_H
#define KERNEL_TTY_TTY_H

#include "kernel/fs/file.h"

struct boot_info;

/* Opens f on a terminal's device: 5:0 (the session's), 5:1 (the console), 5:2
 * (a new pseudoterminal), 136:N (what /dev/pts/N is). -ENXIO, -EIO. */
int tty_open(struct file *f, uint64_t rdev);

/* Stands in the table of devices for all of these. */
extern const struct file_ops tty_device_ops;

/* /dev/pts. */
int devpts_mount(struct superblock **out);

/* ---- the console: the host's descriptors 0, 1 and 2 ---- */

/* Asks the host what they are. Everything from them is untrusted input. */
void console_init(const struct boot_info *info);

/* A file on host descriptor 0, 1 or 2; one reference. */
int console_stream(int host_fd, struct file **out);

/* A signal from outside the instance, in task context: what a terminal sends
 * goes to the group in front of it, the rest to the first process. */
void console_signal(int signo);

#endif
