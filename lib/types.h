/* SPDX-License-Identifier: MIT
 *
 * The types and small macros that every room shares. Freestanding.
 *
 * Three kinds of pointer: ours is an ordinary C pointer; struct uptr is an
 * address that the program gave, struct hptr one in the host's memory. The
 * last two are structs so that nobody dereferences them by accident: only
 * uaccess and hostio turn them into pointers.
 */
#ifndef LIB_TYPES_H
#define LIB_TYPES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef static_assert
#define static_assert _Static_assert
#endif

typedef long ssize_t;

struct uptr {
    uint64_t addr;
};

struct hptr {
    uint64_t addr;
};

enum { PAGE_SHIFT = 12 };
#define PAGE_SIZE 4096ul

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* The object of the given type whose member is at ptr. */
#define container_of(ptr, type, member)                                        \
    ((type *)((char *)(ptr)-offsetof(type, member)))

/* Both sides are evaluated once; the counter keeps nested uses apart. */
#undef MIN
#undef MAX
#define MIN(a, b)           PICK_(a, <, b, __COUNTER__)
#define MAX(a, b)           PICK_(a, >, b, __COUNTER__)
#define PICK_(a, op, b, id) PICK__(a, op, b, id)
#define PICK__(a, op, b, id)                                                   \
    ({                                                                         \
        __typeof__(a) a_##id = (a);                                            \
        __typeof__(b) b_##id = (b);                                            \
        a_##id op b_##id ? a_##id : b_##id;                                    \
    })

/* align is a power of two; the result has the type of x. */
#define ALIGN_DOWN(x, align) ((x) & ~((__typeof__(x))(align)-1))
#define ALIGN_UP(x, align)   ALIGN_DOWN((x) + ((__typeof__(x))(align)-1), align)
#define IS_ALIGNED(x, align) (((x) & ((__typeof__(x))(align)-1)) == 0)

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

static_assert(sizeof(void *) == 8 && sizeof(long) == 8, "LP64 only");

#endif
