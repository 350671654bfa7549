/* SPDX-License-Identifier: MIT
 *
 * What the vDSO reads time from: one page, mapped directly before the image,
 * written by the kernel, read-only for the program.
 *
 *     monotonic = base_ns + ((tsc - base_tsc) * fraction >> 64)
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

struct vdso_data {
    uint32_t seq;
    uint32_t use_tsc; /* 0: every call makes the system call */
    uint64_t base_tsc, base_ns;
    uint64_t fraction;
    int64_t realtime_offset; /* ns; CLOCK_REALTIME - CLOCK_MONOTONIC */
};

/* The clock as target.h describes it: ns = base_ns + ((tsc - base_tsc) * mult
 * >> shift); mult 0: no TSC. */
static inline void vdso_data_write(struct vdso_data *data, uint64_t base_tsc,
                                   uint64_t base_ns, uint32_t mult,
                                   uint32_t shift, int64_t realtime_offset)
{
    uint32_t seq = data->seq + 1;
    __atomic_store_n(&data->seq, seq, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    data->use_tsc = mult != 0 && shift < 64 && (uint64_t)mult >> shift == 0;
    data->base_tsc = base_tsc;
    data->base_ns = base_ns;
    data->fraction = data->use_tsc ? (uint64_t)mult << (64 - shift) : 0;
    data->realtime_offset = realtime_offset;
    __atomic_store_n(&data->seq, seq + 1, __ATOMIC_RELEASE);
}

#endif
