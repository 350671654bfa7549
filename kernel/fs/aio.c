/* SPDX-License-Identifier: MIT
 *
 * Contexts of asynchronous I/O (aio.h). c->lock guards the events that wait
 * and the places; c->polls_lock (a mutex) the polls under way. A wake-up of a
 * watched file only marks its poll as fired, in the waker's context; whoever
 * waits in the context looks at the file again and completes it (settle).
 */
#include "kernel/fs/aio.h"
#include "kernel/fs/event/event.h"
#include "kernel/core/log.h"
#include "kernel/core/timer.h"
#include "kernel/mm/heap.h"
#include "abi/linux/errno.h"

enum {
    QUEUES_MOST = 2,    /* of one file */
    PLACES_MOST = 65536 /* of all contexts: /proc/sys/fs/aio-max-nr */
};

struct aio_context {
    struct list node; /* contexts */
    const void *owner;
    uint64_t id;   /* under contexts_lock */
    uint32_t refs; /* atomic */
    unsigned places;
    bool ended;           /* atomic */
    struct spinlock lock; /* LOCK_POLL: guards used, done and count */
    unsigned used;
    struct list done;
    unsigned count; /* of done; atomic for those who wait */
    struct wait_queue wait;
    struct mutex polls_lock; /* LOCK_FS_INODE: guards polls */
    struct list polls;
    struct spinlock fired_lock; /* LOCK_WAIT: guards fired */
    struct list fired;
};

struct poll_request {
    struct list node, fired_node;
    struct aio_context *context;
    struct aio_request *request;
    struct file *file;
    uint32_t events;
    unsigned queues;
    struct poll_table pt;
    struct hook {
        struct wait_entry entry;
        struct poll_request *poll;
    } hooks[QUEUES_MOST];
};

static unsigned places_total; /* atomic */
/* LOCK_POLL: guards contexts, those of all owners. */
static struct spinlock contexts_lock = SPINLOCK_INIT(LOCK_POLL);
static struct list contexts = LIST_INIT(contexts);

/* ---- requests ---- */

unsigned aio_places(const struct aio_context *c)
{
    return c->places;
}

int aio_take_place(struct aio_context *c, struct aio_request **out)
{
    struct aio_request *r;
    bool taken;

    spin_lock(&c->lock);
    taken = c->used < c->places;
    c->used += taken;
    spin_unlock(&c->lock);
    if (!taken) {
        return -EAGAIN;
    }
    r = kzalloc(sizeof(*r));
    if (!r) {
        spin_lock(&c->lock);
        c->used--;
        spin_unlock(&c->lock);
        return -ENOMEM;
    }
    *out = r;
    return 0;
}

static void request_free(struct aio_request *r)
{
    if (r->eventfd) {
        file_put(r->eventfd);
    }
    kfree(r);
}

void aio_give_back(struct aio_context *c, struct aio_request *r)
{
    spin_lock(&c->lock);
    c->used--;
    spin_unlock(&c->lock);
    request_free(r);
}

void aio_complete(struct aio_context *c, struct aio_request *r, int64_t res)
{
    struct file *eventfd = r->eventfd;

    r->event.res = res;
    r->eventfd = NULL;
    spin_lock(&c->lock);
    list_add_tail(&c->done, &r->node);
    atomic_store(&c->count, c->count + 1);
    spin_unlock(&c->lock);
    wait_wake_all(&c->wait);
    if (eventfd) {
        eventfd_add(eventfd, 1);
        file_put(eventfd);
    }
}

bool aio_take(struct aio_context *c, struct abi_io_event *out)
{
    struct aio_request *r = NULL;

    spin_lock(&c->lock);
    if (!list_empty(&c->done)) {
        r = list_entry(list_pop(&c->done), struct aio_request, node);
        atomic_store(&c->count, c->count - 1);
        c->used--;
    }
    spin_unlock(&c->lock);
    if (!r) {
        return false;
    }
    *out = r->event;
    request_free(r);
    return true;
}

/* ---- polls ---- */

/* Under the watched queue's lock. */
static bool notify(struct wait_entry *e, uint32_t events)
{
    struct poll_request *p = container_of(e, struct hook, entry)->poll;
    struct aio_context *c = p->context;

    if (events && !(events & p->events)) {
        return false;
    }
    spin_lock(&c->fired_lock);
    if (list_empty(&p->fired_node)) {
        list_add_tail(&c->fired, &p->fired_node);
    }
    spin_unlock(&c->fired_lock);
    wait_wake_all(&c->wait);
    return true;
}

static void add_hook(struct poll_table *pt, struct wait_queue *q)
{
    struct poll_request *p = container_of(pt, struct poll_request, pt);
    struct hook *hook;

    check(p->queues < QUEUES_MOST);
    hook = &p->hooks[p->queues++];
    hook->poll = p;
    hook->entry = (struct wait_entry){.notify = notify};
    wait_add(q, &hook->entry);
}

/* [polls_lock] */
static void finish_poll(struct poll_request *p, int64_t res)
{
    struct aio_context *c = p->context;

    for (unsigned i = 0; i < p->queues; i++) {
        wait_remove(&p->hooks[i].entry);
    }
    spin_lock(&c->fired_lock);
    list_del(&p->fired_node);
    spin_unlock(&c->fired_lock);
    list_del(&p->node);
    file_put(p->file);
    aio_complete(c, p->request, res);
    kfree(p);
}

/* Completes p if what it waits for is so. [polls_lock] */
static void look_at(struct poll_request *p, struct poll_table *pt)
{
    uint32_t bits = file_poll(p->file, pt) & p->events;

    if (bits) {
        finish_poll(p, bits);
    }
}

int aio_poll(struct aio_context *c, struct aio_request *r, struct file *f,
             uint32_t events)
{
    struct poll_request *p = kzalloc(sizeof(*p));

    if (!p) {
        file_put(f);
        return -ENOMEM;
    }
    p->context = c;
    p->request = r;
    p->file = f;
    p->events = events | POLLERR | POLLHUP;
    p->pt.add = add_hook;
    list_init(&p->fired_node);
    mutex_lock(&c->polls_lock);
    if (atomic_load(&c->ended)) { /* nobody would end it any more */
        mutex_unlock(&c->polls_lock);
        file_put(f);
        kfree(p);
        return -EINVAL;
    }
    list_add_tail(&c->polls, &p->node);
    look_at(p, &p->pt);
    mutex_unlock(&c->polls_lock);
    return 0;
}

int aio_cancel_poll(struct aio_context *c, uint64_t obj)
{
    int err = -EINVAL;

    mutex_lock(&c->polls_lock);
    list_for_each_safe (pos, &c->polls) {
        struct poll_request *p = list_entry(pos, struct poll_request, node);

        if (p->request->event.obj == obj) {
            finish_poll(p, 0);
            err = 0;
            break;
        }
    }
    mutex_unlock(&c->polls_lock);
    return err;
}

static struct poll_request *take_fired(struct aio_context *c)
{
    struct list *pos;

    spin_lock(&c->fired_lock);
    pos = list_pop(&c->fired);
    spin_unlock(&c->fired_lock);
    return pos ? list_entry(pos, struct poll_request, fired_node) : NULL;
}

static void settle(struct aio_context *c)
{
    struct poll_request *p;

    if (list_empty(&c->fired)) {
        return;
    }
    mutex_lock(&c->polls_lock);
    while ((p = take_fired(c)) != NULL) {
        look_at(p, NULL);
    }
    mutex_unlock(&c->polls_lock);
}

/* ---- waiting ---- */

static bool has_news(struct aio_context *c, unsigned least)
{
    return atomic_load(&c->count) >= least || !list_empty(&c->fired) ||
           atomic_load(&c->ended);
}

int aio_wait(struct aio_context *c, unsigned least, uint64_t deadline, bool now)
{
    int err = 0;

    settle(c);
    while (!now && !err && atomic_load(&c->count) < least) {
        err = wait_event(&c->wait, has_news(c, least), deadline, WAIT_INTR);
        if (atomic_load(&c->ended)) {
            return -EINVAL;
        }
        settle(c);
    }
    return err == -ETIMEDOUT ? 0 : err;
}

/* ---- contexts ---- */

int aio_create(const void *owner, uint64_t id, unsigned places)
{
    struct aio_context *c;

    if (atomic_add_fetch(&places_total, places) > PLACES_MOST) {
        atomic_fetch_sub(&places_total, places);
        return -EAGAIN;
    }
    c = kzalloc(sizeof(*c));
    if (!c) {
        atomic_fetch_sub(&places_total, places);
        return -ENOMEM;
    }
    c->owner = owner;
    c->id = id;
    c->refs = 1;
    c->places = places;
    spin_init(&c->lock, LOCK_POLL);
    list_init(&c->done);
    wait_queue_init(&c->wait);
    mutex_init(&c->polls_lock, LOCK_FS_INODE);
    list_init(&c->polls);
    spin_init(&c->fired_lock, LOCK_WAIT);
    list_init(&c->fired);
    spin_lock(&contexts_lock);
    list_add_tail(&contexts, &c->node);
    spin_unlock(&contexts_lock);
    return 0;
}

/* [contexts_lock] */
static struct aio_context *find_locked(const void *owner, uint64_t id)
{
    list_for_each (pos, &contexts) {
        struct aio_context *c = list_entry(pos, struct aio_context, node);

        if (c->id == id && c->owner == owner) {
            return c;
        }
    }
    return NULL;
}

struct aio_context *aio_find(const void *owner, uint64_t id)
{
    struct aio_context *c;

    spin_lock(&contexts_lock);
    c = find_locked(owner, id);
    if (c) {
        atomic_fetch_add(&c->refs, 1);
    }
    spin_unlock(&contexts_lock);
    return c;
}

void aio_renumber(const void *owner, uint64_t id, uint64_t to)
{
    struct aio_context *c;

    spin_lock(&contexts_lock);
    c = find_locked(owner, id);
    if (c) {
        c->id = to;
    }
    spin_unlock(&contexts_lock);
}

void aio_put(struct aio_context *c)
{
    struct abi_io_event event;

    if (atomic_sub_fetch(&c->refs, 1) > 0) {
        return;
    }
    while (aio_take(c, &event)) {
    }
    atomic_fetch_sub(&places_total, c->places);
    kfree(c);
}

/* c is off the list, whose reference this drops. */
static void end_context(struct aio_context *c)
{
    atomic_store(&c->ended, true);
    wait_wake_all(&c->wait);
    mutex_lock(&c->polls_lock);
    while (!list_empty(&c->polls)) {
        finish_poll(list_entry(c->polls.next, struct poll_request, node), 0);
    }
    mutex_unlock(&c->polls_lock);
    aio_put(c);
}

int aio_destroy(const void *owner, uint64_t id)
{
    struct aio_context *c;

    spin_lock(&contexts_lock);
    c = find_locked(owner, id);
    if (c) {
        list_del(&c->node);
    }
    spin_unlock(&contexts_lock);
    if (!c) {
        return -EINVAL;
    }
    end_context(c);
    return 0;
}

static struct aio_context *take_any(const void *owner)
{
    struct aio_context *found = NULL;

    spin_lock(&contexts_lock);
    list_for_each (pos, &contexts) {
        struct aio_context *c = list_entry(pos, struct aio_context, node);

        if (c->owner == owner) {
            list_del(&c->node);
            found = c;
            break;
        }
    }
    spin_unlock(&contexts_lock);
    return found;
}

void aio_end(const void *owner)
{
    struct aio_context *c;

    if (list_empty(&contexts)) { /* whatever others do: not owner */
        return;
    }
    while ((c = take_any(owner)) != NULL) {
        end_context(c);
    }
}
