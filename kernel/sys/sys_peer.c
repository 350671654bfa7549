/* SPDX-License-Identifier: MIT
 *
 * Calls about other processes: process_vm_readv(2), process_vm_writev(2),
 * kcmp(2).
 */
#include "kernel/sys/table.h"
#include "kernel/sys/vecs.h"
#include "kernel/fs/file.h"
#include "kernel/fs/event/epoll.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/peer.h"
#include "abi/linux/errno.h"

enum { CHUNK = 65536 };

/* ---- memory ---- */

struct transfer {
    struct mm *mm;
    struct iobuf io; /* ours */
    char *buf;       /* CHUNK bytes */
    bool write;      /* to the other process */
};

/* Moves n bytes to or from addr of the other process; returns how many. */
static size_t move_chunk(struct transfer *t, uint64_t addr, size_t n)
{
    long moved;

    if (t->write) {
        moved = iobuf_get(&t->io, t->buf, n);
        return moved < 0 ? 0 : peer_write(t->mm, addr, t->buf, (size_t)moved);
    }
    n = peer_read(t->mm, addr, t->buf, n);
    moved = iobuf_put(&t->io, t->buf, n);
    return moved < 0 ? 0 : (size_t)moved;
}

static long move_all(struct transfer *t, const struct vecs *remote)
{
    size_t done = 0;

    for (unsigned i = 0; i < remote->count; i++) {
        uint64_t addr = remote->vec[i].base, left = remote->vec[i].len;

        while (left && t->io.left) {
            size_t n = MIN(MIN(left, t->io.left), (uint64_t)CHUNK);
            size_t moved = move_chunk(t, addr, n);

            done += moved;
            if (moved < n) {
                return done ? (long)done : -EFAULT;
            }
            addr += n;
            left -= n;
        }
    }
    return (long)done;
}

static long with_process(int pid, struct transfer *t, const struct vecs *remote)
{
    struct proc *p = proc_find_any(pid);
    long n = -ESRCH;

    if (!p) {
        return n;
    }
    t->mm = proc_mm(p);
    if (t->mm) {
        n = proc_may_trace(p) ? move_all(t, remote) : -EPERM;
        mm_put(t->mm);
    }
    proc_put(p);
    return n;
}

static uint64_t total_of(const struct vecs *v)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < v->count; i++) {
        total += v->vec[i].len;
    }
    return total;
}

static long transfer(const struct sysargs *a, bool write)
{
    struct transfer t = {.write = write};
    struct vecs local, remote;
    long n;

    if (arg_u64(a, 5)) {
        return -EINVAL;
    }
    n = vecs_get_mine(&local, arg_ptr(a, 1), arg_u64(a, 2));
    if (n) {
        return n;
    }
    iobuf_user_vec(&t.io, local.vec, local.count);
    if (!t.io.left) {
        vecs_put(&local);
        return 0;
    }
    n = vecs_get(&remote, arg_ptr(a, 3), arg_u64(a, 4));
    if (!n && !total_of(&remote)) {
        vecs_put(&remote); /* nobody is asked for nothing */
    } else if (!n) {
        t.buf = kmalloc(CHUNK);
        n = t.buf ? with_process(arg_int(a, 0), &t, &remote) : -ENOMEM;
        kfree(t.buf);
        vecs_put(&remote);
    }
    vecs_put(&local);
    return n;
}

long sys_process_vm_readv(const struct sysargs *a)
{
    return transfer(a, false);
}

long sys_process_vm_writev(const struct sysargs *a)
{
    return transfer(a, true);
}

/* ---- kcmp ---- */

enum {
    KCMP_FILE,
    KCMP_VM,
    KCMP_FILES,
    KCMP_FS,
    KCMP_SIGHAND,
    KCMP_IO,
    KCMP_SYSVSEM,
    KCMP_EPOLL_TFD,
    KCMP_TYPES
};

/* 0: the same; 1 and 2: which is first in an order of no meaning. */
static long compare(const void *a, const void *b)
{
    return a == b ? 0 : a < b ? 1 : 2;
}

/* KCMP_EPOLL_TFD: of an epoll's files. */
struct epoll_slot {
    uint32_t efd, tfd, toff;
};

/* Two files with references, or NULL. */
struct file_pair {
    struct file *a, *b;
};

static void put_files(struct file_pair *files)
{
    if (files->a) {
        file_put(files->a);
    }
    if (files->b) {
        file_put(files->b);
    }
}

static long compare_files(struct file_pair *files)
{
    return files->a && files->b ? compare(files->a, files->b) : -EBADF;
}

/* b is the epoll. */
static long compare_target(struct file_pair *files, const struct epoll_slot *s)
{
    const void *target;
    int err;

    if (!files->a || !files->b) {
        return -EBADF;
    }
    err = epoll_target(files->b, (int)s->tfd, s->toff, &target);
    return err ? err : compare(files->a, target);
}

/* [proc_lock] */
static long compare_threads(int type, struct thread *x, struct thread *y)
{
    switch (type) {
    case KCMP_VM:
        return compare(x->proc->mm, y->proc->mm);
    case KCMP_FILES:
        return compare(x->files, y->files);
    case KCMP_FS:
        return compare(x->view, y->view);
    case KCMP_SIGHAND:
        return compare(x->proc, y->proc);
    case KCMP_IO: /* nobody has an I/O context, or a list of undos */
    default:      /* KCMP_SYSVSEM */
        return 0;
    }
}

/* [proc_lock] */
static struct file *file_of(struct thread *t, uint64_t fd)
{
    return t->files && fd <= INT32_MAX ? files_peek(t->files, (int)fd, NULL)
                                       : NULL;
}

long sys_kcmp(const struct sysargs *a)
{
    int type = arg_int(a, 2);
    struct file_pair files = {NULL, NULL};
    struct epoll_slot slot = {0};
    struct thread *x, *y;
    bool bad = type == KCMP_EPOLL_TFD &&
               copy_from_user(&slot, arg_ptr(a, 4), sizeof(slot));
    long result;

    spin_lock(&proc_lock);
    x = thread_find(arg_int(a, 0));
    y = thread_find(arg_int(a, 1));
    if (!x || !y) {
        result = -ESRCH;
    } else if (!proc_may_trace_locked(x->proc) ||
               !proc_may_trace_locked(y->proc)) {
        result = -EPERM;
    } else if (type < 0 || type >= KCMP_TYPES) {
        result = -EINVAL;
    } else if (type == KCMP_FILE || type == KCMP_EPOLL_TFD) {
        files.a = file_of(x, arg_uint(a, 3));
        files.b = file_of(y, type == KCMP_FILE ? arg_uint(a, 4) : slot.efd);
        result = bad ? -EFAULT : 0;
    } else {
        result = compare_threads(type, x, y);
    }
    spin_unlock(&proc_lock);
    if (!result && type == KCMP_FILE) {
        result = compare_files(&files);
    } else if (!result && type == KCMP_EPOLL_TFD) {
        result = compare_target(&files, &slot);
    }
    put_files(&files);
    return result;
}
