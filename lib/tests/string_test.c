/* SPDX-License-Identifier: MIT
 *
 * The kernel's string.c, the very object that the kernel links (renamed
 * own_*), against libc: all small sizes, alignments and overlaps, with the
 * operands at the end of a page whose neighbour is not mapped.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/types.h"
#include "lib/tests/unit.h"

void *own_memcpy(void *, const void *, size_t);
void *own_memmove(void *, const void *, size_t);
void *own_memset(void *, int, size_t);
int own_memcmp(const void *, const void *, size_t);
void *own_memchr(const void *, int, size_t);
size_t own_strlen(const char *);
size_t own_strnlen(const char *, size_t);
int own_strcmp(const char *, const char *);
int own_strncmp(const char *, const char *, size_t);
char *own_strchr(const char *, int);
char *own_strrchr(const char *, int);
size_t own_strlcpy(char *, const char *, size_t);

enum { MAX_SIZE = 300 };

/* Three pages, the outer two unmapped; returns the end of the middle one. */
static char *guarded_end(void)
{
    char *p = mmap(NULL, 3 * PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
                   -1, 0);
    mprotect(p + PAGE_SIZE, PAGE_SIZE, PROT_READ | PROT_WRITE);
    return p + 2 * PAGE_SIZE;
}

static void fill(char *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        p[i] = rand();
    }
}

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

static void string_memcpy(void)
{
    char *src = guarded_end(), *dst = guarded_end(), want[MAX_SIZE + 32];
    for (size_t len = 0; len <= MAX_SIZE; len++) {
        for (size_t slack = 0; slack < 9; slack++) {
            char *s = src - len - slack, *d = dst - len;
            fill(s, len);
            fill(d - 16, len + 16);
            memcpy(want, d - 16, len + 16);
            memcpy(want + 16, s, len);
            EXPECT(own_memcpy(d, s, len) == d);
            EXPECT(memcmp(d - 16, want, len + 16) == 0);
        }
    }
}

static void string_memmove(void)
{
    char buf[2 * MAX_SIZE + 200], want[sizeof(buf)];
    for (size_t len = 0; len <= MAX_SIZE; len++) {
        for (int shift = -70; shift <= 70; shift++) {
            char *s = buf + 100, *d = s + shift;
            fill(buf, sizeof(buf));
            memcpy(want, buf, sizeof(buf));
            memmove(want + 100 + shift, want + 100, len);
            EXPECT(own_memmove(d, s, len) == d);
            EXPECT(memcmp(buf, want, sizeof(buf)) == 0);
        }
    }
}

static void string_memset(void)
{
    char *end = guarded_end(), want[MAX_SIZE + 16];
    for (size_t len = 0; len <= MAX_SIZE; len++) {
        char *d = end - len;
        fill(d - 16, len + 16);
        memcpy(want, d - 16, 16);
        memset(want + 16, 0x80 + len, len);
        EXPECT(own_memset(d, 0x80 + len, len) == d);
        EXPECT(memcmp(d - 16, want, len + 16) == 0);
    }
}

static void string_memcmp_memchr(void)
{
    char *a = guarded_end(), *b = guarded_end();
    for (size_t len = 0; len <= MAX_SIZE; len++) {
        char *p = a - len, *q = b - len;
        fill(p, len);
        memcpy(q, p, len);
        EXPECT_EQ(own_memcmp(p, q, len), 0);
        for (size_t i = 0; i < len; i++) {
            q[i] ^= 1 << rand() % 8;
            EXPECT_EQ(sign(own_memcmp(p, q, len)), sign(memcmp(p, q, len)));
            EXPECT(own_memchr(p, q[i], len) == memchr(p, q[i], len));
            q[i] = p[i];
        }
    }
}

static void string_lengths(void)
{
    char *end = guarded_end();
    for (size_t len = 0; len < MAX_SIZE; len++) {
        char *s = end - len - 1;
        memset(s, 0x81, len);
        s[len] = '\0';
        EXPECT_EQ(own_strlen(s), len);
        EXPECT_EQ(own_strnlen(s, MAX_SIZE), len);
        EXPECT_EQ(own_strnlen(s, len / 2), len / 2);
        EXPECT(own_strchr(s, '\0') == s + len);
        EXPECT(own_strrchr(s, '\0') == s + len);
        EXPECT(own_strchr(s, 'x') == NULL && own_strrchr(s, 'x') == NULL);
    }
}

static void string_compares(void)
{
    static const char *const words[] = {"",    "a",    "ab",      "abc",
                                        "abd", "\xff", "abc\xff", "b"};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        for (size_t j = 0; j < ARRAY_SIZE(words); j++) {
            const char *a = words[i], *b = words[j];
            EXPECT_EQ(sign(own_strcmp(a, b)), sign(strcmp(a, b)));
            for (size_t n = 0; n < 6; n++) {
                EXPECT_EQ(sign(own_strncmp(a, b, n)), sign(strncmp(a, b, n)));
            }
        }
        EXPECT(own_strchr("xaybazc", words[i][0]) ==
                   strchr("xaybazc", words[i][0]) ||
               words[i][0] != '\0');
    }
    const char *s = "xaybazc";
    EXPECT(own_strchr(s, 'a') == s + 1 && own_strrchr(s, 'a') == s + 4);
}

static void string_strlcpy(void)
{
    char buf[6] = "12345";
    EXPECT_EQ(own_strlcpy(buf, "abcdefgh", 4), 8);
    EXPECT(strcmp(buf, "abc") == 0 && buf[4] == '5');
    EXPECT_EQ(own_strlcpy(buf, "xy", 4), 2);
    EXPECT(strcmp(buf, "xy") == 0);
    EXPECT_EQ(own_strlcpy(buf, "zz", 0), 2);
    EXPECT(strcmp(buf, "xy") == 0);
}

int main(void)
{
    RUN(string_memcpy);
    RUN(string_memmove);
    RUN(string_memset);
    RUN(string_memcmp_memchr);
    RUN(string_lengths);
    RUN(string_compares);
    RUN(string_strlcpy);
    return unit_result();
}
