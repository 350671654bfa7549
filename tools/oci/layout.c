/* SPDX-License-Identifier: MIT
 *
 * From an image's name to its layers. A layout directory has index.json and
 * blobs by digest (OCI image specification, image-layout.md), whose digests
 * are verified; skopeo's "dir:" has the manifest and the blobs beside each
 * other; `docker save`'s older archives have manifest.json, which names files.
 * Archives are unpacked to a temporary directory first.
 */
#include "tools/oci/oci.h"
#include "tools/oci/tar.h"
#include "tools/policy/json.h"
#include "tools/image/util.h"
#include "tools/image/hash.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { INDEX_DEPTH = 4, DIGEST_HEX = 64, PATH_ROOM = PATH_MAX };

static bool exists(const char *dir, const char *name)
{
    char path[PATH_ROOM];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return access(path, R_OK) == 0;
}

static bool is_layout(const char *dir)
{
    return exists(dir, "index.json") || exists(dir, "manifest.json");
}

/* What skopeo and containers/image call "dir:". */
static bool is_flat(const char *dir)
{
    return exists(dir, "manifest.json") && exists(dir, "version");
}

bool oci_is_image(const char *path)
{
    struct file_bytes f;
    struct stat st;
    struct tar_entry e;
    bool found = false;

    if (stat(path, &st)) {
        return false;
    }
    if (S_ISDIR(st.st_mode)) {
        return (exists(path, "oci-layout") && exists(path, "index.json")) ||
               is_flat(path);
    }
    if (file_map(path, &f)) {
        return false;
    }
    for (struct tar t = {path, f.bytes, f.size, 0};
         !found && tar_is_one(&t) && tar_next(&t, &e) > 0; tar_entry_free(&e)) {
        const char *name = e.path + 2 * !strncmp(e.path, "./", 2);

        found = !strcmp(name, "oci-layout") || !strcmp(name, "manifest.json");
    }
    file_unmap(&f);
    return found;
}

/* ---- blobs ---- */

static void to_hex(const unsigned char sum[32], char *hex)
{
    for (int i = 0; i < 32; i++) {
        snprintf(hex + 2 * i, 3, "%02x", sum[i]);
    }
}

/* The file of "sha256:HEX", when its content has that digest. */
static int find_blob(const char *dir, const char *digest, char *path)
{
    unsigned char sum[32];
    char hex[DIGEST_HEX + 1];
    struct file_bytes f;

    if (!digest || strncmp(digest, "sha256:", 7) != 0 ||
        strlen(digest) != 7 + DIGEST_HEX ||
        strspn(digest + 7, "0123456789abcdef") != DIGEST_HEX) {
        return image_error("the image names a blob by '%s'; only sha256 is "
                           "supported",
                           digest ? digest : "nothing");
    }
    snprintf(path, PATH_ROOM, "%s/%s%s", dir,
             exists(dir, "index.json") ? "blobs/sha256/" : "", digest + 7);
    if (file_map_raw(path, &f)) {
        return -1;
    }
    hash_of(f.bytes, f.size, sum);
    file_unmap(&f);
    to_hex(sum, hex);
    return strcmp(hex, digest + 7) ? image_error("the image is damaged: %s has "
                                                 "another content",
                                                 path)
                                   : 0;
}

static int read_blob(const char *dir, const char *digest, struct json **out)
{
    char path[PATH_ROOM];

    return find_blob(dir, digest, path) ? -1 : json_read(path, out);
}

/* ---- a layout ---- */

static bool is_ours(const struct json *entry)
{
    const struct json *platform = json_get(entry, "platform");
    const char *os = json_string(platform, "os");
    const char *arch = json_string(platform, "architecture");

    return !platform ||
           (os && arch && !strcmp(os, "linux") && !strcmp(arch, "amd64"));
}

struct unpacking {
    const char *name;   /* as the user says it, for messages */
    const char *source; /* the layout's directory */
    const char *tag;    /* or NULL: there is one image */
    const char *dir;
    struct policy_spec *spec;
    struct layer_times *times;
};

/* Goes down indexes to the manifest for our platform. */
static int find_manifest(const struct unpacking *u, const struct json *index,
                         const char *tag, int depth, struct json **out)
{
    const struct json *m =
        depth ? oci_pick(u->name, json_get(index, "manifests"), is_ours, tag)
              : NULL;

    if (!m) {
        return depth ? -1 : image_error("%s has indexes without end", u->name);
    }
    if (read_blob(u->source, json_string(m, "digest"), out)) {
        return -1;
    }
    if (json_get(*out, "manifests")) {
        struct json *below = NULL;
        int err = find_manifest(u, *out, NULL, depth - 1, &below);

        json_free(*out);
        *out = below;
        return err;
    }
    return 0;
}

static int take_config(struct unpacking *u, const struct json *blob)
{
    const char *arch = json_string(blob, "architecture");
    const char *os = json_string(blob, "os");

    if ((arch && strcmp(arch, "amd64") != 0) ||
        (os && strcmp(os, "linux") != 0)) {
        return image_error("the image is for %s/%s; linux/amd64 is needed",
                           os ? os : "linux", arch ? arch : "amd64");
    }
    return oci_take_config(json_get(blob, "config"), u->dir, u->spec);
}

static int take_manifest(struct unpacking *u, const struct json *manifest)
{
    const struct json *layers = json_get(manifest, "layers");
    struct json *config = NULL;
    int err =
        read_blob(u->source,
                  json_string(json_get(manifest, "config"), "digest"), &config);

    for (const struct json *l = layers ? layers->child : NULL; l && !err;
         l = l->next) {
        char path[PATH_ROOM];

        err = find_blob(u->source, json_string(l, "digest"), path);
        err = err ? err : layer_apply(path, u->dir, &u->times);
    }
    err = err ? err : take_config(u, config);
    json_free(config);
    return err;
}

static int take_layout(struct unpacking *u)
{
    struct json *index = NULL, *manifest = NULL;
    char path[PATH_ROOM];
    int err;

    snprintf(path, sizeof(path), "%s/index.json", u->source);
    err = json_read(path, &index);
    err = err ? err : find_manifest(u, index, u->tag, INDEX_DEPTH, &manifest);
    err = err ? err : take_manifest(u, manifest);
    json_free(index);
    json_free(manifest);
    return err;
}

static int take_flat(struct unpacking *u)
{
    struct json *manifest = NULL;
    char path[PATH_ROOM];
    int err;

    snprintf(path, sizeof(path), "%s/manifest.json", u->source);
    err = json_read(path, &manifest);
    err = err ? err : take_manifest(u, manifest);
    json_free(manifest);
    return err;
}

/* ---- docker save ---- */

/* A name of manifest.json, which must stay below the directory. */
static int inside(const struct unpacking *u, const char *name, char *path)
{
    if (!name || *name == '/' || strstr(name, "..")) {
        return image_error("the image's manifest.json names no file of it");
    }
    snprintf(path, PATH_ROOM, "%s/%s", u->source, name);
    return 0;
}

/* The configuration alone says what it is for. */
static bool any(const struct json *entry)
{
    return true;
}

static int take_docker(struct unpacking *u)
{
    struct json *list = NULL, *config = NULL;
    const struct json *layers, *image;
    char path[PATH_ROOM];
    int err;

    snprintf(path, sizeof(path), "%s/manifest.json", u->source);
    err = json_read(path, &list);
    if (err) {
        return err;
    }
    image = oci_pick(u->name, list, any, u->tag);
    if (!image) {
        json_free(list);
        return -1;
    }
    layers = json_get(image, "Layers");
    for (const struct json *l = layers ? layers->child : NULL; l && !err;
         l = l->next) {
        err = inside(u, l->text, path);
        err = err ? err : layer_apply(path, u->dir, &u->times);
    }
    err = err ? err : inside(u, json_string(image, "Config"), path);
    err = err ? err : json_read(path, &config);
    err = err ? err : take_config(u, config);
    json_free(config);
    json_free(list);
    return err;
}

/* ---- either ---- */

static int unpack_from(struct unpacking *u)
{
    int err;

    if (!is_layout(u->source)) {
        return image_error("%s has neither index.json nor manifest.json",
                           u->name);
    }
    if (u->tag && is_flat(u->source)) {
        return image_error("%s has one image, without a name", u->name);
    }
    err = exists(u->source, "index.json") ? take_layout(u)
          : is_flat(u->source)            ? take_flat(u)
                                          : take_docker(u);
    layer_finish(u->dir, u->times);
    return err;
}

static int unpack_archive(struct unpacking *u)
{
    const char *tmp = getenv("TMPDIR"), *archive = u->source;
    struct layer_times *times = NULL;
    char dir[PATH_MAX];
    int err;

    snprintf(dir, sizeof(dir), "%s/enclos-XXXXXX", tmp ? tmp : "/var/tmp");
    if (!mkdtemp(dir)) {
        return image_error("cannot make %s: %s", dir, strerror(errno));
    }
    err = layer_apply(archive, dir, &times);
    layer_finish(dir, times);
    u->source = dir;
    err = err ? err : unpack_from(u);
    image_remove_tree(dir);
    return err;
}

int oci_unpack(const char *path, const char *tag, const char *dir,
               struct policy_spec *spec)
{
    struct unpacking u = {path, path, tag, dir, spec, NULL};
    struct stat st;

    if (stat(path, &st)) {
        return image_error("cannot read %s: %s", path, strerror(errno));
    }
    if (geteuid() != 0) {
        image_error("not root: every file of %s will belong to you", path);
    }
    return S_ISDIR(st.st_mode) ? unpack_from(&u) : unpack_archive(&u);
}
