/* SPDX-License-Identifier: MIT
 *
 * Events as files: eventfd(2), timerfd_create(2), signalfd(2).
 */
#ifndef KERNEL_FS_EVENT_H
#define KERNEL_FS_EVENT_H

#include "lib/types.h"

struct file;

/* Each: *out has one reference; flags EFD_*, TFD_*, SFD_*. -ENOMEM. */
/* flags: O_NONBLOCK, UFFD_USER_MODE_ONLY. */
int userfaultfd_open(uint32_t flags, struct file **out);
int eventfd_open(uint64_t count, uint32_t flags, struct file **out);
/* Adds to the counter, up to its most; never waits. -EINVAL: f is none. */
int eventfd_add(struct file *f, uint64_t value);

/* realtime: absolute times are of CLOCK_REALTIME. */
int timerfd_open(int clock, uint32_t flags, struct file **out);
/* Nanoseconds; value 0 disarms. absolute: value is a time of its clock. The
 * old setting in *old_value (what is left) and *old_interval. -EINVAL: f is
 * no timerfd. */
int timerfd_set(struct file *f, int64_t value, int64_t interval, bool absolute,
                int64_t *old_value, int64_t *old_interval);
int timerfd_get(struct file *f, int64_t *value, int64_t *interval);

/* mask: bit n-1 for signal n. timerfd and signalfd belong to whoever reads. */
int signalfd_open(uint64_t mask, uint32_t flags, struct file **out);
int signalfd_set(struct file *f, uint64_t mask); /* -EINVAL: is none */

#endif
