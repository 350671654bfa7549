/* SPDX-License-Identifier: MIT
 *
 * Extended attributes (xattr(7)) with the checks of their namespaces. Paths
 * are counted by the caller; buffers are kernel memory.
 */
#ifndef KERNEL_FS_XATTR_H
#define KERNEL_FS_XATTR_H

#include "kernel/fs/dentry.h"

/* The length; -ENODATA, -ERANGE (len 0 only asks), -EOPNOTSUPP, -EACCES. */
long xattr_get(const struct path *p, const char *name, void *buf, size_t len);
long xattr_list(const struct path *p, char *buf, size_t len);
/* value NULL removes. flags: XATTR_CREATE, XATTR_REPLACE. */
int xattr_set(const struct path *p, const char *name, const void *value,
              size_t len, int flags);

#endif
