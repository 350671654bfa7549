/* SPDX-License-Identifier: MIT
 *
 * Whole pages. Vector registers are used: only for tasks of the kernel, whose
 * own they are not.
 */
#ifndef ARCH_X86_64_PAGE_H
#define ARCH_X86_64_PAGE_H

#include "lib/types.h"

/* Whether two pages, which can be read, hold the same. */
bool arch_page_equal(const void *a, const void *b);

#endif
