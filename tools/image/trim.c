/* SPDX-License-Identifier: MIT
 *
 * Keeps the cache of images small.
 *
 * An entry is NAME.img and NAME.manifest, or NAME.pages, what runs have left
 * for each other; the time of the manifest or the pages says when it was last
 * of use. Entries go in that order, longest ago first, the manifest
 * before its image. One of use just now stays: its image may not be open yet.
 * What a killed writer left behind goes after a day.
 */
#include "tools/image/util.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define JUST_NOW    600
#define LEFT_BEHIND (24 * 3600)
#define SUFFIX      ".manifest"
#define PAGES       ".pages"

struct entry {
    char name[NAME_MAX + 1]; /* without suffix */
    bool pages;
    time_t used;
    uint64_t size; /* bytes on disk */
};

struct listing {
    struct entry *entries;
    size_t count, room;
    uint64_t total;
};

static uint64_t file_size(int dir, const char *name, const char *suffix)
{
    char file[NAME_MAX + 16];
    struct stat st;

    snprintf(file, sizeof(file), "%s%s", name, suffix);
    return fstatat(dir, file, &st, AT_SYMLINK_NOFOLLOW)
               ? 0
               : (uint64_t)st.st_blocks * 512;
}

/* No memory: the entry is not seen, and stays. */
static void list(struct listing *l, int dir, const char *file,
                 const char *suffix, time_t used)
{
    struct entry *e;

    if (l->count == l->room) {
        size_t room = l->room ? 2 * l->room : 64;

        e = realloc(l->entries, room * sizeof(*e));
        if (!e) {
            return;
        }
        l->entries = e;
        l->room = room;
    }
    e = &l->entries[l->count++];
    snprintf(e->name, sizeof(e->name), "%.*s",
             (int)(strlen(file) - strlen(suffix)), file);
    e->used = used;
    e->pages = !strcmp(suffix, PAGES);
    e->size = file_size(dir, e->name, suffix);
    e->size += e->pages ? 0 : file_size(dir, e->name, ".img");
    l->total += e->size;
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);

    return n >= m && !strcmp(s + n - m, end);
}

/* Names that writers give before the last rename; see cache.c and build.c. */
static bool unfinished(const char *file)
{
    return strstr(file, ".stage-") || strstr(file, SUFFIX ".") ||
           ((strstr(file, ".img.") || strstr(file, PAGES ".")) &&
            ends_with(file, ".tmp"));
}

static void look_at(struct listing *l, const char *path, int dir,
                    const char *file, time_t now)
{
    char whole[PATH_MAX];
    struct stat st;

    if (fstatat(dir, file, &st, AT_SYMLINK_NOFOLLOW)) {
        return;
    }
    if (ends_with(file, SUFFIX)) {
        list(l, dir, file, SUFFIX, st.st_mtime);
    } else if (ends_with(file, PAGES)) {
        list(l, dir, file, PAGES, st.st_mtime);
    } else if (unfinished(file) && now - st.st_mtime > LEFT_BEHIND &&
               snprintf(whole, sizeof(whole), "%s/%s", path, file) <
                   (int)sizeof(whole)) {
        if (S_ISDIR(st.st_mode)) {
            image_remove_tree(whole);
        } else {
            unlink(whole);
        }
    }
}

static int by_use(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    return (x->used > y->used) - (x->used < y->used);
}

static void remove_entry(int dir, const struct entry *e)
{
    char file[NAME_MAX + 16];

    snprintf(file, sizeof(file), "%s%s", e->name, e->pages ? PAGES : SUFFIX);
    unlinkat(dir, file, 0);
    if (!e->pages) {
        snprintf(file, sizeof(file), "%s.img", e->name);
        unlinkat(dir, file, 0);
    }
}

void cache_trim(const char *path, uint64_t limit)
{
    struct listing l = {0};
    time_t now = time(NULL);
    DIR *d = opendir(path);
    const struct dirent *f;

    if (!d) {
        return;
    }
    while ((f = readdir(d))) {
        look_at(&l, path, dirfd(d), f->d_name, now);
    }
    if (l.total > limit) {
        qsort(l.entries, l.count, sizeof(*l.entries), by_use);
    }
    for (size_t i = 0; i < l.count && l.total > limit; i++) {
        if (now - l.entries[i].used <= JUST_NOW) {
            break;
        }
        remove_entry(dirfd(d), &l.entries[i]);
        l.total -= l.entries[i].size;
    }
    free(l.entries);
    closedir(d);
}

void cache_used(const char *manifest)
{
    utimensat(AT_FDCWD, manifest, NULL, 0);
}
