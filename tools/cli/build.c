/* SPDX-License-Identifier: MIT
 *
 * enclos build: a directory or tar archive into a verified image.
 */
#include "tools/cli/cli.h"
#include "tools/image/image.h"

#include <stdio.h>
#include <string.h>

static bool set_output(void *ctx, const char *value)
{
    *(const char **)ctx = value;
    return *value != '\0';
}

static const struct option_row options[] = {
    {"-o", true, set_output, "a file name"},
};

static int build_run(int argc, char **argv)
{
    const char *source = NULL, *out = NULL;
    struct image_trailer trailer;

    /* Options may stand on either side of the source. */
    for (int i = 1; i < argc;) {
        int used;

        if (argv[i][0] != '-' && !source) {
            source = argv[i++];
            continue;
        }
        used = options_parse(argc - i + 1, argv + i - 1, options, 1, &out);
        if (used < 0) {
            return EXIT_OURS;
        }
        if (used == 1) {
            return fail("build takes one source; '%s' is left over", argv[i]);
        }
        i += used - 1;
    }
    if (!source || !out) {
        return fail("build needs a source and an output: enclos build "
                    "DIR|TAR -o FILE");
    }
    if (image_build(source, out, &trailer)) {
        return EXIT_OURS;
    }
    printf("root hash: ");
    for (int i = 0; i < IMAGE_HASH_SIZE; i++) {
        printf("%02x", trailer.root_hash[i]);
    }
    putchar('\n');
    return 0;
}

const struct command command_build = {
    .name = "build",
    .usage = "DIR|TAR -o FILE",
    .help = "packs a tree into a reproducible, verified image",
    .run = build_run,
};
