/* SPDX-License-Identifier: MIT
 *
 * getrlimit(2), getrusage(2), getpriority(2) and sysinfo(2) in Linux's ABI.
 */
#ifndef ABI_LINUX_RESOURCE_H
#define ABI_LINUX_RESOURCE_H

#include "abi/linux/time.h"

/* Of setrlimit(2); an enum in libc's header, hence the prefix. */
enum {
    LIMIT_CPU = 0,
    LIMIT_FSIZE = 1,
    LIMIT_DATA = 2,
    LIMIT_STACK = 3,
    LIMIT_CORE = 4,
    LIMIT_RSS = 5,
    LIMIT_NPROC = 6,
    LIMIT_NOFILE = 7,
    LIMIT_MEMLOCK = 8,
    LIMIT_AS = 9,
    LIMIT_LOCKS = 10,
    LIMIT_SIGPENDING = 11,
    LIMIT_MSGQUEUE = 12,
    LIMIT_NICE = 13,
    LIMIT_RTPRIO = 14,
    LIMIT_RTTIME = 15,
    LIMIT_COUNT = 16,
};
#define LIMIT_INFINITY (~0ull)

#define ABI_RUSAGE_SELF     0
#define ABI_RUSAGE_CHILDREN (-1)
#define ABI_RUSAGE_THREAD   1

struct abi_rusage {
    struct abi_timeval utime, stime;
    int64_t maxrss, ixrss, idrss, isrss;
    int64_t minflt, majflt, nswap, inblock, oublock;
    int64_t msgsnd, msgrcv, nsignals, nvcsw, nivcsw;
};
_Static_assert(sizeof(struct abi_rusage) == 144, "struct rusage");

#define ABI_PRIO_PROCESS 0
#define ABI_PRIO_PGRP    1
#define ABI_PRIO_USER    2

enum { SYSINFO_LOAD_ONE = 1 << 16 }; /* of its loads */
struct abi_sysinfo {
    int64_t uptime;
    uint64_t loads[3];
    uint64_t totalram, freeram, sharedram, bufferram;
    uint64_t totalswap, freeswap;
    uint16_t procs, pad0;
    uint32_t pad1;
    uint64_t totalhigh, freehigh;
    uint32_t mem_unit, pad2;
};
_Static_assert(sizeof(struct abi_sysinfo) == 112, "struct sysinfo");

#endif
