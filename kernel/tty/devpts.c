/* SPDX-License-Identifier: MIT
 *
 * /dev/pts: a directory whose names are the numbers of the terminals there
 * are, and ptmx. A terminal's inode lives as long as its number, so that
 * owner and mode stay what they were set to.
 */
#include "kernel/tty/room.h"
#include "kernel/mm/heap.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"

enum {
    SLOTS = 1024,
    MAJOR = 136,
    GROUP = 5, /* "tty", as Debian mounts it */
    PTMX_INO = 2,
    FIRST_INO = 3, /* of number 0 */
    MAGIC = 0x1cd1,
};

/* LOCK_DENTRY guards the slots. */
static struct spinlock lock = SPINLOCK_INIT(LOCK_DENTRY);
static struct slot {
    struct terminal *terminal;
    struct inode *node; /* a reference */
} slots[SLOTS];

static struct superblock sb;
static struct inode *ptmx;
static const struct inode_ops node_ops;

/* ---- inodes ---- */

static void node_free(struct inode *inode)
{
    inode_destroy(inode);
    kfree(inode);
}

static int node_new(uint64_t ino, uint32_t mode, uint64_t rdev,
                    struct inode **out)
{
    struct inode *inode = kmalloc(sizeof(*inode));

    if (!inode) {
        return -ENOMEM;
    }
    inode_init(inode, &sb, &node_ops, ino, mode);
    inode->rdev = rdev;
    *out = inode;
    return 0;
}

/* ---- the directory ---- */

/* The number that name stands for, or SLOTS. */
static unsigned parse(const char *name, size_t len)
{
    unsigned n = 0;

    if (len == 0 || len > 4 || (name[0] == '0' && len > 1)) {
        return SLOTS;
    }
    for (size_t i = 0; i < len; i++) {
        if (name[i] < '0' || name[i] > '9') {
            return SLOTS;
        }
        n = n * 10 + (name[i] - '0');
    }
    return MIN(n, (unsigned)SLOTS);
}

static int root_lookup(struct inode *dir, const char *name, size_t len,
                       struct inode **out)
{
    unsigned n = parse(name, len);
    struct inode *node = NULL;

    spin_lock(&lock);
    if (n < SLOTS) {
        node = slots[n].node;
    } else if (len == 4 && memcmp(name, "ptmx", 4) == 0) {
        node = ptmx;
    }
    if (node) {
        inode_get(node);
    }
    spin_unlock(&lock);
    *out = node;
    return node ? 0 : -ENOENT;
}

/* Cookies: 1 behind ptmx, n + 2 behind number n. */
static int root_readdir(struct inode *dir, struct dir_sink *sink)
{
    if (sink->pos == 0) {
        if (!sink->emit(sink, "ptmx", 4, PTMX_INO, S_IFCHR >> 12, 1)) {
            return 0;
        }
        sink->pos = 1;
    }
    for (uint64_t n = sink->pos - 1; n < SLOTS; n++) {
        char name[8];
        int len = fmt_snprintf(name, sizeof(name), "%u", (unsigned)n);

        if (!atomic_load_relaxed(&slots[n].node)) {
            continue;
        }
        if (!sink->emit(sink, name, len, FIRST_INO + n, S_IFCHR >> 12, n + 2)) {
            return 0;
        }
        sink->pos = n + 2;
    }
    return 0;
}

static const struct inode_ops node_ops = {
    .free = node_free,
    .lookup = root_lookup,
    .readdir = root_readdir,
    .setattr = inode_setattr,
};

static void sb_free(struct superblock *s)
{
}

static const struct superblock_ops sb_ops = {.free = sb_free};

int devpts_mount(struct superblock **out)
{
    int err;

    sb_init(&sb, &sb_ops, "devpts", MAGIC, SB_NO_CACHE | SB_NO_ATIME);
    err = node_new(1, S_IFDIR | 0755, 0, &sb.root);
    if (!err) {
        sb.root->nlink = 2;
        err = node_new(PTMX_INO, S_IFCHR | 0666, make_dev(5, 2), &ptmx);
    }
    if (err) {
        sb_put(&sb);
        return err;
    }
    *out = &sb;
    return 0;
}

/* ---- numbers ---- */

int devpts_add(struct terminal *t, uint32_t uid, struct inode **node)
{
    int n = 0, err = node_new(0, S_IFCHR | 0620, 0, node);

    if (err) {
        return err;
    }
    spin_lock(&lock);
    while (n < SLOTS && slots[n].node) {
        n++;
    }
    if (n < SLOTS) {
        (*node)->ino = FIRST_INO + n;
        (*node)->rdev = t->rdev = make_dev(MAJOR, n);
        (*node)->uid = uid;
        (*node)->gid = GROUP;
        slots[n].terminal = t;
        atomic_store(&slots[n].node, *node);
    }
    spin_unlock(&lock);
    if (n == SLOTS) {
        inode_put(*node);
        return -ENOSPC;
    }
    return n;
}

void devpts_remove(int number)
{
    struct inode *node;

    spin_lock(&lock);
    node = slots[number].node;
    slots[number].terminal = NULL;
    atomic_store(&slots[number].node, NULL);
    spin_unlock(&lock);
    inode_put(node);
}

int devpts_open(struct file *f, uint32_t number)
{
    struct terminal *t;

    spin_lock(&lock);
    t = number < SLOTS ? slots[number].terminal : NULL;
    if (t) {
        t->get(t);
    }
    spin_unlock(&lock);
    return t ? t->open(t, f) : -ENXIO;
}
