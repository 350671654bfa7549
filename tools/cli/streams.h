/* SPDX-License-Identifier: MIT
 *
 * What the program's first three descriptors are, as the kernel is told.
 */
#ifndef TOOLS_CLI_STREAMS_H
#define TOOLS_CLI_STREAMS_H

#include "kernel/kernel.h"

void look_at_streams(struct host_stream out[3]);

#endif
