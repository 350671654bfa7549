/* SPDX-License-Identifier: MIT
 *
 * Memory policies and the calls that move pages between nodes, of a machine
 * with one node: what is asked is checked, kept and told again, and all pages
 * are on node 0 already.
 *
 * A policy is a number (struct vma, struct thread): its mode with flags, as
 * mbind(2) has them, and which of the first four nodes its mask names.
 */
#include "kernel/sys/table.h"
#include "kernel/mm/mm.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/peer.h"
#include "kernel/proc/proc.h"
#include "abi/linux/errno.h"
#include "abi/linux/mman.h"

enum {
    CAP_SYS_NICE = 23,
    MASK_BITS = PAGE_SIZE * 8, /* the longest that is read */
    NODES_MAX = 1024,          /* and what of it is looked at */
    POLICY_NODES = 0xf00,
    POLICY_SHIFT = 8,
    USER_MASK = MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES,
    ALL_FLAGS = USER_MASK | MPOL_F_NUMA_BALANCING,
};

struct nodes {
    uint64_t first; /* of the first 64 */
    bool any;
};

/* A node mask of maxnode bits, which Linux counts from one. -EINVAL: it names
 * nodes that no machine has, or is absurd; -EFAULT. */
static int read_nodes(struct uptr mask, uint64_t maxnode, struct nodes *n)
{
    uint64_t word;

    *n = (struct nodes){0};
    if (!mask.addr || maxnode == 1) {
        return 0;
    }
    maxnode--;
    if (maxnode > MASK_BITS) {
        return -EINVAL;
    }
    for (uint64_t bit = 0; bit < maxnode; bit += 64) {
        if (get_user64(&word, uptr_add(mask, bit / 8))) {
            return -EFAULT;
        }
        if (maxnode - bit < 64) {
            word &= (1ull << (maxnode - bit)) - 1;
        }
        if (word && bit >= NODES_MAX) {
            return -EINVAL;
        }
        n->first = bit ? n->first : word;
        n->any |= word != 0;
    }
    return 0;
}

/* ---- policies ---- */

static bool may_balance(int kind)
{
    return kind == MPOL_BIND || kind == MPOL_PREFERRED_MANY;
}

/* A mode that names nodes. */
static int policy_of_nodes(int mode, const struct nodes *n, uint16_t *policy)
{
    uint64_t told = mode & ALL_FLAGS ? n->first & 15 : 1;

    if (!(n->first & 1) && !(mode & MPOL_F_RELATIVE_NODES && n->any)) {
        return -EINVAL;
    }
    *policy = (uint16_t)((uint64_t)mode | told << POLICY_SHIFT);
    return 0;
}

static int read_policy(int mode, struct uptr mask, uint64_t maxnode,
                       uint16_t *policy)
{
    int kind = mode & ~ALL_FLAGS, err;
    struct nodes n;

    if (kind < 0 || kind >= MPOL_MAX || (mode & USER_MASK) == USER_MASK ||
        (mode & MPOL_F_NUMA_BALANCING && !may_balance(kind))) {
        return -EINVAL;
    }
    err = read_nodes(mask, maxnode, &n);
    if (err) {
        return err;
    }
    if (kind == MPOL_DEFAULT) {
        *policy = MPOL_DEFAULT;
        return n.any ? -EINVAL : 0;
    }
    if (kind == MPOL_LOCAL || (kind == MPOL_PREFERRED && !n.any)) {
        *policy = MPOL_LOCAL;
        return n.any || mode & USER_MASK ? -EINVAL : 0;
    }
    return policy_of_nodes(mode, &n, policy);
}

long sys_mbind(const struct sysargs *a)
{
    uint64_t addr = arg_u64(a, 0), len = arg_u64(a, 1);
    unsigned flags = arg_uint(a, 5);
    uint16_t policy;
    int err;

    if (flags & ~(MPOL_MF_STRICT | MPOL_MF_MOVE | MPOL_MF_MOVE_ALL) ||
        !IS_ALIGNED(addr, PAGE_SIZE)) {
        return -EINVAL;
    }
    if (flags & MPOL_MF_MOVE_ALL && !cred_capable(CAP_SYS_NICE)) {
        return -EPERM;
    }
    err = read_policy(arg_int(a, 2), arg_ptr(a, 3), arg_u64(a, 4), &policy);
    return err || !len
               ? err
               : mm_set_policy(current_task()->mm, addr, len, policy, !policy);
}

long sys_set_mempolicy(const struct sysargs *a)
{
    uint16_t policy;
    int err = read_policy(arg_int(a, 0), arg_ptr(a, 1), arg_u64(a, 2), &policy);

    if (!err) {
        current_thread()->memory_policy = policy;
    }
    return err;
}

/* Where it says on which node to begin: that is node 0 anyhow. */
static int may_have_home(uint16_t policy)
{
    return may_balance(policy & 0xff) ? 0 : -EOPNOTSUPP;
}

long sys_set_mempolicy_home_node(const struct sysargs *a)
{
    uint64_t addr = arg_u64(a, 0), len = ALIGN_UP(arg_u64(a, 1), PAGE_SIZE);

    if (!IS_ALIGNED(addr, PAGE_SIZE) || arg_u64(a, 3) || arg_u64(a, 2) ||
        addr + len < addr) {
        return -EINVAL;
    }
    return len ? mm_each_policy(current_task()->mm, addr, len, may_have_home)
               : 0;
}

/* The mask of node 0 in a user buffer of maxnode bits. */
static int put_node_mask(struct uptr mask, uint64_t maxnode, uint64_t first)
{
    uint64_t len = ALIGN_UP(maxnode - 1, 64) / 8;

    if (len > PAGE_SIZE) {
        return -EINVAL;
    }
    return len && (zero_user(mask, len) || put_user64(mask, first)) ? -EFAULT
                                                                    : 0;
}

/* MPOL_F_NODE: where the page is, or the next one of those that are
 * interleaved would be. -EINVAL: they are not. */
static int tell_node(uint64_t flags, uint16_t policy, uint32_t *mode)
{
    unsigned kind = policy & 0xff;

    *mode = 0;
    return flags & MPOL_F_ADDR || kind == MPOL_INTERLEAVE ||
                   kind == MPOL_WEIGHTED_INTERLEAVE
               ? 0
               : -EINVAL;
}

/* What the flags ask for: mode, and the mask of nodes. */
static int find_policy(uint64_t addr, uint64_t flags, uint32_t *mode,
                       uint64_t *nodes)
{
    uint16_t policy = current_thread()->memory_policy;
    int err = 0;

    if (flags & MPOL_F_MEMS_ALLOWED) {
        *mode = 0;
        *nodes = 1;
        return flags & (MPOL_F_NODE | MPOL_F_ADDR) ? -EINVAL : 0;
    }
    if (flags & MPOL_F_ADDR) {
        err = mm_get_policy(current_task()->mm, addr, &policy);
    } else if (addr) {
        err = -EINVAL;
    }
    if (err) {
        return err;
    }
    *mode = policy & ~(uint32_t)POLICY_NODES;
    *nodes = (policy & POLICY_NODES) >> POLICY_SHIFT;
    return flags & MPOL_F_NODE ? tell_node(flags, policy, mode) : 0;
}

long sys_get_mempolicy(const struct sysargs *a)
{
    uint64_t flags = arg_u64(a, 4), nodes;
    uint32_t mode;
    int err;

    if (flags & ~(uint64_t)(MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_MEMS_ALLOWED) ||
        (arg_ptr(a, 1).addr && arg_u64(a, 2) < 1)) {
        return -EINVAL;
    }
    err = find_policy(arg_u64(a, 3), flags, &mode, &nodes);
    if (err) {
        return err;
    }
    if (arg_ptr(a, 0).addr && put_user32(arg_ptr(a, 0), mode)) {
        return -EFAULT;
    }
    return arg_ptr(a, 1).addr
               ? put_node_mask(arg_ptr(a, 1), arg_u64(a, 2), nodes)
               : 0;
}

/* ---- moving ---- */

/* The address space of pid (0: the caller), with a reference. -ESRCH, -EPERM;
 * none: the process has none left. */
static int find_mm(int pid, int none, struct mm **out)
{
    struct proc *p;
    int err = 0;

    if (!pid) {
        *out = current_task()->mm;
        mm_get(*out);
        return 0;
    }
    p = proc_find_any(pid);
    if (!p) {
        return -ESRCH;
    }
    *out = proc_mm(p); /* first: p may execute what others may not look into */
    err = !proc_may_trace(p) ? -EPERM : *out ? 0 : none;
    if (err && *out) {
        mm_put(*out);
        *out = NULL;
    }
    proc_put(p);
    return err;
}

long sys_migrate_pages(const struct sysargs *a)
{
    struct nodes from, to;
    struct mm *mm;
    int err = read_nodes(arg_ptr(a, 2), arg_u64(a, 1), &from);

    if (!err) {
        err = read_nodes(arg_ptr(a, 3), arg_u64(a, 1), &to);
    }
    if (!err) {
        err = find_mm(arg_int(a, 0), -EINVAL, &mm);
    }
    if (err) {
        return err;
    }
    mm_put(mm);
    return to.first & 1 ? 0 : -EINVAL;
}

/* Where the page at addr is: 0, -ENOENT (nowhere yet) or -EFAULT. */
static int node_of(struct mm *mm, uint64_t addr)
{
    uint8_t is;

    mm_look(mm, ALIGN_DOWN(addr, PAGE_SIZE), 1, false, &is);
    return !(is & MM_MAPPED) ? -EFAULT : is & MM_THERE ? 0 : -ENOENT;
}

struct move_lists {
    struct uptr pages, nodes, status; /* of each page */
    uint64_t count;
};

static int move_one(struct mm *mm, const struct move_lists *l, uint64_t i)
{
    uint64_t addr;
    uint32_t node = 0;

    if (get_user64(&addr, uptr_add(l->pages, i * sizeof(addr))) ||
        (l->nodes.addr &&
         get_user32(&node, uptr_add(l->nodes, i * sizeof(node))))) {
        return -EFAULT;
    }
    if (node) {
        return -ENODEV;
    }
    return put_user32(uptr_add(l->status, i * sizeof(node)),
                      (uint32_t)node_of(mm, addr));
}

long sys_move_pages(const struct sysargs *a)
{
    struct move_lists l = {.pages = arg_ptr(a, 2),
                           .nodes = arg_ptr(a, 3),
                           .status = arg_ptr(a, 4),
                           .count = arg_u64(a, 1)};
    int flags = arg_int(a, 5), err;
    struct mm *mm;

    if (flags & ~(MPOL_MF_MOVE | MPOL_MF_MOVE_ALL)) {
        return -EINVAL;
    }
    if (flags & MPOL_MF_MOVE_ALL && !cred_capable(CAP_SYS_NICE)) {
        return -EPERM;
    }
    err = find_mm(arg_int(a, 0), -ESRCH, &mm);
    if (err) {
        return err;
    }
    for (uint64_t i = 0; i < l.count && !err; i++) {
        err = move_one(mm, &l, i);
    }
    mm_put(mm);
    return err;
}
