/* SPDX-License-Identifier: MIT
 *
 * Calls with two mistakes at once: which one they name.
 */
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include "tests/guest/show.h"

#define KERNEL ((void *)0xffff800000000000ul)
static char buf[4096];

static void buffers(int file, int dir, int epoll)
{
    struct iovec vec[2] = {{buf, 4}, {KERNEL, 4}};
    struct iovec none = {KERNEL, 0};

    title("buffers that no program has");
    CALL(read, dir, KERNEL, 4L);
    CALL(read, epoll, KERNEL, 4L);
    CALL(read, 99, KERNEL, 4L);
    CALL(write, file, KERNEL, 0L);
    CALL(pread64, dir, KERNEL, 4L, 0L);
    CALL(read, file, buf, 1L << 62);
    CALL(writev, file, vec, 2L);
    CALL(writev, file, &none, 1L);
    CALL(pwritev, file, vec, 2L, 0L, 0L);
    CALL(preadv, dir, vec, 2L, 0L, 0L);
    CALL(lseek, file, 0L, SEEK_CUR);
    CALL(sendto, 99, KERNEL, 4L, 0L, NULL, 0L);
    CALL(recvfrom, file, KERNEL, 4L, 0L, NULL, NULL);
    CALL(process_vm_readv, 99999, vec, 1L, &none, 1L, 0L);
    CALL(process_vm_readv, 99999, vec, 2L, vec, 1L, 0L);
}

static void descriptors(int file, int epoll)
{
    int64_t below = -1, at = 0;
    int pipe_ends[2];

    title("descriptors and what goes with them");
    pipe(pipe_ends);
    CALL(socketpair, -1, SOCK_STREAM, 0, BAD);
    CALL(socketpair, AF_INET, SOCK_STREAM, 0, BAD);
    CALL(epoll_wait, 99, buf, 0L, 0L);
    CALL(epoll_wait, file, buf, 0L, 0L);
    CALL(epoll_wait, file, KERNEL, 1L, 0L);
    CALL(epoll_wait, epoll, KERNEL, 1L, 0L);
    CALL(inotify_add_watch, file, "/tmp/none", IN_OPEN);
    CALL(timerfd_settime, file, 1 << 20, BAD, NULL);
    CALL(timerfd_settime, 99, 1 << 20, buf, NULL);
    CALL(signalfd4, -1, BAD, 8L, 1 << 20);
    CALL(signalfd4, -1, BAD, 4L, 1 << 20);
    CALL(mq_getsetattr, 99, (uint64_t[8]){1}, NULL);
    CALL(sendfile, 99, pipe_ends[0], &at, 4L);
    CALL(sendfile, 99, file, &below, 4L);
    CALL(sendfile, 99, 98, BAD, 4L);
    CALL(copy_file_range, file, &below, file, BAD, 4L, 1L);
    CALL(copy_file_range, file, &below, file, NULL, 4L, 1L);
    CALL(copy_file_range, file, &below, file, NULL, 4L, 0L);
    CALL(tee, 99, 98, 0L, 0L);
    CALL(pipe2, buf, O_EXCL);
    CALL(flistxattr, pipe_ends[0], buf, 10L);
    int append = open("/tmp/f", O_WRONLY | O_APPEND);
    CALL(write, append, BAD, 4L);
    CALL(lseek, append, 0L, SEEK_CUR);
    int event = eventfd(0, EFD_NONBLOCK);
    CALL(write, event, buf, 16L);
    CALL(write, event, buf, 4L);
    CALL(write, event, buf, 8L);
}

static void others(void)
{
    struct timespec bad_time = {0, -1};
    uint64_t sigs[2] = {0, 0};
    siginfo_t info;
    gid_t groups[2] = {1, (gid_t)-1};
    stack_t as_it_is;
    char *page =
        mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    title("others");
    mprotect(page, 4096, PROT_NONE);
    CALL(mlock, page, 8192L);
    CALL(mlock2, page, 8192L, 1L);
    CALL(munlock, page, 8192L);
    CALL(mlock, page, 0L);
    CALL(mmap, 0x320000000000, 4096L, PROT_READ,
         MAP_SHARED_VALIDATE | MAP_FIXED_NOREPLACE, open("/tmp/f", O_RDONLY),
         0L);
    CALL(pselect6, 0, NULL, NULL, NULL, &bad_time, BAD);
    CALL(pselect6, 0, NULL, NULL, NULL, BAD, BAD);
    sigs[0] = (uint64_t)buf;
    sigs[1] = 4;
    CALL(io_pgetevents, 0L, 1L, 1L, buf, BAD, sigs);
    CALL(newfstatat, AT_FDCWD, "/tmp/none", buf, 0x2000);
    CALL(newfstatat, AT_FDCWD, "/tmp/f", buf, 0x4000);
    CALL(newfstatat, AT_FDCWD, "/tmp/none", buf, 0x8000);
    CALL(setgroups, 2L, groups);
    memset(&info, 0, sizeof(info));
    info.si_code = -100;
    CALL(rt_sigqueueinfo, 0, 0, &info);
    ((char *)&info)[100] = 1;
    CALL(rt_sigqueueinfo, 0, 0, &info);
    CALL(rt_tgsigqueueinfo, 0, 0, 0, &info);
    info.si_code = SI_QUEUE;
    CALL(rt_tgsigqueueinfo, 0, 0, 0, &info);
    sigaltstack(NULL, &as_it_is);
    memset(&as_it_is, 0, sizeof(as_it_is));
    CALL(sigaltstack, &as_it_is, NULL);
    as_it_is.ss_size = 1;
    CALL(sigaltstack, &as_it_is, NULL);
    CALL(ioprio_get, 1, 0);
}

/* Who is nobody may not wake the machine. */
static void nobody(void)
{
    title("as nobody");
    setresuid(1000, 1000, 1000);
    CALL(timerfd_create, CLOCK_REALTIME_ALARM, 0);
    CALL(timerfd_create, CLOCK_BOOTTIME_ALARM, 0);
    CALL(timerfd_create, CLOCK_REALTIME_ALARM, 1 << 20);
}

/* Of an empty mapping, a mode that is none, and a path that makes. */
static void lengths_and_modes(void)
{
    int reads = open("/etc/passwd", O_RDONLY);
    int path = open("/etc/passwd", O_PATH);

    title("lengths and modes");
    CALL(mmap, NULL, 0L, PROT_READ, MAP_PRIVATE, 99, 0L);
    CALL(mmap, NULL, 0L, PROT_READ, MAP_PRIVATE, path, 0L);
    CALL(mmap, NULL, 4096L, PROT_READ, MAP_PRIVATE, path, 0L);
    CALL(mmap, NULL, 0L, PROT_READ, MAP_PRIVATE, reads, 0L);
    CALL(mmap, NULL, 0L, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);
    CALL(mmap, NULL, 0L, PROT_READ, MAP_PRIVATE, 99, 1L);
    for (int mode = 1; mode < 0x80; mode *= 2) {
        CALL(fallocate, reads, mode, 0L, 4096L);
    }
    CALL(fallocate, reads, 0x400, 0L, 4096L);
    CALL(fallocate, reads, 3, 0L, 4096L);
    CALL(fallocate, reads, 7, 0L, 4096L);
    CALL(fallocate, path, 2, 0L, 4096L);
    CALL(fallocate, reads, 2, -1L, 4096L);
    CALL(open, "/etc/none", O_PATH | O_CREAT | O_DIRECTORY, 0);
    CALL(open, "/etc/passwd", O_PATH | O_CREAT | O_DIRECTORY, 0);
    CALL(open, "/etc/none", O_CREAT | O_DIRECTORY, 0);
    close(reads);
    close(path);
    reads = open("/tmp/excl", O_CREAT | O_EXCL | O_RDWR, 0600);
    printf("flags %x\n", (unsigned)fcntl(reads, F_GETFL));
    unlink("/tmp/excl");
    close(reads);
}

int main(void)
{
    show_start();
    put("/tmp/f", "0123456789");
    buffers(open("/tmp/f", O_RDWR), open("/tmp", O_RDONLY), epoll_create1(0));
    descriptors(open("/tmp/f", O_RDWR), epoll_create1(0));
    others();
    lengths_and_modes();
    nobody();
    return 0;
}
