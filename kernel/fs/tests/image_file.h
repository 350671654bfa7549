/* SPDX-License-Identifier: MIT
 *
 * For tests: an image made by tools/image, held in memory and served as a
 * verity source that can be damaged and made to fail.
 */
#ifndef KERNEL_FS_TESTS_IMAGE_FILE_H
#define KERNEL_FS_TESTS_IMAGE_FILE_H

#include "kernel/fs/erofs/verity.h"

struct image_file {
    uint8_t *bytes;
    uint64_t size;
    uint8_t root_hash[32];
    uint64_t broken; /* reads of this block fail; UINT64_MAX: none */
    struct verity_source source;
};

/* A fresh directory below $TMPDIR; removed with everything at exit. */
const char *test_dir(void);

/* Runs a shell command in test_dir(); true when it succeeded. */
bool test_shell(const char *command);

/* A descriptor for reading a file of test_dir(). */
int test_open(const char *name);

/* Builds test_dir()/source into test_dir()/out and loads it. False (said on
 * stdout) when it cannot. */
bool image_file_make(struct image_file *f, const char *source, const char *out);
/* Loads any file of test_dir(); root_hash is then zeros. */
bool image_file_load(struct image_file *f, const char *name);
void image_file_free(struct image_file *f);

#endif
