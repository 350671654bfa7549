/* SPDX-License-Identifier: MIT
 *
 * Files whose inode only names something else: devices and FIFOs, on whatever
 * file system they stand. And what file.c and its neighbours share.
 */
#ifndef KERNEL_FS_SPECIAL_H
#define KERNEL_FS_SPECIAL_H

#include "kernel/fs/file.h"

/* Opens f by its inode's type: a device by number, a FIFO. -ENXIO. */
int special_open(struct file *f);

/* fifo(7); may wait for the other end: -ERESTARTSYS. (pipe.c) */
int fifo_open(struct file *f);
/* pipe2(2): two files with one reference each. */
int pipe_open(uint32_t flags, struct file **reader, struct file **writer);

/* The driver of a character device; NULL: none. (devices.c) */
const struct file_ops *device_ops(uint64_t rdev);

/* vm_object operations of a file on the page cache (mapping.c). */
extern const struct vm_object_ops file_object_ops, file_shared_ops;
/* The file that is mapped, borrowed; NULL: it is none. */
struct file *mapping_file(struct vm_object *o);

/* Bytes [off, end) of inode's content are not what they were, or not there: no
 * private mapping shows whole pages of them any more (mm_withdraw). No lock of
 * an inode is held. */
void mappings_withdraw(struct inode *inode, uint64_t off, uint64_t end,
                       bool written_too);

/* Nobody may open f's inode for writing while f lives. -ETXTBSY. */
int file_deny_write(struct file *f);
/* f, which writes, does not keep the file from being executed. */
void file_forget_writer(struct file *f);

#endif
