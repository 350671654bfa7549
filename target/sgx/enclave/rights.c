/* SPDX-License-Identifier: MIT
 *
 * Pages one by one and run by run: adding and removing them, and what may be
 * done to them, in the EPCM and in the host's page table; pages.c records it.
 * mem.c says how, and why so.
 */
#include "target/sgx/enclave/pages.h"

static _Alignas(PAGE_SIZE) const uint8_t zeros[PAGE_SIZE];

static struct sgx_secinfo secinfo(enum sgx_page_type type, uint64_t flags)
{
    return (struct sgx_secinfo){.flags = SGX_SECINFO_PT(type) | flags};
}

/* ---- hiding ---- */

void rights_unhide(uint64_t addr, uint64_t end)
{
    while ((addr = pages_run_end(addr, end, PAGE_HIDDEN, 0)) < end) {
        uint64_t stop = pages_run_end(addr, end, PAGE_HIDDEN, PAGE_HIDDEN);

        sgx_call(SGX_CALL_PROTECT, addr, stop - addr, PAGE_RIGHTS);
        for (; addr < stop; addr += PAGE_SIZE) {
            pages_set(addr, pages_state(addr) & ~PAGE_HIDDEN);
        }
    }
}

int rights_hide(uint64_t addr, uint64_t end)
{
    if (sgx_call(SGX_CALL_PROTECT, addr, end - addr, 0)) {
        return -ENOMEM;
    }
    for (; addr < end; addr += PAGE_SIZE) {
        pages_set(addr, pages_state(addr) | PAGE_HIDDEN);
    }
    return 0;
}

/* ---- rights ---- */

int rights_add(uint64_t addr, uint8_t rights, const void *content)
{
    struct sgx_secinfo new =
        secinfo(SGX_PT_REG, MEM_READ | MEM_WRITE | SGX_SECINFO_PENDING);
    struct sgx_secinfo with = secinfo(SGX_PT_REG, rights);
    long err;

    if (!content && (rights & MEM_WRITE)) {
        err = leaf_eaccept(&new, addr);
        if (!err && rights & MEM_EXEC) {
            err = leaf_emodpe(&with, addr);
        }
    } else {
        err = leaf_eacceptcopy(&with, addr, content ? content : zeros);
    }
    if (err) {
        return -ENOMEM;
    }
    pages_set(addr, PAGE_COMMITTED | rights);
    return 0;
}

static void accept_less(const struct mem_run *run, uint8_t rights)
{
    struct sgx_secinfo less = secinfo(SGX_PT_REG, rights | SGX_SECINFO_PR);

    for (uint64_t at = run->start; at < run->end; at += PAGE_SIZE) {
        if (leaf_eaccept(&less, at)) {
            sgx_die("the host did not restrict a page's rights as it said");
        }
        pages_set(at, PAGE_COMMITTED | rights);
    }
}

/* All of [runs, runs + count), SGX_RANGES_MAX at most, have more rights than
 * `rights`: the host takes them away, and each page says that it has. */
static int restrict_runs(const struct mem_run *runs, unsigned count,
                         uint8_t rights)
{
    if (sgx_call_ranges(SGX_CALL_RESTRICT, runs, count, rights)) {
        return -ENOMEM;
    }
    for (unsigned i = 0; i < count; i++) {
        accept_less(&runs[i], rights);
    }
    return 0;
}

static int restrict_run(uint64_t addr, uint64_t end, uint8_t rights)
{
    const struct mem_run run = {addr, end};

    return restrict_runs(&run, 1, rights);
}

static bool is_too_much(uint8_t have, uint8_t rights)
{
    return have & ~rights & PAGE_RIGHTS && (have & PAGE_RIGHTS) != PAGE_RIGHTS;
}

bool rights_take_write(const struct mem_run *runs, unsigned count)
{
    const uint8_t rw = MEM_READ | MEM_WRITE;

    if (count < 2 || count > SGX_RANGES_MAX) {
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        if (pages_run_end(runs[i].start, runs[i].end, PAGE_RIGHTS | PAGE_HIDDEN,
                          rw) < runs[i].end) {
            return false;
        }
    }
    return restrict_runs(runs, count, MEM_READ) == 0;
}

void rights_extend(uint64_t addr, uint8_t rights)
{
    uint8_t have = pages_state(addr);
    struct sgx_secinfo more = secinfo(SGX_PT_REG, have | rights);

    more.flags &= ~(uint64_t)0xff | PAGE_RIGHTS;
    if (rights & ~have & PAGE_RIGHTS) {
        if (leaf_emodpe(&more, addr)) {
            sgx_die("a page of the enclave is gone");
        }
        pages_set(addr, have | rights);
    }
}

/* Committed pages only. */
int rights_set(uint64_t addr, uint64_t end, uint8_t rights)
{
    while (addr < end) {
        uint8_t have = pages_state(addr) & PAGE_RIGHTS;
        uint64_t stop = pages_run_end(addr, end, PAGE_RIGHTS, have);

        if (is_too_much(have, rights)) {
            int err = restrict_run(addr, stop, have & rights);

            if (err) {
                return err;
            }
        }
        for (; rights & ~have && addr < stop; addr += PAGE_SIZE) {
            rights_extend(addr, rights);
        }
        addr = stop;
    }
    return 0;
}

void pages_remove(uint64_t addr, uint64_t end)
{
    struct sgx_secinfo trim = secinfo(SGX_PT_TRIM, SGX_SECINFO_MODIFIED);

    rights_unhide(addr, end);
    if (sgx_call(SGX_CALL_TRIM, addr, end - addr, 0)) {
        sgx_die("the host does not take memory back");
    }
    for (uint64_t at = addr; at < end; at += PAGE_SIZE) {
        if (leaf_eaccept(&trim, at)) {
            sgx_die("the host did not trim a page as it said");
        }
    }
    sgx_call(SGX_CALL_REMOVE, addr, end - addr, 0);
    for (uint64_t at = addr; at < end; at += PAGE_SIZE) {
        pages_set(at, 0); /* only now may a new one be accepted */
    }
}
