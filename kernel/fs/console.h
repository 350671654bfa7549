/* SPDX-License-Identifier: MIT
 *
 * The console: the host's descriptors 0, 1 and 2, whatever they are there.
 * Everything that comes from them is untrusted input.
 */
#ifndef KERNEL_FS_CONSOLE_H
#define KERNEL_FS_CONSOLE_H

#include "kernel/fs/file.h"

/* Asks the host what its descriptors are. */
void console_init(const struct boot_info *info);

/* A file on host descriptor 0, 1 or 2; one reference. */
int console_stream(int host_fd, struct file **out);

/* Devices 5:0 and 5:1: the terminal among the three, if there is one. */
extern const struct file_ops tty_ops, console_ops;
int console_open(struct file *f); /* -ENXIO */

#endif
