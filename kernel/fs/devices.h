/* SPDX-License-Identifier: MIT
 *
 * The character devices there are: one row each. devfs makes a node of every
 * row; nodes elsewhere find theirs by number.
 */
#ifndef KERNEL_FS_DEVICES_H
#define KERNEL_FS_DEVICES_H

#include "kernel/fs/file.h"

struct device {
    const char *name; /* in /dev; NULL ends the table */
    uint32_t major, minor, mode;
    const struct file_ops *ops;
};
extern const struct device devices[];

#endif
