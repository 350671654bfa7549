/* SPDX-License-Identifier: MIT
 *
 * A small world for tests of the VFS: one task, one process, root on a tmpfs
 * or on an overlay over a tree made by the test. Calls are the rooms' own, with
 * kernel buffers, under short names; they return what the room returned.
 */
#ifndef KERNEL_FS_TESTS_SUPPORT_H
#define KERNEL_FS_TESTS_SUPPORT_H

#include "kernel/fs/file.h"
#include "kernel/fs/path.h"
#include "kernel/fs/vfs.h"
#include "lib/tests/unit.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"

/* Once, first: an empty tmpfs as root. */
void world_start(void);
/* Mounts an overlay at /m (made if missing), over what `fill` has put into
 * its lower, with a fresh upper. Everything below /m is then the overlay's. */
void world_overlay(void (*fill)(void));
/* Unmounts it; the dentry cache forgets it. */
void world_overlay_end(void);

/* Who the one process is. Root in the beginning. */
void be_user(uint32_t uid, uint32_t gid);
void be_root(void);

/* The last signal that files sent; 0 after asking. */
int last_signal(void);

/* A pending signal ends the next wait. */
void interrupt(bool on);

int t_open(const char *path, uint32_t flags); /* mode 0644 */
int t_open_mode(const char *path, uint32_t flags, uint32_t mode);
struct file *t_file(int fd); /* borrowed */
long t_read(int fd, void *buf, size_t len);
long t_write(int fd, const void *buf, size_t len);
long t_pread(int fd, void *buf, size_t len, uint64_t off);
long t_pwrite(int fd, const void *buf, size_t len, uint64_t off);
int64_t t_seek(int fd, int64_t off, int whence);
int t_truncate(int fd, uint64_t size);
int t_fallocate(int fd, int mode, uint64_t off, uint64_t len);
int t_mkdir(const char *path);
int t_mknod(const char *path, uint32_t mode, uint64_t rdev);
int t_symlink(const char *target, const char *path);
int t_link(const char *from, const char *to);
int t_unlink(const char *path);
int t_rmdir(const char *path);
int t_rename(const char *from, const char *to, unsigned flags);
int t_chmod(const char *path, uint32_t mode);
int t_chdir(const char *path);
int t_setxattr(const char *path, const char *name, const char *value);
int t_stat(const char *path, struct inode_stat *st); /* follows */
int t_lstat(const char *path, struct inode_stat *st);
bool t_exists(const char *path);
/* Makes a file with this text. */
int t_put(const char *path, const char *text);
/* The text of a file, in a static buffer; "-errno" when it fails. */
const char *t_text(const char *path);
/* The names in a directory, sorted, joined by blanks; static buffer. */
const char *t_list(const char *path);
/* What readlink of /proc/self/fd would say. */
const char *t_path(int fd);

#endif
