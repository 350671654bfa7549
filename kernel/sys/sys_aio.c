/* SPDX-License-Identifier: MIT
 *
 * Asynchronous I/O: io_setup(2), io_submit(2), io_getevents(2) and relatives.
 * A context's number is the address of a page in the program, which libaio
 * looks into: on Linux it is the ring of events. Ours stays zero, which tells
 * libaio to ask the kernel: a poll's event could not be put there when it
 * comes, which may be while another has these addresses. Reads, writes and
 * syncs are done at submission.
 */
#include "kernel/sys/table.h"
#include "kernel/sys/convert.h"
#include "kernel/sys/vecs.h"
#include "kernel/fs/aio.h"
#include "kernel/fs/event/event.h"
#include "kernel/mm/mm.h"
#include "kernel/proc/proc.h"
#include "abi/linux/errno.h"
#include "abi/linux/mman.h"
#include "abi/linux/poll.h"
#include "abi/linux/stat.h"
#include "abi/linux/uio.h"

enum { EVENTS_MOST = 0x10000000 / sizeof(struct abi_io_event) };

/* ---- contexts ---- */

/* As on Linux, a context whose page cannot be read is none. */
static struct aio_context *find_context(uint64_t id)
{
    uint32_t word;

    return get_user32(&word, uptr(id)) ? NULL
                                       : aio_find(current_proc()->mm, id);
}

static int make_context(unsigned places, uint64_t *id)
{
    struct mm *mm = current_proc()->mm;
    int err;

    *id = 0;
    err = mm_map(mm, id, PAGE_SIZE, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MM_MAP_AIO, NULL, 0);
    if (err) {
        return err;
    }
    err = aio_create(mm, *id, places);
    if (err) {
        (void)mm_unmap(mm, *id, PAGE_SIZE);
    }
    return err;
}

static int end_context(uint64_t id)
{
    struct mm *mm = current_proc()->mm;
    struct aio_context *c = find_context(id);
    int err = c ? aio_destroy(mm, id) : -EINVAL;

    if (c) {
        aio_put(c);
    }
    if (!err) {
        /* Not there any more: the program's own doing. */
        (void)mm_unmap(mm, id, PAGE_SIZE);
    }
    return err;
}

long sys_io_setup(const struct sysargs *a)
{
    unsigned places = arg_uint(a, 0);
    uint64_t id;
    int err = get_user64(&id, arg_ptr(a, 1));

    if (err) {
        return err;
    }
    if (id || !places || places > EVENTS_MOST) {
        return -EINVAL;
    }
    err = make_context(places, &id);
    if (err) {
        return err;
    }
    err = put_user64(arg_ptr(a, 1), id);
    if (err) {
        (void)end_context(id);
    }
    return err;
}

long sys_io_destroy(const struct sysargs *a)
{
    return end_context(arg_u64(a, 0));
}

/* ---- one request ---- */

/* Streams have no positions and ignore the one that is given. */
static long move(const struct abi_iocb *cb, struct file *f, struct iobuf *io,
                 bool write, int flags)
{
    uint64_t pos = (uint64_t)cb->offset;
    long n;

    if (f->ops->seek && !(f->mode & FILE_NO_PREAD)) {
        n = write ? file_pwrite(f, io, &pos, flags)
                  : file_pread(f, io, &pos, flags);
    } else {
        n = write ? file_write(f, io, flags) : file_read(f, io, flags);
    }
    return n == -ERESTARTSYS ? -EINTR : n;
}

static int transfer(const struct abi_iocb *cb, struct file *f, bool write,
                    long *res)
{
    bool vector = cb->opcode >= IOCB_CMD_PREADV;
    struct vecs v = {.vec = v.small};
    struct iobuf io;
    int flags, err = io_flags_of(cb->rw_flags, &flags);

    if (err) {
        return err;
    }
    if (!(f->mode & (write ? FILE_WRITE : FILE_READ))) {
        return -EBADF;
    }
    if (S_ISDIR(f->inode->mode) || !(write ? f->ops->write : f->ops->read)) {
        return -EINVAL;
    }
    if (vector) {
        err = vecs_get_mine(&v, uptr(cb->buf), cb->nbytes);
        if (err) {
            return err;
        }
        iobuf_user_vec(&io, v.vec, v.count);
    } else if (!mm_linux_range(cb->buf, cb->nbytes)) {
        return -EFAULT;
    } else {
        iobuf_user(&io, uptr(cb->buf), MIN(cb->nbytes, MAX_RW_COUNT));
    }
    if (cb->offset < 0 || io.left > (uint64_t)(INT64_MAX - cb->offset)) {
        err = -EINVAL;
    } else {
        *res = move(cb, f, &io, write, flags);
    }
    vecs_put(&v);
    return err;
}

static int sync(const struct abi_iocb *cb, struct file *f, long *res)
{
    if (cb->buf || cb->offset || cb->nbytes || cb->rw_flags || !f->ops->sync) {
        return -EINVAL;
    }
    *res = f->ops->sync(f, cb->opcode == IOCB_CMD_FDSYNC);
    return 0;
}

static int begin_poll(struct aio_context *c, struct aio_request *r,
                      const struct abi_iocb *cb, struct file *f)
{
    if ((uint16_t)cb->buf != cb->buf || cb->offset || cb->nbytes ||
        cb->rw_flags || !f->ops->poll) {
        return -EINVAL;
    }
    if (r->eventfd) {
        return -EOPNOTSUPP; /* its counter would lag behind */
    }
    file_ref(f);
    return aio_poll(c, r, f, (uint32_t)cb->buf);
}

/* Runs or begins what cb asks for: -errno, and r is the caller's again. */
static int run(struct aio_context *c, struct aio_request *r,
               const struct abi_iocb *cb, struct file *f)
{
    long res = 0;
    int err;

    switch (cb->opcode) {
    case IOCB_CMD_PREAD:
    case IOCB_CMD_PREADV:
        err = transfer(cb, f, false, &res);
        break;
    case IOCB_CMD_PWRITE:
    case IOCB_CMD_PWRITEV:
        err = transfer(cb, f, true, &res);
        break;
    case IOCB_CMD_FSYNC:
    case IOCB_CMD_FDSYNC:
        err = sync(cb, f, &res);
        break;
    case IOCB_CMD_POLL:
        return begin_poll(c, r, cb, f);
    default:
        return -EINVAL;
    }
    if (!err) {
        aio_complete(c, r, res);
    }
    return err;
}

static int take_eventfd(struct aio_request *r, const struct abi_iocb *cb)
{
    int err;

    if (!(cb->flags & IOCB_FLAG_RESFD)) {
        return 0;
    }
    err = file_get((int)cb->resfd, &r->eventfd);
    if (err) {
        r->eventfd = NULL;
        return err;
    }
    return eventfd_add(r->eventfd, 0);
}

static int start(struct aio_context *c, struct aio_request *r,
                 const struct abi_iocb *cb, struct uptr at)
{
    struct fd fd;
    int err = fd_get_io((int)cb->fd, &fd);

    if (err) {
        return err;
    }
    err = take_eventfd(r, cb);
    if (!err) { /* by which io_cancel(2) knows that it was submitted */
        err = put_user32(uptr_add(at, offsetof(struct abi_iocb, key)), 0);
    }
    if (!err) {
        r->event.data = cb->data;
        r->event.obj = at.addr;
        err = run(c, r, cb, fd.file);
    }
    fd_put(&fd);
    return err;
}

static int submit_one(struct aio_context *c, struct uptr at)
{
    struct aio_request *r;
    struct abi_iocb cb;
    int err = copy_from_user(&cb, at, sizeof(cb));

    if (err) {
        return err;
    }
    if (cb.reserved || (int64_t)cb.nbytes < 0) {
        return -EINVAL;
    }
    err = aio_take_place(c, &r);
    if (err) {
        return err;
    }
    err = start(c, r, &cb, at);
    if (err) {
        aio_give_back(c, r);
    }
    return err;
}

long sys_io_submit(const struct sysargs *a)
{
    struct aio_context *c;
    int64_t count = arg_long(a, 1), i;
    int err = 0;

    if (count < 0) {
        return -EINVAL;
    }
    c = find_context(arg_u64(a, 0));
    if (!c) {
        return -EINVAL;
    }
    count = MIN(count, (int64_t)aio_places(c));
    for (i = 0; i < count; i++) {
        uint64_t at;

        err = get_user64(&at, uptr_add(arg_ptr(a, 2), (uint64_t)i * 8));
        err = err ? err : submit_one(c, uptr(at));
        if (err) {
            break;
        }
    }
    aio_put(c);
    return i ? i : err;
}

/* ---- events ---- */

static long take_events(struct aio_context *c, struct uptr to, int64_t most)
{
    struct abi_io_event event;
    int64_t n;

    for (n = 0; n < most && aio_take(c, &event); n++) {
        if (copy_to_user(uptr_add(to, (uint64_t)n * sizeof(event)), &event,
                         sizeof(event))) {
            return n ? n : -EFAULT;
        }
    }
    return n;
}

static long get_events(const struct sysargs *a)
{
    int64_t least = arg_long(a, 1), most = arg_long(a, 2), ns = -1;
    struct aio_context *c;
    long n;

    if (arg_u64(a, 4)) {
        struct abi_timespec ts;

        if (copy_from_user(&ts, arg_ptr(a, 4), sizeof(ts))) {
            return -EFAULT;
        }
        if (ns_of_timespec(&ts, &ns)) {
            ns = 0; /* a time that has passed */
        }
    }
    c = find_context(arg_u64(a, 0));
    if (!c) {
        return -EINVAL;
    }
    if (least < 0 || least > most) {
        aio_put(c);
        return -EINVAL;
    }
    n = aio_wait(c, (unsigned)MIN(least, (int64_t)INT32_MAX),
                 ns > 0 ? (uint64_t)ns_add((int64_t)clock_now(), ns) : 0,
                 ns == 0 || least == 0);
    if (!n || n == -EINTR) {
        long taken = take_events(c, arg_ptr(a, 3), most);
        n = taken ? taken : n;
    }
    aio_put(c);
    return n;
}

long sys_io_getevents(const struct sysargs *a)
{
    return get_events(a);
}

struct sigset_arg {
    uint64_t set, size;
};

long sys_io_pgetevents(const struct sysargs *a)
{
    struct sigset_arg sig = {0, 0};
    long n;

    if (arg_u64(a, 4)) { /* before anything else */
        struct abi_timespec ts;

        if (copy_from_user(&ts, arg_ptr(a, 4), sizeof(ts))) {
            return -EFAULT;
        }
    }
    if (arg_u64(a, 5) && copy_from_user(&sig, arg_ptr(a, 5), sizeof(sig))) {
        return -EFAULT;
    }
    n = signal_mask_begin(uptr(sig.set), sig.size);
    if (!n) {
        n = get_events(a);
        signal_mask_end(n == -EINTR);
    }
    return n;
}

long sys_io_cancel(const struct sysargs *a)
{
    struct aio_context *c;
    uint32_t key;
    int err = get_user32(
        &key, uptr_add(arg_ptr(a, 1), offsetof(struct abi_iocb, key)));

    if (err) {
        return err;
    }
    c = key ? NULL : find_context(arg_u64(a, 0));
    if (!c) {
        return -EINVAL;
    }
    err = aio_cancel_poll(c, arg_u64(a, 1));
    aio_put(c);
    return err ? err : -EINPROGRESS;
}
