/* SPDX-License-Identifier: MIT */
/*
 * The emulator's own system calls. Once the program runs, the FS base is the
 * program's, so nothing here may touch errno or any other thread-local state:
 * every call returns >= 0 or -errno, as the kernel does.
 */
#ifndef SGXEMU_SYS_H
#define SGXEMU_SYS_H

#include <stdint.h>
#include <sys/syscall.h>

static inline long sys6(long n, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8),
                       "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

#define sys0(n)          sys6(n, 0, 0, 0, 0, 0, 0)
#define sys1(n, a)       sys6(n, (long)(a), 0, 0, 0, 0, 0)
#define sys2(n, a, b)    sys6(n, (long)(a), (long)(b), 0, 0, 0, 0)
#define sys3(n, a, b, c) sys6(n, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define sys4(n, a, b, c, d)                                                    \
    sys6(n, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)

static inline int sys_failed(long r)
{
    return r < 0 && r > -4096;
}

/* The kernel's struct sigaction, which libc hides. */
struct ksigaction {
    uint64_t handler;
    uint64_t flags;
    uint64_t restorer;
    uint64_t mask;
};
#define KSA_RESTORER 0x04000000u

/* The part of ucontext_t that the kernel's signal frame has. */
#define KERNEL_UC_SIZE 304u

static inline void write_pkru(uint32_t value)
{
    __asm__ volatile("wrpkru" : : "a"(value), "c"(0), "d"(0) : "memory");
}
static inline uint32_t read_pkru(void)
{
    uint32_t value, high;
    __asm__ volatile("rdpkru" : "=a"(value), "=d"(high) : "c"(0));
    return value;
}
static inline uint64_t read_fs(void)
{
    uint64_t v;
    __asm__ volatile("rdfsbase %0" : "=r"(v));
    return v;
}
static inline uint64_t read_gs(void)
{
    uint64_t v;
    __asm__ volatile("rdgsbase %0" : "=r"(v));
    return v;
}
static inline void write_fs(uint64_t v)
{
    __asm__ volatile("wrfsbase %0" : : "r"(v));
}
static inline void write_gs(uint64_t v)
{
    __asm__ volatile("wrgsbase %0" : : "r"(v));
}

#endif
