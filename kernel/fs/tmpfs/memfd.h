/* SPDX-License-Identifier: MIT
 *
 * memfd_create(2), memfd_secret(2) and file seals (fcntl(2), F_ADD_SEALS).
 */
#ifndef KERNEL_FS_MEMFD_H
#define KERNEL_FS_MEMFD_H

#include "lib/types.h"

struct file;

/* A file without a name on a tmpfs of its own. name is what /proc shows after
 * "memfd:". flags: MFD_*. */
int memfd_open(const char *name, uint32_t flags, struct file **out);

/* The same for others that need pages without a name (ipc/shm.c): of that
 * size, all zero, shown as title. */
int memfd_open_size(const char *title, uint64_t size, struct file **out);

/* memfd_secret(2): it can be mapped shared, and its size be set once; where it
 * is mapped, no other process reads (MM_MAP_SECRET). */
int memfd_open_secret(struct file **out);
bool memfd_is_secret(const struct file *f);

/* -EINVAL when f cannot be sealed; -EPERM, -EBUSY. */
long memfd_add_seals(struct file *f, uint64_t seals);
long memfd_get_seals(struct file *f);

#endif
