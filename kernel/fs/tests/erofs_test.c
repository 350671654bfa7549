/* SPDX-License-Identifier: MIT
 *
 * The EROFS reader against mkfs.erofs: a tree of every kind of file is made
 * into images of several layouts, and each file's name, attributes and content
 * as the reader sees them are compared with what the host says.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "kernel/fs/erofs/erofs_core.h"
#include "kernel/fs/tests/image_file.h"
#include "lib/tests/unit.h"

static struct image_file image;
static uint8_t scratch[EROFS_BLOCK];
static bool mtimes_kept;

static int read_image(void *ctx, uint64_t off, void *dst, size_t len)
{
    EXPECT(off <= image.size && len <= image.size - off);
    memcpy(dst, image.bytes + off, len);
    return 0;
}

/* ---- one file ---- */

static void same_attributes(const struct erofs *fs,
                            const struct erofs_inode *inode,
                            const struct stat *st)
{
    EXPECT_EQ(inode->mode, st->st_mode);
    EXPECT_EQ(inode->uid, st->st_uid);
    EXPECT_EQ(inode->gid, st->st_gid);
    EXPECT_EQ(inode->nlink, st->st_nlink);
    EXPECT_EQ(inode->mtime, mtimes_kept ? st->st_mtim.tv_sec * 1000000000ll +
                                              st->st_mtim.tv_nsec
                                        : fs->build_time);
    if (S_ISREG(st->st_mode) || S_ISLNK(st->st_mode)) {
        EXPECT_EQ(inode->size, st->st_size);
    }
    if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)) {
        EXPECT_EQ(inode->rdev, st->st_rdev);
    }
}

static void same_content(const struct erofs *fs,
                         const struct erofs_inode *inode, const char *path)
{
    char *want = malloc(inode->size + 1), *got = malloc(inode->size + 1);
    int fd = open(path, O_RDONLY);

    EXPECT_EQ(read(fd, want, inode->size + 1), inode->size);
    close(fd);
    EXPECT_EQ(erofs_read(fs, inode, 0, got, inode->size), 0);
    EXPECT(!memcmp(want, got, inode->size));
    for (uint64_t off = 1; off < inode->size; off = off * 3 + 1) {
        size_t len = MIN(inode->size - off, (uint64_t)5000);

        EXPECT_EQ(erofs_read(fs, inode, off, got, len), 0);
        EXPECT(!memcmp(want + off, got, len));
    }
    EXPECT_EQ(erofs_read(fs, inode, inode->size, got, 1), -EINVAL);
    free(want);
    free(got);
}

static void same_link(const struct erofs *fs, const struct erofs_inode *inode,
                      const char *path)
{
    char want[EROFS_LINK_MAX + 1], got[EROFS_LINK_MAX + 1];

    EXPECT_EQ(readlink(path, want, sizeof(want)), inode->size);
    EXPECT_EQ(erofs_read(fs, inode, 0, got, inode->size), 0);
    EXPECT(!memcmp(want, got, inode->size));
}

static void same_xattrs(const struct erofs *fs, const struct erofs_inode *inode,
                        const char *path)
{
    char names[8192], host_names[8192], value[8192], host_value[8192];
    long len = erofs_listxattr(fs, inode, names, sizeof(names));

    EXPECT_EQ(erofs_listxattr(fs, inode, NULL, 0), len);
    EXPECT_EQ(llistxattr(path, host_names, sizeof(host_names)), len);
    for (long i = 0; i < len; i += (long)strlen(names + i) + 1) {
        const char *name = names + i;
        long n = erofs_getxattr(fs, inode, name, value, sizeof(value));

        EXPECT_EQ(erofs_getxattr(fs, inode, name, NULL, 0), n);
        EXPECT_EQ(lgetxattr(path, name, host_value, sizeof(host_value)), n);
        EXPECT(n >= 0 && !memcmp(value, host_value, n));
        if (n > 1) {
            EXPECT_EQ(erofs_getxattr(fs, inode, name, value, n - 1), -ERANGE);
        }
    }
    if (len > 1) {
        EXPECT_EQ(erofs_listxattr(fs, inode, names, len - 1), -ERANGE);
    }
    EXPECT_EQ(erofs_getxattr(fs, inode, "user.absent", NULL, 0), -ENODATA);
}

/* ---- directories ---- */

struct listing {
    unsigned count, stop_after;
    char *names[4000];
    uint64_t nids[4000];
    uint8_t types[4000];
    bool full;
};

static bool take(void *arg, const char *name, size_t len, uint64_t nid,
                 uint8_t type, uint64_t next)
{
    struct listing *l = arg;

    l->full = l->count == l->stop_after;
    if (l->full) {
        return false;
    }
    l->names[l->count] = strndup(name, len);
    l->nids[l->count] = nid;
    l->types[l->count++] = type;
    return true;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int not_dots(const struct dirent *e)
{
    return strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
}

/* In pieces of 7 entries, so that cookies are used. */
static void list(const struct erofs *fs, const struct erofs_inode *dir,
                 struct listing *l)
{
    uint64_t pos = 0;

    do {
        l->full = false;
        l->stop_after = l->count + 7;
        EXPECT_EQ(erofs_readdir(fs, dir, &pos, scratch, take, l), 0);
    } while (l->full);
}

static void same_tree(const struct erofs *fs, uint64_t nid, const char *path);

static void same_names(const struct erofs *fs, const struct erofs_inode *dir,
                       const char *path)
{
    struct listing *l = calloc(1, sizeof(*l));
    struct dirent **want;
    int n = scandir(path, &want, not_dots, by_bytes);
    uint64_t nid;

    list(fs, dir, l);
    EXPECT_EQ(l->count, n);
    for (int i = 0; i < n && i < (int)l->count; i++) {
        const char *name = want[i]->d_name;
        char child[4096];

        EXPECT(!strcmp(l->names[i], name));
        EXPECT_EQ(l->types[i], want[i]->d_type);
        EXPECT_EQ(erofs_lookup(fs, dir, name, strlen(name), scratch, &nid), 0);
        EXPECT_EQ(nid, l->nids[i]);
        snprintf(child, sizeof(child), "%s/%s", path, name);
        same_tree(fs, nid, child);
        child[0] = '\0';
        snprintf(child, sizeof(child), "%s~", name);
        if (strlen(child) <= EROFS_NAME_MAX) {
            EXPECT_EQ(
                erofs_lookup(fs, dir, child, strlen(child), scratch, &nid),
                -ENOENT);
        }
        free(want[i]);
        free(l->names[i]);
    }
    EXPECT_EQ(erofs_lookup(fs, dir, "!", 1, scratch, &nid), -ENOENT);
    EXPECT_EQ(erofs_lookup(fs, dir, "~~~", 3, scratch, &nid), -ENOENT);
    free(want);
    free(l);
}

static void same_tree(const struct erofs *fs, uint64_t nid, const char *path)
{
    struct erofs_inode inode;
    struct stat st;
    int bad = unit_bad;

    EXPECT_EQ(lstat(path, &st), 0);
    EXPECT_EQ(erofs_inode(fs, nid, &inode), 0);
    same_attributes(fs, &inode, &st);
    same_xattrs(fs, &inode, path);
    if (S_ISDIR(st.st_mode)) {
        same_names(fs, &inode, path);
    } else if (S_ISREG(st.st_mode)) {
        same_content(fs, &inode, path);
    } else if (S_ISLNK(st.st_mode)) {
        same_link(fs, &inode, path);
    }
    if (unit_bad != bad) {
        printf("... at %s\n", path);
    }
}

/* ---- images ---- */

static void compare(uint64_t size)
{
    struct erofs fs = {.read = read_image};
    char path[512];

    snprintf(path, sizeof(path), "%s/tree", test_dir());
    EXPECT_EQ(erofs_open(&fs, size), 0);
    same_tree(&fs, fs.root_nid, path);
}

static void images_of_ours(void)
{
    mtimes_kept = true;
    EXPECT(image_file_make(&image, "tree", "tree.img"));
    compare(image.size);
    image_file_free(&image);
}

static void by_mkfs(const char *options, bool mtimes)
{
    char command[512];

    mtimes_kept = mtimes;
    snprintf(command, sizeof(command),
             "rm -f other.img; mkfs.erofs --quiet %s other.img tree", options);
    EXPECT(test_shell(command));
    EXPECT(image_file_load(&image, "other.img"));
    compare(image.size);
    image_file_free(&image);
}

static void extended_inodes_and_shared_attributes(void)
{
    by_mkfs("-Eforce-inode-extended -x1", true);
}

static void compact_inodes(void)
{
    /* Owners of more than 16 bits need extended ones all the same. */
    by_mkfs("-T1600000000", false);
}

static void no_inline_data(void)
{
    by_mkfs("-Eforce-inode-extended,noinline_data", true);
}

static void chunks_as_block_map(void)
{
    by_mkfs("--chunksize=4096 "
            "-Eforce-inode-extended,force-inode-blockmap",
            true);
    by_mkfs("--chunksize=65536 "
            "-Eforce-inode-extended,force-inode-blockmap",
            true);
}

static void chunks_as_indexes(void)
{
    by_mkfs("--chunksize=4096 "
            "-Eforce-inode-extended,force-chunk-indexes",
            true);
}

static void compressed_images_are_refused(void)
{
    struct erofs fs = {.read = read_image};
    struct erofs_inode inode;
    uint64_t nid = 0;

    EXPECT(test_shell("rm -f other.img; mkdir zip; seq 100000 > zip/f;"
                      "mkfs.erofs --quiet -zlz4hc other.img zip"));
    EXPECT(image_file_load(&image, "other.img"));
    if (erofs_open(&fs, image.size) == 0) {
        EXPECT_EQ(erofs_inode(&fs, fs.root_nid, &inode), 0);
        EXPECT_EQ(erofs_lookup(&fs, &inode, "f", 1, scratch, &nid), 0);
        EXPECT_EQ(erofs_inode(&fs, nid, &inode), -EUCLEAN);
    }
    image_file_free(&image);
}

int main(void)
{
    char command[512];

    snprintf(command, sizeof(command),
             "cd - >/dev/null; kernel/fs/tests/tree.sh '%s/tree'", test_dir());
    if (!test_shell(command)) {
        printf("not ok making the tree\n");
        return 1;
    }
    RUN(images_of_ours);
    RUN(extended_inodes_and_shared_attributes);
    RUN(compact_inodes);
    RUN(no_inline_data);
    RUN(chunks_as_block_map);
    RUN(chunks_as_indexes);
    RUN(compressed_images_are_refused);
    return unit_result();
}
