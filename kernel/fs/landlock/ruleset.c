/* SPDX-License-Identifier: MIT
 *
 * Landlock's rulesets (landlock.h): files that rules are added to, and that
 * become layers of domains.
 */
#include "kernel/fs/landlock/landlock_private.h"
#include "kernel/fs/file.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"

struct ruleset {
    struct mutex lock; /* LOCK_FS_POS: the rules */
    uint64_t fs, net, scoped;
    unsigned count, room;
    struct rule *rules; /* by key */
};

static void ruleset_release(struct file *f)
{
    struct ruleset *r = f->private;

    for (unsigned i = 0; i < r->count; i++) {
        inode_put(r->rules[i].inode);
    }
    kfree(r->rules);
    kfree(r);
}

static const struct file_ops ruleset_ops = {.release = ruleset_release};

int ruleset_open(const struct landlock_ruleset_attr *attr, struct file **out)
{
    struct ruleset *r = kzalloc(sizeof(*r));
    int err;

    if (!r) {
        return -ENOMEM;
    }
    mutex_init(&r->lock, LOCK_FS_POS);
    r->fs = attr->handled_access_fs;
    r->net = attr->handled_access_net;
    r->scoped = attr->scoped;
    err = file_open_anon("anon_inode:[landlock-ruleset]", &ruleset_ops, r,
                         O_RDWR, out);
    if (err) {
        kfree(r);
    }
    return err;
}

struct ruleset *ruleset_of(struct file *f)
{
    return f->ops == &ruleset_ops ? f->private : NULL;
}

bool ruleset_handles(const struct ruleset *r, uint64_t fs)
{
    return !(fs & ~r->fs);
}

/* ---- rules ---- */

static int make_room(struct ruleset *r)
{
    unsigned room = r->room ? 2 * r->room : 8;
    struct rule *more;

    if (r->count < r->room) {
        return 0;
    }
    more = kmalloc(room * sizeof(*more));
    if (!more) {
        return -ENOMEM;
    }
    memcpy(more, r->rules, r->count * sizeof(*more));
    kfree(r->rules);
    r->rules = more;
    r->room = room;
    return 0;
}

/* Rules of one key are one. */
static int add(struct ruleset *r, uint64_t key, struct inode *inode,
               uint64_t access)
{
    unsigned at = 0;
    int err = make_room(r);

    if (err) {
        return err;
    }
    while (at < r->count && r->rules[at].key < key) {
        at++;
    }
    if (at < r->count && r->rules[at].key == key) {
        r->rules[at].access |= access;
        return 0;
    }
    memmove(r->rules + at + 1, r->rules + at,
            (r->count - at) * sizeof(*r->rules));
    r->rules[at] = (struct rule){key, access, inode};
    r->count++;
    if (inode) {
        inode_get(inode);
    }
    return 0;
}

int ruleset_add_path(struct ruleset *r, const struct path *p, uint64_t access)
{
    struct inode *inode = p->dentry->inode;
    int err;

    if (!ruleset_handles(r, access) ||
        (!S_ISDIR(inode->mode) && access & ~LANDLOCK_ACCESS_FILE)) {
        return -EINVAL;
    }
    mutex_lock(&r->lock);
    err = add(r, (uintptr_t)inode, inode, access);
    mutex_unlock(&r->lock);
    return err;
}

int ruleset_add_port(struct ruleset *r, uint64_t port, uint64_t access)
{
    int err;

    if (access & ~r->net || port > UINT16_MAX) {
        return -EINVAL;
    }
    mutex_lock(&r->lock);
    err = add(r, port, NULL, access);
    mutex_unlock(&r->lock);
    return err;
}

/* ---- becoming a domain ---- */

/* Who is restricted in files at all needs a rule to move one to another
 * directory. */
static void fill(struct landlock *l, const struct ruleset *r)
{
    l->fs = r->fs | (r->fs ? LANDLOCK_ACCESS_FS_REFER : 0);
    l->net = r->net;
    l->scoped = r->scoped;
    l->count = r->count;
    for (unsigned i = 0; i < r->count; i++) {
        l->rules[i] = r->rules[i];
        if (r->rules[i].inode) {
            inode_get(r->rules[i].inode);
        }
    }
}

int ruleset_restrict(struct ruleset *r, struct landlock *under,
                     struct landlock **out)
{
    unsigned depth = under ? under->depth + 1 : 1;
    struct landlock *l;

    if (depth > LANDLOCK_LAYERS_MAX) {
        return -E2BIG;
    }
    mutex_lock(&r->lock);
    l = kmalloc(sizeof(*l) + r->count * sizeof(l->rules[0]));
    if (l) {
        *l = (struct landlock){.refs = 1, .depth = depth, .under = under};
        fill(l, r);
    }
    mutex_unlock(&r->lock);
    if (!l) {
        return -ENOMEM;
    }
    landlock_get(under);
    *out = l;
    return 0;
}
