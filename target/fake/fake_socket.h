/* SPDX-License-Identifier: MIT
 *
 * What the fake target's ring does with sockets.
 */
#ifndef TARGET_FAKE_SOCKET_H
#define TARGET_FAKE_SOCKET_H

#include "abi/boundary.h"
#include "lib/types.h"

/* Does e without waiting: its result, or -EAGAIN when it would have to. first:
 * a connect that was not tried before. */
int64_t fake_try(const struct ring_sqe *e, bool first);

#endif
