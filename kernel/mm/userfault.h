/* SPDX-License-Identifier: MIT
 *
 * Faults on pages that are missing, served by the program (userfaultfd(2)):
 * the address space's side. kernel/fs/event/userfaultfd.c is the descriptor.
 *
 * Whoever touches such a page stands in line until it has come, or is told to
 * look again. Private anonymous memory only.
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
    bool write, told, done;
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
 * unregister. */
int userfault_register(struct userfault *u, uint64_t start, uint64_t len);
int userfault_unregister(struct userfault *u, uint64_t start, uint64_t len);
/* Those who wait there look again. */
void userfault_wake(struct userfault *u, uint64_t start, uint64_t len);
/* page: what comes to addr, one of the kernel's, or NULL: zeros. -ENOENT
 * (nobody serves it), -EEXIST, -ENOMEM, -ESRCH. */
int userfault_fill(struct userfault *u, uint64_t addr, const void *page);
/* The same with the page at src of the same address space, which is missing
 * there afterwards. buf: a page of the kernel's. -ENOENT: nothing is at src;
 * -EINVAL: not such memory. */
int userfault_move(struct userfault *u, uint64_t addr, uint64_t src, void *buf);

/* ---- fault.c; mm->lock held ---- */

/* v's page at addr is missing, and others serve it: waits, without the lock,
 * until it is worth another look: 0. by_program: not the kernel on its behalf.
 * -EFAULT, -EIO (SIGBUS). v may be gone afterwards. */
int userfault_wait(struct mm *mm, struct vma *v, uint64_t addr, bool write,
                   bool by_program);
/* The same question without waiting. */
bool userfault_serves(const struct vma *v);
/* mm is about to be freed. */
void userfault_free_all(struct mm *mm);

#endif
