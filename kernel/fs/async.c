/* SPDX-License-Identifier: MIT
 *
 * Signal-driven I/O (async.h). The owner's numbers are copied without a lock:
 * whoever wakes may hold one of any class, and a program that changes the owner
 * meanwhile cannot tell who was first. Sending takes LOCK_PROC.
 */
#include "kernel/fs/async.h"
#include "kernel/fs/current.h"
#include "abi/linux/signal.h"
#include "lib/string.h"

enum { SIGURG_ = 23, SIGIO_ = 29, POLL_IN_ = 1, SI_KERNEL_ = 0x80 };

void io_owner_get(struct file *f, struct io_owner *out)
{
    *out = (struct io_owner){f->owner_type, f->owner_muted ? 0 : f->owner_pid,
                             f->owner_signal, f->owner_fd};
}

/* Linux's numbers of what happened, and the band that goes with each. */
static int code_of(uint32_t events)
{
    static const uint32_t bits[] = {POLLIN,  POLLOUT, 0,
                                    POLLERR, POLLPRI, POLLHUP};

    if (events & POLLHUP) {
        return POLL_IN_ + 5;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(bits); i++) {
        if (events & bits[i]) {
            return POLL_IN_ + (int)i;
        }
    }
    return POLL_IN_;
}

struct send {
    const struct io_owner *owner;
    const struct k_siginfo *info;
};

static void send_in_group(struct proc *p, void *arg)
{
    struct send *s = arg;

    if (p->pgid == s->owner->pid) {
        signal_send_proc_locked(p, s->info);
    }
}

static void send_to(const struct io_owner *owner, const struct k_siginfo *info)
{
    struct send s = {owner, info};
    struct thread *t;

    spin_lock(&proc_lock);
    if (owner->type == F_OWNER_PGRP) {
        proc_for_each_locked(send_in_group, &s);
    } else {
        t = thread_find(owner->pid);
        if (t && owner->type == F_OWNER_TID) {
            signal_send_thread(t, info);
        } else if (t) {
            signal_send_proc_locked(t->proc, info);
        }
    }
    spin_unlock(&proc_lock);
}

static void signal_owner(const struct io_owner *owner, int code,
                         uint32_t events)
{
    struct k_siginfo info;

    memset(&info, 0, sizeof(info));
    info.signo = owner->signal ? owner->signal : SIGIO_;
    info.code = SI_KERNEL_;
    if (owner->signal) {
        info.code = code;
        info.poll.band = events;
        info.poll.fd = owner->fd;
    }
    send_to(owner, &info);
}

void io_owner_signal(const struct io_owner *owner, uint32_t events)
{
    signal_owner(owner, code_of(events), events);
}

void io_owner_message(const struct io_owner *owner)
{
    signal_owner(owner, POLL_IN_ + 2, POLLIN | POLLRDNORM | POLLMSG);
}

void async_init(struct async_list *l)
{
    spin_init(&l->lock, LOCK_POLL);
    list_init(&l->files);
}

void async_set(struct async_list *l, struct file *f, bool on)
{
    spin_lock(&l->lock);
    list_del(&f->async_node);
    if (on) {
        list_add_tail(&l->files, &f->async_node);
    }
    spin_unlock(&l->lock);
}

enum { OWNERS_MOST = 8 }; /* told at once */

void async_tell(struct async_list *l, uint32_t mode, uint32_t events)
{
    struct io_owner owners[OWNERS_MOST];
    unsigned count = 0;

    spin_lock(&l->lock);
    list_for_each (pos, &l->files) {
        struct file *f = list_entry(pos, struct file, async_node);

        if (f->mode & mode && count < OWNERS_MOST) {
            io_owner_get(f, &owners[count++]);
        }
    }
    spin_unlock(&l->lock);
    for (unsigned i = 0; i < count; i++) {
        if (owners[i].pid) {
            io_owner_signal(&owners[i], events);
        }
    }
}

void io_owner_urgent(const struct io_owner *owner)
{
    struct k_siginfo info;

    memset(&info, 0, sizeof(info));
    info.signo = SIGURG_;
    info.code = SI_KERNEL_;
    send_to(owner, &info);
}
