/* SPDX-License-Identifier: MIT
 *
 * Any bytes as a tar archive. Members' data lies inside the archive, and each
 * call gets further.
 */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tools/oci/tar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tar t = {"input", data, size, 0};
    struct tar_entry e;
    size_t before = 0;

    while (tar_next(&t, &e) > 0) {
        fuzz_expect(t.at > before && t.at <= size);
        fuzz_expect(e.path && e.link);
        fuzz_expect(e.data >= data && e.size <= size &&
                    (size_t)(e.data - data) <= size - e.size);
        for (unsigned i = 0; i < e.xattr_count; i++) {
            fuzz_expect(strlen(e.xattrs[i].name) > 0 || !*e.xattrs[i].name);
            fuzz_expect(e.xattrs[i].value + e.xattrs[i].len <= data + size);
        }
        before = t.at;
        tar_entry_free(&e);
    }
    return 0;
}
