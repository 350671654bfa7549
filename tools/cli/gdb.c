/* SPDX-License-Identifier: MIT
 *
 * enclos gdb: gdb on an instance, with the commands of tools/gdb/enclos.py.
 * The signals that the target lives by are passed without a word.
 */
#include "tools/cli/cli.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORDS_MAX = 1024 };

struct words {
    const char *word[WORDS_MAX];
    int count;
};

static void add(struct words *w, const char *word)
{
    if (w->count < WORDS_MAX - 1) {
        w->word[w->count++] = word;
    }
}

/* The script lies beside the programs: bin/enclos, lib/enclos/gdb.py. */
static bool find_script(char *self, char *script)
{
    ssize_t n = readlink("/proc/self/exe", self, PATH_MAX - 1);
    char dir[PATH_MAX];

    if (n < 0) {
        return false;
    }
    self[n] = '\0';
    strcpy(dir, self);
    return snprintf(script, PATH_MAX, "%s/../lib/enclos/gdb.py", dirname(dir)) <
               PATH_MAX &&
           access(script, R_OK) == 0;
}

static void add_start(struct words *w, const char *script)
{
    add(w, "gdb");
    add(w, "-q");
    add(w, "-iex");
    add(w, "set auto-load python-scripts off");
    add(w, "-ex");
    add(w, "handle SIGSYS SIGPROF SIGVTALRM SIGSEGV SIGBUS SIGFPE SIGILL "
           "nostop noprint pass");
    add(w, "-ex");
    add(w, "set print thread-events off");
    add(w, "-x");
    add(w, script);
}

static int run_gdb(int argc, char **argv)
{
    static char self[PATH_MAX], script[PATH_MAX];
    struct words w = {.count = 0};
    int i = 1;

    if (!find_script(self, script)) {
        return fail("the file lib/enclos/gdb.py is not where this program "
                    "expects it; run 'make' or install again");
    }
    add_start(&w, script);
    for (; i < argc; i++) {
        if (!strcmp(argv[i], "--batch")) {
            add(&w, "-batch");
        } else if (!strcmp(argv[i], "--ex") && i + 1 < argc) {
            add(&w, "-ex");
            add(&w, argv[++i]);
        } else {
            break;
        }
    }
    if (i >= argc) {
        return fail("gdb needs a program: enclos gdb [--ex CMD]... [RUN "
                    "OPTION...] PROGRAM [ARG...]");
    }
    if (argc - i > WORDS_MAX - w.count - 4) {
        return fail("more than %d arguments", WORDS_MAX);
    }
    add(&w, "--args");
    add(&w, self);
    add(&w, "run");
    for (; i < argc; i++) {
        add(&w, argv[i]);
    }
    setenv("ENCLOS_GDB", "1", 1);
    execvp("gdb", (char *const *)w.word);
    return fail("gdb cannot be started: %s; install Debian's gdb",
                strerror(errno));
}

static const char *const details[] = {
    "--ex CMD            a command of gdb; --batch ends after the last",
    "In gdb: 'enclos tasks', 'enclos bt [TID]', 'enclos symbols'; 'hbreak' "
    "then",
    "stops in the program's functions, 'break' where a page has been run.",
    NULL};

const struct command command_gdb = {
    .name = "gdb",
    .usage = "[--ex CMD]... [RUN OPTION...] PROGRAM [ARG...]",
    .help = "runs PROGRAM as 'run' does, under gdb",
    .details = details,
    .run = run_gdb,
};
