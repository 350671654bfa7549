/* SPDX-License-Identifier: MIT
 *
 * Rewriting system calls: `syscall` would trap, a jump does not.
 *
 * A site gets a slot (PATCH_SLOT bytes of code within 2 GiB), and a
 * `jmp rel32` to it over some instructions beside the SYSCALL, which move into
 * the slot. Two forms:
 *
 *   PATCH_BEFORE  the 5 bytes are before the SYSCALL, which stays where it
 *                 is: a jump straight to it still traps and still works.
 *                     site: jmp slot; [rest]; syscall; back: ...
 *                     slot: moved; lea back,%rcx; jmp *%gs:ENTRY
 *                 The adjacent-mov tier is `mov $nr,%eax; syscall` of this.
 *   PATCH_AFTER   they are the SYSCALL and what is behind it.
 *                     site: jmp slot; [rest]; back: ...
 *                     slot: lea 1f,%rcx; jmp *%gs:ENTRY; 1: moved; jmp back
 *                 RCX, hence the RIP that the kernel saves, is then in the
 *                 slot: patch_slot_to_program() before anybody looks at it.
 *
 * CPUID, where it traps too (an enclave, a virtual machine), is rewritten in
 * the same forms, with RBX, which it overwrites, in place of RCX and an entry
 * of its own.
 *
 * Never a guess: a site counts only when the bytes are instructions beyond
 * doubt (patch_scan.c). Where a moved instruction other than the first may be
 * a jump's target nobody can know, so the bytes of the rel32 that lie where
 * it began are made undefined opcodes, by the choice of the slot's address
 * (patch_slot_fit): who jumps there gets #UD, and the kernel sends him to the
 * moved copy (patch_inner_slots, patch_program_to_slot).
 *
 * A slot describes itself: all maps are computed from its 32 bytes, without
 * tables or locks. Pure functions, no memory but their arguments'.
 *
 *     struct patch_site site;
 *     for (size_t pos = text.lo; patch_next(&text, &pos, &site);) {
 *         code = staging + site.jump, addr = text.addr + site.jump;
 *         slot = lowest free one from patch_slot_fit(&site, addr, area);
 *         if (patch_slot_write(buf, slot, &site, code, addr)) {
 *             patch_apply(code, addr, slot);
 *         }
 *     }
 */
#ifndef ARCH_X86_64_PATCH_H
#define ARCH_X86_64_PATCH_H

#include "lib/types.h"

enum {
    PATCH_SLOT = 32,            /* bytes of a slot, and its alignment */
    PATCH_CONTEXT_BEFORE = 256, /* what patch_next() wants to see around */
    PATCH_CONTEXT_AFTER = 32,   /* [lo, hi), where it exists */
};

/* A piece of code. Offsets are into bytes. */
struct patch_text {
    const uint8_t *bytes; /* not rewritten yet, unless is_slot is given */
    size_t len;
    size_t lo, hi; /* what may be changed; the rest is context */
    uint64_t addr; /* of bytes[0] */
    /* Where instructions are known to start (the ELF entry, symbols of
     * functions, a trapped SYSCALL), ascending. May be none. */
    const size_t *entries;
    size_t entry_count;
    /* Whether addr is a slot: tells our jumps in code that was rewritten
     * before. What follows one closely is then left alone. May be NULL. */
    bool (*is_slot)(uint64_t addr);
    bool neighbours; /* also the second tier, beyond `mov $nr,%eax` */
    bool cpuid;      /* also CPUIDs */
    /* It trapped: also what may be no gain, such as moved instructions that
     * branches lead to, or padding. Not worse than to trap each time. */
    bool trapped;
};

enum patch_kind { PATCH_BEFORE, PATCH_AFTER };

struct patch_site {
    size_t syscall; /* offset of the 0f 05, or of a CPUID's 0f a2 */
    size_t jump;    /* offset of the 5 bytes that become the jump */
    uint8_t kind;   /* enum patch_kind */
    uint8_t moved;  /* bytes of instructions that move into the slot */
    uint8_t inner;  /* bit n: a moved instruction began at jump + n, n < 5 */
    bool cpuid;
};

/* The lowest offset in [from, hi - 2] where a site may be, by its two bytes;
 * else hi. */
size_t patch_candidate(const struct patch_text *text, size_t from);

/* Finds the next site at or after *pos, which then is where to go on. False:
 * no more. Sites do not overlap. */
bool patch_next(const struct patch_text *text, size_t *pos,
                struct patch_site *site);

/* The site of the SYSCALL at offset `at`, if it can be rewritten. */
bool patch_at(const struct patch_text *text, size_t at,
              struct patch_site *site);

/* The lowest slot address >= from that this site (its jump at addr) can use;
 * 0 when there is none in reach. Any multiple of PATCH_SLOT in reach does for
 * a site without `inner`. */
uint64_t patch_slot_fit(const struct patch_site *site, uint64_t addr,
                        uint64_t from);

/* Writes the slot that will run at slot_addr. code: the bytes at the site's
 * jump offset, not yet rewritten; addr: their address. False when this slot
 * cannot serve it (not fitting, or a RIP-relative operand out of reach). */
bool patch_slot_write(uint8_t slot[PATCH_SLOT], uint64_t slot_addr,
                      const struct patch_site *site, const uint8_t *code,
                      uint64_t addr);

/* Writes the 5 bytes of the jump at addr over code. */
void patch_apply(uint8_t *code, uint64_t addr, uint64_t slot_addr);

/* What rip, inside the slot with these bytes at slot_addr, stands for in the
 * program: the instruction that it would execute or re-execute there. 0 when
 * the bytes are no slot. */
uint64_t patch_slot_to_program(const uint8_t slot[PATCH_SLOT],
                               uint64_t slot_addr, uint64_t rip);

/* What a slot was made from: len bytes of code at addr, the SYSCALL included,
 * and the first of them as they were (a RIP-relative operand apart). */
struct patch_origin {
    uint64_t addr;
    unsigned len;
    uint8_t code[5];
};
bool patch_slot_origin(const uint8_t slot[PATCH_SLOT], uint64_t slot_addr,
                       struct patch_origin *out);

/* The opposite, for rip at an instruction that the jump overwrote in part:
 * where its moved copy is, 0 when rip is not such a place of this slot. */
uint64_t patch_program_to_slot(const uint8_t slot[PATCH_SLOT],
                               uint64_t slot_addr, uint64_t rip);

/* After #UD at rip: the slots that a jump just before rip may lead to. code:
 * the 8 bytes from rip - 4 on. Returns how many; whoever asks checks that they
 * are slots before reading them, then asks patch_program_to_slot(). */
unsigned patch_inner_slots(const uint8_t code[8], uint64_t rip,
                           uint64_t slots[4]);

#endif
