/* SPDX-License-Identifier: MIT
 *
 * Log lines and the last words of a kernel that cannot go on.
 */
#include "kernel/core/log.h"
#include "kernel/core/dump.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "target/target.h"

enum {
    LINE_MAX_BYTES = 512,
    STATUS_OURS = 125 << 8, /* the CLI's exit status for our own failures */
};

static enum log_level log_level = LOG_WARN;

void log_set_level(enum log_level level)
{
    log_level = level;
}

bool log_enabled(enum log_level level)
{
    return level <= log_level;
}

static void log_args(const char *prefix, const char *fmt, va_list args)
{
    char line[LINE_MAX_BYTES];
    size_t n = fmt_scnprintf(line, sizeof(line) - 1, "%s", prefix);

    n += fmt_vscnprintf(line + n, sizeof(line) - 1 - n, fmt, args);
    line[n++] = '\n';
    target_log(line, n);
}

void log_line(enum log_level level, const char *fmt, ...)
{
    static const char *const prefix[] = {
        "enclos: error: ", "enclos: warning: ", "enclos: ", "enclos: debug: "};
    va_list args;

    if (log_enabled(level)) {
        va_start(args, fmt);
        log_args(prefix[level], fmt, args);
        va_end(args);
    }
}

void log_raw(const char *text, size_t len)
{
    target_log(text, len);
}

void panic(const char *fmt, ...)
{
    static bool panicking;
    va_list args;

    va_start(args, fmt);
    log_args("enclos: kernel bug: ", fmt, args);
    va_end(args);
    if (!panicking) {
        panicking = true;
        dump_tasks();
    }
    target_stop(STATUS_OURS);
}

void host_lied(const char *what)
{
    log_line(LOG_ERROR, "the host broke its contract: %s", what);
    target_stop(STATUS_OURS);
}

/* What the compiler calls when a function's guard was overwritten. */
_Noreturn void __stack_chk_fail(void);

void __stack_chk_fail(void)
{
    panic("a kernel stack frame was overrun");
}
