/* SPDX-License-Identifier: MIT
 *
 * Rewriting a system call after it trapped. Now its SYSCALL is known to be an
 * instruction, so that what was in doubt when its page came in (text.c), or
 * lay across the edge of what came in together, can be rewritten after all.
 *
 * Other vCPUs may be running this code. Its pages lose all access while they
 * change: whoever fetches from them then faults, waits for mm->lock and sees
 * them whole. Who already stands behind the first moved instruction goes on
 * there as after any jump into moved code (arch/x86_64/patch.h).
 *
 * What could not be rewritten is remembered and not tried again.
 */
#include "kernel/mm/text/trampoline.h"
#include "kernel/core/log.h"
#include "kernel/mm/heap.h"
#include "lib/atomic.h"
#include "lib/hash.h"
#include "lib/string.h"
#include "arch/x86_64/arch.h"
#include "arch/x86_64/patch.h"
#include "target/target.h"

enum { SYSCALL_LEN = 2, JUMP = 5 };

/* The bytes around a site, as they were before anything was rewritten, and
 * what of them may be changed still: [lo, hi). */
struct around {
    uint8_t bytes[PATCH_CONTEXT_BEFORE + PATCH_CONTEXT_AFTER];
    uint64_t start, end, lo, hi;
    /* Of code that is nobody's yet: its slots; NULL: the current program's. */
    const struct slot_set *set;
    uint64_t slots; /* where they are */
};

static bool origin_of(const struct around *a, uint64_t slot,
                      struct patch_origin *o)
{
    return a->set ? slot_origin(a->set, a->slots, slot, o)
                  : trampoline_origin(slot, o);
}

static bool copy_around(struct mm *mm, const struct vma *v, uint64_t at,
                        struct around *a)
{
    uint64_t page = ALIGN_DOWN(at, PAGE_SIZE);

    a->start = MAX(v->start, at - PATCH_CONTEXT_BEFORE);
    a->end = MIN(v->end, at + PATCH_CONTEXT_AFTER);
    if (a->start < page && !resident_test(&mm->resident, page - PAGE_SIZE)) {
        a->start = page;
    }
    if (a->end > page + PAGE_SIZE &&
        !resident_test(&mm->resident, page + PAGE_SIZE)) {
        a->end = page + PAGE_SIZE;
    }
    a->lo = a->start;
    a->hi = a->end;
    return arch_user_copy(a->bytes, (const void *)a->start,
                          a->end - a->start) == 0;
}

/* Takes back a jump of ours at offset i. False: the SYSCALL at `at` is the one
 * it serves; whoever trapped jumped straight to it or was faster than us. */
static bool take_back(struct around *a, size_t i, uint64_t at)
{
    struct patch_origin o;
    int32_t rel;

    memcpy(&rel, a->bytes + i + 1, sizeof(rel));
    if (!origin_of(a, a->start + i + JUMP + (uint64_t)(int64_t)rel, &o) ||
        o.addr != a->start + i) {
        return true;
    }
    memcpy(a->bytes + i, o.code, JUMP);
    if (o.addr > at) {
        a->hi = MIN(a->hi, o.addr);
    } else {
        a->lo = MAX(a->lo, o.addr + o.len);
    }
    return o.addr > at || o.addr + o.len <= at;
}

static bool take_all_back(struct around *a, uint64_t at)
{
    for (size_t i = 0; i + JUMP <= a->end - a->start; i++) {
        if (a->bytes[i] == 0xe9 && !take_back(a, i, at)) {
            return false;
        }
    }
    return true;
}

static bool find_site(struct around *a, uint64_t at, struct patch_site *site)
{
    size_t offset = at - a->start;
    struct patch_text text = {.bytes = a->bytes,
                              .len = a->end - a->start,
                              .addr = a->start,
                              .entries = &offset,
                              .entry_count = 1,
                              .neighbours = true,
                              .trapped = true};

    if (offset + SYSCALL_LEN > text.len || a->bytes[offset] != 0x0f ||
        a->bytes[offset + 1] != 0x05 || !take_all_back(a, at)) {
        return false;
    }
    text.lo = a->lo - a->start;
    text.hi = a->hi - a->start;
    return patch_at(&text, offset, site);
}

bool text_improve(struct text_image *img, uint64_t base, uint64_t off)
{
    uint64_t at = base + off, slot;
    struct around a = {.set = &img->slots, .slots = base - img->distance};
    struct patch_site site;

    a.start = MAX(base, at - PATCH_CONTEXT_BEFORE);
    a.end = MIN(base + img->len, at + PATCH_CONTEXT_AFTER);
    a.lo = a.start;
    a.hi = a.end;
    memcpy(a.bytes, img->text + (a.start - base), a.end - a.start);
    if (!find_site(&a, at, &site)) {
        return false;
    }
    at = a.start + site.jump;
    slot = slot_take(&img->slots, a.slots, &site, a.bytes + site.jump, at);
    if (slot) {
        patch_apply((uint8_t *)img->text + (at - base), at, slot);
    }
    return slot != 0;
}

/* The jump at addr to slot, in pages of v. */
static bool write_live(struct mm *mm, const struct vma *v, uint64_t addr,
                       uint64_t slot)
{
    uint64_t start = ALIGN_DOWN(addr, PAGE_SIZE);
    uint64_t len = ALIGN_UP(addr + JUMP, PAGE_SIZE) - start;
    int prot = prot_effective(v->prot);
    uint8_t *copy = page_alloc(len / PAGE_SIZE);
    bool done = false;

    if (copy && !shown_make_room(mm) && !family_own(mm, start, start + len) &&
        arch_user_copy(copy, (const void *)start, len) == 0 &&
        target_mem_protect(start, len, 0) == 0) {
        patch_apply(copy + (addr - start), addr, slot);
        done = target_mem_install(start, copy, len, prot) == 0;
        if (done) {
            shown_forget(mm, start, start + len);
        }
        if (!done && target_mem_protect(start, len, prot)) {
            log_warn("code at %lx is lost", start);
        }
    }
    page_free(copy, len / PAGE_SIZE);
    return done;
}

static bool rewrite_locked(struct mm *mm, uint64_t at)
{
    struct vma *v = vma_at(mm, at);
    struct patch_site site;
    struct around a = {.set = NULL};
    uint64_t addr, slot;

    if (!v || v->flags & (VMA_WINDOW | VMA_TRAMPOLINE) ||
        !(v->prot & PROT_EXEC) || v->prot & PROT_WRITE ||
        !resident_test(&mm->resident, ALIGN_DOWN(at, PAGE_SIZE)) ||
        !copy_around(mm, v, at, &a) || !find_site(&a, at, &site)) {
        return false;
    }
    addr = a.start + site.jump;
    slot = trampoline_take(mm, &site, a.bytes + site.jump, addr);
    if (!slot || trampolines_install(mm, false) ||
        !write_live(mm, v, addr, slot)) {
        return false;
    }
    mm->sites_patched++;
    text_note_trap(mm, v, at);
    return true;
}

bool mm_syscall_trapped(struct mm *mm, uint64_t at)
{
    uint64_t *refused = &mm->refused_sites[hash_u64(0, at) % REFUSED_SITES];
    bool done;

    if (atomic_load_relaxed(refused) == at) {
        return false;
    }
    mm_lock(mm);
    done = rewrite_locked(mm, at);
    mm_unlock(mm);
    if (!done) {
        log_debug("the system call at %lx traps every time", at);
        atomic_store_relaxed(refused, at);
    }
    return done;
}
