/* SPDX-License-Identifier: MIT
 *
 * Code, rewritten: on its way in (text.c), once for all who show it
 * (text_image.c), and what calls go through (trampoline.c).
 */
#ifndef KERNEL_MM_TEXT_H
#define KERNEL_MM_TEXT_H

#include "lib/types.h"

struct mm;
struct vma;

/* ---- text.c, text_image.c, trampoline.c; lock held ---- */

/* Shows what of the rewritten code of v's object is there in [start, end),
 * which is not resident. load: rewrites it first. As show_object(). */
void text_show(struct mm *mm, struct vma *v, uint64_t start, uint64_t end,
               bool load);

/* Rewrites system calls in code that is about to be installed at addr: bytes
 * [lo, hi) of text, the rest is context. */
void text_rewrite(struct mm *mm, uint8_t *text, size_t len, size_t lo,
                  size_t hi, uint64_t addr);
/* The same in place, for the resident pages of v, which are then writable
 * until the caller gives them their new protection. */
void text_rewrite_resident(struct mm *mm, struct vma *v);

/* Address space kept in front of an image for its trampolines. */
enum { TRAMPOLINE_SIZE = 64 << 10, TRAMPOLINE_ROOM = 2 * TRAMPOLINE_SIZE };
/* Sets a trampoline region aside below addr, where there is room: best
 * effort. */
void trampoline_reserve(struct mm *mm, uint64_t addr);
/* Brings in the slots at addr, of code that is shown. -EFAULT: none there. */
int trampoline_fault(struct mm *mm, uint64_t addr);
/* The address space ends. */
void trampoline_free_all(struct mm *mm);

#endif
