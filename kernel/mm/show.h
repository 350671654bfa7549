/* SPDX-License-Identifier: MIT
 *
 * Pages of the page cache that an address space shows without copying them
 * (show.c), and its relatives, too (share.c).
 */
#ifndef KERNEL_MM_SHOW_H
#define KERNEL_MM_SHOW_H

#include "lib/types.h"

struct mm;
struct vma;

/* Pages of the page cache that an address space shows, by address. */
struct shown_run {
    uint64_t start, end, src;
};
struct shown {
    struct shown_run *runs; /* ordered, none overlapping */
    unsigned count, room;
    uint32_t *sharers; /* how many have runs and its references in common, with
                          count and room; atomic. NULL: nobody else */
};

/* ---- show.c; lock held ---- */

/* Shows len bytes at src, counted pages whose references it takes, at addr in
 * v, where nothing is resident. -ENOMEM: nothing changed. */
int show_pages(struct mm *mm, struct vma *v, uint64_t addr, char *src,
               uint64_t len);
/* The same for pages that somebody else keeps: it takes references of its
 * own. */
int show_kept(struct mm *mm, struct vma *v, uint64_t addr, char *src,
              uint64_t len);
/* Room for one more record, -ENOMEM; and the record. */
int shown_make_room(struct mm *mm);
void shown_add(struct mm *mm, uint64_t addr, char *src, uint64_t len);
/* share.c: mm has just shown that, in v: the rest of its family does, too, if
 * it can. img: code or slots of that image, whose slots begin there. */
struct text_image;
void share_shown(struct mm *mm, const struct vma *v, uint64_t addr, char *src,
                 uint64_t len, const struct text_image *img, uint64_t slots);
/* Shows what there is of v's object in [start, end), which is not resident.
 * load: reads it first. Whoever finds a page missing afterwards copies it. */
void show_object(struct mm *mm, struct vma *v, uint64_t start, uint64_t end,
                 bool load);
/* Nothing is shown in [start, end) any more. */
void shown_forget(struct mm *mm, uint64_t start, uint64_t end);
/* The same for a part of one piece, whose references become the caller's.
 * False: there was no memory for that. */
bool shown_take(struct mm *mm, uint64_t start, uint64_t end);
/* Where the first piece that is shown in [*start, end) begins and ends, and
 * what it shows; 0: nothing is. */
uint64_t shown_next(const struct mm *mm, uint64_t *start, uint64_t end,
                    uint64_t *stop);
/* to, which is empty, shows the same. -ENOMEM. */
int shown_copy(struct mm *to, struct mm *from);
void shown_free(struct mm *mm);

#endif
