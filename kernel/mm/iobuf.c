/* SPDX-License-Identifier: MIT
 *
 * Cursors over buffers of a read or write (struct iobuf, uaccess.h). All moves
 * are one loop over the pieces; what differs is how a piece is touched.
 *
 * A cursor of one piece keeps it in itself, with vec NULL, so that it may be
 * copied like any value.
 */
#include "kernel/mm/uaccess.h"
#include "abi/linux/errno.h"
#include "lib/string.h"

enum move { MOVE_PUT, MOVE_PUT_NOFAULT, MOVE_GET, MOVE_ZERO };

void iobuf_kernel(struct iobuf *io, void *buf, size_t len)
{
    *io = (struct iobuf){.count = 1, .left = len, .one = {(uint64_t)buf, len}};
}

void iobuf_user_vec(struct iobuf *io, const struct iobuf_vec *vec,
                    unsigned count)
{
    *io = (struct iobuf){.user = true, .count = count, .vec = vec};
    for (unsigned i = 0; i < count; i++) {
        io->left += vec[i].len;
    }
}

static size_t move_kernel(uint64_t addr, void *k, size_t n, enum move how)
{
    if (how == MOVE_PUT || how == MOVE_PUT_NOFAULT) {
        memcpy((void *)addr, k, n);
    } else if (how == MOVE_GET) {
        memcpy(k, (void *)addr, n);
    } else {
        memset((void *)addr, 0, n);
    }
    return n;
}

static size_t move_user(uint64_t addr, void *k, size_t n, enum move how)
{
    if (how == MOVE_PUT) {
        return copy_to_user_part(uptr(addr), k, n);
    }
    if (how == MOVE_PUT_NOFAULT) {
        return copy_to_user_part_nofault(uptr(addr), k, n);
    }
    if (how == MOVE_GET) {
        return copy_from_user_part(k, uptr(addr), n);
    }
    return zero_user_part(uptr(addr), n);
}

static const struct iobuf_vec *piece_of(const struct iobuf *io)
{
    return io->vec ? io->vec : &io->one;
}

static void advance(struct iobuf *io, size_t n)
{
    io->skip += n;
    io->left -= n;
    while (io->count > 1 && io->skip == io->vec->len) {
        io->vec++;
        io->count--;
        io->skip = 0;
    }
}

static long move(struct iobuf *io, char *k, size_t n, enum move how)
{
    size_t done = 0;

    n = MIN((uint64_t)n, io->left);
    advance(io, 0); /* past empty pieces in front */
    while (done < n) {
        const struct iobuf_vec *v = piece_of(io);
        size_t part = MIN(n - done, v->len - io->skip), moved;
        void *at = k ? k + done : NULL;
        moved = io->user ? move_user(v->base + io->skip, at, part, how)
                         : move_kernel(v->base + io->skip, at, part, how);
        advance(io, moved);
        done += moved;
        if (moved < part) {
            break;
        }
    }
    return done || !n ? (long)done : -EFAULT;
}

/* One piece of the program's, which has n bytes: most reads and writes. */
static inline bool is_simple(const struct iobuf *io, size_t n)
{
    return io->user && !io->vec && n && n <= io->left;
}

static inline long moved_simply(struct iobuf *io, size_t n)
{
    io->skip += n;
    io->left -= n;
    return likely(n) ? (long)n : -EFAULT;
}

long iobuf_put(struct iobuf *io, const void *src, size_t n)
{
    uint64_t at = io->one.base + io->skip;

    return likely(is_simple(io, n))
               ? moved_simply(io, copy_to_user_part(uptr(at), src, n))
               : move(io, (char *)src, n, MOVE_PUT);
}

long iobuf_get(struct iobuf *io, void *dst, size_t n)
{
    uint64_t at = io->one.base + io->skip;

    return likely(is_simple(io, n))
               ? moved_simply(io, copy_from_user_part(dst, uptr(at), n))
               : move(io, dst, n, MOVE_GET);
}

long iobuf_put_zero(struct iobuf *io, size_t n)
{
    return move(io, NULL, n, MOVE_ZERO);
}

size_t iobuf_put_nofault(struct iobuf *io, const void *src, size_t n)
{
    return (size_t)MAX(move(io, (char *)src, n, MOVE_PUT_NOFAULT), 0l);
}

void iobuf_bring_in(struct iobuf *io)
{
    if (io->user) {
        user_bring_in(uptr(piece_of(io)->base + io->skip));
    }
}

unsigned iobuf_pieces(const struct iobuf *io, uint64_t bytes,
                      struct iobuf_vec *out, unsigned max)
{
    const struct iobuf_vec *v = piece_of(io);
    uint64_t skip = io->skip;
    unsigned count = 0;

    for (unsigned i = 0; i < io->count && bytes && count < max; i++) {
        uint64_t len = MIN(v[i].len - skip, bytes);

        out[count] = (struct iobuf_vec){v[i].base + skip, len};
        count += len > 0;
        bytes -= len;
        skip = 0;
    }
    return count;
}

void iobuf_skip(struct iobuf *io, size_t n)
{
    n = MIN((uint64_t)n, io->left);
    while (n) {
        size_t part = MIN(n, piece_of(io)->len - io->skip);
        advance(io, part);
        n -= part;
    }
}
