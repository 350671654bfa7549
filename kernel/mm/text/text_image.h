/* SPDX-License-Identifier: MIT
 *
 * Code of a file, rewritten once for all address spaces that show it. What
 * rewriting makes depends on the distance between the code and its slots
 * alone, so an image keeps both, and whoever maps the file at any address
 * shows the slots at the same distance (trampoline.c).
 *
 * An image is filled by chunks as they are needed. It lives in its object's
 * list and in the regions of address spaces; each holds a reference.
 */
#ifndef KERNEL_MM_TEXT_IMAGE_H
#define KERNEL_MM_TEXT_IMAGE_H

#include "lib/types.h"
#include "lib/list.h"

/* At boot. */
void text_images_init(void);

/* Embedded in what has content that never changes; all its images. */
struct text_anchor {
    struct list images;
    uint64_t id; /* 0: nobody has asked for it; atomic */
};
void text_anchor_init(struct text_anchor *a);
/* A number that this content alone has, for good. */
uint64_t text_id(struct text_anchor *a);
/* The content goes, or changes after all: nobody gets these images anew. */
void text_forget(struct text_anchor *a);

/* Where in the content code begins that somebody has shown; UINT64_MAX:
 * nowhere. */
uint64_t text_begin(struct text_anchor *a);

/* Forgets images that nobody shows: up to count pages; how many. */
uint64_t text_shrink(uint64_t count);

#endif
