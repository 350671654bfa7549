/* SPDX-License-Identifier: MIT
 *
 * Copies a path set into a staging directory for mkfs.erofs. A directory that
 * is only on the way to others gets its own mode and owner and the time 0; the
 * standard empty ones are added. Extended attributes and hard links between
 * files are not kept.
 */
#include "tools/image/util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *path;
    mode_t mode;
} standard_dirs[] = {{"/tmp", 01777},     {"/proc", 0555}, {"/dev", 0755},
                     {"/sys", 0555},      {"/root", 0700}, {"/run", 0755},
                     {"/var/tmp", 01777}, {"/etc", 0755}};

static int copy_content(const char *from, const char *to, off_t size)
{
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int err = in < 0 || out < 0;

    while (!err && size > 0) {
        ssize_t n = copy_file_range(in, NULL, out, NULL, (size_t)size, 0);

        if (n <= 0) {
            err = 1;
        } else {
            size -= n;
        }
    }
    if (err && in >= 0 && out >= 0) { /* across file systems, or /proc */
        char buf[65536];
        ssize_t n;

        err = lseek(in, 0, SEEK_SET) < 0 || ftruncate(out, 0) ||
              lseek(out, 0, SEEK_SET) < 0;
        while (!err && (n = read(in, buf, sizeof(buf))) != 0) {
            err = n < 0 || write(out, buf, (size_t)n) != n;
        }
    }
    if (in >= 0) {
        close(in);
    }
    if (out >= 0) {
        close(out);
    }
    return err ? -1 : 0;
}

static int copy_link(const char *from, const char *to)
{
    char target[PATH_MAX];
    ssize_t n = readlink(from, target, sizeof(target) - 1);

    if (n < 0) {
        return -1;
    }
    target[n] = '\0';
    return symlink(target, to);
}

static int copy_entry(const struct path_entry *e, const char *to)
{
    switch (e->st.st_mode & S_IFMT) {
    case S_IFDIR:
        return mkdir(to, 0700) && errno != EEXIST ? -1 : 0;
    case S_IFLNK:
        return copy_link(e->path, to);
    case S_IFREG:
        return copy_content(e->path, to, e->st.st_size);
    default:
        return 0; /* devices and sockets are the kernel's to make */
    }
}

static int copy_attributes(const struct path_entry *e, const char *to)
{
    const struct stat *st = &e->st;
    struct timespec times[2] = {st->st_mtim, st->st_mtim};

    if (e->kind == PATH_WAY) {
        memset(times, 0, sizeof(times));
    }
    if (geteuid() == 0 && lchown(to, st->st_uid, st->st_gid)) {
        return -1;
    }
    if (!S_ISLNK(st->st_mode) && chmod(to, st->st_mode & 07777)) {
        return -1;
    }
    return utimensat(AT_FDCWD, to, times, AT_SYMLINK_NOFOLLOW);
}

static int make_standard_dirs(const char *dir)
{
    char to[PATH_MAX];

    snprintf(to, sizeof(to), "%s/var", dir);
    mkdir(to, 0755);
    for (unsigned i = 0; i < sizeof(standard_dirs) / sizeof(*standard_dirs);
         i++) {
        snprintf(to, sizeof(to), "%s%s", dir, standard_dirs[i].path);
        if (!mkdir(to, 0755) && chmod(to, standard_dirs[i].mode)) {
            return image_error("cannot make %s: %s", to, strerror(errno));
        }
    }
    return 0;
}

int stage_copy(const struct path_set *set, const char *dir)
{
    static const struct timespec epoch[2] = {{0, 0}, {0, 0}};
    char to[PATH_MAX + 64];

    for (size_t i = 0; i < set->count; i++) {
        const struct path_entry *e = &set->entries[i];

        snprintf(to, sizeof(to), "%s%s", dir, e->path);
        if (e->kind != PATH_ABSENT && copy_entry(e, to)) {
            return image_error("cannot copy %s: %s", e->path, strerror(errno));
        }
    }
    if (make_standard_dirs(dir)) {
        return -1;
    }
    /* Children first: a directory's times change with its content. */
    for (size_t i = set->count; i-- > 0;) {
        const struct path_entry *e = &set->entries[i];

        snprintf(to, sizeof(to), "%s%s", dir, e->path);
        if (!(S_ISDIR(e->st.st_mode) || S_ISREG(e->st.st_mode) ||
              S_ISLNK(e->st.st_mode))) {
            continue; /* absent ones have no mode */
        }
        if (copy_attributes(e, to)) {
            return image_error("cannot set attributes of %s: %s", to,
                               strerror(errno));
        }
    }
    for (unsigned i = 0; i < sizeof(standard_dirs) / sizeof(*standard_dirs);
         i++) {
        snprintf(to, sizeof(to), "%s%s", dir, standard_dirs[i].path);
        utimensat(AT_FDCWD, to, epoch, 0);
    }
    snprintf(to, sizeof(to), "%s/var", dir);
    utimensat(AT_FDCWD, to, epoch, 0);
    return chmod(dir, 0755) || utimensat(AT_FDCWD, dir, epoch, 0)
               ? image_error("cannot set attributes of %s", dir)
               : 0;
}
