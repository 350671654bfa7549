/* SPDX-License-Identifier: MIT
 *
 * procfs: /proc/PID/mem (proc(5)). A position is an address, and what can be
 * read and written is what a debugger can (peer.h). The file belongs to the
 * address space that was there when it was opened: once that is gone, nothing
 * is read, whatever the process executes.
 */
#include "kernel/fs/procfs/procfs.h"
#include "kernel/fs/file.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/peer.h"
#include "abi/linux/errno.h"

enum { CHUNK = 65536 };

int proc_mem_open(struct inode *inode, struct file *f)
{
    struct proc *p = proc_at(pseudo_place(inode));
    struct mm *mm;
    int err = -ESRCH;

    if (!p) {
        return err;
    }
    mm = proc_mm(p);
    if (mm) {
        err = proc_may_trace(p) ? 0 : -EACCES;
        if (err) {
            mm_put(mm);
        } else {
            f->private = mm;
        }
    }
    proc_put(p);
    return err;
}

/* Moves up to CHUNK bytes at addr; 0: nothing is there. */
static long move_chunk(struct mm *mm, uint64_t addr, struct iobuf *io,
                       char *buf, bool write)
{
    size_t n = MIN(io->left, (uint64_t)CHUNK);
    long got;

    if (!write) {
        n = peer_force_read(mm, addr, buf, n);
        return n ? iobuf_put(io, buf, n) : 0;
    }
    got = iobuf_get(io, buf, n);
    return got > 0 ? (long)peer_force(mm, addr, buf, (size_t)got) : got;
}

static long mem_move(struct file *f, struct iobuf *io, uint64_t *pos,
                     bool write)
{
    struct mm *mm = f->private;
    char *buf = kmalloc(CHUNK);
    long done = 0, n, asked;

    if (!buf) {
        return -ENOMEM;
    }
    do {
        asked = (long)MIN(io->left, (uint64_t)CHUNK);
        n = mm_alive(mm) ? move_chunk(mm, *pos, io, buf, write) : 0;
        done += MAX(n, 0l);
        *pos += (uint64_t)MAX(n, 0l);
    } while (io->left && n == asked);
    kfree(buf);
    if (done || asked == 0 || !mm_alive(mm)) {
        return done;
    }
    return n < 0 ? n : -EIO;
}

static long mem_read(struct file *f, struct iobuf *io, uint64_t *pos, int flags)
{
    return mem_move(f, io, pos, false);
}

static long mem_write(struct file *f, struct iobuf *io, uint64_t *pos,
                      int flags)
{
    return mem_move(f, io, pos, true);
}

/* Any address, those that are negative as offsets among them. */
int64_t proc_mem_seek(struct file *f, int64_t off, int whence)
{
    if (whence != SEEK_SET && whence != SEEK_CUR) {
        return -EINVAL;
    }
    f->pos = whence == SEEK_SET ? (uint64_t)off : f->pos + (uint64_t)off;
    return (int64_t)f->pos;
}

static void mem_release(struct file *f)
{
    mm_put(f->private);
}

const struct file_ops proc_mem_ops = {
    .read = mem_read,
    .write = mem_write,
    .seek = proc_mem_seek,
    .release = mem_release,
};
