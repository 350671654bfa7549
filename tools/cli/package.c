/* SPDX-License-Identifier: MIT
 *
 * enclos package: a bundle and this program in one executable.
 */
#include "tools/bundle/bundle.h"
#include "tools/cli/cli.h"

#include <string.h>

static bool set_output(void *ctx, const char *value)
{
    *(const char **)ctx = value;
    return *value != '\0';
}

static const struct option_row options[] = {
    {"-o", true, set_output, "a file name"},
};

static int package_run(int argc, char **argv)
{
    const char *path = NULL, *out = NULL;
    struct bundle b;
    int words = options_mixed(argc, argv, options, 1, &out, &path, 1), err;

    if (words < 0) {
        return EXIT_OURS;
    }
    if (!words || !out) {
        return fail("package needs a bundle and an output: enclos package "
                    "app.enc -o app");
    }
    if (!may_become(out, path) || bundle_open(path, &b)) {
        return EXIT_OURS;
    }
    err = bundle_verify(&b);
    err = err ? err : bundle_package(&b, "/proc/self/exe", out);
    bundle_close(&b);
    return err ? EXIT_OURS : 0;
}

const struct command command_package = {
    .name = "package",
    .usage = "BUNDLE -o FILE",
    .help = "makes one executable of a bundle, which needs no installation",
    .run = package_run,
};
