/* SPDX-License-Identifier: MIT
 *
 * snprintf without libc. One pass: each conversion is parsed into a struct
 * spec, then printed through put(), which counts everything and stores what
 * fits, so that the result is the full length whatever the buffer's size.
 */
#include "lib/fmt.h"
#include "lib/string.h"

struct out {
    char *buf;
    size_t size, len;
};

struct spec {
    bool left, zero, alternate, plus, space;
    int width;
    int precision; /* -1: none given */
    int length;    /* bytes of an integer argument */
};

static void put(struct out *out, char c)
{
    if (out->len + 1 < out->size) {
        out->buf[out->len] = c;
    }
    out->len++;
}

static void pad(struct out *out, char c, int count)
{
    for (; count > 0; count--) {
        put(out, c);
    }
}

static void put_text(struct out *out, const struct spec *spec, const char *s,
                     int len)
{
    if (!spec->left) {
        pad(out, ' ', spec->width - len);
    }
    for (int i = 0; i < len; i++) {
        put(out, s[i]);
    }
    if (spec->left) {
        pad(out, ' ', spec->width - len);
    }
}

static void put_string(struct out *out, const struct spec *spec, const char *s)
{
    if (!s) {
        s = "(null)";
    }
    size_t max = spec->precision < 0 ? INT32_MAX : spec->precision;
    put_text(out, spec, s, strnlen(s, max));
}

/* The digits of value, last first, into buf; returns their count. */
static int digits_of(char buf[24], uint64_t value, unsigned base, bool upper)
{
    const char *set = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    int count = 0;
    for (; value != 0; value /= base) {
        buf[count++] = set[value % base];
    }
    return count;
}

/* prefix is "", a sign or 0x; it goes before the zeros. */
static void put_number(struct out *out, const struct spec *spec, uint64_t value,
                       unsigned base, bool upper, const char *prefix)
{
    char digits[24];
    int count = digits_of(digits, value, base, upper);
    int least = spec->precision < 0 ? 1 : spec->precision;
    if (base == 8 && spec->alternate && least <= count) {
        least = count + 1;
    }
    int zeros = least > count ? least - count : 0;
    int len = strlen(prefix) + zeros + count;
    if (spec->zero && !spec->left && spec->precision < 0 && spec->width > len) {
        zeros += spec->width - len;
        len = spec->width;
    }
    if (!spec->left) {
        pad(out, ' ', spec->width - len);
    }
    for (; *prefix != '\0'; prefix++) {
        put(out, *prefix);
    }
    pad(out, '0', zeros);
    while (count > 0) {
        put(out, digits[--count]);
    }
    if (spec->left) {
        pad(out, ' ', spec->width - len);
    }
}

static void put_signed(struct out *out, const struct spec *spec, int64_t value)
{
    const char *sign = "";
    if (value < 0) {
        sign = "-";
    } else if (spec->plus) {
        sign = "+";
    } else if (spec->space) {
        sign = " ";
    }
    uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
    put_number(out, spec, magnitude, 10, false, sign);
}

static void put_hex(struct out *out, const struct spec *spec, uint64_t value,
                    bool upper)
{
    const char *prefix = "";
    if (spec->alternate && value != 0) {
        prefix = upper ? "0X" : "0x";
    }
    put_number(out, spec, value, 16, upper, prefix);
}

static void put_pointer(struct out *out, struct spec *spec, const void *p)
{
    if (!p) {
        put_text(out, spec, "(nil)", 5);
        return;
    }
    spec->alternate = true;
    put_hex(out, spec, (uintptr_t)p, false);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int parse_int(const char **fmt)
{
    int value = 0;
    for (; is_digit(**fmt); (*fmt)++) {
        value = value < 100000 ? value * 10 + (**fmt - '0') : value;
    }
    return value;
}

static const char *parse_flags(const char *fmt, struct spec *spec)
{
    for (;; fmt++) {
        if (*fmt == '-') {
            spec->left = true;
        } else if (*fmt == '0') {
            spec->zero = true;
        } else if (*fmt == '#') {
            spec->alternate = true;
        } else if (*fmt == '+') {
            spec->plus = true;
        } else if (*fmt == ' ') {
            spec->space = true;
        } else {
            return fmt;
        }
    }
}

static const char *parse_length(const char *fmt, struct spec *spec)
{
    spec->length = sizeof(int);
    if (*fmt == 'h') {
        spec->length = fmt[1] == 'h' ? 1 : 2;
        return fmt + (fmt[1] == 'h' ? 2 : 1);
    }
    if (*fmt == 'l' || *fmt == 'z' || *fmt == 'j' || *fmt == 't') {
        spec->length = 8;
        return fmt + (fmt[0] == 'l' && fmt[1] == 'l' ? 2 : 1);
    }
    return fmt;
}

/* The argument as its conversion sees it; every integer was passed as an int
 * or as 64 bits. */
static uint64_t cut_unsigned(uint64_t value, int length)
{
    return length == 8 ? value : value & ((1ull << length * 8) - 1);
}

static int64_t cut_signed(uint64_t value, int length)
{
    int shift = 64 - length * 8;
    return (int64_t)(value << shift) >> shift;
}

/* va_list is an array type: a pointer to the caller's cannot be made from a
 * parameter, so it travels in a struct. */
struct args {
    va_list list;
};

static uint64_t integer_arg(struct args *args, int length)
{
    return length == 8 ? va_arg(args->list, uint64_t)
                       : va_arg(args->list, unsigned);
}

static const char *parse_spec(const char *fmt, struct spec *spec,
                              struct args *args)
{
    *spec = (struct spec){.precision = -1};
    fmt = parse_flags(fmt, spec);
    if (*fmt == '*') {
        fmt++;
        spec->width = va_arg(args->list, int);
        if (spec->width < 0) {
            spec->left = true;
            spec->width = -spec->width;
        }
    } else {
        spec->width = parse_int(&fmt);
    }
    if (*fmt == '.') {
        fmt++;
        if (*fmt == '*') {
            fmt++;
            spec->precision = va_arg(args->list, int);
        } else {
            spec->precision = parse_int(&fmt);
        }
    }
    return parse_length(fmt, spec);
}

static void convert(struct out *out, char kind, struct spec *spec,
                    struct args *args)
{
    uint64_t value;
    char c;
    switch (kind) {
    case 'd':
    case 'i':
        value = integer_arg(args, spec->length);
        put_signed(out, spec, cut_signed(value, spec->length));
        break;
    case 'u':
    case 'o':
        value = cut_unsigned(integer_arg(args, spec->length), spec->length);
        put_number(out, spec, value, kind == 'u' ? 10 : 8, false, "");
        break;
    case 'x':
    case 'X':
        value = cut_unsigned(integer_arg(args, spec->length), spec->length);
        put_hex(out, spec, value, kind == 'X');
        break;
    case 'c':
        c = va_arg(args->list, int);
        put_text(out, spec, &c, 1);
        break;
    case 's':
        put_string(out, spec, va_arg(args->list, const char *));
        break;
    case 'p':
        put_pointer(out, spec, va_arg(args->list, void *));
        break;
    case '%':
        put(out, '%');
        break;
    default:
        put(out, '%');
        put(out, kind);
    }
}

int fmt_vsnprintf(char *buf, size_t size, const char *fmt, va_list list)
{
    struct out out = {buf, size, 0};
    struct args args;
    va_copy(args.list, list);
    while (*fmt != '\0') {
        if (*fmt != '%') {
            put(&out, *fmt++);
            continue;
        }
        struct spec spec;
        fmt = parse_spec(fmt + 1, &spec, &args);
        if (*fmt == '\0') {
            break;
        }
        convert(&out, *fmt++, &spec, &args);
    }
    va_end(args.list);
    if (size != 0) {
        buf[MIN(out.len, size - 1)] = '\0';
    }
    return out.len;
}

int fmt_snprintf(char *buf, size_t size, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int len = fmt_vsnprintf(buf, size, fmt, args);
    va_end(args);
    return len;
}

size_t fmt_vscnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
    if (size == 0) {
        return 0;
    }
    size_t len = fmt_vsnprintf(buf, size, fmt, args);
    return MIN(len, size - 1);
}

size_t fmt_scnprintf(char *buf, size_t size, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    size_t len = fmt_vscnprintf(buf, size, fmt, args);
    va_end(args);
    return len;
}
