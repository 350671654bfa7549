/* SPDX-License-Identifier: MIT
 *
 * Random bytes from the CPU alone: RDSEED where it delivers, else RDRAND
 * (SDM vol. 1, 7.3.17). Both may fail for a moment; a generator that stays
 * silent ends everything. calibrate.c has checked at the start that RDRAND
 * exists.
 */
#include "target/linux/host.h"
#include "lib/string.h"

enum { SEED_TRIES = 8, RAND_TRIES = 1000 };

extern bool cpu_has_rdseed;

static bool seed64(uint64_t *out)
{
    bool ok;

    __asm__ volatile("rdseed %0" : "=r"(*out), "=@ccc"(ok));
    return ok;
}

static bool rand64(uint64_t *out)
{
    bool ok;

    __asm__ volatile("rdrand %0" : "=r"(*out), "=@ccc"(ok));
    return ok;
}

static uint64_t random64(void)
{
    static const char silent[] = "enclos: RDRAND gives no numbers\n";
    uint64_t v;

    for (int i = 0; cpu_has_rdseed && i < SEED_TRIES; i++) {
        if (seed64(&v)) {
            return v;
        }
        cpu_relax();
    }
    for (int i = 0; i < RAND_TRIES; i++) {
        if (rand64(&v)) {
            return v;
        }
        cpu_relax();
    }
    target_log(silent, sizeof(silent) - 1);
    target_stop(125 << 8);
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
