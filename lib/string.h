/* SPDX-License-Identifier: MIT
 *
 * Memory and strings. In the kernel they are ours (string.c) and behave as
 * string(3) says; in host programs and unit tests they are libc's, so that
 * the sanitizers see every access.
 *
 * The macros give the compiler back what -ffreestanding took: a copy of
 * constant small size becomes plain moves.
 */
#ifndef LIB_STRING_H
#define LIB_STRING_H

#include "lib/types.h"

#if defined(ENCLOS_KERNEL) && !defined(ENCLOS_UNIT)

void *memcpy(void *restrict dst, const void *restrict src, size_t len);
void *memmove(void *dst, const void *src, size_t len);
void *memset(void *dst, int byte, size_t len);
int memcmp(const void *a, const void *b, size_t len);
void *memchr(const void *s, int byte, size_t len);

size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t max);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);

/* Copies src and a NUL into dst of size bytes, truncating; returns
 * strlen(src). size 0 writes nothing. strlcpy(3bsd). */
size_t strlcpy(char *restrict dst, const char *restrict src, size_t size);

#ifndef LIB_STRING_OWN
#define memcpy(d, s, n)  __builtin_memcpy(d, s, n)
#define memmove(d, s, n) __builtin_memmove(d, s, n)
#define memset(d, c, n)  __builtin_memset(d, c, n)
#define memcmp(a, b, n)  __builtin_memcmp(a, b, n)
#define strlen(s)        __builtin_strlen(s)
#define strcmp(a, b)     __builtin_strcmp(a, b)
#endif

#else

#include <string.h>

/* glibc has it from 2.38 on only. */
static inline size_t lib_strlcpy(char *restrict dst, const char *restrict src,
                                 size_t size)
{
    size_t len = strlen(src);
    if (size != 0) {
        size_t n = len < size ? len : size - 1;
        memcpy(dst, src, n);
        dst[n] = '\0';
    }
    return len;
}
#define strlcpy lib_strlcpy

#endif
/* Zeroes secrets; the compiler may not leave it out. */
static inline void wipe(void *buf, size_t len)
{
    memset(buf, 0, len);
    __asm__ volatile("" : : "r"(buf) : "memory");
}

#endif
