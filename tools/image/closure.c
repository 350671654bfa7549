/* SPDX-License-Identifier: MIT
 *
 * A program's closure: the files of this host without which it does not
 * start, those that its language runtime takes for granted (runtime.c), and a
 * few that every program may ask for. What a program loads or runs on its own
 * account is not known here: --root takes a directory or image for that.
 */
#include "tools/image/util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SCRIPT_DEPTH = 5, SCRIPT_LINE = 256 };

/* Present where the host has them. */
static const struct {
    const char *path;
    int flags;
} base_files[] = {
    {"/etc/passwd", TREE_FOLLOW},
    {"/etc/group", TREE_FOLLOW},
    {"/etc/hosts", TREE_FOLLOW},
    {"/etc/nsswitch.conf", TREE_FOLLOW},
    {"/etc/host.conf", TREE_FOLLOW},
    {"/etc/gai.conf", TREE_FOLLOW},
    {"/etc/ld.so.cache", TREE_FOLLOW},
    {"/etc/localtime", TREE_FOLLOW},
    {"/etc/timezone", TREE_FOLLOW},
    {"/etc/os-release", TREE_FOLLOW},
    {"/etc/services", TREE_FOLLOW},
    {"/etc/protocols", TREE_FOLLOW},
    {"/usr/lib/locale/C.utf8", TREE_STILL},
    {"/usr/share/zoneinfo", TREE_STILL},
};

static int add_program(struct path_set *set, const char *path, int depth);

/* The words of a "#!" line, at most `max`; 0: it is no script. */
static int script_words(const char *path, char line[SCRIPT_LINE], char *words[],
                        int max)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, line, SCRIPT_LINE - 1) : -1;
    int count = 0;
    char *save;

    if (fd >= 0) {
        close(fd);
    }
    if (n < 3 || line[0] != '#' || line[1] != '!') {
        return 0;
    }
    line[n] = '\0';
    line[strcspn(line, "\n")] = '\0';
    for (char *w = strtok_r(line + 2, " \t", &save); w && count < max;
         w = strtok_r(NULL, " \t", &save)) {
        words[count++] = w;
    }
    return count;
}

/* Finds name by PATH, and by the usual one where that is unset. */
static bool in_path(const char *name, char *out)
{
    const char *path = getenv("PATH");

    if (!path) {
        path = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";
    }
    while (*path) {
        size_t len = strcspn(path, ":");

        if (*path == '/' &&
            snprintf(out, PATH_MAX, "%.*s/%s", (int)len, path, name) <
                PATH_MAX &&
            !access(out, X_OK)) {
            return true;
        }
        path += len + (path[len] == ':');
    }
    return false;
}

/* "#!/usr/bin/env [-S] [-i] [NAME=VALUE] python3": the program that env(1)
 * starts. */
static int add_env(struct path_set *set, char *const words[], int count,
                   int depth)
{
    char found[PATH_MAX];

    for (int i = 1; i < count; i++) {
        if (words[i][0] == '-' || strchr(words[i], '=')) {
            continue;
        }
        if (words[i][0] == '/') {
            return add_program(set, words[i], depth);
        }
        return in_path(words[i], found) ? add_program(set, found, depth) : 0;
    }
    return 0;
}

static int add_script(struct path_set *set, const char *path, int depth)
{
    char line[SCRIPT_LINE], *words[8], *name;
    int count = script_words(path, line, words, 8);

    if (count == 0) {
        return 0;
    }
    if (depth == 0 || words[0][0] != '/') {
        return image_error("%s: interpreters nest too deep, or have no "
                           "absolute path",
                           path);
    }
    if (access(words[0], F_OK)) {
        return image_error("%s: its interpreter %s: %s", path, words[0],
                           strerror(errno));
    }
    if (add_program(set, words[0], depth - 1)) {
        return -1;
    }
    name = strrchr(words[0], '/') + 1;
    return strcmp(name, "env") ? 0 : add_env(set, words, count, depth - 1);
}

/* A virtual environment of Python is known by the name it is called by. */
static int add_venv(struct path_set *set, const char *path)
{
    static const char *const parts[] = {"pyvenv.cfg", "lib"};
    char part[PATH_MAX];
    int err = 0;

    for (int i = 0; i < 2 && !err; i++) {
        snprintf(part, sizeof(part), "%.*s/../%s",
                 (int)(strrchr(path, '/') - path), path, parts[i]);
        if (access(part, R_OK)) {
            return 0;
        }
        err = path_set_add_tree(set, part, TREE_FOLLOW);
    }
    return err;
}

static int add_program(struct path_set *set, const char *path, int depth)
{
    if (path_set_add_chain(set, path)) {
        return image_error("cannot read %s: %s", path, strerror(errno));
    }
    if (elf_add_needed(set, path) || add_script(set, path, depth)) {
        return -1;
    }
    return add_venv(set, path);
}

int closure_collect(const char *program, struct path_set *set)
{
    int err = add_program(set, program, SCRIPT_DEPTH);

    for (unsigned i = 0; !err && i < sizeof(base_files) / sizeof(*base_files);
         i++) {
        if (!access(base_files[i].path, R_OK)) {
            err =
                path_set_add_tree(set, base_files[i].path, base_files[i].flags);
        }
    }
    return err ? err : runtime_add(set, 0);
}
