/* SPDX-License-Identifier: MIT
 *
 * Images of closures and directories, kept in $XDG_CACHE_HOME/enclos.
 *
 * Beside each image lies a manifest: for every path that went in, or was
 * looked for in vain, what lstat(2) said of it. If all of that still holds,
 * the image is taken as it is; a hit costs one lstat a path and starts no
 * process. Times include ctime, which no program can set back.
 *
 * Writers make a file under another name and rename it, the manifest last;
 * two of them at once do the work twice and agree.
 */
#include "tools/image/image.h"
#include "tools/image/util.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

/* Another number whenever the same paths would give another image. */
#define MANIFEST_MAGIC "enclos manifest 3"

#define CACHE_LIMIT (4ull << 30) /* bytes on disk */

enum { CHANGED = 10 }; /* seconds ago */

struct manifest_head {
    char magic[24];
    uint64_t count;
    char source[PATH_MAX]; /* what was asked for */
};

/* One path; its name with a NUL follows, padded to 8 bytes. */
struct manifest_entry {
    uint64_t ino, size;
    int64_t mtime, ctime; /* ns since the epoch */
    uint32_t mode, uid, gid;
    uint16_t kind; /* enum path_kind */
    uint16_t name_size;
};

static size_t name_size(const char *path)
{
    return (strlen(path) + 8) / 8 * 8;
}

static int64_t nanoseconds(const struct timespec *t)
{
    return t->tv_sec * 1000000000ll + t->tv_nsec;
}

/* What counts of a path, by its kind. */
static void describe(struct manifest_entry *m, enum path_kind kind,
                     const struct stat *st)
{
    memset(m, 0, sizeof(*m));
    m->kind = (uint16_t)kind;
    if (kind == PATH_ABSENT) {
        return;
    }
    m->mode = st->st_mode;
    m->uid = st->st_uid;
    m->gid = st->st_gid;
    if (kind == PATH_WHOLE) {
        m->ino = st->st_ino;
        m->size = (uint64_t)st->st_size;
        m->mtime = nanoseconds(&st->st_mtim);
        m->ctime = nanoseconds(&st->st_ctim);
    }
}

static bool holds(const struct manifest_entry *m, const char *path)
{
    struct manifest_entry now;
    struct stat st;

    if (m->kind == PATH_STILL) {
        return true;
    }
    if (lstat(path, &st)) {
        return m->kind == PATH_ABSENT && (errno == ENOENT || errno == ENOTDIR);
    }
    describe(&now, m->kind, &st);
    now.name_size = m->name_size;
    return m->kind != PATH_ABSENT && !memcmp(m, &now, sizeof(now));
}

static bool all_hold(const char *bytes, size_t size, const char *source)
{
    const struct manifest_head *head = (const void *)bytes;
    size_t at = sizeof(*head);

    if (size < sizeof(*head) ||
        memcmp(head->magic, MANIFEST_MAGIC, sizeof(MANIFEST_MAGIC)) != 0 ||
        strncmp(head->source, source, sizeof(head->source)) != 0) {
        return false;
    }
    for (uint64_t i = 0; i < head->count; i++) {
        const struct manifest_entry *m = (const void *)(bytes + at);
        const char *path = bytes + at + sizeof(*m);

        if (size - at < sizeof(*m) || size - at - sizeof(*m) < m->name_size ||
            m->name_size == 0 || m->name_size % 8 != 0 ||
            path[m->name_size - 1] != '\0' || !holds(m, path)) {
            return false;
        }
        at += sizeof(*m) + m->name_size;
    }
    return at == size;
}

static bool manifest_holds(const char *manifest, const char *source)
{
    int fd = open(manifest, O_RDONLY | O_CLOEXEC);
    void *bytes = MAP_FAILED;
    bool good = false;
    struct stat st;

    if (fd >= 0 && !fstat(fd, &st) && st.st_size > 0) {
        bytes = mmap(NULL, (size_t)st.st_size, PROT_READ,
                     MAP_PRIVATE | MAP_POPULATE, fd, 0);
    }
    if (bytes != MAP_FAILED) {
        good = all_hold(bytes, (size_t)st.st_size, source);
        munmap(bytes, (size_t)st.st_size);
    }
    if (fd >= 0) {
        close(fd);
    }
    return good;
}

static void write_entries(FILE *f, const char *source,
                          const struct path_set *set)
{
    struct manifest_head head = {.magic = MANIFEST_MAGIC, .count = set->count};

    snprintf(head.source, sizeof(head.source), "%s", source);
    fwrite(&head, sizeof(head), 1, f);
    for (size_t i = 0; i < set->count; i++) {
        const struct path_entry *e = &set->entries[i];
        char name[PATH_MAX + 8] = {0};
        struct manifest_entry m;

        describe(&m, e->kind, &e->st);
        m.name_size = (uint16_t)name_size(e->path);
        snprintf(name, sizeof(name), "%s", e->path);
        fwrite(&m, sizeof(m), 1, f);
        fwrite(name, m.name_size, 1, f);
    }
}

static int manifest_write(const char *manifest, const char *source,
                          const struct path_set *set)
{
    char temp[PATH_MAX + 16];
    bool bad = true;
    FILE *f;

    snprintf(temp, sizeof(temp), "%s.%d", manifest, (int)getpid());
    f = fopen(temp, "we");
    if (f) {
        write_entries(f, source, set);
        bad = ferror(f);
        bad |= fclose(f) != 0;
    }
    if (bad || rename(temp, manifest)) {
        image_error("cannot write %s: %s", manifest, strerror(errno));
        unlink(temp);
        return -1;
    }
    return 0;
}

/* ---- the directory ---- */

/* Where the caches of all programs are; NULL, or what is wrong. */
static const char *all_caches(char *path, size_t len)
{
    const char *xdg = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    int n;

    if (xdg && *xdg == '/') {
        n = snprintf(path, len, "%s", xdg);
    } else if (home && *home == '/') {
        n = snprintf(path, len, "%s/.cache", home);
    } else {
        return "neither HOME nor XDG_CACHE_HOME names a directory";
    }
    return n + sizeof("/enclos") > len ? strerror(ENAMETOOLONG) : NULL;
}

/* NULL, or what is wrong. */
static const char *cache_home(char *path, size_t len)
{
    const char *why = all_caches(path, len);

    if (why) {
        return why;
    }
    mkdir(path, 0700);
    strcat(path, "/enclos");
    return mkdir(path, 0700) && errno != EEXIST ? strerror(errno) : NULL;
}

int image_cache_home(char *path, size_t len)
{
    const char *why;

    *path = '\0';
    why = cache_home(path, len);
    return why ? image_error("cannot make the cache %s: %s; set XDG_CACHE_HOME "
                             "to a directory that can be written",
                             path, why)
               : 0;
}

/* Whether path, or what it will be made in, is somebody else's: root with a
 * user's HOME makes no directory there that this user cannot write to. */
static bool is_anothers(const char *path)
{
    char above[PATH_MAX];
    struct stat st;

    snprintf(above, sizeof(above), "%s", path);
    return stat(path, &st) && (errno != ENOENT || stat(dirname(above), &st))
               ? true
               : st.st_uid != geteuid() && st.st_uid != 0;
}

/* What has come to it just now may be too much. */
int image_cache_open(void)
{
    char path[PATH_MAX];
    struct stat st;
    int fd;

    if (getenv("ENCLOS_NO_CACHE") || all_caches(path, sizeof(path)) ||
        is_anothers(path) || cache_home(path, sizeof(path))) {
        return -1;
    }
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && !fstat(fd, &st) && st.st_uid == geteuid() &&
        time(NULL) - st.st_mtime < CHANGED) {
        cache_trim(path, CACHE_LIMIT);
    }
    return fd;
}

/* The cache's file name for a source, without suffix. */
static int entry_name(const char *kind, const char *source, char *out,
                      size_t len)
{
    uint64_t h = 1469598103934665603ull; /* FNV-1a */
    size_t n;

    if (image_cache_home(out, len)) {
        return -1;
    }
    for (const char *p = source; *p; p++) {
        h = (h ^ (uint8_t)*p) * 1099511628211ull;
    }
    n = strlen(out);
    snprintf(out + n, len - n, "/%s-%016llx", kind, (unsigned long long)h);
    return 0;
}

/* Builds entry.img from dir and writes its manifest last. */
static int fill(const char *entry, const char *source, const char *dir,
                const struct path_set *set)
{
    char image[PATH_MAX], manifest[PATH_MAX], home[PATH_MAX];
    struct image_trailer trailer;

    snprintf(image, sizeof(image), "%s.img", entry);
    snprintf(manifest, sizeof(manifest), "%s.manifest", entry);
    unlink(manifest);
    if (image_build(dir, image, &trailer)) {
        return -1;
    }
    if (manifest_write(manifest, source, set)) {
        return -1;
    }
    if (!image_cache_home(home, sizeof(home))) {
        cache_trim(home, CACHE_LIMIT);
    }
    return 0;
}

static bool cached(const char *entry, const char *source, char *path,
                   size_t len)
{
    char manifest[PATH_MAX];

    snprintf(path, len, "%s.img", entry);
    snprintf(manifest, sizeof(manifest), "%s.manifest", entry);
    if (access(path, R_OK) || !manifest_holds(manifest, source)) {
        return false;
    }
    cache_used(manifest);
    return true;
}

int image_cached_dir(const char *dir, char *path, size_t len)
{
    char entry[PATH_MAX - 64], *real = realpath(dir, NULL);
    struct path_set set = {0};
    int err = -1;

    if (!real) {
        return image_error("cannot read %s: %s", dir, strerror(errno));
    }
    if (!entry_name("dir", real, entry, sizeof(entry))) {
        err = 0;
        if (!cached(entry, real, path, len)) {
            err = path_set_add_tree(&set, real, 0);
            err = err ? err : fill(entry, real, real, &set);
        }
    }
    path_set_free(&set);
    free(real);
    return err;
}

/* Where to copy the set: thousands of small files are made faster in memory,
 * when it has room for them several times. */
static void stage_name(const struct path_set *set, const char *entry, char *out,
                       size_t len)
{
    static const char *const memory = "/dev/shm";
    uint64_t size = 0;
    struct statvfs fs;

    for (size_t i = 0; i < set->count; i++) {
        size += (uint64_t)set->entries[i].st.st_size + 4096;
    }
    if (!access(memory, W_OK) && !statvfs(memory, &fs) &&
        size < fs.f_bavail * fs.f_bsize / 4) {
        snprintf(out, len, "%s/enclos-stage-XXXXXX", memory);
    } else {
        snprintf(out, len, "%s.stage-XXXXXX", entry);
    }
}

static int build_closure(const char *program, const char *entry)
{
    struct path_set set = {0};
    char stage[PATH_MAX];
    mode_t mask = umask(022); /* not the caller's: it is in no image */
    int err = -1;

    if (closure_collect(program, &set)) {
        goto out;
    }
    stage_name(&set, entry, stage, sizeof(stage));
    if (!mkdtemp(stage)) {
        image_error("cannot make %s: %s", stage, strerror(errno));
        goto out;
    }
    if (!stage_copy(&set, stage)) {
        err = fill(entry, program, stage, &set);
    }
    image_remove_tree(stage);
out:
    umask(mask);
    path_set_free(&set);
    return err;
}

int image_cached_closure(const char *program, char *path, size_t len)
{
    char entry[PATH_MAX - 64];

    if (program[0] != '/') {
        return image_error("%s: the program's path must be absolute", program);
    }
    if (entry_name("auto", program, entry, sizeof(entry))) {
        return -1;
    }
    if (cached(entry, program, path, len)) {
        return 0;
    }
    return build_closure(program, entry);
}
