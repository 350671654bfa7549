/* SPDX-License-Identifier: MIT
 *
 * clock_gettime, clock_getres, clock_settime, gettimeofday, adjtimex: which
 * clocks there are, resolutions, what may not be set, and that the vDSO and
 * the calls tell the same time.
 */
#include <sys/time.h>
#include <sys/timex.h>
#include "tests/guest/show.h"

static struct timespec ts;

static void resolutions(void)
{
    title("resolutions");
    for (int id = -1; id < 14; id++) {
        if (id == 8 || id == 9) {
            continue; /* alarm clocks: only where there is an RTC */
        }
        long r = RAW(clock_getres, id, &ts);

        printf("clock %d: ", id);
        if (r) {
            printf("%s", strerrorname_np(errno));
        } else {
            /* Coarse clocks tick as the kernel was configured. */
            printf("%s", ts.tv_sec         ? "seconds"
                         : ts.tv_nsec == 1 ? "1"
                                           : "coarse");
        }
        r = RAW(clock_gettime, id, &ts);
        printf(" %s\n", r ? strerrorname_np(errno) : "ok");
    }
    CALL(clock_getres, CLOCK_REALTIME, NULL);
    CALL(clock_getres, CLOCK_REALTIME, BAD);
    CALL(clock_gettime, CLOCK_REALTIME, BAD);
    CALL(clock_gettime, CLOCK_MONOTONIC, NULL);
    CALL(clock_getres, 99, NULL);
}

static long long raw(int id)
{
    syscall(SYS_clock_gettime, id, &ts);
    return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static void agreement(void)
{
    static const int ids[] = {CLOCK_REALTIME, CLOCK_MONOTONIC,
                              CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME, CLOCK_TAI};
    struct timeval tv;

    title("agreement");
    for (unsigned i = 0; i < COUNT(ids); i++) {
        int wrong = 0;

        for (int k = 0; k < 1000; k++) {
            long long a = show_now(ids[i]), b = raw(ids[i]);
            long long c = show_now(ids[i]);

            wrong += a > b || b > c;
        }
        printf("clock %d wrong %d\n", ids[i], wrong);
    }
    int wrong = 0;
    for (int k = 0; k < 1000; k++) {
        long long a = show_now(CLOCK_REALTIME) / 1000;

        syscall(SYS_gettimeofday, &tv, NULL);
        long long b = tv.tv_sec * 1000000ll + tv.tv_usec;
        gettimeofday(&tv, NULL);
        long long c = tv.tv_sec * 1000000ll + tv.tv_usec;
        wrong += a > b || b > c;
    }
    printf("gettimeofday wrong %d\n", wrong);
    time_t t = syscall(SYS_time, NULL), u;
    CALL(time, BAD);
    syscall(SYS_time, &u);
    printf("time %d\n", time(NULL) - t <= 1 && u - t <= 1);
    long long coarse = raw(CLOCK_MONOTONIC_COARSE);
    printf("coarse %d\n", raw(CLOCK_MONOTONIC) >= coarse);
    printf("boot %d\n", raw(CLOCK_BOOTTIME) >= raw(CLOCK_MONOTONIC) - 1000000);
}

static void setting(void)
{
    struct timespec fine = {1000000000, 0}, bad = {0, 1000000000};
    struct timeval bad_tv = {0, 1000000};
    struct timex tx = {0};
    struct {
        int west, dst;
    } tz = {-1, -1};

    title("setting");
    CALL(clock_settime, CLOCK_MONOTONIC, &fine);
    CALL(clock_settime, CLOCK_BOOTTIME, &fine);
    CALL(clock_settime, CLOCK_REALTIME, &bad);
    CALL(clock_settime, CLOCK_REALTIME, BAD);
    CALL(clock_settime, 99, &fine);
    CALL(settimeofday, &bad_tv, NULL);
    CALL(settimeofday, BAD, NULL);
    CALL(gettimeofday, NULL, &tz);
    printf("%d %d\n", tz.west, tz.dst);
    CALL(gettimeofday, BAD, NULL);
    CALL(gettimeofday, NULL, NULL);
    printf("adjtimex %d\n", RAW(adjtimex, &tx) >= 0);
    printf("time %d\n", tx.time.tv_sec > 1700000000);
    CALL(adjtimex, BAD);
    printf("clock_adjtime %d\n", RAW(clock_adjtime, CLOCK_REALTIME, &tx) >= 0);
    CALL(clock_adjtime, CLOCK_MONOTONIC, &tx);
    CALL(clock_adjtime, 99, &tx);
    setresuid(NOBODY, NOBODY, NOBODY);
    CALL(clock_settime, CLOCK_REALTIME, &fine);
    CALL(settimeofday, &(struct timeval){1000000000, 0}, NULL);
    tx.modes = ADJ_FREQUENCY;
    CALL(adjtimex, &tx);
}

int main(void)
{
    show_start();
    resolutions();
    agreement();
    setting();
    return 0;
}
