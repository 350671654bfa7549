/* SPDX-License-Identifier: MIT
 *
 * Random bytes from RDRAND alone (SDM vol. 1, 7.3.17). It may fail for a
 * moment; a generator that stays silent ends everything.
 */
#include "target/sgx/enclave/enclave.h"

enum { TRIES = 1000 };

static uint64_t random64(void)
{
    uint64_t v;
    bool ok;

    for (int i = 0; i < TRIES; i++) {
        __asm__ volatile("rdrand %0" : "=r"(v), "=@ccc"(ok));
        if (ok) {
            return v;
        }
        cpu_relax();
    }
    sgx_die("RDRAND gives no numbers");
}

void target_random(void *buf, size_t len)
{
    uint8_t *to = buf;

    while (len) {
        uint64_t v = random64();
        size_t n = MIN(len, sizeof(v));

        memcpy(to, &v, n);
        to += n;
        len -= n;
    }
}
