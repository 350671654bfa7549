/* SPDX-License-Identifier: MIT
 *
 * Damaged EROFS images: bytes of a good one are changed at random, above all
 * in its metadata, and everything the reader offers is tried on the result.
 * Whatever it answers, it must not crash, read outside the image, or go on for
 * ever. Runs under the sanitizers.
 *
 * usage: erofs_fuzz [ROUNDS [SEED]]
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/fs/erofs/erofs_core.h"
#include "kernel/fs/tests/image_file.h"
#include "lib/tests/unit.h"

enum { FILES_MAX = 300, CHANGES_MAX = 8, READS_MAX = 100000 };

static struct image_file image;
static uint64_t metadata_blocks[4096];
static unsigned metadata_count;
static uint64_t seed = 1;
static unsigned long reads, inodes_seen, errors_seen;
static long budget; /* reads left in this round */

static uint32_t random32(void)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return seed >> 32;
}

static int read_image(void *ctx, uint64_t off, void *dst, size_t len)
{
    if (off > image.size || len > image.size - off) {
        printf("read of %zu at %llu\n", len, (unsigned long long)off);
        abort();
    }
    reads++;
    if (--budget < 0) {
        return -EIO;
    }
    memcpy(dst, image.bytes + off, len);
    return 0;
}

struct queue {
    uint64_t nids[FILES_MAX];
    unsigned count;
    const struct erofs *fs;
    const struct erofs_inode *dir;
};

static bool enqueue(void *arg, const char *name, size_t len, uint64_t nid,
                    uint8_t type, uint64_t next)
{
    static uint8_t scratch[EROFS_BLOCK];
    struct queue *q = arg;
    uint64_t found;
    char copy[EROFS_NAME_MAX + 1];

    memcpy(copy, name, len); /* the sanitizer watches the length */
    copy[len] = '\0';
    erofs_lookup(q->fs, q->dir, copy, len, scratch, &found);
    if (q->count < FILES_MAX) {
        q->nids[q->count++] = nid;
    }
    return q->count < FILES_MAX;
}

static int check(int result)
{
    errors_seen += result < 0;
    return result;
}

static void try_content(const struct erofs *fs, const struct erofs_inode *inode)
{
    static uint8_t buf[3 * EROFS_BLOCK];
    struct erofs_extent x;
    uint64_t blocks = (inode->size + EROFS_BLOCK - 1) / EROFS_BLOCK;

    for (uint64_t off = 0; off < inode->size && off < 20 * sizeof(buf);
         off += sizeof(buf)) {
        check(erofs_read(fs, inode, off, buf,
                         MIN(inode->size - off, (uint64_t)sizeof(buf))));
    }
    for (int i = 0; i < 4 && blocks; i++) {
        uint64_t at = (((uint64_t)random32() << 32) | random32()) % blocks;

        if (check(erofs_map(fs, inode, i ? at : blocks - 1, 64, &x)) == 0) {
            EXPECT(x.count >= 1 && x.count <= 64);
            EXPECT(x.at != EROFS_AT_BLOCKS ||
                   x.where + x.count <= image.size / EROFS_BLOCK);
            EXPECT(x.len <= EROFS_BLOCK);
        }
    }
}

static void try_xattrs(const struct erofs *fs, const struct erofs_inode *inode)
{
    static char names[65536], value[65536];
    long len = erofs_listxattr(fs, inode, names, sizeof(names));

    check(erofs_listxattr(fs, inode, NULL, 0));
    for (long i = 0; i < len; i += (long)strlen(names + i) + 1) {
        check(erofs_getxattr(fs, inode, names + i, value, sizeof(value)));
        check(erofs_getxattr(fs, inode, names + i, value, 1));
    }
    check(erofs_getxattr(fs, inode, "user.none", value, 1));
}

static void try_image(void)
{
    static uint8_t scratch[EROFS_BLOCK];
    static struct queue q;
    struct erofs fs = {.read = read_image};
    struct erofs_inode inode;

    budget = READS_MAX;
    if (check(erofs_open(&fs, image.size))) {
        return;
    }
    q.count = 1;
    q.nids[0] = fs.root_nid;
    q.fs = &fs;
    q.dir = &inode;
    for (unsigned i = 0; i < q.count && budget > 0; i++) {
        uint64_t pos = 0;

        if (check(erofs_inode(&fs, q.nids[i], &inode))) {
            continue;
        }
        inodes_seen++;
        try_content(&fs, &inode);
        try_xattrs(&fs, &inode);
        /* Whatever its mode says, as a directory too. */
        check(erofs_readdir(&fs, &inode, &pos, scratch, enqueue, &q));
        pos = random32();
        check(erofs_readdir(&fs, &inode, &pos, scratch, enqueue, &q));
    }
}

/* Where the superblock, inodes and directories of the good image are. */
static void find_metadata(void)
{
    struct erofs fs = {.read = read_image};
    struct erofs_inode inode;
    struct erofs_extent x;
    static struct queue q;
    uint8_t scratch[EROFS_BLOCK];

    budget = READS_MAX;
    EXPECT_EQ(erofs_open(&fs, image.size), 0);
    q = (struct queue){
        .nids = {fs.root_nid}, .count = 1, .fs = &fs, .dir = &inode};
    metadata_blocks[metadata_count++] = 0;
    for (unsigned i = 0; i < q.count; i++) {
        uint64_t pos = 0;

        EXPECT_EQ(erofs_inode(&fs, q.nids[i], &inode), 0);
        metadata_blocks[metadata_count++] = inode.xattr / EROFS_BLOCK;
        if ((inode.mode & 0170000) == 0040000) {
            erofs_readdir(&fs, &inode, &pos, scratch, enqueue, &q);
            if (erofs_map(&fs, &inode, 0, 1, &x) == 0 &&
                x.at == EROFS_AT_BLOCKS) {
                metadata_blocks[metadata_count++] = x.where;
            }
        }
    }
}

static void one_round(void)
{
    static const uint32_t values[] = {0,    1,      0x7f,       0x80,
                                      0xff, 0x7fff, 0x7fffffff, 0xffffffff};
    uint64_t at[CHANGES_MAX];
    uint8_t was[CHANGES_MAX][4];
    unsigned changes = 1 + random32() % CHANGES_MAX;

    for (unsigned i = 0; i < changes; i++) {
        uint64_t block = metadata_blocks[random32() % metadata_count];
        size_t len = 1u << random32() % 3;
        uint32_t value = random32() % 2
                             ? random32()
                             : values[random32() % ARRAY_SIZE(values)];

        at[i] = block * EROFS_BLOCK + random32() % (EROFS_BLOCK - 4);
        if (random32() % 8 == 0) {
            at[i] = 1024 + random32() % 128;
        }
        at[i] &= ~(uint64_t)(len - 1);
        memcpy(was[i], image.bytes + at[i], 4);
        memcpy(image.bytes + at[i], &value, len);
    }
    try_image();
    while (changes--) {
        memcpy(image.bytes + at[changes], was[changes], 4);
    }
}

static unsigned long rounds = 6000;

static void fuzz(const char *options)
{
    char command[512];

    snprintf(command, sizeof(command),
             "rm -f fuzz.img; mkfs.erofs --quiet %s fuzz.img tree", options);
    EXPECT(test_shell(command));
    EXPECT(image_file_load(&image, "fuzz.img"));
    metadata_count = 0;
    find_metadata();
    reads = inodes_seen = errors_seen = 0;
    for (unsigned long i = 0; i < rounds; i++) {
        one_round();
    }
    printf("%lu rounds, %lu inodes, %lu refusals, %lu reads\n", rounds,
           inodes_seen, errors_seen, reads);
    EXPECT(inodes_seen > rounds);
    EXPECT(errors_seen > rounds);
    image_file_free(&image);
}

static void damaged_plain_images(void)
{
    fuzz("-Eforce-inode-extended");
}

static void damaged_compact_images_with_shared_attributes(void)
{
    fuzz("-T1 -x1");
}

static void damaged_chunked_images(void)
{
    fuzz("--chunksize=4096 -Eforce-chunk-indexes");
    fuzz("--chunksize=8192 -Eforce-inode-blockmap");
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        rounds = strtoul(argv[1], NULL, 0);
    }
    if (argc > 2) {
        seed = strtoul(argv[2], NULL, 0);
    }
    if (!test_shell("cd - >/dev/null; kernel/fs/tests/tree.sh \"$OLDPWD/tree\";"
                    "cd \"$OLDPWD/tree\" && rm -rf many/*[1-9] file-1000000"
                    " deep/level-1/level-2/level-3/level-4")) {
        printf("not ok making the tree\n");
        return 1;
    }
    RUN(damaged_plain_images);
    RUN(damaged_compact_images_with_shared_attributes);
    RUN(damaged_chunked_images);
    return unit_result();
}
