/* SPDX-License-Identifier: MIT
 *
 * procfs: what vmstat(8) and its like read: memory I/O and interrupts in
 * counters; and the tables of devices, of which disks are none (proc(5)).
 */
#include "kernel/fs/procfs/procfs.h"
#include "kernel/fs/pagecache/pagecache.h"
#include "kernel/core/hostio.h"
#include "kernel/core/stats.h"
#include "kernel/proc/uts.h"

/* Pages are only read from the host, and never swapped. */
int show_vmstat(struct text *t, const struct pseudo_at *at)
{
    struct system_memory m = system_memory();
    struct pagecache_stats cache;
    struct hostio_stats io;

    pagecache_get_stats(&cache);
    hostio_get_stats(&io);
    text_add(t,
             "nr_free_pages %lu\nnr_file_pages %lu\nnr_dirty 0\n"
             "nr_writeback 0\npgpgin %lu\npgpgout %lu\npswpin 0\npswpout 0\n"
             "pgfault %lu\npgmajfault 0\noom_kill 0\n",
             (unsigned long)(m.free / PAGE_SIZE), (unsigned long)cache.pages,
             (unsigned long)(io.bytes_in / 1024),
             (unsigned long)(io.bytes_out / 1024),
             (unsigned long)stats_sum(STAT_FAULT));
    return 0;
}

/* The host's ticks are all the interrupts there are. */
int show_interrupts(struct text *t, const struct pseudo_at *at)
{
    unsigned count = sched_vcpu_count();

    text_add(t, "    ");
    for (unsigned i = 0; i < count; i++) {
        text_add(t, "       CPU%-2u", i);
    }
    text_add(t, "\nLOC:");
    for (unsigned i = 0; i < count; i++) {
        text_add(t, " %10lu", stats_vcpus[i].count[STAT_TICK]);
    }
    text_add(t, "   Local timer interrupts\n");
    return 0;
}

const char proc_devices_text[] =
    "Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n"
    "  5 /dev/ptmx\n 10 misc\n136 pts\n\nBlock devices:\n";
const char proc_partitions_text[] = "major minor  #blocks  name\n\n";
