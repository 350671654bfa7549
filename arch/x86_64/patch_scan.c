/* SPDX-License-Identifier: MIT
 *
 * Finding system calls that can be rewritten.
 *
 * The bytes 0f 05 also occur inside other instructions and in data, and x86
 * cannot be decoded backwards. So the code before a candidate is decoded from
 * STARTS consecutive bytes, REACH bytes ahead of it. Decoding from a wrong
 * byte falls into step within a few instructions; a site is certain only when
 * every start that does not run into undefined bytes has fallen into one and
 * the same step CALM bytes before the SYSCALL and meets it exactly. Data fails
 * this: REACH bytes without an undefined, privileged or implausible
 * instruction do not happen by chance. Where an entry is known nearby,
 * decoding starts there instead.
 *
 * Then the neighbours are looked at: see pick_window().
 */
#include "arch/x86_64/decode.h"
#include "arch/x86_64/patch.h"
#include "lib/string.h"

enum {
    REACH = PATCH_CONTEXT_BEFORE,
    REACH_MOV = 192, /* enough where 7 bytes look right, not only 2 */
    STARTS = 16,     /* at least */
    STARTS_MAX = 64, /* as long as fewer than MEETS_MIN met the site */
    MEETS_MIN = 8,
    CALM = 24,
    TRAIL = 4, /* instructions before the SYSCALL that may be moved */
    JUMP = 5,
    MOVED_MAX = 17, /* what a slot holds beside its own instructions */
    NR_MAX = 1024,
    SYSCALL_SECOND = 0x05, /* behind 0f */
    CPUID_SECOND = 0xa2,
    HOT_REACH = 512,
    SHORT_REACH = 136, /* more than what a byte spans */
};

/* The instructions before a SYSCALL, nearest first. */
struct trail {
    size_t at[TRAIL];
    unsigned count;
};

/* ---- candidates ---- */

/* Where in [p, end), whole pieces of 16 bytes, a pair begins that has its first
 * byte of bytes[0] and its second of one of the others; end: nowhere. Reads a
 * byte more. All of a program's code goes through here. The vector registers
 * are the program's: they are kept meanwhile. */
static const uint8_t *find_pair(const uint8_t *p, const uint8_t *end,
                                const uint8_t bytes[3][16])
{
    uint8_t kept[6][16];
    uint32_t hits = 0;
    __asm__("movdqu %%xmm0, %[kept]\n\t"
            "movdqu %%xmm1, 16+%[kept]\n\t"
            "movdqu %%xmm2, 32+%[kept]\n\t"
            "movdqu %%xmm3, 48+%[kept]\n\t"
            "movdqu %%xmm4, 64+%[kept]\n\t"
            "movdqu %%xmm5, 80+%[kept]\n\t"
            "movdqu (%[bytes]), %%xmm3\n\t"
            "movdqu 16(%[bytes]), %%xmm4\n\t"
            "movdqu 32(%[bytes]), %%xmm5\n"
            "1:\tmovdqu (%[p]), %%xmm0\n\t"
            "movdqu 1(%[p]), %%xmm1\n\t"
            "movdqa %%xmm1, %%xmm2\n\t"
            "pcmpeqb %%xmm3, %%xmm0\n\t"
            "pcmpeqb %%xmm4, %%xmm1\n\t"
            "pcmpeqb %%xmm5, %%xmm2\n\t"
            "por %%xmm2, %%xmm1\n\t"
            "pand %%xmm1, %%xmm0\n\t"
            "pmovmskb %%xmm0, %[hits]\n\t"
            "test %[hits], %[hits]\n\t"
            "jnz 2f\n\t"
            "add $16, %[p]\n\t"
            "cmp %[end], %[p]\n\t"
            "jb 1b\n"
            "2:\tmovdqu %[kept], %%xmm0\n\t"
            "movdqu 16+%[kept], %%xmm1\n\t"
            "movdqu 32+%[kept], %%xmm2\n\t"
            "movdqu 48+%[kept], %%xmm3\n\t"
            "movdqu 64+%[kept], %%xmm4\n\t"
            "movdqu 80+%[kept], %%xmm5"
            : [p] "+r"(p), [hits] "=&r"(hits), [kept] "=o"(kept)
            : [end] "r"(end), [bytes] "r"(bytes)
            : "cc", "memory");
    return hits ? p + __builtin_ctz(hits) : end;
}

size_t patch_candidate(const struct patch_text *t, size_t from)
{
    const uint8_t second = t->cpuid ? CPUID_SECOND : SYSCALL_SECOND;
    const uint8_t *bytes = t->bytes;
    uint8_t wanted[3][16];
    size_t i = from;
    if (from + sizeof(wanted[0]) < t->hi) {
        memset(wanted[0], 0x0f, sizeof(wanted[0]));
        memset(wanted[1], SYSCALL_SECOND, sizeof(wanted[1]));
        memset(wanted[2], second, sizeof(wanted[2]));
        size_t len = ALIGN_DOWN(t->hi - from - 1, sizeof(wanted[0]));
        i = find_pair(bytes + from, bytes + from + len, wanted) - bytes;
    }
    for (; i + 2 <= t->hi; i++) {
        if (bytes[i] == 0x0f &&
            (bytes[i + 1] == SYSCALL_SECOND || bytes[i + 1] == second)) {
            return i;
        }
    }
    return t->hi;
}

/* ---- certainty ---- */

/* What compilers do not emit and programs hardly contain, but data that is
 * read as code does: system instructions, interrupts, far branches, odd old
 * ones, and the add %al,(%rax) that zeros are. */
static bool is_plausible(const uint8_t *code, const struct insn *insn)
{
    if (insn->ambiguous) {
        return false;
    }
    switch (code[0]) {
    case 0x00:
        return code[1] != 0;
    case 0xa0 ... 0xa3: /* MOV with a 64-bit address */
    case 0x8e:          /* MOV to a segment register */
    case 0xc8:          /* ENTER */
    case 0xca:          /* far RET, IRET */
    case 0xcb:
    case 0xcf:
    case 0xd7: /* XLAT */
    case 0xe0: /* LOOPNE, LOOPE */
    case 0xe1:
    case 0xf1: /* INT1 */
        return false;
    case 0xcd: /* INT: Go has 3, old code 0x80 */
        return code[1] == 0x80 || code[1] == 3;
    case 0xff: /* far CALL and JMP */
        return (code[1] & 0x38) != 0x18 && (code[1] & 0x38) != 0x28;
    case 0xf4: /* HLT ends functions that must not return */
        return true;
    default:
        return insn->kind != INSN_PRIVILEGED;
    }
}

/* Behind a jump of ours may be the rest of a moved instruction. */
static bool is_our_jump(const struct patch_text *t, size_t at,
                        const struct insn *insn)
{
    return insn->kind == INSN_JMP && insn->rel_size == 4 && t->is_slot &&
           t->is_slot(t->addr + at + insn->len + insn->rel);
}

/* The length of the instruction at `at`; 0 when decoding ends there. */
static size_t step(const struct patch_text *t, size_t at)
{
    struct insn insn;
    int len = t->len - at >= INSN_ROOM ? decode_common(t->bytes + at) : 0;
    if (len) {
        return len;
    }
    len = decode_insn(t->bytes + at, t->len - at, &insn);
    if (!len || !is_plausible(t->bytes + at, &insn) ||
        is_our_jump(t, at, &insn)) {
        return 0;
    }
    return len;
}

enum fate { UNDEFINED, MEETS, MISSES };

/* Decodes from start up to the site, noting where instructions begin. */
static enum fate walk(const struct patch_text *t, size_t start, size_t site,
                      struct trail *trail)
{
    size_t ring[TRAIL] = {0}, count = 0;
    while (start < site) {
        size_t len = step(t, start);
        if (!len) {
            return UNDEFINED;
        }
        ring[count++ % TRAIL] = start;
        start += len;
    }
    trail->count = MIN(count, (size_t)TRAIL);
    for (unsigned i = 0; i < trail->count; i++) {
        trail->at[i] = ring[(count - 1 - i) % TRAIL];
    }
    return start == site ? MEETS : MISSES;
}

/* The same for many starts: each walk ends where an earlier one was. */
struct walks {
    size_t base, site;
    uint8_t visitor[REACH]; /* which walk was here, from 1; 0: none */
    uint8_t fate[STARTS_MAX + 1];
    unsigned meets;
};

static enum fate walk_until_known(const struct patch_text *t, struct walks *w,
                                  unsigned id, size_t start)
{
    while (start < w->site) {
        uint8_t *visitor = &w->visitor[start - w->base];
        if (*visitor) {
            bool too_late = start + CALM > w->site;
            enum fate fate = w->fate[*visitor];
            return fate == MEETS && too_late ? MISSES : fate;
        }
        *visitor = id;
        size_t len = step(t, start);
        if (!len) {
            return UNDEFINED;
        }
        start += len;
    }
    return start == w->site ? MEETS : MISSES;
}

static bool all_meet(const struct patch_text *t, struct walks *w)
{
    for (unsigned id = 1; id <= STARTS_MAX; id++) {
        if (id > STARTS && w->meets >= MEETS_MIN) {
            break;
        }
        size_t start = w->base + id - 1;
        w->fate[id] = walk_until_known(t, w, id, start);
        if (w->fate[id] == MISSES) {
            return false;
        }
        w->meets += w->fate[id] == MEETS;
    }
    return w->meets >= MEETS_MIN;
}

/* The last known entry at or before the site and not far from it. */
static bool near_entry(const struct patch_text *t, size_t site, size_t *entry)
{
    size_t lo = 0, hi = t->entry_count;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (t->entries[mid] <= site) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    if (lo == 0 || site - t->entries[lo - 1] > REACH) {
        return false;
    }
    *entry = t->entries[lo - 1];
    return true;
}

/* The last instructions, which all that met the site went through. */
static void trail_of(const struct walks *w, struct trail *trail)
{
    trail->count = 0;
    for (size_t at = w->site; at-- > w->site - CALM && trail->count < TRAIL;) {
        uint8_t visitor = w->visitor[at - w->base];
        if (visitor && w->fate[visitor] == MEETS) {
            trail->at[trail->count++] = at;
        }
    }
}

/* Decodes from the bytes before, without an entry. */
static bool converges(const struct patch_text *t, size_t site, size_t reach,
                      struct trail *trail)
{
    if (site < reach) {
        return false;
    }
    struct walks w = {.base = site - reach, .site = site};
    if (!all_meet(t, &w)) {
        return false;
    }
    trail_of(&w, trail);
    return true;
}

/* Whether an instruction begins at site for certain; then what precedes it,
 * as far as that is certain too. */
static bool is_certain(const struct patch_text *t, size_t site, size_t reach,
                       struct trail *trail)
{
    size_t entry;
    if (!near_entry(t, site, &entry)) {
        return converges(t, site, reach, trail);
    }
    if (entry == site) {
        if (!converges(t, site, reach, trail)) {
            trail->count = 0;
        }
        return true;
    }
    return walk(t, entry, site, trail) == MEETS;
}

/* ---- neighbours ---- */

static bool is_movable(const struct patch_text *t, size_t at, struct insn *insn)
{
    return decode_insn(t->bytes + at, t->len - at, insn) && insn->movable;
}

static int32_t load_rel32(const uint8_t *p)
{
    int32_t rel;
    memcpy(&rel, p, sizeof(rel));
    return rel;
}

/* Whether what may be a short branch, its displacement at `at`, is one. */
static bool is_short_branch(const uint8_t *p)
{
    return (p[0] & 0xf0) == 0x70 || p[0] == 0xeb ||
           (p[0] >= 0xe0 && p[0] <= 0xe3);
}

/* The opcode of a near branch ends right before p, which has `before` bytes
 * before it. */
static bool is_near_branch(const uint8_t *p, size_t before)
{
    return (before >= 1 && (p[-1] == 0xe8 || p[-1] == 0xe9)) ||
           (before >= 2 && p[-2] == 0x0f && (p[-1] & 0xf0) == 0x80);
}

static bool is_inner(const struct patch_site *site, uint32_t offset)
{
    return offset < JUMP && site->inner >> offset & 1;
}

/* Whether a direct branch nearby leads to an inner instruction. That would
 * be right, but a trap each time. Nearly no four bytes lead there, so the
 * opcode before them is looked at last. */
static bool is_hot_inside(const struct patch_text *t,
                          const struct patch_site *site)
{
    const uint8_t *bytes = t->bytes;
    size_t jump = site->jump;
    if (t->trapped) {
        return false;
    }
    size_t from = jump - MIN(jump, (size_t)HOT_REACH);
    size_t end = MIN(t->len, jump + HOT_REACH);
    for (size_t at = from + 1; at + 4 <= end; at++) {
        uint32_t offset = at + 4 - jump + (uint32_t)load_rel32(bytes + at);
        if (offset < JUMP && is_inner(site, offset) &&
            is_near_branch(bytes + at, at - from)) {
            return true;
        }
    }
    from = jump - MIN(jump, (size_t)SHORT_REACH);
    end = MIN(t->len, jump + SHORT_REACH);
    for (size_t at = from + 1; at < end; at++) {
        uint32_t offset = at + 1 - jump + (uint32_t)(int8_t)bytes[at];
        if (offset < JUMP && is_inner(site, offset) &&
            is_short_branch(bytes + at - 1)) {
            return true;
        }
    }
    return false;
}

/* First tier: mov $nr,%eax right before. */
static bool looks_like_mov(const struct patch_text *t, size_t site)
{
    uint32_t nr;
    if (site < JUMP || t->bytes[site - JUMP] != 0xb8) {
        return false;
    }
    memcpy(&nr, t->bytes + site - sizeof(nr), sizeof(nr));
    return nr < NR_MAX;
}

static bool try_mov(const struct patch_text *t, size_t at,
                    struct patch_site *site)
{
    struct trail trail;
    if (!looks_like_mov(t, at) || !is_certain(t, at, REACH_MOV, &trail) ||
        trail.count == 0 || trail.at[0] != at - JUMP) {
        return false;
    }
    site->kind = PATCH_BEFORE;
    site->jump = at - JUMP;
    site->moved = JUMP;
    return true;
}

/* `mov $15,%rax; syscall` is how unwinders know a signal frame. */
static bool is_restorer(const struct patch_text *t, size_t site)
{
    static const uint8_t mov[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0};
    return site >= sizeof(mov) &&
           memcmp(t->bytes + site - sizeof(mov), mov, sizeof(mov)) == 0;
}

/* Padding, as likely as not: what follows is where a function begins or a
 * loop, and a jump in its place would never be met. */
static bool is_nop(const struct patch_text *t, size_t at)
{
    const uint8_t *p = t->bytes + at;
    while (*p == 0x66 || *p == 0x2e) {
        p++;
    }
    return p[0] == 0x90 || (p[0] == 0x0f && p[1] == 0x1f);
}

/* Second tier, before: as few instructions as cover 5 bytes, those but the
 * first beginning at most `inner_max` bytes into the jump. */
static bool pick_before(const struct patch_text *t, const struct trail *trail,
                        unsigned inner_max, struct patch_site *site)
{
    struct insn insn;
    site->kind = PATCH_BEFORE;
    site->inner = 0;
    for (unsigned i = 0; i < trail->count; i++) {
        size_t at = trail->at[i], moved = site->syscall - at;
        if (moved > MOVED_MAX || !is_movable(t, at, &insn) ||
            (!t->trapped && is_nop(t, at))) {
            return false;
        }
        if (moved < JUMP) {
            continue;
        }
        for (unsigned j = 0; j < i; j++) {
            size_t offset = trail->at[j] - at;
            site->inner |= offset < JUMP ? 1 << offset : 0;
        }
        site->jump = at;
        site->moved = moved;
        if (at >= t->lo && site->inner < 2 << inner_max &&
            !is_hot_inside(t, site)) {
            return true;
        }
        if (!t->trapped) {
            return false;
        }
        site->inner = 0; /* one more may cover the 5 bytes alone */
    }
    return false;
}

/* Second tier, after: one instruction of at least 3 bytes, unless it is what
 * the next site needs. */
static bool pick_after(const struct patch_text *t, struct patch_site *site)
{
    struct insn insn, next;
    size_t at = site->syscall + 2;
    if (at >= t->len || !is_movable(t, at, &insn) || insn.len < JUMP - 2 ||
        insn.len > MOVED_MAX - JUMP) {
        return false;
    }
    size_t behind = at + insn.len;
    if (decode_insn(t->bytes + behind, t->len - behind, &next) &&
        next.kind == INSN_SYSCALL) {
        return false;
    }
    site->kind = PATCH_AFTER;
    site->jump = site->syscall;
    site->moved = insn.len;
    site->inner = 1 << 2;
    return !is_hot_inside(t, site);
}

/* An inner instruction fixes a byte of the distance to the slot. The third
 * byte is fixed for a whole area of slots: try that last. */
static bool try_neighbour(const struct patch_text *t, size_t at,
                          struct patch_site *site)
{
    struct trail trail;
    return is_certain(t, at, REACH, &trail) &&
           (pick_before(t, &trail, 2, site) || pick_after(t, site) ||
            pick_before(t, &trail, 3, site));
}

bool patch_at(const struct patch_text *t, size_t at, struct patch_site *site)
{
    *site = (struct patch_site){.syscall = at,
                                .cpuid = t->bytes[at + 1] == CPUID_SECOND};
    if (is_restorer(t, at) ||
        (!try_mov(t, at, site) &&
         !(t->neighbours && try_neighbour(t, at, site)))) {
        return false;
    }
    size_t end = MAX(site->jump + JUMP, at + 2);
    return site->jump >= t->lo && end <= t->hi;
}

bool patch_next(const struct patch_text *text, size_t *pos,
                struct patch_site *site)
{
    struct patch_text t = *text;
    t.lo = MAX(t.lo, *pos);
    while (*pos < t.hi) {
        size_t at = patch_candidate(&t, *pos);
        if (at >= t.hi) {
            break;
        }
        *pos = at + 2;
        if (patch_at(&t, at, site)) {
            *pos = MAX(*pos, site->jump + JUMP);
            return true;
        }
    }
    *pos = t.hi;
    return false;
}
