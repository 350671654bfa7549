/* SPDX-License-Identifier: MIT
 *
 * sysfs: the CPU's caches, /sys/devices/system/cpu/cpuN/cache/indexM, by what
 * CPUID says of them (SDM vol. 2, leaf 4; AMD's leaf 0x8000001d is alike).
 * Which CPUs share one is not known: the last level is taken to be all's.
 */
#include "kernel/fs/procfs/procfs.h"
#include "kernel/core/sched.h"
#include "arch/x86_64/arch.h"
#include "abi/linux/stat.h"

enum { CACHES_MAX = 8 };

struct cache {
    unsigned type; /* 1 data, 2 instructions, 3 both; 0: none */
    unsigned level, line, partitions, ways, sets;
};

static struct cache describe(uint32_t leaf, unsigned index)
{
    uint32_t r[4];

    arch_cpuid(leaf, index, r);
    return (struct cache){.type = r[0] & 31,
                          .level = r[0] >> 5 & 7,
                          .line = (r[1] & 0xfff) + 1,
                          .partitions = (r[1] >> 12 & 0x3ff) + 1,
                          .ways = (r[1] >> 22) + 1,
                          .sets = r[2] + 1};
}

static struct cache cache_at(unsigned index)
{
    uint32_t r[4];
    struct cache none = {0};

    arch_cpuid(0, 0, r);
    if (r[0] >= 4 && describe(4, 0).type) {
        return describe(4, index);
    }
    arch_cpuid(0x80000000, 0, r);
    return r[0] >= 0x8000001d ? describe(0x8000001d, index) : none;
}

static uint64_t size_of(const struct cache *c)
{
    return (uint64_t)c->line * c->partitions * c->ways * c->sets;
}

uint64_t cpu_cache_size(void)
{
    uint64_t size = 0;

    for (unsigned i = 0; i < CACHES_MAX; i++) {
        struct cache c = cache_at(i);

        if (!c.type) {
            break;
        }
        size = size_of(&c);
    }
    return size;
}

static struct cache cache_of(const struct pseudo_at *at)
{
    return cache_at((unsigned)at->n[1]);
}

static bool is_last(const struct pseudo_at *at)
{
    return !cache_at((unsigned)at->n[1] + 1).type;
}

static int next_cache(int from, const struct pseudo_at *at)
{
    return from < CACHES_MAX && cache_at((unsigned)from).type ? from : -1;
}

static int show_level(struct text *t, const struct pseudo_at *at)
{
    text_add(t, "%u\n", cache_of(at).level);
    return 0;
}

static int show_type(struct text *t, const struct pseudo_at *at)
{
    static const char *const names[] = {"Data", "Instruction", "Unified"};
    unsigned type = cache_of(at).type;

    text_add(t, "%s\n", type - 1 < ARRAY_SIZE(names) ? names[type - 1] : "");
    return 0;
}

static int show_size(struct text *t, const struct pseudo_at *at)
{
    struct cache c = cache_of(at);

    text_add(t, "%luK\n", size_of(&c) / 1024);
    return 0;
}

static int show_line(struct text *t, const struct pseudo_at *at)
{
    text_add(t, "%u\n", cache_of(at).line);
    return 0;
}

static int show_partitions(struct text *t, const struct pseudo_at *at)
{
    text_add(t, "%u\n", cache_of(at).partitions);
    return 0;
}

static int show_ways(struct text *t, const struct pseudo_at *at)
{
    text_add(t, "%u\n", cache_of(at).ways);
    return 0;
}

static int show_sets(struct text *t, const struct pseudo_at *at)
{
    text_add(t, "%u\n", cache_of(at).sets);
    return 0;
}

static int show_shared_list(struct text *t, const struct pseudo_at *at)
{
    return is_last(at) ? show_cpu_range(t, at) : show_cpu_number(t, at);
}

static int show_shared_map(struct text *t, const struct pseudo_at *at)
{
    return is_last(at) ? show_all_mask(t, at) : show_cpu_mask(t, at);
}

static const struct pseudo cache_rows[] = {
    {"coherency_line_size", S_IFREG | 0444, .show = show_line},
    {"level", S_IFREG | 0444, .show = show_level},
    {"number_of_sets", S_IFREG | 0444, .show = show_sets},
    {"physical_line_partition", S_IFREG | 0444, .show = show_partitions},
    {"shared_cpu_list", S_IFREG | 0444, .show = show_shared_list},
    {"shared_cpu_map", S_IFREG | 0444, .show = show_shared_map},
    {"size", S_IFREG | 0444, .show = show_size},
    {"type", S_IFREG | 0444, .show = show_type},
    {"ways_of_associativity", S_IFREG | 0444, .show = show_ways},
    {NULL},
};

const struct pseudo sysfs_cache_rows[] = {
    {"index", S_IFDIR | 0555, .children = cache_rows, .next = next_cache},
    {NULL},
};
