/* SPDX-License-Identifier: MIT
 *
 * The start of the untrusted side: rings, clock, CPUID table and arguments
 * for the enclave, the enclave itself, and then the service thread, which
 * takes signals and corrects the clock.
 */
#include "target/sgx/host/private.h"
#include <x86intrin.h>
#include <cpuid.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>

enum { EXIT_OURS = 125, LEAF_XSAVE = 0xd, TSC_EVERY_NS = 1000000 };

/* An SSA frame of one page has room for these: x87, SSE, AVX, AVX-512. */
#define XFRM_KNOWN 0xe7ull

struct enclave enclave;

static _Noreturn void give_up(int err, const char *what)
{
    fprintf(stderr, "enclos: %s: %s\n", what, strerror(-err));
    exit(EXIT_OURS);
}

uint64_t target_sgx_xfrm(void)
{
    uint32_t low, high;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (((uint64_t)high << 32) | low) & XFRM_KNOWN;
}

bool target_sgx_has_edmm(void)
{
    enum { LEAF_SGX = 0x12, SGX2 = 2 };
    uint32_t a, b, c, d;

    return __get_cpuid_count(LEAF_SGX, 0, &a, &b, &c, &d) && a & SGX2;
}

/* ---- what the enclave is told ---- */

static void add_leaf(uint32_t leaf, uint32_t sub)
{
    struct sgx_boot *b = &enclave.boot;
    uint32_t r[4];

    if (b->cpuid_count == SGX_BOOT_CPUID_MAX) {
        return;
    }
    __cpuid_count(leaf, sub, r[0], r[1], r[2], r[3]);
    b->cpuid[b->cpuid_count++] = (struct sgx_boot_cpuid){
        leaf | (uint64_t)sub << 32, r[0] | (uint64_t)r[1] << 32,
        r[2] | (uint64_t)r[3] << 32};
}

static void add_leaves(uint32_t leaf)
{
    static const struct {
        uint32_t leaf, subs;
    } many[] = {{4, 5}, {7, 3}, {0xb, 3}, {LEAF_XSAVE, 8}, {0x8000001d, 5}};
    uint32_t subs = 1;

    for (unsigned i = 0; i < ARRAY_SIZE(many); i++) {
        subs = many[i].leaf == leaf ? many[i].subs : subs;
    }
    for (uint32_t sub = 0; sub < subs; sub++) {
        add_leaf(leaf, sub);
    }
}

static void fill_cpuid(void)
{
    uint32_t max = __get_cpuid_max(0, NULL);
    uint32_t max_extended = __get_cpuid_max(0x80000000, NULL);

    for (uint32_t leaf = 0; leaf <= MIN(max, 0x1fu); leaf++) {
        add_leaves(leaf);
    }
    for (uint32_t leaf = 0x80000000; leaf <= MIN(max_extended, 0x80000021u);
         leaf++) {
        if (leaf <= 0x80000008 || leaf == 0x8000001d || leaf == 0x80000021) {
            add_leaves(leaf);
        }
    }
}

static void fill_ring(struct sgx_boot_ring *to, const struct target_ring *from)
{
    *to = (struct sgx_boot_ring){
        .sq_head = from->sq_head.addr,
        .sq_tail = from->sq_tail.addr,
        .sqes = from->sqes.addr,
        .sq_array = from->sq_array.addr,
        .sq_flags = from->sq_flags.addr,
        .cq_head = from->cq_head.addr,
        .cq_tail = from->cq_tail.addr,
        .cqes = from->cqes.addr,
        .buffers = from->buffers.addr,
        .sq_entries = from->sq_entries,
        .cq_entries = from->cq_entries,
        .buffer_entries = from->buffer_entries,
    };
}

/* Strings one after the other, each with its NUL, as the enclave takes them. */
static void join(const char *const *list, uint64_t *at, uint64_t *size)
{
    size_t len = 0;
    char *text;

    if (!list) {
        return;
    }
    for (size_t i = 0; list[i]; i++) {
        len += strlen(list[i]) + 1;
    }
    text = aligned_alloc(8, ALIGN_UP(len + 8, (size_t)8));
    if (!text) {
        give_up(-ENOMEM, "arguments");
    }
    *at = (uint64_t)text;
    *size = len;
    for (size_t i = 0; list[i]; i++) {
        text = stpcpy(text, list[i]) + 1;
    }
    memset(text, 0, 8);
}

static void fill_boot(const struct sgx_run *run)
{
    struct sgx_boot *b = &enclave.boot;

    b->version = SGX_BOOT_VERSION;
    b->exchanges = (uint64_t)enclave.exchanges;
    b->clock = (uint64_t)&clock_piece;
    b->tsc = (uint64_t)&enclave.tsc;
    b->signals = (uint64_t)&enclave.signals;
    for (unsigned i = 0; i < SGX_BOOT_RINGS; i++) {
        fill_ring(&b->rings[i], &host_rings[i].view);
    }
    b->bounce = bounce_base;
    b->bounce_size = bounce_len;
    b->image_fd = run->image_fd;
    b->image_at = run->image_at;
    for (int fd = 0; fd < 3; fd++) {
        const struct host_stream *s = &run->streams[fd];

        b->streams[fd] = (struct sgx_boot_stream){
            .open_tty = s->open | (uint64_t)s->tty << 1,
            .mode = s->mode,
            .rdev = s->rdev_major | (uint64_t)s->rdev_minor << 32,
            .size = s->size,
        };
    }
    b->log_level = (uint64_t)run->log_level;
    b->strace = run->strace;
    b->stats = run->stats;
    b->fault_alloc = run->fault_alloc;
    b->fault_io = run->fault_io;
    b->ignored_signals = signals_ignored();
    for (uint32_t i = 0; run->mount_fds && i < run->policy->mounts.count; i++) {
        b->mount_fds[i] = run->mount_fds[i];
    }
    join(run->args, &b->args, &b->args_size);
    join(run->env, &b->env, &b->env_size);
    fill_cpuid();
    lie_about_boot(b);
}
_Static_assert(offsetof(struct clock_piece, shift) ==
                       offsetof(struct sgx_clock, shift) &&
                   offsetof(struct clock_piece, base_tsc) ==
                       offsetof(struct sgx_clock, base_tsc) &&
                   offsetof(struct clock_piece, realtime_offset) ==
                       offsetof(struct sgx_clock, realtime_offset),
               "struct sgx_clock");

/* ---- the clock of enclaves without RDTSC ---- */

void tsc_update(void)
{
    atomic_store(&enclave.tsc, __rdtsc());
}

static void *tsc_thread(void *arg)
{
    const struct timespec pause = {.tv_nsec = TSC_EVERY_NS};

    for (;;) {
        tsc_update();
        nanosleep(&pause, NULL);
    }
    return NULL;
}

static int tsc_serve(void)
{
    pthread_t thread;

    tsc_update();
    return -pthread_create(&thread, NULL, tsc_thread, NULL);
}

static void must(int err, const char *what)
{
    if (err) {
        give_up(err, what);
    }
}

void target_sgx_run(const struct sgx_run *run)
{
    int err;

    calibrate_start();
    host.vcpu_count = run->policy->vcpus;
    host.pid = getpid();
    enclave.stats = run->stats;
    host_open_log();
    host_save_terminal();
    must(host_make_rings(), "cannot set up the rings");
    enclave.exchanges = mmap(
        NULL, ALIGN_UP(host.vcpu_count * sizeof(*enclave.exchanges), PAGE_SIZE),
        PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (enclave.exchanges == MAP_FAILED) {
        give_up(-errno, "cannot set up memory");
    }
    err = load_enclave(run);
    run->built();
    if (err) {
        exit(EXIT_OURS);
    }
    signals_block(run->policy->insecure & SGX_HEARS_IGNORED);
    must(vcpus_init(), "cannot enter enclaves here");
    must(pool_start(), "cannot start threads");
    calibrate_finish();
    fill_boot(run);
    if (run->policy->enclave_class == POLICY_CLASS_SGX1) {
        must(tsc_serve(), "cannot start threads");
    }
    must(vcpu_run(0, (uint64_t)&enclave.boot), "cannot start threads");
    signals_serve(vcpu_signal);
}
