/* SPDX-License-Identifier: MIT
 *
 * Files, as the rest of the kernel sees them. The VFS proper (inodes,
 * dentries, mounts, ops tables for leaves) is in vfs.h; this header is what
 * proc/, mm's users and boot need.
 */
#ifndef KERNEL_FS_FS_H
#define KERNEL_FS_FS_H

#include "lib/types.h"
#include "kernel/kernel.h"
#include "kernel/mm/mm.h"

struct file;    /* an open file description; counted */
struct files;   /* a descriptor table; counted, shared by CLONE_FILES */
struct fs_view; /* root, cwd, umask; counted, shared by CLONE_FS */

/* Who asks: filled by the caller from its credentials. */
struct fs_cred {
    uint32_t uid, gid; /* file-system ids */
    uint32_t group_count;
    const uint32_t *groups;
    uint64_t caps; /* effective capability bits */
};
/* Of the current task. Defined in proc/cred.c. */
void fs_current_cred(struct fs_cred *out);
/* The same with its real ids, and the capabilities that these would have. */
void fs_real_cred(struct fs_cred *out);

/* ---- boot ---- */

/* Mounts the root that info names (overlay of a tmpfs upper over the image or
 * host tree), then /proc, /dev, /sys, /tmp as they are missing. */
int fs_init(const struct boot_info *info);

/* The first view: root, cwd = info->cwd (or / when it does not exist), and
 * the first table: 0, 1, 2 = the console. */
int fs_first(const struct boot_info *info, struct fs_view **view,
             struct files **files);

/* What is to go to the host does (sync(2), and when the instance ends). */
void fs_sync(void);

struct boot_info;
/* The end: leaves the next run of the same image what this one brought in, if
 * that is worth it (mm/stock.h). */
void stock_save(const struct boot_info *info);

/* ---- descriptor tables ---- */

int files_copy(struct files *from, struct files **out); /* fork */
void files_get(struct files *f);
void files_put(struct files *f); /* the last one closes all; may block */
void files_close_on_exec(struct files *f);
/* CLONE_FILES sharers: for unshare at exec. */
unsigned files_refs(struct files *f);

/* Of the current task (current_thread()->files, proc/proc.h). A reference. */
int file_get(int fd, struct file **out); /* -EBADF */
void file_ref(struct file *f);
void file_put(struct file *f);
/* Installs f (takes the reference) at the lowest free fd >= min; -EMFILE. */
int fd_install(struct file *f, int min, bool cloexec);

/* ---- views ---- */

int view_copy(struct fs_view *from, struct fs_view **out);
void view_get(struct fs_view *v);
void view_put(struct fs_view *v);

/* ---- files, for exec and others inside the kernel ---- */

/* Opens path (from the current view; dirfd as openat(2)) for execution:
 * regular file, execute permission: -EACCES, -ENOENT, -ENOEXEC... */
int file_open_exec(int dirfd, const char *path, int flags, struct file **out);

/* The absolute path of f as the current view sees it; returns its length. */
int file_path(struct file *f, char *buf, size_t len);

/* pread into kernel memory; may be short at the end. */
long file_pread_kernel(struct file *f, void *buf, size_t len, uint64_t off);
uint64_t file_size(struct file *f);

/* What mmap maps; borrowed from f. -ENODEV when it cannot be mapped, -EACCES
 * by the file's mode and mmap(2)'s rules for prot and flags. */
int file_object(struct file *f, int prot, int flags, struct vm_object **out);
/* Whether f lies where nothing is executed (MS_NOEXEC). */
bool file_is_no_program(const struct file *f);

/* Before a MAP_SHARED mapping of f that reaches to byte `end`, with no lock
 * held: makes room for it (mm.h, windows). -ENOMEM. */
int file_share(struct file *f, uint64_t end);

/* setuid bits and owner, for exec. */
void file_owner(struct file *f, uint32_t *mode, uint32_t *uid, uint32_t *gid);
/* Its attribute security.capability, the length: 0, none, or none that counts
 * on this mount. */
long file_capabilities(struct file *f, void *buf, size_t len);
/* Whether the current task may read it. */
bool file_is_readable(struct file *f);

/* The same for all open files of one content, and for no two that are alive. */
const void *file_content(struct file *f);

#endif
