/* SPDX-License-Identifier: MIT
 *
 * File systems whose content is made when it is read: procfs and sysfs. A tree
 * is written as tables, one row a name; rows whose names are numbers (pids,
 * descriptors, CPUs) stand for as many entries as `next` says there are.
 *
 *     static const struct pseudo root[] = {
 *         {"uptime", S_IFREG | 0444, .show = show_uptime},
 *         {"sys", S_IFDIR | 0555, .children = sys},
 *         {NULL},
 *     };
 *
 * Functions run in the reading task and may block. They get the numbers on
 * the way to the entry in `at`.
 */
#ifndef KERNEL_FS_PSEUDO_H
#define KERNEL_FS_PSEUDO_H

#include "kernel/core/wait.h"
#include "kernel/fs/procfs/tunable.h"
#include "kernel/fs/vfs.h"

/* Text that grows; once memory is short it stays as it is. */
struct text {
    char *buf;
    size_t len, size;
    bool failed;
};
void text_add(struct text *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void text_bytes(struct text *t, const void *bytes, size_t len);

enum { PSEUDO_DEPTH = 3 };
struct pseudo_at {
    int n[PSEUDO_DEPTH]; /* numbers on the way, the last at n[count - 1] */
    int count;
    struct mm *mm; /* pseudo_keep()'s; or NULL */
};

/* Something that a file shows and that changes: those who poll it get POLLERR
 * and POLLPRI once a change. */
struct pseudo_changes {
    uint32_t count; /* atomic */
    struct wait_queue wait;
};
#define PSEUDO_CHANGES(name)                                                   \
    {                                                                          \
        0,                                                                     \
        {                                                                      \
            SPINLOCK_INIT(LOCK_WAIT), LIST_INIT((name).wait.entries)           \
        }                                                                      \
    }
/* Tells who polls. */
void pseudo_changed(struct pseudo_changes *c);

/* What a mount shows, and to whom; all zeros: everything, to all. */
struct pseudo_limits {
    uint8_t hide;      /* as the tree understands it */
    bool numbers_only; /* of the root: rows for many, and `always` */
    uint32_t gid;
};

struct pseudo {
    const char *name; /* NULL ends a table. With `next`: what stands before
                         the number ("cpu" of cpu0), often "" */
    uint32_t mode;    /* with S_IFMT */

    /* Files: the content, or constant text; what is written to them (absent:
     * -EACCES, whoever asks). -errno, e.g. -ESRCH. */
    int (*show)(struct text *t, const struct pseudo_at *at);
    const char *text;
    struct tunable *number;         /* shown and stored by itself */
    struct pseudo_changes *changes; /* poll(2) tells; NULL: always ready */
    int (*store)(const char *buf, size_t len, const struct pseudo_at *at);
    long (*ioctl)(const struct pseudo_at *at, uint32_t cmd, struct uptr arg);

    /* Links: a text; or follow, which leads to an object (vfs.h), too. */
    int (*link)(char *buf, size_t len, const struct pseudo_at *at);
    int (*follow)(struct path *out, const struct pseudo_at *at);

    /* Directories: the table below, NULL-terminated. */
    const struct pseudo *children;

    /* A row for many: the first number >= from that there is, or -1. */
    int (*next)(int from, const struct pseudo_at *at);
    /* Optional, rows for many: a number as a name of its own. */
    const char *(*spell)(int n);
    /* Optional: whether number n is there besides, without being listed. */
    bool (*hides)(int n, const struct pseudo_at *at);
    bool immutable; /* nobody may write to it, whoever asks: -EPERM */
    /* Optional, links: the mode's bits, which tell something of their own
     * (/proc/PID/fd). */
    uint32_t (*bits)(const struct pseudo_at *at);
    /* Optional, rows for many: what tells one thing of a number from the next
     * that has it; part of the inode's number. */
    uint64_t (*generation)(const struct pseudo_at *at);
    /* Optional, directories: names that no row can tell; with pseudo_free(). */
    const struct inode_ops *inode_ops;
    /* Optional, files: what is more than text. open as in inode_ops; the place
     * is pseudo_place()'s. */
    const struct file_ops *file_ops;
    int (*open)(struct inode *inode, struct file *f);
    /* Optional, rows for many: whether who looks may find number n, and look
     * into it (-EPERM). */
    bool (*visible)(const struct pseudo_limits *l, int n);
    bool (*enters)(const struct pseudo_limits *l, int n);
    bool always; /* there with numbers_only, too */
    /* Optional, constant texts, and directories that names are looked up in:
     * -errno when there is none (any more). */
    int (*check)(const struct pseudo_at *at);
    /* Optional, directories: -errno when there is nothing to list (any
     * more). */
    int (*lists)(const struct pseudo_at *at);
    /* Optional: whose it is. */
    void (*owner)(uint32_t *uid, uint32_t *gid, const struct pseudo_at *at);
};

/* Whether inode is the directory of a number right below a root, with those
 * children; the number, and when it was looked up. */
bool pseudo_number(struct inode *inode, const struct pseudo *children, int *n,
                   uint64_t *made);

/* For a row's open: functions of this open file find mm, whose reference is
 * taken (also on failure: -ENOMEM), in `at`. */
int pseudo_keep(struct file *f, struct mm *mm);

void pseudo_free(struct inode *inode);

/* The numbers on the way to an inode of such a tree. */
const struct pseudo_at *pseudo_place(struct inode *inode);

struct pseudo_limits *pseudo_limits(struct superblock *sb);

/* A superblock whose root directory has `children`. */
int pseudo_mount(const struct pseudo *children, const char *type,
                 uint64_t magic, uint32_t flags, struct superblock **out);

#endif
