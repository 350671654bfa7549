/* SPDX-License-Identifier: MIT
 *
 * Structures that grow with Linux: a program says how long its own is.
 */
#ifndef KERNEL_MM_USER_STRUCT_H
#define KERNEL_MM_USER_STRUCT_H

#include "lib/types.h"

/* Takes `size` bytes at from into the `known` ones of `to`. What the program's
 * has beyond ours must be zero, -E2BIG; what ours has beyond becomes zero.
 * -EFAULT. */
int user_struct_get(void *to, size_t known, struct uptr from, uint64_t size);

#endif
