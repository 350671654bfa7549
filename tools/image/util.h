/* SPDX-License-Identifier: MIT
 *
 * What the files of tools/image share: messages, commands, and the set of
 * host paths that a closure is.
 */
#ifndef TOOLS_IMAGE_UTIL_H
#define TOOLS_IMAGE_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/* "enclos: ..." on stderr; returns -1. */
int image_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Runs argv, standard output into output (or discarded when that is NULL).
 * package: what to install when the command is missing. */
int image_command(const char *const *argv, const char *package, char *output,
                  size_t len);

/* Removes a directory with all that is in it. */
void image_remove_tree(const char *dir);

/* canon.c: makes an EROFS image of mkfs.erofs depend on its tree alone. */
int image_canonical(const char *path);

/* trim.c: removes entries of the cache in directory path, those of use longest
 * ago first, until the rest takes at most limit bytes on disk. One that was of
 * use in the last ten minutes stays. Errors are not told: the next call tries
 * again. */
void cache_trim(const char *path, uint64_t limit);

/* The entry with this manifest is of use now. */
void cache_used(const char *manifest);

/* ---- paths.c: a set of host paths, each once, in the order they came ---- */

enum path_kind {
    PATH_ABSENT, /* looked for and not there: must stay so */
    PATH_WAY,    /* a directory above others: only its mode and owner count */
    PATH_STILL,  /* packed; unchanged as long as its directory is */
    PATH_WHOLE,  /* packed, and unchanged only if all of stat is */
};

struct path_entry {
    char *path; /* absolute */
    enum path_kind kind;
    struct stat st; /* lstat; not of PATH_ABSENT */
};

struct path_set {
    struct path_entry *entries;
    size_t count, room;
    size_t *slots; /* hash table of index + 1 */
    size_t slot_count;
};

void path_set_free(struct path_set *s);

/* st: what lstat said. A path that is there keeps the higher kind. 1: new, 0:
 * was there, -1: no memory. */
int path_set_add(struct path_set *s, const char *path, enum path_kind kind,
                 const struct stat *st);

/* Adds path, every directory above it, and when it is a symbolic link, where
 * it leads. -1 with errno when it does not exist. */
int path_set_add_chain(struct path_set *s, const char *path);

enum { TREE_FOLLOW = 1, TREE_STILL = 2 };
/* path and everything below it. TREE_FOLLOW: links out of it lead on, where
 * they do not dangle; files that cannot be read are left out with a message.
 * TREE_STILL: the files are of PATH_STILL. */
int path_set_add_tree(struct path_set *s, const char *path, int flags);

/* ---- the closure ---- */

/* closure.c: fills set with everything program needs. */
int closure_collect(const char *program, struct path_set *set);

/* runtime.c: what goes with a program or library of that name, for entries
 * [from, set->count) and whatever they bring along. */
int runtime_add(struct path_set *set, size_t from);

/* elf.c: what the file at path says it needs; false: no x86-64 ELF. */
struct elf_needs {
    char *interp, *rpath, *runpath; /* NULL: none */
    char **libraries;
    size_t library_count;
};
bool elf_read(const char *path, struct elf_needs *out);
void elf_needs_free(struct elf_needs *n);

/* ldso.c: adds the interpreter and libraries of an ELF file, recursively; a
 * file that is no ELF needs nothing. */
int elf_add_needed(struct path_set *set, const char *path);

/* stage.c: copies the set below dir, with owners, modes and times. */
int stage_copy(const struct path_set *set, const char *dir);

#endif
