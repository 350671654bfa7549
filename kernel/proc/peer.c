/* SPDX-License-Identifier: MIT
 *
 * Looking at other processes (peer.h). Their memory is reached by visiting
 * their address space, since a member of a family that is not resident has its
 * pages elsewhere.
 */
#include "kernel/proc/peer.h"
#include "kernel/proc/cred.h"
#include "kernel/fs/landlock/landlock.h"
#include "abi/linux/prctl.h"

/* That of its first thread. [L] */
static const struct landlock *landlock_of(const struct proc *p)
{
    struct list *first = list_first(&p->threads);

    return first ? list_entry(first, struct thread, node)->landlock : NULL;
}

/* What is restricted sees only what is restricted at least as much. [L] */
static bool landlock_allows(const struct proc *p)
{
    const struct landlock *mine = current_landlock();

    return likely(!mine) || list_empty(&p->threads) ||
           landlock_is_part(mine, landlock_of(p));
}

bool proc_in_scope_locked(const struct proc *p)
{
    return likely(!current_landlock()) || p == current_proc() ||
           list_empty(&p->threads) ||
           !landlock_scopes(landlock_of(p), LANDLOCK_SCOPE_SIGNAL);
}

bool proc_may_be_tracer(const struct proc *p)
{
    return landlock_is_part(landlock_of(p), current_landlock());
}

bool proc_may_trace(const struct proc *p)
{
    bool may;

    if (likely(!current_landlock())) { /* else threads are looked at */
        return proc_may_trace_locked(p);
    }
    spin_lock(&proc_lock);
    may = proc_may_trace_locked(p);
    spin_unlock(&proc_lock);
    return may;
}

bool proc_may_trace_locked(const struct proc *p)
{
    const struct cred *me = current_cred(), *c = &p->cred;

    if (p == current_proc()) {
        return true;
    }
    if (!landlock_allows(p)) {
        return false;
    }
    return cred_capable(CAP_SYS_PTRACE) ||
           (me->uid == c->uid && me->uid == c->euid && me->uid == c->suid &&
            me->gid == c->gid && me->gid == c->egid && me->gid == c->sgid &&
            !(c->cap_permitted & ~me->cap_permitted) && p->dumpable);
}

struct mm *proc_mm(struct proc *p)
{
    struct mm *mm;

    spin_lock(&proc_lock);
    mm = p->mm;
    if (mm) {
        mm_get(mm);
    }
    spin_unlock(&proc_lock);
    return mm;
}

size_t peer_read(struct mm *mm, uint64_t addr, void *buf, size_t len)
{
    struct mm *home = current_task()->mm;
    size_t n;

    len = mm_open_part(mm, addr, len);
    if (mm == home) {
        return copy_from_user_part(buf, uptr(addr), len);
    }
    if (mm_visit(mm)) {
        return 0;
    }
    n = copy_from_user_part(buf, uptr(addr), len);
    mm_visit_end(home);
    return n;
}

size_t peer_write(struct mm *mm, uint64_t addr, const void *buf, size_t len)
{
    struct mm *home = current_task()->mm;
    size_t n;

    len = mm_open_part(mm, addr, len);
    if (mm == home) {
        return copy_to_user_part(uptr(addr), buf, len);
    }
    if (mm_visit(mm)) {
        return 0;
    }
    n = copy_to_user_part(uptr(addr), buf, len);
    mm_visit_end(home);
    return n;
}

static size_t move(uint64_t addr, char *buf, size_t len, bool write)
{
    return write ? copy_to_user_part(uptr(addr), buf, len)
                 : copy_from_user_part(buf, uptr(addr), len);
}

/* One page of a private mapping, through its protection. */
static size_t force_page(struct mm *mm, uint64_t addr, char *buf, size_t len,
                         bool write)
{
    uint64_t page = ALIGN_DOWN(addr, PAGE_SIZE);
    size_t n = move(addr, buf, len, write);
    int prot;

    if (n == len || mm_unprotect(mm, page, &prot)) {
        return n;
    }
    n = move(addr, buf, len, write);
    mm_protect(mm, page, PAGE_SIZE, prot);
    return n;
}

static size_t force(struct mm *mm, uint64_t addr, char *buf, size_t len,
                    bool write)
{
    struct mm *home = current_task()->mm;
    size_t done = 0, n = 1;

    len = mm_open_part(mm, addr, len);
    if (!mm_user_range(addr, len) || (mm != home && mm_visit(mm))) {
        return 0;
    }
    while (done < len && n) {
        size_t room = PAGE_SIZE - (addr + done) % PAGE_SIZE;

        n = force_page(mm, addr + done, buf + done, MIN(len - done, room),
                       write);
        done += n;
    }
    if (mm != home) {
        mm_visit_end(home);
    }
    return done;
}

size_t peer_force(struct mm *mm, uint64_t addr, const void *buf, size_t len)
{
    return force(mm, addr, (char *)(uintptr_t)buf, len, true);
}

size_t peer_force_read(struct mm *mm, uint64_t addr, void *buf, size_t len)
{
    return force(mm, addr, buf, len, false);
}
