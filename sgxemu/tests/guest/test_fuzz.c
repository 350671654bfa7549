/* SPDX-License-Identifier: MIT */
/*
 * Random ioctl arguments, structures and ENCLU operands: every one must end
 * in an errno or a fault, and the enclave must work afterwards. The seed is
 * fixed; SGXEMU_FUZZ is the number of rounds.
 */
#include "sgxemu/tests/guest/builder.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

static uint64_t state = 88172645463325252ull;

static uint64_t rnd(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* An address or number that is wrong in an interesting way. */
static uint64_t odd(struct enclave_under_test *t)
{
    switch (rnd() % 10) {
    case 0:
        return 0;
    case 1:
        return rnd();
    case 2:
        return ~0ull << (rnd() % 64);
    case 3:
        return ADDRESS(t, rnd() % (SIZE_PAGES + 2));
    case 4:
        return ADDRESS(t, DATA_AT + rnd() % 4) + (rnd() % 64) * 64;
    case 5:
        return (uint64_t)&state;
    case 6:
        return t->base + t->size - rnd() % 4096;
    case 7:
        return rnd() % 16;
    case 8:
        return (rnd() % 300) * PAGE;
    default:
        return 1ull << (rnd() % 64);
    }
}

static void scramble(void *bytes, size_t n)
{
    uint8_t *p = bytes;

    for (uint64_t i = 1 + rnd() % 8; i; i--) {
        p[rnd() % n] ^= (uint8_t)(1u << (rnd() % 8));
    }
}

static void ioctls(struct enclave_under_test *t, int rounds)
{
    static const uint32_t commands[] = {
        SGX_IOCTL_CREATE,   SGX_IOCTL_ADD_PAGES,
        SGX_IOCTL_INIT,     SGX_IOCTL_PROVISION,
        SGX_IOCTL_RESTRICT, SGX_IOCTL_MODIFY_TYPE,
        SGX_IOCTL_REMOVE,   0xA4A4,
        0xC0FFA401};

    for (int i = 0; i < rounds; i++) {
        uint64_t arg[8];

        for (int j = 0; j < 8; j++) {
            arg[j] = odd(t);
        }
        /* Nothing that could succeed on the pages the test itself needs. */
        arg[0] = arg[0] < FREE_AT * PAGE ? arg[0] | 1 : arg[0];
        ioctl(t->fd, commands[rnd() % 9],
              rnd() % 8 ? (void *)arg : (void *)odd(t));
    }
}

static void leaves(struct enclave_under_test *t, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        struct op op;
        uint64_t leaf = rnd() % 11;

        if (leaf == SGX_EEXIT || leaf == SGX_EDECCSSA) {
            continue; /* leaves or changes the stack as it says */
        }
        put(t, ADDRESS(t, DATA_AT + rnd() % 4) + (rnd() % 64) * 64, &state, 8);
        raises(t, &op, 0, OP_ENCLU, leaf, odd(t),
               ADDRESS(t, FREE_AT + rnd() % 64) + (rnd() % 4 ? 0 : rnd()),
               odd(t));
    }
}

static void structures(int rounds)
{
    for (int i = 0; i < rounds; i++) {
        struct enclave_under_test t;
        uint8_t tcs[4096] = {0};

        build_start(&t);
        if (rnd() % 2) {
            scramble(&t.secs, 300);
        }
        if (build_create(&t) == 0) {
            scramble(tcs, 80);
            build_page(&t, 1, tcs, SGX_SECINFO_PT(1), true);
            build_page(&t, rnd() % 300, NULL, rnd() % 0x800, rnd() % 2);
            build_sign(&t, 0);
            if (rnd() % 2) {
                scramble(&t.sig, sizeof(t.sig));
            }
            if (build_init(&t) == 0) {
                mmap((void *)t.base, 2 * PAGE, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_FIXED, t.fd, 0);
                t.run.tcs = t.base + PAGE;
                enter_run(&t.run, SGX_EENTER, 0);
                enter_run(&t.run, SGX_ERESUME, 0);
            }
        }
        build_drop(&t);
    }
}

void test_fuzz(void)
{
    const char *text = getenv("SGXEMU_FUZZ");
    int rounds = text ? atoi(text) : 2000;
    struct enclave_under_test t;
    struct op op;

    build(&t);
    ioctls(&t, rounds);
    ok(do_op(&t, &op, OP_NOP, 0, 0, 0, 0) == 0, "fuzz",
       "ioctl arguments do no harm");
    leaves(&t, rounds);
    ok(do_op(&t, &op, OP_NOP, 0, 0, 0, 0) == 0, "fuzz",
       "ENCLU operands do no harm");
    build_drop(&t);
    structures(rounds / 20);
    build(&t);
    ok(do_op(&t, &op, OP_NOP, 0, 0, 0, 0) == 0, "fuzz",
       "SECS, TCS, SECINFO and SIGSTRUCT do no harm");
    build_drop(&t);
}
