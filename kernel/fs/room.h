/* SPDX-License-Identifier: MIT
 *
 * What init.c calls once, before anything else of this room is used.
 */
#ifndef KERNEL_FS_ROOM_H
#define KERNEL_FS_ROOM_H

void dcache_init(void);
void rename_init(void);
void anon_init(void);
void memfd_init(void);
void epoll_init(void);

/* nsfs.c: of files that ns_path() leads to. */
extern const struct file_ops ns_file_ops;

#endif
