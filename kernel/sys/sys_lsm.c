/* SPDX-License-Identifier: MIT
 *
 * lsm_list_modules(2), lsm_get_self_attr(2), lsm_set_self_attr(2): of what
 * Linux keeps as security modules only capabilities and Landlock are here, and
 * these have no attributes.
 */
#include "kernel/sys/table.h"
#include "abi/linux/errno.h"

enum { LSM_ID_CAPABILITY = 100, LSM_ID_LANDLOCK = 110, LSM_FLAG_SINGLE = 1 };

long sys_lsm_list_modules(const struct sysargs *a)
{
    const uint64_t ids[] = {LSM_ID_CAPABILITY, LSM_ID_LANDLOCK};
    struct uptr size = arg_ptr(a, 1);
    uint32_t room;

    if (arg_uint(a, 2)) {
        return -EINVAL;
    }
    if (get_user32(&room, size) || put_user32(size, sizeof(ids))) {
        return -EFAULT;
    }
    if (room < sizeof(ids)) {
        return -E2BIG;
    }
    return copy_to_user(arg_ptr(a, 0), ids, sizeof(ids))
               ? -EFAULT
               : (long)ARRAY_SIZE(ids);
}

long sys_lsm_get_self_attr(const struct sysargs *a)
{
    uint32_t room;

    if (arg_uint(a, 0) == 0 || arg_uint(a, 3) & ~(unsigned)LSM_FLAG_SINGLE) {
        return -EINVAL;
    }
    return get_user32(&room, arg_ptr(a, 2)) ? -EFAULT : -EOPNOTSUPP;
}
