/* SPDX-License-Identifier: MIT
 *
 * Pages that change their address: the host moves page tables, whole ones
 * where 2 MiB go to 2 MiB, so that 100 MB take some tens of us. Before Linux
 * 6.17 it refuses a range of several of its mappings, which is then tried in
 * halves; since, it may fail in the middle and not say where.
 *
 * MREMAP_DONTUNMAP keeps the old range mapped as it was, without its pages:
 * no hole in the arena, and no mapping is split.
 */
#include "target/linux/host.h"
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

enum { MOVE = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, RUNS = 16 };

static long host_move(uint64_t to, uint64_t from, uint64_t len)
{
    long got = RAW(SYS_mremap, from, len, len, MOVE, to);

    return got == (long)to ? 0 : got;
}

/* By bytes, whatever `to` may be used for: nothing may get lost. */
static void copy_back(uint64_t to, uint64_t from, uint64_t len)
{
    static const char line[] =
        "enclos: the host can neither move nor copy a program's pages";

    RAW(SYS_mprotect, from, len, PROT_READ);
    if (RAW(SYS_pwrite64, host.mem_fd, from, len, to) != (long)len) {
        target_log(line, sizeof(line) - 1);
        target_stop(125 << 8);
    }
}

/* What a host that failed has moved all the same: at `to` there was nothing
 * before. One that cannot be asked moves single mappings, or nothing. */
static void take_back(uint64_t to, uint64_t from, uint64_t len)
{
    struct mem_run runs[RUNS];
    uint64_t at = to;
    long n = 0;

    while (n >= 0 && at < to + len) {
        n = mem_scan(&at, to + len, false, runs, RUNS);
        for (long i = 0; i < n; i++) {
            copy_back(from + (runs[i].start - to), runs[i].start,
                      runs[i].end - runs[i].start);
        }
    }
}

static int move(uint64_t to, uint64_t from, uint64_t len)
{
    uint64_t half = ALIGN_UP(len / 2, PAGE_SIZE);
    long err;

    RAW(SYS_madvise, to, len, MADV_DONTNEED);
    err = host_move(to, from, len);
    if (!err) {
        return 0;
    }
    take_back(to, from, len);
    if (err != -EFAULT || len == PAGE_SIZE) {
        return -ENOMEM;
    }
    err = move(to, from, half);
    if (!err) {
        err = move(to + half, from + half, len - half);
        if (err && move(from, to, half)) {
            copy_back(from, to, half);
        }
    }
    return (int)err;
}

int target_mem_move(uint64_t to, uint64_t from, uint64_t len)
{
    int err;

    if (!IS_ALIGNED(from | to | len, PAGE_SIZE) || !mem_in_arena(from, len) ||
        !mem_in_arena(to, len) || (to < from + len && from < to + len)) {
        return -EINVAL;
    }
    err = move(to, from, len);
    if (err) {
        target_mem_release(to, len);
    }
    return err;
}
