/* SPDX-License-Identifier: MIT
 *
 * The kernel's own mem* and str*: general registers only, since the program's
 * vector state is live while the kernel runs.
 *
 * Small sizes are done with overlapping loads and stores (all loads before
 * any store, which makes them right for memmove too), then by 32 bytes a turn;
 * from LONG bytes on the string instructions are faster, on every CPU with
 * ERMS, which every CPU with SGX is. The direction flag is always clear in the
 * kernel.
 *
 * Built with -fno-builtin -fno-tree-loop-distribute-patterns: else the
 * compiler turns these loops into calls of themselves.
 */
#define LIB_STRING_OWN
#include "lib/string.h"

enum { SMALL = 64, LONG = 512 };

typedef uint64_t __attribute__((aligned(1), may_alias)) word64;
typedef uint32_t __attribute__((aligned(1), may_alias)) word32;
typedef uint16_t __attribute__((aligned(1), may_alias)) word16;

#define W64(p, off) (*(word64 *)((char *)(p) + (off)))
#define R64(p, off) (*(const word64 *)((const char *)(p) + (off)))
#define W32(p, off) (*(word32 *)((char *)(p) + (off)))
#define R32(p, off) (*(const word32 *)((const char *)(p) + (off)))
#define W16(p, off) (*(word16 *)((char *)(p) + (off)))
#define R16(p, off) (*(const word16 *)((const char *)(p) + (off)))

/* 16 <= len <= 32 */
static inline void move_32(char *d, const char *s, size_t len)
{
    uint64_t a = R64(s, 0), b = R64(s, 8);
    uint64_t c = R64(s, len - 16), e = R64(s, len - 8);
    W64(d, 0) = a;
    W64(d, 8) = b;
    W64(d, len - 16) = c;
    W64(d, len - 8) = e;
}

/* 32 < len <= 64 */
static inline void move_64(char *d, const char *s, size_t len)
{
    uint64_t a = R64(s, 0), b = R64(s, 8), c = R64(s, 16), e = R64(s, 24);
    uint64_t f = R64(s, len - 32), g = R64(s, len - 24);
    uint64_t h = R64(s, len - 16), i = R64(s, len - 8);
    W64(d, 0) = a;
    W64(d, 8) = b;
    W64(d, 16) = c;
    W64(d, 24) = e;
    W64(d, len - 32) = f;
    W64(d, len - 24) = g;
    W64(d, len - 16) = h;
    W64(d, len - 8) = i;
}

/* len <= SMALL, any overlap. */
static inline void move_small(char *d, const char *s, size_t len)
{
    if (len > 32) {
        move_64(d, s, len);
    } else if (len >= 16) {
        move_32(d, s, len);
    } else if (len >= 8) {
        uint64_t a = R64(s, 0), b = R64(s, len - 8);
        W64(d, 0) = a;
        W64(d, len - 8) = b;
    } else if (len >= 4) {
        uint32_t a = R32(s, 0), b = R32(s, len - 4);
        W32(d, 0) = a;
        W32(d, len - 4) = b;
    } else if (len >= 2) {
        uint16_t a = R16(s, 0), b = R16(s, len - 2);
        W16(d, 0) = a;
        W16(d, len - 2) = b;
    } else if (len == 1) {
        *d = *s;
    }
}

/* len > SMALL; what lies before d is not needed any more. */
static inline void move_forward(char *d, const char *s, size_t len)
{
    for (; len > 32; len -= 32, d += 32, s += 32) {
        uint64_t a = R64(s, 0), b = R64(s, 8), c = R64(s, 16), e = R64(s, 24);
        W64(d, 0) = a;
        W64(d, 8) = b;
        W64(d, 16) = c;
        W64(d, 24) = e;
    }
    move_small(d, s, len);
}

void *memcpy(void *restrict dst, const void *restrict src, size_t len)
{
    if (likely(len <= SMALL)) {
        move_small(dst, src, len);
        return dst;
    }
    if (likely(len < LONG)) {
        move_forward(dst, src, len);
        return dst;
    }
    void *d = dst;
    __asm__ volatile("rep movsb" : "+D"(d), "+S"(src), "+c"(len) : : "memory");
    return dst;
}

void *memmove(void *dst, const void *src, size_t len)
{
    if (len <= SMALL) {
        move_small(dst, src, len);
        return dst;
    }
    if ((uintptr_t)dst - (uintptr_t)src >= len) {
        return memcpy(dst, src, len);
    }
    /* dst overlaps the end of src: from the end, and the rest, which is at
     * most 32 bytes, at once. (A backward rep movs is microcoded slowly.) */
    char *d = dst;
    const char *s = src;
    while (len > 32) {
        uint64_t a = R64(s, len - 8), b = R64(s, len - 16);
        uint64_t c = R64(s, len - 24), e = R64(s, len - 32);
        W64(d, len - 8) = a;
        W64(d, len - 16) = b;
        W64(d, len - 24) = c;
        W64(d, len - 32) = e;
        len -= 32;
    }
    move_small(d, s, len);
    return dst;
}

void *memset(void *dst, int byte, size_t len)
{
    uint64_t word = 0x0101010101010101ull * (uint8_t)byte;
    char *d = dst;
    if (len >= LONG) {
        __asm__ volatile("rep stosb"
                         : "+D"(d), "+c"(len)
                         : "a"(byte)
                         : "memory");
        return dst;
    }
    if (len >= 8) {
        char *last = d + len - 8;

        for (; last - d >= 32; d += 32) {
            W64(d, 0) = word;
            W64(d, 8) = word;
            W64(d, 16) = word;
            W64(d, 24) = word;
        }
        for (; d < last; d += 8) {
            W64(d, 0) = word;
        }
        W64(last, 0) = word;
    } else if (len >= 4) {
        W32(d, 0) = word;
        W32(d, len - 4) = word;
    } else if (len >= 2) {
        W16(d, 0) = word;
        W16(d, len - 2) = word;
    } else if (len == 1) {
        *d = byte;
    }
    return dst;
}

/* Which of two words that differ is smaller in memory order. */
static inline int order(uint64_t a, uint64_t b)
{
    return __builtin_bswap64(a) < __builtin_bswap64(b) ? -1 : 1;
}

int memcmp(const void *a, const void *b, size_t len)
{
    const uint8_t *p = a, *q = b;
    for (; len >= 32; len -= 32, p += 32, q += 32) {
        uint64_t diff = (R64(p, 0) ^ R64(q, 0)) | (R64(p, 8) ^ R64(q, 8)) |
                        (R64(p, 16) ^ R64(q, 16)) | (R64(p, 24) ^ R64(q, 24));
        if (diff) {
            break;
        }
    }
    for (; len >= 8; len -= 8, p += 8, q += 8) {
        if (R64(p, 0) != R64(q, 0)) {
            return order(R64(p, 0), R64(q, 0));
        }
    }
    for (; len > 0; len--, p++, q++) {
        if (*p != *q) {
            return *p - *q;
        }
    }
    return 0;
}

/* Bit 7 of the lowest zero byte, and perhaps of higher ones, is set. */
static inline uint64_t zero_bytes(uint64_t w)
{
    return (w - 0x0101010101010101ull) & ~w & 0x8080808080808080ull;
}

void *memchr(const void *s, int byte, size_t len)
{
    const uint8_t *p = s;
    uint64_t want = 0x0101010101010101ull * (uint8_t)byte;
    /* strnlen(3) relies on it: nothing past the hit's own page is read. */
    for (; len > 0 && (uintptr_t)p % 8 != 0; len--, p++) {
        if (*p == (uint8_t)byte) {
            return (void *)p;
        }
    }
    for (; len >= 8; len -= 8, p += 8) {
        uint64_t hit = zero_bytes(R64(p, 0) ^ want);
        if (hit) {
            return (void *)(p + __builtin_ctzll(hit) / 8);
        }
    }
    for (; len > 0; len--, p++) {
        if (*p == (uint8_t)byte) {
            return (void *)p;
        }
    }
    return NULL;
}

size_t strlen(const char *s)
{
    const char *p = s;
    /* An aligned word never crosses into a page that the string is not in. */
    for (; (uintptr_t)p % 8 != 0; p++) {
        if (*p == '\0') {
            return p - s;
        }
    }
    uint64_t hit = zero_bytes(R64(p, 0));
    while (!hit) {
        p += 8;
        hit = zero_bytes(R64(p, 0));
    }
    return p + __builtin_ctzll(hit) / 8 - s;
}

size_t strnlen(const char *s, size_t max)
{
    const char *end = memchr(s, '\0', max);
    return end ? (size_t)(end - s) : max;
}

int strcmp(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return (uint8_t)*a - (uint8_t)*b;
}

int strncmp(const char *a, const char *b, size_t max)
{
    for (; max > 0; max--, a++, b++) {
        if (*a != *b || *a == '\0') {
            return (uint8_t)*a - (uint8_t)*b;
        }
    }
    return 0;
}

char *strchr(const char *s, int c)
{
    for (; *s != (char)c; s++) {
        if (*s == '\0') {
            return NULL;
        }
    }
    return (char *)s;
}

char *strrchr(const char *s, int c)
{
    const char *last = NULL;
    for (;; s++) {
        if (*s == (char)c) {
            last = s;
        }
        if (*s == '\0') {
            return (char *)last;
        }
    }
}

size_t strlcpy(char *restrict dst, const char *restrict src, size_t size)
{
    size_t len = strlen(src);
    if (size != 0) {
        size_t n = len < size ? len : size - 1;
        memcpy(dst, src, n);
        dst[n] = '\0';
    }
    return len;
}
