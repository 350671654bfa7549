/* SPDX-License-Identifier: MIT
 *
 * A set of paths of the host. Links are kept as links: a chain adds the link
 * and what it leads to, so that the copy behaves like the original.
 *
 * Invariant: a path's directory comes before it.
 */
#include "tools/image/util.h"

#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINKS_MAX = 40, SLOTS_MIN = 256 };

static size_t hash(const char *s)
{
    uint64_t h = 1469598103934665603ull; /* FNV-1a */

    while (*s) {
        h = (h ^ (uint8_t)*s++) * 1099511628211ull;
    }
    return h;
}

static size_t *find_slot(const struct path_set *s, const char *path)
{
    size_t i = hash(path) & (s->slot_count - 1);

    while (s->slots[i] && strcmp(s->entries[s->slots[i] - 1].path, path)) {
        i = (i + 1) & (s->slot_count - 1);
    }
    return &s->slots[i];
}

static int grow(struct path_set *s)
{
    size_t room = s->room ? 2 * s->room : SLOTS_MIN / 2;
    struct path_entry *entries = realloc(s->entries, room * sizeof(*entries));
    size_t *slots = calloc(2 * room, sizeof(*slots));

    if (!entries || !slots) {
        free(slots);
        s->entries = entries ? entries : s->entries;
        errno = ENOMEM;
        return -1;
    }
    free(s->slots);
    s->entries = entries;
    s->room = room;
    s->slots = slots;
    s->slot_count = 2 * room;
    for (size_t i = 0; i < s->count; i++) {
        *find_slot(s, s->entries[i].path) = i + 1;
    }
    return 0;
}

void path_set_free(struct path_set *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->entries[i].path);
    }
    free(s->entries);
    free(s->slots);
    memset(s, 0, sizeof(*s));
}

int path_set_add(struct path_set *s, const char *path, enum path_kind kind,
                 const struct stat *st)
{
    struct path_entry *e;
    size_t *slot;

    if (s->count == s->room && grow(s)) {
        return -1;
    }
    slot = find_slot(s, path);
    e = &s->entries[*slot ? *slot - 1 : s->count];
    if (!*slot) {
        e->path = strdup(path);
        if (!e->path) {
            return -1;
        }
        e->kind = PATH_ABSENT;
        memset(&e->st, 0, sizeof(e->st));
    }
    if (st && kind > e->kind) {
        e->kind = kind;
        e->st = *st;
    }
    if (*slot) {
        return 0;
    }
    *slot = ++s->count;
    return 1;
}

/* Replaces path by what it becomes when its component [.., end) is a link. */
static int follow(char *path, size_t end)
{
    char target[PATH_MAX], next[PATH_MAX];
    char rest[PATH_MAX];
    ssize_t n;
    size_t dir = end;
    char saved = path[end];
    int len;

    strcpy(rest, path + end);
    path[end] = '\0';
    n = readlink(path, target, sizeof(target) - 1);
    path[end] = saved;
    if (n < 0) {
        return -1;
    }
    target[n] = '\0';
    while (dir > 0 && path[dir - 1] != '/') {
        dir--;
    }
    len = target[0] == '/' ? snprintf(next, sizeof(next), "%s%s", target, rest)
                           : snprintf(next, sizeof(next), "%.*s%s%s", (int)dir,
                                      path, target, rest);
    if (len >= (int)sizeof(next)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(path, next);
    return 0;
}

/* Removes "." and ".." and double slashes from an absolute path whose
 * components so far are no links. */
static void normalise(char *path)
{
    char out[PATH_MAX];
    size_t n = 0;

    for (char *save, *word = strtok_r(path, "/", &save); word;
         word = strtok_r(NULL, "/", &save)) {
        if (!strcmp(word, ".")) {
            continue;
        }
        if (!strcmp(word, "..")) {
            while (n > 0 && out[--n] != '/') {
            }
            continue;
        }
        n += (size_t)snprintf(out + n, sizeof(out) - n, "/%s", word);
    }
    out[n] = '\0';
    strcpy(path, n ? out : "/");
}

/* End of the first component after position `from`. */
static size_t component_end(const char *path, size_t from)
{
    return from + 1 + strcspn(path + from + 1, "/");
}

static bool is_dots(const char *component, size_t len)
{
    return (len == 1 && component[0] == '.') ||
           (len == 2 && component[0] == '.' && component[1] == '.');
}

int path_set_add_chain(struct path_set *s, const char *original)
{
    char path[PATH_MAX];
    size_t at = 0;
    int links = 0;

    if (strlen(original) >= sizeof(path) - 1) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(path, original);
    while (path[at]) {
        size_t end = component_end(path, at);
        char saved = path[end];
        struct stat st;

        if (end == at + 1 || is_dots(path + at + 1, end - at - 1)) {
            normalise(path); /* all before it is resolved */
            at = 0;
            continue;
        }
        path[end] = '\0';
        if (lstat(path, &st) ||
            path_set_add(s, path, S_ISDIR(st.st_mode) ? PATH_WAY : PATH_WHOLE,
                         &st) < 0) {
            return -1;
        }
        path[end] = saved;
        if (S_ISLNK(st.st_mode)) {
            if (++links > LINKS_MAX || follow(path, end)) {
                return -1;
            }
            at = 0;
        } else {
            at = end;
        }
    }
    return 0;
}

/* Python replaces what it compiled by rename(2), which its directory shows;
 * that is half of all the files there are to look at. */
static bool is_still(const FTSENT *e, int flags)
{
    return e->fts_info != FTS_D &&
           (flags & TREE_STILL ||
            (e->fts_parent && !strcmp(e->fts_parent->fts_name, "__pycache__")));
}

static int add_found(struct path_set *s, const FTSENT *e, int flags)
{
    enum path_kind kind = is_still(e, flags) ? PATH_STILL : PATH_WHOLE;

    switch (e->fts_info) {
    case FTS_DP:
        return 0;
    case FTS_SL:
        if (flags & TREE_FOLLOW) {
            path_set_add_chain(s, e->fts_path); /* may dangle, as there */
        }
        break;
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        return image_error("cannot read %s: %s", e->fts_path,
                           strerror(e->fts_errno));
    case FTS_F:
        if (flags & TREE_FOLLOW && access(e->fts_path, R_OK)) {
            image_error("left out %s: %s", e->fts_path, strerror(errno));
            return 0;
        }
        break;
    default:
        break;
    }
    return path_set_add(s, e->fts_path, kind, e->fts_statp) < 0
               ? image_error("out of memory")
               : 0;
}

int path_set_add_tree(struct path_set *s, const char *path, int flags)
{
    char real[PATH_MAX];
    char *const roots[] = {real, NULL};
    FTSENT *e;
    FTS *fts;
    int err = 0;

    /* No name below may lead through a link: stage.c would follow it. */
    if (path_set_add_chain(s, path) || !realpath(path, real)) {
        return image_error("cannot read %s: %s", path, strerror(errno));
    }
    fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (!fts) {
        return image_error("cannot read %s: %s", path, strerror(errno));
    }
    while (!err && (e = fts_read(fts))) {
        err = add_found(s, e, flags);
    }
    fts_close(fts);
    return err;
}
