/* SPDX-License-Identifier: MIT
 *
 * The console (tty.h): reads and writes go straight to the host. A read waits
 * by a poll that a signal can end; terminals answer ioctls themselves. Job
 * control among our processes is ours: the host sees one process.
 *
 * Readiness for poll and O_NONBLOCK is found by a task of the kernel for each
 * stream, started on first use, since the host's poll blocks who asks.
 */
#include "kernel/tty/room.h"
#include "kernel/fs/current.h"
#include "kernel/fs/names.h"
#include "kernel/core/hostio.h"
#include "kernel/core/log.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/ioctl.h"
#include "abi/linux/signal.h"
#include "abi/linux/stat.h"
#include "abi/linux/termios.h"
#include "abi/linux/wait.h"
#include "target/target.h"

enum {
    STREAMS = 3,
    CHUNK = 65536,
    SMALL = 512,
    GRACE = 500 * 1000, /* ns that a readiness answer is waited for */
};

struct stream {
    int fd; /* of the host */
    bool tty, open;
    uint32_t mode;
    uint64_t rdev, size;
    struct wait_queue wait;   /* readiness of input changed */
    struct wait_queue asked;  /* the poller's work */
    struct wait_queue answer; /* whoever looks, for a moment */
    uint32_t ready;           /* POLL*; atomic */
    uint32_t asking;          /* the poller is at it; atomic */
    uint32_t late;            /* somebody looked and went on; atomic */
    uint32_t taken;           /* how often input was taken, from 1; atomic */
    uint32_t known;           /* taken when ready was found out; atomic */
    uint32_t has_poller;      /* atomic */
    struct task poller;
};

static struct stream streams[STREAMS];
static struct terminal job; /* of the streams that are a terminal */

/* ---- readiness ---- */

static void poller(void *arg)
{
    struct stream *s = arg;

    for (;;) {
        uint32_t taken;
        int bits;

        wait_event(&s->asked, atomic_load(&s->asking), DEADLINE_NONE, 0);
        taken = atomic_load(&s->taken);
        bits = hostio_poll(s->fd, POLLIN);
        atomic_store(&s->ready, bits > 0 ? (uint32_t)bits : POLLERR);
        atomic_store(&s->known, taken);
        atomic_store(&s->asking, 0);
        wait_wake_all(&s->answer);
        if (atomic_xchg(&s->late, 0)) {
            wait_wake(&s->wait, ~0u, s->ready);
        }
    }
}

static bool start_poller(struct stream *s)
{
    void *stack;

    if (atomic_load(&s->has_poller)) {
        return true;
    }
    stack = kstack_alloc();
    if (!stack) {
        return false;
    }
    if (atomic_xchg(&s->has_poller, 1)) { /* another task was quicker */
        kstack_free(stack);
        return true;
    }
    task_init(&s->poller, stack, "console", poller, s);
    task_start(&s->poller);
    return true;
}

static bool answered(void *arg)
{
    struct stream *s = arg;

    return !atomic_load(&s->asking);
}

/* The bits that hold now, as far as the host answers quickly. Only an answer
 * that comes later wakes those in s->wait, and who looks for the second time
 * does not wait for one: what is ready and not wanted, or not there, would keep
 * them busy for ever. */
static uint32_t input_ready(struct stream *s)
{
    if (!start_poller(s)) {
        return POLLIN;
    }
    if (atomic_load(&s->asking) && atomic_load(&s->late)) {
        return 0;
    }
    if (!atomic_load(&s->asking)) {
        atomic_store(&s->ready, 0);
        atomic_store(&s->asking, 1);
        wait_wake_all(&s->asked);
    }
    wait_until(&s->answer, answered, s, clock_now() + GRACE, 0);
    if (!answered(s)) {
        atomic_store(&s->late, 1);
        atomic_fence(); /* the poller sees this, or we its answer */
    }
    return atomic_load(&s->ready);
}

/* What was ready is so still. */
static bool nothing_taken(struct stream *s)
{
    return atomic_load(&s->known) == atomic_load(&s->taken);
}

static uint32_t console_poll(struct file *f, struct poll_table *pt)
{
    struct stream *s = f->private;
    uint32_t bits = POLLOUT | POLLWRNORM;

    if (S_ISREG(s->mode)) { /* whatever it was opened for */
        return bits | POLLIN | POLLRDNORM;
    }
    if (f->mode & FILE_READ) {
        poll_wait(pt, &s->wait);
        bits |= nothing_taken(s) ? atomic_load(&s->ready) : input_ready(s);
        bits |= bits & POLLIN ? POLLRDNORM : 0;
    }
    return bits;
}

/* ---- data ---- */

static char *buffer(size_t want, char *small, size_t *size)
{
    char *buf = want > SMALL ? kmalloc(MIN(want, (size_t)CHUNK)) : NULL;

    *size = buf ? MIN(want, (size_t)CHUNK) : MIN(want, (size_t)SMALL);
    return buf ? buf : small;
}

static int wait_input(struct file *f, struct stream *s, int flags)
{
    int bits;

    if (S_ISREG(s->mode)) {
        return 0;
    }
    if (file_nonblock(f, flags)) {
        return input_ready(s) ? 0 : -EAGAIN;
    }
    bits = hostio_poll(s->fd, POLLIN);
    return bits == -EINTR ? -ERESTARTSYS : MIN(bits, 0);
}

static long console_read(struct file *f, struct iobuf *io, uint64_t *pos,
                         int flags)
{
    struct stream *s = f->private;
    char small[SMALL], *buf;
    size_t size;
    long n = s->tty ? terminal_check(&job, SIGTTIN) : 0;

    n = n ? n : wait_input(f, s, flags);
    if (n < 0) {
        return n;
    }
    buf = buffer(io->left, small, &size);
    n = hostio_read(s->fd, buf, size, -1);
    atomic_fetch_add(&s->taken, 1);
    if (n > 0) {
        n = iobuf_put(io, buf, n);
    }
    if (buf != small) {
        kfree(buf);
    }
    return n;
}

static long write_all(struct stream *s, const char *buf, size_t len)
{
    size_t done = 0;
    long n = 0;

    while (done < len) {
        n = hostio_write(s->fd, buf + done, len - done, -1);
        if (n == -EAGAIN) { /* the host's descriptor is non-blocking */
            n = hostio_poll(s->fd, POLLOUT);
            n = MIN(n, 0l);
            if (n == 0) {
                continue;
            }
        }
        if (n <= 0) {
            break;
        }
        done += n;
    }
    return done ? (long)done : n == -EINTR ? -ERESTARTSYS : n;
}

static long console_write(struct file *f, struct iobuf *io, uint64_t *pos,
                          int flags)
{
    struct stream *s = f->private;
    char small[SMALL], *buf;
    size_t size;
    long done = 0, n = 0;

    buf = buffer(io->left, small, &size);
    while (io->left) {
        long part = iobuf_get(io, buf, MIN(io->left, (uint64_t)size));

        n = part > 0 ? write_all(s, buf, part) : part;
        done += MAX(n, 0l);
        if (n < part || n <= 0) {
            break;
        }
    }
    if (buf != small) {
        kfree(buf);
    }
    if (S_ISREG(s->mode)) {
        atomic_fetch_add(&f->inode->size, MAX(done, 0l));
    }
    if (n == -EPIPE) {
        current_signal(13); /* SIGPIPE */
    }
    return done ? done : n;
}

/* ---- terminals ---- */

struct tty_call {
    uint32_t cmd;
    uint8_t in, out; /* bytes to the host, bytes back */
};

static const struct tty_call tty_calls[] = {
    {TCGETS, 0, sizeof(struct linux_termios)},
    {TCSETS, sizeof(struct linux_termios), 0},
    {TCSETSW, sizeof(struct linux_termios), 0},
    {TCSETSF, sizeof(struct linux_termios), 0},
    {TCGETA, 0, sizeof(struct linux_termio)},
    {TCSETA, sizeof(struct linux_termio), 0},
    {TCSETAW, sizeof(struct linux_termio), 0},
    {TCSETAF, sizeof(struct linux_termio), 0},
    {TCGETS2, 0, sizeof(struct linux_termios2)},
    {TCSETS2, sizeof(struct linux_termios2), 0},
    {TCSETSW2, sizeof(struct linux_termios2), 0},
    {TCSETSF2, sizeof(struct linux_termios2), 0},
    {TIOCGWINSZ, 0, sizeof(struct winsize)},
    {TIOCSWINSZ, sizeof(struct winsize), 0},
    {TIOCOUTQ, 0, 4},
};

static long forward(struct stream *s, const struct tty_call *call,
                    struct uptr arg)
{
    uint8_t buf[64];
    long err = copy_from_user(buf, arg, call->in);

    if (!err) {
        err = hostio_ioctl(s->fd, call->cmd, buf, call->in, call->out);
    }
    if (err >= 0 && call->out) {
        err = copy_to_user(arg, buf, call->out);
    }
    return err;
}

static long terminal_ioctl(struct file *f, struct stream *s, uint32_t cmd,
                           struct uptr arg)
{
    bool known;
    long err = job_is_change(cmd) ? terminal_check(&job, SIGTTOU) : 0;

    if (err) {
        return err;
    }
    err = job_ioctl(&job, f, cmd, arg, false, &known);
    if (known) {
        return err;
    }
    for (size_t i = 0; i < ARRAY_SIZE(tty_calls); i++) {
        if (tty_calls[i].cmd == cmd) {
            return forward(s, &tty_calls[i], arg);
        }
    }
    switch (cmd) {
    case TCSBRK: /* what was written is with the host already */
        return 0;
    case TIOCGETD:
        return put_user32(arg, 0);
    case TIOCGDEV:
        return put_user32(arg, (uint32_t)job.rdev);
    default:
        return -EINVAL;
    }
}

static long console_ioctl(struct file *f, uint32_t cmd, struct uptr arg)
{
    struct stream *s = f->private;
    struct tty_call fionread = {FIONREAD, 0, 4};

    if (cmd == FIONREAD && !S_ISCHR(s->mode)) {
        return forward(s, &fionread, arg);
    }
    if (!s->tty) {
        return -ENOTTY;
    }
    atomic_fetch_add(&s->taken, 1); /* a mode, or a flush, may change it */
    if (cmd == FIONREAD) {
        return forward(s, &fionread, arg);
    }
    return terminal_ioctl(f, s, cmd, arg);
}

static int console_sync(struct file *f, bool data_only)
{
    struct stream *s = f->private;

    return S_ISREG(s->mode) ? hostio_fsync(s->fd) : -EINVAL;
}

const struct file_ops console_ops = {
    .read = console_read,
    .write = console_write,
    .poll = console_poll,
    .ioctl = console_ioctl,
    .sync = console_sync,
};

static const struct file_ops terminal_ops = {
    .read = console_read,
    .write = console_write,
    .poll = console_poll,
    .ioctl = console_ioctl,
};

/* ---- streams that are regular files ---- */

/* The position is the host's, shared with whoever else has the description
 * (`{ a; b; } >file`). Of it the host tells 31 bits; f->pos has the rest. */
static long regular_read(struct file *f, struct iobuf *io, uint64_t *pos,
                         int flags)
{
    long n = console_read(f, io, pos, flags);

    *pos += (uint64_t)MAX(n, 0l);
    return n;
}

static long regular_write(struct file *f, struct iobuf *io, uint64_t *pos,
                          int flags)
{
    long n = console_write(f, io, pos, flags);

    *pos += (uint64_t)MAX(n, 0l);
    return n;
}

static int64_t regular_size(const struct stream *s)
{
    struct linux_statx st;
    int err = hostio_statx(s->fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st);

    return err < 0 ? err : (int64_t)(st.stx_size & INT64_MAX);
}

static int64_t regular_seek(struct file *f, int64_t off, int whence)
{
    struct stream *s = f->private;
    int64_t from = 0, to;

    if (whence == SEEK_CUR) {
        from = hostio_lseek(s->fd, 0, SEEK_CUR);
        from |= from < 0 ? 0 : (int64_t)(f->pos & ~(uint64_t)INT32_MAX);
    } else if (whence == SEEK_END) {
        from = regular_size(s);
    } else if (whence != SEEK_SET) {
        return -EINVAL;
    }
    if (from < 0) {
        return from;
    }
    if (__builtin_add_overflow(from, off, &to) || to < 0) {
        return -EINVAL;
    }
    if (whence == SEEK_CUR && off == 0) {
        return from;
    }
    off = hostio_lseek(s->fd, to, SEEK_SET);
    return off < 0 ? off : to;
}

static const struct file_ops regular_ops = {
    .read = regular_read,
    .write = regular_write,
    .seek = regular_seek,
    .poll = console_poll,
    .ioctl = console_ioctl,
    .sync = console_sync,
};

/* ---- opening ---- */

static void get_job(struct terminal *t)
{
}

/* Input is stream 0's affair if it is the terminal. */
static int open_job(struct terminal *t, struct file *f)
{
    for (int i = 0; i < STREAMS; i++) {
        if (streams[i].tty) {
            f->private = &streams[i];
            f->ops = &terminal_ops;
            f->mode |= FILE_NO_POS_LOCK | FILE_NO_PREAD;
            if (!(f->flags & O_NOCTTY) && (f->mode & FILE_READ)) {
                terminal_opened(t);
            }
            return 0;
        }
    }
    return -ENXIO;
}

int console_open(struct file *f)
{
    return open_job(&job, f);
}

static void init_stream(struct stream *s, const struct host_stream *is)
{
    s->tty = is->tty;
    s->open = is->open;
    s->mode = is->mode & (S_IFMT | 0777);
    s->size = is->size;
    s->rdev = make_dev(is->rdev_major, is->rdev_minor);
    wait_queue_init(&s->wait);
    wait_queue_init(&s->asked);
    wait_queue_init(&s->answer);
    s->taken = 1;
    switch (s->mode & S_IFMT) {
    case S_IFREG:
    case S_IFIFO:
    case S_IFCHR:
    case S_IFSOCK:
        break;
    default:
        s->mode = S_IFIFO | 0600;
    }
}

/* The first process leads the session that has it, as when a shell starts a
 * program in front. */
static void init_job(uint32_t uid)
{
    struct inode *node;

    job.get = get_job;
    job.open = open_job;
    terminal_add(&job);
    if (devpts_add(&job, uid, &node) >= 0) {
        job.sid = job.pgrp = 1;
    }
}

void console_signal(int signo)
{
    const sigset group = sigbit(SIGINT) | sigbit(SIGQUIT) | sigbit(SIGTSTP) |
                         sigbit(SIGHUP) | sigbit(SIGWINCH) | sigbit(SIGCONT);
    const sigset end =
        sigbit(SIGINT) | sigbit(SIGQUIT) | sigbit(SIGHUP) | sigbit(SIGTERM);
    struct k_siginfo info = {.signo = signo, .code = SI_USER};
    struct proc *first = proc_find(1);

    if (!first && sigbit(signo) & end) { /* the kernel still boots */
        target_stop(WSTATUS_SIGNAL(signo));
    }
    if (first && sigbit(signo) & group) {
        group_signal(job.pgrp ? job.pgrp : first->pgid, signo);
    } else if (first) {
        signal_send_proc(first, &info);
    }
    if (first) {
        proc_put(first);
    }
}

void console_init(const struct boot_info *info)
{
    bool any = false;

    for (int i = 0; i < STREAMS; i++) {
        struct stream *s = &streams[i];

        s->fd = i;
        init_stream(s, &info->streams[i]);
        any |= s->tty;
    }
    if (any) {
        init_job(info->uid);
    }
}

static const char *stream_name(const struct stream *s)
{
    return S_ISFIFO(s->mode) ? "pipe:[1]" : "/dev/console";
}

static int begin(struct file *f, struct stream *s)
{
    f->ops = S_ISREG(s->mode) ? &regular_ops : &console_ops;
    f->mode |= S_ISREG(s->mode) ? FILE_NO_PREAD : 0;
    f->private = s;
    return 0;
}

static int reopen(struct file *f)
{
    return begin(f, f->inode->object);
}

/* A socket's object is a socket of ours (unix_name.c), or none; and nobody
 * opens it by a name. */
static int stream_inode(struct stream *s, struct inode **out)
{
    bool named = !S_ISSOCK(s->mode);
    int err = anon_inode(s->mode, named ? reopen : NULL, out);

    if (!err) {
        (*out)->object = named ? s : NULL;
        (*out)->rdev = s->rdev;
        (*out)->size = S_ISREG(s->mode) ? s->size : 0;
    }
    return err;
}

int console_stream(int host_fd, struct file **out)
{
    struct stream *s = &streams[host_fd];
    uint32_t flags = host_fd == 0 ? O_RDONLY : O_WRONLY;
    struct inode *inode;
    int err;

    if (!s->open) {
        return -ENXIO;
    }
    if (s->tty) { /* ttyname(3) finds it by its name and number */
        return name_open(NULL, "/dev/pts/0", O_RDWR, 0, 0, out);
    }
    err = stream_inode(s, &inode);
    if (err) {
        return err;
    }
    err = file_open_inode(stream_name(s), inode, flags, out);
    return err ? err : begin(*out, s);
}
