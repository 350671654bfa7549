/* SPDX-License-Identifier: MIT
 *
 * The boundary between kernel and host, as both sides see it: ring entries and
 * the operations that io_uring does not have. Layouts are io_uring's own
 * (io_uring_enter(2), <linux/io_uring.h>'s ABI), written down here because the
 * kernel includes no host header.
 */
#ifndef ABI_BOUNDARY_H
#define ABI_BOUNDARY_H

#include <assert.h>
#include <stdint.h>

struct ring_sqe {
    uint8_t opcode;
    uint8_t flags;
    uint16_t ioprio;
    int32_t fd;
    uint64_t off; /* or addr2 */
    uint64_t addr;
    uint32_t len;
    uint32_t op_flags; /* rw_flags, open_flags, statx_flags, poll32_events */
    uint64_t user_data;
    uint16_t buf_index;
    uint16_t personality;
    int32_t file_index;
    uint64_t addr3;
    uint64_t pad;
};
static_assert(sizeof(struct ring_sqe) == 64, "io_uring SQE");

struct ring_cqe {
    uint64_t user_data;
    int32_t res;
    uint32_t flags;
};
static_assert(sizeof(struct ring_cqe) == 16, "io_uring CQE");

/* io_uring's opcodes that the kernel uses (ring 0). */
enum {
    RINGOP_NOP = 0,
    RINGOP_READV = 1,
    RINGOP_WRITEV = 2,
    RINGOP_FSYNC = 3,
    RINGOP_POLL_ADD = 6,
    RINGOP_POLL_REMOVE = 7,
    RINGOP_SENDMSG = 9,
    RINGOP_RECVMSG = 10,
    RINGOP_ACCEPT = 13,
    RINGOP_ASYNC_CANCEL = 14,
    RINGOP_CONNECT = 16,
    RINGOP_FALLOCATE = 17,
    RINGOP_OPENAT = 18,
    RINGOP_CLOSE = 19,
    RINGOP_STATX = 21,
    RINGOP_READ = 22,
    RINGOP_WRITE = 23,
    RINGOP_SEND = 26,
    RINGOP_RECV = 27,
    RINGOP_OPENAT2 = 28,
    RINGOP_SHUTDOWN = 34,
};

/* In a ring's sq_flags: something is ready, and will be completed when the vCPU
 * that submitted it enters the host's kernel (IORING_SQ_TASKRUN). */
enum { RING_READY = 4 };
/* There, too, but not io_uring's: requests wait, and what is ready of them is
 * only seen when the vCPU that submitted them comes to the host. */
enum { RING_WAITS = 8 };

/* ioprio of RINGOP_RECV: nothing is there now, wait first (a hint); receive
 * again and again, each time with a completion, until it says otherwise. */
enum { RINGOP_POLL_FIRST = 1, RINGOP_MULTISHOT = 2 };

/* flags of an entry: the host takes a buffer of those provided, when it has
 * something to put there. */
enum { RING_SELECTS = 1 << 5 };

/* flags of a completion: the number of the buffer that was taken is in the
 * upper half; the request goes on. */
enum { RING_BUFFER = 1, RING_MORE = 2, RING_BUFFER_SHIFT = 16 };

/* A buffer that is provided (struct io_uring_buf). The tail of all of them is
 * in the last two bytes of the first. */
struct ring_buffer {
    uint64_t addr;
    uint32_t len;
    uint16_t number;
    uint16_t tail;
};
static_assert(sizeof(struct ring_buffer) == 16, "struct io_uring_buf");

/* Ring 1: operations that io_uring lacks. Same entry; fd, addr, len, off and
 * op_flags mean what the system call of that name takes. */
enum {
    HOSTOP_GETDENTS = 1, /* getdents64(fd, addr, len) after lseek(fd, off) */
    HOSTOP_READLINK = 2, /* readlinkat(fd, addr, off = buffer, len) */
    HOSTOP_IOCTL = 3,    /* ioctl(fd, op_flags, addr) */
    HOSTOP_STATFS = 4,   /* fstatfs(fd, addr) */
    HOSTOP_LSEEK = 5,    /* lseek(fd, off, op_flags), result low 31 bits */
    HOSTOP_TRUNCATE = 6, /* ftruncate(fd, off) */
    HOSTOP_SEEK = 7,     /* lseek(fd, *addr, op_flags), the offset to *addr */
    HOSTOP_LOCK = 8,  /* fcntl(fd, op_flags, addr), F_OFD_* that do not wait */
    HOSTOP_FLOCK = 9, /* flock(fd, op_flags | LOCK_NB) */
    /* Names below the directory fd; addr is the path. No link on the way is
     * followed, nor one in its last place. An empty path: fd itself. */
    HOSTOP_STATX = 16,       /* statx(fd, addr, op_flags, len, off = buffer):
                                1 if it has extended attributes */
    HOSTOP_MKDIR = 17,       /* mkdirat(fd, addr, op_flags) */
    HOSTOP_MKNOD = 18,       /* mknodat(fd, addr, op_flags, 0) */
    HOSTOP_SYMLINK = 19,     /* symlinkat(off = text, fd, addr) */
    HOSTOP_LINK = 20,        /* linkat(fd, addr, fd, off = path, 0) */
    HOSTOP_UNLINK = 21,      /* unlinkat(fd, addr, op_flags) */
    HOSTOP_RENAME = 22,      /* renameat2(fd, addr, fd, off = path, op_flags) */
    HOSTOP_CHMOD = 23,       /* fchmodat(fd, addr, op_flags) */
    HOSTOP_CHOWN = 24,       /* fchownat(fd, addr, op_flags, len) */
    HOSTOP_UTIMES = 25,      /* utimensat(fd, addr, off = two timespecs) */
    HOSTOP_GETXATTR = 26,    /* lgetxattr(fd/addr, name, off, len); the name is
                                HOSTOP_NAME_AT behind the path */
    HOSTOP_SETXATTR = 27,    /* likewise, and op_flags */
    HOSTOP_LISTXATTR = 28,   /* llistxattr(fd/addr, off, len) */
    HOSTOP_REMOVEXATTR = 29, /* lremovexattr(fd/addr, name) */
    HOSTOP_LINK_FILE = 30,   /* linkat(len = a descriptor, "", fd, addr) */
    /* io_uring has some of these since Linux 5.19 to 6.11; not worth two ways
     * of doing what a connection does once. */
    HOSTOP_SOCKET = 32,     /* socket(fd = family, op_flags = type, len) */
    HOSTOP_BIND = 33,       /* bind(fd, addr, len) */
    HOSTOP_LISTEN = 34,     /* listen(fd, len) */
    HOSTOP_SOCKNAME = 35,   /* getsockname(fd, addr, len); result its length */
    HOSTOP_PEERNAME = 36,   /* getpeername, likewise */
    HOSTOP_SETSOCKOPT = 37, /* setsockopt(fd, op_flags, off, addr, len) */
    HOSTOP_GETSOCKOPT = 38, /* getsockopt, likewise; result the length */
    HOSTOP_SHUTDOWN = 39,   /* shutdown(fd, len) */
};

enum { HOSTOP_NAME_AT = 4096 };

#endif
