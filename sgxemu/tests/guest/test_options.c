/* SPDX-License-Identifier: MIT */
/* What options change: guest.sh runs each under the option that it names. */
#include "sgxemu/tests/guest/builder.h"

#include <cpuid.h>
#include <errno.h>
#include <string.h>

/* --abort-page ff */
void test_abort(void)
{
    struct enclave_under_test t;
    uint64_t kept = 0, wide;
    uint32_t half;
    uint8_t byte;

    build(&t);
    poke(&t, ADDRESS(&t, DATA_AT), 0x1234);
    wide = *(volatile uint64_t *)ADDRESS(&t, DATA_AT);
    half = *(volatile uint32_t *)ADDRESS(&t, DATA_AT);
    byte = *(volatile uint8_t *)ADDRESS(&t, DATA_AT);
    ok_with("ospke", wide == ~0ull && half == ~0u && byte == 0xff,
            "--abort-page ff", "loads from outside read ones");
    *(volatile uint64_t *)ADDRESS(&t, DATA_AT) = 5;
    *(volatile uint8_t *)ADDRESS(&t, DATA_AT) = 6;
    peek(&t, ADDRESS(&t, DATA_AT), &kept);
    ok_with("ospke", kept == 0x1234, "--abort-page ff", "stores are dropped");
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
