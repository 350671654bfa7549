/* SPDX-License-Identifier: MIT */
/*
 * Protection keys. Two are ours, the highest that the kernel gives: one on
 * our own state, always closed for the program, and one on enclave pages to
 * which the program gave none, open in enclave mode only. Inside, that key
 * stands for key 0: PKRU's bits for it follow those of key 0, and when code
 * in the enclave writes PKRU without knowing of it, the first fault puts it
 * right (pagefault.c). Keys that the program put on enclave pages are closed
 * outside, and remembered.
 *
 * Without PKU everything still runs, but nothing is hidden.
 */
#include "sgxemu/emu.h"

#include <sys/mman.h>

#define PKRU_INIT 0x55555554u /* the kernel's: only key 0 open */
#define DENY(key) (3u << (2 * (key)))

int key_state = -1, key_enclave = -1;
struct open_pages open_pages __attribute__((aligned(4096)));
_Static_assert(offsetof(struct open_pages, return_slots) == PAGE, "entry.S");
_Static_assert(sizeof(struct open_pages) % PAGE == 0, "nothing beside it");
static uint32_t used; /* DENY() of the program's keys on enclave pages */

void pkeys_init(void)
{
    int keys[16], n = 0;
    long key;

    while (n < 16 && (key = sys2(SYS_pkey_alloc, 0, 0)) > 0) {
        keys[n++] = (int)key;
    }
    if (n >= 2) {
        key_state = keys[--n];
        key_enclave = keys[--n];
        open_pages.keys_present[0] = 1;
    } else {
        complain("sgxemu: WARNING: no protection keys: the program can read "
                 "and write enclave memory, and the emulator's; "
                 "pkey_mprotect(2) fails\n");
    }
    while (n > 0) {
        sys1(SYS_pkey_free, keys[--n]);
    }
}

void pkeys_protect_state(void)
{
    extern char __data_start[], _end[];
    uint64_t from = PAGE_UP(__data_start), to = PAGE_DOWN(_end);
    uint64_t open = (uint64_t)&open_pages, size = sizeof(open_pages);

    if (key_state < 0) {
        return;
    }
    sys3(SYS_mprotect, open, PAGE, PROT_READ);
    if (open < from || open >= to) {
        open = to;
    }
    if (from < open) {
        sys4(SYS_pkey_mprotect, from, open - from, PROT_READ | PROT_WRITE,
             key_state);
    }
    if (open + size < to) {
        sys4(SYS_pkey_mprotect, open + size, to - open - size,
             PROT_READ | PROT_WRITE, key_state);
    }
}

void pkeys_use(int key)
{
    if (key > 0) {
        __atomic_or_fetch(&used, DENY(key), __ATOMIC_RELAXED);
    }
}

uint32_t pkru_closed(uint32_t value)
{
    if (key_state < 0) {
        return value;
    }
    return value | DENY(key_state) | DENY(key_enclave) | used;
}

uint32_t pkru_outside(struct thread *t, uint32_t inside)
{
    t->outside_pkru = inside;
    return pkru_closed(inside);
}

/* Also repairs a value that the enclave wrote: outside == inside then. */
uint32_t pkru_inside(struct thread *t, uint32_t outside)
{
    uint32_t value = outside;

    if (key_state < 0) {
        return value;
    }
    if (t) {
        value = (outside & ~used) | (t->outside_pkru & used);
    }
    value &= ~DENY(key_enclave);
    value |= (value & 3) << (2 * key_enclave);
    return value | DENY(key_state);
}
