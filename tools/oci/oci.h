/* SPDX-License-Identifier: MIT
 *
 * Container images (OCI image specification 1.1; `docker save`'s older form
 * as well): from a layout directory or an archive of one to a tree and to
 * what its configuration says of the program. Functions return 0 or -1 after
 * a message.
 */
#ifndef TOOLS_OCI_OCI_H
#define TOOLS_OCI_OCI_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/policy/policy.h"

/* Whether path is a layout directory, or skopeo's "dir:", or a tar archive with
 * a layout inside. */
bool oci_is_image(const char *path);

/* Applies all layers of the image for linux/amd64 to the empty directory dir,
 * and its entry point, arguments, variables, user and directory to spec. tag:
 * its name, or the end of it behind a colon or slash; NULL: there must be one
 * only. */
int oci_unpack(const char *path, const char *tag, const char *dir,
               struct policy_spec *spec);

/* layer.c: one layer, compressed or not, over what is in dir. */
struct layer_times;
int layer_apply(const char *layer, const char *dir, struct layer_times **times);
/* After the last: gives directories the times that the layers say. Frees. */
int layer_finish(const char *dir, struct layer_times *times);

/* file.c: path's bytes, decompressed where they are compressed. */
struct file_bytes {
    const unsigned char *bytes;
    size_t size;
};
int file_map(const char *path, struct file_bytes *out);
/* As they are. */
int file_map_raw(const char *path, struct file_bytes *out);
void file_unmap(struct file_bytes *f);

/* pick.c: the entry of a list of images that fits and is called tag; NULL
 * after a message. */
struct json;
const struct json *oci_pick(const char *source, const struct json *list,
                            bool (*fits)(const struct json *entry),
                            const char *tag);

/* config.c */
int oci_take_config(const struct json *config, const char *dir,
                    struct policy_spec *spec);

#endif
