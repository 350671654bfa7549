/* SPDX-License-Identifier: MIT
 *
 * Images in memory for the tests of verity and EROFS.
 */
#include "kernel/fs/tests/image_file.h"
#include "tools/image/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[256];

static void remove_dir(void)
{
    char command[512];

    snprintf(command, sizeof(command), "rm -rf '%s'", dir);
    if (system(command)) {
        printf("cannot remove %s\n", dir);
    }
}

const char *test_dir(void)
{
    const char *tmp = getenv("TMPDIR");

    if (!dir[0]) {
        snprintf(dir, sizeof(dir), "%s/enclos-test-XXXXXX", tmp ? tmp : "/tmp");
        if (!mkdtemp(dir)) {
            perror(dir);
            exit(1);
        }
        atexit(remove_dir);
    }
    return dir;
}

bool test_shell(const char *command)
{
    char line[4096];

    snprintf(line, sizeof(line), "cd '%s' && { %s\n}", test_dir(), command);
    fflush(stdout);
    return system(line) == 0;
}

int test_open(const char *name)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", test_dir(), name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static int read_blocks(void *ctx, uint64_t block, unsigned count,
                       void *const pages[])
{
    struct image_file *f = ctx;

    for (unsigned i = 0; i < count; i++) {
        if (block + i == f->broken || (block + i + 1) * IMAGE_BLOCK > f->size) {
            return -EIO;
        }
        memcpy(pages[i], f->bytes + (block + i) * IMAGE_BLOCK, IMAGE_BLOCK);
    }
    return 0;
}

bool image_file_load(struct image_file *f, const char *name)
{
    char path[512];
    FILE *file;
    bool good;

    memset(f, 0, sizeof(*f));
    f->broken = UINT64_MAX;
    f->source = (struct verity_source){read_blocks, f};
    snprintf(path, sizeof(path), "%s/%s", test_dir(), name);
    file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END)) {
        return false;
    }
    f->size = (uint64_t)ftell(file);
    f->bytes = malloc(f->size);
    rewind(file);
    good = fread(f->bytes, 1, f->size, file) == f->size;
    fclose(file);
    return good;
}

bool image_file_make(struct image_file *f, const char *source, const char *out)
{
    char from[512], to[512];
    struct image_trailer trailer;

    snprintf(from, sizeof(from), "%s/%s", test_dir(), source);
    snprintf(to, sizeof(to), "%s/%s", test_dir(), out);
    if (image_build(from, to, &trailer) || !image_file_load(f, out)) {
        return false;
    }
    memcpy(f->root_hash, trailer.root_hash, sizeof(f->root_hash));
    return true;
}

void image_file_free(struct image_file *f)
{
    free(f->bytes);
    f->bytes = NULL;
}
