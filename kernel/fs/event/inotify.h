/* SPDX-License-Identifier: MIT
 *
 * inotify(7) as files; what is watched, and how events get here, is watch.h.
 */
#ifndef KERNEL_FS_INOTIFY_H
#define KERNEL_FS_INOTIFY_H

#include "kernel/fs/dentry.h"

int inotify_open(uint32_t flags, struct file **out); /* IN_NONBLOCK */

/* The watch descriptor; mask as in inotify_add_watch(2). -EINVAL: f is no
 * inotify; -EEXIST, -ENOSPC, -ENOMEM. */
int inotify_add(struct file *f, struct inode *inode, uint32_t mask);
/* Whether f is one. */
bool inotify_is(const struct file *f);
int inotify_remove(struct file *f, int wd); /* -EINVAL */

#endif
