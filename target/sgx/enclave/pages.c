/* SPDX-License-Identifier: MIT
 *
 * The enclave's own record of its pages, a byte each: committed or not, and
 * the rights that the EPCM holds. The host cannot change it. A table of three
 * levels over ELRANGE; a leaf has a page, for 16 MiB. Leaves come out of the
 * meta range, one EACCEPT each, and stay. (SGX1 class: the range is there from
 * the start, with whatever the host put into it.)
 *
 * A page's byte belongs to who owns the page's range; the tables above it
 * grow under a lock.
 */
#include "target/sgx/enclave/pages.h"

enum {
    LEAF_BITS = 12, /* pages of a leaf */
    MID_BITS = 9,   /* leaves of a middle table */
    TOP_BITS = 46 - PAGE_SHIFT - LEAF_BITS - MID_BITS,
};

static uint64_t own_next; /* of the meta range; under lock */
static uint32_t lock;
static uint8_t **top[1 << TOP_BITS];
static uint64_t committed; /* pages */

static const struct sgx_secinfo accept_new = {
    .flags = SGX_SECINFO_PT(SGX_PT_REG) | SGX_SECINFO_R | SGX_SECINFO_W |
             SGX_SECINFO_PENDING};

static void take_lock(void)
{
    while (atomic_xchg_acquire(&lock, 1)) {
        cpu_relax();
    }
}

static void drop_lock(void)
{
    atomic_store_release(&lock, 0);
}

static bool take_page(uint64_t page)
{
    if (sgx.info->enclave_class == POLICY_CLASS_SGX1) {
        memset((void *)page, 0, PAGE_SIZE);
        return true;
    }
    return leaf_eaccept(&accept_new, page) == 0;
}

/* Under lock. */
static void *own_locked(uint64_t len)
{
    uint64_t at = own_next ? own_next : sgx.info->meta_start;

    len = ALIGN_UP(len, PAGE_SIZE);
    if (len > sgx.info->meta_end - at) {
        return NULL;
    }
    for (uint64_t page = at; page < at + len; page += PAGE_SIZE) {
        if (!take_page(page)) {
            return NULL;
        }
    }
    own_next = at + len;
    return (void *)at;
}

void *pages_own(uint64_t len)
{
    void *p;

    take_lock();
    p = own_locked(len);
    drop_lock();
    return p;
}

static uint8_t *find(uint64_t addr)
{
    uint64_t page = addr >> PAGE_SHIFT;
    uint8_t **mid = atomic_load_acquire(&top[page >> (LEAF_BITS + MID_BITS)]);
    uint8_t *leaf;

    if (!mid) {
        return NULL;
    }
    leaf =
        atomic_load_acquire(&mid[page >> LEAF_BITS & ((1u << MID_BITS) - 1)]);
    return leaf ? &leaf[page & ((1u << LEAF_BITS) - 1)] : NULL;
}

static uint8_t *make(uint64_t addr)
{
    uint64_t page = addr >> PAGE_SHIFT;
    uint8_t ***mid = &top[page >> (LEAF_BITS + MID_BITS)];
    uint8_t **leaf;

    take_lock();
    if (!*mid) {
        atomic_store_release(mid, (uint8_t **)own_locked(PAGE_SIZE));
    }
    if (*mid) {
        leaf = &(*mid)[page >> LEAF_BITS & ((1u << MID_BITS) - 1)];
        if (!*leaf) {
            atomic_store_release(leaf, (uint8_t *)own_locked(PAGE_SIZE));
        }
    }
    drop_lock();
    return find(addr);
}

uint8_t pages_state(uint64_t addr)
{
    uint8_t *state = find(addr);

    return state ? *state : 0;
}

bool pages_prepare(uint64_t addr, uint64_t len)
{
    const uint64_t span = PAGE_SIZE << LEAF_BITS;

    for (uint64_t at = ALIGN_DOWN(addr, span); at < addr + len; at += span) {
        if (!find(at) && !make(at)) {
            return false;
        }
    }
    return true;
}

void pages_set(uint64_t addr, uint8_t state)
{
    uint8_t *at = find(addr);

    if (!at) {
        return;
    }
    if ((*at ^ state) & PAGE_COMMITTED) {
        atomic_fetch_add(&committed, state & PAGE_COMMITTED ? 1 : -1ull);
    }
    *at = state;
}

uint64_t pages_committed(void)
{
    return atomic_load_relaxed(&committed);
}

uint64_t pages_run_end(uint64_t addr, uint64_t end, uint8_t mask, uint8_t want)
{
    const uint64_t span = PAGE_SIZE << LEAF_BITS;

    while (addr < end) {
        uint64_t stop = MIN(end, ALIGN_DOWN(addr, span) + span);
        const uint8_t *state = find(addr);

        if (!state) { /* all zero */
            if (want) {
                return addr;
            }
            addr = stop;
            continue;
        }
        for (; addr < stop; addr += PAGE_SIZE, state++) {
            if ((*state & mask) != want) {
                return addr;
            }
        }
    }
    return addr;
}
