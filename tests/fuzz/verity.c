/* SPDX-License-Identifier: MIT
 *
 * Any bytes as an image's trailer and what lies before it. The trailer's
 * checksum is made right first, since nothing would come of most inputs
 * otherwise; the root hash is the trailer's own claim.
 */
#include <stdlib.h>
#include <string.h>

#include "abi/image.h"
#include "kernel/crypto/crypto.h"
#include "kernel/fs/erofs/verity.h"
#include "tests/fuzz/fuzz.h"

enum { EIO = 5 };

struct input {
    uint8_t *bytes;
    uint64_t blocks;
};

static int read_blocks(void *ctx, uint64_t block, unsigned count,
                       void *const pages[])
{
    struct input *in = ctx;

    for (unsigned i = 0; i < count; i++) {
        if (block + i >= in->blocks) {
            return -EIO;
        }
        memcpy(pages[i], in->bytes + (block + i) * IMAGE_BLOCK, IMAGE_BLOCK);
    }
    return 0;
}

static void read_all(struct verity *v)
{
    static uint8_t buffers[16][IMAGE_BLOCK];
    void *pages[16];
    uint64_t count = verity_blocks(v);

    for (int i = 0; i < 16; i++) {
        pages[i] = buffers[i];
    }
    for (uint64_t at = 0; at < count && at < 64; at += 16) {
        verity_read(v, at, count - at < 16 ? (unsigned)(count - at) : 16,
                    pages);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {.blocks = size / IMAGE_BLOCK};
    struct verity_source source = {read_blocks, &in};
    struct image_trailer *t;
    struct verity *v;

    if (in.blocks == 0) {
        return 0;
    }
    in.bytes = malloc(in.blocks * IMAGE_BLOCK);
    memcpy(in.bytes, data, in.blocks * IMAGE_BLOCK);
    t = (void *)(in.bytes + (in.blocks - 1) * IMAGE_BLOCK);
    t->image_size = in.blocks * IMAGE_BLOCK;
    sha256(t, offsetof(struct image_trailer, checksum), t->checksum);
    if (verity_open(&source, t->image_size, t->root_hash, &v) == 0) {
        read_all(v);
        verity_close(v);
    }
    free(in.bytes);
    return 0;
}
