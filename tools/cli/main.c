/* SPDX-License-Identifier: MIT
 *
 * enclos: picks the subcommand; or is the program that a package holds.
 */
#include "tools/cli/cli.h"
#include "tools/cli/run_bundle.h"
#include "target/linux/linux.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define VERSION "0.1"

static const struct command *const commands[] = {
    &command_run,     &command_init,   &command_build, &command_measure,
    &command_inspect, &command_keygen, &command_sign,  &command_package,
    &command_check,   &command_gdb,
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void print_command(FILE *out, const struct command *c)
{
    fprintf(out, "  enclos %s %s\n      %s\n", c->name, c->usage, c->help);
    for (int i = 0; c->details && c->details[i]; i++) {
        fprintf(out, "      %s\n", c->details[i]);
    }
}

static const struct command *find(const char *name)
{
    for (int i = 0; i < COMMANDS; i++) {
        if (!strcmp(name, commands[i]->name)) {
            return commands[i];
        }
    }
    return NULL;
}

static int no_command(const char *name)
{
    return fail("there is no command '%s'; 'enclos help' lists them", name);
}

static void help(FILE *out)
{
    fprintf(out,
            "enclos %s: runs unmodified Linux programs inside a trusted "
            "execution environment\n\n",
            VERSION);
    for (int i = 0; i < COMMANDS; i++) {
        print_command(out, commands[i]);
    }
}

/* What was printed has arrived, or it did not work. */
static int output_status(int status)
{
    return fflush(stdout) || ferror(stdout)
               ? fail("cannot write the output: %s", strerror(errno))
               : status;
}

/* Of one command, if it is named. */
static int run_help(const char *name)
{
    const struct command *c = name ? find(name) : NULL;

    if (name && !c) {
        return no_command(name);
    }
    if (c) {
        print_command(stdout, c);
    } else {
        help(stdout);
    }
    return output_status(0);
}

static int run_command(const struct command *c, int argc, char **argv)
{
    if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        print_command(stdout, c);
        return output_status(0);
    }
    return output_status(c->run(argc, argv));
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "help";
    const struct command *c = find(name);
    int status;

    signals_ignored();
    if (bundle_run_self(argv, &status)) {
        return status;
    }

    if (argc < 2) {
        help(stderr);
        return EXIT_OURS;
    }
    if (!strcmp(name, "help") || !strcmp(name, "--help") ||
        !strcmp(name, "-h")) {
        return run_help(argc > 2 ? argv[2] : NULL);
    }
    if (!strcmp(name, "version") || !strcmp(name, "--version")) {
        puts("enclos " VERSION);
        return output_status(0);
    }
    return c ? run_command(c, argc - 1, argv + 1) : no_command(name);
}
