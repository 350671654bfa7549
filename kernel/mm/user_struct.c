/* SPDX-License-Identifier: MIT
 *
 * user_struct.h.
 */
#include "kernel/mm/user_struct.h"
#include "kernel/mm/uaccess.h"
#include "lib/string.h"
#include "abi/linux/errno.h"

static int check_zero(struct uptr from, uint64_t size)
{
    uint8_t bytes[64];

    while (size) {
        size_t n = MIN(size, sizeof(bytes));

        if (copy_from_user(bytes, from, n)) {
            return -EFAULT;
        }
        for (size_t i = 0; i < n; i++) {
            if (bytes[i]) {
                return -E2BIG;
            }
        }
        from = uptr_add(from, n);
        size -= n;
    }
    return 0;
}

int user_struct_get(void *to, size_t known, struct uptr from, uint64_t size)
{
    uint64_t common = MIN(size, (uint64_t)known);
    int err = check_zero(uptr_add(from, common), size - common);

    memset((uint8_t *)to + common, 0, known - common);
    return err ? err : copy_from_user(to, from, common);
}
