/* SPDX-License-Identifier: MIT
 *
 * Forced into every file of the kernel and of the vCPU side (-include): what
 * another file defines is then taken relative to RIP, and not by a global
 * offset table, for which nm -u would show one more name than the door has.
 */
#pragma GCC visibility push(hidden)
