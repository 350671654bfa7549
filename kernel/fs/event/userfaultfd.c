/* SPDX-License-Identifier: MIT
 *
 * userfaultfd(2): the descriptor, which tells of faults and takes what is to
 * be there. Missing and write-protected pages of private anonymous memory; no
 * minor faults, no events of fork, remap and unmap.
 */
#include "kernel/fs/event/event.h"
#include "kernel/fs/file.h"
#include "kernel/core/sched.h"
#include "kernel/core/timer.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/pages.h"
#include "kernel/mm/userfault.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "abi/linux/epoll.h"
#include "abi/linux/errno.h"
#include "abi/linux/userfaultfd.h"

enum {
    FEATURES = UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_SIGBUS |
               UFFD_FEATURE_EXACT_ADDRESS | UFFD_FEATURE_WP_UNPOPULATED |
               UFFD_FEATURE_MOVE,
    CALL = 0x3f, /* of a request's number */
};

struct userfaultfd {
    struct userfault *u;
    bool ready; /* UFFDIO_API was; atomic */
    bool exact; /* addresses are told to the byte */
};

/* ---- reading ---- */

static void message(const struct userfaultfd *fd,
                    const struct userfault_event *e, struct uffd_msg *m)
{
    *m = (struct uffd_msg){
        .event = UFFD_EVENT_PAGEFAULT,
        .flags = (e->write ? UFFD_PAGEFAULT_FLAG_WRITE : 0) |
                 (e->kept ? UFFD_PAGEFAULT_FLAG_WP : 0),
        .address = fd->exact ? e->addr : ALIGN_DOWN(e->addr, PAGE_SIZE),
    };
}

static long read_messages(struct userfaultfd *fd, struct iobuf *io)
{
    struct userfault_event e;
    struct uffd_msg m;
    long done = 0, n = 0;

    while (n >= 0 && io->left >= sizeof(m) && userfault_next(fd->u, &e)) {
        message(fd, &e, &m);
        n = iobuf_put(io, &m, sizeof(m));
        done += MAX(n, 0l);
    }
    return done ? done : n;
}

static long userfaultfd_read(struct file *f, struct iobuf *io, uint64_t *pos,
                             int flags)
{
    struct userfaultfd *fd = f->private;
    long n;

    if (!atomic_load_acquire(&fd->ready) ||
        io->left < sizeof(struct uffd_msg)) {
        return -EINVAL;
    }
    while ((n = read_messages(fd, io)) == 0) {
        if (file_nonblock(f, flags)) {
            return -EAGAIN;
        }
        if (wait_event(&fd->u->wait, userfault_pending(fd->u), DEADLINE_NONE,
                       WAIT_INTR)) {
            return -ERESTARTSYS;
        }
    }
    return n;
}

static uint32_t userfaultfd_poll(struct file *f, struct poll_table *pt)
{
    struct userfaultfd *fd = f->private;

    poll_wait(pt, &fd->u->wait);
    if (!atomic_load_acquire(&fd->ready) || !(f->flags & O_NONBLOCK)) {
        return POLLERR;
    }
    return userfault_pending(fd->u) ? POLLIN : 0;
}

/* ---- requests ---- */

static bool is_range(uint64_t start, uint64_t len)
{
    return len && IS_ALIGNED(start | len, PAGE_SIZE) &&
           mm_linux_range(start, len);
}

static uint64_t bit_of(uint32_t request)
{
    return 1ull << (request & CALL);
}

static long do_api(struct userfaultfd *fd, struct uptr arg)
{
    struct uffdio_api a;
    int err = copy_from_user(&a, arg, sizeof(a));
    bool ok = a.api == UFFD_API && !(a.features & ~(uint64_t)FEATURES);

    if (err) {
        return err;
    }
    if (!ok || atomic_load(&fd->ready)) {
        memset(&a, 0, sizeof(a));
        return copy_to_user(arg, &a, sizeof(a)) ? -EFAULT : -EINVAL;
    }
    fd->exact = a.features & UFFD_FEATURE_EXACT_ADDRESS;
    fd->u->as_sigbus = a.features & UFFD_FEATURE_SIGBUS;
    fd->u->unpopulated = a.features & UFFD_FEATURE_WP_UNPOPULATED;
    a.features = FEATURES;
    a.ioctls = bit_of(UFFDIO_API) | bit_of(UFFDIO_REGISTER) |
               bit_of(UFFDIO_UNREGISTER);
    err = copy_to_user(arg, &a, sizeof(a));
    if (!err) {
        atomic_store_release(&fd->ready, true);
    }
    return err;
}

static long do_register(struct userfaultfd *fd, struct uptr arg)
{
    const uint64_t modes =
        UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP;
    struct uffdio_register r;
    int err = copy_from_user(&r, arg, sizeof(r));

    if (!err &&
        (!r.mode || r.mode & ~modes || !is_range(r.range.start, r.range.len))) {
        err = -EINVAL;
    }
    if (!err) {
        err = userfault_register(fd->u, r.range.start, r.range.len,
                                 (unsigned)r.mode);
    }
    if (err) {
        return err;
    }
    r.ioctls =
        bit_of(UFFDIO_WAKE) | bit_of(UFFDIO_COPY) | bit_of(UFFDIO_ZEROPAGE) |
        bit_of(UFFDIO_MOVE) |
        (r.mode & UFFDIO_REGISTER_MODE_WP ? bit_of(UFFDIO_WRITEPROTECT) : 0);
    return copy_to_user(arg, &r, sizeof(r));
}

static long do_range(struct userfaultfd *fd, uint32_t request, struct uptr arg)
{
    struct uffdio_range r;
    int err = copy_from_user(&r, arg, sizeof(r));

    if (err || !is_range(r.start, r.len)) {
        return err ? err : -EINVAL;
    }
    if (request == UFFDIO_UNREGISTER) {
        return userfault_unregister(fd->u, r.start, r.len);
    }
    userfault_wake(fd->u, r.start, r.len);
    return 0;
}

/* Between the pages of a long request. -EINTR: the task is killed. */
static int go_on(uint64_t done)
{
    const uint64_t many = 1024 * PAGE_SIZE;

    if (done % many || !done) {
        return 0;
    }
    task_yield();
    return task_is_killed(current_task()) ? -EINTR : 0;
}

/* Pages of src (NULL: zeros) to dst, as many as can be; how many bytes, or the
 * first one's error. */
static int64_t fill(struct userfault *u, uint64_t dst, struct uptr src,
                    uint64_t len, bool kept)
{
    void *page = src.addr ? page_alloc(1) : NULL;
    int err = src.addr && !page ? -ENOMEM : 0;
    uint64_t done = 0;

    while (done < len && !err) {
        err = page ? copy_from_user(page, uptr_add(src, done), PAGE_SIZE) : 0;
        if (!err) {
            err = userfault_fill(u, dst + done, page, kept);
        }
        done += err ? 0 : PAGE_SIZE;
        err = err ? err : go_on(done);
    }
    if (page) {
        page_free(page, 1);
    }
    return done ? (int64_t)done : err;
}

/* What was filled is told at `told`, and who waits for it wakes. */
static long filled(struct userfault *u, const struct uffdio_range *r,
                   int64_t done, uint64_t mode, struct uptr told)
{
    if (put_user64(told, (uint64_t)done)) {
        return -EFAULT;
    }
    if (done < 0) {
        return done;
    }
    if (!(mode & UFFDIO_MODE_DONTWAKE)) {
        userfault_wake(u, r->start, (uint64_t)done);
    }
    return (uint64_t)done == r->len ? 0 : -EAGAIN;
}

static long do_copy(struct userfaultfd *fd, struct uptr arg)
{
    struct uffdio_copy c;
    struct uffdio_range r;
    int err = copy_from_user(&c, arg, offsetof(struct uffdio_copy, copy));

    if (err) {
        return err;
    }
    r = (struct uffdio_range){c.dst, c.len};
    if (!is_range(c.dst, c.len) || c.src + c.len <= c.src ||
        c.mode & ~(uint64_t)(UFFDIO_MODE_DONTWAKE | UFFDIO_COPY_MODE_WP)) {
        return -EINVAL;
    }
    if (!c.src) {
        return filled(fd->u, &r, -EFAULT, 0,
                      uptr_add(arg, offsetof(struct uffdio_copy, copy)));
    }
    return filled(
        fd->u, &r,
        fill(fd->u, c.dst, uptr(c.src), c.len, c.mode & UFFDIO_COPY_MODE_WP),
        c.mode, uptr_add(arg, offsetof(struct uffdio_copy, copy)));
}

static int64_t move(struct userfault *u, const struct uffdio_copy *c)
{
    bool holes = c->mode & UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES;
    void *buf = page_alloc(1);
    int err = buf ? 0 : -ENOMEM;
    uint64_t done = 0;

    while (done < c->len && !err) {
        err = userfault_move(u, c->dst + done, c->src + done, buf);
        err = err == -ENOENT && holes ? 0 : err;
        done += err ? 0 : PAGE_SIZE;
        err = err ? err : go_on(done);
    }
    page_free(buf, 1);
    return done ? (int64_t)done : err;
}

static long do_move(struct userfaultfd *fd, struct uptr arg)
{
    const uint64_t modes =
        UFFDIO_MODE_DONTWAKE | UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES;
    struct uffdio_copy c;
    struct uffdio_range r;
    int err = copy_from_user(&c, arg, offsetof(struct uffdio_copy, copy));

    if (err) {
        return err;
    }
    r = (struct uffdio_range){c.dst, c.len};
    if (!is_range(c.dst, c.len) || !is_range(c.src, c.len) || c.mode & ~modes) {
        return -EINVAL;
    }
    return filled(fd->u, &r, move(fd->u, &c), c.mode,
                  uptr_add(arg, offsetof(struct uffdio_copy, copy)));
}

static long do_zero(struct userfaultfd *fd, struct uptr arg)
{
    struct uffdio_zeropage z;
    int err =
        copy_from_user(&z, arg, offsetof(struct uffdio_zeropage, zeropage));

    if (err) {
        return err;
    }
    if (!is_range(z.range.start, z.range.len) ||
        z.mode & ~(uint64_t)UFFDIO_MODE_DONTWAKE) {
        return -EINVAL;
    }
    return filled(fd->u, &z.range,
                  fill(fd->u, z.range.start, uptr(0), z.range.len, false),
                  z.mode,
                  uptr_add(arg, offsetof(struct uffdio_zeropage, zeropage)));
}

static long do_protect(struct userfaultfd *fd, struct uptr arg)
{
    struct uffdio_writeprotect w;
    int err = copy_from_user(&w, arg, sizeof(w));
    bool on = w.mode & UFFDIO_WRITEPROTECT_MODE_WP;

    if (err) {
        return err;
    }
    if (!is_range(w.range.start, w.range.len) || w.mode > 2) {
        return -EINVAL;
    }
    err = userfault_protect(fd->u, w.range.start, w.range.len, on);
    if (!err && !w.mode) {
        userfault_wake(fd->u, w.range.start, w.range.len);
    }
    return err;
}

static long userfaultfd_ioctl(struct file *f, uint32_t request, struct uptr arg)
{
    struct userfaultfd *fd = f->private;

    if (request != UFFDIO_API && !atomic_load_acquire(&fd->ready)) {
        return -EINVAL;
    }
    switch (request) {
    case UFFDIO_API:
        return do_api(fd, arg);
    case UFFDIO_REGISTER:
        return do_register(fd, arg);
    case UFFDIO_UNREGISTER:
    case UFFDIO_WAKE:
        return do_range(fd, request, arg);
    case UFFDIO_COPY:
        return do_copy(fd, arg);
    case UFFDIO_ZEROPAGE:
        return do_zero(fd, arg);
    case UFFDIO_MOVE:
        return do_move(fd, arg);
    case UFFDIO_WRITEPROTECT:
        return do_protect(fd, arg);
    default:
        return -EINVAL;
    }
}

static void userfaultfd_release(struct file *f)
{
    struct userfaultfd *fd = f->private;

    userfault_close(fd->u);
    kfree(fd);
}

static const struct file_ops userfaultfd_ops = {
    .seek = seek_nowhere,
    .read = userfaultfd_read,
    .poll = userfaultfd_poll,
    .ioctl = userfaultfd_ioctl,
    .release = userfaultfd_release,
};

int userfaultfd_open(uint32_t flags, struct file **out)
{
    struct userfaultfd *fd = kzalloc(sizeof(*fd));
    int err = fd ? userfault_new(&fd->u) : -ENOMEM;

    if (!err) {
        fd->u->programs_only = flags & UFFD_USER_MODE_ONLY;
        err = file_open_anon("anon_inode:[userfaultfd]", &userfaultfd_ops, fd,
                             O_RDONLY | (flags & O_NONBLOCK), out);
        if (err) {
            userfault_close(fd->u);
        }
    }
    if (err) {
        kfree(fd);
    }
    return err;
}
