/* SPDX-License-Identifier: MIT
 *
 * The vDSO's functions: time without a system call. Runs in the program, on
 * its stack, under its FS and GS: no globals, no stack protector, nothing but
 * the data page (vdso_data.h). Returns 0 or -errno, as the system calls do.
 *
 * Monotonic, boot and raw time are one clock here: the machine is never
 * suspended as far as the kernel can see, and no NTP slews it. The coarse
 * clocks are as fine as the others; only their announced resolution is not.
 */
#include "arch/x86_64/vdso/vdso_data.h"

#define NS_PER_SEC 1000000000ul

enum {
    SYS_gettimeofday = 96,
    SYS_time = 201,
    SYS_clock_gettime = 228,
    SYS_clock_getres = 229,
    SYS_getcpu = 309,
};

/* <linux/time.h>'s numbers. */
enum {
    CLOCK_REALTIME = 0,
    CLOCK_MONOTONIC = 1,
    CLOCK_MONOTONIC_RAW = 4,
    CLOCK_REALTIME_COARSE = 5,
    CLOCK_MONOTONIC_COARSE = 6,
    CLOCK_BOOTTIME = 7,
};

enum { COARSE_NS = 4000000 }; /* a tick of Debian's kernel */

struct timespec {
    int64_t tv_sec, tv_nsec;
};

struct timeval {
    int64_t tv_sec, tv_usec;
};

struct timezone {
    int tz_minuteswest, tz_dsttime;
};

/* The page before the image (vdso.lds). Not const: it changes under us. */
extern volatile struct vdso_data vdso_data
    __attribute__((visibility("hidden")));

#define EXPORT __attribute__((visibility("default")))

EXPORT int __vdso_clock_gettime(int clock, struct timespec *ts);
EXPORT int __vdso_clock_getres(int clock, struct timespec *res);
EXPORT int __vdso_gettimeofday(struct timeval *tv, struct timezone *tz);
EXPORT int64_t __vdso_time(int64_t *t);
EXPORT int __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused);

/* The number is moved right before the SYSCALL: the form that the rewriter
 * always knows. */
#define SYSCALL(nr, a, b, c)                                                   \
    ({                                                                         \
        long ret_;                                                             \
        __asm__ volatile("mov %1, %%eax\n\tsyscall"                            \
                         : "=&a"(ret_)                                         \
                         : "i"(nr), "D"(a), "S"(b), "d"(c)                     \
                         : "rcx", "r11", "memory");                            \
        ret_;                                                                  \
    })

/* LFENCE: not before earlier loads are done, or time seen by two threads that
 * synchronise could run backwards. */
static inline uint64_t read_tsc(void)
{
    uint32_t lo, hi;
    __asm__ volatile("lfence\n\trdtsc" : "=a"(lo), "=d"(hi) : : "memory");
    return (uint64_t)hi << 32 | lo;
}

/* Carries ns over into seconds. The base is rarely older than some seconds;
 * a branch that is foreseen takes no time, a division does. */
static inline void carry(struct vdso_time *t)
{
    if (__builtin_expect(t->ns >= 8 * NS_PER_SEC, 0)) {
        t->sec += t->ns / NS_PER_SEC;
        t->ns %= NS_PER_SEC;
    }
    while (t->ns >= NS_PER_SEC) {
        __asm__("" : "+r"(t->ns)); /* or it becomes a division */
        t->ns -= NS_PER_SEC;
        t->sec++;
    }
}

/* False: make the system call. */
static inline bool read_clock(enum vdso_clock which, struct vdso_time *t)
{
    const volatile struct vdso_data *d = &vdso_data;
    uint32_t seq;
    do {
        while ((seq = __atomic_load_n(&d->seq, __ATOMIC_ACQUIRE)) & 1) {
            __builtin_ia32_pause();
        }
        if (!d->use_tsc) {
            return false;
        }
        uint64_t base_tsc = d->base_tsc, fraction = d->fraction;
        uint64_t ns = d->base[which].ns, sec = d->base[which].sec;
        uint64_t delta = read_tsc() - base_tsc;
        if (__builtin_expect((int64_t)delta < 0, 0)) {
            delta = 0; /* this CPU's counter is a little behind */
        }
        t->ns = ns + ((unsigned __int128)delta * fraction >> 64);
        t->sec = sec;
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while (__atomic_load_n(&d->seq, __ATOMIC_RELAXED) != seq);
    carry(t);
    return true;
}

int __vdso_clock_gettime(int clock, struct timespec *ts)
{
    const unsigned real = 1 << CLOCK_REALTIME | 1 << CLOCK_REALTIME_COARSE;
    const unsigned all = real | 1 << CLOCK_MONOTONIC |
                         1 << CLOCK_MONOTONIC_RAW |
                         1 << CLOCK_MONOTONIC_COARSE | 1 << CLOCK_BOOTTIME;
    struct vdso_time now;
    if ((unsigned)clock > 31 || !(all >> clock & 1) ||
        !read_clock(real >> clock & 1 ? VDSO_REAL : VDSO_MONOTONIC, &now)) {
        return SYSCALL(SYS_clock_gettime, clock, ts, 0);
    }
    ts->tv_sec = now.sec;
    ts->tv_nsec = now.ns;
    return 0;
}

int __vdso_clock_getres(int clock, struct timespec *res)
{
    int64_t ns;
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_BOOTTIME:
        ns = 1;
        break;
    case CLOCK_REALTIME_COARSE:
    case CLOCK_MONOTONIC_COARSE:
        ns = COARSE_NS;
        break;
    default:
        return SYSCALL(SYS_clock_getres, clock, res, 0);
    }
    if (res) {
        res->tv_sec = 0;
        res->tv_nsec = ns;
    }
    return 0;
}

int __vdso_gettimeofday(struct timeval *tv, struct timezone *tz)
{
    struct vdso_time now;
    if (!read_clock(VDSO_REAL, &now)) {
        return SYSCALL(SYS_gettimeofday, tv, tz, 0);
    }
    if (tv) {
        tv->tv_sec = now.sec;
        tv->tv_usec = now.ns / 1000;
    }
    if (tz) {
        tz->tz_minuteswest = 0;
        tz->tz_dsttime = 0;
    }
    return 0;
}

int64_t __vdso_time(int64_t *t)
{
    struct vdso_time now;
    if (!read_clock(VDSO_REAL, &now)) {
        return SYSCALL(SYS_time, t, 0, 0);
    }
    if (t) {
        *t = now.sec;
    }
    return now.sec;
}

int __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused)
{
    return SYSCALL(SYS_getcpu, cpu, node, unused);
}

EXPORT int clock_gettime(int, struct timespec *)
    __attribute__((weak, alias("__vdso_clock_gettime")));
EXPORT int clock_getres(int, struct timespec *)
    __attribute__((weak, alias("__vdso_clock_getres")));
EXPORT int gettimeofday(struct timeval *, struct timezone *)
    __attribute__((weak, alias("__vdso_gettimeofday")));
EXPORT int64_t time(int64_t *) __attribute__((weak, alias("__vdso_time")));
EXPORT int getcpu(unsigned *, unsigned *, void *)
    __attribute__((weak, alias("__vdso_getcpu")));
