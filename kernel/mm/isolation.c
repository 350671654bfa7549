/* SPDX-License-Identifier: MIT
 *
 * Fault isolation by protection keys: which key a family's part of the arena
 * has, and what its tasks may touch with it. The slots of a family carry its
 * key from when it takes them (slots.c) to when it gives them back; nothing is
 * re-keyed when tasks switch, only PKRU changes (core/gate.c).
 *
 * A program may touch its family's memory, read struct vcpu, and touch windows
 * once it has mapped something shared. The kernel may touch on its behalf all
 * that is the kernel's besides, and every window, but no other program's
 * memory: an address of that is -EFAULT like one where nothing is. Tasks of
 * the kernel may touch everything.
 *
 * There are fewer keys than there may be families; then some have the same.
 * Programs without a choice of address, which are one family, have one key for
 * those addresses in common, and each another for all that it has elsewhere.
 */
#include "kernel/mm/warm.h"
#include "kernel/kernel.h"
#include "lib/atomic.h"

enum { KEYS = 16, NO_ACCESS = 1, NO_WRITE = 2 }; /* of PKRU, by 2 * key */

static struct memory_keys keys;
/* Families by key, and those that wait for a process (warm.h); atomic. */
static uint32_t users[KEYS], idle[KEYS];

void isolation_init(const struct memory_keys *have)
{
    keys = *have;
}

/* Who lives counts, then who waits. */
static uint64_t crowd(unsigned key)
{
    return (uint64_t)atomic_load_relaxed(&users[key]) << 32 |
           atomic_load_relaxed(&idle[key]);
}

unsigned isolation_take_key(void)
{
    unsigned best = 0;

    for (unsigned i = 0; i < keys.program_count; i++) {
        unsigned key = keys.programs[i];
        if (!best || crowd(key) < crowd(best)) {
            best = key;
        }
    }
    atomic_fetch_add(&users[best], 1);
    if (best && atomic_load(&idle[best])) {
        warm_discard_key(best);
    }
    return best;
}

void isolation_share_key(unsigned key)
{
    atomic_fetch_add(&users[key], 1);
}

void isolation_drop_key(unsigned key)
{
    atomic_fetch_sub(&users[key], 1);
}

void isolation_drop_keys(const struct family *f)
{
    isolation_drop_key(f->key);
    if (f->splits) {
        isolation_drop_key(f->fixed_key);
    }
}

static bool is_unused(unsigned key)
{
    return !key || !atomic_load(&users[key]);
}

bool isolation_idle_keys(const struct family *f)
{
    atomic_fetch_add(&idle[f->key], 1);
    if (f->splits) {
        atomic_fetch_add(&idle[f->fixed_key], 1);
    }
    return is_unused(f->key) && (!f->splits || is_unused(f->fixed_key));
}

void isolation_wake_keys(const struct family *f)
{
    isolation_share_key(f->key);
    if (f->splits) {
        isolation_share_key(f->fixed_key);
    }
    isolation_drop_idle_keys(f);
}

void isolation_drop_idle_keys(const struct family *f)
{
    atomic_fetch_sub(&idle[f->key], 1);
    if (f->splits) {
        atomic_fetch_sub(&idle[f->fixed_key], 1);
    }
}

unsigned isolation_shared_key(void)
{
    return keys.shared;
}

static uint32_t bits(unsigned key, uint32_t what)
{
    return what << 2 * key;
}

/* All but key 0, which the host's own memory has. */
static uint32_t none(void)
{
    return ~bits(0, NO_ACCESS | NO_WRITE);
}

static vcpu_rights rights_of(unsigned key, unsigned fixed, bool windows)
{
    uint32_t kernel = none() & ~bits(key, NO_ACCESS | NO_WRITE) &
                      ~bits(fixed, NO_ACCESS | NO_WRITE);
    uint32_t user = kernel & ~bits(keys.vcpu, NO_ACCESS);

    kernel &= ~bits(keys.kernel, NO_ACCESS | NO_WRITE);
    kernel &= ~bits(keys.vcpu, NO_ACCESS | NO_WRITE);
    kernel &= ~bits(keys.shared, NO_ACCESS | NO_WRITE);
    if (windows) {
        user &= ~bits(keys.shared, NO_ACCESS | NO_WRITE);
    }
    return vcpu_rights_of(user, kernel);
}

void isolation_grant(struct mm *mm)
{
    const struct family *f = mm->family;
    unsigned key = mm->line ? mm->line_key : f->key;

    if (keys.program_count) {
        sched_gate_set_rights(
            &mm->gate,
            rights_of(key, f->splits ? f->fixed_key : key, mm->windows));
    }
}

void isolation_open(void)
{
    if (keys.program_count) {
        vcpu_write_pkru(0);
    }
}

void isolation_close(void)
{
    if (keys.program_count) {
        vcpu_write_pkru((uint32_t)(this_vcpu()->rights >> 32));
    }
}
