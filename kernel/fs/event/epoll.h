/* SPDX-License-Identifier: MIT
 *
 * epoll(7): files that watch files. See epoll.c.
 */
#ifndef KERNEL_FS_EPOLL_H
#define KERNEL_FS_EPOLL_H

#include "lib/types.h"
#include "abi/linux/epoll.h"

struct file;

int epoll_open(uint32_t flags, struct file **out);

/* epoll_ctl(2) on ep (an epoll file, else -EINVAL). fd is only remembered:
 * (target, fd) is the key. event is ours to keep; unused for DEL. */
int epoll_control(struct file *ep, int op, struct file *target, int fd,
                  const struct epoll_event *event);

/* epoll_wait(2) into out, at most count. deadline in ns of clock_now(); 0:
 * none; poll_only: do not wait. Returns how many, or -EINTR. */
int epoll_take(struct file *ep, struct epoll_event *out, unsigned count,
               uint64_t deadline, bool poll_only);

/* The off'th of the files that ep (an epoll file, else -EINVAL) watches as fd:
 * only to be compared. -ENOENT. */
int epoll_target(struct file *ep, int fd, uint32_t off, const void **out);

/* f ends: all watches on it go. */
void epoll_forget(struct file *f);

#endif
