/* SPDX-License-Identifier: MIT
 *
 * The program's memory, as the kernel may touch it: only in the owner's task,
 * only below the kernel's part of the arena, and with a fixup for every
 * access, so that a bad pointer or a racing munmap is -EFAULT. A page that is
 * mapped but not there yet is brought in (may block).
 *
 * struct uptr is a user address; nobody but uaccess.c makes a pointer of it.
 */
#ifndef KERNEL_MM_UACCESS_H
#define KERNEL_MM_UACCESS_H

#include "lib/types.h"

/* All or nothing: 0 or -EFAULT. */
int copy_from_user(void *dst, struct uptr src, size_t n);
int copy_to_user(struct uptr dst, const void *src, size_t n);
int zero_user(struct uptr dst, size_t n);

/* Bytes copied before a fault (may be less than n, or 0). */
size_t copy_from_user_part(void *dst, struct uptr src, size_t n);
size_t copy_to_user_part(struct uptr dst, const void *src, size_t n);
size_t zero_user_part(struct uptr dst, size_t n);

/* Copies a NUL-terminated string of at most max bytes, NUL included. Returns
 * its length without NUL, -EFAULT, or -ENAMETOOLONG. */
long strncpy_from_user(char *dst, struct uptr src, size_t max);

int get_user32(uint32_t *val, struct uptr src);
int get_user64(uint64_t *val, struct uptr src);
int put_user32(struct uptr dst, uint32_t val);
int put_user64(struct uptr dst, uint64_t val);

/* Atomic operations on an aligned user word, for futexes: 0 or -EFAULT. */
int user_cmpxchg32(struct uptr addr, uint32_t expect, uint32_t val,
                   uint32_t *old);
enum user_rmw { USER_SET, USER_ADD, USER_OR, USER_ANDN, USER_XOR };
int user_rmw32(struct uptr addr, enum user_rmw op, uint32_t arg, uint32_t *old);

/* The same, but never blocking: -EFAULT also for a page that is mapped and
 * not there. For futexes, under a spinlock; the caller then drops it, brings
 * the page in with a blocking access and tries again. */
int get_user32_nofault(uint32_t *val, struct uptr src);
int user_cmpxchg32_nofault(struct uptr addr, uint32_t expect, uint32_t val,
                           uint32_t *old);
int user_rmw32_nofault(struct uptr addr, enum user_rmw op, uint32_t arg,
                       uint32_t *old);

/* Bytes copied before a page that is not there; and such a page comes, to be
 * written, if it can. */
size_t copy_to_user_part_nofault(struct uptr dst, const void *src, size_t n);
void user_bring_in(struct uptr addr);

/* arch/x86_64/fpu.h: fpu_store_user(), fpu_load_user(). */
uint64_t vector_to_user(struct uptr dst);
bool vector_from_user(struct uptr src, uint64_t used, uint32_t mxcsr);

static inline struct uptr uptr(uint64_t addr)
{
    return (struct uptr){addr};
}
static inline struct uptr uptr_add(struct uptr p, uint64_t n)
{
    return (struct uptr){p.addr + n};
}

/* ---- buffers of a read or write, user's or kernel's ---- */

struct iobuf_vec {
    uint64_t base, len;
};

/* A cursor over one or more pieces of memory. Rooms move bytes with it and
 * need not know whose memory it is. */
struct iobuf {
    bool user;
    unsigned count;              /* pieces left, the current one first */
    const struct iobuf_vec *vec; /* borrowed */
    uint64_t skip;               /* bytes done of the current piece */
    uint64_t left;               /* bytes left in all */
    struct iobuf_vec one;        /* storage for the simple case */
};

void iobuf_kernel(struct iobuf *io, void *buf, size_t len);
static inline void iobuf_user(struct iobuf *io, struct uptr buf, size_t len)
{
    *io = (struct iobuf){
        .user = true, .count = 1, .left = len, .one = {buf.addr, len}};
}
/* From an array already copied in and checked; borrowed. */
void iobuf_user_vec(struct iobuf *io, const struct iobuf_vec *vec,
                    unsigned count);

/* Move up to n bytes between src/dst and the cursor, and advance it. Return
 * the bytes moved; less than min(n, io->left) only after a fault, and
 * -EFAULT when not even one byte moved. n 0 gives 0. */
long iobuf_put(struct iobuf *io, const void *src, size_t n);
long iobuf_get(struct iobuf *io, void *dst, size_t n);
long iobuf_put_zero(struct iobuf *io, size_t n);
/* Never blocks: how many bytes, perhaps none. */
size_t iobuf_put_nofault(struct iobuf *io, const void *src, size_t n);
/* What stopped it comes, if it can. May block. */
void iobuf_bring_in(struct iobuf *io);
/* Where its next bytes lie, at most that many, for who reads them past uaccess:
 * how many pieces. Those of a program are not checked at all. */
unsigned iobuf_pieces(const struct iobuf *io, uint64_t bytes,
                      struct iobuf_vec *out, unsigned max);
/* Skips n bytes. */
void iobuf_skip(struct iobuf *io, size_t n);

#endif
