/* SPDX-License-Identifier: MIT
 *
 * Shared objects: where their pages live (window.c), and where they are seen
 * besides, as the target can show them (alias.c).
 */
#ifndef KERNEL_MM_WINDOW_H
#define KERNEL_MM_WINDOW_H

#include "lib/types.h"

struct mm;
struct vma;
struct mapping;
struct vm_object;

/* ---- window.c; lock held ---- */

int windows_init(void);
/* Maps m at its object's window, perhaps not for the first time. -ENOMEM. */
int map_window(struct mm *mm, const struct mapping *m);
/* One mapping of v less: v goes with the last. */
void unmap_window(struct mm *mm, struct vma *v);
/* mremap(2) to a greater length, in place. -ENOMEM. */
int extend_window(struct mm *mm, struct vma *v, uint64_t end);

/* Whether addr lies in some window. No lock. */
bool window_holds(uint64_t addr);

/* ---- alias.c; v is VMA_ALIAS, lock held ---- */

void alias_init(void); /* at boot */
/* Maps m, which is VMA_ALIAS, where it says. -ENOMEM. */
int map_alias(struct mm *mm, const struct mapping *m);
/* Anonymous shared memory, with a reference. -ENOMEM. */
int alias_anonymous(uint64_t len, struct vm_object **out);
/* Shows what the window has of [start, end). */
void alias_show(struct vma *v, uint64_t start, uint64_t end);
/* Whether it has all of it. */
bool alias_there(const struct vma *v, uint64_t start, uint64_t end);
int alias_fault(struct vma *v, uint64_t addr); /* -EIO: not there */
/* After a change of v's protection. */
void alias_protect(struct vma *v);
/* Where the window has what is at addr; 0: nowhere. */
uint64_t alias_source(const struct vma *v, uint64_t addr);
/* Where what v has of its object ends: the rest is SIGBUS for good. */
uint64_t alias_end(const struct vma *v);
/* Nothing is shown any more. */
void alias_release_all(struct mm *mm);
/* mm has such mappings now; mm is about to be freed. */
void alias_enlist(struct mm *mm);
void alias_delist(struct mm *mm);
/* Without locks: a window has [start, end) now, or not any more. -ENOMEM. May
 * block. */
int alias_note(uint64_t start, uint64_t end);
void alias_revoke(uint64_t start, uint64_t end);

#endif
