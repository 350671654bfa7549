/* SPDX-License-Identifier: MIT
 *
 * lib/fmt.h against libc's snprintf: every combination of flags, width,
 * precision, length and value that we claim, and truncation.
 */
#include <limits.h>
#include <string.h>

#include "lib/fmt.h"
#include "lib/tests/unit.h"

#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat-overflow"
#pragma GCC diagnostic ignored "-Wformat-truncation"

#define SAME(...)                                                              \
    do {                                                                       \
        char ours[200], libcs[200];                                            \
        int a = fmt_snprintf(ours, sizeof(ours), __VA_ARGS__);                 \
        int b = snprintf(libcs, sizeof(libcs), __VA_ARGS__);                   \
        if (a != b || strcmp(ours, libcs) != 0) {                              \
            printf("ours '%s' (%d), libc's '%s' (%d)\n", ours, a, libcs, b);   \
            EXPECT(!"same as libc");                                           \
        }                                                                      \
    } while (0)

static const char *const flags[] = {"",   "-",  "0",  "#",  "+", " ",
                                    "-#", "0#", "+0", "-0", "# "};
static const char *const widths[] = {"", "1", "5", "25"};
static const char *const precisions[] = {"", ".", ".0", ".1", ".4", ".30"};

/* Calls body with fmt set to each combination that ends in tail. */
#define FOR_EACH_FORMAT(tail, body)                                            \
    for (size_t f_ = 0; f_ < ARRAY_SIZE(flags); f_++)                          \
        for (size_t w_ = 0; w_ < ARRAY_SIZE(widths); w_++)                     \
            for (size_t p_ = 0; p_ < ARRAY_SIZE(precisions); p_++) {           \
                char fmt[40];                                                  \
                snprintf(fmt, sizeof(fmt), "[%%%s%s%s%s]", flags[f_],          \
                         widths[w_], precisions[p_], tail);                    \
                body                                                           \
            }

static void fmt_integers(void)
{
    static const char *const tails[] = {"d", "i",  "u",   "x",  "X",
                                        "o", "hd", "hhd", "hu", "hhx"};
    static const int values[] = {0, 1, -1, 7, 255, 4096, INT_MAX, INT_MIN};
    for (size_t t = 0; t < ARRAY_SIZE(tails); t++) {
        for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
            FOR_EACH_FORMAT(tails[t], { SAME(fmt, values[v]); })
        }
    }
}

static void fmt_long_integers(void)
{
    static const char *const tails[] = {"ld", "lld", "lu", "llx", "zx",
                                        "zu", "lX",  "lo", "jd",  "td"};
    static const long values[] = {0, 1, -1, 1L << 40, LONG_MAX, LONG_MIN};
    for (size_t t = 0; t < ARRAY_SIZE(tails); t++) {
        for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
            FOR_EACH_FORMAT(tails[t], { SAME(fmt, values[v]); })
        }
    }
}

static void fmt_strings(void)
{
    FOR_EACH_FORMAT("s", { SAME(fmt, "hello, world"); })
    FOR_EACH_FORMAT("s", { SAME(fmt, ""); })
    SAME("%c%c|%3c|%-3c|", 'a', 'b', 'c', 'd');
    SAME("%s %d%% of %p, %p", "a", 5, (void *)0x1234, (void *)NULL);
    SAME("%*d|%-*d|%.*s|%*d", 5, 42, 5, 42, 2, "abc", -6, 7);
    SAME("plain");
    char unterminated[3] = {'x', 'y', 'z'};
    SAME("%.3s", unterminated);
    char text[20];
    fmt_snprintf(text, sizeof(text), "%s", (char *)NULL);
    EXPECT(strcmp(text, "(null)") == 0);
}

static void fmt_truncates(void)
{
    char buf[8];
    memset(buf, 'x', sizeof(buf));
    EXPECT_EQ(fmt_snprintf(buf, 4, "%d", 123456), 6);
    EXPECT(strcmp(buf, "123") == 0 && buf[4] == 'x');
    EXPECT_EQ(fmt_snprintf(buf, 0, "abc"), 3);
    EXPECT_EQ(fmt_snprintf(NULL, 0, "abc"), 3);
    EXPECT(buf[0] == '1');
    EXPECT_EQ(fmt_scnprintf(buf, 4, "abcdef"), 3);
    EXPECT_EQ(fmt_scnprintf(buf, 4, "ab"), 2);
    EXPECT_EQ(fmt_scnprintf(buf, 0, "ab"), 0);
}

int main(void)
{
    RUN(fmt_integers);
    RUN(fmt_long_integers);
    RUN(fmt_strings);
    RUN(fmt_truncates);
    return unit_result();
}
