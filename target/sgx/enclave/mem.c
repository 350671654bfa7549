/* SPDX-License-Identifier: MIT
 *
 * Memory with EDMM. A new page comes by EACCEPT (the host's driver adds it
 * when the instruction faults), or by EACCEPTCOPY where it is to have other
 * rights than R and W from its first moment: text is never W and X. Rights are
 * added by EMODPE without leaving; they are taken away by the host (EMODPR)
 * and checked by EACCEPT here. A page that was W and X keeps both. No access
 * at all is the host's page table, since a page without R cannot be accepted;
 * what a host can undo of it is said in docs/THREATS.md.
 *
 * A page is given back by trim, EACCEPT, remove. The order of our record and
 * the host's acts: nothing counts as committed before its EACCEPT, and nothing
 * as gone before the EACCEPT of its trim.
 *
 * Without EDMM, fixed.c does what it can.
 */
#include "target/sgx/enclave/fixed.h"
#include "target/sgx/enclave/pages.h"

static _Alignas(PAGE_SIZE) const uint8_t zeros[PAGE_SIZE];

static struct sgx_secinfo secinfo(enum sgx_page_type type, uint64_t flags)
{
    return (struct sgx_secinfo){.flags = SGX_SECINFO_PT(type) | flags};
}

static bool in_arena(uint64_t addr, uint64_t len)
{
    const struct sgx_info *i = sgx.info;
    uint64_t end = addr + len;

    return IS_ALIGNED(addr | len, PAGE_SIZE) && end >= addr &&
           ((addr >= i->user_start && end <= i->user_end) ||
            (addr >= i->heap_start && end <= i->heap_end));
}

/* What the EPCM is to have for prot: W and X do not go without R. */
static uint8_t rights_of(int prot)
{
    return prot ? (prot & PAGE_RIGHTS) | MEM_READ : MEM_READ | MEM_WRITE;
}

/* The end of the run from addr on in whose pages (state & mask) == want. */
static uint64_t run_end(uint64_t addr, uint64_t end, uint8_t mask, uint8_t want)
{
    while (addr < end && (pages_state(addr) & mask) == want) {
        addr += PAGE_SIZE;
    }
    return addr;
}

/* ---- hiding ---- */

static void unhide(uint64_t addr, uint64_t end)
{
    while (addr < end) {
        uint64_t stop = run_end(addr, end, PAGE_HIDDEN, PAGE_HIDDEN);

        if (stop == addr) {
            addr += PAGE_SIZE;
            continue;
        }
        sgx_call(SGX_CALL_PROTECT, addr, stop - addr, PAGE_RIGHTS);
        for (; addr < stop; addr += PAGE_SIZE) {
            pages_set(addr, pages_state(addr) & ~PAGE_HIDDEN);
        }
    }
}

static int hide(uint64_t addr, uint64_t end)
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

static int add_page(uint64_t addr, uint8_t rights, const void *content)
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

/* [addr, end) all have more rights than `rights`: the host takes them away,
 * and each page says that it has. */
static int restrict_run(uint64_t addr, uint64_t end, uint8_t rights)
{
    struct sgx_secinfo less = secinfo(SGX_PT_REG, rights | SGX_SECINFO_PR);

    if (sgx_call(SGX_CALL_RESTRICT, addr, end - addr, rights)) {
        return -ENOMEM;
    }
    for (; addr < end; addr += PAGE_SIZE) {
        if (leaf_eaccept(&less, addr)) {
            sgx_die("the host did not restrict a page's rights as it said");
        }
        pages_set(addr, PAGE_COMMITTED | rights);
    }
    return 0;
}

static bool is_too_much(uint8_t have, uint8_t rights)
{
    return have & ~rights & PAGE_RIGHTS && (have & PAGE_RIGHTS) != PAGE_RIGHTS;
}

static void extend(uint64_t addr, uint8_t rights)
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
static int set_rights(uint64_t addr, uint64_t end, uint8_t rights)
{
    while (addr < end) {
        uint8_t have = pages_state(addr) & PAGE_RIGHTS;
        uint64_t stop = run_end(addr, end, PAGE_RIGHTS, have);

        if (is_too_much(have, rights)) {
            int err = restrict_run(addr, stop, have & rights);

            if (err) {
                return err;
            }
        }
        for (; addr < stop; addr += PAGE_SIZE) {
            extend(addr, rights);
        }
    }
    return 0;
}

/* ---- target.h ---- */

/* New pages; none when one cannot be had. */
static int add_run(uint64_t addr, uint64_t end, uint8_t rights)
{
    for (uint64_t at = addr; at < end; at += PAGE_SIZE) {
        int err = add_page(at, rights, NULL);

        if (err) {
            target_mem_release(addr, at - addr);
            return err;
        }
    }
    return 0;
}

/* On failure, what was committed before keeps its content; runs that were added
 * before the one that failed stay as they are: zeros, for the next commit. */
int target_mem_commit(uint64_t addr, uint64_t len, int prot)
{
    uint8_t rights = rights_of(prot);
    uint64_t end = addr + len;
    int err = 0;

    if (!in_arena(addr, len)) {
        return -EINVAL;
    }
    if (memory_is_fixed()) {
        return fixed_commit(addr, len, prot & PAGE_RIGHTS);
    }
    if (!pages_prepare(addr, len)) {
        return -ENOMEM;
    }
    for (uint64_t at = addr, stop; at < end && !err; at = stop) {
        stop = run_end(at, end, PAGE_COMMITTED, PAGE_COMMITTED);
        if (stop > at) {
            unhide(at, stop);
            err = set_rights(at, stop, rights);
        } else {
            stop = run_end(at, end, PAGE_COMMITTED, 0);
            err = add_run(at, stop, rights);
        }
    }
    return !err && !prot && len ? hide(addr, end) : err;
}

int target_mem_protect(uint64_t addr, uint64_t len, int prot)
{
    uint64_t end = addr + len;

    if (!in_arena(addr, len)) {
        return -EINVAL;
    }
    if (run_end(addr, end, PAGE_COMMITTED, PAGE_COMMITTED) != end) {
        return -ENOMEM;
    }
    if (memory_is_fixed()) {
        return fixed_protect(addr, len, prot & PAGE_RIGHTS);
    }
    if (!prot) {
        return len ? hide(addr, end) : 0;
    }
    unhide(addr, end);
    return set_rights(addr, end, rights_of(prot));
}

/* boot_info has no keys here: they would be the host's to set. */
void target_mem_key(uint64_t addr, uint64_t len, unsigned key)
{
}

int target_mem_clear(uint64_t addr, uint64_t len)
{
    const uint8_t all = PAGE_COMMITTED | MEM_WRITE;

    if (!in_arena(addr, len)) {
        return -EINVAL;
    }
    if (memory_is_fixed()) {
        return fixed_clear(addr, len);
    }
    if (run_end(addr, addr + len, all | PAGE_HIDDEN, all) != addr + len) {
        return -EOPNOTSUPP;
    }
    memset((void *)addr, 0, len);
    return 0;
}

static void release_run(uint64_t addr, uint64_t end)
{
    struct sgx_secinfo trim = secinfo(SGX_PT_TRIM, SGX_SECINFO_MODIFIED);

    unhide(addr, end);
    if (sgx_call(SGX_CALL_TRIM, addr, end - addr, 0)) {
        sgx_die("the host does not take memory back");
    }
    for (uint64_t at = addr; at < end; at += PAGE_SIZE) {
        if (leaf_eaccept(&trim, at)) {
            sgx_die("the host did not trim a page as it said");
        }
        pages_set(at, 0);
    }
    sgx_call(SGX_CALL_REMOVE, addr, end - addr, 0);
}

void target_mem_release(uint64_t addr, uint64_t len)
{
    uint64_t end = addr + len;

    if (!in_arena(addr, len)) {
        return;
    }
    if (memory_is_fixed()) {
        fixed_release(addr, len);
        return;
    }
    while (addr < end) {
        uint64_t stop = run_end(addr, end, PAGE_COMMITTED, PAGE_COMMITTED);

        if (stop == addr) {
            addr += PAGE_SIZE;
            continue;
        }
        release_run(addr, stop);
        addr = stop;
    }
}

static int install_page(uint64_t addr, const uint8_t *src, uint8_t rights)
{
    uint8_t have = pages_state(addr);

    if (have & PAGE_COMMITTED) {
        unhide(addr, addr + PAGE_SIZE);
        extend(addr, MEM_READ | MEM_WRITE);
        memcpy((void *)addr, src, PAGE_SIZE);
        return set_rights(addr, addr + PAGE_SIZE, rights);
    }
    return add_page(addr, rights, src);
}

/* What was executable is never written to: it goes, and comes anew. */
static void release_text(uint64_t addr, uint64_t end)
{
    const uint8_t text = PAGE_COMMITTED | MEM_EXEC;

    while (addr < end) {
        uint64_t stop = run_end(addr, end, text, text);

        if (stop > addr) {
            release_run(addr, stop);
        }
        addr = MAX(stop, addr + PAGE_SIZE);
    }
}

/* A page of an enclave has one address. */
int target_mem_show(uint64_t addr, uint64_t src, uint64_t len, int prot,
                    bool shared)
{
    return -EOPNOTSUPP;
}

/* The EPCM knows the address of each page. */
int target_mem_move(uint64_t to, uint64_t from, uint64_t len)
{
    return -EOPNOTSUPP;
}

/* With EDMM nothing is committed ahead of use: all may hold something. */
unsigned target_mem_touched(uint64_t *from, uint64_t to, struct mem_run *runs,
                            unsigned max)
{
    if (memory_is_fixed()) {
        return fixed_touched(from, to, runs, max);
    }
    runs[0] = (struct mem_run){*from, to};
    *from = to;
    return 1;
}

int target_mem_install(uint64_t addr, const void *src, uint64_t len, int prot)
{
    const uint8_t *from = src;
    int err = 0;

    if (!in_arena(addr, len) || !IS_ALIGNED((uint64_t)src, PAGE_SIZE)) {
        return -EINVAL;
    }
    if (memory_is_fixed()) {
        return fixed_install(addr, src, len, prot & PAGE_RIGHTS);
    }
    if (!pages_prepare(addr, len)) {
        return -ENOMEM;
    }
    release_text(addr, addr + len);
    for (uint64_t at = 0; at < len && !err; at += PAGE_SIZE) {
        err = install_page(addr + at, from + at, rights_of(prot));
    }
    return !err && !prot && len ? hide(addr, addr + len) : err;
}
