/* SPDX-License-Identifier: MIT
 *
 * procfs: facts about the whole system (proc(5)).
 */
#include "kernel/fs/procfs/procfs.h"
#include "kernel/fs/pagecache/pagecache.h"
#include "kernel/core/stats.h"
#include "kernel/mm/heap.h"
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

/* ---- CPUs ---- */

static void add_brand(struct text *t)
{
    uint32_t regs[12];
    char brand[49] = {0};
    const char *s = brand;

    arch_cpuid(0x80000000, 0, regs);
    if (regs[0] >= 0x80000004) {
        for (int i = 0; i < 3; i++) {
            arch_cpuid(0x80000002 + i, 0, regs + 4 * i);
        }
        memcpy(brand, regs, 48);
    }
    while (*s == ' ') {
        s++;
    }
    text_add(t, "model name\t: %s\n", *s ? s : "unknown");
}

struct flag {
    uint32_t leaf, reg, bit; /* reg: 0 eax .. 3 edx */
    const char *name;
};

static const struct flag flags[] = {
    {1, 3, 0, "fpu"},       {1, 3, 4, "tsc"},          {1, 3, 8, "cx8"},
    {1, 3, 15, "cmov"},     {1, 3, 19, "clflush"},     {1, 3, 23, "mmx"},
    {1, 3, 24, "fxsr"},     {1, 3, 25, "sse"},         {1, 3, 26, "sse2"},
    {1, 3, 28, "ht"},       {1, 2, 0, "pni"},          {1, 2, 1, "pclmulqdq"},
    {1, 2, 9, "ssse3"},     {1, 2, 12, "fma"},         {1, 2, 13, "cx16"},
    {1, 2, 19, "sse4_1"},   {1, 2, 20, "sse4_2"},      {1, 2, 22, "movbe"},
    {1, 2, 23, "popcnt"},   {1, 2, 25, "aes"},         {1, 2, 26, "xsave"},
    {1, 2, 28, "avx"},      {1, 2, 29, "f16c"},        {1, 2, 30, "rdrand"},
    {7, 1, 0, "fsgsbase"},  {7, 1, 3, "bmi1"},         {7, 1, 5, "avx2"},
    {7, 1, 8, "bmi2"},      {7, 1, 9, "erms"},         {7, 1, 16, "avx512f"},
    {7, 1, 17, "avx512dq"}, {7, 1, 18, "rdseed"},      {7, 1, 19, "adx"},
    {7, 1, 28, "avx512cd"}, {7, 1, 29, "sha_ni"},      {7, 1, 30, "avx512bw"},
    {7, 1, 31, "avx512vl"}, {7, 2, 11, "avx512_vnni"},
};

static void add_flags(struct text *t)
{
    uint32_t leaf1[4], leaf7[4];

    arch_cpuid(1, 0, leaf1);
    arch_cpuid(7, 0, leaf7);
    text_add(t, "flags\t\t:");
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
        const uint32_t *r = flags[i].leaf == 1 ? leaf1 : leaf7;

        if (r[flags[i].reg] >> flags[i].bit & 1) {
            text_add(t, " %s", flags[i].name);
        }
    }
    text_add(t, " lm constant_tsc\n");
}

static void add_cpu(struct text *t, unsigned cpu, unsigned count)
{
    uint32_t leaf0[4], leaf1[4];
    char vendor[13] = {0};
    unsigned family, model;

    arch_cpuid(0, 0, leaf0);
    memcpy(vendor, &leaf0[1], 4);
    memcpy(vendor + 4, &leaf0[3], 4);
    memcpy(vendor + 8, &leaf0[2], 4);
    arch_cpuid(1, 0, leaf1);
    family = (leaf1[0] >> 8 & 15) + (leaf1[0] >> 20 & 255);
    model = (leaf1[0] >> 4 & 15) | (leaf1[0] >> 12 & 0xf0);
    text_add(t, "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\n", cpu,
             vendor, family);
    text_add(t, "model\t\t: %u\n", model);
    add_brand(t);
    text_add(t,
             "stepping\t: %u\ncpu MHz\t\t: 0.000\ncache size\t: %lu KB\n"
             "physical id\t: 0\nsiblings\t: %u\ncore id\t\t: %u\n"
             "cpu cores\t: %u\napicid\t\t: %u\ninitial apicid\t: %u\n"
             "fpu\t\t: yes\nfpu_exception\t: yes\n"
             "cpuid level\t: %u\nwp\t\t: yes\n",
             leaf1[0] & 15, cpu_cache_size() / 1024, count, cpu, count, cpu,
             cpu, leaf0[0]);
    add_flags(t);
    text_add(t, "bogomips\t: 0.00\nclflush size\t: 64\n"
                "cache_alignment\t: 64\naddress sizes\t: 46 bits physical, 48 "
                "bits virtual\n\n");
}

int show_cpuinfo(struct text *t, const struct pseudo_at *at)
{
    unsigned count = sched_vcpu_count();

    for (unsigned i = 0; i < count; i++) {
        add_cpu(t, i, count);
    }
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

struct times {
    uint64_t user_ns, kernel_ns;
    unsigned running, total;
};

static void add_times(struct task *task, void *arg)
{
    struct times *sum = arg;
    uint64_t user, kernel;

    if (!task->thread) {
        return;
    }
    task_times(task, &user, &kernel);
    sum->user_ns += user;
    sum->kernel_ns += kernel;
    sum->total++;
    sum->running += task->state == TASK_RUNNING;
}

/* Of what lives and what has ended. */
static void sum_times(struct times *sum)
{
    proc_times_ended(&sum->user_ns, &sum->kernel_ns);
    sched_for_each_task(add_times, sum);
}

/* What the vCPUs did not use. It never goes back, though the figures it comes
 * from are not of one moment. */
static uint64_t idle_ns(const struct times *sum, uint64_t now)
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
    struct times sum = {0};

    sum_times(&sum);
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
             (unsigned long)stats_sum(STAT_SWITCH),
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
    struct times sum = {0};

    sum_times(&sum);
    idle = idle_ns(&sum, now) / 10000000;
    now /= 10000000;
    text_add(t, "%lu.%02lu %lu.%02lu\n", (unsigned long)(now / 100),
             (unsigned long)(now % 100), (unsigned long)(idle / 100),
             (unsigned long)(idle % 100));
    return 0;
}

int show_loadavg(struct text *t, const struct pseudo_at *at)
{
    struct times sum = {0};

    sched_for_each_task(add_times, &sum);
    text_add(t, "0.00 0.00 0.00 %u/%u %d\n", MAX(sum.running, 1u), sum.total,
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
