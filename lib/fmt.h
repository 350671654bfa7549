/* SPDX-License-Identifier: MIT
 *
 * Formatted text into a buffer: the part of printf(3) that a kernel needs.
 *
 * Conversions d i u x X o c s p %, with flags 0 - # + and space, width and
 * precision (also as *), lengths hh h l ll z j t. No floating point, no n.
 * An unknown conversion is printed as it stands.
 */
#ifndef LIB_FMT_H
#define LIB_FMT_H

#include "lib/types.h"

/* Writes at most size bytes with the NUL (size 0: none) and returns the
 * length that the whole text has, as snprintf(3) does. */
int fmt_vsnprintf(char *buf, size_t size, const char *fmt, va_list args)
    __attribute__((format(printf, 3, 0)));
int fmt_snprintf(char *buf, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same, but returns what is in buf (at most size - 1; 0 for size 0): the
 * number to advance by when text is built up piece by piece. */
size_t fmt_vscnprintf(char *buf, size_t size, const char *fmt, va_list args)
    __attribute__((format(printf, 3, 0)));
size_t fmt_scnprintf(char *buf, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
