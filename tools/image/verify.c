/* SPDX-License-Identifier: MIT
 *
 * A whole image against its root hash: the tree is made anew from the data,
 * level by level, and compared with the one in the file.
 */
#include "tools/image/image.h"
#include "tools/image/util.h"
#include "tools/image/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct tree {
    const char *path;
    int fd;
    uint64_t at; /* of the image in the file */
    struct image_trailer trailer;
};

static int damaged(const struct tree *t, const char *what)
{
    return image_error("%s: the image is damaged: %s", t->path, what);
}

static void digest(const struct tree *t, const uint8_t *block, uint8_t *out)
{
    uint8_t both[IMAGE_SALT_MAX + IMAGE_BLOCK];
    uint32_t salt = t->trailer.salt_size;

    memcpy(both, t->trailer.salt, salt);
    memcpy(both + salt, block, IMAGE_BLOCK);
    hash_of(both, salt + IMAGE_BLOCK, out);
}

/* Digests of count blocks of the file from block first on. */
static int digest_blocks(const struct tree *t, uint64_t first, uint64_t count,
                         uint8_t *out)
{
    static uint8_t buffer[256 * IMAGE_BLOCK];

    while (count) {
        uint64_t n = count < 256 ? count : 256;
        ssize_t got = pread(t->fd, buffer, n * IMAGE_BLOCK,
                            (off_t)(t->at + first * IMAGE_BLOCK));

        if (got != (ssize_t)(n * IMAGE_BLOCK)) {
            return damaged(t, got < 0 ? strerror(errno) : "it is too short");
        }
        for (uint64_t i = 0; i < n; i++, out += IMAGE_HASH_SIZE) {
            digest(t, buffer + i * IMAGE_BLOCK, out);
        }
        first += n;
        count -= n;
    }
    return 0;
}

/* Hashes upwards from the data; every level's digests must be what the file's
 * blocks of that level hold. */
static int check_tree(const struct tree *t, const uint8_t root[32])
{
    uint64_t blocks = t->trailer.data_size / IMAGE_BLOCK;
    uint64_t counts[IMAGE_LEVELS_MAX], start = blocks + 1, size;
    unsigned levels = image_tree(blocks, counts);
    uint8_t *digests = NULL, *stored = NULL;
    int err = -1;

    for (unsigned i = 0; i < levels; i++) {
        start += counts[i];
    }
    size = (levels ? counts[0] : 1) * IMAGE_BLOCK;
    digests = calloc(1, size);
    stored = malloc(size);
    if (!digests || !stored) {
        image_error("out of memory");
        goto out;
    }
    if (digest_blocks(t, 0, blocks, digests)) {
        goto out;
    }
    for (unsigned i = 0; i < levels; i++) {
        uint64_t len = counts[i] * IMAGE_BLOCK;

        start -= counts[i];
        if (pread(t->fd, stored, len, (off_t)(t->at + start * IMAGE_BLOCK)) !=
                (ssize_t)len ||
            memcmp(stored, digests, len) != 0) {
            damaged(t, "a block does not match the hash tree");
            goto out;
        }
        memset(digests, 0, size);
        if (digest_blocks(t, start, counts[i], digests)) {
            goto out;
        }
    }
    err = memcmp(digests, root, IMAGE_HASH_SIZE)
              ? damaged(t, "it has another root hash than the policy names")
              : 0;
out:
    free(digests);
    free(stored);
    return err;
}

int image_verify(const char *path, int fd, uint64_t at, uint64_t size,
                 const uint8_t root[32])
{
    struct tree t = {.path = path, .fd = fd, .at = at};
    const struct image_trailer *trailer = &t.trailer;
    uint8_t sum[32];

    if (size < 3 * IMAGE_BLOCK ||
        pread(fd, &t.trailer, sizeof(t.trailer),
              (off_t)(at + size - IMAGE_BLOCK)) != sizeof(t.trailer)) {
        return damaged(&t, "it has no trailer");
    }
    hash_of(trailer, offsetof(struct image_trailer, checksum), sum);
    if (memcmp(trailer->magic, IMAGE_MAGIC, sizeof(trailer->magic)) != 0 ||
        memcmp(sum, trailer->checksum, sizeof(sum)) != 0 ||
        trailer->image_size != size || trailer->salt_size > IMAGE_SALT_MAX ||
        trailer->data_size == 0 || trailer->data_size % IMAGE_BLOCK != 0 ||
        trailer->data_size > size - 2 * IMAGE_BLOCK) {
        return damaged(&t, "its trailer");
    }
    return check_tree(&t, root);
}
