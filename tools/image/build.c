/* SPDX-License-Identifier: MIT
 *
 * One image from one tree. Everything that could differ between two runs is
 * pinned: the UUIDs, the salt (none), the time of the build (0), and the order
 * of extended attributes (canon.c).
 */
#include "tools/image/image.h"
#include "tools/image/util.h"
#include "tools/image/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MKFS_NAME_MAX = 254 };

/* mkfs.erofs 1.5 fails without a word about why. */
static int check_name(const char *path, const struct stat *st, int type,
                      struct FTW *ftw)
{
    if (strlen(path + ftw->base) <= MKFS_NAME_MAX) {
        return 0;
    }
    image_error("%s: mkfs.erofs takes names of at most %d bytes", path,
                MKFS_NAME_MAX);
    return 1;
}

/* Extended inodes keep the files' times to the nanosecond, which mkfs.erofs
 * would replace if told one by -T. No attribute is shared
 * between files, so that canon.c can put them in order. */
static int make_erofs(const char *dir, const char *out)
{
    int err = nftw(dir, check_name, 64, FTW_PHYS);

    if (err) {
        return err > 0
                   ? -1
                   : image_error("cannot read %s: %s", dir, strerror(errno));
    }
    err =
        image_command((const char *[]){"mkfs.erofs", "--quiet",
                                       "-Eforce-inode-extended", "-x1000000000",
                                       "-U", IMAGE_EROFS_UUID, out, dir, NULL},
                      "erofs-utils", NULL, 0);

    return err ? err : image_canonical(out);
}

static bool parse_hex(const char *hex, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (sscanf(hex + 2 * i, "%2hhx", &out[i]) != 1) {
            return false;
        }
    }
    return true;
}

static int make_verity(const char *path, struct image_trailer *t)
{
    static const char label[] = "Root hash:";
    char offset[64], blocks[64], output[4096];
    const char *root;

    snprintf(offset, sizeof(offset), "--hash-offset=%llu",
             (unsigned long long)t->hash_offset);
    snprintf(blocks, sizeof(blocks), "--data-blocks=%llu",
             (unsigned long long)(t->data_size / IMAGE_BLOCK));
    if (image_command((const char *[]){"veritysetup", "format", "--hash=sha256",
                                       "--data-block-size=4096",
                                       "--hash-block-size=4096", "--salt=-",
                                       "--uuid=" IMAGE_VERITY_UUID, blocks,
                                       offset, path, path, NULL},
                      "cryptsetup-bin", output, sizeof(output))) {
        return -1;
    }
    root = strstr(output, label);
    if (root) {
        root += strlen(label);
        root += strspn(root, " \t");
    }
    if (!root || !parse_hex(root, t->root_hash, IMAGE_HASH_SIZE)) {
        return image_error("veritysetup printed no root hash");
    }
    return 0;
}

static int append_trailer(const char *path, struct image_trailer *t)
{
    struct stat st;
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    int err = -1;

    if (fd < 0 || fstat(fd, &st)) {
        goto out;
    }
    t->image_size = (uint64_t)st.st_size + IMAGE_BLOCK;
    hash_of(t, offsetof(struct image_trailer, checksum), t->checksum);
    if (write(fd, t, sizeof(*t)) == sizeof(*t) && !fsync(fd)) {
        err = 0;
    }
out:
    if (err) {
        image_error("cannot write %s: %s", path, strerror(errno));
    }
    if (fd >= 0) {
        close(fd);
    }
    return err;
}

/* mkfs.erofs rounds to its blocks; a file of another size would move the
 * hash tree off its alignment. */
static int pad_to_block(const char *path, uint64_t *size)
{
    struct stat st;

    if (stat(path, &st)) {
        return image_error("cannot read %s: %s", path, strerror(errno));
    }
    *size =
        ((uint64_t)st.st_size + IMAGE_BLOCK - 1) / IMAGE_BLOCK * IMAGE_BLOCK;
    if (truncate(path, (off_t)*size)) {
        return image_error("cannot write %s: %s", path, strerror(errno));
    }
    return 0;
}

static int build_dir(const char *dir, const char *out,
                     struct image_trailer *trailer)
{
    struct image_trailer t = {.magic = IMAGE_MAGIC, .version = IMAGE_VERSION};
    char *temp;
    int err = -1, fd;

    if (asprintf(&temp, "%s.%d.tmp", out, (int)getpid()) < 0) {
        return image_error("out of memory");
    }
    fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        image_error("cannot write %s: %s", out, strerror(errno));
        goto out;
    }
    close(fd);
    if (make_erofs(dir, temp) || pad_to_block(temp, &t.data_size)) {
        goto out;
    }
    t.hash_offset = t.data_size;
    if (make_verity(temp, &t) || append_trailer(temp, &t)) {
        goto out;
    }
    if (rename(temp, out)) {
        image_error("cannot write %s: %s", out, strerror(errno));
        goto out;
    }
    *trailer = t;
    err = 0;
out:
    unlink(temp);
    free(temp);
    return err;
}

static time_t unpack_began;

/* A directory that the archive only implies has the time of its unpacking:
 * that would be another one each time. */
static int settle_time(const char *path, const struct stat *st, int type,
                       struct FTW *ftw)
{
    static const struct timespec epoch[2];

    return type == FTW_DP && st->st_mtime >= unpack_began
               ? utimensat(AT_FDCWD, path, epoch, 0)
               : 0;
}

static int unpack(const char *tar, const char *dir)
{
    mode_t mask = umask(022);
    int err = mkdir(dir, 0755);

    if (err) {
        umask(mask);
        return image_error("cannot make %s: %s", dir, strerror(errno));
    }
    if (geteuid() != 0) {
        image_error("not root: every file of %s will belong to you", tar);
    }
    unpack_began = time(NULL);
    err = image_command((const char *[]){"tar", "-x", "-p", "--numeric-owner",
                                         "--xattrs", "--xattrs-include=*",
                                         "--acls", "-f", tar, "-C", dir, NULL},
                        "tar", NULL, 0);
    umask(mask);
    if (err) {
        image_error("%s: neither a program nor a container image, and tar "
                    "cannot unpack it",
                    tar);
    }
    if (!err && nftw(dir, settle_time, 64, FTW_PHYS | FTW_DEPTH)) {
        err = image_error("cannot set times in %s: %s", dir, strerror(errno));
    }
    return err;
}

static int build_tar(const char *tar, const char *out,
                     struct image_trailer *trailer)
{
    const char *tmp = getenv("TMPDIR");
    char dir[PATH_MAX - 8], root[PATH_MAX];
    int err;

    snprintf(dir, sizeof(dir), "%s/enclos-XXXXXX", tmp ? tmp : "/var/tmp");
    if (!mkdtemp(dir)) {
        return image_error("cannot make %s: %s", dir, strerror(errno));
    }
    snprintf(root, sizeof(root), "%s/root", dir);
    err = unpack(tar, root);
    err = err ? err : build_dir(root, out, trailer);
    image_remove_tree(dir);
    return err;
}

int image_build(const char *source, const char *out,
                struct image_trailer *trailer)
{
    struct stat st;

    if (stat(source, &st)) {
        return image_error("cannot read %s: %s", source, strerror(errno));
    }
    if (S_ISDIR(st.st_mode)) {
        return build_dir(source, out, trailer);
    }
    if (S_ISREG(st.st_mode)) {
        return build_tar(source, out, trailer);
    }
    return image_error("%s is neither a directory nor a tar archive", source);
}

static bool trailer_good(const struct image_trailer *t, uint64_t size)
{
    uint8_t sum[IMAGE_HASH_SIZE];

    hash_of(t, offsetof(struct image_trailer, checksum), sum);
    return !memcmp(t->magic, IMAGE_MAGIC, sizeof(t->magic)) &&
           t->version == IMAGE_VERSION && t->image_size == size &&
           !memcmp(sum, t->checksum, sizeof(sum));
}

int image_open(const char *path, int *fd, uint64_t *size,
               struct image_trailer *t)
{
    struct stat st;
    int f = open(path, O_RDONLY | O_CLOEXEC);

    if (f < 0 || fstat(f, &st)) {
        return image_error("cannot open image %s: %s", path, strerror(errno));
    }
    *size = (uint64_t)st.st_size;
    if (!S_ISREG(st.st_mode) || *size < 3 * IMAGE_BLOCK ||
        pread(f, t, sizeof(*t), st.st_size - IMAGE_BLOCK) != sizeof(*t) ||
        !trailer_good(t, *size)) {
        close(f);
        return image_error("%s is not an image, or its trailer is damaged; "
                           "'enclos build DIR -o FILE' makes one",
                           path);
    }
    *fd = f;
    return 0;
}
