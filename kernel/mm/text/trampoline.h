/* SPDX-License-Identifier: MIT
 *
 * Slots for rewritten system calls: regions of 64 KiB of an address space,
 * near the code they serve. mm->lock is held throughout; the lookups that
 * traps need are in mm.h and take no lock.
 */
#ifndef KERNEL_MM_TRAMPOLINE_H
#define KERNEL_MM_TRAMPOLINE_H

#include "kernel/mm/room.h"
#include "kernel/mm/text/text_image.h"
#include "lib/bitmap.h"
#include "arch/x86_64/patch.h"

enum {
    TRAMPOLINE_PAGES = TRAMPOLINE_SIZE / PAGE_SIZE,
    TRAMPOLINE_SLOTS = TRAMPOLINE_SIZE / PATCH_SLOT,
};

/* The slots of a region: pages of the kernel's, which traps read. */
struct slot_set {
    uint8_t *pages[TRAMPOLINE_PAGES]; /* NULL: unused */
    uint32_t dirty;  /* bit a page: changed since it was installed */
    uint32_t closed; /* bit a page: it is installed, and gets no more slots */
    uint32_t count;  /* slots that there may be */
    uint8_t *room;   /* an image's: where pages come from, counted ones */
    uint64_t used[BITMAP_WORDS(TRAMPOLINE_SLOTS)];
};

/* The lowest free slot of a set at start that the site can use, written; 0:
 * none. */
uint64_t slot_take(struct slot_set *s, uint64_t start,
                   const struct patch_site *site, const uint8_t *code,
                   uint64_t addr);

/* Closed pages without a slot that is taken are open again. */
void slots_open_free(struct slot_set *s);

/* trampoline_origin() for a slot of a set at start. */
bool slot_origin(const struct slot_set *s, uint64_t start, uint64_t slot,
                 struct patch_origin *out);

enum { TRAPPED_MAX = 8 };

/* A piece of a file's code, rewritten (text_image.c). */
struct text_image {
    struct list node, shrink_node;    /* images_lock */
    bool listed;                      /* in its object's list; images_lock */
    const struct text_anchor *anchor; /* whose list it is or was in */
    uint32_t refs;                    /* atomic */
    uint32_t shown;                   /* how often it was, about */
    uint64_t off, len;                /* in its object */
    uint64_t distance;                /* from its slots to its code */
    struct mutex lock;                /* LOCK_TEXT: slots, filling */
    char *text;                       /* counted pages, as are the slots' */
    /* Where some of its chunks and slots are; NULL: nowhere. There may be no
     * text then. */
    const struct stock_text *stock;
    uint64_t ino; /* the anchor's number there */
    /* Sites that were only rewritten when they trapped, by offset in text;
     * images_lock. What replaces this image has them. */
    uint32_t trapped[TRAPPED_MAX], trapped_count;
    struct slot_set slots;
    uint64_t filled[]; /* by chunk; set under images_lock */
};
void text_image_get(struct text_image *img);

/* ---- text_stock.c ---- */

/* The code from `at` on, a chunk's beginning or in it, which is there: where,
 * and how far it lies in one piece, at most to end. */
char *text_code(const struct text_image *img, uint64_t at, uint64_t *end);
/* A text of the stock that v can show, after s; NULL: no more. */
const struct stock_text *text_stocked(const struct text_anchor *a,
                                      const struct vma *v,
                                      const struct stock_text *s);
/* img, without memory of its own, has what s has. */
void text_from_stock(struct text_image *img, const struct stock_text *s);

/* ---- text_image.c again ---- */

enum { TEXT_CHUNK = 64 << 10 }; /* see there */
/* The site at `at` in v trapped and was rewritten. */
void text_note_trap(struct mm *mm, const struct vma *v, uint64_t at);
/* Rewrites the site whose SYSCALL is at off in an image that nobody shows yet,
 * as if it were at base (text_trap.c). */
bool text_improve(struct text_image *img, uint64_t base, uint64_t off);

/* Where slots come from for text_rewrite_from(); install: before they are
 * jumped to, or NULL. */
struct slot_source {
    uint64_t (*take)(void *arg, const struct patch_site *site,
                     const uint8_t *code, uint64_t addr);
    int (*install)(void *arg);
    void *arg;
};
/* Whether there may be sites in bytes. */
bool text_has_sites(const uint8_t *bytes, size_t len);
/* Rewrites text's bytes. Returns how many sites were. */
uint64_t text_rewrite_from(const struct slot_source *source,
                           struct patch_text *text);

/* Whether a region can be at start, which becomes the mm's. */
bool trampoline_fits(struct mm *mm, uint64_t start);
/* Where one can be near addr; 0: nowhere. */
uint64_t trampoline_place(struct mm *mm, uint64_t addr);
/* A region at start that shows img's slots; it takes a reference to it.
 * -ENOMEM. */
int trampoline_show(struct mm *mm, uint64_t start, struct text_image *img);
/* Whether mm's region at start is one of img's. */
bool trampoline_shows(struct mm *mm, uint64_t start,
                      const struct text_image *img);
/* The image of content at off that mm shows where the object's beginning is or
 * would be at `begin`; NULL: none. Borrowed from mm. */
struct text_image *trampoline_image(struct mm *mm, const struct text_anchor *a,
                                    uint64_t begin, uint64_t off);

/* A slot for this site, written but not yet installed; 0: none in reach.
 * code: the bytes at the site's jump, at addr, as they are. */
uint64_t trampoline_take(struct mm *mm, const struct patch_site *site,
                         const uint8_t *code, uint64_t addr);

/* Installs the slots taken since the last time. -ENOMEM: none of them may be
 * jumped to. close: the next ones are for other code; they come in pages of
 * their own where it is dear to install one twice. */
int trampolines_install(struct mm *mm, bool close);

/* What the slot at this address was made from; false: there is none. */
bool trampoline_origin(uint64_t slot, struct patch_origin *out);

/* The slots of sites in [start, end) are free again: all, as the code is gone,
 * or with check_code those that it does not jump to any more. */
void trampolines_release(struct mm *mm, uint64_t start, uint64_t end,
                         bool check_code);

/* ---- trampoline_table.c ---- */

/* The slots of the region at start, for whoever looks up an address in mm.
 * -ENOMEM. */
int table_add(const struct mm *mm, uint64_t start, struct slot_set *set);
void table_remove(const struct mm *mm, uint64_t start);

/* ---- trampoline.c again ---- */

/* from's regions become to's as well, as copies. -ENOMEM: some did. */
int trampolines_copy(struct mm *to, const struct mm *from);

/* ---- trampoline_stay.c ---- */

struct warm;
/* Of an address space that ends, before its pages go: w gets the regions whose
 * pages wait, and code of w that has slots elsewhere is not to be taken as it
 * is. */
void trampolines_stay(struct mm *mm, struct warm *w);
/* Before code that waits in [start, end) is taken: its regions are mm's, or it
 * is not to be taken as it is. */
void trampolines_move_in(struct mm *mm, uint64_t start, uint64_t end);
/* Nobody comes for them. */
void trampolines_discard(struct warm *w);

#endif
