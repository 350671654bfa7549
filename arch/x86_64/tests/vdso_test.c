/* SPDX-License-Identifier: MIT
 *
 * The vDSO as the kernel embeds it, mapped into this process behind a data
 * page that we fill: lookups, every function beside the host's, the seqlock
 * under a writer, what unwinders see, what the rewriter finds.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <unwind.h>

#include "arch/x86_64/patch.h"
#include "arch/x86_64/vdso/vdso.h"
#include "arch/x86_64/vdso/vdso_data.h"
#include "lib/tests/unit.h"

typedef int clock_fn(int, struct timespec *);

static uint8_t *image;
static struct vdso_data *data;
static clock_fn *vdso_gettime, *vdso_getres;
static int (*vdso_timeofday)(struct timeval *, struct timezone *);
static long (*vdso_time)(long *);
static int (*vdso_getcpu)(unsigned *, unsigned *, void *);

/* ---- mapping and lookup ---- */

static void map_image(void)
{
    size_t len = vdso_image_end - vdso_image;
    uint8_t *base = mmap(NULL, PAGE_SIZE + len, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    data = (struct vdso_data *)base;
    image = base + PAGE_SIZE;
    memcpy(image, vdso_image, len);
    mprotect(image, len, PROT_READ | PROT_EXEC);
}

struct dynamic {
    const uint32_t *hash, *gnu_hash;
    const Elf64_Sym *symbols;
    const char *strings;
    const uint16_t *versym;
    const Elf64_Verdef *verdef;
};

static struct dynamic read_dynamic(void)
{
    const Elf64_Ehdr *ehdr = (const Elf64_Ehdr *)image;
    const Elf64_Phdr *phdr = (const Elf64_Phdr *)(image + ehdr->e_phoff);
    const Elf64_Dyn *dyn = NULL;
    struct dynamic d = {0};
    for (int i = 0; i < ehdr->e_phnum; i++) {
        if (phdr[i].p_type == PT_DYNAMIC) {
            dyn = (const Elf64_Dyn *)(image + phdr[i].p_vaddr);
        }
    }
    for (; dyn && dyn->d_tag != DT_NULL; dyn++) {
        const void *p = image + dyn->d_un.d_ptr;
        d.hash = dyn->d_tag == DT_HASH ? p : d.hash;
        d.gnu_hash = dyn->d_tag == DT_GNU_HASH ? p : d.gnu_hash;
        d.symbols = dyn->d_tag == DT_SYMTAB ? p : d.symbols;
        d.strings = dyn->d_tag == DT_STRTAB ? p : d.strings;
        d.versym = dyn->d_tag == DT_VERSYM ? p : d.versym;
        d.verdef = dyn->d_tag == DT_VERDEF ? p : d.verdef;
    }
    return d;
}

static uint32_t sysv_hash(const char *name)
{
    uint32_t h = 0;
    for (; *name; name++) {
        h = (h << 4) + (uint8_t)*name;
        h = (h ^ (h >> 24 & 0xf0)) & 0x0fffffff;
    }
    return h;
}

/* By DT_HASH, as Go does; the version must be LINUX_2.6. */
static void *lookup(const char *name)
{
    struct dynamic d = read_dynamic();
    uint32_t buckets = d.hash[0];
    uint32_t i = d.hash[2 + sysv_hash(name) % buckets];
    for (; i != 0; i = d.hash[2 + buckets + i]) {
        const Elf64_Sym *sym = &d.symbols[i];
        if (strcmp(d.strings + sym->st_name, name) == 0 && d.versym[i] == 2) {
            return image + sym->st_value;
        }
    }
    return NULL;
}

static void vdso_has_linux_version(void)
{
    struct dynamic d = read_dynamic();
    EXPECT(d.hash && d.gnu_hash && d.symbols && d.strings && d.versym);
    const Elf64_Verdef *v = d.verdef;
    EXPECT(v && v->vd_next);
    if (!v) {
        return;
    }
    v = (const Elf64_Verdef *)((const char *)v + v->vd_next);
    const Elf64_Verdaux *aux =
        (const Elf64_Verdaux *)((const char *)v + v->vd_aux);
    EXPECT(strcmp(d.strings + aux->vda_name, "LINUX_2.6") == 0);
    EXPECT_EQ(v->vd_hash, 0x3ae75f6);
    EXPECT_EQ(v->vd_ndx, 2);
}

static void vdso_symbols_are_found(void)
{
    static const char *const names[] = {"clock_gettime", "gettimeofday", "time",
                                        "getcpu", "clock_getres"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        char name[40];
        snprintf(name, sizeof(name), "__vdso_%s", names[i]);
        EXPECT(lookup(name) && lookup(name) == lookup(names[i]));
    }
    EXPECT_EQ((uint8_t *)lookup("__restore_rt") - image,
              vdso_restore_rt_offset);
    EXPECT(!lookup("main"));
    vdso_gettime = lookup("__vdso_clock_gettime");
    vdso_getres = lookup("__vdso_clock_getres");
    vdso_timeofday = lookup("__vdso_gettimeofday");
    vdso_time = lookup("__vdso_time");
    vdso_getcpu = lookup("__vdso_getcpu");
}

/* ---- time ---- */

static uint64_t tsc(void)
{
    return __builtin_ia32_rdtsc();
}

static int64_t ns_of(struct timespec ts)
{
    return ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int64_t host_ns(int clock)
{
    struct timespec ts;
    syscall(SYS_clock_gettime, clock, &ts);
    return ns_of(ts);
}

static int64_t vdso_ns(int clock)
{
    struct timespec ts = {-1, -1};
    EXPECT_EQ(vdso_gettime(clock, &ts), 0);
    EXPECT(ts.tv_nsec >= 0 && ts.tv_nsec < 1000000000);
    return ns_of(ts);
}

/* What the kernel knows of the clock. */
struct clock {
    uint64_t base_tsc, base_ns;
    uint32_t mult, shift;
    int64_t realtime_offset;
};

static struct clock host_clock;

static void install(struct clock c)
{
    vdso_data_write(data, c.base_tsc, c.base_ns, c.mult, c.shift,
                    c.realtime_offset);
}

static struct clock calibrate(void)
{
    int64_t ns = host_ns(CLOCK_MONOTONIC);
    uint64_t start = tsc();
    usleep(100000);
    int64_t passed = host_ns(CLOCK_MONOTONIC) - ns;
    uint64_t ticks = tsc() - start;
    return (struct clock){
        .base_tsc = start,
        .base_ns = ns,
        .mult = ((unsigned __int128)passed << 31) / ticks,
        .shift = 31,
        .realtime_offset = host_ns(CLOCK_REALTIME) - host_ns(CLOCK_MONOTONIC),
    };
}

/* Reads ours between two readings of the host's: how far outside it lies, as
 * the calibration is not exact. */
static bool agrees(int clock, int hosts_clock)
{
    const int64_t slack = 3000000;
    int64_t before = host_ns(hosts_clock), ours = vdso_ns(clock);
    int64_t after = host_ns(hosts_clock);
    return ours >= before - slack && ours <= after + slack;
}

static void vdso_agrees_with_the_host(void)
{
    host_clock = calibrate();
    install(host_clock);
    EXPECT(data->use_tsc && data->seq == 2);
    EXPECT(agrees(CLOCK_MONOTONIC, CLOCK_MONOTONIC));
    EXPECT(agrees(CLOCK_MONOTONIC_RAW, CLOCK_MONOTONIC));
    EXPECT(agrees(CLOCK_MONOTONIC_COARSE, CLOCK_MONOTONIC));
    EXPECT(agrees(CLOCK_BOOTTIME, CLOCK_MONOTONIC));
    EXPECT(agrees(CLOCK_REALTIME, CLOCK_REALTIME));
    EXPECT(agrees(CLOCK_REALTIME_COARSE, CLOCK_REALTIME));
    struct timeval tv;
    struct timezone tz = {1, 1};
    int64_t before = host_ns(CLOCK_REALTIME) / 1000;
    EXPECT_EQ(vdso_timeofday(&tv, &tz), 0);
    int64_t us = tv.tv_sec * 1000000 + tv.tv_usec;
    EXPECT(us >= before - 3000);
    EXPECT(us <= host_ns(CLOCK_REALTIME) / 1000 + 3000);
    EXPECT(tz.tz_minuteswest == 0 && tz.tz_dsttime == 0);
    EXPECT_EQ(vdso_timeofday(NULL, NULL), 0);
    long seconds = 0;
    EXPECT(labs(vdso_time(&seconds) - time(NULL)) <= 1);
    EXPECT(seconds == vdso_time(NULL) || seconds + 1 == vdso_time(NULL));
}

static void vdso_time_is_monotonic(void)
{
    int64_t last = 0;
    for (int i = 0; i < 1000000; i++) {
        struct timespec ts;
        vdso_gettime(CLOCK_MONOTONIC, &ts);
        if (ns_of(ts) < last) {
            EXPECT(!"time goes on");
            break;
        }
        last = ns_of(ts);
    }
}

static void vdso_time_before_its_base_stands_still(void)
{
    struct clock values = host_clock;
    values.base_tsc = tsc() + 1000000000000;
    values.base_ns = 42;
    install(values);
    EXPECT_EQ(vdso_ns(CLOCK_MONOTONIC), 42);
    install(host_clock);
}

/* Years after the base the product needs more than 64 bits. */
static void vdso_time_survives_long_uptimes(void)
{
    struct clock values = host_clock;
    uint64_t year = 365 * 86400 * 1000000000ul;
    uint64_t ticks = ((unsigned __int128)year << values.shift) / values.mult;
    values.base_tsc = tsc() - ticks;
    values.base_ns = 0;
    install(values);
    int64_t ns = vdso_ns(CLOCK_MONOTONIC) - year;
    EXPECT(ns > -1000 && ns < 1000000000);
    install(host_clock);
}

static void vdso_other_clocks_make_the_call(void)
{
    struct timespec ts;
    EXPECT(agrees(CLOCK_PROCESS_CPUTIME_ID, CLOCK_PROCESS_CPUTIME_ID));
    EXPECT_EQ(vdso_gettime(99, &ts), -EINVAL);
    EXPECT_EQ(vdso_gettime(33, &ts), -EINVAL);
    unsigned cpu = -1, node = -1;
    EXPECT_EQ(vdso_getcpu(&cpu, &node, NULL), 0);
    EXPECT(cpu < 4096 && node < 4096);
}

static void vdso_without_tsc_makes_the_call(void)
{
    install((struct clock){.mult = 0});
    EXPECT(!data->use_tsc);
    install((struct clock){.mult = 3, .shift = 1}); /* 667 MHz */
    EXPECT(!data->use_tsc);
    EXPECT(agrees(CLOCK_MONOTONIC, CLOCK_MONOTONIC));
    struct timeval tv;
    EXPECT_EQ(vdso_timeofday(&tv, NULL), 0);
    EXPECT(labs(vdso_time(NULL) - tv.tv_sec) <= 1);
    install(host_clock);
}

static void vdso_getres_is_linuxs(void)
{
    for (int clock = 0; clock < 8; clock++) {
        struct timespec ours, hosts;
        EXPECT_EQ(vdso_getres(clock, &ours), 0);
        syscall(SYS_clock_getres, clock, &hosts);
        bool coarse =
            clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE;
        EXPECT(ns_of(ours) == ns_of(hosts) || coarse);
    }
    EXPECT_EQ(vdso_getres(CLOCK_MONOTONIC, NULL), 0);
    EXPECT_EQ(vdso_getres(99, NULL), -EINVAL);
}

/* ---- the seqlock ---- */

static bool stop;

/* Every state says the same time; a mixture of two does not. */
static void *keep_writing(void *arg)
{
    struct clock values = host_clock;
    for (int i = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); i++) {
        struct clock other = values;
        uint64_t shift = i % 1000 * 1000000000ul;
        other.base_tsc -= ((unsigned __int128)shift << 31) / other.mult;
        other.base_ns -= shift;
        other.realtime_offset = 1000000000 - (int64_t)other.base_ns;
        install(other);
    }
    return NULL;
}

static void vdso_reads_are_never_torn(void)
{
    pthread_t writer;
    stop = false;
    pthread_create(&writer, NULL, keep_writing, NULL);
    for (int i = 0; i < 300000; i++) {
        if (!agrees(CLOCK_MONOTONIC, CLOCK_MONOTONIC)) {
            EXPECT(!"one state or the other");
            break;
        }
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    pthread_join(writer, NULL);
    install(host_clock);
}

/* ---- speed ---- */

static int host_gettime(int clock, struct timespec *ts)
{
    return syscall(SYS_clock_gettime, clock, ts);
}

static double ns_per_call(clock_fn *fn)
{
    double best = 1e9;
    for (int batch = 0; batch < 20; batch++) {
        struct timespec ts;
        int64_t start = host_ns(CLOCK_MONOTONIC);
        for (int i = 0; i < 20000; i++) {
            fn(CLOCK_MONOTONIC, &ts);
        }
        best = MIN(best, (host_ns(CLOCK_MONOTONIC) - start) / 20000.0);
    }
    return best;
}

static void vdso_is_faster_than_a_system_call(void)
{
    double ours = ns_per_call(vdso_gettime), libc = ns_per_call(clock_gettime),
           call = ns_per_call(host_gettime);
    printf("ns a call: ours %.1f, libc %.1f, system call %.1f\n", ours, libc,
           call);
    EXPECT(ours < call);
}

/* ---- the rewriter and the unwinder ---- */

static void vdso_sites_are_all_rewritten(void)
{
    struct patch_text t = {.bytes = vdso_image,
                           .len = vdso_image_end - vdso_image,
                           .hi = vdso_image_end - vdso_image};
    struct patch_site site;
    int found = 0, matches = 0;
    for (size_t pos = 0; patch_next(&t, &pos, &site);) {
        found++;
        EXPECT(site.kind == PATCH_BEFORE && site.moved == 5);
    }
    for (size_t i = 0; i + 1 < t.len; i++) {
        matches += t.bytes[i] == 0x0f && t.bytes[i + 1] == 0x05;
    }
    EXPECT_EQ(found, matches);
    EXPECT(found >= 6);
}

static volatile int handled;
static bool saw_victim;
static void victim(void);

static _Unwind_Reason_Code look(struct _Unwind_Context *context, void *arg)
{
    if (_Unwind_FindEnclosingFunction((void *)_Unwind_GetIP(context)) ==
        (void *)victim) {
        saw_victim = true;
    }
    return _URC_NO_REASON;
}

static void on_signal(int signo)
{
    handled++;
    _Unwind_Backtrace(look, NULL);
}

__attribute__((noinline, no_sanitize("address"))) static void victim(void)
{
    __asm__ volatile("syscall"
                     :
                     : "a"(SYS_tgkill), "D"(getpid()), "S"(gettid()),
                       "d"(SIGUSR1)
                     : "rcx", "r11", "memory");
    __asm__ volatile("");
}

struct kernel_sigaction {
    void (*handler)(int);
    unsigned long flags;
    void *restorer;
    unsigned long mask;
};

/* Loaded as an ordinary object, so that libgcc finds its unwind tables. */
static void vdso_restorer_returns_and_unwinds(void)
{
    char path[40];
    int fd = memfd_create("vdso", 0);
    size_t len = vdso_image_end - vdso_image;
    EXPECT_EQ(write(fd, vdso_image, len), len);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    EXPECT(handle);
    struct kernel_sigaction action = {
        on_signal, 0x04000000 /* SA_RESTORER */,
        handle ? dlsym(handle, "__restore_rt") : NULL, 0};
    EXPECT(action.restorer);
    EXPECT_EQ(syscall(SYS_rt_sigaction, SIGUSR1, &action, NULL, 8), 0);
    victim();
    EXPECT_EQ(handled, 1);
    EXPECT(saw_victim);
    close(fd);
}

int main(void)
{
    map_image();
    RUN(vdso_has_linux_version);
    RUN(vdso_symbols_are_found);
    RUN(vdso_agrees_with_the_host);
    RUN(vdso_time_is_monotonic);
    RUN(vdso_time_before_its_base_stands_still);
    RUN(vdso_time_survives_long_uptimes);
    RUN(vdso_other_clocks_make_the_call);
    RUN(vdso_without_tsc_makes_the_call);
    RUN(vdso_getres_is_linuxs);
    RUN(vdso_reads_are_never_torn);
    RUN(vdso_is_faster_than_a_system_call);
    RUN(vdso_sites_are_all_rewritten);
    RUN(vdso_restorer_returns_and_unwinds);
    return unit_result();
}
