/* SPDX-License-Identifier: MIT
 *
 * The enclos command: one file a subcommand, each with a table of its
 * options. Messages say what, why and what to do, on stderr; our own failures
 * exit with 125, so that they cannot be taken for the program's.
 */
#ifndef TOOLS_CLI_CLI_H
#define TOOLS_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    EXIT_OURS = 125,
    EXIT_NOT_EXECUTABLE = 126,
    EXIT_NOT_FOUND = 127,
};

struct command {
    const char *name;
    const char *usage;          /* what follows "enclos NAME " */
    const char *help;           /* one line */
    const char *const *details; /* further lines, NULL-terminated, or NULL */
    int (*run)(int argc, char **argv); /* argv[0] is the subcommand */
};

extern const struct command command_run, command_build, command_check,
    command_gdb, command_init, command_measure, command_inspect, command_keygen,
    command_sign, command_package;

/* An option: "--name VALUE" or "--name=VALUE"; a flag takes no value. */
struct option_row {
    const char *name; /* with its dashes */
    bool takes_value;
    /* value is NULL for a flag. False: the value is bad; say nothing. */
    bool (*set)(void *ctx, const char *value);
    const char *expects; /* for the error message */
};

/* Reads options up to the first word that is none, or "--". Returns its index
 * in argv, or -1 after a message. */
int options_parse(int argc, char **argv, const struct option_row *rows,
                  size_t count, void *ctx);

/* The same with words on either side of the options: copies at most max of
 * them. Returns their number, or -1 after a message. */
int options_mixed(int argc, char **argv, const struct option_row *rows,
                  size_t count, void *ctx, const char **words, int max);

/* The index of PROGRAM in what `run` gets, and its --root; no option takes
 * effect. -1 after a message. */
int run_find_program(int argc, char **argv, const char **root);

/* Whether a file may come to be called out: nothing but a regular file is
 * replaced, and not the source. Else false, after a message. */
bool may_become(const char *out, const char *source);

/* "enclos: ..." on stderr; returns EXIT_OURS. */
int fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Bytes from "64M", "2G", "4096"; false when it is no size. */
bool parse_size(const char *text, uint64_t *bytes);

#endif
