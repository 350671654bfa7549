/* SPDX-License-Identifier: MIT
 *
 * Descriptors (SCM_RIGHTS) and credentials (SCM_CREDENTIALS) in flight.
 *
 * A socket's own descriptor may lie in its own queue, or in a circle of
 * queues, with nobody left who could receive it. rights_collect() finds those:
 * of the sockets whose every reference is in flight, it keeps the ones that
 * can be reached from a queue somebody can still read, and closes the rest.
 *
 * flight_lock guards the list of rights that hold unix sockets, and what is in
 * them while they are listed. How many descriptors may be in flight is
 * limited by RLIMIT_NOFILE, as on Linux, but for all users together.
 */
#include "kernel/net/unix/unix_private.h"
#include "kernel/fs/current.h"
#include "kernel/mm/heap.h"
#include "abi/linux/errno.h"
#include "lib/string.h"

enum {
    CAP_SETGID_ = 6,
    CAP_SETUID_,
    CAP_SYS_ADMIN_ = 21,
    CAP_SYS_RESOURCE_ = 24
};

static struct spinlock flight_lock = SPINLOCK_INIT(LOCK_PIPE);
static struct list flights = LIST_INIT(flights);
static struct list doomed = LIST_INIT(doomed); /* rights to free */
static bool reaping;
static uint32_t sockets_in_flight; /* atomic */
static uint64_t files_in_flight;   /* atomic */

static struct unix_socket *socket_behind(struct file *f)
{
    struct socket *s = socket_of(f);

    return s && s->family == AF_UNIX ? unix_of(s) : NULL;
}

/* ---- making ---- */

static struct rights *rights_new(unsigned count)
{
    struct rights *r = kzalloc(sizeof(*r) + count * sizeof(r->files[0]));

    if (r) {
        list_init(&r->node);
    }
    return r;
}

static bool capable(int cap)
{
    return current_cred()->cap_effective >> cap & 1;
}

static bool exists(int pid)
{
    bool yes;

    spin_lock(&proc_lock);
    yes = thread_find(pid);
    spin_unlock(&proc_lock);
    return yes;
}

static int check_cred(const struct abi_ucred *c)
{
    const struct cred *cred = current_cred();

    if (c->pid != current_proc()->pid && !capable(CAP_SYS_ADMIN_)) {
        return -EPERM;
    }
    if (c->uid != cred->uid && c->uid != cred->euid && c->uid != cred->suid &&
        !capable(CAP_SETUID_)) {
        return -EPERM;
    }
    if (c->gid != cred->gid && c->gid != cred->egid && c->gid != cred->sgid &&
        !capable(CAP_SETGID_)) {
        return -EPERM;
    }
    if (c->uid == ~0u || c->gid == ~0u) {
        return -EINVAL;
    }
    return c->pid == current_proc()->pid || exists(c->pid) ? 0 : -ESRCH;
}

/* What the control messages ask for. */
struct wish {
    int32_t fds[SCM_MAX_FD];
    unsigned count;
    bool has_cred;
    struct abi_ucred cred;
};

static int parse_one(struct wish *w, const struct abi_cmsghdr *h,
                     const uint8_t *data)
{
    size_t len = h->len - sizeof(*h);
    unsigned n = len / sizeof(int32_t);

    if (h->level != SOL_SOCKET) {
        return 0;
    }
    switch (h->type) {
    case SCM_RIGHTS:
        if (w->count + n > SCM_MAX_FD) {
            return -EINVAL;
        }
        memcpy(w->fds + w->count, data, n * sizeof(int32_t));
        w->count += n;
        return 0;
    case SCM_CREDENTIALS:
        if (len != sizeof(w->cred)) {
            return -EINVAL;
        }
        memcpy(&w->cred, data, len);
        w->has_cred = true;
        return check_cred(&w->cred);
    default:
        return -EINVAL;
    }
}

static int parse(struct wish *w, const struct socket_msg *msg)
{
    struct abi_cmsghdr h;
    const uint8_t *data;
    size_t pos = 0;
    int err = 0;

    w->count = 0;
    w->has_cred = false;
    while (!err && socket_next_control(msg, &pos, &h, &data, &err)) {
        err = parse_one(w, &h, data);
    }
    return err;
}

static bool too_many(unsigned more)
{
    return atomic_load_relaxed(&files_in_flight) + more >
               current_limit(FS_LIMIT_NOFILE) &&
           !capable(CAP_SYS_RESOURCE_) && !capable(CAP_SYS_ADMIN_);
}

static int take_files(struct rights *r, const struct wish *w)
{
    for (unsigned i = 0; i < w->count; i++) {
        int err = file_get(w->fds[i], &r->files[i]);

        if (err) {
            return err;
        }
        r->count++;
        atomic_fetch_add(&files_in_flight, 1);
        r->has_socket |= socket_behind(r->files[i]) != NULL;
    }
    return 0;
}

/* The process of one of its threads, with a reference; NULL: it has ended. */
static struct proc *find_sender(int pid)
{
    struct thread *t;
    struct proc *p = NULL;

    spin_lock(&proc_lock);
    t = thread_find(pid);
    if (t) {
        p = t->proc;
        proc_get(p);
    }
    spin_unlock(&proc_lock);
    return p;
}

/* What the sender said, else, if one of both wants to know, its real ids. */
static void set_cred(struct rights *r, const struct wish *w, uint32_t pass)
{
    const struct cred *cred = current_cred();
    bool wanted = pass & SOCKET_PASSES_WHO;

    if (w->has_cred) {
        r->cred = (struct unix_cred){w->cred.pid, w->cred.uid, w->cred.gid};
    } else if (wanted) {
        r->cred = (struct unix_cred){current_proc()->pid, cred->uid, cred->gid};
    }
    r->has_cred = w->has_cred || wanted;
    if (pass & SOCKET_PASSPIDFD) {
        r->sender = find_sender(r->cred.pid);
    }
}

int rights_get(struct unix_socket *u, struct unix_socket *to,
               const struct socket_msg *msg, struct rights **out)
{
    uint32_t pass =
        atomic_load_relaxed(&u->s.flags) | atomic_load_relaxed(&to->s.flags);
    struct wish *w = NULL;
    int err = 0;

    *out = NULL;
    if (likely(!msg->control_len && !(pass & SOCKET_PASSES_WHO))) {
        return 0;
    }
    w = kmalloc(sizeof(*w));
    if (!w) {
        return -ENOMEM;
    }
    err = parse(w, msg);
    if (!err && w->count && too_many(w->count)) {
        err = -ETOOMANYREFS;
    }
    if (!err && w->count &&
        atomic_load_relaxed(&to->s.flags) & SOCKET_NO_RIGHTS) {
        err = -EPERM;
    }
    if (!err && (w->count || w->has_cred || pass & SOCKET_PASSES_WHO)) {
        *out = rights_new(w->count);
        err = *out ? take_files(*out, w) : -ENOMEM;
    }
    if (!err && *out) {
        set_cred(*out, w, pass);
    }
    if (err) {
        rights_free(*out);
        *out = NULL;
    }
    kfree(w);
    return err;
}

/* ---- in flight ---- */

static void count_sockets(struct rights *r, int by)
{
    for (unsigned i = 0; i < r->count; i++) {
        struct unix_socket *u = socket_behind(r->files[i]);

        if (u) {
            u->inflight += by;
            atomic_fetch_add(&sockets_in_flight, by);
        }
    }
}

void rights_fly(struct rights *r, struct unix_socket *at)
{
    r->at = at;
    if (r->has_socket) {
        spin_lock(&flight_lock);
        list_add_tail(&flights, &r->node);
        count_sockets(r, 1);
        spin_unlock(&flight_lock);
    }
}

void rights_land(struct rights *r)
{
    if (r->has_socket) {
        spin_lock(&flight_lock);
        if (!list_empty(&r->node)) {
            list_del(&r->node);
            count_sockets(r, -1);
        }
        spin_unlock(&flight_lock);
    }
    r->at = NULL;
}

static void copy_cred(struct rights *to, const struct rights *from)
{
    to->cred = from->cred;
    to->has_cred = from->has_cred;
    to->sender = from->sender;
    if (to->sender) {
        proc_get(to->sender);
    }
}

int rights_copy_cred(const struct rights *r, struct rights **out)
{
    *out = rights_new(0);
    if (!*out) {
        return -ENOMEM;
    }
    copy_cred(*out, r);
    return 0;
}

int rights_copy(struct rights *r, struct rights **out)
{
    *out = rights_new(r->count);
    if (!*out) {
        return -ENOMEM;
    }
    spin_lock(&flight_lock);
    copy_cred(*out, r);
    (*out)->has_socket = r->has_socket;
    for (unsigned i = 0; i < r->count; i++) {
        (*out)->files[i] = r->files[i];
        file_ref(r->files[i]);
        (*out)->count++;
    }
    spin_unlock(&flight_lock);
    atomic_fetch_add(&files_in_flight, (*out)->count);
    return 0;
}

/* ---- the end of rights ---- */

static void drop_files(struct rights *r)
{
    for (unsigned i = 0; i < r->count; i++) {
        atomic_fetch_sub(&files_in_flight, 1);
        file_put(r->files[i]);
    }
    if (r->sender) {
        proc_put(r->sender);
    }
    kfree(r);
}

/* Frees what is doomed, one after the other: a socket's end may doom more,
 * which must not recurse. */
static void reap(void)
{
    struct list *node;

    spin_lock(&flight_lock);
    if (reaping) {
        spin_unlock(&flight_lock);
        return;
    }
    reaping = true;
    while ((node = list_pop(&doomed)) != NULL) {
        spin_unlock(&flight_lock);
        drop_files(list_entry(node, struct rights, node));
        spin_lock(&flight_lock);
    }
    reaping = false;
    spin_unlock(&flight_lock);
}

void rights_free(struct rights *r)
{
    if (!r) {
        return;
    }
    rights_land(r);
    if (!r->has_socket) {
        drop_files(r);
        return;
    }
    spin_lock(&flight_lock);
    list_add_tail(&doomed, &r->node);
    spin_unlock(&flight_lock);
    reap();
}

/* ---- receiving ---- */

/* As many as there is room for; a program that has no more descriptors free
 * gets those before. */
static unsigned install(struct rights *r, int32_t *fds, unsigned room,
                        bool cloexec)
{
    unsigned n = 0;

    while (n < r->count && n < room) {
        fds[n] = fd_install(r->files[n], 0, cloexec);
        if (fds[n] < 0) {
            break;
        }
        file_ref(r->files[n]); /* the table took ours; r keeps one */
        n++;
    }
    return n;
}

static void deliver_files(struct socket_msg *msg, struct rights *r)
{
    size_t left = msg->control_room - msg->control_len;
    unsigned n, room = left > sizeof(struct abi_cmsghdr)
                           ? (left - sizeof(struct abi_cmsghdr)) / 4
                           : 0;
    int32_t fds[SCM_MAX_FD];

    n = install(r, fds, room, msg->flags & MSG_CMSG_CLOEXEC);
    if (n) {
        socket_put_control(msg, SOL_SOCKET, SCM_RIGHTS, fds, n * 4);
    }
    if (n < r->count) {
        msg->result |= MSG_CTRUNC;
    }
}

/* A descriptor of the sender, if there is room to tell it; why not, else. */
static void deliver_pidfd(struct socket_msg *msg, const struct rights *r)
{
    size_t left = msg->control_room - msg->control_len;
    struct file *f;
    int32_t fd;

    if (left < sizeof(struct abi_cmsghdr) + sizeof(fd)) {
        msg->result |= MSG_CTRUNC;
        return;
    }
    fd = fs_pidfd(r->sender, &f);
    if (!fd) {
        fd = fd_install(f, 0, true);
        if (fd < 0) {
            file_put(f);
        }
    }
    socket_put_control(msg, SOL_SOCKET, SCM_PIDFD, &fd, sizeof(fd));
}

void rights_deliver(struct unix_socket *u, struct socket_msg *msg,
                    struct rights *r)
{
    struct abi_ucred none = {0, 65534, 65534};

    uint32_t flags = atomic_load_relaxed(&u->s.flags);

    if (flags & SOCKET_PASSCRED) {
        socket_put_control(msg, SOL_SOCKET, SCM_CREDENTIALS,
                           r && r->has_cred ? (void *)&r->cred : &none,
                           sizeof(none));
    }
    if (r && r->count) {
        deliver_files(msg, r);
    }
    if (flags & SOCKET_PASSPIDFD && r && r->sender) {
        deliver_pidfd(msg, r);
    }
    rights_free(r);
}

/* ---- circles ---- */

/* Who can read the queue that r is in: before accept(2), the listener. */
static struct unix_socket *reader_of(struct rights *r)
{
    struct unix_socket *listener = atomic_load_acquire(&r->at->listener);

    return listener ? listener : r->at;
}

/* Only queues refer to its file. */
static bool is_candidate(struct unix_socket *u)
{
    struct file *f = atomic_load_relaxed(&u->s.file);

    return f && u->inflight && atomic_load(&f->refs) == u->inflight;
}

/* The sockets in r are as good as live. True when that was news. */
static bool mark_live(struct rights *r)
{
    bool news = false;

    for (unsigned i = 0; i < r->count; i++) {
        struct unix_socket *u = socket_behind(r->files[i]);

        if (u && !u->live) {
            u->live = true;
            news = true;
        }
    }
    return news;
}

static void for_each_socket(void (*fn)(struct unix_socket *u))
{
    list_for_each (pos, &flights) {
        struct rights *r = list_entry(pos, struct rights, node);

        fn(reader_of(r));
        for (unsigned i = 0; i < r->count; i++) {
            struct unix_socket *u = socket_behind(r->files[i]);

            if (u) {
                fn(u);
            }
        }
    }
}

static void mark_first(struct unix_socket *u)
{
    u->live = !is_candidate(u);
}

/* Moves r's files to rights that can be freed: r itself stays in its queue. */
static void doom(struct rights *r)
{
    struct rights *dead = rights_new(r->count);

    if (!dead) {
        return; /* at the next collection, then */
    }
    count_sockets(r, -1);
    list_del(&r->node);
    memcpy(dead->files, r->files, r->count * sizeof(r->files[0]));
    dead->count = r->count;
    dead->has_socket = true;
    r->count = 0;
    list_add_tail(&doomed, &dead->node);
}

static bool spread_life(struct list *pos)
{
    struct rights *r = list_entry(pos, struct rights, node);

    return reader_of(r)->live && mark_live(r);
}

/* Once in each direction: chains grow either way. */
static bool spread_all(void)
{
    bool news = false;

    list_for_each (pos, &flights) {
        news |= spread_life(pos);
    }
    for (struct list *pos = flights.prev; pos != &flights; pos = pos->prev) {
        news |= spread_life(pos);
    }
    return news;
}

void rights_collect(void)
{
    if (likely(!atomic_load(&sockets_in_flight))) {
        return;
    }
    spin_lock(&flight_lock);
    if (reaping) { /* who reaps closes sockets; what that frees is enough */
        spin_unlock(&flight_lock);
        return;
    }
    for_each_socket(mark_first);
    while (spread_all()) {
    }
    list_for_each_safe (pos, &flights) {
        struct rights *r = list_entry(pos, struct rights, node);

        if (!reader_of(r)->live) {
            doom(r);
        }
    }
    spin_unlock(&flight_lock);
    reap();
}
