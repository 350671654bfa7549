/* SPDX-License-Identifier: MIT
 *
 * Every call that takes a descriptor, with every kind of descriptor, and with
 * bad lengths, offsets, flags and pointers. The table has a row a call; a line
 * of output has a word a kind.
 */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <termios.h>
#include "tests/guest/show.h"

/* What newer and older Linux say differently is left out. */
enum kind {
    NONE,
    CLOSED,
    READER,
    WRITER,
    BOTH,
    APPENDER,
    DIRECTORY,
    PATH,
    PIPE_OUT,
    PIPE_IN,
    SOCKET,
    PAIR,
    DATAGRAM,
    EVENT,
    EPOLL,
    TIMER,
    WATCHER,
    MEMORY,
    SIGNALS,
    ZERO,
    KINDS
};
static const char *const kind_names[] = {
    "none",     "closed",    "reader",   "writer",   "both",
    "appender", "directory", "path",     "pipe-out", "pipe-in",
    "socket",   "pair",      "datagram", "event",    "epoll",
    "timer",    "watcher",   "memory",   "signals",  "null"};

static char buf[8192];
static struct iovec iov[2] = {{buf, 2}, {buf + 8, 2}};
static struct iovec bad_iov[2] = {{buf, -1L}, {buf, 1}};
static struct iovec fault_iov[1] = {{BAD, 4}};
static struct epoll_event event = {.events = EPOLLIN};
static struct itimerspec spec, bad_spec = {{0, 0}, {0, 2000000000}};
static struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 1};
static struct mmsghdr mmsg;
static struct flock lock = {.l_type = F_WRLCK};
static struct flock bad_lock = {.l_type = 77};
static struct sockaddr_un name = {AF_UNIX, "/tmp/no-such-socket"};
static socklen_t len;
static sigset_t set;
static long off, bad_off;
static enum kind kind_now;
static int peer = -1, data, out, in, poller, null;

static int open_kind(enum kind kind)
{
    int fds[2] = {-1, -1};

    peer = -1;
    kind_now = kind;
    switch (kind) {
    case NONE:
        return -1;
    case CLOSED:
        return 60;
    case READER:
        return open("/tmp/errors-file", O_RDONLY);
    case WRITER:
        return open("/tmp/errors-file", O_WRONLY);
    case BOTH:
        return open("/tmp/errors-file", O_RDWR);
    case APPENDER:
        return open("/tmp/errors-file", O_RDWR | O_APPEND);
    case DIRECTORY:
        return open("/tmp/errors-dir", O_RDONLY | O_DIRECTORY);
    case PATH:
        return open("/tmp/errors-file", O_PATH);
    case PIPE_OUT:
        pipe2(fds, O_NONBLOCK);
        peer = fds[1];
        return fds[0];
    case PIPE_IN:
        pipe2(fds, O_NONBLOCK);
        peer = fds[0];
        return fds[1];
    case SOCKET:
        return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    case PAIR:
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds);
        peer = fds[1];
        return fds[0];
    case DATAGRAM:
        socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds);
        peer = fds[1];
        return fds[0];
    case EVENT:
        return eventfd(0, EFD_NONBLOCK);
    case EPOLL:
        return epoll_create1(0);
    case TIMER:
        return timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    case WATCHER:
        return inotify_init1(IN_NONBLOCK);
    case MEMORY:
        return memfd_create("errors", MFD_ALLOW_SEALING);
    case SIGNALS:
        return signalfd(-1, &set, SFD_NONBLOCK);
    case ZERO:
        return open("/dev/null", O_RDWR);
    default:
        return -1;
    }
}

static long closes(long fd)
{
    if (fd >= 0) {
        close((int)fd);
        fd = 0;
    }
    return fd;
}

static long revents(int fd)
{
    struct pollfd p = {fd, POLLIN | POLLOUT | POLLPRI, 0};
    long n = RAW(poll, &p, 1L, 0);

    return n < 0 ? n : p.revents;
}

static long selects(int fd)
{
    fd_set r, w;

    if (fd < 0) {
        return RAW(select, -1, NULL, NULL, NULL, NULL);
    }
    if (kind_now == PATH) { /* older Linux differs */
        return 0;
    }
    FD_ZERO(&r);
    FD_ZERO(&w);
    FD_SET(fd, &r);
    FD_SET(fd, &w);
    return RAW(select, fd + 1, &r, &w, NULL, &(struct timeval){0, 0});
}

#define ROWS(R)                                                                \
    R(read, RAW(read, f, buf, 4L))                                             \
    R(read_nothing, RAW(read, f, buf, 0L))                                     \
    R(read_fault, RAW(read, f, BAD, 8L))                                       \
    R(write, RAW(write, f, buf, 4L))                                           \
    R(write_nothing, RAW(write, f, buf, 0L))                                   \
    R(write_fault, RAW(write, f, BAD, 8L))                                     \
    R(pread, RAW(pread64, f, buf, 4L, 1L))                                     \
    R(pread_negative, RAW(pread64, f, buf, 4L, -1L))                           \
    R(pwrite, RAW(pwrite64, f, buf, 4L, 1L))                                   \
    R(pwrite_negative, RAW(pwrite64, f, buf, 4L, -1L))                         \
    R(readv, RAW(readv, f, iov, 2L))                                           \
    R(readv_none, RAW(readv, f, iov, 0L))                                      \
    R(readv_many, RAW(readv, f, iov, 1025L))                                   \
    R(readv_negative, RAW(readv, f, iov, -1L))                                 \
    R(readv_length, RAW(readv, f, bad_iov, 2L))                                \
    R(readv_fault, RAW(readv, f, BAD, 1L))                                     \
    R(readv_base, RAW(readv, f, fault_iov, 1L))                                \
    R(writev, RAW(writev, f, iov, 2L))                                         \
    R(writev_many, RAW(writev, f, iov, 1025L))                                 \
    R(writev_length, RAW(writev, f, bad_iov, 2L))                              \
    R(writev_fault, RAW(writev, f, BAD, 1L))                                   \
    R(writev_base, RAW(writev, f, fault_iov, 1L))                              \
    R(preadv, RAW(preadv, f, iov, 2L, 1L, 0L))                                 \
    R(preadv_negative, RAW(preadv, f, iov, 2L, -1L, -1L))                      \
    R(pwritev, RAW(pwritev, f, iov, 2L, 1L, 0L))                               \
    R(pwritev_negative, RAW(pwritev, f, iov, 2L, -5L, -1L))                    \
    R(preadv2, RAW(preadv2, f, iov, 2L, 0L, 0L, 0))                            \
    R(preadv2_flag, RAW(preadv2, f, iov, 2L, 0L, 0L, 0x40000000))              \
    R(pwritev2, RAW(pwritev2, f, iov, 2L, 0L, 0L, 0))                          \
    R(pwritev2_flag, RAW(pwritev2, f, iov, 2L, 0L, 0L, 0x40000000))            \
    R(lseek, RAW(lseek, f, 1L, SEEK_SET))                                      \
    R(lseek_negative, RAW(lseek, f, -1L, SEEK_SET))                            \
    R(lseek_whence, RAW(lseek, f, 0L, 99))                                     \
    R(lseek_data, RAW(lseek, f, 0L, SEEK_DATA))                                \
    R(lseek_hole, RAW(lseek, f, 1000L, SEEK_HOLE))                             \
    R(fstat, RAW(fstat, f, buf))                                               \
    R(fstat_fault, RAW(fstat, f, BAD))                                         \
    R(newfstatat, RAW(newfstatat, f, "", buf, AT_EMPTY_PATH))                  \
    R(newfstatat_name, RAW(newfstatat, f, "errors-file", buf, 0))              \
    R(statx, RAW(statx, f, "", AT_EMPTY_PATH, STATX_TYPE, buf))                \
    R(fstatfs_fault, RAW(fstatfs, f, BAD))                                     \
    R(fchmod, RAW(fchmod, f, 0644))                                            \
    R(fchown, RAW(fchown, f, -1, -1))                                          \
    R(ftruncate, RAW(ftruncate, f, 3L))                                        \
    R(ftruncate_negative, RAW(ftruncate, f, -1L))                              \
    R(fsync, RAW(fsync, f))                                                    \
    R(fdatasync, RAW(fdatasync, f))                                            \
    R(syncfs, RAW(syncfs, f))                                                  \
    R(sync_file_range, RAW(sync_file_range, f, 0L, 0L, 0))                     \
    R(sync_file_range_flag, RAW(sync_file_range, f, 0L, 0L, 64))               \
    R(sync_file_range_negative, RAW(sync_file_range, f, -1L, 1L, 0))           \
    R(fallocate, RAW(fallocate, f, 0, 0L, 4L))                                 \
    R(fallocate_mode, RAW(fallocate, f, 0x4000, 0L, 4L))                       \
    R(fallocate_length, RAW(fallocate, f, 0, 0L, 0L))                          \
    R(fallocate_negative, RAW(fallocate, f, 0, -1L, 4L))                       \
    R(readahead, RAW(readahead, f, 0L, 4096L))                                 \
    R(fadvise, RAW(fadvise64, f, 0L, 0L, POSIX_FADV_WILLNEED))                 \
    R(fadvise_advice, RAW(fadvise64, f, 0L, 0L, 99))                           \
    R(fadvise_length, RAW(fadvise64, f, 0L, -1L, 0))                           \
    R(flock, RAW(flock, f, LOCK_SH | LOCK_NB))                                 \
    R(flock_none, RAW(flock, f, 0))                                            \
    R(flock_flag, RAW(flock, f, 64))                                           \
    R(getfl, RAW(fcntl, f, F_GETFL) & 07777)                                   \
    R(getfd, RAW(fcntl, f, F_GETFD))                                           \
    R(setfd, RAW(fcntl, f, F_SETFD, 1))                                        \
    R(setfl, RAW(fcntl, f, F_SETFL, O_NONBLOCK))                               \
    R(dupfd_negative, RAW(fcntl, f, F_DUPFD, -1L))                             \
    R(dupfd_limit, RAW(fcntl, f, F_DUPFD, 1L << 30))                           \
    R(getlk, RAW(fcntl, f, F_GETLK, &lock))                                    \
    R(getlk_type, RAW(fcntl, f, F_GETLK, &bad_lock))                           \
    R(getlk_fault, RAW(fcntl, f, F_GETLK, BAD))                                \
    R(setlk, RAW(fcntl, f, F_SETLK, &lock))                                    \
    R(setlk_type, RAW(fcntl, f, F_SETLK, &bad_lock))                           \
    R(setlk_fault, RAW(fcntl, f, F_SETLK, BAD))                                \
    R(ofd_setlk, RAW(fcntl, f, F_OFD_SETLK, &lock))                            \
    R(pipe_size, RAW(fcntl, f, F_GETPIPE_SZ))                                  \
    R(set_pipe_size, RAW(fcntl, f, F_SETPIPE_SZ, 4096))                        \
    R(seals, RAW(fcntl, f, F_GET_SEALS))                                       \
    R(add_seals, RAW(fcntl, f, F_ADD_SEALS, 0x4000))                           \
    R(getown, RAW(fcntl, f, F_GETOWN))                                         \
    R(setsig, RAW(fcntl, f, F_SETSIG, 99))                                     \
    R(getlease, RAW(fcntl, f, F_GETLEASE))                                     \
    R(setlease, RAW(fcntl, f, F_SETLEASE, 99))                                 \
    R(fcntl_command, RAW(fcntl, f, 9999))                                      \
    R(getdents64, RAW(getdents64, f, buf, 1L))                                 \
    R(getdents, RAW(getdents, f, buf, 1L))                                     \
    R(ioctl_nbio_fault, RAW(ioctl, f, FIONBIO, BAD))                           \
    R(ioctl_tcgets, kind_now == EPOLL ? 0 : RAW(ioctl, f, TCGETS, buf))        \
    R(ioctl_cloexec, RAW(ioctl, f, FIOCLEX))                                   \
    R(ioctl_command, kind_now == EPOLL ? 0 : RAW(ioctl, f, 0x12345678))        \
    R(dup, closes(RAW(dup, f)))                                                \
    R(dup2_limit, RAW(dup2, f, 1 << 30))                                       \
    R(dup2_negative, RAW(dup2, f, -1))                                         \
    R(dup3_same, RAW(dup3, f, f, 0))                                           \
    R(dup3_flag, RAW(dup3, f, 901, 1))                                         \
    R(fchdir, RAW(fchdir, f))                                                  \
    R(openat, closes(RAW(openat, f, "errors-file", O_RDONLY)))                 \
    R(mkdirat, RAW(mkdirat, f, "errors-file", 0700))                           \
    R(unlinkat, RAW(unlinkat, f, "no-such-file", 0))                           \
    R(readlinkat, RAW(readlinkat, f, "", buf, 10L))                            \
    R(symlinkat, RAW(symlinkat, "x", f, "errors-file"))                        \
    R(linkat, RAW(linkat, f, "errors-file", f, "errors-file", 0))              \
    R(renameat, RAW(renameat, f, "no-such-file", f, "other"))                  \
    R(mknodat, RAW(mknodat, f, "errors-file", S_IFREG, 0))                     \
    R(faccessat, RAW(faccessat, f, "errors-file", R_OK))                       \
    R(fchmodat, RAW(fchmodat, f, "errors-file", 0644))                         \
    R(fchownat, RAW(fchownat, f, "", -1, -1, AT_EMPTY_PATH))                   \
    R(utimensat, RAW(utimensat, f, NULL, NULL, 0))                             \
    R(utimensat_fault, RAW(utimensat, f, NULL, BAD, 0))                        \
    R(futimesat, RAW(futimesat, f, NULL, NULL))                                \
    R(fgetxattr, RAW(fgetxattr, f, "trusted.none", buf, 10L))                  \
    R(fsetxattr_flag, RAW(fsetxattr, f, "trusted.x", "v", 1L, 8))              \
    R(fremovexattr, RAW(fremovexattr, f, "trusted.none"))                      \
    R(epoll_ctl_on, RAW(epoll_ctl, f, EPOLL_CTL_ADD, null, &event))            \
    R(epoll_ctl_add, RAW(epoll_ctl, poller, EPOLL_CTL_ADD, f, &event))         \
    R(epoll_ctl_mod, RAW(epoll_ctl, poller, EPOLL_CTL_MOD, f, &event))         \
    R(epoll_ctl_del, RAW(epoll_ctl, poller, EPOLL_CTL_DEL, f, NULL))           \
    R(epoll_ctl_op, RAW(epoll_ctl, poller, 9, f, &event))                      \
    R(epoll_ctl_fault, RAW(epoll_ctl, poller, EPOLL_CTL_ADD, f, BAD))          \
    R(epoll_wait, RAW(epoll_wait, f, buf, 1, 0))                               \
    R(epoll_pwait, RAW(epoll_pwait, f, buf, 1, 0, &set, 3L))                   \
    R(poll, revents(f))                                                        \
    R(select, selects(f))                                                      \
    R(timerfd_settime, RAW(timerfd_settime, f, 0, &spec, NULL))                \
    R(timerfd_settime_flag, RAW(timerfd_settime, f, 64, &spec, NULL))          \
    R(timerfd_settime_nsec, RAW(timerfd_settime, f, 0, &bad_spec, NULL))       \
    R(timerfd_settime_fault, RAW(timerfd_settime, f, 0, BAD, NULL))            \
    R(timerfd_gettime, RAW(timerfd_gettime, f, buf))                           \
    R(timerfd_gettime_fault, RAW(timerfd_gettime, f, BAD))                     \
    R(signalfd4, RAW(signalfd4, f, &set, 8L, 0))                               \
    R(signalfd4_size, RAW(signalfd4, f, &set, 4L, 0))                          \
    R(inotify_add_watch, RAW(inotify_add_watch, f, "/tmp", IN_CREATE))         \
    R(inotify_rm_watch, RAW(inotify_rm_watch, f, 99))                          \
    R(sendfile_from,                                                           \
      kind_now == WATCHER ? 0 : RAW(sendfile, out, f, NULL, 4L))               \
    R(sendfile_to, RAW(sendfile, f, data, NULL, 4L))                           \
    R(splice_from,                                                             \
      kind_now == WATCHER ? 0 : RAW(splice, f, NULL, in, NULL, 4L, 2))         \
    R(splice_to, RAW(splice, out, NULL, f, NULL, 4L, 2))                       \
    R(splice_offset, RAW(splice, f, &off, in, NULL, 4L, 2))                    \
    R(splice_flag, RAW(splice, f, NULL, in, NULL, 4L, 64))                     \
    R(tee_from, RAW(tee, f, in, 4L, 2))                                        \
    R(tee_flag, RAW(tee, f, in, 4L, 64))                                       \
    R(vmsplice, RAW(vmsplice, f, iov, 1L, 2))                                  \
    R(vmsplice_flag, RAW(vmsplice, f, iov, 1L, 64))                            \
    R(copy_from, RAW(copy_file_range, f, &off, data, NULL, 4L, 0))             \
    R(copy_to, RAW(copy_file_range, data, &off, f, NULL, 4L, 0))               \
    R(copy_flag, RAW(copy_file_range, f, NULL, data, NULL, 4L, 1))             \
    R(mmap_shared,                                                             \
      RAW(mmap, NULL, 4096L, 3, MAP_SHARED, f, 0L) == -1 ? -1 : 0)             \
    R(mmap_private,                                                            \
      RAW(mmap, NULL, 4096L, 1, MAP_PRIVATE, f, 0L) == -1 ? -1 : 0)            \
    R(bind, RAW(bind, f, &name, 1))                                            \
    R(bind_fault, RAW(bind, f, BAD, 16))                                       \
    R(bind_length, RAW(bind, f, &name, 4096))                                  \
    R(connect, RAW(connect, f, &name, sizeof(name)))                           \
    R(connect_length, RAW(connect, f, &name, -1))                              \
    R(listen, RAW(listen, f, 1))                                               \
    R(accept, closes(RAW(accept, f, NULL, NULL)))                              \
    R(accept4_flag, RAW(accept4, f, NULL, NULL, 1))                            \
    R(getsockname_fault, RAW(getsockname, f, buf, BAD))                        \
    R(getpeername, (len = 100, RAW(getpeername, f, buf, &len)))                \
    R(shutdown, RAW(shutdown, f, SHUT_WR))                                     \
    R(shutdown_how, RAW(shutdown, f, 9))                                       \
    R(getsockopt, (len = 4, RAW(getsockopt, f, 1, SO_TYPE, buf, &len)))        \
    R(getsockopt_option, (len = 4, RAW(getsockopt, f, 1, 999, buf, &len)))     \
    R(getsockopt_length, (len = -1, RAW(getsockopt, f, 1, 3, buf, &len)))      \
    R(setsockopt_length, RAW(setsockopt, f, 1, SO_KEEPALIVE, buf, 1))          \
    R(setsockopt_option, RAW(setsockopt, f, 1, 999, buf, 4))                   \
    R(setsockopt_fault, RAW(setsockopt, f, 1, SO_KEEPALIVE, BAD, 4))           \
    R(setsockopt_level, RAW(setsockopt, f, 777, 1, buf, 4))                    \
    R(sendto, RAW(sendto, f, buf, 4L, MSG_NOSIGNAL, NULL, 0))                  \
    R(sendto_name, RAW(sendto, f, buf, 4L, 0, &name, sizeof(name)))            \
    R(sendto_oob, RAW(sendto, f, BAD, 4L, MSG_NOSIGNAL, NULL, 0))              \
    R(recvfrom, RAW(recvfrom, f, buf, 4L, 0, NULL, NULL))                      \
    R(recvfrom_fault, RAW(recvfrom, f, BAD, 4L, 0, NULL, NULL))                \
    R(sendmsg, RAW(sendmsg, f, &msg, MSG_NOSIGNAL))                            \
    R(sendmsg_fault, RAW(sendmsg, f, BAD, 0))                                  \
    R(recvmsg, RAW(recvmsg, f, &msg, 0))                                       \
    R(recvmsg_fault, RAW(recvmsg, f, BAD, 0))                                  \
    R(sendmmsg, RAW(sendmmsg, f, &mmsg, 1, MSG_NOSIGNAL))                      \
    R(sendmmsg_fault, RAW(sendmmsg, f, BAD, 1, 0))                             \
    R(recvmmsg, RAW(recvmmsg, f, &mmsg, 1, 0, NULL))                           \
    R(recvmmsg_timeout, RAW(recvmmsg, f, &mmsg, 1, 0, BAD))                    \
    R(pidfd_send_signal, RAW(pidfd_send_signal, f, 0, NULL, 0))                \
    R(pidfd_getfd, RAW(pidfd_getfd, f, 0, 0))                                  \
    R(close_range_flag, RAW(close_range, f, f, 64))                            \
    R(close_twice, (RAW(close, f), RAW(close, f)))

#define FUNCTION(name, call)                                                   \
    static long name##_row(int f)                                              \
    {                                                                          \
        return call;                                                           \
    }
#define ROW(name, call) {#name, name##_row},
ROWS(FUNCTION)

static const struct row {
    const char *name;
    long (*call)(int fd);
} rows[] = {ROWS(ROW)};

/* What calls with two descriptors use besides; new each time. */
static void open_others(void)
{
    int fds[2];

    off = 0;
    bad_off = -5;
    mmsg.msg_hdr = msg;
    put("/tmp/errors-file", "0123456789");
    mkdir("/tmp/errors-dir", 0755);
    put("/tmp/errors-dir/errors-file", "0123456789");
    put("/tmp/errors-data", "abcdefgh");
    data = open("/tmp/errors-data", O_RDWR);
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds);
    out = fds[0];
    pipe2(fds, O_NONBLOCK);
    in = fds[1];
    poller = epoll_create1(0);
    null = dup(in);
}

static void show_row(const struct row *row)
{
    printf("%s:", row->name);
    for (int kind = 0; kind < KINDS; kind++) {
        const char *text;
        long r;
        int f, err;

        open_others();
        f = open_kind(kind);
        r = row->call(f);
        err = errno;
        text = r < 0 ? strerrorname_np(err) : "";
        if (r < 0) {
            printf(" %s", text ? text + 1 : "?");
        } else {
            printf(" %ld", r);
        }
        syscall(SYS_close_range, 3, ~0u, 0);
    }
    printf("\n");
}

int main(void)
{
    show_start();
    for (int kind = 0; kind < KINDS; kind++) {
        printf("%s ", kind_names[kind]);
    }
    printf("\n");
    for (unsigned i = 0; i < COUNT(rows); i++) {
        show_row(&rows[i]);
    }
    unlink("/tmp/errors-file");
    unlink("/tmp/errors-data");
    unlink("/tmp/errors-dir/errors-file");
    rmdir("/tmp/errors-dir");
    return 0;
}
