/* SPDX-License-Identifier: MIT
 *
 * Any bytes as JSON.
 */
#include "tests/fuzz/fuzz.h"
#include "tools/policy/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json *j;

    if (json_parse("input", (const char *)data, size, &j) == 0) {
        json_free(j);
    }
    return 0;
}
