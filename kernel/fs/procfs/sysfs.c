/* SPDX-License-Identifier: MIT
 *
 * sysfs (sysfs(5)), as far as C libraries, language runtimes and tools read it
 * to learn how many CPUs and nodes there are; their caches are sysfs_cache.c.
 */
#include "kernel/fs/procfs/procfs.h"
#include "kernel/core/sched.h"
#include "abi/linux/stat.h"
#include "abi/linux/statfs.h"

int show_cpu_range(struct text *t, const struct pseudo_at *at)
{
    unsigned count = sched_vcpu_count();

    text_add(t, count > 1 ? "0-%u\n" : "%u\n", count - 1);
    return 0;
}

static int next_cpu(int from, const struct pseudo_at *at)
{
    return from < (int)sched_vcpu_count() ? from : -1;
}

static int next_node(int from, const struct pseudo_at *at)
{
    return from == 0 ? 0 : -1;
}

int show_cpu_number(struct text *t, const struct pseudo_at *at)
{
    text_add(t, "%d\n", at->n[0]);
    return 0;
}

int show_cpu_mask(struct text *t, const struct pseudo_at *at)
{
    text_add(t, "%lx\n", 1ul << at->n[0]);
    return 0;
}

/* All CPUs, in groups of 32 as cpumap files have them. */
int show_all_mask(struct text *t, const struct pseudo_at *at)
{
    unsigned count = sched_vcpu_count();
    uint64_t mask = count < 64 ? (1ul << count) - 1 : ~0ul;

    if (count > 32) {
        text_add(t, "%lx,%08lx\n", mask >> 32, mask & UINT32_MAX);
    } else {
        text_add(t, "%lx\n", mask);
    }
    return 0;
}

static const struct pseudo topology[] = {
    {"core_id", S_IFREG | 0444, .show = show_cpu_number},
    {"physical_package_id", S_IFREG | 0444, .text = "0\n"},
    {"thread_siblings", S_IFREG | 0444, .show = show_cpu_mask},
    {"thread_siblings_list", S_IFREG | 0444, .show = show_cpu_number},
    {"core_siblings", S_IFREG | 0444, .show = show_all_mask},
    {"core_siblings_list", S_IFREG | 0444, .show = show_cpu_range},
    {NULL},
};

static const struct pseudo cpu_rows[] = {
    {"online", S_IFREG | 0444, .text = "1\n"},
    {"cache", S_IFDIR | 0555, .children = sysfs_cache_rows},
    {"topology", S_IFDIR | 0555, .children = topology},
    {NULL},
};

static const struct pseudo cpus[] = {
    {"online", S_IFREG | 0444, .show = show_cpu_range},
    {"possible", S_IFREG | 0444, .show = show_cpu_range},
    {"present", S_IFREG | 0444, .show = show_cpu_range},
    {"offline", S_IFREG | 0444, .text = "\n"},
    {"isolated", S_IFREG | 0444, .text = "\n"},
    {"kernel_max", S_IFREG | 0444, .text = "63\n"},
    {"cpu", S_IFDIR | 0555, .children = cpu_rows, .next = next_cpu},
    {NULL},
};

static const struct pseudo node_rows[] = {
    {"cpulist", S_IFREG | 0444, .show = show_cpu_range},
    {"cpumap", S_IFREG | 0444, .show = show_all_mask},
    {"meminfo", S_IFREG | 0444, .show = show_node_memory},
    {"distance", S_IFREG | 0444, .text = "10\n"},
    {NULL},
};

static const struct pseudo nodes[] = {
    {"online", S_IFREG | 0444, .text = "0\n"},
    {"possible", S_IFREG | 0444, .text = "0\n"},
    {"has_cpu", S_IFREG | 0444, .text = "0\n"},
    {"has_memory", S_IFREG | 0444, .text = "0\n"},
    {"node", S_IFDIR | 0555, .children = node_rows, .next = next_node},
    {NULL},
};

static const struct pseudo system_rows[] = {
    {"cpu", S_IFDIR | 0555, .children = cpus},
    {"node", S_IFDIR | 0555, .children = nodes},
    {NULL},
};

static const struct pseudo virtual_rows[] = {
    {"net", S_IFDIR | 0555, .children = sysfs_netifs},
    {NULL},
};

/* There are no disks, which lsblk(8) wants to see for itself. */
static const struct pseudo class_rows[] = {
    {"block", S_IFDIR | 0555, .children = NULL},
    {"net", S_IFDIR | 0555, .children = sysfs_class_net},
    {NULL},
};

static const struct pseudo devices_rows[] = {
    {"virtual", S_IFDIR | 0555, .children = virtual_rows},
    {"system", S_IFDIR | 0555, .children = system_rows},
    {NULL},
};

static const struct pseudo thp[] = {
    {"enabled", S_IFREG | 0444, .text = "always madvise [never]\n"},
    {"defrag", S_IFREG | 0444,
     .text = "always defer defer+madvise madvise "
             "[never]\n"},
    {"shmem_enabled", S_IFREG | 0444,
     .text = "always within_size advise [never] deny force\n"},
    {"hpage_pmd_size", S_IFREG | 0444, .text = "2097152\n"},
    {NULL},
};

static const struct pseudo mm_rows[] = {
    {"transparent_hugepage", S_IFDIR | 0555, .children = thp},
    {NULL},
};

static const struct pseudo kernel_rows[] = {
    {"mm", S_IFDIR | 0555, .children = mm_rows},
    {NULL},
};

static const struct pseudo fs_rows[] = {
    {"cgroup", S_IFDIR | 0555, .children = NULL},
    {NULL},
};

static const struct pseudo dev_rows[] = {
    {"block", S_IFDIR | 0555, .children = NULL},
    {"char", S_IFDIR | 0555, .children = NULL},
    {NULL},
};

static const struct pseudo root_rows[] = {
    {"block", S_IFDIR | 0555, .children = NULL},
    {"bus", S_IFDIR | 0555, .children = NULL},
    {"class", S_IFDIR | 0555, .children = class_rows},
    {"dev", S_IFDIR | 0555, .children = dev_rows},
    {"devices", S_IFDIR | 0555, .children = devices_rows},
    {"fs", S_IFDIR | 0555, .children = fs_rows},
    {"kernel", S_IFDIR | 0555, .children = kernel_rows},
    {NULL},
};

int sysfs_mount(struct superblock **out)
{
    return pseudo_mount(root_rows, "sysfs", SYSFS_MAGIC, SB_READ_ONLY, out);
}
