/* SPDX-License-Identifier: MIT
 *
 * Files that are no files: pipes, FIFOs, eventfd, epoll, inotify; contexts of
 * asynchronous I/O; locks; and descriptor tables. One task, so nothing here
 * waits for another.
 */
#include "kernel/fs/tests/support.h"
#include "kernel/fs/aio.h"
#include "kernel/fs/current.h"
#include "kernel/fs/event/epoll.h"
#include "kernel/fs/event/event.h"
#include "kernel/fs/event/inotify.h"
#include "kernel/fs/locks.h"
#include "kernel/fs/pipe/pipe.h"
#include "kernel/fs/special.h"
#include "kernel/fs/splice.h"
#include "abi/linux/inotify.h"
#include <string.h>

static char buf[200000];

static void make_pipe(uint32_t flags, int fd[2])
{
    struct file *r, *w;

    EXPECT_EQ(pipe_open(flags, &r, &w), 0);
    fd[0] = fd_install(r, 0, false);
    fd[1] = fd_install(w, 0, false);
}

static void pipes_hold_what_fits(void)
{
    int p[2];

    make_pipe(O_NONBLOCK, p);
    EXPECT_EQ(t_read(p[0], buf, 1), -EAGAIN);
    EXPECT_EQ(t_write(p[1], buf, sizeof(buf)), 65536);
    EXPECT_EQ(t_write(p[1], buf, 1), -EAGAIN);
    EXPECT_EQ(t_read(p[0], buf, 4096), 4096);
    EXPECT_EQ(t_write(p[1], buf, 4096), 4096);
    EXPECT_EQ(t_read(p[0], buf, sizeof(buf)), 65536);
    EXPECT_EQ(t_write(p[1], "abc", 3), 3);
    EXPECT_EQ(t_write(p[1], "def", 3), 3);
    EXPECT_EQ(t_read(p[0], buf, 4), 4);
    EXPECT(memcmp(buf, "abcd", 4) == 0);
    EXPECT_EQ(pipe_resize(pipe_of(t_file(p[0])), 5000), 8192);
    EXPECT_EQ(t_read(p[0], buf, 100), 2);
    EXPECT_EQ(file_seek(t_file(p[0]), 0, SEEK_SET), -ESPIPE);
    fd_close(p[1]);
    EXPECT_EQ(t_read(p[0], buf, 1), 0);
    EXPECT_EQ(file_poll(t_file(p[0]), NULL), POLLHUP);
    fd_close(p[0]);
}

static void a_pipe_without_readers_breaks(void)
{
    int p[2];

    make_pipe(0, p);
    fd_close(p[0]);
    EXPECT_EQ(t_write(p[1], "x", 1), -EPIPE);
    EXPECT_EQ(last_signal(), 13);
    EXPECT_EQ(file_poll(t_file(p[1]), NULL) & POLLERR, POLLERR);
    fd_close(p[1]);
}

static void packets_stay_apart(void)
{
    int p[2];

    make_pipe(O_NONBLOCK | O_DIRECT, p);
    t_write(p[1], "one", 3);
    t_write(p[1], "two!", 4);
    EXPECT_EQ(t_read(p[0], buf, 100), 3);
    EXPECT_EQ(t_read(p[0], buf, 2), 2); /* the rest of it is gone */
    EXPECT_EQ(t_read(p[0], buf, 100), -EAGAIN);
    fd_close(p[0]);
    fd_close(p[1]);
}

static void an_interrupted_wait_is_restarted(void)
{
    int p[2];

    make_pipe(0, p);
    interrupt(true);
    EXPECT_EQ(t_read(p[0], buf, 1), -ERESTARTSYS);
    t_write(p[1], "x", 1);
    EXPECT_EQ(t_read(p[0], buf, 1), 1); /* data wins */
    interrupt(false);
    fd_close(p[0]);
    fd_close(p[1]);
}

static void fifos_have_names(void)
{
    int r, w;

    EXPECT_EQ(t_mknod("/fifo", S_IFIFO | 0644, 0), 0);
    EXPECT_EQ(t_open("/fifo", O_WRONLY | O_NONBLOCK), -ENXIO);
    r = t_open("/fifo", O_RDONLY | O_NONBLOCK);
    EXPECT_EQ(file_poll(t_file(r), NULL), 0);
    w = t_open("/fifo", O_WRONLY);
    EXPECT_EQ(t_write(w, "through", 7), 7);
    EXPECT_EQ(t_read(r, buf, 100), 7);
    fd_close(w);
    EXPECT_EQ(file_poll(t_file(r), NULL), POLLHUP);
    fd_close(r);
    EXPECT_EQ(t_unlink("/fifo"), 0);
}

static void bytes_move_from_file_to_file(void)
{
    int a, b, p[2];
    uint64_t in = 0, out = 2;

    t_put("/from", "0123456789");
    a = t_open("/from", O_RDONLY);
    b = t_open("/to", O_CREAT | O_RDWR);
    make_pipe(O_NONBLOCK, p);
    EXPECT_EQ(splice_range(t_file(a), &in, t_file(b), &out, 4), 4);
    EXPECT_EQ(in, 4);
    EXPECT_EQ(out, 6);
    EXPECT_EQ(t_pread(b, buf, 10, 0), 6);
    EXPECT(memcmp(buf,
                  "\0\0"
                  "0123",
                  6) == 0);
    EXPECT_EQ(splice_files(t_file(a), NULL, t_file(p[1]), NULL, 5, true), 5);
    EXPECT_EQ(splice_files(t_file(a), NULL, t_file(b), NULL, 5, true), -EINVAL);
    EXPECT_EQ(splice_files(t_file(p[0]), NULL, t_file(b), NULL, 50, true), 5);
    EXPECT(memcmp(t_text("/to"), "01234", 5) == 0);
    fd_close(a);
    fd_close(b);
    fd_close(p[0]);
    fd_close(p[1]);
    t_unlink("/from");
    t_unlink("/to");
}

static void events_count(void)
{
    struct file *f;
    uint64_t n = 3;
    int fd;

    EXPECT_EQ(eventfd_open(5, EFD_NONBLOCK, &f), 0);
    fd = fd_install(f, 0, false);
    EXPECT_EQ(t_write(fd, &n, 8), 8);
    EXPECT_EQ(t_read(fd, &n, 8), 8);
    EXPECT_EQ(n, 8);
    EXPECT_EQ(t_read(fd, &n, 8), -EAGAIN);
    n = UINT64_MAX;
    EXPECT_EQ(t_write(fd, &n, 8), -EINVAL);
    fd_close(fd);
}

/* ---- epoll ---- */

static int take(struct file *ep, struct epoll_event *ev)
{
    return epoll_take(ep, ev, 8, 0, true);
}

static void epoll_tells_levels_and_edges(void)
{
    struct epoll_event ev[8], in = {EPOLLIN, 1};
    struct file *ep;
    int p[2];

    make_pipe(O_NONBLOCK, p);
    EXPECT_EQ(epoll_open(0, &ep), 0);
    EXPECT_EQ(epoll_control(ep, EPOLL_CTL_ADD, t_file(p[0]), p[0], &in), 0);
    EXPECT_EQ(epoll_control(ep, EPOLL_CTL_ADD, t_file(p[0]), p[0], &in),
              -EEXIST);
    EXPECT_EQ(take(ep, ev), 0);
    t_write(p[1], "x", 1);
    EXPECT_EQ(take(ep, ev), 1);
    EXPECT_EQ(take(ep, ev), 1);
    EXPECT_EQ(ev[0].data, 1);
    in.events = EPOLLIN | EPOLLET;
    EXPECT_EQ(epoll_control(ep, EPOLL_CTL_MOD, t_file(p[0]), p[0], &in), 0);
    EXPECT_EQ(take(ep, ev), 1);
    EXPECT_EQ(take(ep, ev), 0);
    t_write(p[1], "x", 1);
    EXPECT_EQ(take(ep, ev), 1);
    EXPECT_EQ(take(ep, ev), 0);
    in.events = EPOLLIN | EPOLLONESHOT;
    epoll_control(ep, EPOLL_CTL_MOD, t_file(p[0]), p[0], &in);
    EXPECT_EQ(take(ep, ev), 1);
    t_write(p[1], "x", 1);
    EXPECT_EQ(take(ep, ev), 0);
    fd_close(p[0]); /* takes the watch with it */
    EXPECT_EQ(epoll_control(ep, EPOLL_CTL_ADD, ep, 9, &in), -EINVAL);
    fd_close(p[1]);
    file_put(ep);
}

static void epolls_nest_but_not_in_rings(void)
{
    struct epoll_event in = {EPOLLIN, 7}, ev[8];
    struct file *outer, *inner;
    int p[2];

    make_pipe(O_NONBLOCK, p);
    epoll_open(0, &outer);
    epoll_open(0, &inner);
    EXPECT_EQ(epoll_control(outer, EPOLL_CTL_ADD, inner, 50, &in), 0);
    EXPECT_EQ(epoll_control(inner, EPOLL_CTL_ADD, outer, 51, &in), -ELOOP);
    EXPECT_EQ(epoll_control(inner, EPOLL_CTL_ADD, t_file(p[0]), p[0], &in), 0);
    EXPECT_EQ(take(outer, ev), 0);
    t_write(p[1], "x", 1);
    EXPECT_EQ(take(outer, ev), 1);
    t_read(p[0], buf, 1);
    EXPECT_EQ(take(outer, ev), 0);
    file_put(inner);
    EXPECT_EQ(take(outer, ev), 0);
    file_put(outer);
    fd_close(p[0]);
    fd_close(p[1]);
}

/* ---- inotify ---- */

static struct file *in;

static uint32_t next_event(char *name)
{
    struct inotify_event *e = (void *)buf;
    struct iobuf io;

    iobuf_kernel(&io, buf, sizeof(*e) + 32);
    if (file_read(in, &io, IO_NOWAIT) < (long)sizeof(*e)) {
        return 0;
    }
    strcpy(name, e->len ? buf + sizeof(*e) : "");
    return e->mask;
}

static void inotify_tells_of_names_and_content(void)
{
    static const uint32_t all[] = {IN_CREATE, IN_MODIFY, IN_MOVED_FROM,
                                   IN_MOVED_TO, IN_DELETE};
    struct path dir;
    char name[64];
    uint32_t mask = 0, got = 0;

    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        mask |= all[i];
    }
    t_mkdir("/w");
    EXPECT_EQ(inotify_open(0, &in), 0);
    path_find(NULL, "/w", 0, &dir);
    EXPECT_EQ(inotify_add(in, dir.dentry->inode, mask), 1);
    EXPECT_EQ(inotify_add(in, dir.dentry->inode, mask), 1);
    t_put("/w/f", "text");
    t_rename("/w/f", "/w/g", 0);
    t_unlink("/w/g");
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        EXPECT_EQ(next_event(name), all[i]);
        got += strcmp(name, i < 3 ? "f" : "g") == 0;
    }
    EXPECT_EQ(got, 5);
    EXPECT_EQ(next_event(name), 0);
    EXPECT_EQ(inotify_remove(in, 1), 0);
    EXPECT_EQ(next_event(name), IN_IGNORED);
    EXPECT_EQ(inotify_remove(in, 1), -EINVAL);
    path_put(&dir);
    t_rmdir("/w");
    file_put(in);
}

/* ---- locks ---- */

static int record(struct file *f, int type, int64_t start, int64_t len)
{
    struct flock64 fl = {.l_type = type, .l_start = start, .l_len = len};

    return lock_set(f, LOCK_KIND_OFD, &fl, false);
}

static int tested(struct file *f, int64_t start, int64_t len)
{
    struct flock64 fl = {.l_type = F_WRLCK, .l_start = start, .l_len = len};

    EXPECT_EQ(lock_test(f, LOCK_KIND_OFD, &fl), 0);
    return fl.l_type == F_UNLCK ? -1 : (int)(fl.l_start * 100 + fl.l_len);
}

static void record_locks_split_and_join(void)
{
    int a = t_open("/lock", O_CREAT | O_RDWR), b = t_open("/lock", O_RDWR);
    struct file *fa = t_file(a), *fb = t_file(b);

    EXPECT_EQ(record(fa, F_WRLCK, 10, 30), 0);
    EXPECT_EQ(tested(fb, 0, 100), 1030);
    EXPECT_EQ(tested(fb, 0, 10), -1);
    EXPECT_EQ(record(fb, F_RDLCK, 39, 1), -EAGAIN);
    EXPECT_EQ(record(fa, F_UNLCK, 20, 5), 0);
    EXPECT_EQ(tested(fb, 0, 100), 1010);
    EXPECT_EQ(tested(fb, 20, 5), -1);
    EXPECT_EQ(tested(fb, 25, 5), 2515);
    EXPECT_EQ(record(fa, F_RDLCK, 15, 15), 0);
    EXPECT_EQ(tested(fb, 15, 1), 1515);
    EXPECT_EQ(record(fb, F_RDLCK, 16, 4), 0);
    EXPECT_EQ(record(fa, F_WRLCK, 0, 0), -EAGAIN);
    fd_close(b);
    EXPECT_EQ(record(fa, F_WRLCK, 0, 0), 0);
    b = t_open("/lock", O_RDWR);
    EXPECT_EQ(tested(t_file(b), 1000, 1), 0);
    fd_close(a);
    EXPECT_EQ(tested(t_file(b), 0, 0), -1);
    fd_close(b);
    t_unlink("/lock");
}

static void whole_file_locks_convert(void)
{
    int a = t_open("/lock", O_CREAT | O_RDWR), b = t_open("/lock", O_RDWR);

    EXPECT_EQ(lock_flock(t_file(a), LOCK_SH), 0);
    EXPECT_EQ(lock_flock(t_file(b), LOCK_SH | LOCK_NB), 0);
    EXPECT_EQ(lock_flock(t_file(a), LOCK_EX | LOCK_NB), -EAGAIN);
    EXPECT_EQ(lock_flock(t_file(b), LOCK_EX | LOCK_NB), 0);
    EXPECT_EQ(lock_flock(t_file(a), LOCK_UN), 0);
    fd_close(b);
    EXPECT_EQ(lock_flock(t_file(a), LOCK_EX | LOCK_NB), 0);
    fd_close(a);
    t_unlink("/lock");
}

/* ---- asynchronous I/O ---- */

/* io_submit(2) may be about to begin a poll when another thread ends its
 * context: the file is not to hold on to what is freed. */
static void an_ended_context_takes_no_poll(void)
{
    int table = 0; /* whose address is the owner */
    struct aio_context *c;
    struct aio_request *r;
    int p[2];

    make_pipe(O_NONBLOCK, p);
    EXPECT_EQ(aio_create(&table, 1, 2), 0);
    c = aio_find(&table, 1);
    EXPECT_EQ(aio_take_place(c, &r), 0);
    file_ref(t_file(p[0]));
    EXPECT_EQ(aio_poll(c, r, t_file(p[0]), POLLIN), 0);
    EXPECT_EQ(aio_take_place(c, &r), 0);
    EXPECT_EQ(aio_destroy(&table, 1), 0);
    file_ref(t_file(p[0]));
    EXPECT_EQ(aio_poll(c, r, t_file(p[0]), POLLIN), -EINVAL);
    aio_give_back(c, r);
    aio_put(c);
    EXPECT_EQ(t_write(p[1], "x", 1), 1);
    fd_close(p[0]);
    fd_close(p[1]);
}

/* ---- descriptors ---- */

static void the_lowest_number_is_taken(void)
{
    int fd[100];

    for (int i = 0; i < 100; i++) {
        fd[i] = t_open("/", O_RDONLY);
        EXPECT_EQ(fd[i], i);
    }
    fd_close(70);
    fd_close(3);
    EXPECT_EQ(t_open("/", O_RDONLY), 3);
    EXPECT_EQ(t_open("/", O_RDONLY | O_CLOEXEC), 70);
    EXPECT_EQ(fd_get_cloexec(70), 1);
    files_close_on_exec(current_files());
    EXPECT_EQ(fd_get_cloexec(70), -EBADF);
    EXPECT_EQ(fd_install_at(t_file(0), 500, false), 0);
    EXPECT_EQ(fd_install_at(t_file(0), 1024, false), -EBADF);
    EXPECT_EQ(fd_reserve(false), 70);
    EXPECT_EQ(fd_close(70), -EBADF);
    EXPECT_EQ(fd_install_at(t_file(0), 70, false), -EBUSY);
    EXPECT_EQ(t_open("/", O_RDONLY), 100);
    fd_fill(70, NULL);
    fd_range_close(0, ~0u);
    EXPECT_EQ(files_next(current_files(), 0), -1);
}

static void a_copied_table_shares_files_not_numbers(void)
{
    struct files *copy;
    int fd = t_open("/two", O_CREAT | O_RDWR);
    struct file *f;

    t_write(fd, "x", 1);
    EXPECT_EQ(files_copy(current_files(), &copy), 0);
    fd_close(fd);
    f = files_peek(copy, fd, NULL);
    EXPECT(f && f->pos == 1);
    file_put(f);
    files_put(copy);
    t_unlink("/two");
}

int main(void)
{
    world_start();
    RUN(pipes_hold_what_fits);
    RUN(a_pipe_without_readers_breaks);
    RUN(packets_stay_apart);
    RUN(an_interrupted_wait_is_restarted);
    RUN(fifos_have_names);
    RUN(bytes_move_from_file_to_file);
    RUN(events_count);
    RUN(epoll_tells_levels_and_edges);
    RUN(epolls_nest_but_not_in_rings);
    RUN(inotify_tells_of_names_and_content);
    RUN(record_locks_split_and_join);
    RUN(whole_file_locks_convert);
    RUN(an_ended_context_takes_no_poll);
    RUN(the_lowest_number_is_taken);
    RUN(a_copied_table_shares_files_not_numbers);
    return unit_result();
}
