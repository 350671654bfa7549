/* SPDX-License-Identifier: MIT
 *
 * What a unit test program needs: checks and the lines that tests/run.sh
 * counts.
 *
 *     static void empty_list_has_no_first(void) { EXPECT(...); }
 *     int main(void) { RUN(empty_list_has_no_first); return unit_result(); }
 *
 * A failed EXPECT prints where and goes on; the test is then "not ok".
 */
#ifndef LIB_TESTS_UNIT_H
#define LIB_TESTS_UNIT_H

#include <stdio.h>

static int unit_bad, unit_failed;

#define EXPECT(cond)                                                           \
    do {                                                                       \
        if (!(cond)) {                                                         \
            printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #cond);          \
            unit_bad++;                                                        \
        }                                                                      \
    } while (0)

/* Both as 64-bit numbers, shown when they differ. */
#define EXPECT_EQ(got, want)                                                   \
    do {                                                                       \
        long long got_ = (long long)(got), want_ = (long long)(want);          \
        if (got_ != want_) {                                                   \
            printf("%s:%d: %s is %lld (%#llx), not %lld (%#llx)\n", __FILE__,  \
                   __LINE__, #got, got_, got_, want_, want_);                  \
            unit_bad++;                                                        \
        }                                                                      \
    } while (0)

#define RUN(test)                                                              \
    do {                                                                       \
        unit_bad = 0;                                                          \
        test();                                                                \
        printf("%s %s\n", unit_bad ? "not ok" : "ok", #test);                  \
        fflush(stdout);                                                        \
        unit_failed += unit_bad != 0;                                          \
    } while (0)

#define SKIP(test, why) printf("ok %s # SKIP %s\n", #test, why)

static inline int unit_result(void)
{
    return unit_failed != 0;
}

#endif
