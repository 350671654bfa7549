/* SPDX-License-Identifier: MIT
 *
 * Signals about what happens in a directory (fcntl(2), F_NOTIFY). inotify.c
 * passes its events on.
 */
#ifndef KERNEL_FS_DNOTIFY_H
#define KERNEL_FS_DNOTIFY_H

#include "kernel/fs/file.h"

/* F_NOTIFY on f by its descriptor fd: adds the events of DN_* in mask; none:
 * takes f's away. -ENOTDIR, -ENOMEM. */
int dnotify_set(struct file *f, int fd, uint32_t mask);
/* A descriptor of f was closed: its events go. */
void dnotify_close(struct file *f);
extern uint32_t dnotify_count; /* of files; atomic */
/* Events IN_* of dir itself or of a name in it. */
void dnotify_tell(struct inode *dir, uint32_t events);

#endif
