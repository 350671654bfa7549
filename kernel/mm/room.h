/* SPDX-License-Identifier: MIT
 *
 * What the files of this room share: struct mm and its VMAs. The files:
 *
 *   mm.c         birth, death, names, statistics
 *   slots.c      which address space owns which part of the arena
 *   isolation.c  and which protection key that part has
 *   vma.c        the tree: find, split, merge, gaps
 *   family.c, family_share.c, fork.c, guard.c, share.c   several at one place
 *   pieces.c, touched.c, save.c, load.c, exchange.c, schedule.c   in turns
 *   store.c, shadow.c   what they have while they are not there
 *   resident.c   which pages are committed (resident.h)
 *   window.c     where shared objects live;   alias.c  and are seen
 *   limit.c      the ceiling on all memory (limit.h)
 *   idle.c       committed pages kept for the next mapping
 *   warm.c, warm_pool.c   mappings kept for the next run (warm.h)
 *   mmap.c       mm_map and where it puts things;   unmap.c, protect.c
 *   brk.c, mremap.c, advise.c, seal.c   the other calls
 *   fault.c      bringing pages in;   show.c   without copying them
 *   text.c, text_memo.c   rewriting system calls in code;    trampoline.c
 *   text_image.c  once for all who show it
 *   text_trap.c  the same, for one that trapped
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
#include "kernel/mm/mm.h"
#include "kernel/mm/resident.h"

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
    VMA_ON_TOUCH = 512, /* committed by faults, also where that is lazy */
    VMA_ALIAS = 2048,   /* with VMA_WINDOW: lies elsewhere, see alias.c */
    VMA_FAMILY = 1024,  /* anonymous and shared since a fork */
    VMA_SEALED = 4096,  /* mseal(2) */
    VMA_GUARDED = 8192, /* madvise(2), MADV_GUARD_INSTALL: no access */
    VMA_AS_IS = 16384,  /* code that is rewritten when it traps, not before */
};

struct vma {
    struct rb_node node;   /* in mm->vmas, by address */
    uint64_t start, end;   /* pages */
    uint64_t off;          /* in obj, of start */
    struct vm_object *obj; /* a reference; NULL: anonymous */
    uint16_t flags;
    uint8_t prot;    /* PROT_READ | PROT_WRITE | PROT_EXEC, as asked */
    uint8_t name;    /* enum mm_special */
    uint8_t guarded; /* VMA_GUARDED: what prot will be again */
    bool written;    /* was writable, or was rewritten in place: what it shows
                        (show.c) may be its own by now */
    uint16_t again;  /* VMA_WINDOW: mapped that often besides */
    uint16_t policy; /* mbind(2), as kernel/sys/ has it; kept, no more */
    /* Summary of the subtree: its span, and the largest gap inside. */
    uint64_t sub_start, sub_end, sub_gap;
    struct vma *dead_next;
};

/* A part of the arena that one family owns. */
struct span {
    struct list node; /* family->spans, oldest first */
    uint64_t start, end;
    bool general; /* for mappings that may lie anywhere */
};

/* A MAP_GROWSDOWN mapping grows as long as it is smaller than this, and stays
 * this far away from what lies below. */
/* Committed memory without a VMA, see idle.c. */
enum { IDLE_RUNS = 16, REFUSED_SITES = 64 };
struct idle_run {
    uint64_t start, end;
};

enum { STACK_GROWTH = 8 << 20, STACK_GUARD = 1 << 20 };

/* Pages of a member that are kept elsewhere, by address. */
enum store_kind {
    STORE_COPY,   /* buf: the kernel's pages; NULL: a note without content */
    STORE_MOVED,  /* buf: in a shadow range */
    STORE_TRADED, /* in an exchange: buf has what is to go to its place yet */
    STORE_LENT,   /* in an exchange: another store has them by now */
};
struct store_run {
    uint64_t start;
    uint32_t pages;
    uint32_t kind; /* enum store_kind */
    void *buf;
};
struct store {
    struct store_run *runs;
    unsigned count, room;
    uint64_t copied, moved; /* bytes, since it was empty */
};

/* What there is at an address space's addresses (pieces.c). */
struct pieces {
    struct piece *list; /* by address */
    unsigned count, room;
    uint64_t seen;  /* family->changes when it was made */
    uint32_t fresh; /* nobody has had mm->lock since; atomic */
};

/* Address spaces that use the same addresses (family.c). Most have one
 * member. spans is guarded by the mm->lock of the member whose pages are
 * there. */
struct family {
    struct list spans;
    struct spinlock lock; /* LOCK_FAMILY; guards members, count and resident */
    struct list members;  /* struct mm.family_node */
    unsigned count;       /* of them */
    struct mm *resident;  /* whose pages are at their addresses; NULL: none */
    bool exchanging;      /* that changes just now; lock */
    struct mm *ghost;     /* nobody's any more, but its pages are there still */
    /* Pages that all members have and none can write, or which fault when they
     * do (guard.c): they stay. */
    struct resident common;
    uint64_t changes; /* of common */
    uint64_t shared;  /* how often memory became VMA_FAMILY by a fork */
    uint64_t guarded; /* bytes that the first fork did not copy */
    unsigned faults;  /* by which guarded pages became the members' own */
    struct list node; /* in the list of those with several members */
    unsigned key;     /* of its spans; 0: there are no keys */
    bool ended;       /* takes nobody any more, or not yet (warm.h) */
    bool had_members; /* several, once */
    uint64_t since;   /* when resident came in, ns */
    uint64_t swap_ns; /* what the last exchange took */
    /* For the log: exchanges since weighed_at, and what they took. */
    uint64_t weighed_at, swaps, lost_ns;
    bool told;
};

/* Pages of the page cache that an address space shows, by address. */
struct shown_run {
    uint64_t start, end, src;
};
struct shown {
    struct shown_run *runs; /* ordered, none overlapping */
    unsigned count, room;
};

struct mm {
    struct mutex lock; /* LOCK_MM; guards all that follows but the counts */
    uint32_t refs, users;
    bool gone;             /* its last user has left */
    uint64_t shared_seen;  /* family->shared when it last looked */
    bool stranger;         /* in its family not by fork; not yet let in */
    struct family *family; /* whose spans it uses */
    struct list family_node;
    struct store store;     /* what it has while its pages are not there */
    struct pieces pieces;   /* what it has while they are */
    struct sched_gate gate; /* closed unless its pages are there */
    uint32_t vma_count;
    struct rb_tree vmas;
    struct resident resident;
    struct shown shown; /* at least what is shown; may name more */
    struct warm *warm;  /* warm.h; NULL: it leaves nothing */
    struct span *home;  /* NULL until needed */
    uint64_t home_top; /* mappings go from here down, at random below its end */
    bool has_image;    /* the bottom of home is taken */
    uint64_t brk_start, brk;
    struct mm_layout layout;
    uint64_t faults, sites_patched, virtual_bytes, locked_bytes, data_bytes;
    struct list alias_node;              /* alias.c */
    uint64_t forks, fork_bytes;          /* what was copied for its children */
    uint64_t swaps, swap_bytes, swap_ns; /* when it came in */
    bool shares;            /* anonymous shared memory, ever; atomic */
    bool windows;           /* shared objects, ever */
    bool lock_future;       /* mlockall(MCL_FUTURE) */
    uint64_t spurious_addr; /* the last fault on a page that was there */
    uint32_t spurious_count;
    struct idle_run idle[IDLE_RUNS]; /* in no order */
    unsigned idle_count;
    uint64_t idle_bytes;
    struct vma *dead;        /* to be freed once the lock is released */
    struct list trampolines; /* regions of trampoline.c */
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

/* Code that is rewritten on its way in. */
static inline bool is_text(const struct vma *v)
{
    return v->prot & PROT_EXEC && !(v->prot & PROT_WRITE) &&
           !(v->flags & VMA_AS_IS);
}

/* Whether RLIMIT_DATA counts it. */
static inline bool is_data(int vma_flags, int prot)
{
    return prot & PROT_WRITE && !(vma_flags & (VMA_SHARED | VMA_GROWSDOWN));
}

/* What the CPU grants: to write or execute is to read. */
static inline int prot_effective(int prot)
{
    return prot & (PROT_WRITE | PROT_EXEC) ? prot | PROT_READ : prot;
}

/* ---- mm.c ---- */

/* A reference if there are any still. */
bool mm_get_living(struct mm *mm);
/* A new address space without a family. */
int mm_alloc(struct mm **out);

/* Forgets all mappings and pages; says nothing to the target. Lock held. */
void mm_empty(struct mm *mm);

/* ---- family.c ---- */

/* With mm as its only member, or NULL. */
struct family *family_create(struct mm *mm);
/* f has no members: mm becomes the first. Nobody else does before
 * family_open(). */
void family_move_in(struct family *f, struct mm *mm);
void family_open(struct family *f);
/* mm has no user any more: its pages go, and its place in the family. */
void family_leave(struct mm *mm);
/* True: mm's pages are at their addresses, and stay there until
 * family_let_go(), before which nothing may block. Lock held; mm is not gone.
 * May block. */
bool family_hold(struct mm *mm);
void family_let_go(struct mm *mm);
/* Before a page of [start, end) changes in a way that its owner's writing does
 * not: other members get their own copies of those that were common. -ENOMEM.
 * mm's pages are there, its lock is held. */
int family_own(struct mm *mm, uint64_t start, uint64_t end);
/* An empty mm becomes a member, its gate closed: 0, -EAGAIN: it just ends. */
int family_enter(struct family *f, struct mm *mm);
/* munmap(2) of v, which is VMA_FAMILY. */
void family_unmap(struct mm *mm, struct vma *v);
/* Puts `in` in the place of who is there. Nobody's tasks run. -ENOMEM: nothing
 * changed. */
int family_exchange(struct family *f, struct mm *in);

/* ---- guard.c; lock held ---- */

/* Whether the page at addr, which is there, may fault when it is written. */
bool guard_holds(struct mm *mm, uint64_t addr);
/* Such a fault in v, which is writable: the page and some around it become
 * everybody's own. -ENOMEM. */
int guard_fault(struct mm *mm, struct vma *v, uint64_t addr);

/* ---- isolation.c ---- */

/* A key for a family: one that few others have. 0: there are none. */
unsigned isolation_take_key(void);
void isolation_drop_key(unsigned key);
/* The same for what waits in the pool of warm.h: that comes, or becomes a
 * family, or goes. False: a family has this key. */
bool isolation_idle_key(unsigned key);
void isolation_wake_key(unsigned key);
void isolation_drop_idle_key(unsigned key);
/* The key of all windows. */
unsigned isolation_shared_key(void);
/* mm's tasks may touch what its family has, and windows if it has any. */
void isolation_grant(struct mm *mm);
/* Memory of another family than the current task's is touched between. The
 * caller does not block. */
void isolation_open(void);
void isolation_close(void);

/* ---- store.c ---- */

/* Sees to it that an array of runs, kmalloc'ed, has room for `want` of size
 * bytes each. -ENOMEM: it is as it was. */
int runs_grow(void **runs, unsigned *room, unsigned want, size_t size);
/* Copies pages [start, end) from their addresses into s. -ENOMEM: perhaps some
 * of them. */
int store_insert(struct store *s, uint64_t start, uint64_t end);
/* Undoes that, also for store_put_aside(). */
void store_drop(struct store *s, uint64_t start, uint64_t end);
/* s takes pages [start, end) of from's run i over, which holds them: they are
 * STORE_LENT there, and STORE_TRADED in s. -ENOMEM. */
int store_lend(struct store *from, unsigned i, uint64_t start, uint64_t end,
               struct store *s);
/* Undoes that. */
void store_reclaim(struct store *from, struct store *s);
/* The rest in order of address. Notes that pages were there, without their
 * content. -ENOMEM. */
int store_note(struct store *s, uint64_t start, uint64_t end);
/* Moves the pages away; they are then committed and zero. Error: untouched. */
int store_move(struct store *s, uint64_t start, uint64_t end);
/* Copies what of [start, end) may hold something to where it is moved from
 * later, with that protection. t: a search from start on. -ENOMEM. */
struct touched;
int store_put_aside(struct store *s, struct touched *t, uint64_t start,
                    uint64_t end, int prot);
/* The pages [start, end) of a moved run go to their addresses, whatever is
 * there. An error is the host's: it refused both ways to do it. */
int store_return(const struct store_run *r, uint64_t start, uint64_t end,
                 int prot);
/* returned: of the moved runs, nothing is left. */
void store_free(struct store *s, bool returned);

/* ---- shadow.c ---- */

/* False: pages put aside are always copied. */
bool shadow_exists(void);
/* Where the pages of [start, end) may go, at the same place within 2 MiB; 0:
 * nowhere. */
uint64_t shadow_take(uint64_t start, uint64_t end);
/* The range is free again; empty: it has no page that takes memory. */
void shadow_give(uint64_t start, uint64_t end, bool empty);

/* ---- slots.c: struct span; no lock needed beyond mm->lock ---- */

/* -ENOMEM. */
int slots_init(const struct user_hole *holes);
/* Makes [start, end) the mm's. -ENOMEM when another one has part of it. */
int slots_claim(struct mm *mm, uint64_t start, uint64_t end);
/* For what will have no pages: what is nobody's to have does not matter. */
int slots_set_aside(struct mm *mm, uint64_t start, uint64_t end);
/* A fresh span with at least len bytes, at a random place. -ENOMEM. */
int slots_claim_any(struct mm *mm, uint64_t len, struct span **out);
/* mm->home, made if need be. */
int slots_home(struct mm *mm, struct span **out);
/* mm's home becomes all of the arena that can be shown: once, at boot. */
int slots_claim_shown(struct mm *mm);
void slots_release_all(struct family *f);
/* mm, which is empty, becomes a member of the family that has part of
 * [start, end). -ENOMEM: that takes nobody; -EAGAIN: it just ends. */
int slots_join(struct mm *mm, uint64_t start, uint64_t end);
/* The key of the slot of addr, which is the caller's family's. */
unsigned slots_key(uint64_t addr);
/* Whether f owns the slot of addr. */
bool slots_own(const struct family *f, uint64_t addr);
/* Gives up spans inside [start, end) that have become empty. */
void slots_trim(struct mm *mm, uint64_t start, uint64_t end);
/* Gives this one up. */
void slots_release(struct span *s);

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
/* -ENOMEM at VMA_COUNT_MAX in the whole kernel (DESIGN: the host has a limit,
 * too). The new VMA takes a reference to obj. */
int vma_new(uint64_t start, uint64_t end, int prot, int flags,
            struct vm_object *obj, uint64_t off, struct vma **out);
/* For one that is in no tree: mm_unlock() frees it. */
void vma_bury(struct mm *mm, struct vma *v);
/* Frees it at once; may block in its object. */
void vma_discard(struct vma *v);
/* Puts v in, where nothing is, and merges it with its neighbours: v may be
 * gone afterwards. */
void vma_insert(struct mm *mm, struct vma *v);
/* Takes v out; mm_unlock() frees it. Says nothing about its pages. */
void vma_remove(struct mm *mm, struct vma *v);
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

/* ---- the calls, with the lock held ---- */

/* A VMA to be: page-aligned, inside the mm's spans (or a window). */
struct mapping {
    uint64_t start, end;
    int prot, flags; /* enum vma_flags */
    uint8_t name;
    struct vm_object *obj;
    uint64_t off;
};
/* Maps it in place of what was there. -ENOMEM. */
int map_at(struct mm *mm, const struct mapping *m);
/* mm_map() with len a multiple of pages and checked arguments. */
int map_locked(struct mm *mm, uint64_t *addr, uint64_t len, int prot, int flags,
               struct vm_object *obj, uint64_t off);
/* Whether MAP_FIXED[_NOREPLACE] may go to [addr, addr + len), which becomes
 * the mm's part of the arena. -EINVAL, -EPERM, -EEXIST, -ENOMEM. */
int map_fix(struct mm *mm, uint64_t addr, uint64_t len, int prot, int flags);
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
/* The range is not resident any more. */
void pages_forget(struct mm *mm, uint64_t start, uint64_t end);
/* Commits a range with a protection as asked; old content is kept. -ENOMEM:
 * nothing changed. */
int pages_commit(struct mm *mm, uint64_t start, uint64_t end, int prot);
/* Changes what is resident in a range to `to`; on failure back to `from`. */
int pages_protect(struct mm *mm, uint64_t start, uint64_t end, int from,
                  int to);
/* Uncommits what is resident in a range; resident_prepare() was called. */
void pages_release(struct mm *mm, uint64_t start, uint64_t end);
/* The target's half of that alone: mm->resident stays as it is. False: there
 * was nothing. */
bool pages_give_back(struct mm *mm, uint64_t start, uint64_t end);

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
/* Nothing is shown any more. */
void alias_release_all(struct mm *mm);
/* mm has such mappings now; mm is about to be freed. */
void alias_enlist(struct mm *mm);
void alias_delist(struct mm *mm);
/* Without locks: a window has [start, end) now, or not any more. -ENOMEM. May
 * block. */
int alias_note(uint64_t start, uint64_t end);
void alias_revoke(uint64_t start, uint64_t end);

/* ---- idle.c; lock held ---- */

/* Instead of uncommitting [start, end), which was readable, writable and
 * anonymous: true when it is kept. Not resident in either case for long: the
 * caller clears that. */
bool idle_keep(struct mm *mm, uint64_t start, uint64_t end);
/* Before something is mapped there: forgets what is kept of the range. */
void idle_drop(struct mm *mm, uint64_t start, uint64_t end);
/* The same, but when all of it is kept: true, and the range is resident,
 * zero, readable and writable. */
bool idle_take(struct mm *mm, uint64_t start, uint64_t end);

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
int shown_copy(struct mm *to, const struct mm *from);
void shown_free(struct mm *mm);

/* ---- fault.c; lock held ---- */

/* Brings in a page that is not resident, with others around it. */
int fault_in(struct mm *mm, struct vma *v, uint64_t addr);
/* As much of [start, end) as can be. 0, or the first error. */
int populate_locked(struct mm *mm, uint64_t start, uint64_t end);
/* The same as far as it goes, where faults cannot be relied on. */
static inline void fill_locked(struct mm *mm, uint64_t start, uint64_t end)
{
    if (arena.eager) {
        populate_locked(mm, start, end);
    }
}

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

/* ---- uaccess.c ---- */

/* The programs' part, but for the holes. */
void uaccess_init(uint64_t start, uint64_t end, const struct user_hole *holes);

#endif
