/* SPDX-License-Identifier: MIT
 *
 * The boot order, and the last step: the program's first instruction. What
 * each room needs before it may be used is said in its header.
 */
#include "kernel/kernel.h"
#include "kernel/core/dump.h"
#include "kernel/core/hostio.h"
#include "kernel/core/hostio_ring.h"
#include "kernel/core/log.h"
#include "kernel/core/sched.h"
#include "kernel/core/timer.h"
#include "kernel/crypto/crypto.h"
#include "kernel/fs/fs.h"
#include "kernel/ipc/ipc.h"
#include "kernel/fs/pagecache/pagecache.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/limit.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/stock.h"
#include "kernel/net/host/host.h"
#include "kernel/proc/oom.h"
#include "kernel/proc/proc.h"
#include "kernel/sys/table.h"
#include "kernel/tty/tty.h"
#include "lib/atomic.h"
#include "target/target.h"

enum { STATUS_OURS = 125 << 8, SIGQUIT = 3 };

static struct task boot_task;
static struct boot_info boot_info;

/* Signals that the host has sent and nobody has looked at: bit signo - 1. */
static uint64_t host_signals;

void kernel_signal(int signo)
{
    if (signo > 0 && signo <= 64) {
        atomic_fetch_or(&host_signals, 1ull << (signo - 1));
        target_vcpu_kick(0);
    }
}

static void poll_host_signals(void)
{
    uint64_t set;

    if (likely(!atomic_load_relaxed(&host_signals))) {
        return;
    }
    set = atomic_xchg(&host_signals, 0);
    for (int signo = 1; signo <= 64; signo++) {
        if (!(set >> (signo - 1) & 1)) {
            continue;
        }
        if (signo == SIGQUIT && log_enabled(LOG_DEBUG)) {
            dump_tasks();
        } else {
            console_signal(signo);
        }
    }
}

void kernel_stop(int status)
{
    fs_sync();
    host_finish();
    if (boot_info.stock_name) { /* what comes now takes its time */
        proc_end_others();
    }
    stock_save(&boot_info);
    stats_report();
    target_stop(status);
}

static void must(int err, const char *what)
{
    if (err) {
        log_error("cannot start: %s: error %d", what, -err);
        target_stop(STATUS_OURS);
    }
}

/* What needs a task, because it may block. */
static void boot(void *arg)
{
    const struct boot_info *info = arg;

    must(hostio_init(), "host I/O");
    hostio_reads_memory(info->host_reads_memory);
    hostio_pages_init(info);
    host_set_policy(info->policy);
    heap_set_shrinker(pagecache_shrink);
    must(families_start(), "families of processes");
    must(fs_init(info), "root file system");
    must(ipc_init(), "objects between processes");
    sched_poll_signals = poll_host_signals;
    mm_lacks_memory = oom_spares_us;
    heap_fail_after(info->fault_alloc);
    ring_fail_after(info->fault_io);
    must(proc_start_first(info), "first process");
}

static void init_crypto(void)
{
    uint32_t leaf1[4], leaf7[4];

    arch_cpuid(1, 0, leaf1);
    arch_cpuid(7, 0, leaf7);
    crypto_init(crypto_features(leaf1[2], leaf7[1], arch_xcr0()));
}

/* More than any host has of memory. */
#define SHADOW_SIZE_MAX (4ull << 40)

static void boot_task_dead(struct task *t)
{
    kstack_free((void *)(t->kstack_top - KSTACK_SIZE));
}

/* Everything that runs on a vCPU needs its structure, so this comes first
 * and runs without the stack guard that it sets. */
__attribute__((no_stack_protector)) static void enter_vcpu(unsigned id,
                                                           uint64_t guard)
{
    struct vcpu *v = vcpu_by_id(id);

    v->self = v;
    v->id = id;
    v->keys = boot_info.keys.program_count > 0;
    v->syscall_entry =
        (uint64_t)(v->keys ? arch_syscall_entry_keys : arch_syscall_entry);
    v->cpuid_entry =
        (uint64_t)(v->keys ? arch_cpuid_entry_keys : arch_cpuid_entry);
    v->guard = guard;
    vcpu_set_gs(v);
}

/* Where the kernel's memory ends and the range begins for pages of processes
 * that are not at their addresses. */
static uint64_t shadow_end(const struct boot_info *info)
{
    return info->kernel_shown ? info->kernel_shown : info->kernel_end;
}

static uint64_t shadow_start(const struct boot_info *info)
{
    uint64_t size = shadow_end(info) - info->kernel_start;

    return shadow_end(info) -
           (info->swap_copies ? 0 : MIN(size / 2, SHADOW_SIZE_MAX));
}

/* Fewer than wanted do: how many there are is the host's affair. All are there
 * before the first task that one of them could take. */
static void start_vcpus(unsigned wanted)
{
    unsigned count = 1;

    while (count < wanted && !target_vcpu_start(count)) {
        count++;
    }
    if (count < wanted) {
        log_warn("%u of %u virtual CPUs can be had", count, wanted);
        sched_limit_vcpus(count);
    }
}

static _Noreturn void start(void)
{
    const struct boot_info *info = &boot_info;
    void *stack;

    log_set_level(info->log_level);
    must(fpu_init() ? 0 : -1, "vector state of this CPU");
    init_crypto();
    limit_init(info->memory_limit);
    heap_init(info->kernel_start, shadow_start(info), info->kernel_shown,
              info->kernel_end, info->memory_limit);
    pages_are_dear(!info->commit_is_lazy);
    stock_init(info);
    isolation_init(&info->keys);
    mm_holes(info->user_holes);
    mm_init(info->user_start, info->user_end, info->user_shown,
            info->commit_is_lazy);
    shadow_init(shadow_start(info), shadow_end(info));
    text_init(info->cpuid_traps);
    if (!info->faults_count) {
        mm_without_faults();
    }
    mm_guard_forks(info->commit_is_lazy && !info->swap_copies);
    mm_swap_limit(info->swap_limit);
    syscall_set_mode(info->strace, info->stats);
    start_vcpus(info->vcpu_count);
    stack = kstack_alloc();
    must(stack ? 0 : -1, "memory for the first task");
    task_init(&boot_task, stack, "boot", boot, &boot_info);
    boot_task.dead = boot_task_dead;
    task_start(&boot_task);
    sched_idle();
}

__attribute__((no_stack_protector)) void
kernel_main(const struct boot_info *info)
{
    uint64_t guard;

    target_random(&guard, sizeof(guard));
    boot_info = *info;
    clock_set_tsc(info->tsc);
    sched_set_rate(info->cycles_per_1024ns);
    enter_vcpu(0, guard & ~0xffull); /* a NUL stops string overruns */
    sched_init(info->vcpu_count);
    sched_ticks_are_dear = info->read_ahead;
    sched_vcpu_init(0);
    start();
}

__attribute__((no_stack_protector)) void kernel_vcpu_start(unsigned id)
{
    enter_vcpu(id, vcpu_by_id(0)->guard);
    sched_vcpu_init(id);
    sched_idle();
}
