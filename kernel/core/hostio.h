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

/* pread/pwrite semantics; off -1: the current position (streams). May do
 * less than len, as the host does; len is clamped to what fits a buffer. */
int64_t hostio_read(int fd, void *buf, size_t len, int64_t off);
int64_t hostio_write(int fd, const void *buf, size_t len, int64_t off);

/* As hostio_read(), into count pages of 4096 bytes that need not adjoin. */
int64_t hostio_read_pages(int fd, void *const pages[], unsigned count,
                          int64_t off);

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

/* Waits until fd is ready for one of events (poll bits); returns the bits.
 * Interruptible: -EINTR. */
int hostio_poll(int fd, uint32_t events);

struct hostio_stats {
    uint64_t operations, bytes_in, bytes_out, submits;
};
void hostio_get_stats(struct hostio_stats *out);

#endif
