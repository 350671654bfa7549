/* SPDX-License-Identifier: MIT
 *
 * procfs: facts about the whole system (proc(5)).
 */
#include "kernel/fs/procfs/procfs.h"
#include "kernel/fs/pagecache/pagecache.h"
#include "kernel/core/stats.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/exec/load.h"
#include "kernel/proc/uts.h"
#include "lib/atomic.h"
#include "lib/string.h"

static unsigned long kb(uint64_t bytes)
{
    return bytes / 1024;
}

int show_meminfo(struct text *t, const struct pseudo_at *at)
{
    struct system_memory m = system_memory();
    struct pagecache_stats cache;
    struct heap_stats heap;
    uint64_t cached;

    pagecache_get_stats(&cache);
    cached = cache.pages * PAGE_SIZE;
    heap_get_stats(&heap);
    text_add(t,
             "MemTotal:       %8lu kB\nMemFree:        %8lu kB\n"
             "MemAvailable:   %8lu kB\nBuffers:               0 kB\n"
             "Cached:         %8lu kB\nSwapCached:            0 kB\n"
             "Active:         %8lu kB\nInactive:       %8lu kB\n",
             kb(m.total), kb(m.free), kb(m.free + cached), kb(cached),
             kb(m.total - MIN(m.total, m.free + cached)), kb(cached));
    text_add(t,
             "SwapTotal:             0 kB\nSwapFree:              0 kB\n"
             "Dirty:                 0 kB\nWriteback:             0 kB\n"
             "Slab:           %8lu kB\nHugePages_Total:       0\n"
             "HugePages_Free:        0\nHugepagesize:       2048 kB\n",
             kb(heap.bytes_used));
    return 0;
}

/* sysfs: the one node has it all. */
int show_node_memory(struct text *t, const struct pseudo_at *at)
{
    struct system_memory m = system_memory();

    text_add(t,
             "Node %d MemTotal:       %8lu kB\n"
             "Node %d MemFree:        %8lu kB\n"
             "Node %d MemUsed:        %8lu kB\n",
             at->n[0], kb(m.total), at->n[0], kb(m.free), at->n[0],
             kb(m.total - m.free));
    return 0;
}

/* ---- configuration (config.S) ---- */

extern const char config_gz[], config_gz_end[];

int show_config(struct text *t, const struct pseudo_at *at)
{
    text_bytes(t, config_gz, (size_t)(config_gz_end - config_gz));
    return 0;
}

/* ---- time ---- */

/* What the vCPUs did not use. It never goes back, though the figures it comes
 * from are not of one moment. */
static uint64_t idle_ns(const struct system_times *sum, uint64_t now)
{
    static uint64_t most; /* atomic */
    uint64_t all = now * sched_vcpu_count();
    uint64_t used = MIN(sum->user_ns + sum->kernel_ns, all);
    uint64_t seen = atomic_load(&most);

    while (seen < all - used && !atomic_cas(&most, &seen, all - used)) {
    }
    return MAX(seen, all - used);
}

int show_stat(struct text *t, const struct pseudo_at *at)
{
    unsigned count = sched_vcpu_count();
    uint64_t now = clock_now(), tick = 10000000, idle;
    struct system_times sum;

    system_times(&sum);
    idle = idle_ns(&sum, now);
    for (unsigned i = 0; i <= count; i++) {
        uint64_t share = i ? count : 1;

        if (i == 0) {
            text_add(t, "cpu ");
        } else {
            text_add(t, "cpu%u", i - 1);
        }
        text_add(t, " %lu 0 %lu %lu 0 0 0 0 0 0\n",
                 (unsigned long)(sum.user_ns / tick / share),
                 (unsigned long)(sum.kernel_ns / tick / share),
                 (unsigned long)(idle / tick / share));
    }
    text_add(t, "intr 0\nctxt %lu\nbtime %lu\nprocesses %lu\n",
             (unsigned long)sched_switches(),
             (unsigned long)((clock_realtime() - (int64_t)now) / 1000000000),
             thread_started_total());
    text_add(t,
             "procs_running %u\nprocs_blocked 0\n"
             "softirq 0 0 0 0 0 0 0 0 0 0 0\n",
             MAX(sum.running, 1u));
    return 0;
}

int show_uptime(struct text *t, const struct pseudo_at *at)
{
    uint64_t now = clock_now(), idle;
    struct system_times sum;

    system_times(&sum);
    idle = idle_ns(&sum, now) / 10000000;
    now /= 10000000;
    text_add(t, "%lu.%02lu %lu.%02lu\n", (unsigned long)(now / 100),
             (unsigned long)(now % 100), (unsigned long)(idle / 100),
             (unsigned long)(idle % 100));
    return 0;
}

int show_loadavg(struct text *t, const struct pseudo_at *at)
{
    struct system_times sum;
    uint32_t load[SYSTEM_LOADS];

    system_times(&sum);
    system_load(load);
    for (int i = 0; i < SYSTEM_LOADS; i++) {
        uint32_t hundredths = (load[i] * 100 + LOAD_ONE / 2) / LOAD_ONE;

        text_add(t, "%u.%02u ", hundredths / 100, hundredths % 100);
    }
    text_add(t, "%u/%u %d\n", MAX(sum.running, 1u), sum.total,
             current_thread()->tid);
    return 0;
}

int show_version(struct text *t, const struct pseudo_at *at)
{
    struct abi_utsname u;

    uts_get(&u);
    text_add(t, "%s version %s (enclos) %s\n", u.sysname, u.release, u.version);
    return 0;
}
