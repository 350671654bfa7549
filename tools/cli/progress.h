/* SPDX-License-Identifier: MIT
 *
 * What takes longer than a second says so on stderr, and then once a second
 * that it is still at it.
 */
#ifndef TOOLS_CLI_PROGRESS_H
#define TOOLS_CLI_PROGRESS_H

#include <stdint.h>

/* From here to progress_end() this program is at `what` (borrowed). One at a
 * time. */
void progress_begin(const char *what);
void progress_end(void);

/* How far it is, if that is known; any thread may say it. */
void progress_is(uint64_t done, uint64_t total);

#endif
