/* SPDX-License-Identifier: MIT
 *
 * Address spaces that use the same addresses (family.c), which page faults make
 * private what they have in common (guard.c), which part of the arena is whose
 * (slots.c), and with which protection key (isolation.c). How they take turns
 * is in families.h and exchange.h.
 */
#ifndef KERNEL_MM_FAMILY_H
#define KERNEL_MM_FAMILY_H

#include "lib/types.h"
#include "lib/list.h"
#include "kernel/core/lock.h"
#include "kernel/core/timer.h"
#include "kernel/mm/resident.h"

struct mm;
struct vma;
struct user_hole;

/* A part of the arena that one family owns. */
struct span {
    struct list node; /* family->spans, oldest first */
    uint64_t start, end;
    bool general;  /* for mappings that may lie anywhere */
    uint16_t line; /* general: of which members */
    bool apart;    /* pages stay there, whoever is resident (apart.c) */
};

/* Address spaces that use the same addresses (family.c). Most have one
 * member. spans is guarded by the mm->lock of the member whose pages are
 * there. */
struct family {
    struct list spans;
    struct spinlock lock; /* LOCK_FAMILY; guards members, count and resident */
    struct list members;  /* struct mm.family_node */
    unsigned count;       /* of them */
    uint32_t vmas;        /* the most that a member has, or has had meanwhile */
    struct mm *resident;  /* whose pages are at their addresses; NULL: none */
    bool exchanging;      /* that changes just now; lock */
    struct mm *ghost;     /* nobody's any more, but its pages are there still */
    /* Pages that all members have and none can write, or which fault when they
     * do (guard.c): they stay. */
    struct resident common;
    /* Pages that have become common since the last look at a whole address
     * space (settle.c), still or not any more: not again. */
    struct resident settled;
    unsigned settle_in, settle_every; /* exchanges */
    unsigned forks_in, forks_every;   /* forks of the only member */
    /* The same of pages that forks would have copied; not again for long. */
    struct resident tried;
    uint64_t changes; /* of common */
    uint64_t found;   /* changes, when a fork had found what is common */
    uint64_t shared;  /* how often memory became VMA_FAMILY by a fork */
    uint64_t guarded; /* bytes that the first fork did not copy */
    unsigned faults;  /* by which guarded pages became the members' own */
    unsigned settled_faults; /* and single ones of settled and tried */
    struct list node;        /* in the list of those with several members */
    unsigned key;            /* of its spans; 0: there are no keys */
    /* A program without a choice of address began it: others may come. What
     * they have at such addresses has fixed_key, what else they have, a key of
     * their own (apart.c). lines: how many came. */
    bool splits;
    unsigned fixed_key;
    unsigned lines;
    bool ended;        /* takes nobody any more, or not yet (warm.h) */
    bool had_members;  /* several, once */
    uint64_t since;    /* when resident came in, ns */
    uint64_t swap_ns;  /* what the last exchange took */
    struct timer turn; /* while somebody waits for its end; schedule.c */
    /* For the log: exchanges since weighed_at, and what they took. */
    uint64_t weighed_at, swaps, lost_ns;
    bool told;
};

/* ---- family.c ---- */

/* With mm as its only member, or NULL. */
struct family *family_create(struct mm *mm);
/* f has no members: mm becomes the first. Nobody else does before
 * family_open(). */
void family_move_in(struct family *f, struct mm *mm);
/* Its start is over: others may join from here on, unless it ends as well. */
void family_open(struct mm *mm);
/* mm has no user any more: its pages go, and its place in the family. */
void family_leave(struct mm *mm);
/* True: mm's pages are at their addresses, and stay there until
 * family_let_go(), before which nothing may block. Lock held; mm is not gone.
 * May block. */
bool family_hold(struct mm *mm);
/* The same without blocking; false also while that changes. */
bool family_hold_now(struct mm *mm);
void family_let_go(struct mm *mm);
/* Before a page of [start, end) changes in a way that its owner's writing does
 * not: other members get their own copies of those that were common. -ENOMEM.
 * mm's pages are there, its lock is held. */
int family_own(struct mm *mm, uint64_t start, uint64_t end);
/* An empty mm becomes a member, its gate closed: 0, -EAGAIN: it just ends. */
int family_enter(struct family *f, struct mm *mm);
/* pages_commit() of VMA_FAMILY memory: for all who map it. */
int family_commit(struct mm *mm, uint64_t start, uint64_t end, int prot);
/* How many pages would go with mm, of f (NULL: of none): all that it has but
 * what others share. */
uint64_t family_counts(struct family *f, struct mm *mm);
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
/* Another one has it, too. */
void isolation_share_key(unsigned key);
void isolation_drop_key(unsigned key);
/* All that f has. */
void isolation_drop_keys(const struct family *f);
/* The same for what waits in the pool of warm.h: that comes, or becomes a
 * family, or goes. False: somebody has such a key. */
bool isolation_idle_keys(const struct family *f);
void isolation_wake_keys(const struct family *f);
void isolation_drop_idle_keys(const struct family *f);
/* The key of all windows. */
unsigned isolation_shared_key(void);
/* mm's tasks may touch what its family has, and windows if it has any. */
void isolation_grant(struct mm *mm);
/* Memory of another family than the current task's is touched between. The
 * caller does not block. */
void isolation_open(void);
void isolation_close(void);

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
/* The same; or mm, which is empty, becomes a member of the family that has part
 * of [start, end). -ENOMEM: that takes nobody; -EAGAIN: try again. */
int slots_claim_or_join(struct mm *mm, uint64_t start, uint64_t end);
/* A reference to whose pages are there now, or NULL. */
struct mm *slots_resident(uint64_t start, uint64_t end);
/* The key of the slot of addr, which is the caller's family's. */
unsigned slots_key(uint64_t addr);
/* Whether f owns the slot of addr. */
bool slots_own(const struct family *f, uint64_t addr);
/* Whether what lies at `at` stays there (struct span.apart); *stop, at most
 * end: how far that is so. */
bool slots_apart(uint64_t at, uint64_t end, uint64_t *stop);
void slots_set_apart(struct span *s, bool apart);
/* Whether mm may have mappings in s, which is its family's. */
bool slots_may_use(const struct mm *mm, const struct span *s);
/* Gives up spans inside [start, end) that have become empty. */
void slots_trim(struct mm *mm, uint64_t start, uint64_t end);
/* Gives this one up. */
void slots_release(struct span *s);

#endif
