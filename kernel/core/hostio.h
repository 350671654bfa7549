/* SPDX-License-Identifier: MIT
 *
 * Host I/O: operations on host descriptors through the target's rings. Each
 * call blocks the current task (never the vCPU) until the host completes it.
 *
 * Trust: a completion's user_data must name a live request, its result must
 * fit what was asked (0..len or a valid -errno), else host_lied(). Payloads
 * pass through bounce buffers and are copied once. What the bytes mean is the
 * caller's to distrust: names, sizes and content from the host are untrusted.
 *
 * All return >= 0 or -errno.
 */
#ifndef KERNEL_CORE_HOSTIO_H
#define KERNEL_CORE_HOSTIO_H

#include "lib/types.h"

/* Sets up rings and the completion poller; called once, by a task. */
int hostio_init(void);

struct boot_info;
/* What of it hostio_read_pages() can do without. */
void hostio_pages_init(const struct boot_info *info);

/* The target's boot_info.host_reads_memory. */
void hostio_reads_memory(bool yes);

/* pread/pwrite semantics; off -1: the current position (streams). May do
 * less than len, as the host does; len is clamped to what fits a buffer. */
int64_t hostio_read(int fd, void *buf, size_t len, int64_t off);
int64_t hostio_write(int fd, const void *buf, size_t len, int64_t off);

/* As hostio_read(), into count pages of 4096 bytes that need not adjoin. */
int64_t hostio_read_pages(int fd, void *const pages[], unsigned count,
                          int64_t off);
/* These are about to be written to: where they lie in a row in memory that can
 * be shown, they come to be in one step. */
void hostio_pages_due(void *const pages[], unsigned count);

int hostio_openat(int dirfd, const char *path, int flags, uint32_t mode);
int hostio_close(int fd);
int hostio_fsync(int fd);
/* lseek(2); of the new offset only the low 31 bits. */
int64_t hostio_lseek(int fd, int64_t off, int whence);

/* statx(2) with struct statx of abi/linux/stat.h (256 bytes, copied). */
int hostio_statx(int dirfd, const char *path, int flags, uint32_t mask,
                 void *statx);

/* getdents64(2) from directory offset off: whole records, validated to lie
 * inside the returned length and NUL-terminated. */
int64_t hostio_getdents(int fd, int64_t off, void *buf, size_t len);
int64_t hostio_readlink(int dirfd, const char *path, char *buf, size_t len);
int hostio_ioctl(int fd, uint32_t cmd, void *arg, size_t in, size_t out);

/* ---- hostio_names.c: below a directory ----
 * A path is resolved without following links, and never leads out of dirfd. An
 * empty one is the descriptor itself where that makes sense. */

/* openat2(2); flags and mode as openat(2) has them. */
int hostio_open_below(int dirfd, const char *path, int flags, uint32_t mode);
/* As hostio_statx(); 1: it has extended attributes. */
int hostio_statx_below(int dirfd, const char *path, int flags, uint32_t mask,
                       void *statx);
/* A directory, FIFO or socket, by mode's S_IFMT. */
int hostio_make(int dirfd, const char *path, uint32_t mode);
int hostio_symlink(int dirfd, const char *path, const char *text);
int hostio_link(int dirfd, const char *from, const char *to);
/* A name for an open file (O_TMPFILE). */
int hostio_link_file(int dirfd, int fd, const char *to);
int hostio_unlink(int dirfd, const char *path, int flags);
int hostio_rename(int dirfd, const char *from, const char *to, unsigned flags);
int hostio_chmod(int dirfd, const char *path, uint32_t mode);
int hostio_chown(int dirfd, const char *path, uint32_t uid, uint32_t gid);
/* utimensat(2): seconds, and nanoseconds or UTIME_OMIT. */
struct host_times {
    int64_t atime, atime_ns, mtime, mtime_ns;
};
int hostio_utimes(int dirfd, const char *path, const struct host_times *times);
int hostio_truncate(int fd, uint64_t size);
int hostio_fallocate(int fd, int mode, uint64_t off, uint64_t len);
struct linux_statfs;
int hostio_statfs(int fd, struct linux_statfs *out);

/* ---- hostio_attrs.c ---- */

/* As getxattr(2), listxattr(2): how many bytes; len 0 only asks. */
int64_t hostio_getxattr(int dirfd, const char *path, const char *name,
                        void *buf, size_t len);
int64_t hostio_listxattr(int dirfd, const char *path, char *buf, size_t len);
/* value NULL removes. */
int hostio_setxattr(int dirfd, const char *path, const char *name,
                    const void *value, size_t len, int flags);
/* lseek(2) with an offset of any size. */
int hostio_seek(int fd, int64_t *off, int whence);
/* A lock of fd's open file against the host's processes, without waiting
 * (F_OFD_SETLK, F_OFD_GETLK, flock(2)). */
struct flock64;
int hostio_lock(int fd, bool test, struct flock64 *lock);
int hostio_flock(int fd, int operation);

/* Waits until fd is ready for one of events (poll bits); returns the bits.
 * Interruptible: -EINTR. */
int hostio_poll(int fd, uint32_t events);

struct hostio_stats {
    uint64_t operations, bytes_in, bytes_out, submits;
};
void hostio_get_stats(struct hostio_stats *out);

#endif
