/* SPDX-License-Identifier: MIT
 *
 * Rewriting system calls in code on its way to becoming executable: which
 * sites there are and what changes is arch/x86_64/patch.h's business; here
 * they get slots (trampoline.c) and the bytes are changed.
 *
 * Always in this order: find the sites in untouched bytes, install their
 * slots, then write the jumps. A site without a slot keeps its SYSCALL, which
 * traps: slower, never wrong.
 */
#include "kernel/mm/text/text_memo.h"
#include "kernel/mm/text/trampoline.h"
#include "kernel/core/log.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "arch/x86_64/arch.h"
#include "arch/x86_64/patch.h"
#include "target/target.h"

enum {
    BATCH = 512,            /* sites at a time; each installs pages again */
    PIECE = 64 << 10,       /* of code in place */
    IN_PLACE_MAX = 4 << 20, /* beyond this, what a JIT makes is not searched */
    JUMP = 5,
};

static bool with_cpuid;

void text_init(bool cpuid_traps)
{
    with_cpuid = cpuid_traps;
}

struct site {
    struct patch_site site;
    uint64_t slot;
};

/* Pieces before this one, or code in place, may be rewritten already. */
static bool is_slot(uint64_t addr)
{
    uint64_t program;

    return mm_trampoline_rip(addr, &program);
}

/* Where sites come from: a search, which notes what it finds, or what an
 * earlier one noted. */
struct finder {
    const struct patch_text *text;
    size_t pos;
    struct patch_site *known; /* or NULL */
    unsigned next, count, room;
    bool noting; /* known is being filled */
};

static void note(struct finder *f, const struct patch_site *site)
{
    if (f->count == f->room) {
        unsigned room = f->room ? f->room * 2 : BATCH;
        struct patch_site *more = kmalloc(room * sizeof(*more));

        if (!more) {
            kfree(f->known);
            f->known = NULL;
            f->noting = false;
            return;
        }
        if (f->count) {
            memcpy(more, f->known, f->count * sizeof(*more));
        }
        kfree(f->known);
        f->known = more;
        f->room = room;
    }
    f->known[f->count++] = *site;
}

static bool find_next(struct finder *f, struct patch_site *site)
{
    bool found;

    if (f->known && !f->noting) {
        found = f->next < f->count;
        if (found) {
            *site = f->known[f->next++];
        }
        return found;
    }
    found = patch_next(f->text, &f->pos, site);
    if (found && f->noting) {
        note(f, site);
    }
    return found;
}

/* The next sites that get slots. */
static unsigned find_sites(const struct slot_source *from, struct finder *f,
                           struct site *sites)
{
    const struct patch_text *text = f->text;
    unsigned count = 0;

    while (count < BATCH && find_next(f, &sites[count].site)) {
        struct site *s = &sites[count];
        s->slot = from->take(from->arg, &s->site, text->bytes + s->site.jump,
                             text->addr + s->site.jump);
        count += s->slot != 0;
    }
    return count;
}

/* Calls write for every site of text that got a slot, in order. Adds up how
 * many. False: not all were looked at. */
static bool rewrite(const struct slot_source *from, struct finder *f,
                    void (*write)(void *arg, size_t jump, uint64_t slot),
                    void *arg, uint64_t *total)
{
    struct site *sites = kmalloc(BATCH * sizeof(*sites));
    unsigned count;
    bool all = sites != NULL;

    do {
        count = sites ? find_sites(from, f, sites) : 0;
        if (count && from->install && from->install(from->arg)) {
            all = false;
            break;
        }
        for (unsigned i = 0; i < count; i++) {
            write(arg, sites[i].site.jump, sites[i].slot);
        }
        *total += count;
    } while (count == BATCH);
    kfree(sites);
    return all;
}

/* ---- slots of an address space's own ---- */

static uint64_t take_own(void *mm, const struct patch_site *site,
                         const uint8_t *code, uint64_t addr)
{
    return trampoline_take(mm, site, code, addr);
}

static int install_own(void *mm)
{
    return trampolines_install(mm, false);
}

/* A piece of a file, whose slots are complete with that. */
static int install_piece(void *mm)
{
    return trampolines_install(mm, true);
}

static struct slot_source own_slots(struct mm *mm, bool piece)
{
    return (struct slot_source){take_own, piece ? install_piece : install_own,
                                mm};
}

static void write_here(void *arg, size_t jump, uint64_t slot)
{
    const struct patch_text *text = arg;

    patch_apply((uint8_t *)text->bytes + jump, text->addr + jump, slot);
}

bool text_has_sites(const uint8_t *bytes, size_t len)
{
    struct patch_text text = {
        .bytes = bytes, .len = len, .hi = len, .cpuid = with_cpuid};

    return patch_candidate(&text, 0) < len;
}

uint64_t text_rewrite_from(const struct slot_source *source,
                           struct patch_text *text)
{
    struct finder f = {.text = text, .pos = text->lo};
    uint64_t sites = 0;

    text->cpuid = with_cpuid;
    rewrite(source, &f, write_here, text, &sites);
    return sites;
}

void text_rewrite(struct mm *mm, uint8_t *bytes, size_t len, size_t lo,
                  size_t hi, uint64_t addr)
{
    struct patch_text text = {.bytes = bytes,
                              .len = len,
                              .lo = lo,
                              .hi = hi,
                              .addr = addr,
                              .is_slot = is_slot,
                              .cpuid = with_cpuid,
                              .neighbours = true};

    struct slot_source own = own_slots(mm, true);
    struct finder f = {.text = &text, .pos = lo};
    struct text_key key = text_key(&text);

    f.noting = !text_recall(&key, &f.known, &f.count);
    if (rewrite(&own, &f, write_here, &text, &mm->sites_patched) && f.noting) {
        text_remember(&key, f.known, f.count);
    }
    kfree(f.known);
}

/* ---- in place ---- */

/* Nothing is brought in here: mm->lock is held. */
static void write_there(void *arg, size_t jump, uint64_t slot)
{
    const struct patch_text *text = arg;
    uint64_t addr = text->addr + jump;
    uint8_t bytes[JUMP];

    patch_apply(bytes, addr, slot);
    if (arch_user_copy((void *)addr, bytes, sizeof(bytes))) {
        log_warn("code at %lx cannot be rewritten", addr);
    }
}

/* The program may still write to its pages, so a copy is searched. */
static void rewrite_piece(struct mm *mm, uint8_t *copy, uint64_t lo,
                          uint64_t hi, uint64_t run_start, uint64_t run_end)
{
    uint64_t from = lo - MIN(lo - run_start, (uint64_t)PATCH_CONTEXT_BEFORE);
    uint64_t to = hi + MIN(run_end - hi, (uint64_t)PATCH_CONTEXT_AFTER);
    struct patch_text text = {.bytes = copy,
                              .len = to - from,
                              .lo = lo - from,
                              .hi = hi - from,
                              .addr = from,
                              .is_slot = is_slot,
                              .cpuid = with_cpuid,
                              .neighbours = true};

    if (arch_user_copy(copy, (const void *)from, to - from) == 0) {
        struct slot_source own = own_slots(mm, false);
        struct finder f = {.text = &text, .pos = text.lo};
        rewrite(&own, &f, write_there, &text, &mm->sites_patched);
    }
}

static void rewrite_run(struct mm *mm, uint64_t start, uint64_t end, int prot)
{
    const size_t pages = (PIECE + 2 * PAGE_SIZE) / PAGE_SIZE;
    uint8_t *copy = page_alloc(pages);

    if (copy &&
        (prot & PROT_WRITE ||
         target_mem_protect(start, end - start, MEM_READ | MEM_WRITE) == 0)) {
        trampolines_release(mm, start, end, true);
        for (uint64_t at = start; at < end; at += PIECE) {
            rewrite_piece(mm, copy, at, MIN(end, at + PIECE), start, end);
        }
    }
    page_free(copy, pages);
}

void text_rewrite_resident(struct mm *mm, struct vma *v)
{
    uint64_t at = v->start, end;

    if (v->end - v->start > IN_PLACE_MAX) {
        return;
    }
    for (; resident_run(&mm->resident, &at, v->end, &end); at = end) {
        rewrite_run(mm, at, end, v->prot);
    }
}
