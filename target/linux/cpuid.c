/* SPDX-License-Identifier: MIT
 *
 * What the CPU is: here it can be asked.
 */
#include "target/linux/host.h"

enum { LEAF_XSAVE = 0xd };

void target_cpuid(uint32_t leaf, uint32_t sub, uint32_t r[4])
{
    __asm__ volatile("cpuid"
                     : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
                     : "a"(leaf), "c"(sub));
    if (leaf == LEAF_XSAVE && sub == 0) {
        __asm__ volatile("xgetbv" : "=a"(r[0]), "=d"(r[3]) : "c"(0));
    }
}
