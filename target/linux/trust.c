/* SPDX-License-Identifier: MIT
 *
 * A host process is no trusted execution environment: it has no report and no
 * sealing key to give.
 */
#include "target/linux/host.h"
#include <errno.h>

int target_report(const void *info, const void *data, void *report)
{
    return -EOPNOTSUPP;
}

int target_key(const void *request, uint8_t key[16])
{
    return -EOPNOTSUPP;
}
