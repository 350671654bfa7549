/* SPDX-License-Identifier: MIT */
/* What options change: guest.sh runs each under the option that it names. */
#include "sgxemu/tests/guest/builder.h"

#include <cpuid.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

/* --abort-page ff. Each form of access by an instruction of its own; all of
 * them read ones, and nothing arrives. */
static uint64_t abort_forms(uint64_t at)
{
    uint8_t from[256] = {0}, to[256];
    uint64_t wrong = 0, a = 0, b = at, n = 100;
    uint8_t *p = to;

    __asm__ volatile("mov (%1), %0" : "=r"(a) : "r"(at) : "memory");
    wrong |= a != ~0ul;
    __asm__ volatile("mov (%0), %0" : "+r"(b)::"memory");
    wrong |= (uint64_t)(b != ~0ul) << 1;
    b = at;
    __asm__ volatile("mov (%0), %b0" : "+a"(b)::"memory");
    wrong |= (uint64_t)(b != (at | 0xff)) << 2;
    __asm__ volatile("movzwl 2(%1), %k0" : "=r"(a) : "r"(at) : "memory");
    wrong |= (uint64_t)(a != 0xffff) << 3;
    __asm__ volatile("movsbq 1(%1, %2), %0"
                     : "=r"(a)
                     : "r"(at), "r"(8ul)
                     : "memory");
    wrong |= (uint64_t)(a != ~0ul) << 4;
    a = 1;
    __asm__ volatile("add (%1), %0" : "+r"(a) : "r"(at) : "memory", "cc");
    wrong |= (uint64_t)(a != 0) << 5;
    a = 0x77;
    __asm__ volatile("xchg %0, (%1)" : "+r"(a) : "r"(at) : "memory");
    wrong |= (uint64_t)(a != ~0ul) << 6;
    __asm__ volatile("lock incl (%0)" ::"r"(at) : "memory", "cc");
    __asm__ volatile("movups (%0), %%xmm3; movups %%xmm3, (%1)" ::"r"(at),
                     "r"(to)
                     : "memory", "xmm3");
    wrong |= (uint64_t)(to[0] != 0xff || to[15] != 0xff) << 7;
    __asm__ volatile("movups %%xmm3, (%0)" ::"r"(at) : "memory");
    memset(to, 0, sizeof(to));
    b = at;
    __asm__ volatile("rep movsb" : "+S"(b), "+D"(p), "+c"(n)::"memory");
    wrong |= (uint64_t)(to[0] != 0xff || to[99] != 0xff || to[100] != 0 ||
                        b != at + 100 || n != 0)
             << 8;
    n = 1000;
    b = at;
    __asm__ volatile("rep stosq" : "+D"(b), "+c"(n) : "a"(5ul) : "memory");
    wrong |= (uint64_t)(b != at + 8000 || n != 0) << 9;
    memcpy((void *)at, from, sizeof(from));
    __asm__ volatile("" : "+r"(at)::"memory");
    memcpy(to, (void *)at, sizeof(to));
    wrong |= (uint64_t)(to[0] != 0xff || to[255] != 0xff) << 10;
    return wrong;
}

static volatile int ticks;
static void tick(int sig)
{
    ticks += sig == SIGALRM;
}

/* A signal in the middle of such an access finds nothing moved. */
static bool abort_signals(uint64_t at)
{
    struct itimerval it = {{0, 50}, {0, 50}}, off = {{0, 0}, {0, 0}};
    bool good = true;

    signal(SIGALRM, tick);
    setitimer(ITIMER_REAL, &it, NULL);
    for (int i = 0; i < 20000 || (ticks < 50 && i < 2000000); i++) {
        uint64_t a = 0, b = at;

        __asm__ volatile("mov (%1), %0" : "=&r"(a), "+r"(b)::"memory");
        good &= a == ~0ul && b == at;
    }
    setitimer(ITIMER_REAL, &off, NULL);
    signal(SIGALRM, SIG_DFL);
    return good;
}

void test_abort(void)
{
    struct enclave_under_test t;
    uint64_t kept = 0, wrong;

    if (!cpu_has("ospke")) {
        printf("ok sgxemu --abort-page ff # SKIP this CPU has no ospke\n");
        return;
    }
    build(&t);
    poke(&t, ADDRESS(&t, DATA_AT), 0x1234);
    wrong = abort_forms(ADDRESS(&t, DATA_AT));
    if (wrong) {
        printf("# forms that went wrong: %lx\n", (unsigned long)wrong);
    }
    ok(wrong == 0, "--abort-page ff", "loads from outside read ones");
    ok(abort_signals(ADDRESS(&t, DATA_AT)), "--abort-page ff",
       "with signals in between, too");
    peek(&t, ADDRESS(&t, DATA_AT), &kept);
    ok(kept == 0x1234, "--abort-page ff", "stores are dropped");
    build_drop(&t);
}

/* --cpu coffeelake */
void test_sgx1(void)
{
    static const uint8_t rdtsc[] = {0x0f, 0x31, 0x90, 0xc3};
    uint32_t a, b, c, d;
    struct enclave_under_test t;
    struct op op;

    __cpuid_count(0x12, 0, a, b, c, d);
    ok_with("cpuid_fault", (a & 3) == 1 && !(b & 1), "--sgx1",
            "CPUID: SGX1, no SGX2, no EXINFO");
    build_start(&t);
    ok(build_create(&t) == -EIO, "--sgx1", "EXINFO is refused by ECREATE");
    build_drop(&t);
    build_start(&t);
    t.secs.miscselect = 0;
    build_ready(&t, 0);
    put(&t, ADDRESS(&t, RWX_AT), rdtsc, sizeof(rdtsc));
    ok(do_op(&t, &op, OP_CALL, ADDRESS(&t, RWX_AT), 0, 0, 0) == 6, "--sgx1",
       "RDTSC is #UD inside");
    skip(&t, 0, 3, NULL, NULL);
    __asm__ volatile("rdtsc" : "=a"(a), "=d"(d));
    ok((a | d) != 0, "--sgx1", "and works outside");
    ok(raises(&t, &op, 13, OP_ENCLU, SGX_EACCEPT, ADDRESS(&t, DATA_AT),
              ADDRESS(&t, FREE_AT), 0),
       "--sgx1", "EACCEPT does not exist");
    ok(do_op(&t, &op, OP_PEEK, ADDRESS(&t, FREE_AT), 0, 0, 0) == 14, "--sgx1",
       "an absent page is #PF");
    build_drop(&t);
}

/* --epc: more pages than fit. */
void test_epc(void)
{
    struct sgx_secinfo info = {.flags = SGX_SECINFO_PT(SGX_PT_REG) |
                                        SGX_SECINFO_PENDING | 3};
    struct enclave_under_test t;
    bool good = true;
    uint64_t value;
    struct op op;

    build(&t);
    put(&t, ADDRESS(&t, DATA_AT), &info, sizeof(info));
    for (uint64_t i = 0; i < 100; i++) {
        good &= do_enclu(&t, &op, SGX_EACCEPT, ADDRESS(&t, DATA_AT),
                         ADDRESS(&t, FREE_AT + i), 0) == 0;
    }
    for (int round = 0; round < 3; round++) {
        for (uint64_t i = 0; i < 100; i++) {
            good &= poke(&t, ADDRESS(&t, FREE_AT + i), i * 7 + 1) == 0;
        }
        for (uint64_t i = 0; i < 100; i++) {
            good &= peek(&t, ADDRESS(&t, FREE_AT + i), &value) == 0 &&
                    value == i * 7 + 1;
        }
    }
    ok(good, "--epc", "reclaimed pages come back with their content");
    build_drop(&t);
}
