/* SPDX-License-Identifier: MIT
 *
 * System V message queues (msgop(2), msgctl(2)). A queue's lock guards its
 * messages; senders wait for room and receivers for a message, and try again
 * whenever one came or went.
 */
#include "kernel/ipc/ids.h"
#include "kernel/core/wait.h"
#include "kernel/core/timer.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"

struct msg_queue {
    struct ipc_object object; /* its lock guards everything */
    struct list messages;     /* oldest first */
    uint64_t bytes, count, bytes_most;
    int64_t stime, rtime, ctime;
    int lspid, lrpid;
    struct wait_queue changed;
};

static void msg_free(struct ipc_object *o);

static struct ipc_ids msg_ids =
    IPC_IDS_INIT(&tunable_msg_count, &tunable_msg_next, msg_free);

static struct msg_queue *queue_of(struct ipc_object *o)
{
    return container_of(o, struct msg_queue, object);
}

struct message *message_new(uint64_t len)
{
    struct message *m = kmalloc(sizeof(*m) + len);

    if (m) {
        list_init(&m->node);
        m->len = len;
    }
    return m;
}

static void msg_free(struct ipc_object *o)
{
    struct msg_queue *q = queue_of(o);

    list_for_each_safe (pos, &q->messages) {
        list_del(pos);
        kfree(list_entry(pos, struct message, node));
    }
    kfree(q);
}

int msg_get(int32_t key, int flags)
{
    struct ipc_object *o;
    struct msg_queue *q;
    int err;

    while ((err = ipc_open(&msg_ids, key, flags, &o)) > 0) {
        q = kzalloc(sizeof(*q));
        if (!q) {
            return -ENOMEM;
        }
        list_init(&q->messages);
        wait_queue_init(&q->changed);
        q->bytes_most = (uint64_t)tunable(&tunable_msg_bytes);
        q->ctime = ipc_now();
        err = ipc_add(&msg_ids, &q->object, key, flags);
        if (err >= 0) {
            return err;
        }
        kfree(q);
        if (err != -EEXIST) {
            return err;
        }
    }
    if (!err) {
        err = o->id;
        ipc_put(&msg_ids, o);
    }
    return err;
}

/* ---- sending and receiving ---- */

struct transfer {
    struct msg_queue *q;
    struct message *m; /* what goes in, or came out */
    int64_t type;
    uint64_t most;
    int flags, pid;
    int result; /* 1: has to wait */
};

/* [queue] */
static int send_now(struct transfer *t)
{
    struct msg_queue *q = t->q;

    if (q->object.removed) {
        return -EIDRM;
    }
    if (t->m->len + q->bytes > q->bytes_most || q->count + 1 > q->bytes_most) {
        return t->flags & IPC_NOWAIT ? -EAGAIN : 1;
    }
    list_add_tail(&q->messages, &t->m->node);
    q->bytes += t->m->len;
    q->count++;
    q->stime = ipc_now();
    q->lspid = t->pid;
    return 0;
}

/* What msgrcv(2) means by a type. [queue] */
static struct message *choose(struct transfer *t)
{
    struct message *best = NULL;
    int64_t at = 0;

    list_for_each (pos, &t->q->messages) {
        struct message *m = list_entry(pos, struct message, node);

        if (t->flags & MSG_COPY) {
            if (at++ == t->type) {
                return m;
            }
        } else if (!t->type || (t->type > 0 && (m->type == t->type) ==
                                                   !(t->flags & MSG_EXCEPT))) {
            return m;
        } else if (t->type < 0 &&
                   m->type <= (t->type == INT64_MIN ? INT64_MAX : -t->type) &&
                   (!best || m->type < best->type)) {
            best = m;
        }
    }
    return best;
}

static int copy_of(const struct message *m, struct message **out)
{
    *out = message_new(m->len);
    if (!*out) {
        return -ENOMEM;
    }
    (*out)->type = m->type;
    memcpy((*out)->data, m->data, m->len);
    return 0;
}

/* [queue] */
static int receive_now(struct transfer *t)
{
    struct msg_queue *q = t->q;
    struct message *m;

    if (q->object.removed) {
        return -EIDRM;
    }
    m = choose(t);
    if (!m) {
        return t->flags & IPC_NOWAIT ? -ENOMSG : 1;
    }
    if (m->len > t->most && !(t->flags & MSG_NOERROR)) {
        return -E2BIG;
    }
    if (t->flags & MSG_COPY) {
        if (m->len > t->most) {
            return -EINVAL; /* MSG_NOERROR cuts no copy */
        }
        return copy_of(m, &t->m);
    }
    list_del(&m->node);
    q->bytes -= m->len;
    q->count--;
    q->rtime = ipc_now();
    q->lrpid = t->pid;
    t->m = m;
    return 0;
}

static bool attempt(struct transfer *t, int (*now)(struct transfer *t))
{
    if (t->result > 0) {
        spin_lock(&t->q->object.lock);
        t->result = now(t);
        spin_unlock(&t->q->object.lock);
    }
    return t->result <= 0;
}

static int transfer(int id, struct transfer *t, int want,
                    int (*now)(struct transfer *t))
{
    struct ipc_object *o;
    int err = ipc_find(&msg_ids, id, &o);

    if (err) {
        return err;
    }
    t->q = queue_of(o);
    t->pid = ipc_pid();
    t->result = 1;
    err = ipc_permitted(o, want);
    if (!err) {
        err = wait_event(&t->q->changed, attempt(t, now), DEADLINE_NONE,
                         WAIT_INTR);
    }
    if (!err) {
        err = t->result;
        wait_wake_all(&t->q->changed);
    }
    ipc_put(&msg_ids, o);
    return err;
}

int msg_send(int id, struct message *m, int flags)
{
    struct transfer t = {.m = m, .flags = flags};

    return transfer(id, &t, 0222, send_now);
}

int msg_receive(int id, int64_t type, uint64_t most, int flags,
                struct message **out)
{
    struct transfer t = {.type = type, .most = most, .flags = flags};
    int err;

    if (flags & MSG_COPY && (flags & MSG_EXCEPT || !(flags & IPC_NOWAIT))) {
        return -EINVAL;
    }
    err = transfer(id, &t, 0444, receive_now);
    *out = t.m;
    return err;
}

/* ---- control ---- */

/* As ipc_lock(); unlock() undoes it. */
static int lock_queue(int id, int want, struct msg_queue **out)
{
    struct ipc_object *o;
    int err = ipc_lock(&msg_ids, id, want, &o);

    if (!err) {
        *out = queue_of(o);
    }
    return err;
}

static void unlock(struct msg_queue *q)
{
    ipc_unlock(&msg_ids, &q->object);
}

static void fill_stat(const struct msg_queue *q, struct msqid64_ds *out)
{
    *out = (struct msqid64_ds){.stime = q->stime,
                               .rtime = q->rtime,
                               .ctime = q->ctime,
                               .cbytes = q->bytes,
                               .qnum = q->count,
                               .qbytes = q->bytes_most,
                               .lspid = q->lspid,
                               .lrpid = q->lrpid};
    ipc_stat(&q->object, &out->perm);
}

int msg_stat(int id, struct msqid64_ds *out)
{
    struct msg_queue *q;
    int err = lock_queue(id, 0444, &q);

    if (!err) {
        fill_stat(q, out);
        unlock(q);
    }
    return err;
}

int msg_stat_slot(int slot, bool any, struct msqid64_ds *out)
{
    struct ipc_object *o;
    int err = ipc_lock_slot(&msg_ids, slot, any, &o);

    if (!err) {
        fill_stat(queue_of(o), out);
        err = o->id;
        ipc_unlock(&msg_ids, o);
    }
    return err;
}

int msg_set(int id, const struct ipc64_perm *p, uint64_t bytes)
{
    struct msg_queue *q;
    int err = lock_queue(id, 0, &q);

    if (err) {
        return err;
    }
    if (bytes > (uint64_t)tunable(&tunable_msg_bytes) &&
        !ipc_capable(CAP_SYS_RESOURCE)) {
        err = -EPERM;
    } else {
        ipc_set(&q->object, p);
        q->bytes_most = bytes;
        q->ctime = ipc_now();
        wait_wake_all(&q->changed);
    }
    unlock(q);
    return err;
}

int msg_remove(int id)
{
    struct msg_queue *q;
    int err = lock_queue(id, 0, &q);

    if (!err) {
        err = ipc_remove(&msg_ids, &q->object) ? 0 : -EIDRM;
        wait_wake_all(&q->changed);
        unlock(q);
    }
    return err;
}

int msg_info(struct msginfo *out, bool used)
{
    int slot = -1, last = 0;
    uint64_t bytes = 0, count = 0;
    struct ipc_object *o;

    while ((slot = ipc_next_slot(&msg_ids, slot + 1)) >= 0) {
        last = slot;
        if (!ipc_find_slot(&msg_ids, slot, &o)) {
            bytes += queue_of(o)->bytes;
            count += queue_of(o)->count;
            ipc_put(&msg_ids, o);
        }
    }
    *out = (struct msginfo){
        .msgpool = used ? (int)msg_ids.used : 512000,
        .msgmap = used ? (int)count : (int)tunable(&tunable_msg_bytes),
        .msgmax = (int)tunable(&tunable_msg_max),
        .msgmnb = (int)tunable(&tunable_msg_bytes),
        .msgmni = (int)tunable(&tunable_msg_count),
        .msgssz = 16,
        .msgtql = used ? (int)bytes : (int)tunable(&tunable_msg_bytes),
        .msgseg = 0xffff,
    };
    return last;
}
