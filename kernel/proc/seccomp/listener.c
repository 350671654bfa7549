/* SPDX-License-Identifier: MIT
 *
 * Listeners (listener.h). What waits stands on its task's kernel stack: a call
 * on that of the thread which makes it, a file to be given on that of the one
 * which gives. So whoever finishes one wakes it under the listener's lock, and
 * the owner takes the lock before it goes.
 */
#include "kernel/proc/seccomp/listener.h"
#include "kernel/fs/file.h"
#include "kernel/mm/heap.h"
#include "kernel/signal/signal.h"
#include "kernel/mm/user_struct.h"
#include "lib/string.h"
#include "abi/linux/epoll.h"
#include "abi/linux/errno.h"

struct listener {
    uint32_t refs; /* atomic */
    bool killable;
    struct spinlock lock; /* LOCK_PIPE: the rest, and all calls and gifts */
    struct list calls;    /* by node, as they came */
    uint64_t last_id;
    bool closed;            /* nobody can answer */
    bool unused;            /* nobody will ask; atomic */
    struct wait_queue wait; /* for calls, and for being unused */
};

enum call_state { ASKED, TAKEN, ANSWERED };

struct call {
    struct list node;
    uint64_t id;
    struct thread *thread; /* whose call it is */
    const struct seccomp_data *data;
    enum call_state state; /* atomic, for who waits */
    struct list gifts;     /* by node */
    struct wait_queue wait;
    int64_t value;
    int32_t error; /* negative, or 0 */
    bool goes_on;  /* the call is made after all */
};

struct gift {
    struct list node;
    struct file *file; /* counted by who gives */
    int at;            /* descriptor to replace; -1: the lowest free one */
    bool cloexec;
    bool answers; /* the descriptor is the call's result */
    bool done;    /* atomic, for who waits */
    int result;
    struct wait_queue wait;
};

/* ---- listeners ---- */

void listener_get(struct listener *l)
{
    atomic_fetch_add(&l->refs, 1);
}

static void listener_put(struct listener *l)
{
    if (atomic_sub_fetch(&l->refs, 1) == 0) {
        kfree(l);
    }
}

void listener_unused(struct listener *l)
{
    atomic_store(&l->unused, true);
    wait_wake_all(&l->wait);
    listener_put(l);
}

static struct call *find_call(struct listener *l, uint64_t id)
{
    list_for_each (pos, &l->calls) {
        struct call *c = list_entry(pos, struct call, node);

        if (c->id == id) {
            return c;
        }
    }
    return NULL;
}

static struct call *find_asked(struct listener *l)
{
    list_for_each (pos, &l->calls) {
        struct call *c = list_entry(pos, struct call, node);

        if (c->state == ASKED) {
            return c;
        }
    }
    return NULL;
}

/* Under the lock, all of these. */
static void set_state(const struct listener *l, struct call *c,
                      enum call_state state)
{
    c->thread->deep_sleep = l->killable && state == TAKEN;
    atomic_store(&c->state, state);
    wait_wake_all(&c->wait);
}

static void answer(const struct listener *l, struct call *c, int64_t value,
                   int32_t error, bool goes_on)
{
    c->value = value;
    c->error = error;
    c->goes_on = goes_on;
    set_state(l, c, ANSWERED);
}

static void finish_gift(struct gift *g, int result)
{
    g->result = result;
    atomic_store(&g->done, true);
    wait_wake_all(&g->wait);
}

/* ---- the thread that asks ---- */

static bool has_news(const struct call *c)
{
    return atomic_load(&c->state) == ANSWERED || !list_empty(&c->gifts);
}

static bool must_leave(const struct listener *l, const struct call *c)
{
    return l->killable && atomic_load(&c->state) != ASKED
               ? signal_kills(c->thread)
               : signal_pending(c->thread);
}

static int accept_gift(const struct gift *g)
{
    if (g->at < 0) {
        int fd;

        file_ref(g->file);
        fd = fd_install(g->file, 0, g->cloexec);
        if (fd < 0) {
            file_put(g->file);
        }
        return fd;
    }
    int err = fd_install_at(g->file, g->at, g->cloexec);

    return err ? err : g->at;
}

/* The oldest gift, out of the list; NULL: there is none. */
static struct gift *take_gift(struct listener *l, struct call *c)
{
    struct list *pos;

    spin_lock(&l->lock);
    pos = list_pop(&c->gifts);
    spin_unlock(&l->lock);
    return pos ? list_entry(pos, struct gift, node) : NULL;
}

/* Whoever gives waits until it is finished, so it stays. */
static void accept_gifts(struct listener *l, struct call *c)
{
    struct gift *g;

    while ((g = take_gift(l, c)) != NULL) {
        int fd = accept_gift(g);

        spin_lock(&l->lock);
        if (g->answers && fd < 0) {
            set_state(l, c, TAKEN);
        } else if (g->answers) {
            c->value = fd;
        }
        finish_gift(g, fd);
        spin_unlock(&l->lock);
    }
}

static bool join(struct listener *l, struct call *c)
{
    bool open;

    spin_lock(&l->lock);
    open = !l->closed;
    if (open) {
        c->id = ++l->last_id;
        list_add_tail(&l->calls, &c->node);
    }
    spin_unlock(&l->lock);
    return open;
}

static void leave(struct listener *l, struct call *c)
{
    struct list *pos;

    spin_lock(&l->lock);
    list_del(&c->node);
    c->thread->deep_sleep = false;
    while ((pos = list_pop(&c->gifts)) != NULL) {
        finish_gift(list_entry(pos, struct gift, node), -ESRCH);
    }
    spin_unlock(&l->lock);
}

/* False: a signal was there first. */
static bool wait_for_answer(struct listener *l, struct call *c)
{
    do {
        wait_event(&c->wait, has_news(c) || must_leave(l, c), DEADLINE_NONE, 0);
        accept_gifts(l, c);
        if (atomic_load(&c->state) == ANSWERED) {
            return true;
        }
    } while (!must_leave(l, c));
    return false;
}

int listener_ask(struct listener *l, const struct seccomp_data *data,
                 struct user_regs *regs)
{
    struct call c = {.thread = current_thread(),
                     .data = data,
                     .node = LIST_INIT(c.node),
                     .gifts = LIST_INIT(c.gifts)};
    bool answered;

    wait_queue_init(&c.wait);
    if (!join(l, &c)) {
        regs->rax = (uint64_t)(int64_t)-ENOSYS;
        return 1;
    }
    wait_wake(&l->wait, ~0u, POLLIN);
    answered = wait_for_answer(l, &c);
    leave(l, &c);
    if (answered && c.goes_on) {
        return 0;
    }
    if (!answered) {
        regs->rax = (uint64_t)(int64_t)-ERESTARTSYS;
        atomic_store(&current_task()->interrupted, 1);
    } else {
        regs->rax = (uint64_t)(c.error ? c.error : c.value);
    }
    return 1;
}

/* ---- who answers ---- */

static int check_zero(struct uptr from)
{
    uint8_t bytes[sizeof(struct seccomp_notif)];

    if (copy_from_user(bytes, from, sizeof(bytes))) {
        return -EFAULT;
    }
    for (size_t i = 0; i < sizeof(bytes); i++) {
        if (bytes[i]) {
            return -EINVAL;
        }
    }
    return 0;
}

static bool has_asked(struct listener *l)
{
    bool asked;

    spin_lock(&l->lock);
    asked = find_asked(l) != NULL;
    spin_unlock(&l->lock);
    return asked;
}

static int take_call(struct listener *l, struct seccomp_notif *out)
{
    struct call *c;

    spin_lock(&l->lock);
    c = find_asked(l);
    if (c) {
        *out = (struct seccomp_notif){.id = c->id,
                                      .pid = (uint32_t)c->thread->tid};
        out->data = *c->data;
        set_state(l, c, TAKEN);
    }
    spin_unlock(&l->lock);
    return c ? 0 : -ENOENT;
}

/* It could not be told: somebody else may take it. */
static void give_back(struct listener *l, uint64_t id)
{
    struct call *c;

    spin_lock(&l->lock);
    c = find_call(l, id);
    if (c && c->state == TAKEN) {
        set_state(l, c, ASKED);
    }
    spin_unlock(&l->lock);
    wait_wake(&l->wait, ~0u, POLLIN);
}

static long receive(struct listener *l, struct uptr to)
{
    struct seccomp_notif notif;
    int err = check_zero(to);

    if (err) {
        return err;
    }
    if (wait_event(&l->wait, has_asked(l) || atomic_load(&l->unused),
                   DEADLINE_NONE, WAIT_INTR)) {
        return -ERESTARTSYS;
    }
    err = take_call(l, &notif);
    if (err) {
        return err;
    }
    wait_wake(&l->wait, ~0u, POLLOUT);
    if (copy_to_user(to, &notif, sizeof(notif))) {
        give_back(l, notif.id);
        return -EFAULT;
    }
    return 0;
}

static long send_answer(struct listener *l, struct uptr from)
{
    struct seccomp_notif_resp r;
    struct call *c;
    int err = 0;

    if (copy_from_user(&r, from, sizeof(r))) {
        return -EFAULT;
    }
    if (r.flags & ~SECCOMP_USER_NOTIF_FLAG_CONTINUE ||
        (r.flags && (r.error || r.val))) {
        return -EINVAL;
    }
    spin_lock(&l->lock);
    c = find_call(l, r.id);
    if (!c) {
        err = -ENOENT;
    } else if (c->state != TAKEN) {
        err = -EINPROGRESS;
    } else {
        answer(l, c, r.val, r.error, r.flags);
    }
    spin_unlock(&l->lock);
    return err;
}

static long id_valid(struct listener *l, struct uptr from)
{
    struct call *c;
    uint64_t id;
    int err = get_user64(&id, from);

    if (err) {
        return err;
    }
    spin_lock(&l->lock);
    c = find_call(l, id);
    err = c && c->state == TAKEN ? 0 : -ENOENT;
    spin_unlock(&l->lock);
    return err;
}

/* ---- giving files ---- */

static int offer(struct listener *l, uint64_t id, struct gift *g)
{
    struct call *c;
    int err = 0;

    spin_lock(&l->lock);
    c = find_call(l, id);
    if (!c) {
        err = -ENOENT;
    } else if (c->state != TAKEN) {
        err = -EINPROGRESS;
    } else if (g->answers && !list_empty(&c->gifts)) {
        err = -EBUSY;
    } else {
        list_add_tail(&c->gifts, &g->node);
        if (g->answers) {
            answer(l, c, 0, 0, false);
        } else {
            wait_wake_all(&c->wait);
        }
    }
    spin_unlock(&l->lock);
    return err;
}

/* After a signal: what nobody has begun to accept is taken back. */
static bool take_back(struct listener *l, struct gift *g)
{
    bool waits;

    spin_lock(&l->lock);
    waits = !list_empty(&g->node);
    list_del(&g->node);
    spin_unlock(&l->lock);
    return waits;
}

static long give(struct listener *l, uint64_t id, struct gift *g)
{
    int err;

    list_init(&g->node);
    wait_queue_init(&g->wait);
    err = offer(l, id, g);
    if (err) {
        return err;
    }
    if (wait_event(&g->wait, atomic_load(&g->done), DEADLINE_NONE, WAIT_INTR) &&
        take_back(l, g)) {
        return -ERESTARTSYS;
    }
    wait_event(&g->wait, atomic_load(&g->done), DEADLINE_NONE, 0);
    spin_lock(&l->lock); /* who finished it looks at it no more */
    spin_unlock(&l->lock);
    return g->result;
}

static long add_fd(struct listener *l, struct uptr from, size_t size)
{
    const uint32_t known = SECCOMP_ADDFD_FLAG_SETFD | SECCOMP_ADDFD_FLAG_SEND;
    struct seccomp_notif_addfd a;
    struct gift g;
    long result;
    int err;

    if (size < sizeof(a) || size >= PAGE_SIZE) {
        return -EINVAL;
    }
    err = user_struct_get(&a, sizeof(a), from, size);
    if (err) {
        return err;
    }
    if (a.newfd_flags & ~(uint32_t)O_CLOEXEC || a.flags & ~known ||
        (a.newfd && !(a.flags & SECCOMP_ADDFD_FLAG_SETFD))) {
        return -EINVAL;
    }
    g = (struct gift){.at = a.flags & SECCOMP_ADDFD_FLAG_SETFD ? (int)a.newfd
                                                               : -1,
                      .cloexec = a.newfd_flags & O_CLOEXEC,
                      .answers = a.flags & SECCOMP_ADDFD_FLAG_SEND};
    err = file_get((int)a.srcfd, &g.file);
    if (err) {
        return err;
    }
    result = give(l, a.id, &g);
    file_put(g.file);
    return result;
}

/* ---- the file ---- */

static long listener_ioctl(struct file *f, uint32_t cmd, struct uptr arg)
{
    struct listener *l = f->private;

    switch (cmd) {
    case SECCOMP_IOCTL_NOTIF_RECV:
        return receive(l, arg);
    case SECCOMP_IOCTL_NOTIF_SEND:
        return send_answer(l, arg);
    case SECCOMP_IOCTL_NOTIF_ID_VALID:
    case SECCOMP_IOCTL_NOTIF_ID_VALID_OLD:
        return id_valid(l, arg);
    case SECCOMP_IOCTL_NOTIF_SET_FLAGS: /* how it is woken: nothing to us */
        return arg.addr & ~1ull ? -EINVAL : 0;
    default:
        return (cmd & ~(IOCTL_SIZE_MASK | IOCTL_DIRECTION_MASK)) ==
                       SECCOMP_IOCTL_NOTIF_ADDFD
                   ? add_fd(l, arg, (cmd & IOCTL_SIZE_MASK) >> 16)
                   : -EINVAL;
    }
}

static uint32_t listener_poll(struct file *f, struct poll_table *pt)
{
    struct listener *l = f->private;
    uint32_t events = 0;

    poll_wait(pt, &l->wait);
    spin_lock(&l->lock);
    list_for_each (pos, &l->calls) {
        enum call_state state = list_entry(pos, struct call, node)->state;

        events |= state == ASKED   ? POLLIN | POLLRDNORM
                  : state == TAKEN ? POLLOUT | POLLWRNORM
                                   : 0;
    }
    spin_unlock(&l->lock);
    return events | (atomic_load(&l->unused) ? POLLHUP : 0);
}

static void listener_release(struct file *f)
{
    struct listener *l = f->private;

    spin_lock(&l->lock);
    l->closed = true;
    list_for_each (pos, &l->calls) {
        struct call *c = list_entry(pos, struct call, node);

        if (c->state != ANSWERED) {
            answer(l, c, 0, -ENOSYS, false);
        }
    }
    spin_unlock(&l->lock);
    listener_put(l);
}

static const struct file_ops listener_ops = {
    .poll = listener_poll,
    .ioctl = listener_ioctl,
    .release = listener_release,
};

int listener_open(bool killable, struct listener **out, struct file **f)
{
    struct listener *l = kzalloc(sizeof(*l));
    int err;

    if (!l) {
        return -ENOMEM;
    }
    l->refs = 1;
    l->killable = killable;
    spin_init(&l->lock, LOCK_PIPE);
    list_init(&l->calls);
    wait_queue_init(&l->wait);
    err = file_open_anon("anon_inode:seccomp notify", &listener_ops, l, O_RDWR,
                         f);
    if (err) {
        kfree(l);
        return err;
    }
    *out = l;
    return 0;
}
