/* SPDX-License-Identifier: MIT
 *
 * ioctl(2)'s way to the flags of inodes (sys_fileattr.c).
 */
#ifndef KERNEL_SYS_FILEATTR_H
#define KERNEL_SYS_FILEATTR_H

#include "kernel/mm/uaccess.h"

struct file;
/* FS_IOC_GETFLAGS, SETFLAGS, FSGETXATTR and FSSETXATTR. */
long fileattr_ioctl(struct file *f, uint32_t cmd, struct uptr arg);

#endif
