/* SPDX-License-Identifier: MIT
 *
 * Urgent bytes on streams of unix(7): MSG_OOB, as TCP has it (tcp(7)). The byte
 * stands in the stream like any other. While it is the latest one and nobody
 * has read it, it is read with MSG_OOB, and reads stop in front of it; one that
 * begins there drops it, unless SO_OOBINLINE makes it a byte like others. An
 * older one is such a byte already. What MSG_OOB has read leaves a hole, which
 * still is a mark.
 *
 * u->in.lock guards the list, which is in order of position and nearly always
 * empty; who takes bytes out of the stream holds read_lock as well.
 */
#include "kernel/net/unix/unix_private.h"
#include "kernel/mm/heap.h"
#include "abi/linux/errno.h"

/* The byte before end; once it was read, [start, end) is a hole. */
struct unix_urgent {
    struct list node;
    uint64_t start, end;
    bool read;
};

static struct unix_urgent *urgent_of(struct list *node)
{
    return list_entry(node, struct unix_urgent, node);
}

/* Its byte is in the stream: who sends it announces it first. */
static bool is_there(struct unix_socket *u, const struct unix_urgent *e)
{
    return e->end <= atomic_load_acquire(&u->in.head);
}

/* The one that MSG_OOB reads, or NULL. */
static struct unix_urgent *current_urgent(struct unix_socket *u)
{
    struct list *last = u->urgent.prev;

    if (last != &u->urgent && !is_there(u, urgent_of(last))) {
        last = last->prev;
    }
    return last != &u->urgent && !urgent_of(last)->read ? urgent_of(last)
                                                        : NULL;
}

bool unix_has_urgent(struct unix_socket *u)
{
    bool has;

    if (likely(list_empty(&u->urgent))) {
        return false;
    }
    spin_lock(&u->in.lock);
    has = current_urgent(u) != NULL;
    spin_unlock(&u->in.lock);
    return has;
}

/* ---- sending ---- */

struct unix_urgent *unix_urgent_new(void)
{
    return kzalloc(sizeof(struct unix_urgent));
}

void unix_urgent_free(struct unix_urgent *e)
{
    kfree(e);
}

/* write_lock is held. */
void unix_urgent_add(struct unix_socket *to, struct unix_urgent *e)
{
    e->start = to->in.head;
    e->end = e->start + 1;
    spin_lock(&to->in.lock);
    list_add_tail(&to->urgent, &e->node);
    spin_unlock(&to->in.lock);
}

/* Once it is sent, a reader may have taken e already. Nobody adds another
 * meanwhile, so e is the last one or gone. */
void unix_urgent_added(struct unix_socket *to, struct unix_urgent *e, bool sent)
{
    struct unix_urgent *gone = NULL;
    struct list *before;

    spin_lock(&to->in.lock);
    before = to->urgent.prev;
    if (before == &e->node) {
        before = before->prev;
    }
    if (!sent) {
        list_del(&e->node);
    } else if (before != &to->urgent && !urgent_of(before)->read) {
        gone = urgent_of(before); /* a byte like others from now on */
        list_del(&gone->node);
    }
    spin_unlock(&to->in.lock);
    kfree(gone);
}

/* ---- receiving ---- */

static bool is_inline(struct unix_socket *u)
{
    return atomic_load_relaxed(&u->s.flags) & SOCKET_OOBINLINE;
}

/* MSG_OOB has read e: a hole, together with one right before it. */
static struct unix_urgent *make_hole(struct unix_socket *u,
                                     struct unix_urgent *e)
{
    struct unix_urgent *before =
        e->node.prev == &u->urgent ? NULL : urgent_of(e->node.prev);

    e->read = true;
    if (!before || !before->read || before->end != e->start) {
        return NULL;
    }
    e->start = before->start;
    list_del(&before->node);
    return before;
}

long unix_urgent_recv(struct unix_socket *u, struct socket_msg *msg)
{
    struct stream *st = &u->in;
    struct unix_urgent *e, *gone = NULL;
    uint64_t at = 0;
    long n = -EINVAL;

    mutex_lock(&st->read_lock);
    spin_lock(&st->lock);
    e = is_inline(u) ? NULL : current_urgent(u);
    if (e) {
        at = e->end - 1;
        n = 0;
        if (!(msg->flags & MSG_PEEK)) {
            gone = make_hole(u, e);
        }
    }
    spin_unlock(&st->lock);
    if (n == 0) {
        n = msg->io->left ? stream_copy(st, at, msg->io, 1) : -EFAULT;
    }
    mutex_unlock(&st->read_lock);
    kfree(gone);
    msg->name_len = 0;
    msg->result |= n > 0 ? MSG_OOB : 0;
    return n;
}

enum step { GO, STOP, PAST, PAST_AND_TAKE, TAKE };

/* What a read that has come to e does. */
static enum step step_of(struct unix_socket *u, const struct unix_urgent *e,
                         bool peek, bool copied)
{
    bool last = current_urgent(u) == e;

    if (e->read) {
        return copied && !current_urgent(u) ? STOP
               : peek                       ? PAST
                                            : PAST_AND_TAKE;
    }
    if (!last) {
        return GO;
    }
    if (copied) {
        return STOP;
    }
    if (is_inline(u)) {
        return peek ? GO : TAKE;
    }
    return peek ? PAST : PAST_AND_TAKE;
}

bool unix_urgent_step(struct unix_socket *u, bool peek, bool copied,
                      uint64_t *pos, uint64_t *end)
{
    struct list gone = LIST_INIT(gone), *node, *next;
    enum step step = GO;

    spin_lock(&u->in.lock);
    for (node = u->urgent.next; node != &u->urgent && step != STOP;
         node = next) {
        struct unix_urgent *e = urgent_of(node);

        next = node->next;
        if (e->end <= *pos) {
            continue;
        }
        if (e->start > *pos || !is_there(u, e)) {
            *end = MIN(*end, e->start);
            break;
        }
        step = step_of(u, e, peek, copied);
        if (step == PAST || step == PAST_AND_TAKE) {
            *pos = e->end;
        }
        if (step == TAKE || step == PAST_AND_TAKE) {
            list_del(node);
            list_add_tail(&gone, node);
        }
    }
    spin_unlock(&u->in.lock);
    while (!list_empty(&gone)) {
        kfree(urgent_of(list_pop(&gone)));
    }
    return step != STOP;
}

/* ---- what can be asked ---- */

uint64_t unix_urgent_hidden(struct unix_socket *u, bool peek)
{
    uint64_t sum = 0;

    if (likely(list_empty(&u->urgent))) {
        return 0;
    }
    spin_lock(&u->in.lock);
    list_for_each (node, &u->urgent) {
        struct unix_urgent *e = urgent_of(node);

        if (e->read) {
            sum += e->end - e->start;
        } else if (peek && e == current_urgent(u) && !is_inline(u)) {
            sum++;
        }
    }
    spin_unlock(&u->in.lock);
    return sum;
}

bool unix_at_mark(struct unix_socket *u)
{
    struct unix_urgent *first, *now;
    bool at = false;

    mutex_lock(&u->in.read_lock);
    spin_lock(&u->in.lock);
    first = list_empty(&u->urgent) ? NULL : urgent_of(u->urgent.next);
    now = current_urgent(u);
    if (first && first->start <= u->in.tail && is_there(u, first)) {
        at = !first->read || !now || now->start == first->end;
    }
    spin_unlock(&u->in.lock);
    mutex_unlock(&u->in.read_lock);
    return at;
}

void unix_urgent_drop(struct unix_socket *u)
{
    while (!list_empty(&u->urgent)) {
        kfree(urgent_of(list_pop(&u->urgent)));
    }
}
