/* SPDX-License-Identifier: MIT
 *
 * Faults on pages that are missing, served by the program (userfaultfd(2)):
 * the address space's side. kernel/fs/event/userfaultfd.c is the descriptor.
 *
 * Whoever touches such a page, or writes to one that is protected, stands in
 * line until it has come, or is told to look again. Private anonymous memory
 * only.
 */
#ifndef KERNEL_MM_USERFAULT_H
#define KERNEL_MM_USERFAULT_H

#include "kernel/core/wait.h"

struct mm;
struct vma;

/* Somebody's fault, on his stack. */
struct userfault_event {
    struct list node; /* in userfault->events */
    uint64_t addr;    /* as touched */
    bool write, kept; /* kept: it is there, but not to be written to */
    bool told, done;
};

/* Of one descriptor; belongs to the address space, which frees it. */
struct userfault {
    struct spinlock lock;    /* LOCK_PIPE: what follows */
    struct list events;      /* oldest first */
    struct wait_queue wait;  /* who reads or polls */
    struct wait_queue stand; /* who has touched */
    struct list node;        /* mm->userfaults, under mm->lock */
    struct mm *mm;           /* a reference until it is closed */
    bool programs_only;      /* the kernel's own touching is -EFAULT */
    bool as_sigbus;          /* nobody stands in line */
    bool unpopulated;        /* what is missing is protected, too */
    bool closed;             /* atomic */
    bool unused;             /* atomic: closed, and who did so is through */
    bool forgotten;          /* under mm->lock: about to be freed */
};

/* For the caller's address space. -ENOMEM. */
int userfault_new(struct userfault **out);
/* The descriptor is gone: all look again. */
void userfault_close(struct userfault *u);

/* The oldest event that was not told before; false: none. */
bool userfault_next(struct userfault *u, struct userfault_event *out);
bool userfault_pending(struct userfault *u);

/* The ioctls; [start, start + len) in pages. -ENOMEM: the process has
 * ended; -EINVAL: not such memory. Another's is -EBUSY to register, -EINVAL to
 * unregister. mode: UFFDIO_REGISTER_MODE_*. */
int userfault_register(struct userfault *u, uint64_t start, uint64_t len,
                       unsigned mode);
int userfault_unregister(struct userfault *u, uint64_t start, uint64_t len);
/* Those who wait there look again. */
void userfault_wake(struct userfault *u, uint64_t start, uint64_t len);
/* Nobody writes to what is there until it is off again. -ENOENT: not
 * registered so; -ENOMEM, -ESRCH. */
int userfault_protect(struct userfault *u, uint64_t start, uint64_t len,
                      bool on);
/* page: what comes to addr, one of the kernel's, or NULL: zeros; kept: it is
 * protected at once. -ENOENT (nobody serves it), -EEXIST, -ENOMEM, -ESRCH,
 * -EINVAL: cannot be kept. */
int userfault_fill(struct userfault *u, uint64_t addr, const void *page,
                   bool kept);
/* The same with the page at src of the same address space, which is missing
 * there afterwards. buf: a page of the kernel's. -ENOENT: nothing is at src;
 * -EINVAL: not such memory. */
int userfault_move(struct userfault *u, uint64_t addr, uint64_t src, void *buf);

/* ---- fault.c; mm->lock held ---- */

/* *e, on v's page, is for others to answer: waits, without the lock, until it
 * is worth another look: 0. by_program: not the kernel on its behalf. -EFAULT,
 * -EIO (SIGBUS). v may be gone afterwards. */
int userfault_wait(struct mm *mm, struct vma *v, struct userfault_event *e,
                   bool by_program);
/* Whether others serve it so (UFFDIO_REGISTER_MODE_*); its missing pages;
 * writes to its protected pages. */
bool userfault_has(const struct vma *v, unsigned mode);
bool userfault_serves(const struct vma *v);
bool userfault_protects(const struct vma *v);

/* ---- within the room; mm->lock held ---- */

/* Nothing of [start, end) is protected any more. -ENOMEM. */
int userfault_lift(struct mm *mm, uint64_t start, uint64_t end);
/* Where ends what v is part of, parts that are protected included. */
uint64_t userfault_end(struct vma *v);
int userfault_protect_page(struct mm *mm, uint64_t addr);
/* Without it: mm's pages are to be there, which may be a relative. */
int userfault_enter(struct mm *mm);
void userfault_leave(struct mm *home);
/* mm is about to be freed. */
void userfault_free_all(struct mm *mm);

#endif
