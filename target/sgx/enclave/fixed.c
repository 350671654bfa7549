/* SPDX-License-Identifier: MIT
 *
 * Memory without EDMM, the SGX1 class: all pages were added at build, readable,
 * writable and executable for good, and none was measured. So the enclave
 * writes a page before anybody uses it, and everything finer is the host's
 * page table: rights, and that there is no access to what is not committed. An
 * honest host keeps to that, and programs' mistakes end as on Linux; a lying
 * one takes fault isolation away, and nothing else (docs/THREATS.md).
 *
 * Page faults are the host's word, too: EXITINFO does not report them here.
 * fixed_denies() says which of them can be true.
 */
#include "target/sgx/enclave/fixed.h"
#include "target/sgx/enclave/pages.h"

static bool is_programs(uint64_t addr)
{
    return addr >= sgx.info->user_start && addr < sgx.info->user_end;
}

/* The page table gives [addr, end) these rights. Only programs' memory ever
 * has others than at the start. */
static int give(uint64_t addr, uint64_t end, uint8_t rights)
{
    while (addr < end && is_programs(addr)) {
        uint64_t stop = addr;

        while (stop < end && (pages_state(stop) & PAGE_RIGHTS) != rights) {
            stop += PAGE_SIZE;
        }
        if (stop == addr) {
            addr += PAGE_SIZE;
            continue;
        }
        if (sgx_call(SGX_CALL_PROTECT, addr, stop - addr, rights)) {
            return -ENOMEM;
        }
        for (; addr < stop; addr += PAGE_SIZE) {
            pages_set(addr, (pages_state(addr) & ~PAGE_RIGHTS) | rights);
        }
    }
    return 0;
}

static uint64_t next_fresh(uint64_t at, uint64_t end)
{
    while (at < end && pages_state(at) & PAGE_COMMITTED) {
        at += PAGE_SIZE;
    }
    return at;
}

static uint64_t fresh_end(uint64_t at, uint64_t end)
{
    while (at < end && !(pages_state(at) & PAGE_COMMITTED)) {
        at += PAGE_SIZE;
    }
    return at;
}

static void set_committed(uint64_t at, uint64_t end)
{
    for (; at < end; at += PAGE_SIZE) {
        pages_set(at, pages_state(at) | PAGE_COMMITTED);
    }
}

int fixed_commit(uint64_t addr, uint64_t len, uint8_t rights)
{
    uint64_t end = addr + len;

    if (!pages_prepare(addr, len)) {
        return -ENOMEM;
    }
    for (uint64_t at = next_fresh(addr, end); at < end;) {
        uint64_t stop = fresh_end(at, end);

        if (give(at, stop, rights | MEM_READ | MEM_WRITE)) {
            return -ENOMEM;
        }
        memset((void *)at, 0, stop - at);
        set_committed(at, stop);
        at = next_fresh(stop, end);
    }
    return give(addr, end, rights);
}

int fixed_protect(uint64_t addr, uint64_t len, uint8_t rights)
{
    return give(addr, addr + len, rights);
}

int fixed_clear(uint64_t addr, uint64_t len)
{
    for (uint64_t at = addr; at < addr + len; at += PAGE_SIZE) {
        if (is_programs(at) && !(pages_state(at) & MEM_WRITE)) {
            return -EOPNOTSUPP;
        }
    }
    memset((void *)addr, 0, len);
    return 0;
}

void fixed_release(uint64_t addr, uint64_t len)
{
    for (uint64_t at = addr; at < addr + len; at += PAGE_SIZE) {
        pages_set(at, pages_state(at) & ~PAGE_COMMITTED);
    }
    give(addr, addr + len, 0);
}

int fixed_install(uint64_t addr, const void *src, uint64_t len, uint8_t rights)
{
    if (!pages_prepare(addr, len) ||
        give(addr, addr + len, MEM_READ | MEM_WRITE)) {
        return -ENOMEM;
    }
    memcpy((void *)addr, src, len);
    set_committed(addr, addr + len);
    return give(addr, addr + len, rights);
}

static bool is_zero(uint64_t page)
{
    const uint64_t *word = (const uint64_t *)page;

    for (unsigned i = 0; i < PAGE_SIZE / sizeof(*word); i++) {
        if (word[i]) {
            return false;
        }
    }
    return true;
}

/* A page without access cannot be looked at. */
static bool may_hold(uint64_t page)
{
    uint8_t state = pages_state(page);

    return state & PAGE_COMMITTED && !(state & MEM_READ && is_zero(page));
}

unsigned fixed_touched(uint64_t *from, uint64_t to, struct mem_run *runs,
                       unsigned max)
{
    unsigned n = 0;

    for (; *from < to; *from += PAGE_SIZE) {
        if (!may_hold(*from)) {
            continue;
        }
        if (n && runs[n - 1].end == *from) {
            runs[n - 1].end += PAGE_SIZE;
        } else if (n == max) {
            break;
        } else {
            runs[n++] = (struct mem_run){*from, *from + PAGE_SIZE};
        }
    }
    return n;
}

bool fixed_denies(uint64_t addr, uint64_t error)
{
    uint8_t need = error & 2 ? MEM_WRITE : error & 16 ? MEM_EXEC : MEM_READ;

    if (is_programs(addr)) {
        return need & ~pages_state(addr);
    }
    return addr < sgx.info->heap_start || addr >= sgx.info->meta_end;
}
