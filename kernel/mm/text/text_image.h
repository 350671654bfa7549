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
    /* By what number mm/stock.h knows it, set by its owner; 0: not at all. */
    uint64_t stock;
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

/* ---- for the stock (mm/stock.h) ---- */

struct text_image;
struct stock_text;

/* Images of what the stock knows, up to room, with a reference on each. */
size_t text_collect(struct text_image **images, size_t room);
/* What img is and has, but for where; false: the stock has all of it. The
 * slots may become more meanwhile, those that it names do not change. */
bool text_describe(const struct text_image *img, struct stock_text *out);
/* The code at `at` if it is there, and how far it, or what is missing, reaches,
 * at most to end; and page i of its slots, or NULL. */
const char *text_piece(struct text_image *img, uint64_t at, uint64_t *end);
const void *text_slots(const struct text_image *img, unsigned i);
void text_image_put(struct text_image *img);

#endif
