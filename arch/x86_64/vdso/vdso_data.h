/* SPDX-License-Identifier: MIT
 *
 * What the vDSO reads time from: one page, mapped directly before the image,
 * written by the kernel, read-only for the program.
 *
 *     time = base + ((tsc - base_tsc) * fraction >> 64)
 *
 * where fraction is the length of a TSC tick in ns, in units of 2^-64: half of
 * a 128-bit product needs no shift and cannot overflow. A tick of 1 ns or more
 * (a TSC slower than 1 GHz) is not representable: then there is no TSC.
 *
 * A seqlock: seq is odd while the kernel writes. Writers exclude each other.
 */
#ifndef ARCH_X86_64_VDSO_VDSO_DATA_H
#define ARCH_X86_64_VDSO_VDSO_DATA_H

#include "lib/types.h"

enum vdso_clock { VDSO_MONOTONIC, VDSO_REAL, VDSO_CLOCKS };

/* Seconds are split off by the writer: a division would be a third of what a
 * reader does behind RDTSC. */
struct vdso_time {
    uint64_t sec, ns;
};

struct vdso_data {
    uint32_t seq;
    uint32_t use_tsc; /* 0: every call makes the system call */
    uint64_t base_tsc;
    uint64_t fraction;
    struct vdso_time base[VDSO_CLOCKS];
};

static inline struct vdso_time vdso_split(uint64_t ns)
{
    const uint64_t second = 1000000000;

    return (struct vdso_time){ns / second, ns % second};
}

/* The clock as target.h describes it: ns = base_ns + ((tsc - base_tsc) * mult
 * >> shift); mult 0: no TSC. realtime_offset: ns that CLOCK_REALTIME is ahead
 * of it. */
static inline void vdso_data_write(struct vdso_data *data, uint64_t base_tsc,
                                   uint64_t base_ns, uint32_t mult,
                                   uint32_t shift, int64_t realtime_offset)
{
    uint32_t seq = data->seq + 1;
    __atomic_store_n(&data->seq, seq, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    data->use_tsc = mult != 0 && shift < 64 && (uint64_t)mult >> shift == 0;
    data->base_tsc = base_tsc;
    data->base[VDSO_MONOTONIC] = vdso_split(base_ns);
    data->base[VDSO_REAL] = vdso_split(base_ns + (uint64_t)realtime_offset);
    data->fraction = data->use_tsc ? (uint64_t)mult << (64 - shift) : 0;
    __atomic_store_n(&data->seq, seq + 1, __ATOMIC_RELEASE);
}

#endif
