/* SPDX-License-Identifier: MIT
 *
 * landlock(7): a thread gives up rights to files and ports, and to reach
 * others, for itself and for what it makes. A ruleset is a file that a program
 * puts together; what it restricts a thread to is a domain: a copy of the
 * ruleset as a layer on the domain that the thread had before. Domains never
 * change. What is asked for must be granted by every layer that handles it, for
 * a path by the rules of the object itself and of all that it lies in, across
 * mounts, together.
 */
#ifndef KERNEL_FS_LANDLOCK_H
#define KERNEL_FS_LANDLOCK_H

#include "kernel/fs/current.h"
#include "kernel/fs/dentry.h"
#include "abi/linux/landlock.h"

struct file;
struct ruleset;
struct landlock; /* a domain, counted; NULL: none */

void landlock_get(struct landlock *l);
void landlock_put(
    struct landlock *l); /* may free inodes: no spinlock is held */
/* Whether `part` is l or one of the domains that it stands on. */
bool landlock_is_part(const struct landlock *part, const struct landlock *l);

/* ---- rulesets ---- */

/* A ruleset that handles these accesses, and scopes. */
int ruleset_open(const struct landlock_ruleset_attr *attr, struct file **out);
/* The one behind f, or NULL. */
struct ruleset *ruleset_of(struct file *f);
/* Whether it handles these accesses to files. */
bool ruleset_handles(const struct ruleset *r, uint64_t fs);
/* Rules: -EINVAL: not all of access is handled, or fits p; -ENOMEM. */
int ruleset_add_path(struct ruleset *r, const struct path *p, uint64_t access);
int ruleset_add_port(struct ruleset *r, uint64_t port, uint64_t access);
/* The domain of r on top of `under`, which the caller keeps. -E2BIG: too many
 * layers; -ENOMEM. */
int ruleset_restrict(struct ruleset *r, struct landlock *under,
                     struct landlock **out);

/* ---- questions, about the current thread ---- */

static inline struct landlock *current_landlock(void)
{
    struct thread *t = current_thread();

    return t ? t->landlock : NULL;
}

int landlock_check_path(const struct path *p, uint64_t access);
int landlock_check_port(unsigned port, uint64_t access);

/* 0 or -EACCES. p is counted, or it is in a section. */
static inline int landlock_path(const struct path *p, uint64_t access)
{
    return likely(!current_landlock()) ? 0 : landlock_check_path(p, access);
}

static inline int landlock_port(unsigned port, uint64_t access)
{
    return likely(!current_landlock()) ? 0 : landlock_check_port(port, access);
}

/* Whether the current thread has a layer that scopes this and that `other`, the
 * domain of whom it wants to reach, does not stand on. */
bool landlock_scopes(const struct landlock *other, uint64_t scope);

/* The right to make an object of that type in a directory. */
uint64_t landlock_make(uint32_t mode);

/* link(2) and rename(2) of `old`, in from, to the name `new` in to. 0;
 * -EACCES: a right is missing at one of them; -EXDEV: the object would get
 * rights that it had not, or rights to move it at all are missing. */
struct landlock_move {
    const struct path *from, *to;
    struct dentry *old, *new; /* new: NULL or negative where there is nothing */
    bool removes;             /* rename */
    bool exchanges;
};
int landlock_check_move(const struct landlock_move *m);
static inline int landlock_move(const struct landlock_move *m)
{
    return likely(!current_landlock()) ? 0 : landlock_check_move(m);
}

/* Mounting, of whatever kind, by who is restricted in files: -EPERM. */
int landlock_mounts(void);

#endif
