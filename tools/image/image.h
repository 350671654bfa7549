/* SPDX-License-Identifier: MIT
 *
 * Making verified images on the host: EROFS by mkfs.erofs, a dm-verity tree
 * behind it by veritysetup, and a trailer (abi/image.h) that says where they
 * are. The same input gives the same bytes. docs/IMAGE.md has the format.
 *
 * Functions return 0 or -1 after a message on stderr that says what, why and
 * what to do.
 */
#ifndef TOOLS_IMAGE_IMAGE_H
#define TOOLS_IMAGE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "abi/image.h"

/* Packs a directory or a tar archive (any compression that tar knows) into
 * out, which is replaced only when everything went well. */
int image_build(const char *source, const char *out,
                struct image_trailer *trailer);

/* Reads and checks the trailer of an image file. */
int image_open(const char *path, int *fd, uint64_t *size,
               struct image_trailer *trailer);

/* All of an image's bytes against a root hash; it begins at offset at of the
 * file, whose name is for messages. */
int image_verify(const char *path, int fd, uint64_t at, uint64_t size,
                 const uint8_t root[IMAGE_HASH_SIZE]);

/* list.c: every file of an image, in the same place. */
struct image_file_info {
    uint32_t mode, uid, gid;
    uint64_t size;
    char link[4096]; /* of a symbolic link; else "" */
};
typedef void (*image_file_fn)(void *ctx, const char *path,
                              const struct image_file_info *info);
int image_list(const char *path, int fd, uint64_t at, uint64_t size,
               image_file_fn file, void *ctx);

/* lookup.c: the mode of what path leads to in an image, links followed. 0 or
 * -errno without a message; -EXDEV when it leads through one of the count
 * directories `stops`, where the image is not what a program finds. */
int image_lookup(int fd, uint64_t at, uint64_t size, const char *path,
                 const char *const *stops, size_t count, uint32_t *mode);

/* This user's directory for what can be made anew, made when it is not there:
 * $XDG_CACHE_HOME/enclos, else ~/.cache/enclos. */
int image_cache_home(char *path, size_t len);
/* That directory, for what runs leave for each other; -1, without a word: there
 * is none, or none is wanted (ENCLOS_NO_CACHE). */
int image_cache_open(void);

/* An image of directory dir from the cache, made when it is not there or the
 * tree has changed (by name, size, mode and times of every file). path gets
 * the image's name. */
int image_cached_dir(const char *dir, char *path, size_t len);

/* The same for program's closure: itself, its interpreters, libraries, and
 * what its language runtime needs from this host. */
int image_cached_closure(const char *program, char *path, size_t len);

#endif
