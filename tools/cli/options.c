/* SPDX-License-Identifier: MIT
 *
 * Options by table. Unknown names are errors that name the nearest one.
 */
#include "tools/cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void print_line(const char *fmt, va_list args)
{
    fputs("enclos: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
}

void say(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    print_line(fmt, args);
    va_end(args);
}

int fail(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    print_line(fmt, args);
    va_end(args);
    return EXIT_OURS;
}

bool parse_size(const char *text, uint64_t *bytes)
{
    static const char units[] = "KMGT";
    char *end;
    uint64_t n;

    errno = 0;
    n = strtoull(text, &end, 10);
    if (errno || end == text || *text == '-') {
        return false;
    }
    if (*end) {
        const char *unit = strchr(units, *end & ~0x20);
        int shift = unit ? 10 * (int)(unit - units + 1) : 64;

        if (!unit || end[1] || n > UINT64_MAX >> shift) {
            return false;
        }
        n <<= shift;
    }
    *bytes = n;
    return n > 0;
}

/* Number of equal letters at the start: enough to guess what was meant. */
static size_t likeness(const char *a, const char *b)
{
    size_t n = 0;

    while (a[n] && a[n] == b[n]) {
        n++;
    }
    return n;
}

static void unknown_option(const char *word, const struct option_row *rows,
                           size_t count)
{
    const char *best = NULL;
    size_t most = 2; /* the dashes */

    for (size_t i = 0; i < count; i++) {
        if (likeness(word, rows[i].name) > most) {
            most = likeness(word, rows[i].name);
            best = rows[i].name;
        }
    }
    if (best) {
        say("unknown option '%s'; did you mean '%s'?", word, best);
    } else {
        say("unknown option '%s'; 'enclos help' lists them", word);
    }
}

static const struct option_row *find_row(const char *word, size_t len,
                                         const struct option_row *rows,
                                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(rows[i].name) == len && !strncmp(rows[i].name, word, len)) {
            return &rows[i];
        }
    }
    return NULL;
}

/* Takes the option at argv[i]; returns how many words it used, 0 on error. */
static int take_option(int argc, char **argv, int i,
                       const struct option_row *rows, size_t count, void *ctx)
{
    const char *word = argv[i];
    const char *value = strchr(word, '=');
    size_t len = value ? (size_t)(value - word) : strlen(word);
    const struct option_row *row = find_row(word, len, rows, count);
    int used = 1;

    if (!row) {
        unknown_option(word, rows, count);
        return 0;
    }
    if (value) {
        value++;
    } else if (row->takes_value && i + 1 < argc) {
        value = argv[i + 1];
        used = 2;
    }
    if (row->takes_value ? !value : value != NULL) {
        say("option '%s' takes %s", row->name,
            row->takes_value ? row->expects : "no value");
        return 0;
    }
    if (!row->set(ctx, value)) {
        say("option '%s': '%s' is not %s", row->name, value ? value : "",
            row->expects);
        return 0;
    }
    return used;
}

int options_parse(int argc, char **argv, const struct option_row *rows,
                  size_t count, void *ctx)
{
    int i = 1;

    while (i < argc && argv[i][0] == '-' && argv[i][1]) {
        int used;

        if (!strcmp(argv[i], "--")) {
            return i + 1;
        }
        used = take_option(argc, argv, i, rows, count, ctx);
        if (!used) {
            return -1;
        }
        i += used;
    }
    return i;
}

int options_mixed(int argc, char **argv, const struct option_row *rows,
                  size_t count, void *ctx, const char **words, int max)
{
    bool options = true;
    int n = 0, i = 1;

    while (i < argc) {
        if (options && !strcmp(argv[i], "--")) {
            options = false;
            i++;
        } else if (options && argv[i][0] == '-' && argv[i][1]) {
            int used = take_option(argc, argv, i, rows, count, ctx);

            if (!used) {
                return -1;
            }
            i += used;
        } else if (n == max) {
            say("%s takes %d argument%s; '%s' is left over", argv[0], max,
                max == 1 ? "" : "s", argv[i]);
            return -1;
        } else {
            words[n++] = argv[i++];
        }
    }
    return n;
}

bool may_become(const char *out, const char *source)
{
    struct stat is, from;

    if (stat(out, &is)) {
        return true; /* not there; or who makes it says why it cannot */
    }
    if (S_ISDIR(is.st_mode)) {
        say("cannot write %s: Is a directory; -o takes a file's name", out);
        return false;
    }
    if (!S_ISREG(is.st_mode)) {
        say("cannot write %s: it is no regular file, and would be replaced",
            out);
        return false;
    }
    if (!stat(source, &from) && is.st_dev == from.st_dev &&
        is.st_ino == from.st_ino) {
        say("cannot write %s: it is the source; -o takes another name", out);
        return false;
    }
    return true;
}
