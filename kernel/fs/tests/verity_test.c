/* SPDX-License-Identifier: MIT
 *
 * Verity against images that veritysetup made: every block of a good one can
 * be read; a bit flipped anywhere is an error and one log line, and what can
 * still be read is right; failing reads and allocations are survived.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/image.h"
#include "kernel/crypto/crypto.h"
#include "kernel/crypto/tests/stubs.h"
#include "kernel/fs/tests/image_file.h"
#include "kernel/fs/erofs/verity_private.h"
#include "lib/tests/unit.h"

static struct image_file image;
static uint8_t page_memory[VERITY_BATCH][IMAGE_BLOCK];
static void *pages[VERITY_BATCH];

static int open_it(struct verity **v)
{
    stub_log_lines = 0;
    return verity_open(&image.source, image.size, image.root_hash, v);
}

/* Reads everything in steps; returns how many blocks were refused. Whatever
 * comes back is compared with good. */
static uint64_t read_all(struct verity *v, const uint8_t *good, unsigned step)
{
    uint64_t refused = 0;

    for (uint64_t b = 0; b < verity_blocks(v);) {
        int n = verity_read(v, b, step, pages);

        if (n < 0) {
            EXPECT_EQ(n, -EIO);
            refused++;
            b++;
            continue;
        }
        for (int i = 0; i < n; i++) {
            EXPECT(
                !memcmp(pages[i], good + (b + i) * IMAGE_BLOCK, IMAGE_BLOCK));
        }
        b += n;
    }
    return refused;
}

static void every_block_of_a_good_image(void)
{
    struct verity *v;

    for (unsigned step = 1; step <= VERITY_BATCH; step = step * 2 + 1) {
        EXPECT_EQ(open_it(&v), 0);
        EXPECT_EQ(read_all(v, image.bytes, MIN(step, (unsigned)VERITY_BATCH)),
                  0);
        verity_close(v);
    }
    EXPECT_EQ(stub_log_lines, 0);
}

static void past_the_end(void)
{
    struct verity *v;

    EXPECT_EQ(open_it(&v), 0);
    EXPECT_EQ(verity_read(v, verity_blocks(v), 1, pages), -EIO);
    EXPECT_EQ(verity_read(v, UINT64_MAX, 1, pages), -EIO);
    EXPECT_EQ(verity_read(v, verity_blocks(v) - 1, 64, pages), 1);
    verity_close(v);
}

/* A flip at byte `at`: everything else stays readable, nothing is wrong. */
static void one_flip(const uint8_t *good, uint64_t at, unsigned bit)
{
    struct verity *v;
    int err;

    image.bytes[at] ^= 1u << bit;
    err = open_it(&v);
    if (err) {
        EXPECT(err == -EIO || (err == -EINVAL && at >= image.size - 4096));
        EXPECT_EQ(stub_log_lines, 1);
    } else {
        uint64_t block = at / IMAGE_BLOCK, refused;

        refused = read_all(v, good, 1 + at % 64);
        EXPECT(block <= verity_blocks(v) ? refused == 1 : refused >= 1);
        EXPECT(stub_log_lines >= 1);
        verity_close(v);
    }
    image.bytes[at] ^= 1u << bit;
}

static void a_flipped_bit_anywhere(void)
{
    uint8_t *good = malloc(image.size);

    memcpy(good, image.bytes, image.size);
    for (uint64_t block = 0; block < image.size / IMAGE_BLOCK; block++) {
        bool data = block < image.size / IMAGE_BLOCK - 8;

        for (int i = 0; i < (data ? 1 : 24); i++) {
            one_flip(good, block * IMAGE_BLOCK + rand() % IMAGE_BLOCK,
                     rand() % 8);
        }
    }
    /* Every byte of the superblock and the trailer. */
    uint64_t hash = image.size - IMAGE_BLOCK;
    struct image_trailer *t = (void *)(image.bytes + hash);

    for (unsigned i = 0; i < IMAGE_BLOCK; i++) {
        one_flip(good, hash + i, i % 8);
        one_flip(good, t->hash_offset + i, i % 8);
    }
    EXPECT(!memcmp(good, image.bytes, image.size));
    free(good);
}

/* Unused slots of hash blocks and swapped blocks count as well. */
static void blocks_in_each_others_place(void)
{
    struct verity *v;
    uint8_t *good = malloc(image.size), *a = image.bytes + 5 * IMAGE_BLOCK;

    memcpy(good, image.bytes, image.size);
    memcpy(a, good + 6 * IMAGE_BLOCK, IMAGE_BLOCK);
    memcpy(a + IMAGE_BLOCK, good + 5 * IMAGE_BLOCK, IMAGE_BLOCK);
    EXPECT_EQ(open_it(&v), 0);
    EXPECT_EQ(read_all(v, good, 64), 2);
    verity_close(v);
    memcpy(image.bytes, good, image.size);
    free(good);
}

static void another_root_hash(void)
{
    struct verity *v;

    image.root_hash[31] ^= 1;
    EXPECT_EQ(open_it(&v), -EIO);
    EXPECT_EQ(stub_log_lines, 1);
    image.root_hash[31] ^= 1;
}

/* The claim in the trailer is changed along: the tree then gives it away. */
static void another_root_hash_and_its_claim(void)
{
    struct image_trailer *t = (void *)(image.bytes + image.size - IMAGE_BLOCK);
    struct image_trailer saved = *t;
    struct verity *v;

    image.root_hash[0] ^= 1;
    t->root_hash[0] ^= 1;
    sha256(t, offsetof(struct image_trailer, checksum), t->checksum);
    EXPECT_EQ(open_it(&v), -EIO);
    EXPECT_EQ(stub_log_lines, 1);
    image.root_hash[0] ^= 1;
    *t = saved;
}

static void lies_about_sizes(void)
{
    struct image_trailer *t = (void *)(image.bytes + image.size - IMAGE_BLOCK);
    struct image_trailer saved = *t;
    uint64_t *const fields[] = {&t->image_size, &t->data_size, &t->hash_offset};
    static const uint64_t values[] = {
        0,          1,          4096,       1ull << 32,
        1ull << 44, 1ull << 63, UINT64_MAX, UINT64_MAX - 4095};
    struct verity *v;

    for (unsigned f = 0; f < ARRAY_SIZE(fields); f++) {
        for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
            *fields[f] = values[i];
            sha256(t, offsetof(struct image_trailer, checksum), t->checksum);
            EXPECT_EQ(open_it(&v), -EIO);
            EXPECT_EQ(stub_log_lines, 1);
            *t = saved;
        }
    }
    /* Fewer data blocks, consistently: the superblock is in the way. */
    t->data_size -= IMAGE_BLOCK;
    t->hash_offset -= IMAGE_BLOCK;
    sha256(t, offsetof(struct image_trailer, checksum), t->checksum);
    EXPECT_EQ(open_it(&v), -EIO);
    *t = saved;
    t->salt_size = 300;
    sha256(t, offsetof(struct image_trailer, checksum), t->checksum);
    EXPECT_EQ(open_it(&v), -EIO);
    *t = saved;
}

static void another_length(void)
{
    uint64_t size = image.size;
    struct verity *v;

    for (uint64_t s = 0; s < size; s += s < 5 * 4096 ? 1024 : 64 * 4096) {
        image.size = s;
        EXPECT(open_it(&v) < 0);
        EXPECT(stub_log_lines >= 1);
    }
    image.size = size;
}

static void reads_that_fail(void)
{
    struct verity *v;

    for (uint64_t b = 0; b < image.size / IMAGE_BLOCK; b += 3) {
        image.broken = b;
        if (open_it(&v)) {
            continue;
        }
        if (b < verity_blocks(v)) {
            EXPECT_EQ(read_all(v, image.bytes, 64), 1);
        } else {
            read_all(v, image.bytes, 64);
        }
        image.broken = UINT64_MAX;
        EXPECT_EQ(read_all(v, image.bytes, 64), 0); /* and recover */
        verity_close(v);
    }
    image.broken = UINT64_MAX;
}

static void allocations_that_fail(void)
{
    struct verity *v = NULL;
    int err = -ENOMEM;

    for (size_t n = 1; err == -ENOMEM; n++) {
        stub_fail_alloc = n;
        err = open_it(&v);
        EXPECT(err == 0 || err == -ENOMEM);
    }
    for (size_t n = 1; n < 20; n++) {
        stub_fail_alloc = n;
        err = verity_read(v, 200, 1, pages);
        EXPECT(err == 1 || err == -ENOMEM);
        stub_fail_alloc = 0;
        EXPECT_EQ(verity_read(v, 200, 1, pages), 1);
    }
    stub_fail_alloc = 0;
    verity_close(v);
}

/* Reads at random with room for very few blocks of the tree. */
static void a_tree_larger_than_what_is_kept(void)
{
    struct verity *v;

    EXPECT_EQ(open_it(&v), 0);
    EXPECT_EQ(v->levels, 3);
    v->kept_max = 20;
    for (int i = 0; i < 2000; i++) {
        uint64_t b = (uint64_t)rand() % verity_blocks(v);
        int n = verity_read(v, b, 1, pages);

        EXPECT_EQ(n, 1);
        EXPECT(!memcmp(pages[0], image.bytes + b * IMAGE_BLOCK, IMAGE_BLOCK));
        EXPECT(v->kept_count <= 20);
    }
    EXPECT_EQ(read_all(v, image.bytes, 64), 0);
    verity_close(v);
}

static size_t read_file(const char *name, void *buf, size_t len)
{
    char path[512];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", test_dir(), name);
    f = fopen(path, "rb");
    len = f ? fread(buf, 1, len, f) : 0;
    if (f) {
        fclose(f);
    }
    return len;
}

/* 32 bytes of salt, as many as veritysetup takes by default. */
static void a_salted_tree(void)
{
    struct image_trailer *t = (void *)(image.bytes + image.size - IMAGE_BLOCK);
    uint64_t tree_end = image.size - IMAGE_BLOCK;
    char command[1024], hex[65] = {0};
    struct verity *v;

    snprintf(command, sizeof(command),
             "head -c %llu small.img > salted && veritysetup format --salt="
             "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
             " --uuid=" IMAGE_VERITY_UUID " --data-blocks=%llu"
             " --hash-offset=%llu salted salted > log &&"
             " sed -n 's/^Root hash:[ \t]*//p' log > salted.root",
             (unsigned long long)t->data_size,
             (unsigned long long)t->data_size / IMAGE_BLOCK,
             (unsigned long long)t->hash_offset);
    EXPECT(test_shell(command));
    EXPECT_EQ(read_file("salted.root", hex, 64), 64);
    for (int i = 0; i < 32; i++) {
        sscanf(hex + 2 * i, "%2hhx", &image.root_hash[i]);
        t->salt[i] = (i % 16) * 0x11;
    }
    t->salt_size = 32;
    memcpy(t->root_hash, image.root_hash, 32);
    sha256(t, offsetof(struct image_trailer, checksum), t->checksum);
    EXPECT_EQ(read_file("salted", image.bytes, tree_end), tree_end);
    EXPECT_EQ(open_it(&v), 0);
    EXPECT_EQ(read_all(v, image.bytes, 64), 0);
    verity_close(v);
}

static bool load(const char *make, const char *name)
{
    char out[64];

    snprintf(out, sizeof(out), "%s.img", name);
    return test_shell(make) && image_file_make(&image, name, out);
}

int main(void)
{
    crypto_init(stub_cpu_features());
    for (unsigned i = 0; i < VERITY_BATCH; i++) {
        pages[i] = page_memory[i];
    }
    if (!load("mkdir empty", "empty")) {
        printf("not ok making an image\n");
        return 1;
    }
    EXPECT_EQ(
        ((struct image_trailer *)(image.bytes + image.size - 4096))->data_size,
        4096);
    RUN(every_block_of_a_good_image);
    RUN(another_root_hash);
    image_file_free(&image);

    load("mkdir small; head -c 1500000 /dev/urandom > small/a;"
         "head -c 70000 /dev/urandom > small/b",
         "small");
    RUN(every_block_of_a_good_image);
    RUN(past_the_end);
    RUN(a_flipped_bit_anywhere);
    RUN(blocks_in_each_others_place);
    RUN(another_root_hash);
    RUN(another_root_hash_and_its_claim);
    RUN(lies_about_sizes);
    RUN(another_length);
    RUN(reads_that_fail);
    RUN(allocations_that_fail);
    RUN(a_salted_tree);
    image_file_free(&image);

    load("mkdir large; head -c 70000000 /dev/urandom > large/a", "large");
    RUN(every_block_of_a_good_image);
    RUN(a_tree_larger_than_what_is_kept);
    image_file_free(&image);
    return unit_result();
}
