/* SPDX-License-Identifier: MIT
 *
 * Touching the program's memory. Every access goes through arch_user_*(),
 * whose instructions have fixups: they report how far they came. This file
 * checks the range before, and after a fault brings the page in with
 * mm_fault() and goes on where the access stopped.
 *
 * The common case is a range check and one call. Nothing here takes a lock.
 */
#include "kernel/mm/uaccess.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/room.h"
#include "kernel/core/sched.h"
#include "kernel/kernel.h"
#include "abi/linux/errno.h"
#include "arch/x86_64/arch.h"
#include "lib/string.h"
#include "target/target.h"

/* A page that is brought in and taken away again this often in a row is a
 * fault of the program (or of a host that holds it back). */
enum { FAULT_TRIES = 16 };

/* Pieces of the programs' part between its holes, the highest first: there
 * most of what programs have lies. */
static struct piece {
    uint64_t start, len;
} pieces[USER_HOLES + 1];

void uaccess_init(uint64_t start, uint64_t end, const struct user_hole *holes)
{
    struct piece *p = pieces;

    memset(pieces, 0, sizeof(pieces));
    for (int i = USER_HOLES - 1; i >= 0; i--) {
        if (holes[i].start < holes[i].end) {
            *p++ = (struct piece){holes[i].end, end - holes[i].end};
            end = holes[i].start;
        }
    }
    *p = (struct piece){start, end - start};
}

/* NULL: in none of them. */
static const struct piece *piece_of(uint64_t addr)
{
    for (unsigned i = 0; i < ARRAY_SIZE(pieces); i++) {
        if (addr - pieces[i].start <= pieces[i].len && pieces[i].len) {
            return &pieces[i];
        }
    }
    return NULL;
}

static __attribute__((noinline)) bool in_other_piece(uint64_t addr,
                                                     uint64_t len)
{
    const struct piece *p = piece_of(addr);

    return p && len <= p->len - (addr - p->start);
}

bool mm_user_range(uint64_t addr, uint64_t len)
{
    uint64_t off = addr - pieces[0].start;

    return likely(off <= pieces[0].len && len <= pieces[0].len - off) ||
           in_other_piece(addr, len);
}

bool (*mm_lacks_memory)(void);

static int bring_in(uint64_t addr, int access)
{
    struct mm *mm = current_task()->mm;
    int err;

    do {
        err = mm ? mm_fault(mm, addr, access) : -EFAULT;
    } while (err == -ENOMEM && mm_lacks_memory && mm_lacks_memory());
    return err ? -EFAULT : 0;
}

/* What remains of an access to n user bytes at user after `left` were not
 * done. step does the rest from an offset on and returns what it left. */
struct access {
    void *dst;
    const void *src;
    uint64_t user;
    int kind; /* MEM_READ: src is the user's; MEM_WRITE: dst is */
};

static size_t access_step(const struct access *a, size_t done, size_t left)
{
    if (!a->src) {
        return arch_user_zero((char *)a->dst + done, left);
    }
    return arch_user_copy((char *)a->dst + done, (const char *)a->src + done,
                          left);
}

/* Returns the bytes that could not be reached in the end. */
static __attribute__((noinline)) size_t access_slow(const struct access *a,
                                                    size_t n, size_t left)
{
    unsigned tries = 0;

    while (left && tries < FAULT_TRIES) {
        size_t before = left;
        if (bring_in(a->user + (n - left), a->kind)) {
            break;
        }
        left = access_step(a, n - left, left);
        tries = left == before ? tries + 1 : 0;
    }
    return left;
}

uint64_t vector_to_user(struct uptr dst)
{
    return mm_user_range(dst.addr, fpu_size()) ? fpu_store_user(dst.addr) : 0;
}

bool vector_from_user(struct uptr src, uint64_t used, uint32_t mxcsr)
{
    return mm_user_range(src.addr, fpu_size()) &&
           fpu_load_user(src.addr, used, mxcsr);
}

/* These return the bytes NOT moved. */

static inline size_t from_user(void *dst, struct uptr src, size_t n)
{
    size_t left;

    if (unlikely(!mm_user_range(src.addr, n))) {
        return n;
    }
    left = arch_user_copy(dst, (const void *)src.addr, n);
    if (likely(!left)) {
        return 0;
    }
    return access_slow(&(struct access){.dst = dst,
                                        .src = (const void *)src.addr,
                                        .user = src.addr,
                                        .kind = MEM_READ},
                       n, left);
}

static inline size_t to_user(struct uptr dst, const void *src, size_t n)
{
    size_t left;

    if (unlikely(!mm_user_range(dst.addr, n))) {
        return n;
    }
    left = arch_user_copy((void *)dst.addr, src, n);
    if (likely(!left)) {
        return 0;
    }
    return access_slow(&(struct access){.dst = (void *)dst.addr,
                                        .src = src,
                                        .user = dst.addr,
                                        .kind = MEM_WRITE},
                       n, left);
}

static size_t zero_left(struct uptr dst, size_t n)
{
    size_t left;

    if (unlikely(!mm_user_range(dst.addr, n))) {
        return n;
    }
    left = arch_user_zero((void *)dst.addr, n);
    if (likely(!left)) {
        return 0;
    }
    return access_slow(&(struct access){.dst = (void *)dst.addr,
                                        .user = dst.addr,
                                        .kind = MEM_WRITE},
                       n, left);
}

/* A range that runs past the end is cut there, so that a partial copy moves
 * what exists. */
static inline size_t clip(uint64_t addr, size_t n)
{
    const struct piece *p;

    if (likely(mm_user_range(addr, n))) {
        return n;
    }
    p = piece_of(addr);
    return p ? MIN((uint64_t)n, p->len - (addr - p->start)) : 0;
}

int copy_from_user(void *dst, struct uptr src, size_t n)
{
    return from_user(dst, src, n) ? -EFAULT : 0;
}

int copy_to_user(struct uptr dst, const void *src, size_t n)
{
    return to_user(dst, src, n) ? -EFAULT : 0;
}

int zero_user(struct uptr dst, size_t n)
{
    return zero_left(dst, n) ? -EFAULT : 0;
}

static __attribute__((noinline)) size_t
from_user_part(void *dst, struct uptr src, size_t n)
{
    n = clip(src.addr, n);
    return n - from_user(dst, src, n);
}

static __attribute__((noinline)) size_t to_user_part(struct uptr dst,
                                                     const void *src, size_t n)
{
    n = clip(dst.addr, n);
    return n - to_user(dst, src, n);
}

/* What is not all there begins again: the same bytes at the same places. */
size_t copy_from_user_part(void *dst, struct uptr src, size_t n)
{
    bool all = mm_user_range(src.addr, n) &&
               !arch_user_copy(dst, (const void *)src.addr, n);

    return likely(all) ? n : from_user_part(dst, src, n);
}

size_t copy_to_user_part(struct uptr dst, const void *src, size_t n)
{
    bool all =
        mm_user_range(dst.addr, n) && !arch_user_copy((void *)dst.addr, src, n);

    return likely(all) ? n : to_user_part(dst, src, n);
}

size_t zero_user_part(struct uptr dst, size_t n)
{
    n = clip(dst.addr, n);
    return n - zero_left(dst, n);
}

/* In pieces that cross no page, each fetched once and searched in the copy:
 * the string may change meanwhile, and its end may be the end of what is
 * mapped. */
static long copy_string_slowly(char *dst, uint64_t src, size_t len)
{
    enum { PIECE = 64 };

    for (size_t done = 0; done < len;) {
        uint64_t addr = src + done;
        size_t n = MIN(len - done, PIECE - (addr & (PIECE - 1)));
        const char *nul;
        if (from_user(dst + done, uptr(addr), n)) {
            return -EFAULT;
        }
        nul = memchr(dst + done, '\0', n);
        if (nul) {
            return nul - dst;
        }
        done += n;
    }
    return len;
}

long strncpy_from_user(char *dst, struct uptr src, size_t max)
{
    size_t len = clip(src.addr, max);
    long n = arch_user_strncpy(dst, (const char *)src.addr, len);

    if (unlikely(n < 0)) { /* something is not there */
        n = copy_string_slowly(dst, src.addr, len);
    }
    if (n < (long)len) {
        return n;
    }
    return len < max ? -EFAULT : -ENAMETOOLONG;
}

int get_user32(uint32_t *val, struct uptr src)
{
    return from_user(val, src, sizeof(*val)) ? -EFAULT : 0;
}

int get_user64(uint64_t *val, struct uptr src)
{
    return from_user(val, src, sizeof(*val)) ? -EFAULT : 0;
}

int put_user32(struct uptr dst, uint32_t val)
{
    return to_user(dst, &val, sizeof(val)) ? -EFAULT : 0;
}

int put_user64(struct uptr dst, uint64_t val)
{
    return to_user(dst, &val, sizeof(val)) ? -EFAULT : 0;
}

/* ---- atomic operations ---- */

static int rmw_once(uint32_t *addr, enum user_rmw op, uint32_t arg,
                    uint32_t *old)
{
    switch (op) {
    case USER_SET:
        return arch_user_xchg32(addr, arg, old);
    case USER_ADD:
        return arch_user_add32(addr, arg, old);
    case USER_OR:
        return arch_user_or32(addr, arg, old);
    case USER_ANDN:
        return arch_user_and32(addr, ~arg, old);
    case USER_XOR:
        return arch_user_xor32(addr, arg, old);
    }
    return -EFAULT;
}

int user_rmw32(struct uptr addr, enum user_rmw op, uint32_t arg, uint32_t *old)
{
    int err = -EFAULT;

    if (!mm_user_range(addr.addr, sizeof(arg))) {
        return -EFAULT;
    }
    for (int i = 0; i < FAULT_TRIES; i++) {
        err = rmw_once((uint32_t *)addr.addr, op, arg, old);
        if (likely(!err) || bring_in(addr.addr, MEM_WRITE)) {
            break;
        }
    }
    return err;
}

int user_cmpxchg32(struct uptr addr, uint32_t expect, uint32_t val,
                   uint32_t *old)
{
    int err = -EFAULT;

    if (!mm_user_range(addr.addr, sizeof(val))) {
        return -EFAULT;
    }
    for (int i = 0; i < FAULT_TRIES; i++) {
        err = arch_user_cmpxchg32((uint32_t *)addr.addr, expect, val, old);
        if (likely(!err) || bring_in(addr.addr, MEM_WRITE)) {
            break;
        }
    }
    return err;
}

/* ---- where nobody may block: nothing is brought in ---- */

int get_user32_nofault(uint32_t *val, struct uptr src)
{
    return mm_user_range(src.addr, sizeof(*val))
               ? arch_user_load32((const uint32_t *)src.addr, val)
               : -EFAULT;
}

size_t copy_to_user_part_nofault(struct uptr dst, const void *src, size_t n)
{
    n = clip(dst.addr, n);
    return n - arch_user_copy((void *)dst.addr, src, n);
}

void user_bring_in(struct uptr addr)
{
    if (mm_user_range(addr.addr, 1)) {
        bring_in(addr.addr, MEM_WRITE);
    }
}

int user_rmw32_nofault(struct uptr addr, enum user_rmw op, uint32_t arg,
                       uint32_t *old)
{
    return mm_user_range(addr.addr, sizeof(arg))
               ? rmw_once((uint32_t *)addr.addr, op, arg, old)
               : -EFAULT;
}

int user_cmpxchg32_nofault(struct uptr addr, uint32_t expect, uint32_t val,
                           uint32_t *old)
{
    return mm_user_range(addr.addr, sizeof(val))
               ? arch_user_cmpxchg32((uint32_t *)addr.addr, expect, val, old)
               : -EFAULT;
}
