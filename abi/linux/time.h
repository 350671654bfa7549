/* SPDX-License-Identifier: MIT
 *
 * Time in Linux's x86-64 ABI: structures and clock numbers of clock_gettime(2),
 * setitimer(2), timer_create(2), times(2) and adjtimex(2). Names are Linux's;
 * structures have an abi_ prefix so that unit tests can sit beside libc's.
 */
#ifndef ABI_LINUX_TIME_H
#define ABI_LINUX_TIME_H

#include <stdint.h>

struct abi_timespec {
    int64_t sec, nsec;
};

struct abi_timeval {
    int64_t sec, usec;
};

struct abi_itimerval {
    struct abi_timeval interval, value;
};

struct abi_itimerspec {
    struct abi_timespec interval, value;
};

struct abi_timezone {
    int32_t minutes_west, dst_time;
};

struct abi_tms {
    int64_t utime, stime, cutime, cstime;
};

/* What timer_create(2) takes; 64 bytes. */
struct abi_sigevent {
    uint64_t value;
    int32_t signo, notify, tid;
    int32_t pad[11];
};
_Static_assert(sizeof(struct abi_sigevent) == 64, "struct sigevent");

/* adjtimex(2). */
struct abi_timex {
    uint32_t modes, pad0;
    int64_t offset, freq, maxerror, esterror;
    int32_t status, pad1;
    int64_t constant, precision, tolerance;
    struct abi_timeval time;
    int64_t tick, ppsfreq, jitter;
    int32_t shift, pad2;
    int64_t stabil, jitcnt, calcnt, errcnt, stbcnt;
    int32_t tai, pad3[11];
};
_Static_assert(sizeof(struct abi_timex) == 208, "struct timex");

#ifndef CLOCK_REALTIME
#define CLOCK_REALTIME           0
#define CLOCK_MONOTONIC          1
#define CLOCK_PROCESS_CPUTIME_ID 2
#define CLOCK_THREAD_CPUTIME_ID  3
#define CLOCK_MONOTONIC_RAW      4
#define CLOCK_REALTIME_COARSE    5
#define CLOCK_MONOTONIC_COARSE   6
#define CLOCK_BOOTTIME           7
#define CLOCK_REALTIME_ALARM     8
#define CLOCK_BOOTTIME_ALARM     9
#define CLOCK_TAI                11
#define TIMER_ABSTIME            1
#endif

/* A negative clock id names a process's or thread's CPU clock: ~pid << 3,
 * CPUCLOCK_PERTHREAD for a thread, and which time (clock_getcpuclockid(3)). */
#define CPUCLOCK_PROF      0
#define CPUCLOCK_VIRT      1
#define CPUCLOCK_SCHED     2
#define CPUCLOCK_WHICH     3
#define CPUCLOCK_PERTHREAD 4

#ifndef ITIMER_REAL
#define ITIMER_REAL    0
#define ITIMER_VIRTUAL 1
#define ITIMER_PROF    2
#endif

#ifndef SIGEV_SIGNAL
#define SIGEV_SIGNAL    0
#define SIGEV_NONE      1
#define SIGEV_THREAD    2
#define SIGEV_THREAD_ID 4
#endif

#define USER_HZ 100 /* clock ticks of times(2), AT_CLKTCK */

/* States that adjtimex(2) returns, and a status bit. */
#define TIME_ERROR 5
#define STA_UNSYNC 0x40

#endif
