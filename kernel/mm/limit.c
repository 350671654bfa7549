/* SPDX-License-Identifier: MIT
 *
 * See limit.h. The account is one atomic counter: a charge adds first and
 * takes back what was too much, so that two vCPUs cannot share the last page.
 */
#include "kernel/mm/limit.h"
#include "kernel/core/log.h"
#include "kernel/mm/heap.h"
#include "lib/atomic.h"
#include "abi/linux/errno.h"

/* What programs leave to the kernel: a part of the whole, up to a bound. */
enum { KERNEL_SHARE = 8, KERNEL_PAGES_MAX = (32 << 20) / PAGE_SIZE };
/* And what calls leave to faults. */
enum { FAULTS_SHARE = 32, FAULTS_PAGES_MAX = (16 << 20) / PAGE_SIZE };

static uint64_t ceiling; /* pages; 0: none */
static uint64_t used, peak;
static uint32_t refused, reported; /* somebody was; that was told; atomic */

void limit_init(uint64_t bytes)
{
    ceiling = bytes / PAGE_SIZE + (bytes % PAGE_SIZE != 0);
    used = peak = 0;
    refused = reported = 0;
}

bool limit_is_set(void)
{
    return ceiling != 0;
}

uint64_t limit_ceiling(void)
{
    return ceiling;
}

static int charge(uint64_t pages, uint64_t most)
{
    uint64_t now;

    if (pages > most) {
        return -ENOMEM;
    }
    now = atomic_add_fetch(&used, pages);
    if (now > most) {
        atomic_fetch_sub(&used, pages);
        return -ENOMEM;
    }
    if (now > atomic_load_relaxed(&peak)) {
        atomic_store_relaxed(&peak, now); /* a race costs little truth */
    }
    return 0;
}

static int refuse(void)
{
    atomic_store_relaxed(&refused, 1);
    return -ENOMEM;
}

static uint64_t most_of_programs(void)
{
    return ceiling - MIN(ceiling / KERNEL_SHARE, (uint64_t)KERNEL_PAGES_MAX);
}

int limit_charge(uint64_t pages)
{
    uint64_t most;

    if (likely(!ceiling)) {
        return 0;
    }
    most = most_of_programs();
    while (charge(pages, most)) {
        if (pages > most || !heap_reclaim()) {
            return refuse();
        }
    }
    return 0;
}

bool limit_lets_in(uint64_t pages)
{
    return !ceiling || atomic_load_relaxed(&used) + pages <= most_of_programs();
}

int limit_expect(uint64_t pages, bool really)
{
    uint64_t left = MIN(ceiling / FAULTS_SHARE, (uint64_t)FAULTS_PAGES_MAX);
    int err;

    if (!ceiling || limit_lets_in(pages + left)) {
        return 0;
    }
    err = really ? limit_charge(pages + left) : -ENOMEM;
    if (!err) {
        limit_uncharge(pages + left);
    }
    return err;
}

int limit_charge_kernel(uint64_t pages)
{
    return ceiling && charge(pages, ceiling) ? refuse() : 0;
}

bool limit_has_room(uint64_t pages)
{
    return !ceiling || atomic_load_relaxed(&used) + pages <= ceiling;
}

bool limit_has_share(unsigned n)
{
    return limit_has_room(ceiling / n);
}

void limit_move_in(uint64_t pages)
{
    if (ceiling) {
        atomic_fetch_add(&used, pages);
    }
}

void limit_uncharge(uint64_t pages)
{
    if (ceiling) {
        atomic_fetch_sub(&used, pages);
    }
}

void limit_report(void)
{
    if (atomic_load_relaxed(&refused) && !atomic_xchg(&reported, 1)) {
        log_warn("the memory limit of %lu MiB is reached; --memory raises it",
                 ceiling * PAGE_SIZE >> 20);
    }
}

uint64_t limit_used(void)
{
    return atomic_load_relaxed(&used);
}

uint64_t limit_peak(void)
{
    return atomic_load_relaxed(&peak);
}
