/* SPDX-License-Identifier: MIT
 *
 * What an address in a trampoline stands for. Traps ask, from a signal handler,
 * which must neither lock nor touch user memory: the kernel's own pages of the
 * slots are found in a global table by the address's upper bits. Entries appear
 * and go with one store each, the pages live as long as the address space, and
 * who looks up an address runs in it.
 */
#include "kernel/mm/text/trampoline.h"
#include "abi/linux/errno.h"
#include "lib/atomic.h"
#include "lib/hash.h"
#include "lib/string.h"

enum {
    TABLE = 16384, /* regions in all, about */
    PROBES = 64,
    JUMP = 5, /* bytes at a site */
    SYSCALL_LEN = 2,
    MOVED_MAX = PATCH_SLOT, /* at most before the SYSCALL */
};

/* key: the region's start; 0: never used, 1: free again. Written under
 * table_lock; the key last, first when it goes. */
static struct entry {
    uint64_t key;
    const struct mm *mm; /* members of a family have the same addresses */
    struct slot_set *set;
} table[TABLE];
static struct spinlock table_lock = SPINLOCK_INIT(LOCK_HEAP);

static struct entry *probe(const struct mm *mm, uint64_t start, unsigned i)
{
    return &table[(hash_u64((uint64_t)mm, start) + i) % TABLE];
}

static struct slot_set *lookup(uint64_t addr)
{
    uint64_t start = ALIGN_DOWN(addr, (uint64_t)TRAMPOLINE_SIZE);
    const struct mm *mm = current_task()->mm;

    for (unsigned i = 0; i < PROBES; i++) {
        struct entry *e = probe(mm, start, i);
        uint64_t key = atomic_load_acquire(&e->key);
        if (key == start && e->mm == mm) {
            return e->set;
        }
        if (!key) {
            break;
        }
    }
    return NULL;
}

int table_add(const struct mm *mm, uint64_t start, struct slot_set *set)
{
    int err = -ENOMEM;

    spin_lock(&table_lock);
    for (unsigned i = 0; i < PROBES && err; i++) {
        struct entry *e = probe(mm, start, i);
        if (e->key <= 1) {
            e->set = set;
            e->mm = mm;
            atomic_store_release(&e->key, start);
            err = 0;
        }
    }
    spin_unlock(&table_lock);
    return err;
}

void table_remove(const struct mm *mm, uint64_t start)
{
    spin_lock(&table_lock);
    for (unsigned i = 0; i < PROBES; i++) {
        struct entry *e = probe(mm, start, i);
        if (e->key == start && e->mm == mm) {
            atomic_store_release(&e->key, 1);
            break;
        }
    }
    spin_unlock(&table_lock);
}

/* The bytes of the slot that addr lies in, or NULL. */
static const uint8_t *slot_bytes(uint64_t addr, uint64_t *slot)
{
    const struct slot_set *set = lookup(addr);
    const uint8_t *page = NULL;

    if (set) {
        page = atomic_load_acquire(
            &set->pages[addr % TRAMPOLINE_SIZE / PAGE_SIZE]);
    }
    *slot = ALIGN_DOWN(addr, (uint64_t)PATCH_SLOT);
    return page ? page + *slot % PAGE_SIZE : NULL;
}

bool mm_trampoline_rip(uint64_t rip, uint64_t *site_rip)
{
    uint64_t slot, program;
    const uint8_t *bytes = slot_bytes(rip, &slot);

    if (likely(!bytes)) {
        return false;
    }
    program = patch_slot_to_program(bytes, slot, rip);
    if (program) {
        *site_rip = program;
    }
    return program != 0;
}

bool trampoline_origin(uint64_t slot, struct patch_origin *out)
{
    uint64_t start;
    const uint8_t *bytes = slot_bytes(slot, &start);

    return bytes && start == slot && patch_slot_origin(bytes, slot, out);
}

/* rip is at a SYSCALL. */
static bool syscall_copy(uint64_t rip, uint64_t *copy_rip)
{
    uint8_t code[JUMP + MOVED_MAX];
    struct patch_origin o;
    int32_t rel;

    if (copy_from_user(code, uptr(rip - MOVED_MAX), MOVED_MAX)) {
        return false;
    }
    for (unsigned back = JUMP; back <= MOVED_MAX; back++) {
        const uint8_t *jump = code + MOVED_MAX - back;
        uint64_t addr = rip - back, slot;

        if (jump[0] != 0xe9) {
            continue;
        }
        memcpy(&rel, jump + 1, sizeof(rel));
        slot = addr + JUMP + (uint64_t)(int64_t)rel;
        if (trampoline_origin(slot, &o) && o.addr == addr &&
            o.len == back + SYSCALL_LEN) {
            *copy_rip = slot + back;
            return true;
        }
    }
    return false;
}

bool mm_moved_insn(uint64_t rip, uint64_t *copy_rip)
{
    uint8_t code[8] = {0};
    uint64_t slots[4], slot, to;
    unsigned count;

    if (copy_from_user_part(code, uptr(rip - 4), sizeof(code)) < 4) {
        return false;
    }
    if (code[4] == 0x0f && code[5] == 0x05) {
        return syscall_copy(rip, copy_rip);
    }
    count = patch_inner_slots(code, rip, slots);
    for (unsigned i = 0; i < count; i++) {
        const uint8_t *bytes = slot_bytes(slots[i], &slot);
        to = bytes && slot == slots[i] ? patch_program_to_slot(bytes, slot, rip)
                                       : 0;
        if (to) {
            *copy_rip = to;
            return true;
        }
    }
    return false;
}
