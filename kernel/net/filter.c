/* SPDX-License-Identifier: MIT
 *
 * Filters of sockets (socket(7), SO_ATTACH_FILTER): classic BPF (lib/bpf.h)
 * that says of each packet how many bytes of it may come, or none. A filter
 * never changes; s->lock guards the pointer to it.
 */
#include "kernel/net/filter.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/uaccess.h"
#include "lib/string.h"
#include "abi/linux/errno.h"

struct socket_filter {
    uint32_t refs; /* atomic */
    uint32_t len;
    struct bpf_insn insns[];
};

static void put(struct socket_filter *f)
{
    if (f && atomic_sub_fetch(&f->refs, 1) == 0) {
        kfree(f);
    }
}

static struct socket_filter *get(const struct socket *s)
{
    struct socket *own = (struct socket *)s; /* for its lock */
    struct socket_filter *f;

    spin_lock(&own->lock);
    f = s->filter;
    if (f) {
        atomic_fetch_add(&f->refs, 1);
    }
    spin_unlock(&own->lock);
    return f;
}

static int check_insns(const struct socket_filter *f)
{
    uint16_t *masks = kmalloc(f->len * sizeof(masks[0]));
    int err = masks ? bpf_check(f->insns, f->len, 0, masks) : -ENOMEM;

    kfree(masks);
    return err;
}

static int read_filter(const struct bpf_program *p, struct socket_filter **out)
{
    size_t bytes = p->len * sizeof(struct bpf_insn);
    struct socket_filter *f;
    int err;

    if (!p->len || p->len > BPF_MAXINSNS || !p->filter) {
        return -EINVAL;
    }
    f = kmalloc(sizeof(*f) + bytes);
    if (!f) {
        return -ENOMEM;
    }
    f->refs = 1;
    f->len = p->len;
    err = copy_from_user(f->insns, uptr(p->filter), bytes);
    err = err ? err : check_insns(f);
    if (err) {
        kfree(f);
        return err;
    }
    *out = f;
    return 0;
}

static bool is_locked(const struct socket *s)
{
    return atomic_load_relaxed(&s->flags) & SOCKET_LOCK_FILTER;
}

/* Swaps s's filter and *f. -EPERM: it is locked. */
static int replace(struct socket *s, struct socket_filter **f)
{
    struct socket_filter *old;
    int err = 0;

    spin_lock(&s->lock);
    if (is_locked(s)) {
        err = -EPERM;
    } else {
        old = s->filter;
        atomic_store(&s->filter, *f);
        *f = old;
    }
    spin_unlock(&s->lock);
    return err;
}

int socket_filter_attach(struct socket *s, const struct bpf_program *p)
{
    struct socket_filter *f;
    int err = is_locked(s) ? -EPERM : read_filter(p, &f);

    if (err) {
        return err;
    }
    err = replace(s, &f); /* it may be locked since */
    put(f);
    return err;
}

int socket_filter_detach(struct socket *s)
{
    struct socket_filter *f = NULL;
    int err = replace(s, &f);

    if (!err && !f) {
        err = -ENOENT;
    }
    put(f);
    return err;
}

int socket_filter_lock(struct socket *s, bool on)
{
    int err = 0;

    spin_lock(&s->lock);
    if (on) {
        atomic_fetch_or(&s->flags, SOCKET_LOCK_FILTER);
    } else if (is_locked(s)) {
        err = -EPERM;
    }
    spin_unlock(&s->lock);
    return err;
}

long socket_filter_get(struct socket *s, struct uptr to, uint32_t room)
{
    struct socket_filter *f = get(s);
    long n = f ? f->len : 0;

    if (n && room) {
        int err = room < f->len ? -EINVAL
                                : copy_to_user(to, f->insns,
                                               f->len * sizeof(f->insns[0]));

        n = err ? err : n;
    }
    put(f);
    return n;
}

void socket_filter_inherit(struct socket *s, const struct socket *from)
{
    s->filter = get(from);
}

void socket_filter_destroy(struct socket *s)
{
    put(s->filter);
}

bool socket_filter_run(struct socket *s, const struct bpf_data *data,
                       uint32_t least, uint32_t *kept)
{
    struct socket_filter *f = get(s);
    uint32_t n = f ? bpf_run(f->insns, data) : data->len;
    bool taken = !f || n != 0;

    *kept = MIN(MAX(n, least), data->len);
    put(f);
    return taken;
}
