/* SPDX-License-Identifier: MIT
 *
 * What the files of this room share: struct mm and its VMAs. The files:
 *
 *   mm.c         birth, death, names, statistics
 *   slots.c      which address space owns which part of the arena
 *   isolation.c  and which protection key that part has
 *   vma.c        the tree: find, split, merge, gaps
 *   family/      several at one place:
 *     family.c, family_share.c, fork.c, guard.c, share.c   what they have
 *     pieces.c, touched.c, save.c, load.c, exchange.c, schedule.c,
 *     settle.c, squeeze.c   in turns
 *     store.c, shadow.c   what they have while they are not there
 *   resident.c   which pages are committed (resident.h)
 *   window.c     where shared objects live;   alias.c  and are seen
 *   limit.c      the ceiling on all memory (limit.h)
 *   idle.c       committed pages kept for the next mapping
 *   warm.c, warm_fill.c, warm_pool.c   mappings kept for the next run (warm.h)
 *   warm_next.c   what its loader is about to do
 *   mmap.c       mm_map and where it puts things;   unmap.c, protect.c
 *   brk.c, mremap.c, advise.c, seal.c, mempolicy.c   the other calls
 *   fault.c      bringing pages in;   show.c   without copying them
 *   there.c      which are in;   userfault*.c   or by the program itself
 *   withdraw.c   taking a file's pages away
 *   text/        rewriting system calls in code:
 *     text.c, text_memo.c   on its way in;   text_trap.c   once it trapped
 *     text_image.c   once for all who show it
 *     trampoline.c   where the slots are
 *   uaccess.c, iobuf.c   the program's memory       pages.c, heap.c, kstack.c
 *
 * Two invariants hold whenever mm->lock is free: a page is in mm->resident
 * exactly when we have committed it, and then lies in a VMA; and at the
 * target it has that VMA's protection, prot_effective(vma->prot), without
 * MEM_WRITE if it is one of its family's common pages.
 * When the target commits lazily, all of an accessible anonymous VMA is
 * resident from the start, except for VMA_ON_TOUCH.
 */
#ifndef KERNEL_MM_ROOM_H
#define KERNEL_MM_ROOM_H

#include "lib/types.h"
#include "lib/list.h"
#include "lib/rbtree.h"
#include "abi/linux/mman.h"
#include "kernel/core/lock.h"
#include "kernel/core/sched.h"
#include "kernel/mm/family/family.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/resident.h"
#include "kernel/mm/show.h"
#include "kernel/mm/family/store.h"
#include "kernel/mm/text/text.h"
#include "kernel/mm/window.h"
#include "target/target.h"

enum vma_flags {
    VMA_SHARED = 1,
    VMA_GROWSDOWN = 2,
    VMA_WINDOW = 4,     /* a shared object's pages: not ours to commit */
    VMA_TRAMPOLINE = 8, /* ours: programs neither map nor unmap it */
    VMA_LOCKED = 16,    /* mlock(2) */
    VMA_NO_WRITE = 32,  /* mprotect may not add PROT_WRITE: -EACCES */
    VMA_DONTFORK = 64,  /* madvise(2), as are the next two */
    VMA_WIPEONFORK = 128,
    VMA_DONTDUMP = 256,
    VMA_ON_TOUCH = 512,  /* committed by faults, also where that is lazy */
    VMA_ALIAS = 2048,    /* with VMA_WINDOW: lies elsewhere, see alias.c */
    VMA_FAMILY = 1024,   /* anonymous and shared since a fork */
    VMA_SEALED = 4096,   /* mseal(2) */
    VMA_GUARDED = 8192,  /* madvise(2), MADV_GUARD_INSTALL: no access */
    VMA_AS_IS = 16384,   /* code that is rewritten when it traps, not before */
    VMA_NO_EXEC = 32768, /* mprotect may not add PROT_EXEC: -EACCES */
    VMA_SECRET = 131072, /* of memfd_secret(2) */
    VMA_NORESERVE = 1 << 18, /* MAP_NORESERVE: for smaps alone */
    VMA_ON_FAULT = 1 << 19,  /* VMA_LOCKED by MLOCK_ONFAULT or MCL_ONFAULT */
    VMA_HUGE = 1 << 20,      /* madvise(2), as are the next three; no more */
    VMA_NO_HUGE = 1 << 21,
    VMA_SEQUENTIAL = 1 << 22,
    VMA_RANDOM = 1 << 23,
    VMA_PROTECTED = 1 << 24, /* UFFDIO_WRITEPROTECT: cannot be written to */
    VMA_LARGE = 65536,       /* VMA_ON_TOUCH because it is large (limit.h) */
};

struct vma {
    struct rb_node node;   /* in mm->vmas, by address */
    uint64_t start, end;   /* pages */
    uint64_t off;          /* in obj, of start */
    struct vm_object *obj; /* a reference; NULL: anonymous */
    uint32_t flags;
    uint8_t prot;    /* PROT_READ | PROT_WRITE | PROT_EXEC, as asked */
    uint8_t name;    /* enum mm_special */
    uint8_t guarded; /* VMA_GUARDED, VMA_PROTECTED: what prot will be again */
    uint8_t serves;  /* UFFDIO_REGISTER_MODE_* of server */
    bool written;    /* was writable, or was rewritten in place: what it shows
                        (show.c) may be its own by now */
    struct userfault *server; /* userfaultfd(2), or NULL */
    uint16_t again;           /* VMA_WINDOW: mapped that often besides */
    uint16_t policy; /* mbind(2), as kernel/sys/ has it; kept, no more */
    /* Summary of the subtree: its span, and the largest gap inside. */
    uint64_t sub_start, sub_end, sub_gap;
    struct vma *dead_next;
};

/* Committed memory without a VMA, see idle.c. */
enum { IDLE_RUNS = 16, IDLE_PLACES = 4, REFUSED_SITES = 64 };
struct idle_run {
    uint64_t start, end;
    bool open; /* within the program's reach */
};
/* How often a run of just these pages was mapped again. */
struct idle_place {
    uint64_t start, end;
    uint32_t turns;
};

/* A MAP_GROWSDOWN mapping grows as long as it is smaller than this, and stays
 * this far away from what lies below. */
enum { STACK_GROWTH = 8 << 20, STACK_GUARD = 1 << 20 };

/* What the loader's next call is expected to do (warm_next.c). */
enum { NEXT_FILES = 16 };
struct mm_next {
    bool awaits;         /* mm_called() is called */
    bool open;           /* what waits in [start, end) is in reach */
    bool puts_off, over; /* of files: now; the row has ended */
    uint64_t start,
        end; /* a library that its segments come over; end 0: none */
    /* Made read-only in a row; the pages from `settled` on can be written to
     * still. */
    struct mem_run files[NEXT_FILES];
    unsigned count, settled;
};

/* What there is at an address space's addresses (pieces.c). */
struct pieces {
    struct piece *list; /* by address */
    unsigned count, room;
    uint64_t seen;  /* family->changes when it was made */
    uint32_t fresh; /* nobody has had mm->lock since, but a fork; atomic */
};

struct mm {
    struct mutex lock; /* LOCK_MM; guards all that follows but the counts */
    uint32_t refs, users;
    bool gone;             /* its last user has left */
    uint64_t shared_seen;  /* family->shared when it last looked */
    bool stranger;         /* in its family not by fork; not yet let in */
    bool lost;             /* its memory is (squeeze.c): who touches it ends */
    struct family *family; /* whose spans it uses */
    struct list family_node;
    uint16_t line;        /* of those who came into it by a start: from whom */
    unsigned line_key;    /* of its spans, if line is not 0 (the first's) */
    uint32_t apart_vmas;  /* counted beside the family's (vma.c) */
    struct store store;   /* what it has while its pages are not there */
    struct pieces pieces; /* what it has while they are */
    struct sched_gate gate; /* closed unless its pages are there */
    uint32_t vma_count;
    struct rb_tree vmas;
    struct resident resident;
    struct shown shown; /* at least what is shown; may name more */
    struct warm *warm;  /* warm.h; NULL: it leaves nothing */
    struct mm_next next;
    bool loading;      /* execve(2) maps it: no code of the program runs */
    struct span *home; /* NULL until needed */
    uint64_t home_top; /* mappings go from here down, at random below its end */
    bool has_image;    /* the bottom of home is taken */
    uint64_t brk_start, brk;
    struct mm_layout layout;
    uint64_t faults, sites_patched, virtual_bytes, locked_bytes, data_bytes,
        large_bytes;
    struct list alias_node;              /* alias.c */
    struct list all_node;                /* withdraw.c */
    uint64_t forks, fork_bytes;          /* what was copied for its children */
    uint64_t swaps, swap_bytes, swap_ns; /* when it came in */
    uint64_t moved_bytes;                /* then, too */
    uint64_t guard_faults;               /* what it wrote to became its own */
    /* schedule.c: since when it stays, asleep, in the hope of the host (TSC; 0:
     * it does not), how often in a row that was in vain, and for how many turns
     * it does not any more. */
    uint64_t lingers_since;
    unsigned in_vain, hopeless;
    bool shares;            /* anonymous shared memory, ever; atomic */
    bool windows;           /* shared objects, ever */
    bool secrets;           /* VMA_SECRET, ever; atomic */
    bool lock_future;       /* mlockall(MCL_FUTURE) */
    uint8_t mdwe;           /* PR_SET_MDWE's bits */
    bool lock_on_touch;     /* with MCL_ONFAULT */
    uint64_t spurious_addr; /* the last fault on a page that was there */
    uint32_t spurious_count;
    struct idle_run idle[IDLE_RUNS]; /* in no order */
    unsigned idle_count;
    struct idle_place idle_places[IDLE_PLACES]; /* the latest */
    unsigned idle_place;                        /* the next to be replaced */
    uint64_t idle_bytes;
    bool idle_closed;        /* none of them is left open any more */
    struct vma *dead;        /* to be freed once the lock is released */
    struct list trampolines; /* regions of trampoline.c */
    struct list userfaults;  /* userfault.c */
    uint64_t refused_sites[REFUSED_SITES]; /* text_trap.c; by hash, atomic */
    uint32_t trampoline_count;
};

/* What mm_init() was told. */
struct arena {
    uint64_t start, end;
    uint64_t shown; /* boot_info.user_shown: not 0 if the target can show */
    uint64_t shown_end;
    bool lazy;  /* boot_info.commit_is_lazy */
    bool eager; /* mm_without_faults() */
};
extern struct arena arena;
/* Whether a page of some window lies there that can be shown. */
static inline bool arena_in_shown(uint64_t addr)
{
    return addr >= arena.shown && addr < arena.shown_end;
}
/* Whether programs may have pages there: not in a hole, nor where the pages of
 * windows lie that can be shown. */
bool arena_is_free_for_pages(uint64_t start, uint64_t end);

/* Anonymous, and a program's own. */
static inline bool is_plain(int vma_flags, const struct vm_object *obj)
{
    return !obj && !(vma_flags & (VMA_TRAMPOLINE | VMA_ON_TOUCH));
}

/* Whether an accessible mapping is committed as a whole, at once. */
static inline bool is_whole(int vma_flags, const struct vm_object *obj)
{
    return arena.lazy && is_plain(vma_flags, obj);
}

/* Locks; unlocking then frees the VMAs that were removed meanwhile, which may
 * block in their objects. */
void mm_lock(struct mm *mm);
void mm_unlock(struct mm *mm);
/* The same for who changes nothing that mm->pieces say but makes them anew. */
void mm_lock_pieces(struct mm *mm);
void mm_unlock_pieces(struct mm *mm);

/* Code that is rewritten on its way in. */
static inline bool is_text(const struct vma *v)
{
    return v->prot & PROT_EXEC && !(v->prot & PROT_WRITE) &&
           !(v->flags & VMA_AS_IS);
}

/* Nothing but smaps minds these. */
enum {
    VMA_SHOWN_ONLY =
        VMA_NORESERVE | VMA_HUGE | VMA_NO_HUGE | VMA_SEQUENTIAL | VMA_RANDOM
};

static inline int lock_flags(bool on_fault)
{
    return VMA_LOCKED | (on_fault ? VMA_ON_FAULT : 0);
}

/* Whether RLIMIT_DATA counts it. */
static inline bool is_data(int vma_flags, int prot)
{
    return prot & PROT_WRITE && !(vma_flags & (VMA_SHARED | VMA_GROWSDOWN));
}

static inline bool page_is_zero(const uint64_t *page)
{
    uint64_t any = 0;

    for (size_t i = 0; i < PAGE_SIZE / sizeof(*page); i++) {
        any |= page[i];
    }
    return any == 0;
}

/* What the CPU grants: to write or execute is to read. */
static inline int prot_effective(int prot)
{
    return prot & (PROT_WRITE | PROT_EXEC) ? prot | PROT_READ : prot;
}

/* ---- mm.c ---- */

/* A reference if there are any still. */
bool mm_get_living(struct mm *mm);
/* A new address space without a family, in no list (withdraw_enlist). */
int mm_alloc(struct mm **out);

/* Forgets all mappings and pages; says nothing to the target. Lock held. */
void mm_empty(struct mm *mm);

/* ---- vma.c ---- */

void vma_tree_init(struct rb_tree *tree);
/* The first VMA that ends above addr, or NULL. */
struct vma *vma_find(struct mm *mm, uint64_t addr);
/* The same, but only when it also begins at or below addr. */
struct vma *vma_at(struct mm *mm, uint64_t addr);
struct vma *vma_next(struct vma *v);
struct vma *vma_prev(struct vma *v);
struct vma *vma_first(struct mm *mm);
struct vma *vma_last(struct mm *mm);
bool vma_range_free(struct mm *mm, uint64_t start, uint64_t end);

/* Whether mm may have one VMA more (vm.max_map_count). */
bool vma_has_room(const struct mm *mm);
/* One for mm. -ENOMEM, also at VMA_COUNT_MAX in the whole kernel (DESIGN: the
 * host has a limit, too). The new VMA takes a reference to obj. */
int vma_new(const struct mm *mm, uint64_t start, uint64_t end, int prot,
            int flags, struct vm_object *obj, uint64_t off, struct vma **out);
/* mm is a member of f now; f ends. */
void vma_count_member(struct family *f, const struct mm *mm);
void vma_count_end(struct family *f);
/* What mm has at the host while others of its family are resident: all of it,
 * or nothing. False: that is too much. */
bool vma_count_apart(struct mm *mm, bool all);
/* For one that is in no tree: mm_unlock() frees it. */
void vma_bury(struct mm *mm, struct vma *v);
/* Frees it at once; may block in its object. */
void vma_discard(struct vma *v);
/* Puts v in, where nothing is, and merges it with its neighbours: v may be
 * gone afterwards. */
void vma_insert(struct mm *mm, struct vma *v);
/* The same, behind all others. */
void vma_append(struct mm *mm, struct vma *v);
/* Takes v out; mm_unlock() frees it. Says nothing about its pages. */
void vma_remove(struct mm *mm, struct vma *v);
void vma_remove_all(struct mm *mm);
void vma_resize(struct mm *mm, struct vma *v, uint64_t start, uint64_t end);
/* After a change of v's attributes; returns the VMA that v is part of now. */
struct vma *vma_merge(struct mm *mm, struct vma *v);
/* Makes addr a border between VMAs if it lies inside one. -ENOMEM. */
int vma_split(struct mm *mm, uint64_t addr);
/* Both borders of a range. */
int vma_split_range(struct mm *mm, uint64_t start, uint64_t end);
/* The highest free len bytes in [lo, hi), page-aligned; 0: none. Leaves room
 * below GROWSDOWN mappings. */
uint64_t vma_gap(struct mm *mm, uint64_t lo, uint64_t hi, uint64_t len);

/* ---- seal.c; lock held ---- */

/* -EPERM when a mapping in [start, end) is sealed. */
int seal_refuses(struct mm *mm, uint64_t start, uint64_t end);
/* Whether v's content may not be given up: sealed, and its owner could not
 * write it either. */
bool seal_keeps_content(const struct vma *v);

/* ---- there.c ---- */

/* What of v is there, in bytes. Lock held. */
uint64_t there_bytes(struct mm *mm, struct vma *v);
/* Where the target commits lazily: what can be touched of [start, end) is now,
 * which brings it in; if write, or where what is written is private, to be
 * written. No lock held; best effort. */
void mm_touch(struct mm *mm, uint64_t start, uint64_t end, bool write);

/* ---- advise.c; lock held ---- */

/* mlock(2)'s mark; set: lock_flags(), or 0. -ENOMEM. */
int mark_locked(struct mm *mm, uint64_t start, uint64_t end, int set);
/* Where the mapped part of a range that begins at start ends. */
uint64_t mapped_end(struct mm *mm, uint64_t start, uint64_t end);

/* ---- the calls, with the lock held ---- */

/* A VMA to be: page-aligned, inside the mm's spans (or a window). */
struct mapping {
    uint64_t start, end;
    int prot, flags; /* enum vma_flags */
    uint8_t name;
    struct vm_object *obj;
    uint64_t off;
    bool written;  /* holds what was written elsewhere */
    bool on_touch; /* counts as it is used (limit.h) */
};
/* Maps it in place of what was there. -ENOMEM. */
int map_at(struct mm *mm, const struct mapping *m);
/* mm_map() with len a multiple of pages and checked arguments. */
int map_locked(struct mm *mm, uint64_t *addr, uint64_t len, int prot, int flags,
               struct vm_object *obj, uint64_t off);
/* Whether MAP_FIXED[_NOREPLACE] may go to [addr, addr + len), which becomes
 * the mm's part of the arena. -EINVAL, -EPERM, -EEXIST, -ENOMEM. */
int map_fix(struct mm *mm, uint64_t addr, uint64_t len, int prot, int flags);
/* Whether a mapping may go to [addr, addr + len), where nothing is; it becomes
 * the mm's part of the arena. */
bool map_is_free(struct mm *mm, uint64_t addr, uint64_t len);
/* VMA_LARGE and what it comes with, if so much private memory in one piece is
 * committed by faults because there is a ceiling; else 0. */
int map_large(uint64_t len);
/* Room for len bytes in one of the mm's spans; 0: none. The second may take a
 * new span. */
uint64_t map_find_gap(struct mm *mm, uint64_t len);
uint64_t map_find_room(struct mm *mm, uint64_t len);
int unmap_locked(struct mm *mm, uint64_t start, uint64_t end);
/* Changes one VMA; the caller merges. -ENOMEM: nothing changed. */
int protect_vma(struct mm *mm, struct vma *v, int prot);

/* Before what is missing of a range becomes resident: room for it in the set
 * and in the account (limit.h). -ENOMEM. Undone by pages_forget(). */
int pages_charge(struct mm *mm, uint64_t start, uint64_t end,
                 uint64_t *charged);
/* Where pages count as faults bring them in: -ENOMEM if there is no room for
 * them all now, so that who asks for more than there is hears it at once. */
int pages_expect(struct mm *mm, uint64_t start, uint64_t end);
/* Before the range is given up: what pages_forget() needs. -ENOMEM. */
int pages_prepare_forget(struct mm *mm, uint64_t start, uint64_t end);
/* The range is not resident any more. */
void pages_forget(struct mm *mm, uint64_t start, uint64_t end);
/* Commits a range with a protection as asked; old content is kept. -ENOMEM:
 * nothing changed. */
int pages_commit(struct mm *mm, uint64_t start, uint64_t end, int prot);
/* The same for what v is to have. */
static inline int vma_commit(struct mm *mm, const struct vma *v, uint64_t start,
                             uint64_t end, int prot)
{
    return unlikely(v->flags & VMA_FAMILY) ? family_commit(mm, start, end, prot)
                                           : pages_commit(mm, start, end, prot);
}
/* Changes what is resident in a range to `to`; on failure back to `from`. */
int pages_protect(struct mm *mm, uint64_t start, uint64_t end, int from,
                  int to);
/* Uncommits what is resident in a range; resident_prepare() was called. */
void pages_release(struct mm *mm, uint64_t start, uint64_t end);
/* The target's half of that alone: mm->resident stays as it is. False: there
 * was nothing. */
bool pages_give_back(struct mm *mm, uint64_t start, uint64_t end);

/* ---- idle.c; lock held ---- */

/* Instead of uncommitting [start, end), which was readable, writable and
 * anonymous: it, or its beginning, is kept. Where what is kept ends; the rest
 * is still committed. None of it is resident for long: the caller clears that.
 */
uint64_t idle_keep(struct mm *mm, uint64_t start, uint64_t end);
/* Before something is mapped there: forgets what is kept of the range. */
void idle_drop(struct mm *mm, uint64_t start, uint64_t end);
/* The same, but when all of it is kept: true, and the range is resident,
 * zero, readable and writable. False: that is true of what was kept of it. */
bool idle_take(struct mm *mm, uint64_t start, uint64_t end);
/* The program touched what is not mapped: nothing is left open to it. */
void idle_close(struct mm *mm);

/* ---- fault.c; lock held ---- */

/* Brings in a page that is not resident, with others around it. */
int fault_in(struct mm *mm, struct vma *v, uint64_t addr);
/* Brings in [start, end) of an object's private mapping, none of it resident;
 * less where the object ends. */
int fault_fill(struct mm *mm, struct vma *v, uint64_t start, uint64_t end);
/* As much of [start, end) as can be. 0, or the first error. */
int populate_locked(struct mm *mm, uint64_t start, uint64_t end);
/* The same as far as it goes, where faults cannot be relied on. */
static inline void fill_locked(struct mm *mm, uint64_t start, uint64_t end)
{
    if (arena.eager) {
        populate_locked(mm, start, end);
    }
}

/* The same for [start, end), mapped just now, and in an enclave as much as a
 * first touch would bring in; fixed: where the caller wanted it, as loaders do
 * with segments. */
void fill_new(struct mm *mm, uint64_t start, uint64_t end, bool fixed);

/* ---- withdraw.c ---- */

void withdraw_init(void);
/* Whether mm, whole and in its family, is one of those that are asked. */
void withdraw_enlist(struct mm *mm);
void withdraw_delist(struct mm *mm);

/* ---- uaccess.c ---- */

/* The programs' part, but for the holes. */
void uaccess_init(uint64_t start, uint64_t end, const struct user_hole *holes);

#endif
