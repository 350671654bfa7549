/* SPDX-License-Identifier: MIT
 *
 * procfs: /proc/cpuinfo, out of what CPUID says (SDM volume 2, CPUID), with
 * the names that Linux has for it.
 */
#include "kernel/fs/procfs/procfs.h"
#include "kernel/core/timer.h"
#include "kernel/core/sched.h"
#include "lib/string.h"

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

/* What a program can use by itself, or looks for to know where it runs. What
 * only a kernel could use, and what ours keeps for itself (protection keys) or
 * does not save (AMX), is not there. */
enum { EAX, EBX, ECX, EDX };

struct flag {
    uint8_t reg, bit;
    const char *name;
};

static const struct flag flags_1[] = {
    {EDX, 0, "fpu"},         {EDX, 4, "tsc"},      {EDX, 8, "cx8"},
    {EDX, 15, "cmov"},       {EDX, 19, "clflush"}, {EDX, 23, "mmx"},
    {EDX, 24, "fxsr"},       {EDX, 25, "sse"},     {EDX, 26, "sse2"},
    {EDX, 28, "ht"},         {ECX, 0, "pni"},      {ECX, 1, "pclmulqdq"},
    {ECX, 9, "ssse3"},       {ECX, 12, "fma"},     {ECX, 13, "cx16"},
    {ECX, 19, "sse4_1"},     {ECX, 20, "sse4_2"},  {ECX, 22, "movbe"},
    {ECX, 23, "popcnt"},     {ECX, 25, "aes"},     {ECX, 26, "xsave"},
    {ECX, 28, "avx"},        {ECX, 29, "f16c"},    {ECX, 30, "rdrand"},
    {ECX, 31, "hypervisor"},
};

static const struct flag flags_7[] = {
    {EBX, 0, "fsgsbase"},       {EBX, 3, "bmi1"},
    {EBX, 5, "avx2"},           {EBX, 8, "bmi2"},
    {EBX, 9, "erms"},           {EBX, 11, "rtm"},
    {EBX, 16, "avx512f"},       {EBX, 17, "avx512dq"},
    {EBX, 18, "rdseed"},        {EBX, 19, "adx"},
    {EBX, 21, "avx512ifma"},    {EBX, 23, "clflushopt"},
    {EBX, 24, "clwb"},          {EBX, 28, "avx512cd"},
    {EBX, 29, "sha_ni"},        {EBX, 30, "avx512bw"},
    {EBX, 31, "avx512vl"},      {ECX, 1, "avx512vbmi"},
    {ECX, 5, "waitpkg"},        {ECX, 6, "avx512_vbmi2"},
    {ECX, 8, "gfni"},           {ECX, 9, "vaes"},
    {ECX, 10, "vpclmulqdq"},    {ECX, 11, "avx512_vnni"},
    {ECX, 12, "avx512_bitalg"}, {ECX, 14, "avx512_vpopcntdq"},
    {ECX, 22, "rdpid"},         {ECX, 25, "cldemote"},
    {ECX, 27, "movdiri"},       {ECX, 28, "movdir64b"},
    {EDX, 4, "fsrm"},           {EDX, 8, "avx512_vp2intersect"},
    {EDX, 14, "serialize"},     {EDX, 16, "tsxldtrk"},
    {EDX, 23, "avx512_fp16"},
};

static const struct flag flags_7_1[] = {
    {EAX, 4, "avx_vnni"},
    {EAX, 5, "avx512_bf16"},
};

static const struct flag flags_xsave[] = {
    {EAX, 0, "xsaveopt"},
    {EAX, 1, "xsavec"},
    {EAX, 2, "xgetbv1"},
};

static const struct flag flags_more[] = {
    {EDX, 11, "syscall"},    {EDX, 20, "nx"},           {EDX, 22, "mmxext"},
    {EDX, 25, "fxsr_opt"},   {EDX, 26, "pdpe1gb"},      {EDX, 27, "rdtscp"},
    {EDX, 29, "lm"},         {EDX, 30, "3dnowext"},     {EDX, 31, "3dnow"},
    {ECX, 0, "lahf_lm"},     {ECX, 5, "abm"},           {ECX, 6, "sse4a"},
    {ECX, 7, "misalignsse"}, {ECX, 8, "3dnowprefetch"}, {ECX, 11, "xop"},
    {ECX, 16, "fma4"},       {ECX, 21, "tbm"},
};

static const struct flag flags_power[] = {
    {EDX, 8, "constant_tsc"},
    {EDX, 8, "nonstop_tsc"},
};

static const struct {
    uint32_t leaf, sub;
    const struct flag *flags;
    size_t count;
} leaves[] = {
    {1, 0, flags_1, ARRAY_SIZE(flags_1)},
    {0x80000001, 0, flags_more, ARRAY_SIZE(flags_more)},
    {0x80000007, 0, flags_power, ARRAY_SIZE(flags_power)},
    {7, 0, flags_7, ARRAY_SIZE(flags_7)},
    {7, 1, flags_7_1, ARRAY_SIZE(flags_7_1)},
    {0xd, 1, flags_xsave, ARRAY_SIZE(flags_xsave)},
};

/* False: the CPU has no such leaf, and shows some other's registers. */
static bool get_leaf(uint32_t leaf, uint32_t sub, uint32_t regs[4])
{
    arch_cpuid(leaf & 0x80000000, 0, regs);
    if (regs[EAX] < leaf) {
        return false;
    }
    if (sub == 1 && leaf == 7) { /* how many, the first says */
        arch_cpuid(leaf, 0, regs);
        if (regs[EAX] < sub) {
            return false;
        }
    }
    arch_cpuid(leaf, sub, regs);
    return true;
}

static void add_flags(struct text *t)
{
    uint32_t regs[4];

    text_add(t, "flags\t\t:");
    for (size_t i = 0; i < ARRAY_SIZE(leaves); i++) {
        if (!get_leaf(leaves[i].leaf, leaves[i].sub, regs)) {
            continue;
        }
        for (size_t k = 0; k < leaves[i].count; k++) {
            const struct flag *f = &leaves[i].flags[k];

            if (regs[f->reg] >> f->bit & 1) {
                text_add(t, " %s", f->name);
            }
        }
    }
    text_add(t, " rep_good nopl cpuid\nbugs\t\t:\n");
}

static void add_mhz(struct text *t)
{
    uint32_t khz = clock_tsc_khz();

    text_add(t, "cpu MHz\t\t: %u.%03u\n", khz / 1000, khz % 1000);
}

static void add_rest(struct text *t)
{
    uint32_t hundredths = clock_tsc_khz() / 5, regs[4];
    uint32_t physical = 36;

    if (get_leaf(0x80000008, 0, regs)) {
        physical = regs[EAX] & 0xff;
    }
    text_add(t, "bogomips\t: %u.%02u\nclflush size\t: 64\n", hundredths / 100,
             hundredths % 100);
    text_add(t,
             "cache_alignment\t: 64\naddress sizes\t: %u bits physical, 48 "
             "bits virtual\npower management:\n\n",
             physical);
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
    text_add(t, "stepping\t: %u\n", leaf1[0] & 15);
    add_mhz(t);
    text_add(t,
             "cache size\t: %lu KB\n"
             "physical id\t: 0\nsiblings\t: %u\ncore id\t\t: %u\n"
             "cpu cores\t: %u\napicid\t\t: %u\ninitial apicid\t: %u\n"
             "fpu\t\t: yes\nfpu_exception\t: yes\n"
             "cpuid level\t: %u\nwp\t\t: yes\n",
             cpu_cache_size() / 1024, count, cpu, count, cpu, cpu, leaf0[0]);
    add_flags(t);
    add_rest(t);
}

int show_cpuinfo(struct text *t, const struct pseudo_at *at)
{
    unsigned count = sched_vcpu_count();

    for (unsigned i = 0; i < count; i++) {
        add_cpu(t, i, count);
    }
    return 0;
}
