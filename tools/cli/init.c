/* SPDX-License-Identifier: MIT
 *
 * enclos init: a policy to begin with, every key explained.
 */
#include "tools/cli/cli.h"
#include "tools/policy/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct init {
    const char *out, *program;
};

static bool set_output(void *ctx, const char *value)
{
    ((struct init *)ctx)->out = value;
    return *value != '\0';
}

static const struct option_row options[] = {
    {"-o", true, set_output, "a file name"},
};

static int init_run(int argc, char **argv)
{
    struct init init = {"policy.json", NULL};
    int words = options_mixed(argc, argv, options, 1, &init, &init.program, 1);
    int fd;
    FILE *f;

    if (words < 0) {
        return EXIT_OURS;
    }
    if (init.program && init.program[0] != '/') {
        return fail("'%s': the program's path in the image must be absolute",
                    init.program);
    }
    fd = open(init.out, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!f) {
        return fail("cannot write %s: %s%s", init.out, strerror(errno),
                    errno == EEXIST ? "; -o names another file" : "");
    }
    policy_print_template(f, init.program);
    if (fclose(f)) {
        fail("cannot write %s: %s", init.out, strerror(errno));
        unlink(init.out);
        return EXIT_OURS;
    }
    return 0;
}

static const char *const details[] = {
    "PROGRAM             what is started, as a path in the image",
    "-o FILE             default: policy.json; a file that is there stays",
    NULL};

const struct command command_init = {
    .name = "init",
    .usage = "[PROGRAM] [-o FILE]",
    .help = "writes a policy with every key explained",
    .details = details,
    .run = init_run,
};
