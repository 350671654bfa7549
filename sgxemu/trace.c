/* SPDX-License-Identifier: MIT */
/*
 * What the emulator says: its log lines, the statistics, the panic. One line
 * is one write(2), so that lines of several threads do not mix.
 */
#include "sgxemu/emu.h"

#include <stdarg.h>

uint64_t stats[STAT_COUNT];

static size_t number(char *to, uint64_t value, unsigned base)
{
    char digits[24];
    size_t n = 0, at = 0;

    do {
        digits[n++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    while (n) {
        to[at++] = digits[--n];
    }
    return at;
}

static size_t directive(char *to, char kind, uint64_t value, size_t room)
{
    size_t at = 0;

    if (kind == 's') {
        size_t n = strlen((const char *)value);

        at = n < room ? n : room;
        memcpy(to, (const char *)value, at);
    } else if (kind == 'x') {
        memcpy(to, "0x", 2);
        at = 2 + number(to + 2, value, 16);
    } else {
        if (kind == 'd' && (int64_t)value < 0) {
            to[at++] = '-';
            value = -value;
        }
        at += number(to + at, value, 10);
    }
    return at;
}

/* %x, %u and %s take 64-bit arguments, %d the low half of any. */
void emu_log(int fd, const char *format, ...)
{
    char line[640];
    size_t at = 0;
    va_list args;

    va_start(args, format);
    for (; *format && at < sizeof(line) - 32; format++) {
        if (*format != '%') {
            line[at++] = *format;
        } else {
            uint64_t value = va_arg(args, uint64_t);

            format++;
            if (*format == 'd') {
                value = (uint64_t)(int64_t)(int32_t)value;
            }
            at += directive(line + at, *format, value, sizeof(line) - 32 - at);
        }
    }
    va_end(args);
    sys3(SYS_write, fd, line, at);
}

void stats_print(void)
{
    static const char *const names[STAT_COUNT] = {"EENTER",
                                                  "EEXIT",
                                                  "ERESUME",
                                                  "AEX by signal",
                                                  "AEX injected",
                                                  "AEX #DE",
                                                  "AEX #DB",
                                                  "AEX #BP",
                                                  "AEX #UD",
                                                  "AEX #GP",
                                                  "AEX #PF",
                                                  "AEX other",
                                                  "EACCEPT",
                                                  "EACCEPTCOPY",
                                                  "EMODPE",
                                                  "EREPORT",
                                                  "EGETKEY",
                                                  "EDECCSSA",
                                                  "EAUG",
                                                  "host calls",
                                                  "pages reclaimed",
                                                  "pages loaded",
                                                  "illegal instructions"};

    complain("sgxemu: statistics of process %d\n", sys0(SYS_getpid));
    for (int i = 0; i < STAT_COUNT; i++) {
        if (stats[i]) {
            complain("sgxemu: %s %u\n", names[i], stats[i]);
        }
    }
}

_Noreturn void emu_panic(const char *what, uint64_t a, uint64_t b)
{
    extern char __executable_start[];

    complain("sgxemu: PANIC: %s (%x, %x), loaded at %x\n", what, a, b,
             (uint64_t)__executable_start);
    for (;;) {
        sys1(SYS_exit_group, 125);
    }
}
