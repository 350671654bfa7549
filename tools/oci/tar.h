/* SPDX-License-Identifier: MIT
 *
 * Reading tar archives in memory: ustar, GNU's long names and base-256
 * numbers, pax headers (pax(1), tar(5)). Nothing is written; layer.c does.
 */
#ifndef TOOLS_OCI_TAR_H
#define TOOLS_OCI_TAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum { TAR_XATTRS_MAX = 32 };

enum tar_type {
    TAR_FILE = '0',
    TAR_HARD_LINK = '1',
    TAR_SYMLINK = '2',
    TAR_CHARACTER = '3',
    TAR_BLOCK = '4',
    TAR_DIRECTORY = '5',
    TAR_FIFO = '6',
};

struct tar {
    const char *name; /* for messages */
    const uint8_t *bytes;
    size_t size, at;
};

struct tar_xattr {
    char *name;
    const uint8_t *value; /* in the archive */
    size_t len;
};

struct tar_entry {
    char *path, *link; /* as written */
    char type;         /* enum tar_type */
    uint32_t mode;
    uint64_t uid, gid, size, major, minor;
    struct timespec mtime;
    const uint8_t *data; /* size bytes in the archive */
    struct tar_xattr xattrs[TAR_XATTRS_MAX];
    unsigned xattr_count;
};

/* Whether it begins as one does. */
bool tar_is_one(const struct tar *t);
/* The next entry, to be freed: 1; the end: 0; -1 after a message. */
int tar_next(struct tar *t, struct tar_entry *e);
void tar_entry_free(struct tar_entry *e);

#endif
