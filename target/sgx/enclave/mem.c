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
 * A page is given back by trim, EACCEPT, remove; or it is kept for who comes
 * next (kept.c). The order of our record and the host's acts: nothing counts as
 * committed before its EACCEPT, and nothing as gone before its trim was
 * accepted and it was removed.
 *
 * Without EDMM, fixed.c does what it can.
 */
#include "target/sgx/enclave/fixed.h"
#include "target/sgx/enclave/pages.h"

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

/* New pages; none when one cannot be had. */
static int add_run(uint64_t addr, uint64_t end, uint8_t rights)
{
    for (uint64_t at = addr; at < end; at += PAGE_SIZE) {
        int err = rights_add(at, rights, NULL);

        if (err) {
            target_mem_release(addr, at - addr);
            return err;
        }
    }
    return 0;
}

/* Pages that were kept, as zeros. */
static int renew_run(uint64_t addr, uint64_t end, uint8_t rights)
{
    rights_unhide(addr, end);
    memset((void *)addr, 0, end - addr);
    return rights_set(addr, end, rights);
}

/* ---- target.h ---- */

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
        stop = pages_run_end(at, end, PAGE_COMMITTED, PAGE_COMMITTED);
        if (stop > at) {
            rights_unhide(at, stop);
            err = rights_set(at, stop, rights);
        } else if (pages_state(at)) {
            stop = kept_take(at, end);
            err = renew_run(at, stop, rights);
        } else {
            stop = pages_run_end(at, end, 0xff, 0);
            kept_make_room((stop - at) / PAGE_SIZE);
            err = add_run(at, stop, rights);
        }
    }
    return !err && !prot && len ? rights_hide(addr, end) : err;
}

/* A range of committed pages. */
static int protect_run(uint64_t addr, uint64_t len, int prot)
{
    uint64_t end = addr + len;

    if (memory_is_fixed()) {
        return prot == MEM_BACK ? -EOPNOTSUPP
                                : fixed_protect(addr, len, prot & PAGE_RIGHTS);
    }
    if (!prot) {
        return len ? rights_hide(addr, end) : 0;
    }
    rights_unhide(addr, end);
    return prot == MEM_BACK ? 0 : rights_set(addr, end, rights_of(prot));
}

static bool is_committed(const struct mem_run *r)
{
    return pages_run_end(r->start, r->end, PAGE_COMMITTED, PAGE_COMMITTED) ==
           r->end;
}

int target_mem_protect_runs(const struct mem_run *runs, unsigned count,
                            int prot)
{
    unsigned i = 0;
    int err = 0;

    for (; i < count && in_arena(runs[i].start, runs[i].end - runs[i].start);
         i++) {
        if (!is_committed(&runs[i])) {
            return -ENOMEM;
        }
    }
    if (i < count) {
        return -EINVAL;
    }
    if (!memory_is_fixed() && prot == MEM_READ &&
        rights_take_write(runs, count)) {
        return 0;
    }
    for (i = 0; i < count && !err; i++) {
        err = protect_run(runs[i].start, runs[i].end - runs[i].start, prot);
    }
    return err;
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
    if (pages_run_end(addr, addr + len, all | PAGE_HIDDEN, all) != addr + len) {
        return -EOPNOTSUPP;
    }
    memset((void *)addr, 0, len);
    return 0;
}

/* The kernel commits before it uses: nobody meets what is kept in its part. In
 * the programs' part a page that is not committed must not be there. */
static void release_run(uint64_t addr, uint64_t end)
{
    const uint8_t mask = PAGE_RIGHTS, rw = MEM_READ | MEM_WRITE;

    if (addr < sgx.info->heap_start ||
        pages_run_end(addr, end, mask, rw) < end || !kept_put(addr, end)) {
        pages_remove(addr, end);
    }
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
        uint64_t stop =
            pages_run_end(addr, end, PAGE_COMMITTED, PAGE_COMMITTED);

        if (stop == addr) {
            addr += PAGE_SIZE;
            continue;
        }
        release_run(addr, stop);
        addr = stop;
    }
}

/* Whether the page is there already, as it shall be. */
static bool is_same(uint64_t addr, const uint8_t *src, uint8_t rights)
{
    return pages_state(addr) == (PAGE_COMMITTED | rights) &&
           !memcmp((const void *)addr, src, PAGE_SIZE);
}

static int install_page(uint64_t addr, const uint8_t *src, uint8_t rights)
{
    uint8_t have = pages_state(addr);

    if (is_same(addr, src, rights)) {
        return 0;
    }
    if (have & PAGE_COMMITTED) {
        rights_unhide(addr, addr + PAGE_SIZE);
        rights_extend(addr, MEM_READ | MEM_WRITE);
        memcpy((void *)addr, src, PAGE_SIZE);
        return rights_set(addr, addr + PAGE_SIZE, rights);
    }
    return rights_add(addr, rights, src);
}

/* What was executable is never written to: it goes, and comes anew; unless it
 * is to be what it is. */
static void release_text(uint64_t addr, uint64_t end, const uint8_t *src,
                         uint8_t rights)
{
    const uint8_t text = PAGE_COMMITTED | MEM_EXEC;

    while (addr < end) {
        uint64_t stop = addr;

        while (stop < end && (pages_state(stop) & text) == text &&
               !is_same(stop, src + (stop - addr), rights)) {
            stop += PAGE_SIZE;
        }
        if (stop > addr) {
            pages_remove(addr, stop);
        }
        stop = MAX(stop, addr + PAGE_SIZE);
        src += stop - addr;
        addr = stop;
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
unsigned target_mem_touched(uint64_t *from, uint64_t to, bool written,
                            struct mem_run *runs, unsigned max)
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
    release_text(addr, addr + len, from, rights_of(prot));
    kept_make_room(len / PAGE_SIZE);
    for (uint64_t at = 0; at < len && !err; at += PAGE_SIZE) {
        err = install_page(addr + at, from + at, rights_of(prot));
    }
    return !err && !prot && len ? rights_hide(addr, addr + len) : err;
}
