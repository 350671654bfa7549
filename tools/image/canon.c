/* SPDX-License-Identifier: MIT
 *
 * Makes equal trees equal images. mkfs.erofs 1.5 puts two things into an image
 * that do not follow from the tree: the time of the build, and a file's
 * extended attributes in the order in which the host's file system lists them.
 * Here the first becomes 0 and the second sorted, in place; then the
 * superblock's checksum is made anew.
 *
 * The image is mkfs.erofs's own, so trouble is reported, not repaired.
 */
#include "tools/image/util.h"
#include "kernel/fs/erofs/erofs_core.h"
#include "kernel/fs/erofs/erofs_format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { S_DIR = 0040000, S_TYPE = 0170000 };

struct image {
    uint8_t *bytes;
    uint64_t size;
    struct erofs fs;
    /* Inodes still to be looked at: a growing stack. */
    uint64_t *todo;
    size_t todo_count, todo_room;
    bool failed; /* out of memory in a callback */
};

static int read_image(void *ctx, uint64_t off, void *dst, size_t len)
{
    struct image *m = ctx;

    memcpy(dst, m->bytes + off, len);
    return 0;
}

static bool push(void *arg, const char *name, size_t len, uint64_t nid,
                 uint8_t type, uint64_t next)
{
    struct image *m = arg;

    if (m->todo_count == m->todo_room) {
        size_t room = m->todo_room ? 2 * m->todo_room : 1024;
        uint64_t *todo = realloc(m->todo, room * sizeof(*todo));

        if (!todo) {
            m->failed = true;
            return false;
        }
        m->todo = todo;
        m->todo_room = room;
    }
    m->todo[m->todo_count++] = nid;
    return true;
}

/* ---- attributes ---- */

static size_t entry_size(const uint8_t *entry)
{
    struct erofs_disk_xattr e;

    memcpy(&e, entry, sizeof(e));
    return ALIGN_UP(sizeof(e) + e.name_len + e.value_size, 4);
}

static int by_name(const void *a, const void *b)
{
    const uint8_t *x = *(const uint8_t *const *)a;
    const uint8_t *y = *(const uint8_t *const *)b;
    struct erofs_disk_xattr ex, ey;
    int order;

    memcpy(&ex, x, sizeof(ex));
    memcpy(&ey, y, sizeof(ey));
    if (ex.prefix != ey.prefix) {
        return ex.prefix - ey.prefix;
    }
    order =
        memcmp(x + sizeof(ex), y + sizeof(ey), MIN(ex.name_len, ey.name_len));
    return order ? order : ex.name_len - ey.name_len;
}

/* Sorts the entries of [start, start + size). */
static bool sort_entries(uint8_t *start, size_t size)
{
    size_t count = 0, room = size / sizeof(struct erofs_disk_xattr);
    const uint8_t **entries = calloc(room + 1, sizeof(*entries));
    uint8_t *copy = malloc(size + 1), *to = start;
    bool good = entries && copy;

    if (good) {
        memcpy(copy, start, size);
    }
    for (size_t at = 0; good && at < size; count++) {
        entries[count] = copy + at;
        good = size - at >= sizeof(struct erofs_disk_xattr) &&
               entry_size(copy + at) <= size - at;
        at += good ? entry_size(copy + at) : 0;
    }
    if (good) {
        qsort(entries, count, sizeof(*entries), by_name);
    }
    for (size_t i = 0; good && i < count; i++) {
        memcpy(to, entries[i], entry_size(entries[i]));
        to += entry_size(entries[i]);
    }
    free(entries);
    free(copy);
    return good;
}

static bool sort_xattrs(struct image *m, const struct erofs_inode *inode)
{
    uint64_t head = inode->xattr + sizeof(struct erofs_disk_xattrs);

    if (inode->xattr_size <= sizeof(struct erofs_disk_xattrs)) {
        return true;
    }
    if (inode->tail > m->size ||
        m->bytes[inode->xattr +
                 offsetof(struct erofs_disk_xattrs, shared_count)] != 0) {
        return false; /* shared ones were not asked for */
    }
    return sort_entries(m->bytes + head, inode->tail - head);
}

static bool sort_all(struct image *m)
{
    uint8_t scratch[EROFS_BLOCK];
    bool good = push(m, "", 0, m->fs.root_nid, 0, 0);

    while (good && m->todo_count) {
        struct erofs_inode inode;
        uint64_t pos = 0;

        good = !erofs_inode(&m->fs, m->todo[--m->todo_count], &inode) &&
               sort_xattrs(m, &inode);
        if (good && (inode.mode & S_TYPE) == S_DIR) {
            good = !erofs_readdir(&m->fs, &inode, &pos, scratch, push, m) &&
                   !m->failed;
        }
    }
    return good;
}

/* ---- superblock ---- */

/* CRC-32C (Castagnoli) without the final inversion, as EROFS has it. */
static uint32_t crc32c(const uint8_t *p, size_t len)
{
    uint32_t crc = ~0u;

    while (len--) {
        crc ^= *p++;
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
        }
    }
    return crc;
}

/* Its checksum is over the rest of its block. */
static void seal_superblock(struct image *m)
{
    struct erofs_disk_sb sb;
    uint8_t *at = m->bytes + EROFS_SB_OFFSET;

    memcpy(&sb, at, sizeof(sb));
    sb.build_time = 0;
    sb.build_time_nsec = 0;
    sb.checksum = 0;
    memcpy(at, &sb, sizeof(sb));
    sb.checksum = crc32c(at, EROFS_BLOCK - EROFS_SB_OFFSET);
    memcpy(at, &sb, sizeof(sb));
}

int image_canonical(const char *path)
{
    struct image m = {.fs = {.read = read_image}};
    int fd = open(path, O_RDWR | O_CLOEXEC);
    struct stat st;
    bool good;

    if (fd < 0 || fstat(fd, &st)) {
        image_error("cannot open %s: %s", path, strerror(errno));
        goto out;
    }
    m.size = (uint64_t)st.st_size;
    m.bytes = mmap(NULL, m.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (m.bytes == MAP_FAILED) {
        image_error("cannot map %s: %s", path, strerror(errno));
        goto out;
    }
    close(fd);
    m.fs.ctx = &m;
    good = !erofs_open(&m.fs, m.size) && sort_all(&m);
    if (good) {
        seal_superblock(&m);
    }
    munmap(m.bytes, m.size);
    free(m.todo);
    return good ? 0
                : image_error("%s is not what mkfs.erofs 1.5 makes; is another "
                              "version installed?",
                              path);
out:
    if (fd >= 0) {
        close(fd);
    }
    return -1;
}
