/* SPDX-License-Identifier: MIT
 *
 * A host process is no trusted execution environment: it has no report and no
 * sealing key to give.
 */
#include "target/linux/host.h"
#include <errno.h>

int target_trust(enum target_trust what, const void *in, const void *data,
                 void *out)
{
    return -EOPNOTSUPP;
}
