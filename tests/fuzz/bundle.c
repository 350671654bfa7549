/* SPDX-License-Identifier: MIT
 *
 * Any bytes as the header of a bundle; the last 8 are the file's size. Parts
 * of one that is accepted lie inside it, in order, and do not overlap.
 */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tools/bundle/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bundle_header h;
    uint64_t file;

    memset(&h, 0, sizeof(h));
    if (size < sizeof(file)) {
        return 0;
    }
    size -= sizeof(file);
    memcpy(&file, data + size, sizeof(file));
    memcpy(&h, data, size < sizeof(h) ? size : sizeof(h));
    if (bundle_header_flaw(&h, file)) {
        return 0;
    }
    fuzz_expect(h.kernel.at + h.kernel.size <= h.policy.at);
    fuzz_expect(h.policy.at + h.policy.size == h.image.at);
    fuzz_expect(h.image.at + h.image.size == file);
    fuzz_expect(h.kernel.size <= file && h.image.size <= file);
    return 0;
}
