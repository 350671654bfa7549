/* SPDX-License-Identifier: MIT
 *
 * What programs leave behind for their next run. When the last process of an
 * address space ends, the host's mappings that its start made stay where they
 * are: code, read-only data, what is written cleared. They wait in a pool with
 * the family that owns the place; whoever executes the same program moves in,
 * finds its files at the same addresses, and asks the host for next to nothing.
 *
 * Two phases of mm->warm, all under mm->lock:
 *
 *   starting  its pieces are there, but belong to nobody: in no VMA that is
 *             resident. Who maps something claims the piece that it would
 *             make; what lies in the way of anything else is dropped.
 *   started   the program's own code runs. Nothing unclaimed is left; the
 *             pieces say what the start made.
 *
 * A piece is never resident. Only what cannot be told from a mapping made anew
 * is claimed: the same memory of the page cache, on which the piece holds
 * references, never writable since it was shown or cleared since.
 *
 * Where nothing can be shown and pages are committed one by one (an enclave)
 * pieces are what was resident, whatever it was: who maps something there takes
 * them over and gives them their content anew (warm_fill.c). For the target
 * that is less than pages which go and others that come. What could not be
 * written, of a file that never changes, has its content still; code waits with
 * its slots (trampoline_stay.c). Under a ceiling (limit.h) a piece counts while
 * it waits, who takes it takes that over, and what waits goes before anybody
 * hears that there is no memory. Where memory is shown or committed as a whole,
 * nothing waits under a ceiling.
 */
#ifndef KERNEL_MM_WARM_H
#define KERNEL_MM_WARM_H

#include "kernel/mm/room.h"

enum { WARM_PIECES = 128 };

struct warm_piece {
    uint64_t start, end;
    uint64_t src; /* what is shown there; 0: anonymous memory */
    /* Of which file it is, and from where on: just to compare. */
    const void *content;
    uint64_t off;
    /* Copies: it has content that never changes as it is, of this number
     * (text_id()); 0: it may have anything. */
    uint64_t id;
    uint32_t prot;
    bool code;   /* with id: rewritten, with slots in trampolines */
    bool dirty;  /* to be cleared */
    bool hidden; /* without access (warm_hide): prot says what it had */
};

/* What its loader did in a row (warm_next.c). */
enum { KNOWN_FILES = 16 };
struct warm_known {
    struct mem_run libraries[KNOWN_FILES]; /* where segments took all */
    struct mem_run files[KNOWN_FILES];     /* made read-only, in order */
    unsigned library_count, file_count;
};

struct warm {
    struct list node; /* in the pool */
    struct mm_kind kind;
    struct family *family; /* without members while it waits */
    struct span *home;     /* its only span then, but for fixed addresses */
    uint64_t home_top, image;
    uint64_t heap; /* how far behind the image the heap began; 0: unknown */
    /* The page of MM_VVAR, which has its content still, of clock_turn; only
     * who has asked for it (mm_finds) may claim it. 0: there is none. */
    uint64_t clock_page;
    bool clock_found;
    uint32_t clock_turn;
    uint32_t changes; /* page_changes() when copies of shown pages were made */
    struct list trampolines; /* regions, where pages are copies */
    struct warm_known known;
    unsigned uses, count;
    bool started;
    struct warm_piece pieces[WARM_PIECES]; /* by address */
};

static inline bool warm_starting(const struct mm *mm)
{
    return mm->warm && !mm->warm->started;
}

/* ---- warm.c: in an address space, its lock held ---- */

/* True: [start, end) is mapped as src says, with that protection, and is the
 * caller's, with references to the pages at src. */
bool warm_claim(struct mm *mm, uint64_t start, uint64_t end, uint64_t src,
                int prot);
/* Nothing is mapped in [start, end) that was not claimed. */
void warm_drop(struct mm *mm, uint64_t start, uint64_t end);
/* The same, where the caller has unmapped it. */
void warm_forget(struct mm *mm, uint64_t start, uint64_t end);
/* A loader maps a library as a whole, then its segments over that: where in
 * [start, end) of v what waits is the file's own code, which waits for them
 * with all that comes after; else end. */
uint64_t warm_code_begins(const struct mm *mm, const struct vma *v,
                          uint64_t start, uint64_t end);
const void *warm_content(const struct vma *v);
/* Where room for the program's image was found; 0: it may be anywhere. */
uint64_t warm_image(const struct mm *mm);
void warm_note_image(struct mm *mm, uint64_t at);
/* How far behind the image the heap begins: so far, or, where pages without
 * content are passed on, as far as the last time. */
uint64_t warm_heap(const struct mm *mm, uint64_t noise);
/* [start, end) was just mapped: what waits there is taken over. */
void warm_fill(struct mm *mm, uint64_t start, uint64_t end);
/* What waits in [start, end) goes on waiting, out of reach: who touches it
 * faults, and finds what is mapped there. */
void warm_hide(struct mm *mm, uint64_t start, uint64_t end);
/* What waits in [start, end) is the caller's, who installs over it; true: there
 * was something. What does not become resident has to be released. */
bool warm_take_all(struct mm *mm, uint64_t start, uint64_t end);
void warm_release_rest(struct mm *mm, uint64_t start, uint64_t end);
/* The slots of p, which is not taken as it is. */
void warm_lose_slots(struct mm *mm, const struct warm_piece *p);
/* The first piece there, which is the caller's now, and counts still. False:
 * there is none. */
bool warm_take(struct mm *mm, uint64_t start, uint64_t end,
               struct warm_piece *out);
/* The piece that addr lies in, or NULL; or else the next one. */
struct warm_piece *warm_piece_at(struct warm *w, uint64_t addr);
struct warm_piece *warm_piece_from(struct warm *w, uint64_t addr);
/* Whether v's pages are such pieces once its process has ended; those of part p
 * of it join left, as long as there is room. */
bool warm_is_copied(const struct vma *v);
uint64_t warm_bytes(const struct warm *w);
/* Adds p, which lies in no piece of w. */
void warm_insert(struct warm *w, const struct warm_piece *p);
/* What the program made after its start, without content; and, once the next
 * run has started, as idle memory (idle.c): it is likely to make it again. */
void warm_gather_later(struct mm *mm, struct warm *left);
void warm_keep_later(struct mm *mm);
void warm_gather_copied(struct mm *mm, const struct warm_piece *p,
                        struct warm *left);
/* Ends the start. */
void warm_started(struct mm *mm);
/* The address space ends. All is unmapped but what is returned; NULL: nothing
 * is, and nothing is unmapped yet. */
struct warm *warm_leave(struct mm *mm);

/* ---- warm_next.c: from one call of the loader to the next ---- */

/* [start, end), where something waits, was mapped over. True: it may stay in
 * reach, for those that take it with the next calls. */
bool warm_next_takes(struct mm *mm, uint64_t start, uint64_t end);
void warm_next_fault(struct mm *mm, uint64_t addr);
/* Another process is going to touch it, and counts as one of those in it. */
void warm_next_visit(struct mm *mm);
/* mprotect(2) comes, and is done with result err. In between,
 * mm->next.puts_off: pages are not to change yet. The second returns the call's
 * result. */
void warm_next_protect(struct mm *mm, uint64_t start, uint64_t end, int prot);
int warm_next_protected(struct mm *mm, uint64_t start, int err);
/* The row of those is over, and an example for the next run, or not. -ENOMEM:
 * memory is lost. */
int warm_next_end(struct mm *mm, bool as_example);
/* The address space ends. */
void warm_next_leave(struct mm *mm);

/* ---- warm_pool.c: those that wait ---- */

void warm_init(void); /* at boot */
/* Takes w, whose family has no member any more. */
void warm_add(struct warm *w);
/* Memory is scarce: discards what has waited longest. How many pages. */
uint64_t warm_reclaim(void);
/* Discards those that own part of [start, end), or whose family has this key.
 * True: there were some. */
bool warm_discard(uint64_t start, uint64_t end);
bool warm_discard_key(unsigned key);

#endif
