/* SPDX-License-Identifier: MIT
 *
 * Slots of rewritten system calls: writing them, and finding one's way
 * between a slot and the code that it serves. See patch.h for the two forms.
 *
 * Everything that a slot stands for is read back from its own bytes: the
 * entry sequence `lea disp32(%rip),%rcx; jmp *%gs:ENTRY` is searched for (or
 * CPUID's, with RBX); what
 * precedes it was moved, and the LEA's operand (PATCH_BEFORE) or the last
 * jump's (PATCH_AFTER) says where the program goes on.
 */
#include "arch/x86_64/decode.h"
#include "arch/x86_64/patch.h"
#include "arch/x86_64/vcpu.h"
#include "lib/string.h"

enum {
    JUMP = 5,
    LEA = 7,
    LEA_OPCODE = 3,
    ENTER = 8, /* jmp *%gs:ENTRY */
    ENTRY_SEQUENCE = LEA + ENTER,
    SYSCALL = 2,
    MOVED_MAX = PATCH_SLOT - ENTRY_SEQUENCE,
    TRIES = 1024,
};

/* What a slot does in place of an instruction. */
static const struct way {
    uint8_t lea[LEA_OPCODE], enter[ENTER];
    uint8_t code[SYSCALL]; /* the instruction */
} ways[] = {
    {{0x48, 0x8d, 0x0d},
     {0x65, 0xff, 0x24, 0x25, VCPU_SYSCALL_ENTRY, 0, 0, 0},
     {0x0f, 0x05}},
    {{0x48, 0x8d, 0x1d},
     {0x65, 0xff, 0x24, 0x25, VCPU_CPUID_ENTRY, 0, 0, 0},
     {0x0f, 0xa2}},
};
_Static_assert(VCPU_SYSCALL_ENTRY < 256 && VCPU_CPUID_ENTRY < 256,
               "disp32 of the jump through GS");

static void put32(uint8_t *p, int32_t value)
{
    memcpy(p, &value, sizeof(value));
}

static int32_t get32(const uint8_t *p)
{
    int32_t value;
    memcpy(&value, p, sizeof(value));
    return value;
}

/* from: the end of the instruction that holds the displacement. */
static bool in_reach(uint64_t from, uint64_t to)
{
    int64_t distance = to - from;
    return distance == (int32_t)distance;
}

/* ---- the choice of a slot ---- */

/* One byte that is #UD in 64-bit mode whatever follows (SDM vol. 2 A.3). */
static bool is_undefined_opcode(uint8_t byte)
{
    switch (byte) {
    case 0x06:
    case 0x07:
    case 0x0e:
    case 0x16:
    case 0x17:
    case 0x1e:
    case 0x1f:
    case 0x27:
    case 0x2f:
    case 0x37:
    case 0x3f:
    case 0x60:
    case 0x61:
    case 0x82:
    case 0x9a:
    case 0xce:
    case 0xd4:
    case 0xea:
        return true;
    default:
        return false;
    }
}

/* The same for the last two bytes of a short distance back: FE /7 or FF /7 on a
 * register (A.4, groups 4 and 5). */
static bool is_undefined_pair(uint32_t rel, unsigned offset)
{
    return offset == JUMP - 2 && rel >= 0xfffe0000;
}

/* The lowest n > 0 such that changing rel by it may help: the highest byte
 * that is wrong must change. 0: nothing is wrong. */
static uint64_t distance_to_fit(const struct patch_site *site, uint32_t rel)
{
    for (unsigned offset = JUMP - 1; offset > 0; offset--) {
        unsigned shift = (offset - 1) * 8;
        if (site->inner >> offset & 1 && !is_undefined_opcode(rel >> shift) &&
            !is_undefined_pair(rel, offset)) {
            uint64_t unit = 1ull << shift;
            return unit - (rel & (unit - 1));
        }
    }
    return 0;
}

uint64_t patch_slot_fit(const struct patch_site *site, uint64_t addr,
                        uint64_t from)
{
    uint64_t end = addr + JUMP;
    uint64_t lowest = end > 0x80000000 ? end - 0x80000000 : 0;
    uint64_t slot = ALIGN_UP(MAX(MAX(from, lowest), 1ul), PATCH_SLOT);
    /* A fixed lowest byte has 8 values to try, since slots are aligned, and
     * may have none that fits. */
    for (int tries = 0; tries < TRIES && in_reach(end, slot); tries++) {
        uint64_t more = distance_to_fit(site, slot - end);
        if (more == 0) {
            return slot;
        }
        slot = ALIGN_UP(slot + more, PATCH_SLOT);
    }
    return 0;
}

/* ---- writing ---- */

/* Copies instructions of len bytes from code, at addr, to where they will be
 * at to_addr. */
static bool move_code(uint8_t *to, uint64_t to_addr, const uint8_t *code,
                      uint64_t addr, size_t len)
{
    struct insn insn;
    memcpy(to, code, len);
    for (size_t at = 0; at < len; at += insn.len) {
        if (!decode_insn(code + at, len - at, &insn) || !insn.movable) {
            return false;
        }
        if (insn.rip_disp) {
            int64_t disp = get32(code + at + insn.rip_disp);
            disp += addr - to_addr;
            if (disp != (int32_t)disp) {
                return false;
            }
            put32(to + at + insn.rip_disp, disp);
        }
    }
    return true;
}

static void write_entry(uint8_t *slot, const struct way *way, uint64_t addr,
                        uint64_t back)
{
    memcpy(slot, way->lea, LEA_OPCODE);
    put32(slot + LEA_OPCODE, back - (addr + LEA));
    memcpy(slot + LEA, way->enter, ENTER);
}

static bool write_before(uint8_t *slot, uint64_t slot_addr,
                         const struct patch_site *site, const uint8_t *code,
                         uint64_t addr)
{
    uint64_t entry = slot_addr + site->moved;
    uint64_t back = addr + site->moved + SYSCALL;
    if (site->moved > MOVED_MAX || !in_reach(entry + LEA, back) ||
        !move_code(slot, slot_addr, code, addr, site->moved)) {
        return false;
    }
    write_entry(slot + site->moved, &ways[site->cpuid], entry, back);
    return true;
}

static bool write_after(uint8_t *slot, uint64_t slot_addr,
                        const struct patch_site *site, const uint8_t *code,
                        uint64_t addr)
{
    uint64_t resume = slot_addr + ENTRY_SEQUENCE;
    uint64_t jump = resume + site->moved;
    uint64_t back = addr + SYSCALL + site->moved;
    if (site->moved > MOVED_MAX - JUMP || !in_reach(jump + JUMP, back) ||
        !move_code(slot + ENTRY_SEQUENCE, resume, code + SYSCALL,
                   addr + SYSCALL, site->moved)) {
        return false;
    }
    write_entry(slot, &ways[site->cpuid], slot_addr, resume);
    patch_apply(slot + (jump - slot_addr), jump, back);
    return true;
}

bool patch_slot_write(uint8_t slot[PATCH_SLOT], uint64_t slot_addr,
                      const struct patch_site *site, const uint8_t *code,
                      uint64_t addr)
{
    uint64_t end = addr + JUMP;
    if (!in_reach(end, slot_addr) ||
        distance_to_fit(site, slot_addr - end) != 0) {
        return false;
    }
    memset(slot, 0xcc, PATCH_SLOT);
    return site->kind == PATCH_BEFORE
               ? write_before(slot, slot_addr, site, code, addr)
               : write_after(slot, slot_addr, site, code, addr);
}

void patch_apply(uint8_t *code, uint64_t addr, uint64_t slot_addr)
{
    code[0] = 0xe9;
    put32(code + 1, slot_addr - (addr + JUMP));
}

/* ---- reading back ---- */

struct slot_facts {
    enum patch_kind kind;
    const struct way *way;
    uint64_t site; /* address of the jump to the slot */
    unsigned moved;
};

/* The offset of the last jump of a PATCH_AFTER slot; 0: none. */
static unsigned find_jump_back(const uint8_t *slot)
{
    struct insn insn;
    unsigned at = ENTRY_SEQUENCE;
    while (at + JUMP <= PATCH_SLOT) {
        if (slot[at] == 0xe9) {
            return at;
        }
        if (!decode_insn(slot + at, PATCH_SLOT - at, &insn)) {
            break;
        }
        at += insn.len;
    }
    return 0;
}

static const struct way *way_at(const uint8_t *code)
{
    for (unsigned i = 0; i < ARRAY_SIZE(ways); i++) {
        if (memcmp(code, ways[i].lea, LEA_OPCODE) == 0 &&
            memcmp(code + LEA, ways[i].enter, ENTER) == 0) {
            return &ways[i];
        }
    }
    return NULL;
}

static bool read_slot(const uint8_t *slot, uint64_t slot_addr,
                      struct slot_facts *out)
{
    const struct way *way = way_at(slot);
    unsigned at = 0;
    while (!way) {
        if (++at > MOVED_MAX) {
            return false;
        }
        way = way_at(slot + at);
    }
    if (at > 0) {
        uint64_t back = slot_addr + at + LEA + get32(slot + at + LEA - 4);
        *out = (struct slot_facts){PATCH_BEFORE, way, back - SYSCALL - at, at};
        return true;
    }
    unsigned jump = find_jump_back(slot);
    uint64_t back = slot_addr + jump + JUMP + get32(slot + jump + 1);
    unsigned moved = jump - ENTRY_SEQUENCE;
    *out = (struct slot_facts){PATCH_AFTER, way, back - SYSCALL - moved, moved};
    return jump != 0;
}

uint64_t patch_slot_to_program(const uint8_t slot[PATCH_SLOT],
                               uint64_t slot_addr, uint64_t rip)
{
    struct slot_facts facts;
    uint64_t offset = rip - slot_addr;
    if (offset >= PATCH_SLOT || !read_slot(slot, slot_addr, &facts)) {
        return 0;
    }
    if (facts.kind == PATCH_BEFORE) {
        /* Behind the moved instructions: about to do the SYSCALL. */
        return facts.site + MIN(offset, (uint64_t)facts.moved);
    }
    if (offset < ENTRY_SEQUENCE) {
        return facts.site;
    }
    offset -= ENTRY_SEQUENCE;
    return facts.site + SYSCALL + MIN(offset, (uint64_t)facts.moved);
}

bool patch_slot_origin(const uint8_t slot[PATCH_SLOT], uint64_t slot_addr,
                       struct patch_origin *out)
{
    struct slot_facts facts;
    if (!read_slot(slot, slot_addr, &facts)) {
        return false;
    }
    out->addr = facts.site;
    out->len = SYSCALL + facts.moved;
    if (facts.kind == PATCH_BEFORE) {
        memcpy(out->code, slot, JUMP);
    } else {
        memcpy(out->code, facts.way->code, SYSCALL);
        memcpy(out->code + SYSCALL, slot + ENTRY_SEQUENCE, JUMP - SYSCALL);
    }
    return true;
}

uint64_t patch_program_to_slot(const uint8_t slot[PATCH_SLOT],
                               uint64_t slot_addr, uint64_t rip)
{
    struct slot_facts facts;
    if (!read_slot(slot, slot_addr, &facts)) {
        return 0;
    }
    uint64_t offset = rip - facts.site;
    if (offset == 0 || offset >= JUMP) {
        return 0;
    }
    if (facts.kind == PATCH_BEFORE) {
        return slot_addr + offset;
    }
    return offset < SYSCALL ? 0 : slot_addr + ENTRY_SEQUENCE + offset - SYSCALL;
}

unsigned patch_inner_slots(const uint8_t code[8], uint64_t rip,
                           uint64_t slots[4])
{
    unsigned count = 0;
    for (unsigned back = 1; back <= 4; back++) {
        const uint8_t *jump = code + 4 - back;
        if (jump[0] == 0xe9) {
            slots[count++] = rip - back + JUMP + get32(jump + 1);
        }
    }
    return count;
}
