/* SPDX-License-Identifier: MIT
 *
 * --stats: what the instance did, printed when it ends; and, with --strace or
 * --stats, how often each call ran, failed and how long it took (time asleep
 * included), the longest first.
 */
#include "kernel/sys/trace.h"
#include "kernel/core/hostio.h"
#include "kernel/core/log.h"
#include "kernel/core/sched.h"
#include "kernel/core/stats.h"
#include "kernel/core/timer.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/stock.h"
#include "lib/atomic.h"
#include "lib/fmt.h"

static struct call_count {
    uint64_t calls, errors, ns;
} counts[SYSCALL_MAX + 1]; /* atomic */

void stats_call(unsigned number, long result, uint64_t ns)
{
    struct call_count *c = &counts[number];

    atomic_fetch_add(&c->calls, 1);
    atomic_fetch_add(&c->ns, ns);
    if (result < 0 && result >= -4095) {
        atomic_fetch_add(&c->errors, 1);
    }
}

static void print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void print(const char *fmt, ...)
{
    char line[160];
    va_list args;
    size_t n;

    va_start(args, fmt);
    n = fmt_vscnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    log_raw(line, n);
}

static void print_count(const char *what, uint64_t n)
{
    print("%14lu %s\n", n, what);
}

static uint64_t total_calls(void)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i <= SYSCALL_MAX; i++) {
        sum += counts[i].calls;
    }
    return sum;
}

/* The call that comes after `last` (-1: the first) when they are sorted by
 * time, then by number; -1: none. */
static int next_call(int last)
{
    int best = -1;

    for (int i = 0; i <= SYSCALL_MAX; i++) {
        bool after = last < 0 || counts[i].ns < counts[last].ns ||
                     (i > last && counts[i].ns == counts[last].ns);

        if (counts[i].calls && after &&
            (best < 0 || counts[i].ns > counts[best].ns)) {
            best = i;
        }
    }
    return best;
}

static void print_calls(void)
{
    print("%14s %10s %10s %10s  %s\n", "seconds", "ns/call", "calls", "errors",
          "call");
    for (int i = next_call(-1); i >= 0; i = next_call(i)) {
        const struct call_count *c = &counts[i];

        print("%7llu.%06llu %10lu %10lu %10lu  %s\n", c->ns / NSEC_PER_SEC,
              c->ns % NSEC_PER_SEC / NSEC_PER_USEC, c->ns / c->calls, c->calls,
              c->errors, syscall_table[i].name);
    }
}

/* Of the last program: it is still there when process 1 ends. */
static void print_memory(void)
{
    struct mm *mm = current_task()->mm;
    struct heap_stats heap;
    struct mm_stats m;

    heap_get_stats(&heap);
    print_count("KiB of kernel memory, peak", heap.peak_committed / 1024);
    print_count("KiB of kernel memory, at the end",
                heap.bytes_committed / 1024);
    if (mm) {
        mm_get_stats(mm, &m);
        print_count("KiB of program memory", m.resident_bytes / 1024);
        print_count("KiB of addresses mapped", m.virtual_bytes / 1024);
        print_count("call sites rewritten", m.sites_patched);
    }
}

static void print_events(void)
{
    struct hostio_stats io;

    hostio_get_stats(&io);
    print_count("system calls", total_calls());
    print_count("of them by trap", stats_sum(STAT_TRAP));
    print_count("page faults", stats_sum(STAT_FAULT));
    print_count("other exceptions", stats_sum(STAT_EXCEPTION));
    print_count("signals to handlers", stats_sum(STAT_SIGNAL));
    print_count("ticks in user code", stats_sum(STAT_TICK));
    print_count("task switches", sched_switches());
    print_count("of them preemptions", stats_sum(STAT_PREEMPT));
    print_count("tasks stolen", stats_sum(STAT_STEAL));
    print_count("idle waits", stats_sum(STAT_IDLE));
    print_count("forks", stats_sum(STAT_FORK));
    print_count("KiB copied by them", stats_sum(STAT_FORK_BYTES) / 1024);
    print_count("swaps of processes that share addresses",
                stats_sum(STAT_SWAP));
    print_count("KiB copied by them", stats_sum(STAT_SWAP_COPIED) / 1024);
    print_count("KiB of pages moved by them",
                stats_sum(STAT_SWAP_MOVED) / 1024);
    print_count("us in swaps", stats_sum(STAT_SWAP_NS) / 1000);
    print_count("host I/O operations", io.operations);
    print_count("host I/O submissions", io.submits);
    print_count("host transitions (submissions and idle waits)",
                io.submits + stats_sum(STAT_IDLE));
    print_count("bytes from the host", io.bytes_in);
    print_count("KiB that earlier runs of the image have left, used",
                stock_noted() * PAGE_SIZE / 1024);
    print_count("bytes to the host", io.bytes_out);
}

void stats_report(void)
{
    if (trace_mode & TRACE_COUNT) {
        print_calls();
    }
    if (trace_mode & TRACE_EVENTS) {
        print_events();
        print_memory();
    }
}
