/* SPDX-License-Identifier: MIT
 *
 * Host I/O over the fake target: what works, what fails, and every way in
 * which the host can lie about it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "kernel/core/hostio.h"
#include "kernel/core/hostio_op.h"
#include "kernel/core/hostio_ring.h"
#include "kernel/kernel.h"
#include "lib/tests/unit.h"
#include "target/fake/fake.h"

enum { LARGE = 256 << 10, CWD = AT_FDCWD, STATX_ALL_BITS = 0x7ff };

static char dir[] = "/tmp/hostio_test.XXXXXX";
static char path[64];
static uint8_t data[LARGE + 4096], back[LARGE + 4096];

static void fresh(void)
{
    fake_init();
    fake_defer(false);
    fake_on_complete(NULL);
    EXPECT_EQ(hostio_init(), 0);
}

/* An open file that holds data[0..len). */
static int file_of(size_t len)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

    if (fd < 0 || write(fd, data, len) != (ssize_t)len) {
        perror(path);
        abort();
    }
    return fd;
}

/* ---- what works ---- */

static void bytes_come_and_go(void)
{
    int fd;

    fresh();
    fd = hostio_openat(CWD, path, O_RDWR | O_CREAT | O_TRUNC, 0640);
    EXPECT(fd >= 0);
    EXPECT_EQ(hostio_write(fd, data, 5000, 0), 5000);
    EXPECT_EQ(hostio_fsync(fd), 0);
    memset(back, 0, sizeof(back));
    EXPECT_EQ(hostio_read(fd, back, 5000, 0), 5000);
    EXPECT(!memcmp(data, back, 5000));
    EXPECT_EQ(hostio_read(fd, back, 100, 4999), 1);
    EXPECT_EQ(hostio_read(fd, back, 100, 5000), 0);
    EXPECT_EQ(hostio_read(fd, back, 0, 0), 0);
    EXPECT_EQ(hostio_close(fd), 0);
    EXPECT_EQ(hostio_close(fd), -EBADF);
    EXPECT_EQ(hostio_read(fd, back, 1, 0), -EBADF);
}

static void a_sleeping_task_is_woken(void)
{
    fresh();
    fake_defer(true);
    EXPECT_EQ(hostio_close(-1), -EBADF);
    EXPECT_EQ(sched_io_inflight, 0);
    fake_defer(false);
}

static void streams_keep_their_position(void)
{
    int fds[2];

    fresh();
    EXPECT_EQ(pipe(fds), 0);
    EXPECT_EQ(hostio_write(fds[1], "abcdef", 6, -1), 6);
    EXPECT_EQ(hostio_read(fds[0], back, 4, -1), 4);
    EXPECT_EQ(hostio_read(fds[0], back + 4, 100, -1), 2);
    EXPECT(!memcmp(back, "abcdef", 6));
    close(fds[0]);
    close(fds[1]);
}

static void long_transfers_are_cut(void)
{
    int fd = file_of(sizeof(data));

    fresh();
    memset(back, 0, sizeof(back));
    EXPECT_EQ(hostio_read(fd, back, sizeof(back), 0), LARGE);
    EXPECT(!memcmp(data, back, LARGE) && back[LARGE] == 0);
    EXPECT_EQ(hostio_read(fd, back, LARGE, 4096), LARGE);
    EXPECT(!memcmp(data + 4096, back, LARGE));
    EXPECT_EQ(hostio_write(fd, data, sizeof(data), 0), LARGE);
    close(fd);
}

/* Nothing beyond the result is touched. */
static void odd_lengths_are_exact(void)
{
    int fd = file_of(1000);

    fresh();
    for (int len = 0; len < 40; len++) {
        memset(back, 0xee, 64);
        EXPECT_EQ(hostio_read(fd, back, len, 3), len);
        EXPECT(!memcmp(back, data + 3, len) && back[len] == 0xee);
    }
    close(fd);
}

/* count pages of fd into memory from `to` on: as data has them, by so many
 * requests. */
static void read_pages(int fd, char *to, unsigned count, unsigned requests)
{
    struct hostio_stats before, after;
    void *pages[4];

    for (unsigned i = 0; i < count; i++) {
        pages[i] = to + i * PAGE_SIZE;
    }
    memset(to, 0, count * PAGE_SIZE);
    hostio_get_stats(&before);
    EXPECT_EQ(hostio_read_pages(fd, pages, count, PAGE_SIZE),
              count * PAGE_SIZE);
    hostio_get_stats(&after);
    EXPECT_EQ(after.operations - before.operations, requests);
    EXPECT(!memcmp(to, data + PAGE_SIZE, count * PAGE_SIZE));
}

/* What the host shows goes straight to pages that will be shown, and to no
 * others. */
static void a_shown_image_needs_no_request(void)
{
    int fd = file_of(8 * PAGE_SIZE), other = dup(fd);
    struct boot_info info = {.image_fd = fd,
                             .image_map = (uint64_t)data,
                             .image_map_len = 4 * PAGE_SIZE};
    char *own, *shown;
    void *page;

    fresh();
    fake_boot_info(&info);
    info.kernel_shown = info.kernel_end - 16 * PAGE_SIZE;
    own = (char *)info.kernel_shown - 2 * PAGE_SIZE;
    page = shown = (char *)info.kernel_shown;
    EXPECT_EQ(
        target_mem_commit((uint64_t)own, 18 * PAGE_SIZE, MEM_READ | MEM_WRITE),
        0);
    hostio_pages_init(&info);
    read_pages(fd, shown, 3, 0);
    read_pages(fd, shown, 4, 1); /* beyond what is shown */
    read_pages(other, shown, 3, 1);
    read_pages(fd, own, 2, 1);
    read_pages(fd, own, 4, 1); /* into both */
    fake_fail_after(1);
    read_pages(fd, shown, 1, 1);
    ring_fail_after(1);
    EXPECT_EQ(hostio_read_pages(fd, &page, 1, 0), -EIO);
    hostio_pages_init(&(struct boot_info){.image_fd = -1});
    close(fd);
    close(other);
}

static void names_are_looked_up(void)
{
    struct statx st;
    char link[80], target[64];
    int fd = file_of(321);

    fresh();
    close(fd);
    EXPECT_EQ(hostio_statx(CWD, path, 0, STATX_ALL_BITS, &st), 0);
    EXPECT(S_ISREG(st.stx_mode) && st.stx_size == 321);
    EXPECT_EQ(hostio_statx(CWD, "/nowhere", 0, STATX_ALL_BITS, &st), -ENOENT);
    EXPECT_EQ(hostio_openat(CWD, "/nowhere", O_RDONLY, 0), -ENOENT);
    snprintf(link, sizeof(link), "%s.link", path);
    EXPECT_EQ(symlink("some/where", link), 0);
    EXPECT_EQ(hostio_readlink(CWD, link, target, sizeof(target)), 10);
    EXPECT(!memcmp(target, "some/where", 10));
    EXPECT_EQ(hostio_readlink(CWD, link, target, 4), 4);
    EXPECT_EQ(hostio_readlink(CWD, path, target, 4), -EINVAL);
    unlink(link);
}

static void long_names_are_refused(void)
{
    static char name[5000];

    fresh();
    memset(name, 'x', sizeof(name) - 1);
    EXPECT_EQ(hostio_openat(CWD, name, O_RDONLY, 0), -ENAMETOOLONG);
    name[4096] = '\0';
    EXPECT_EQ(hostio_openat(CWD, name, O_RDONLY, 0), -ENAMETOOLONG);
    name[4095] = '\0';
    EXPECT_EQ(hostio_openat(CWD, name, O_RDONLY, 0), -ENAMETOOLONG);
}

static void directories_are_listed(void)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY), names = 0;
    int64_t n, off = 0;

    fresh();
    close(file_of(1));
    while ((n = hostio_getdents(fd, off, back, 48)) > 0) {
        for (int64_t i = 0; i < n; names++) {
            uint16_t reclen;

            memcpy(&off, back + i + 8, 8);
            memcpy(&reclen, back + i + 16, 2);
            i += reclen;
        }
    }
    EXPECT_EQ(n, 0);
    EXPECT_EQ(names, 3);
    EXPECT_EQ(hostio_getdents(fd, 0, back, 1), -EINVAL);
    close(fd);
}

static void ioctls_go_both_ways(void)
{
    int fds[2], waiting = 0;

    fresh();
    EXPECT_EQ(pipe(fds), 0);
    EXPECT_EQ(hostio_write(fds[1], "abc", 3, -1), 3);
    EXPECT_EQ(hostio_ioctl(fds[0], FIONREAD, &waiting, 0, sizeof(int)), 0);
    EXPECT_EQ(waiting, 3);
    EXPECT_EQ(hostio_ioctl(-1, FIONREAD, &waiting, 0, sizeof(int)), -EBADF);
    close(fds[0]);
    close(fds[1]);
}

static void polls_wait_and_can_be_interrupted(void)
{
    int fds[2];

    fresh();
    EXPECT_EQ(pipe(fds), 0);
    EXPECT_EQ(hostio_poll(fds[1], 4), 4); /* POLLOUT */
    fake_task()->interrupted = 1;
    EXPECT_EQ(hostio_poll(fds[0], 1), -EINTR);
    EXPECT_EQ(hostio_write(fds[1], "x", 1, -1), 1);
    EXPECT_EQ(hostio_poll(fds[0], 1), 1);
    fake_task()->interrupted = 0;
    EXPECT_EQ(sched_io_inflight, 0);
    close(fds[0]);
    close(fds[1]);
}

/* Linux posts a completion before the thread that did the work is back. */
static uint32_t inside, settling, left;

static void stay(unsigned ring, const struct ring_sqe *sqe,
                 struct ring_cqe *cqe)
{
    atomic_store(&inside, 1);
    while (!atomic_load(&settling)) {
        cpu_relax();
    }
    usleep(2000);
    atomic_store(&left, 1);
}

static void settle_or_stay(unsigned id)
{
    if (id == 1) {
        EXPECT_EQ(hostio_close(-1), -EBADF);
        return;
    }
    while (!atomic_load(&inside)) {
        cpu_relax();
    }
    atomic_store(&settling, 1);
    hostio_settle();
    EXPECT(atomic_load(&left));
}

static void who_is_with_the_host_is_awaited(void)
{
    fresh();
    fake_on_complete(stay);
    fake_both(settle_or_stay);
    fake_on_complete(NULL);
    hostio_settle(); /* nobody is */
}

static void operations_are_counted(void)
{
    struct hostio_stats before, after;
    int fd = file_of(100);

    fresh();
    hostio_get_stats(&before);
    EXPECT_EQ(hostio_read(fd, back, 50, 0), 50);
    EXPECT_EQ(hostio_write(fd, data, 20, 0), 20);
    hostio_get_stats(&after);
    EXPECT_EQ(after.operations - before.operations, 2);
    EXPECT_EQ(after.bytes_in - before.bytes_in, 50);
    EXPECT_EQ(after.bytes_out - before.bytes_out, 20);
    close(fd);
}

/* ---- what fails ---- */

static void setup_fails_cleanly(void)
{
    for (unsigned n = 1; n <= 3; n++) {
        fake_init();
        fake_fail_after(n);
        EXPECT_EQ(hostio_init(), -ENOMEM);
    }
    fake_init();
    fake_fail_after(4);
    EXPECT_EQ(hostio_init(), 0);
}

/* More failures than there are slots or buffers: none may leak. */
static void failed_operations_leak_nothing(void)
{
    struct statx st;
    int fd = file_of(100);

    fresh();
    for (int i = 0; i < 1000; i++) {
        fake_fail_after(1);
        switch (i % 5) {
        case 0:
            EXPECT_EQ(hostio_read(fd, back, LARGE, 0), -EIO);
            break;
        case 1:
            EXPECT_EQ(hostio_write(fd, data, 10, 0), -EIO);
            break;
        case 2:
            EXPECT_EQ(hostio_openat(CWD, path, O_RDONLY, 0), -EIO);
            break;
        case 3:
            EXPECT_EQ(hostio_statx(CWD, path, 0, 0, &st), -EIO);
            break;
        default:
            EXPECT_EQ(hostio_getdents(fd, 0, back, 100), -EIO);
        }
        fake_fail_after(0);
        EXPECT_EQ(hostio_read(fd, back, 100, 0), 100);
    }
    close(fd);
}

/* ---- lies ---- */

static int lie_fd;
static uint64_t lie_name;

static void do_read(void)
{
    hostio_read(lie_fd, back, 10, 0);
    hostio_read(lie_fd, back, 10, 0);
    sched_poll_io(true);
}

static void expect_lie(void (*hook)(unsigned, const struct ring_sqe *,
                                    struct ring_cqe *),
                       void (*fn)(void), const char *what)
{
    const char *said;

    fresh();
    lie_fd = file_of(100);
    fake_on_complete(hook);
    said = fake_stopped(fn);
    EXPECT(said && strstr(said, "the host broke its contract"));
    EXPECT(said && strstr(said, what));
    if (said && !strstr(said, what)) {
        printf("said: %s\n", said);
    }
    close(lie_fd);
}

static void unknown(unsigned ring, const struct ring_sqe *e, struct ring_cqe *c)
{
    c->user_data = (c->user_data & ~0xffffffffull) | 5000;
}

static void other_slot(unsigned ring, const struct ring_sqe *e,
                       struct ring_cqe *c)
{
    c->user_data ^= 1;
}

static void older(unsigned ring, const struct ring_sqe *e, struct ring_cqe *c)
{
    c->user_data -= 1ull << 32;
}

static void twice(unsigned ring, const struct ring_sqe *e, struct ring_cqe *c)
{
    fake_post(ring, c->user_data, c->res);
}

static void other_ring(unsigned ring, const struct ring_sqe *e,
                       struct ring_cqe *c)
{
    fake_post(!ring, c->user_data, c->res);
}

static void late_again(unsigned ring, const struct ring_sqe *e,
                       struct ring_cqe *c)
{
    if (lie_name) {
        fake_post(ring, lie_name, 0);
    }
    lie_name = c->user_data;
}

static void completions_must_name_their_request(void)
{
    expect_lie(unknown, do_read, "no request");
    expect_lie(other_slot, do_read, "not under way");
    expect_lie(older, do_read, "not under way");
    expect_lie(twice, do_read, "not under way");
    lie_name = 0;
    expect_lie(late_again, do_read, "not under way");
    expect_lie(other_ring, do_read, "not under way");
}

static void one_more(unsigned ring, const struct ring_sqe *e,
                     struct ring_cqe *c)
{
    c->res = e->len + 1;
}

static void most(unsigned ring, const struct ring_sqe *e, struct ring_cqe *c)
{
    c->res = INT32_MAX;
}

static void no_errno(unsigned ring, const struct ring_sqe *e,
                     struct ring_cqe *c)
{
    c->res = -4096;
}

static void lowest(unsigned ring, const struct ring_sqe *e, struct ring_cqe *c)
{
    c->res = INT32_MIN;
}

static void do_close(void)
{
    hostio_close(lie_fd);
}

static void do_poll(void)
{
    hostio_poll(lie_fd, 1);
}

static void do_statx(void)
{
    struct statx st;

    hostio_statx(CWD, path, 0, 0, &st);
}

static void do_readlink(void)
{
    hostio_readlink(CWD, "/proc/self/exe", (char *)back, 4096);
}

static void results_must_fit_what_was_asked(void)
{
    static const char what[] = "a result";

    expect_lie(one_more, do_read, what);
    expect_lie(most, do_read, what);
    expect_lie(no_errno, do_read, what);
    expect_lie(lowest, do_read, what);
    expect_lie(one_more, do_close, what);
    expect_lie(most, do_poll, what);
    expect_lie(one_more, do_statx, what);
    expect_lie(one_more, do_readlink, what);
}

static void cq_runs_ahead(unsigned ring, const struct ring_sqe *e,
                          struct ring_cqe *c)
{
    fake_indices(ring)->cq_tail += 129;
}

static void cq_runs_back(unsigned ring, const struct ring_sqe *e,
                         struct ring_cqe *c)
{
    fake_indices(ring)->cq_tail -= 2;
}

static void sq_runs_ahead(unsigned ring, const struct ring_sqe *e,
                          struct ring_cqe *c)
{
    fake_indices(ring)->sq_head += 5;
}

static void sq_stands_still(unsigned ring, const struct ring_sqe *e,
                            struct ring_cqe *c)
{
    fake_indices(ring)->sq_head = 0;
}

static void sq_runs_back(unsigned ring, const struct ring_sqe *e,
                         struct ring_cqe *c)
{
    fake_indices(ring)->sq_head -= 2;
}

static void do_many(void)
{
    for (int i = 0; i < 200; i++) {
        hostio_close(-1);
    }
}

static void indices_must_be_possible(void)
{
    expect_lie(cq_runs_ahead, do_read, "completion index");
    expect_lie(cq_runs_back, do_read, "completion index");
    expect_lie(sq_runs_ahead, do_read, "submission index");
    expect_lie(sq_stands_still, do_many, "not taken");
    expect_lie(sq_runs_back, do_many, "submission index");
}

static uint8_t bad_dirent[64];
static int bad_dirent_len;

static void forge_dirents(unsigned ring, const struct ring_sqe *e,
                          struct ring_cqe *c)
{
    memcpy((void *)e->addr, bad_dirent, sizeof(bad_dirent));
    c->res = bad_dirent_len;
}

static void do_getdents(void)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY);

    hostio_getdents(fd, 0, back, 64);
}

static void expect_bad_dirent(uint16_t reclen, int len, bool ends)
{
    memset(bad_dirent, ends ? 0 : 'x', sizeof(bad_dirent));
    memcpy(bad_dirent + 16, &reclen, 2);
    bad_dirent_len = len;
    expect_lie(forge_dirents, do_getdents, "directory entry");
}

static void directory_entries_must_be_whole(void)
{
    expect_bad_dirent(32, 24, true);  /* past the result */
    expect_bad_dirent(16, 32, true);  /* shorter than its fields */
    expect_bad_dirent(0, 32, true);   /* would never end */
    expect_bad_dirent(25, 32, true);  /* not aligned */
    expect_bad_dirent(24, 32, true);  /* 8 bytes left over */
    expect_bad_dirent(32, 32, false); /* a name without end */
}

int main(void)
{
    if (!mkdtemp(dir)) {
        perror(dir);
        return 1;
    }
    snprintf(path, sizeof(path), "%s/file", dir);
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = i * 7 + i / 251;
    }
    RUN(bytes_come_and_go);
    RUN(a_sleeping_task_is_woken);
    RUN(streams_keep_their_position);
    RUN(long_transfers_are_cut);
    RUN(odd_lengths_are_exact);
    RUN(a_shown_image_needs_no_request);
    RUN(names_are_looked_up);
    RUN(long_names_are_refused);
    RUN(directories_are_listed);
    RUN(ioctls_go_both_ways);
    RUN(polls_wait_and_can_be_interrupted);
    RUN(who_is_with_the_host_is_awaited);
    RUN(operations_are_counted);
    RUN(setup_fails_cleanly);
    RUN(failed_operations_leak_nothing);
    RUN(completions_must_name_their_request);
    RUN(results_must_fit_what_was_asked);
    RUN(indices_must_be_possible);
    RUN(directory_entries_must_be_whole);
    unlink(path);
    rmdir(dir);
    return unit_result();
}
