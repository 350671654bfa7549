/* SPDX-License-Identifier: MIT
 *
 * Names of files that outlive their paths (name_to_handle_at(2)): the number
 * of the inode in its file system. They are found again among the names that
 * the cache holds: one that fell out of it is stale (-ESTALE).
 */
#ifndef KERNEL_FS_HANDLE_H
#define KERNEL_FS_HANDLE_H

#include "kernel/fs/dentry.h"

enum { HANDLE_TYPE = 0x81 }; /* FILEID_INO64_GEN */

struct handle {
    uint64_t ino;
    uint32_t dev;
};
enum { HANDLE_BYTES = 12 }; /* without padding */

void handle_of(const struct path *p, struct handle *out);
/* The file of h on m's file system; *out is counted. -ESTALE. */
int handle_find(struct mount *m, const struct handle *h, struct path *out);

#endif
