/* SPDX-License-Identifier: MIT
 *
 * Queues of pending signals: a set, and a list of the siginfo records that go
 * with it. A standard signal is pending once, however often it is sent; real-
 * time signals queue up in order (signal(7)). A signal may be pending without
 * a record when there was no memory or the limit was reached; who takes it
 * then sees SI_USER from nobody, as on Linux.
 */
#include "kernel/signal/room.h"
#include "kernel/mm/heap.h"
#include "abi/linux/errno.h"
#include "lib/string.h"

struct signal_record {
    struct list node;
    struct k_siginfo info;
};

void queue_init(struct signal_queue *q)
{
    q->set = 0;
    list_init(&q->infos);
}

/* A timer that fires again before its signal was taken is an overrun of the
 * one that is pending (timer_getoverrun(2)). */
static bool merge_timer(struct signal_queue *q, const struct k_siginfo *info)
{
    if (!info->from_timer) {
        return false;
    }
    list_for_each (pos, &q->infos) {
        struct k_siginfo *old =
            &list_entry(pos, struct signal_record, node)->info;

        if (old->from_timer && old->signo == info->signo &&
            old->timer.timer_id == info->timer.timer_id) {
            old->timer.overrun = (int32_t)MIN((int64_t)old->timer.overrun + 1 +
                                                  info->timer.overrun,
                                              (int64_t)INT32_MAX);
            return true;
        }
    }
    return false;
}

static bool add_record(struct signal_state *s, struct signal_queue *q,
                       const struct k_siginfo *info)
{
    struct signal_record *r = s->spare ? s->spare : kmalloc(sizeof(*r));

    if (!r) {
        return false;
    }
    s->spare = NULL;
    r->info = *info;
    list_add_tail(&q->infos, &r->node);
    s->queued++;
    return true;
}

int queue_add(struct signal_state *s, struct signal_queue *q,
              const struct k_siginfo *info, uint64_t limit)
{
    int signo = info->signo;
    bool standard = signo < SIGRTMIN;
    /* The kernel's own and kill(2)'s standard signals pass the limit. */
    bool urgent = standard && info->code >= 0;

    /* A timer's is queued beside one that somebody sent, so that its overruns
     * are counted. */
    if ((q->set & sigbit(signo)) &&
        (merge_timer(q, info) || (standard && !info->from_timer))) {
        return 0;
    }
    if ((!urgent && s->queued >= limit) || !add_record(s, q, info)) {
        if (!standard && info->code != SI_USER) {
            return -EAGAIN;
        }
    }
    q->set |= sigbit(signo);
    return 0;
}

static void free_record(struct signal_state *s, struct signal_record *r)
{
    list_del(&r->node);
    if (s->spare) {
        kfree(r);
    } else {
        s->spare = r;
    }
    s->queued--;
}

/* The oldest record of signo leaves the queue; the signal stays pending when
 * there is another. */
static void take_record(struct signal_state *s, struct signal_queue *q,
                        int signo, struct k_siginfo *info)
{
    struct signal_record *first = NULL;

    list_for_each (pos, &q->infos) {
        struct signal_record *r = list_entry(pos, struct signal_record, node);

        if (r->info.signo == signo) {
            if (first) {
                goto out; /* still pending */
            }
            first = r;
        }
    }
    q->set &= ~sigbit(signo);
out:
    if (first) {
        *info = first->info;
        free_record(s, first);
    } else { /* there was no memory, or too many waited */
        memset(info, 0, sizeof(*info));
        info->signo = signo;
    }
}

bool queue_peek(const struct signal_queue *q, uint64_t n,
                struct k_siginfo *info)
{
    list_for_each (pos, &q->infos) {
        if (n-- == 0) {
            *info = list_entry(pos, struct signal_record, node)->info;
            info->from_timer = 0;
            return true;
        }
    }
    return false;
}

void queue_end(struct signal_state *s)
{
    kfree(s->spare);
    s->spare = NULL;
}

int queue_take(struct signal_state *s, struct signal_queue *q, sigset mask,
               struct k_siginfo *info)
{
    sigset set = q->set & mask;
    int signo;

    if (!set) {
        return 0;
    }
    if (set & SIGSET_SYNC) {
        set &= SIGSET_SYNC;
    }
    signo = __builtin_ctzll(set) + 1;
    take_record(s, q, signo, info);
    return signo;
}

void queue_flush(struct signal_state *s, struct signal_queue *q, sigset set)
{
    if (!(q->set & set)) {
        return;
    }
    q->set &= ~set;
    list_for_each_safe (pos, &q->infos) {
        struct signal_record *r = list_entry(pos, struct signal_record, node);

        if (sigbit(r->info.signo) & set) {
            free_record(s, r);
        }
    }
}
