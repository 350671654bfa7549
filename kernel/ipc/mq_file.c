/* SPDX-License-Identifier: MIT
 *
 * Descriptors of POSIX message queues: send, receive, notify, and what read(2)
 * and poll(2) make of them. A queue's lock guards its messages; senders wait
 * for room, receivers for a message, poll for either, all on one wait queue.
 */
#include "kernel/ipc/mqueue.h"
#include "kernel/fs/current.h"
#include "kernel/mm/heap.h"
#include "abi/linux/signal.h"
#include "lib/fmt.h"
#include "lib/string.h"

void mq_init(struct mq *q)
{
    spin_init(&q->lock, LOCK_PIPE);
    list_init(&q->messages);
    wait_queue_init(&q->changed);
}

void mq_empty(struct mq *q)
{
    list_for_each_safe (pos, &q->messages) {
        list_del(pos);
        kfree(list_entry(pos, struct message, node));
    }
}

/* ---- sending ---- */

/* Behind all of its priority. [queue] */
static void insert(struct mq *q, struct message *m)
{
    struct list *before = &q->messages;

    for (struct list *pos = q->messages.prev;
         pos != &q->messages &&
         list_entry(pos, struct message, node)->type < m->type;
         pos = pos->prev) {
        before = pos;
    }
    list_add_tail(before, &m->node);
    q->count++;
    q->bytes += m->len;
}

/* A message came to an empty queue that nobody waits at: who asked to be told
 * is, once. */
struct notice {
    int pid, signo;
    uint64_t value;
    struct mq_watcher *watcher;
};

/* [queue] */
static void take_notice(struct mq *q, struct notice *n)
{
    if (q->notify && q->count == 1 && !q->receivers) {
        *n = (struct notice){q->notify_pid, q->notify_signo, q->notify_value,
                             q->watcher};
        q->notify = NULL;
        q->watcher = NULL;
    }
}

static void give_notice(const struct notice *n)
{
    struct k_siginfo info;
    struct proc *p = n->signo ? proc_find(n->pid) : NULL;

    if (n->watcher) {
        n->watcher->tell(n->watcher, false);
    }
    if (!p) {
        return;
    }
    memset(&info, 0, sizeof(info));
    info.signo = n->signo;
    info.code = SI_MESGQ;
    info.kill.pid = current_proc()->pid;
    info.kill.uid = current_proc()->cred.uid;
    info.kill.value = n->value;
    signal_send_proc(p, &info);
    proc_put(p);
}

struct transfer {
    struct mq *q;
    struct message *m;
    struct notice notice;
    bool done;
};

static bool send_now(struct transfer *t)
{
    struct mq *q = t->q;

    if (t->done) {
        return true;
    }
    spin_lock(&q->lock);
    if (q->count < q->max) {
        insert(q, t->m);
        take_notice(q, &t->notice);
        t->done = true;
    }
    spin_unlock(&q->lock);
    return t->done;
}

static bool receive_now(struct transfer *t)
{
    struct mq *q = t->q;

    if (t->done) {
        return true;
    }
    spin_lock(&q->lock);
    if (q->count) {
        t->m = list_entry(list_pop(&q->messages), struct message, node);
        q->count--;
        q->bytes -= t->m->len;
        t->done = true;
    }
    spin_unlock(&q->lock);
    return t->done;
}

static int wait_result(int err)
{
    return err == -EINTR ? -ERESTARTSYS : err;
}

/* mtime and ctime move with the messages, as on Linux. */
static void touch(struct mq *q, uint32_t events)
{
    q->inode.atime = q->inode.mtime = q->inode.ctime = clock_realtime();
    wait_wake(&q->changed, ~0u, events);
}

int mq_send(struct file *f, struct message *m, uint64_t deadline)
{
    struct transfer t = {.m = m};
    int err = 0;

    if (f->ops != &mq_file_ops || !(f->mode & FILE_WRITE)) {
        return -EBADF;
    }
    t.q = mq_of(f->inode);
    if (m->len > t.q->size) {
        return -EMSGSIZE;
    }
    if (!send_now(&t)) {
        err = file_nonblock(f, 0)
                  ? -EAGAIN
                  : wait_result(wait_event(&t.q->changed, send_now(&t),
                                           deadline, WAIT_INTR));
    }
    if (!err) {
        touch(t.q, POLLIN | POLLRDNORM);
        give_notice(&t.notice);
    }
    return err;
}

static int wait_for_message(struct transfer *t, uint64_t deadline)
{
    int err;

    spin_lock(&t->q->lock);
    t->q->receivers++;
    spin_unlock(&t->q->lock);
    err = wait_event(&t->q->changed, receive_now(t), deadline, WAIT_INTR);
    spin_lock(&t->q->lock);
    t->q->receivers--;
    spin_unlock(&t->q->lock);
    return wait_result(err);
}

int mq_receive(struct file *f, uint64_t room, struct message **out,
               uint64_t deadline)
{
    struct transfer t = {.m = NULL};
    int err = 0;

    if (f->ops != &mq_file_ops || !(f->mode & FILE_READ)) {
        return -EBADF;
    }
    t.q = mq_of(f->inode);
    if (room < t.q->size) {
        return -EMSGSIZE;
    }
    if (!receive_now(&t)) {
        err = file_nonblock(f, 0) ? -EAGAIN : wait_for_message(&t, deadline);
    }
    if (!err) {
        touch(t.q, POLLOUT | POLLWRNORM);
        *out = t.m;
    }
    return err;
}

/* ---- the rest ---- */

/* The caller asks to be told: -EBUSY when somebody does already. [queue] */
static int take_place(struct mq *q, int signo, uint64_t value,
                      struct mq_watcher *w)
{
    if (q->notify) {
        return -EBUSY;
    }
    q->notify = current_proc();
    q->notify_pid = current_proc()->pid;
    q->notify_signo = signo;
    q->notify_value = value;
    q->watcher = w;
    return 0;
}

/* Gives the caller's place up, if it has one. [queue] */
static struct mq_watcher *leave_place(struct mq *q)
{
    struct mq_watcher *w = NULL;

    if (q->notify == current_proc()) {
        w = q->watcher;
        q->notify = NULL;
        q->watcher = NULL;
    }
    return w;
}

int mq_notify(struct file *f, int signo, uint64_t value)
{
    struct mq_watcher *left = NULL;
    struct mq *q;
    int err = 0;

    if (f->ops != &mq_file_ops) {
        return -EBADF;
    }
    q = mq_of(f->inode);
    spin_lock(&q->lock);
    if (signo < 0) {
        left = leave_place(q);
    } else {
        err = take_place(q, signo, value, NULL);
    }
    spin_unlock(&q->lock);
    if (left) {
        left->tell(left, true);
    }
    return err;
}

int mq_notify_by(struct file *f, struct mq_watcher *w)
{
    struct mq *q;
    int err;

    if (f->ops != &mq_file_ops) {
        return -EBADF;
    }
    q = mq_of(f->inode);
    spin_lock(&q->lock);
    err = take_place(q, 0, 0, w);
    spin_unlock(&q->lock);
    return err;
}

int mq_attr(struct file *f, const int64_t *flags, struct linux_mq_attr *old)
{
    struct mq *q;

    if (f->ops != &mq_file_ops) {
        return -EBADF;
    }
    if (flags && *flags & ~(int64_t)O_NONBLOCK) {
        return -EINVAL;
    }
    q = mq_of(f->inode);
    *old = (struct linux_mq_attr){
        .flags = atomic_load_relaxed(&f->flags) & O_NONBLOCK,
        .maxmsg = (int64_t)q->max,
        .msgsize = (int64_t)q->size,
        .curmsgs = (int64_t)atomic_load_relaxed(&q->count)};
    if (flags && *flags & O_NONBLOCK) {
        atomic_fetch_or(&f->flags, (uint32_t)O_NONBLOCK);
    } else if (flags) {
        atomic_fetch_and(&f->flags, ~(uint32_t)O_NONBLOCK);
    }
    return 0;
}

static long mq_read(struct file *f, struct iobuf *io, uint64_t *pos, int flags)
{
    struct mq *q = mq_of(f->inode);
    int pid, signo;
    uint64_t bytes;
    char text[128];
    size_t len;
    long n;

    spin_lock(&q->lock);
    bytes = q->bytes;
    pid = q->notify ? q->notify_pid : 0;
    signo = q->notify ? q->notify_signo : 0;
    spin_unlock(&q->lock);
    len = fmt_snprintf(text, sizeof(text),
                       "QSIZE:%-10lu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n",
                       bytes, pid && !signo, signo, pid);
    if (*pos >= len) {
        return 0;
    }
    n = iobuf_put(io, text + *pos, len - *pos);
    *pos += MAX(n, 0l);
    return n;
}

static int64_t mq_seek(struct file *f, int64_t off, int whence)
{
    return seek_in(f, off, whence, f->inode->size);
}

static uint32_t mq_poll(struct file *f, struct poll_table *pt)
{
    struct mq *q = mq_of(f->inode);
    uint32_t events;

    poll_wait(pt, &q->changed);
    spin_lock(&q->lock);
    events = (q->count ? POLLIN | POLLRDNORM : 0) |
             (q->count < q->max ? POLLOUT | POLLWRNORM : 0);
    spin_unlock(&q->lock);
    return events;
}

/* close(2) by the process that is to be told gives the place up. */
static int mq_flush(struct file *f)
{
    if (current_thread()) {
        mq_notify(f, -1, 0);
    }
    return 0;
}

const struct file_ops mq_file_ops = {
    .read = mq_read,
    .seek = mq_seek,
    .poll = mq_poll,
    .flush = mq_flush,
};
