/* SPDX-License-Identifier: MIT
 *
 * Where the dynamic linker would find libraries (ld.so(8), and musl's), in its
 * order: the DT_RPATH of the object and of those that loaded it, unless the
 * object has a DT_RUNPATH; that DT_RUNPATH; the directories of ld.so.conf,
 * which are what /etc/ld.so.cache was made from; the built-in ones.
 * LD_LIBRARY_PATH is no part of a program.
 *
 * Places that were looked at in vain go into the set as absent: a library that
 * turns up there later changes the closure.
 */
#include "tools/image/util.h"

#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DIRS_MAX = 64, CONF_DEPTH = 4 };

/* Directories to look in, in order. */
struct search {
    char *dirs[DIRS_MAX];
    unsigned count;
};

/* An object and who loaded it. */
struct object {
    const char *path;
    const struct elf_needs *needs;
    const struct object *loader;
    const char *interp; /* of the program */
};

static void search_add(struct search *s, const char *dir)
{
    if (*dir && s->count < DIRS_MAX) {
        s->dirs[s->count] = strdup(dir);
        s->count += s->dirs[s->count] != NULL;
    }
}

static void search_free(struct search *s)
{
    while (s->count) {
        free(s->dirs[--s->count]);
    }
}

/* ---- DT_RPATH and DT_RUNPATH ---- */

/* Copies text with $ORIGIN, $LIB and $PLATFORM (with or without braces)
 * replaced. */
static void expand(const char *text, size_t len, const char *origin, char *out,
                   size_t size)
{
    const struct {
        const char *name, *value;
    } words[] = {{"ORIGIN", origin},
                 {"LIB", "lib/x86_64-linux-gnu"},
                 {"PLATFORM", "x86_64"}};
    const char *end = text + len;
    size_t n = 0;

    while (text < end && n + 1 < size) {
        size_t brace = text[1] == '{', i = 0, word = 0;

        for (; text[0] == '$' && i < 3; i++) {
            word = strlen(words[i].name);
            if (!strncmp(text + 1 + brace, words[i].name, word)) {
                break;
            }
        }
        if (text[0] == '$' && i < 3) {
            n += (size_t)snprintf(out + n, size - n, "%s", words[i].value);
            text += 1 + word + 2 * brace;
        } else {
            out[n++] = *text++;
        }
    }
    out[n < size ? n : size - 1] = '\0';
}

static void search_add_list(struct search *s, const char *list,
                            const char *object)
{
    char origin[PATH_MAX], dir[PATH_MAX];

    if (!list || !realpath(object, origin)) {
        return;
    }
    *strrchr(origin, '/') = '\0';
    while (*list) {
        size_t len = strcspn(list, ":");

        expand(list, len, origin, dir, sizeof(dir));
        search_add(s, dir);
        list += len + (list[len] == ':');
    }
}

/* ---- the system's directories ---- */

static void search_add_conf(struct search *s, const char *path, int depth)
{
    FILE *f = depth < CONF_DEPTH ? fopen(path, "re") : NULL;
    char line[PATH_MAX];

    while (f && fgets(line, sizeof(line), f)) {
        char *word = line + strspn(line, " \t");
        glob_t g;

        word[strcspn(word, "#\r\n")] = '\0';
        if (*word == '/') {
            word[strcspn(word, " \t")] = '\0';
            search_add(s, word);
        } else if (!strncmp(word, "include", 7) &&
                   !glob(word + 7 + strspn(word + 7, " \t"), 0, NULL, &g)) {
            for (size_t i = 0; i < g.gl_pathc; i++) {
                search_add_conf(s, g.gl_pathv[i], depth + 1);
            }
            globfree(&g);
        }
    }
    if (f) {
        fclose(f);
    }
}

/* musl: /etc/ld-musl-x86_64.path, one directory a line or with colons. */
static void search_add_musl(struct search *s)
{
    FILE *f = fopen("/etc/ld-musl-x86_64.path", "re");
    char line[PATH_MAX], *save;

    while (f && fgets(line, sizeof(line), f)) {
        for (char *d = strtok_r(line, ":\n", &save); d;
             d = strtok_r(NULL, ":\n", &save)) {
            search_add(s, d);
        }
    }
    if (f) {
        fclose(f);
        return;
    }
    search_add(s, "/lib");
    search_add(s, "/usr/local/lib");
    search_add(s, "/usr/lib");
}

static bool is_musl(const char *interp)
{
    return interp && strstr(interp, "/ld-musl-");
}

static void search_add_system(struct search *s, const char *interp)
{
    static const char *const built_in[] = {"/lib/x86_64-linux-gnu",
                                           "/usr/lib/x86_64-linux-gnu",
                                           "/lib64",
                                           "/usr/lib64",
                                           "/lib",
                                           "/usr/lib"};

    if (is_musl(interp)) {
        search_add_musl(s);
        return;
    }
    search_add_conf(s, "/etc/ld.so.conf", 0);
    for (unsigned i = 0; i < sizeof(built_in) / sizeof(*built_in); i++) {
        search_add(s, built_in[i]);
    }
}

static void search_for(struct search *s, const struct object *o)
{
    s->count = 0;
    for (const struct object *l = o; l && !o->needs->runpath; l = l->loader) {
        if (!l->needs->runpath) {
            search_add_list(s, l->needs->rpath, l->path);
        }
    }
    search_add_list(s, o->needs->runpath, o->path);
    search_add_system(s, o->interp);
}

/* ---- libraries ---- */

static int add_object(struct path_set *set, const char *path,
                      const struct object *loader, const char *interp);

/* A library for this machine; else the place counts as empty. */
static bool is_library(struct path_set *set, const char *path)
{
    struct elf_needs needs;

    if (access(path, R_OK)) {
        path_set_add(set, path, PATH_ABSENT, NULL);
        return false;
    }
    if (!elf_read(path, &needs)) {
        return false;
    }
    elf_needs_free(&needs);
    return true;
}

/* The variants for newer CPUs in dir, beside the plain one: which of them is
 * taken is decided where the program runs. */
static int add_variants(struct path_set *set, const char *dir, const char *name,
                        const struct object *o)
{
    static const char *const levels[] = {"v2", "v3", "v4"};
    char path[PATH_MAX];
    int err = 0;

    for (unsigned i = 0; !err && i < sizeof(levels) / sizeof(*levels); i++) {
        snprintf(path, sizeof(path), "%s/glibc-hwcaps/x86-64-%s/%s", dir,
                 levels[i], name);
        if (!access(path, R_OK)) {
            err = add_object(set, path, o, o->interp);
        }
    }
    return err;
}

/* Whether a file of that name is in the set, in a directory that ld.so does
 * not search: a runtime loads it by its path first, and a library of that
 * name is then there for the others (Java's libjvm.so). */
static bool is_in_set(const struct path_set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct path_entry *e = &set->entries[i];
        const char *slash = strrchr(e->path, '/');

        if (e->kind != PATH_ABSENT && S_ISREG(e->st.st_mode) && slash &&
            !strcmp(slash + 1, name)) {
            return true;
        }
    }
    return false;
}

static int add_library(struct path_set *set, const struct search *s,
                       const char *name, const struct object *o)
{
    char path[PATH_MAX];

    if (name[0] == '/') {
        return add_object(set, name, o, o->interp);
    }
    for (unsigned i = 0; i < s->count; i++) {
        if (snprintf(path, sizeof(path), "%s/%s", s->dirs[i], name) >=
            (int)sizeof(path)) {
            continue;
        }
        if (add_variants(set, s->dirs[i], name, o)) {
            return -1;
        }
        if (is_library(set, path)) {
            return add_object(set, path, o, o->interp);
        }
    }
    /* musl's linker is its libc. As the linker itself, go on: the library may
     * never be needed, and what starts says what it misses. */
    if ((!is_musl(o->interp) || strncmp(name, "libc.", 5) != 0) &&
        !is_in_set(set, name)) {
        image_error("%s needs the library %s, which is not on this host",
                    o->path, name);
    }
    return 0;
}

static int add_needs(struct path_set *set, const struct object *o)
{
    struct search *s = calloc(1, sizeof(*s));
    int err = s ? 0 : image_error("out of memory");

    if (!err) {
        search_for(s, o);
    }
    for (size_t i = 0; !err && i < o->needs->library_count; i++) {
        err = add_library(set, s, o->needs->libraries[i], o);
    }
    if (s) {
        search_free(s);
    }
    free(s);
    return err;
}

/* Adds path and, the first time, what it needs. */
static int add_object(struct path_set *set, const char *path,
                      const struct object *loader, const char *interp)
{
    size_t before = set->count;
    struct elf_needs needs;
    struct object o = {path, &needs, loader, interp};
    int err = 0;

    if (path_set_add_chain(set, path)) {
        return image_error("%s is missing", path);
    }
    if ((loader && set->count == before) || !elf_read(path, &needs)) {
        return 0;
    }
    if (needs.interp) {
        o.interp = needs.interp;
        err = add_object(set, needs.interp, &o, needs.interp);
    }
    err = err ? err : add_needs(set, &o);
    elf_needs_free(&needs);
    return err;
}

int elf_add_needed(struct path_set *set, const char *path)
{
    return add_object(set, path, NULL, NULL);
}
