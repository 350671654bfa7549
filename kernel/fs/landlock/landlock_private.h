/* SPDX-License-Identifier: MIT
 *
 * Between landlock.c and ruleset.c.
 */
#ifndef KERNEL_FS_LANDLOCK_PRIVATE_H
#define KERNEL_FS_LANDLOCK_PRIVATE_H

#include "kernel/fs/landlock/landlock.h"

struct rule {
    uint64_t key; /* the inode's address, or a port: below all addresses */
    uint64_t access;
    struct inode *inode; /* counted; NULL: of a port */
};

/* The newest layer, and those under it. */
struct landlock {
    uint32_t refs;          /* atomic */
    unsigned depth;         /* layers in all */
    struct landlock *under; /* counted, or NULL */
    uint64_t fs, net;       /* accesses that this layer handles */
    uint64_t scoped;        /* LANDLOCK_SCOPE_* */
    unsigned count;
    struct rule rules[]; /* by key */
};

#endif
