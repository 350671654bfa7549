/* SPDX-License-Identifier: MIT
 *
 * What the libFuzzer targets share: each file here is one, run by
 * fuzz-test.sh over its folder in corpus/.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define fuzz_expect(condition)                                                 \
    do {                                                                       \
        if (!(condition)) {                                                    \
            __builtin_trap();                                                  \
        }                                                                      \
    } while (0)

#endif
