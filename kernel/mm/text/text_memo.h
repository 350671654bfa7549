/* SPDX-License-Identifier: MIT
 *
 * Which system calls a piece of code has, remembered: the same program is
 * executed again and again, and to search its code costs more than all else.
 * Pieces are known by their bytes, so that nothing depends on files.
 */
#ifndef KERNEL_MM_TEXT_MEMO_H
#define KERNEL_MM_TEXT_MEMO_H

#include "arch/x86_64/patch.h"

/* At boot. */
void text_memo_init(void);

/* A hash of text's bytes and bounds, with seeds of this boot. */
struct text_key {
    uint64_t word[2];
};
struct text_key text_key(const struct patch_text *text);

/* The sites found in it before: true, and *sites is the caller's (kfree). */
bool text_recall(const struct text_key *key, struct patch_site **sites,
                 unsigned *count);
/* Best effort. */
void text_remember(const struct text_key *key, const struct patch_site *sites,
                   unsigned count);

#endif
