/* SPDX-License-Identifier: MIT
 *
 * poll(2): first a look without registering anywhere, which is all that a
 * ready file costs. Only then an entry goes on every queue, for as long as the
 * call lasts, and each wake-up means another look.
 */
#include "kernel/fs/poll_wait.h"
#include "kernel/fs/file.h"
#include "kernel/core/hostio_op.h"
#include "kernel/core/sched.h"
#include "kernel/mm/heap.h"
#include "abi/linux/errno.h"

enum { FIRST_ENTRIES = 8, CHUNK_ENTRIES = 60 };

struct chunk {
    struct chunk *next;
    unsigned used;
    struct wait_entry entries[CHUNK_ENTRIES];
};

struct waiter {
    struct poll_table pt;
    struct wait_entry first[FIRST_ENTRIES];
    unsigned used;
    struct chunk *chunks;
    bool failed;
};

static struct wait_entry *entry_of(struct waiter *w)
{
    struct chunk *c = w->chunks;

    if (w->used < FIRST_ENTRIES) {
        return &w->first[w->used++];
    }
    if (!c || c->used == CHUNK_ENTRIES) {
        c = kmalloc(sizeof(*c));
        if (!c) {
            return NULL;
        }
        c->next = w->chunks;
        c->used = 0;
        w->chunks = c;
    }
    return &c->entries[c->used++];
}

static void add(struct poll_table *pt, struct wait_queue *q)
{
    struct waiter *w = container_of(pt, struct waiter, pt);
    struct wait_entry *e = entry_of(w);

    if (e) {
        wait_begin(e, q, 0);
    } else {
        w->failed = true;
    }
}

static void leave(struct waiter *w)
{
    struct chunk *c;

    for (unsigned i = 0; i < w->used; i++) {
        wait_remove(&w->first[i]);
    }
    while ((c = w->chunks) != NULL) {
        w->chunks = c->next;
        for (unsigned i = 0; i < c->used; i++) {
            wait_remove(&c->entries[i]);
        }
        kfree(c);
    }
}

static uint32_t look_at(const struct pollfd *p)
{
    uint32_t want = (uint16_t)p->events | POLLERR | POLLHUP;
    struct fd fd;
    uint32_t bits;

    if (p->fd < 0) {
        return 0;
    }
    if (fd_get_io(p->fd, &fd)) {
        return POLLNVAL;
    }
    if (unlikely(want & POLLPRI)) {
        file_expect_urgent(fd.file);
    }
    bits = file_poll(fd.file, NULL) & want;
    fd_put(&fd);
    return bits;
}

/* One look at all. */
static int look(struct pollfd *fds, unsigned count)
{
    int ready = 0;

    for (unsigned i = 0; i < count; i++) {
        fds[i].revents = look_at(&fds[i]);
        ready += fds[i].revents != 0;
    }
    return ready;
}

/* A queue that we wait in must not go with its file: the files are held, and
 * the queues are those of what is held, whatever another thread puts in its
 * place meanwhile. */
struct held {
    struct file **files; /* one a pollfd, or NULL */
    unsigned count;
};

static int hold(struct held *h, const struct pollfd *fds, unsigned count)
{
    h->count = count;
    h->files = kmalloc(MAX(count, 1u) * sizeof(*h->files));
    if (!h->files) {
        return -ENOMEM;
    }
    for (unsigned i = 0; i < count; i++) {
        if (fds[i].fd < 0 || file_get(fds[i].fd, &h->files[i])) {
            h->files[i] = NULL;
        }
    }
    return 0;
}

static void let_go(struct held *h)
{
    for (unsigned i = 0; i < h->count; i++) {
        if (h->files[i]) {
            file_put(h->files[i]);
        }
    }
    kfree(h->files);
}

/* Into all queues. */
static void join(const struct held *h, struct poll_table *pt)
{
    for (unsigned i = 0; i < h->count; i++) {
        if (h->files[i] && !(h->files[i]->flags & O_PATH)) {
            file_poll(h->files[i], pt);
        }
    }
}

static int wait_ready(const struct held *h, struct pollfd *fds, unsigned count,
                      uint64_t deadline)
{
    struct waiter w = {.pt = {add}};
    int ready = 0, err = 0;

    join(h, &w.pt);
    while (!ready && !err && !w.failed) {
        wait_prepare();
        ready = look(fds, count);
        if (!ready) { /* a look that had to wait leaves no sleep */
            err = deadline && clock_now() >= deadline
                      ? -ETIMEDOUT
                      : wait_sleep(deadline, WAIT_INTR);
        }
    }
    task_cancel_sleep();
    leave(&w);
    if (ready) {
        return ready;
    }
    return w.failed ? -ENOMEM : err == -ETIMEDOUT ? 0 : err;
}

int poll_files(struct pollfd *fds, unsigned count, uint64_t deadline, bool now)
{
    struct held h;
    int ready;

    hostio_look();
    ready = look(fds, count);
    if (ready) {
        return ready;
    }
    if (now) { /* a pending signal counts even then */
        return atomic_load(&current_task()->interrupted) ? -EINTR : 0;
    }
    ready = hold(&h, fds, count);
    if (!ready) {
        ready = wait_ready(&h, fds, count, deadline);
        let_go(&h);
    }
    return ready;
}
