/* SPDX-License-Identifier: MIT */
/*
 * The only way to program memory. The copy runs with the program's own
 * protection-key rights, closed for enclave memory and for ours, so that a
 * pointer into an enclave fails as it does in a system call on hardware. A
 * bad address ends the copy (trap.c knows usercopy_begin), and is -EFAULT.
 */
#include "sgxemu/emu.h"

#include <errno.h>

size_t usercopy(void *to, const void *from, size_t n, uint32_t pkru);

#define BOUNCE 1024

static uint32_t rights(ucontext_t *uc)
{
    return key_state < 0 ? ~0u : pkru_closed(frame_pkru(uc));
}

static bool canonical(uint64_t address, size_t n)
{
    return address < 1ul << 47 && n <= (1ul << 47) - address;
}

static bool on_stack(const void *p)
{
    uint64_t here = (uint64_t)__builtin_frame_address(0);

    return ((uint64_t)p & ~(STACK_SIZE - 1)) == (here & ~(STACK_SIZE - 1));
}

long user_read(ucontext_t *uc, void *to, uint64_t from, size_t n)
{
    uint8_t bounce[BOUNCE], *out = to;

    if (!canonical(from, n)) {
        return -EFAULT;
    }
    if (on_stack(to)) {
        return usercopy(to, (void *)from, n, rights(uc)) ? -EFAULT : 0;
    }
    while (n) {
        size_t part = n < BOUNCE ? n : BOUNCE;

        if (usercopy(bounce, (void *)from, part, rights(uc))) {
            return -EFAULT;
        }
        memcpy(out, bounce, part);
        out += part;
        from += part;
        n -= part;
    }
    return 0;
}

long user_write(ucontext_t *uc, uint64_t to, const void *from, size_t n)
{
    uint8_t bounce[BOUNCE];
    const uint8_t *in = from;

    if (!canonical(to, n)) {
        return -EFAULT;
    }
    if (on_stack(from)) {
        return usercopy((void *)to, from, n, rights(uc)) ? -EFAULT : 0;
    }
    while (n) {
        size_t part = n < BOUNCE ? n : BOUNCE;

        memcpy(bounce, in, part);
        if (usercopy((void *)to, bounce, part, rights(uc))) {
            return -EFAULT;
        }
        in += part;
        to += part;
        n -= part;
    }
    return 0;
}

long user_string(ucontext_t *uc, char *to, uint64_t from, size_t size)
{
    size_t have = 0;

    while (have < size) {
        /* Never past a page: the next one may not be there. */
        size_t part = PAGE - (from + have) % PAGE;

        part = part < size - have ? part : size - have;
        part = part < 64 ? part : 64;
        if (user_read(uc, to + have, from + have, part)) {
            return -EFAULT;
        }
        if (memchr(to + have, 0, part)) {
            return 0;
        }
        have += part;
    }
    return -ENAMETOOLONG;
}
