/* SPDX-License-Identifier: MIT
 *
 * The small part of core, mm and arch that these rooms call, over libc. The
 * vector brackets check that they are paired and not nested.
 */
#include <cpuid.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "arch/x86_64/fpu.h"
#include "kernel/core/log.h"
#include "kernel/core/lock.h"
#include "kernel/crypto/crypto.h"
#include "kernel/crypto/tests/stubs.h"
#include "kernel/mm/heap.h"

char stub_log[512];
unsigned stub_log_lines;
size_t stub_fail_alloc;

static int vector_depth;

void crypto_vector_begin(void)
{
    check(vector_depth++ == 0);
}

void crypto_vector_end(void)
{
    check(--vector_depth == 0);
}

void log_line(enum log_level level, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(stub_log, sizeof(stub_log), fmt, args);
    va_end(args);
    stub_log_lines++;
}

bool log_enabled(enum log_level level)
{
    return true;
}

_Noreturn void panic(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    abort();
}

static bool fails(void)
{
    return stub_fail_alloc && --stub_fail_alloc == 0;
}

void *kmalloc(size_t size)
{
    return fails() ? NULL : malloc(size);
}

void *kzalloc(size_t size)
{
    return fails() ? NULL : calloc(1, size);
}

void kfree(void *p)
{
    free(p);
}

void *page_alloc(size_t count)
{
    return fails() ? NULL : aligned_alloc(PAGE_SIZE, count * PAGE_SIZE);
}

void page_free(void *p, size_t count)
{
    free(p);
}

/* One thread: a mutex has nothing to keep apart. */
void mutex_init(struct mutex *m, enum lock_class cls)
{
}

void mutex_lock(struct mutex *m)
{
}

void mutex_unlock(struct mutex *m)
{
}

unsigned long stub_cpu_features(void)
{
    unsigned a, b, c, d, ecx, lo, hi;

    __cpuid(1, a, b, ecx, d);
    __cpuid_count(7, 0, a, b, c, d);
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return crypto_features(ecx, b, (uint64_t)hi << 32 | lo);
}
