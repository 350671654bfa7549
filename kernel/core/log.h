/* SPDX-License-Identifier: MIT
 *
 * Log lines to the operator (never to the program), and the three verdicts:
 * -errno for the program's mistakes, check() for ours, host_lied() for a host
 * that broke contract.
 */
#ifndef KERNEL_CORE_LOG_H
#define KERNEL_CORE_LOG_H

#include "lib/types.h"
#include "kernel/kernel.h"

void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);

/* One line, cut at 512 bytes. Formats as lib/fmt.h. */
void log_line(enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...)                                                         \
    do {                                                                       \
        if (log_enabled(LOG_DEBUG)) {                                          \
            log_line(LOG_DEBUG, __VA_ARGS__);                                  \
        }                                                                      \
    } while (0)

/* Writes text as it is (strace lines, statistics). */
void log_raw(const char *text, size_t len);

/* Our bug: prints and stops the whole instance with status 125. */
_Noreturn void panic(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

#define check(cond)                                                            \
    do {                                                                       \
        if (__builtin_expect(!(cond), 0)) {                                    \
            panic("%s:%d: check failed: %s", __FILE__, __LINE__, #cond);       \
        }                                                                      \
    } while (0)

/* The host broke its contract: nothing it says can be believed any more. */
_Noreturn void host_lied(const char *what);

#endif
