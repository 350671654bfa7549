/* SPDX-License-Identifier: MIT
 *
 * Opening an image: trailer, dm-verity superblock and the tree's top against
 * the root hash. There is exactly one valid form (abi/image.h), so the
 * superblock is not parsed but made anew and compared; whatever else stands
 * there is damage.
 *
 * The trailer and superblock are not below the root hash. That the number of
 * data blocks is the true one is for the file system to check against its own
 * verified superblock.
 */
#include "kernel/fs/erofs/verity_private.h"
#include "kernel/core/log.h"
#include "kernel/crypto/crypto.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/errno.h"

static int damaged(const char *what)
{
    log_error("image: %s", what);
    return -EIO;
}

/* 32 hexadecimal digits and four dashes into 16 bytes. */
static void uuid_bytes(const char *text, uint8_t out[16])
{
    for (unsigned n = 0; n < 32; text++) {
        unsigned digit = *text <= '9' ? *text - '0' : *text - 'a' + 10;

        if (*text != '-') {
            out[n / 2] = out[n / 2] << 4 | digit;
            n++;
        }
    }
}

static void make_superblock(const struct verity *v,
                            struct verity_superblock *sb)
{
    memset(sb, 0, sizeof(*sb));
    memcpy(sb->signature, "verity\0", sizeof(sb->signature));
    sb->version = 1;
    sb->hash_type = 1;
    uuid_bytes(IMAGE_VERITY_UUID, sb->uuid);
    memcpy(sb->algorithm, "sha256", sizeof("sha256"));
    sb->data_block_size = IMAGE_BLOCK;
    sb->hash_block_size = IMAGE_BLOCK;
    sb->data_blocks = v->data_blocks;
    sb->salt_size = v->salt_size;
    memcpy(sb->salt, v->salt, v->salt_size);
}

static bool all_zero(const uint8_t *p, size_t len)
{
    uint8_t bits = 0;

    while (len--) {
        bits |= *p++;
    }
    return bits == 0;
}

static int check_superblock(struct verity *v, void *page)
{
    struct verity_superblock sb;
    int err =
        v->source.read(v->source.ctx, v->data_blocks, 1, (void *[]){page});

    if (err) {
        return damaged("the verity superblock cannot be read");
    }
    make_superblock(v, &sb);
    if (memcmp(page, &sb, sizeof(sb)) != 0 ||
        !all_zero((uint8_t *)page + sizeof(sb), IMAGE_BLOCK - sizeof(sb))) {
        return damaged("the verity superblock is damaged");
    }
    return 0;
}

static void set_geometry(struct verity *v)
{
    v->levels = image_tree(v->data_blocks, v->level_count);
    v->tree_start = v->data_blocks + 1;
    v->tree_blocks = 0;
    for (unsigned level = v->levels; level-- > 0;) {
        v->level_start[level] = v->tree_blocks;
        v->tree_blocks += v->level_count[level];
    }
}

/* The trailer's claims into v, checked against the file's size. */
static int check_trailer(struct verity *v, const struct image_trailer *t,
                         uint64_t image_size)
{
    uint8_t sum[IMAGE_HASH_SIZE];
    uint64_t blocks = image_size / IMAGE_BLOCK;

    if (memcmp(t->magic, IMAGE_MAGIC, sizeof(t->magic)) != 0) {
        log_error("image: no trailer; was it made by enclos build?");
        return -EINVAL;
    }
    sha256(t, offsetof(struct image_trailer, checksum), sum);
    if (memcmp(sum, t->checksum, sizeof(sum)) != 0) {
        return damaged("the trailer is damaged");
    }
    if (t->version != IMAGE_VERSION) {
        log_error("image: version %u is not known", t->version);
        return -EINVAL;
    }
    v->data_blocks = t->data_size / IMAGE_BLOCK;
    v->salt_size = t->salt_size;
    if (t->salt_size > IMAGE_SALT_MAX || v->data_blocks == 0 ||
        v->data_blocks > UINT32_MAX || t->data_size % IMAGE_BLOCK != 0 ||
        t->image_size != image_size || t->hash_offset != t->data_size) {
        return damaged("the trailer contradicts itself");
    }
    memcpy(v->salt, t->salt, sizeof(v->salt));
    set_geometry(v);
    if (!all_zero(t->salt + t->salt_size, IMAGE_SALT_MAX - t->salt_size) ||
        !all_zero(t->zero, sizeof(t->zero)) ||
        v->data_blocks + 1 + v->tree_blocks + 1 != blocks) {
        return damaged("the trailer contradicts itself");
    }
    if (memcmp(t->root_hash, v->root_hash, sizeof(v->root_hash)) != 0) {
        return damaged("it has another root hash than the policy's");
    }
    return 0;
}

static int check_form(struct verity *v, uint64_t image_size, void *page)
{
    uint64_t last = image_size / IMAGE_BLOCK - 1;
    int err = v->source.read(v->source.ctx, last, 1, (void *[]){page});

    if (err) {
        return damaged("the trailer cannot be read");
    }
    err = check_trailer(v, page, image_size);
    return err ? err : check_superblock(v, page);
}

int verity_open(const struct verity_source *source, uint64_t image_size,
                const uint8_t root_hash[32], struct verity **out)
{
    struct verity *v;
    void *page;
    int err;

    if (image_size % IMAGE_BLOCK != 0 || image_size < 3 * IMAGE_BLOCK) {
        log_error("image: not a whole number of blocks, or too short");
        return -EINVAL;
    }
    v = kzalloc(sizeof(*v));
    page = page_alloc(1);
    if (!v || !page) {
        err = -ENOMEM;
        goto fail;
    }
    v->source = *source;
    memcpy(v->root_hash, root_hash, sizeof(v->root_hash));
    mutex_init(&v->lock, LOCK_FS_OBJECT);
    list_init(&v->kept);
    v->kept_max = VERITY_KEPT_MAX;
    err = check_form(v, image_size, page);
    if (err) {
        goto fail;
    }
    v->blocks = kzalloc((v->tree_blocks + 1) * sizeof(*v->blocks));
    if (!v->blocks) {
        err = -ENOMEM;
        goto fail;
    }
    /* Down to one leaf: a wrong root hash shows now, not at the first use. */
    err = verity_read(v, 0, 1, &page);
    if (err < 0) {
        goto fail;
    }
    page_free(page, 1);
    *out = v;
    return 0;

fail:
    if (page) {
        page_free(page, 1);
    }
    verity_close(v);
    return err;
}

void verity_close(struct verity *v)
{
    if (v) {
        verity_tree_free(v);
        kfree(v->blocks);
        kfree(v);
    }
}
