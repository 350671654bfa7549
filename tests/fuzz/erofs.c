/* SPDX-License-Identifier: MIT
 *
 * Any bytes as an EROFS file system: everything that can be found from its
 * root is looked at. The reader must stay inside the image and come to an end.
 */
#include <stdlib.h>
#include <string.h>

#include "kernel/fs/erofs/erofs_core.h"
#include "tests/fuzz/fuzz.h"

enum { INODES_MAX = 64, READS_MAX = 5000, EIO = 5 };

struct image {
    const uint8_t *bytes;
    size_t size;
    unsigned reads;
    uint64_t todo[INODES_MAX];
    unsigned count;
    struct erofs fs;
};

static int read_image(void *ctx, uint64_t off, void *dst, size_t len)
{
    struct image *m = ctx;

    fuzz_expect(off <= m->size && len <= m->size - off);
    if (++m->reads > READS_MAX) {
        return -EIO;
    }
    memcpy(dst, m->bytes + off, len);
    return 0;
}

static bool emit(void *arg, const char *name, size_t len, uint64_t nid,
                 uint8_t type, uint64_t next)
{
    struct image *m = arg;
    char copy[EROFS_NAME_MAX + 1];

    fuzz_expect(len > 0 && len <= EROFS_NAME_MAX);
    memcpy(copy, name, len);
    if (m->count < INODES_MAX) {
        m->todo[m->count++] = nid;
    }
    return true;
}

static void look(struct image *m, const struct erofs_inode *inode)
{
    static uint8_t scratch[EROFS_BLOCK], buffer[4096];
    uint64_t pos = 0, nid;

    erofs_readdir(&m->fs, inode, &pos, scratch, emit, m);
    erofs_lookup(&m->fs, inode, "a", 1, scratch, &nid);
    if (inode->size) {
        size_t n = inode->size < 4096 ? inode->size : 4096;

        erofs_read(&m->fs, inode, 0, buffer, n);
        erofs_read(&m->fs, inode, inode->size - n, buffer, n);
    }
    erofs_listxattr(&m->fs, inode, (char *)buffer, sizeof(buffer));
    erofs_getxattr(&m->fs, inode, "user.a", buffer, sizeof(buffer));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct image m;

    memset(&m, 0, sizeof(m));
    m.size = size;
    m.bytes = data;
    m.fs.read = read_image;
    m.fs.ctx = &m;
    if (erofs_open(&m.fs, size)) {
        return 0;
    }
    m.todo[m.count++] = m.fs.root_nid;
    for (unsigned i = 0; i < m.count; i++) {
        struct erofs_inode inode;

        if (!erofs_inode(&m.fs, m.todo[i], &inode)) {
            look(&m, &inode);
        }
    }
    return 0;
}
