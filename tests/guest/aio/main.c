/* SPDX-License-Identifier: MIT
 *
 * Asynchronous I/O: io_setup, io_submit, io_getevents, io_pgetevents,
 * io_cancel and io_destroy, with what they refuse.
 */
#include <linux/aio_abi.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

static aio_context_t ctx;
static struct iocb cb;
static struct iocb *one[] = {&cb};
static struct io_event events[8];

static void prepare(int op, int fd, void *buf, size_t len, off_t at)
{
    memset(&cb, 0, sizeof(cb));
    cb.aio_lio_opcode = op;
    cb.aio_fildes = fd;
    cb.aio_buf = (uintptr_t)buf;
    cb.aio_nbytes = len;
    cb.aio_offset = at;
    cb.aio_data = 77;
}

static void take(long least)
{
    struct timespec limit = {least ? 10 : 0, 0};

    memset(events, 0, sizeof(events));
    long n = CALL(io_getevents, ctx, least, 8L, events, &limit);
    for (long i = 0; i < n; i++) {
        /* A wake-up may bring POLLRDNORM along. */
        printf("event %lld res %lld, ours %d\n", events[i].data,
               cb.aio_lio_opcode == IOCB_CMD_POLL ? events[i].res & POLLIN
                                                  : events[i].res,
               events[i].obj == (uintptr_t)&cb);
    }
}

static void contexts(void)
{
    aio_context_t other = 0;

    title("contexts");
    CALL(io_setup, 0, &ctx);
    CALL(io_setup, 8, BAD);
    CALL(io_setup, -1, &ctx);
    ctx = 5;
    CALL(io_setup, 8, &ctx);
    ctx = 0;
    CALL(io_setup, 8, &ctx);
    EXPECT(ctx != 0);
    CALL(io_setup, 8, &ctx);
    CALL(io_setup, 8, &other);
    EXPECT(other != 0 && other != ctx);
    CALL(io_destroy, other);
    CALL(io_destroy, other);
    CALL(io_destroy, 0);
}

static void transfers(int fd)
{
    char text[] = "asynchronous", back[32] = "";
    struct iovec v[2] = {{back, 5}, {back + 5, 7}};

    title("transfers");
    prepare(IOCB_CMD_PWRITE, fd, text, sizeof(text) - 1, 100);
    CALL(io_submit, ctx, 1L, one);
    take(1);
    prepare(IOCB_CMD_PREAD, fd, back, sizeof(back) - 1, 100);
    CALL(io_submit, ctx, 1L, one);
    take(1);
    printf("[%s]\n", back);
    memset(back, 0, sizeof(back));
    prepare(IOCB_CMD_PREADV, fd, v, 2, 100);
    CALL(io_submit, ctx, 1L, one);
    take(1);
    printf("[%s]\n", back);
    prepare(IOCB_CMD_PWRITEV, fd, v, 2, 0);
    CALL(io_submit, ctx, 1L, one);
    prepare(IOCB_CMD_FSYNC, fd, NULL, 0, 0);
    CALL(io_submit, ctx, 1L, one);
    prepare(IOCB_CMD_FDSYNC, fd, NULL, 0, 0);
    CALL(io_submit, ctx, 1L, one);
    take(3);
    take(0);
    printf("size %ld\n", (long)lseek(fd, 0, SEEK_END));
    prepare(IOCB_CMD_PREAD, fd, back, 5, 1000);
    CALL(io_submit, ctx, 1L, one);
    take(1);
}

static void refused(int fd)
{
    struct iocb *bad[] = {&cb, BAD};
    int rd = open("/tmp/f", O_RDONLY), dir = open("/tmp", O_RDONLY), p[2];
    char c = 'c';
    struct iovec outside = {(void *)-4096L, 1}, inside = {&c, 1};

    title("refused");
    pipe(p);
    prepare(IOCB_CMD_PWRITE, fd, &c, 1, 0);
    CALL(io_submit, ctx, -1L, one);
    CALL(io_submit, ctx, 0L, one);
    CALL(io_submit, 0, 1L, one);
    CALL(io_submit, ctx, 1L, BAD);
    CALL(io_submit, ctx, 2L, bad);
    take(1);
    CALL(io_submit, ctx, 1L, bad + 1);
    prepare(IOCB_CMD_PWRITE, 99, &c, 1, 0);
    CALL(io_submit, ctx, 1L, one);
    prepare(IOCB_CMD_PWRITE, rd, &c, 1, 0);
    CALL(io_submit, ctx, 1L, one);
    prepare(IOCB_CMD_PREAD, p[1], &c, 1, 0);
    CALL(io_submit, ctx, 1L, one);
    prepare(IOCB_CMD_PREAD, dir, &c, 1, 0);
    CALL(io_submit, ctx, 1L, one);
    prepare(IOCB_CMD_PREAD, fd, BAD, 1, 0);
    CALL(io_submit, ctx, 1L, one);
    take(1);
    prepare(IOCB_CMD_PREADV, fd, BAD, 1, 0);
    CALL(io_submit, ctx, 1L, one);
    prepare(IOCB_CMD_PREAD, fd, &c, 1, -1);
    CALL(io_submit, ctx, 1L, one);
    prepare(IOCB_CMD_PWRITE, fd, &c, 1, -1);
    CALL(io_submit, ctx, 1L, one);
    prepare(IOCB_CMD_PWRITE, fd, &c, 2, INT64_MAX - 1);
    CALL(io_submit, ctx, 1L, one);
    prepare(IOCB_CMD_PWRITE, p[1], &c, 1, -1);
    CALL(io_submit, ctx, 1L, one);
    prepare(IOCB_CMD_PREAD, fd, (void *)-4096L, 1, 0);
    CALL(io_submit, ctx, 1L, one);
    prepare(IOCB_CMD_PWRITEV, fd, &outside, 1, 0);
    CALL(io_submit, ctx, 1L, one);
    prepare(IOCB_CMD_PREADV, fd, &inside, 1, -1);
    CALL(io_submit, ctx, 1L, one);
    prepare(IOCB_CMD_FSYNC, p[0], NULL, 0, 0);
    CALL(io_submit, ctx, 1L, one);
    prepare(99, fd, &c, 1, 0);
    CALL(io_submit, ctx, 1L, one);
    prepare(IOCB_CMD_PWRITE, fd, &c, 1, 0);
    cb.aio_reserved2 = 1;
    CALL(io_submit, ctx, 1L, one);
    prepare(IOCB_CMD_PWRITE, fd, &c, 1, 0);
    cb.aio_rw_flags = 1 << 30;
    CALL(io_submit, ctx, 1L, one);
    prepare(IOCB_CMD_PWRITE, fd, &c, 1, 0);
    cb.aio_flags = IOCB_FLAG_RESFD;
    cb.aio_resfd = fd;
    CALL(io_submit, ctx, 1L, one);
    cb.aio_resfd = 99;
    CALL(io_submit, ctx, 1L, one);
    CALL(io_getevents, 0, 0L, 1L, events, NULL);
    CALL(io_getevents, ctx, -1L, 1L, events, NULL);
    CALL(io_getevents, ctx, 2L, 1L, events, NULL);
    CALL(io_getevents, ctx, 0L, 1L, events, BAD);
    CALL(io_cancel, ctx, BAD, events);
    prepare(IOCB_CMD_PWRITE, fd, &c, 1, 0);
    CALL(io_cancel, ctx, &cb, events);
    CALL(io_cancel, 0, &cb, events);
    close(rd);
    close(dir);
    close(p[0]);
    close(p[1]);
}

static void told_by_eventfd(int fd)
{
    int efd = eventfd(0, 0);
    uint64_t count = 0;
    char c = 'c';

    title("eventfd");
    prepare(IOCB_CMD_PWRITE, fd, &c, 1, 0);
    cb.aio_flags = IOCB_FLAG_RESFD;
    cb.aio_resfd = efd;
    CALL(io_submit, ctx, 1L, one);
    CALL(io_submit, ctx, 1L, one);
    read(efd, &count, sizeof(count));
    printf("count %lu\n", (unsigned long)count);
    take(2);
    close(efd);
}

static void polls(void)
{
    struct timespec soon = {0, 20000000};
    int p[2];

    title("polls");
    pipe(p);
    prepare(IOCB_CMD_POLL, p[0], (void *)POLLIN, 0, 0);
    CALL(io_submit, ctx, 1L, one);
    take(0);
    CALL(io_getevents, ctx, 1L, 8L, events, &soon);
    CALL(io_pgetevents, ctx, 1L, 8L, events, &soon, NULL);
    write(p[1], "x", 1);
    take(1);
    CALL(io_submit, ctx, 1L, one);
    take(1);
    read(p[0], &soon, 1);
    CALL(io_submit, ctx, 1L, one);
    CALL(io_cancel, ctx, &cb, events);
    CALL(io_cancel, ctx, &cb, events);
    memset(events, 0, sizeof(events));
    CALL(io_getevents, ctx, 1L, 8L, events, NULL);
    printf("event %lld\n", events[0].data);
    prepare(IOCB_CMD_POLL, p[0], (void *)POLLIN, 1, 0);
    CALL(io_submit, ctx, 1L, one);
    close(p[0]);
    close(p[1]);
}

static int submits(void *fd)
{
    prepare(IOCB_CMD_PREAD, *(int *)fd, events + 7, 4, 0);
    CALL(io_submit, ctx, 1L, one);
    return 0;
}

/* A context belongs to the address space: a child that shares it uses it and
 * may end, a copy has none. */
static void other_processes(int fd)
{
    static char stack[65536];
    int status;

    title("other processes");
    int pid = clone(submits, stack + sizeof(stack), CLONE_VM | SIGCHLD, &fd);
    waitpid(pid, &status, 0);
    take(1);
    pid = fork();
    if (!pid) {
        CALL(io_submit, ctx, 1L, one);
        CALL(io_getevents, ctx, 0L, 8L, events, NULL);
        CALL(io_destroy, ctx);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    CALL(io_submit, ctx, 1L, one);
    take(1);
}

/* Its number is the address of a page that cannot grow, but can be moved. */
static void the_page(void)
{
    aio_context_t a = 0, b = 0;
    void *to = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    title("the page");
    CALL(io_setup, 1, &a);
    CALL(io_setup, 1, &b);
    EXPECT(mremap((void *)a, 4096, 8192, MREMAP_MAYMOVE | MREMAP_FIXED, to) ==
               MAP_FAILED &&
           errno == EFAULT);
    EXPECT(mremap((void *)a, 4096, 4096,
                  MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP,
                  to) == MAP_FAILED &&
           errno == EINVAL);
    EXPECT(mremap((void *)a, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, to) ==
           to);
    CALL(io_submit, a, 1L, one);
    CALL(io_submit, (aio_context_t)to, 1L, one);
    CALL(io_getevents, (aio_context_t)to, 1L, 8L, events, NULL);
    CALL(io_submit, b, 1L, one);
    mprotect((void *)b, 4096, PROT_NONE);
    CALL(io_submit, b, 1L, one);
    CALL(io_getevents, b, 1L, 8L, events, NULL);
    CALL(io_destroy, b);
    mprotect((void *)b, 4096, PROT_READ);
    CALL(io_getevents, b, 1L, 8L, events, NULL);
    CALL(io_destroy, b);
    CALL(io_destroy, (aio_context_t)to);
}

int main(void)
{
    show_start();
    int fd = open("/tmp/f", O_CREAT | O_RDWR, 0600);

    contexts();
    transfers(fd);
    refused(fd);
    told_by_eventfd(fd);
    polls();
    other_processes(fd);
    the_page();
    CALL(io_destroy, ctx);
    take(0);
    return 0;
}
