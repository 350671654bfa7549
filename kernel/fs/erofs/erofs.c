/* SPDX-License-Identifier: MIT
 *
 * The leaf for verified images: EROFS (erofs_core.h) over verity (verity.h)
 * over a host descriptor. Read-only.
 *
 * File content goes from verity straight into the file's page cache. Inodes,
 * directories and small tails are read through a page cache of their own, that
 * of an inode which stands for the whole image and belongs to a superblock
 * nobody mounts. So every byte is verified once while it stays cached.
 *
 * Inode numbers are EROFS's nids; an inode is made at its first lookup and
 * found again among the published ones.
 */
#include "kernel/fs/acl.h"
#include "kernel/fs/erofs/erofs_core.h"
#include "kernel/fs/erofs/verity.h"
#include "kernel/core/hostio_ahead.h"
#include "kernel/core/log.h"
#include "kernel/crypto/crypto.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/stock.h"
#include "lib/string.h"
#include "abi/linux/acl.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"
#include "abi/linux/statfs.h"

static_assert((int)PAGECACHE_BATCH <= (int)VERITY_BATCH, "one read, one batch");
static_assert(EROFS_BLOCK == PAGE_SIZE, "pages are blocks");

enum { SHORT_LINK = 60 };

struct erofs_image {
    struct superblock sb;
    struct superblock raw_sb; /* of raw alone */
    struct inode *raw;        /* the whole image as one file */
    struct erofs fs;
    struct verity *verity;
    struct host_ahead host; /* the file it lies in */
    /* Some file's last block is not zero behind its end: pages are not blocks
     * then. */
    bool odd_tails;
};

struct erofs_file {
    struct inode inode;
    struct erofs_inode disk;
};

static struct erofs_image *image_of(struct inode *inode)
{
    return container_of(inode->sb, struct erofs_image, sb);
}

static const struct erofs_inode *disk_of(struct inode *inode)
{
    return &container_of(inode, struct erofs_file, inode)->disk;
}

/* ---- the image as bytes ---- */

/* verity's source. */
static int read_host(void *ctx, uint64_t block, unsigned count,
                     void *const pages[])
{
    struct erofs_image *image = ctx;

    return ahead_read(&image->host, block, count, pages);
}

/* What does not match shall be asked for anew the next time. */
static int read_blocks(struct erofs_image *image, uint64_t block,
                       unsigned count, void *const pages[])
{
    int n = verity_read(image->verity, block, count, pages);

    if (n < (int)count) {
        ahead_forget(&image->host);
    }
    return n;
}

static int raw_read_pages(struct inode *inode, uint64_t index, unsigned count,
                          void *const pages[])
{
    struct erofs_image *image =
        container_of(inode->sb, struct erofs_image, raw_sb);

    return read_blocks(image, index, count, pages);
}

static uint64_t raw_blocks(struct inode *inode, uint64_t index, uint64_t *count)
{
    return index;
}

static void raw_free(struct inode *inode)
{
    inode_destroy(inode);
    kfree(inode);
}

static const struct inode_ops raw_ops = {
    .free = raw_free,
    .read_pages = raw_read_pages,
    .blocks = raw_blocks,
};

/* EROFS's source: verified bytes. */
static int read_raw(void *ctx, uint64_t off, void *dst, size_t len)
{
    struct inode *raw = ctx;
    struct iobuf io;

    iobuf_kernel(&io, dst, len);
    while (io.left) {
        long n =
            pagecache_read(&raw->pages, &io, off + (len - io.left), raw->size);

        if (n <= 0) {
            return n < 0 ? (int)n : -EUCLEAN;
        }
    }
    return 0;
}

/* ---- files ---- */

static int read_tail(struct erofs_image *image, const struct erofs_extent *x,
                     void *page)
{
    memset((char *)page + x->len, 0, EROFS_BLOCK - x->len);
    return erofs_bytes(&image->fs, x->where, page, x->len);
}

/* As many pages of the extent as are good; or -errno. */
static int read_extent(struct erofs_image *image, const struct erofs_extent *x,
                       void *const pages[])
{
    int err;

    switch (x->at) {
    case EROFS_AT_BLOCKS:
        return read_blocks(image, x->where, x->count, pages);
    case EROFS_AT_BYTES:
        err = read_tail(image, x, pages[0]);
        return err ? err : 1;
    default:
        for (unsigned i = 0; i < x->count; i++) {
            memset(pages[i], 0, EROFS_BLOCK);
        }
        return x->count;
    }
}

static bool is_zero(const char *p, size_t len)
{
    return !len || (!*p && !memcmp(p, p + 1, len - 1));
}

static int erofs_read_pages(struct inode *inode, uint64_t index, unsigned count,
                            void *const pages[])
{
    const struct erofs_inode *disk = disk_of(inode);
    struct erofs_image *image = image_of(inode);
    uint64_t last = disk->size / EROFS_BLOCK;
    unsigned done = 0, end = disk->size % EROFS_BLOCK;

    while (done < count) {
        struct erofs_extent x;
        int n = erofs_map(&image->fs, disk, index + done, count - done, &x);

        n = n ? n : read_extent(image, &x, pages + done);
        if (n < 0) {
            return done ? (int)done : n;
        }
        done += n;
        if ((unsigned)n < x.count) {
            break;
        }
    }
    if (last >= index && last - index < done) {
        char *tail = (char *)pages[last - index] + end;

        image->odd_tails |= !is_zero(tail, EROFS_BLOCK - end);
        memset(tail, 0, EROFS_BLOCK - end);
    }
    return done;
}

/* Reading ahead of metadata may have left the block behind a file's end as it
 * is in the image. */
static bool has_odd_tail(const struct erofs_inode *disk, uint64_t index,
                         const struct erofs_extent *x)
{
    uint64_t last = disk->size / EROFS_BLOCK, one = 1;
    unsigned end = disk->size % EROFS_BLOCK;
    const char *data = NULL;

    if (end && last >= index && last - index < x->count) {
        data = stock_blocks(x->where + (last - index), &one);
    }
    return data && !is_zero(data + end, EROFS_BLOCK - end);
}

/* Where chunks lie has to be read first. */
static uint64_t erofs_blocks(struct inode *inode, uint64_t index,
                             uint64_t *count)
{
    const struct erofs_inode *disk = disk_of(inode);
    struct erofs_image *image = image_of(inode);
    unsigned max = MIN(*count, (uint64_t)UINT32_MAX);
    struct erofs_extent x;

    if (disk->layout == EROFS_CHUNKS || image->odd_tails ||
        erofs_map(&image->fs, disk, index, max, &x)) {
        return STOCK_NONE;
    }
    *count = x.count;
    if (x.at != EROFS_AT_BLOCKS) {
        return STOCK_NONE;
    }
    image->odd_tails |= has_odd_tail(disk, index, &x);
    return image->odd_tails ? STOCK_NONE : x.where;
}

/* ---- names ---- */

static int get_inode(struct erofs_image *image, uint64_t nid,
                     struct inode **out);

static int erofs_dir_lookup(struct inode *dir, const char *name, size_t len,
                            struct inode **out)
{
    struct erofs_image *image = image_of(dir);
    uint8_t *scratch = kmalloc(EROFS_BLOCK);
    uint64_t nid;
    int err;

    if (!scratch) {
        return -ENOMEM;
    }
    err = erofs_lookup(&image->fs, disk_of(dir), name, len, scratch, &nid);
    kfree(scratch);
    return err ? err : get_inode(image, nid, out);
}

static bool emit(void *arg, const char *name, size_t len, uint64_t nid,
                 uint8_t type, uint64_t next)
{
    struct dir_sink *sink = arg;

    return sink->emit(sink, name, len, nid, type, next);
}

static int erofs_dir_read(struct inode *dir, struct dir_sink *sink)
{
    uint8_t *scratch = kmalloc(EROFS_BLOCK);
    int err;

    if (!scratch) {
        return -ENOMEM;
    }
    err = erofs_readdir(&image_of(dir)->fs, disk_of(dir), &sink->pos, scratch,
                        emit, sink);
    kfree(scratch);
    return err;
}

/* ---- the rest of an inode ---- */

static void erofs_getattr(struct inode *inode, struct inode_stat *st)
{
    /* As the disk file systems that images are packed from show them:
     * directories in whole blocks, short links in none. */
    if (S_ISDIR(inode->mode)) {
        st->size = ALIGN_UP(inode->size, EROFS_BLOCK);
    }
    st->blocks = S_ISLNK(inode->mode) && inode->size < SHORT_LINK
                     ? 0
                     : ALIGN_UP(inode->size, EROFS_BLOCK) / 512;
}

static long erofs_get_xattr(struct inode *inode, const char *name, void *buf,
                            size_t len)
{
    return erofs_getxattr(&image_of(inode)->fs, disk_of(inode), name, buf, len);
}

static long erofs_list_xattr(struct inode *inode, char *buf, size_t len)
{
    return erofs_listxattr(&image_of(inode)->fs, disk_of(inode), buf, len);
}

static void erofs_free_inode(struct inode *inode)
{
    struct erofs_file *file = container_of(inode, struct erofs_file, inode);

    inode_destroy(inode);
    kfree(file);
}

static const struct inode_ops erofs_inode_ops = {
    .free = erofs_free_inode,
    .lookup = erofs_dir_lookup,
    .readdir = erofs_dir_read,
    .read_pages = erofs_read_pages,
    .blocks = erofs_blocks,
    .getattr = erofs_getattr,
    .getxattr = erofs_get_xattr,
    .listxattr = erofs_list_xattr,
};

static int read_link(struct erofs_image *image, struct erofs_file *file)
{
    uint64_t len = file->disk.size;
    char *text;
    int err;

    if (len == 0 || len > EROFS_LINK_MAX) {
        return -EUCLEAN;
    }
    text = kmalloc(len + 1);
    if (!text) {
        return -ENOMEM;
    }
    err = erofs_read(&image->fs, &file->disk, 0, text, len);
    text[len] = '\0';
    if (err || strlen(text) != len) {
        kfree(text);
        return err ? err : -EUCLEAN;
    }
    file->inode.link = text;
    return 0;
}

static void fill_inode(struct inode *inode, const struct erofs_inode *disk)
{
    inode->uid = disk->uid;
    inode->gid = disk->gid;
    inode->nlink = disk->nlink;
    inode->rdev = disk->rdev;
    inode->size = disk->size;
    inode->atime = inode->mtime = disk->mtime;
    inode->ctime = inode->btime = disk->mtime;
}

/* A list that is none is no list: the image's maker says what is in it. */
static int take_list(const void *value, size_t len, struct acl **slot)
{
    int err = acl_from_xattr(value, len, slot);

    return err == -ENOMEM                        ? err
           : err || (*slot && !acl_valid(*slot)) ? -EUCLEAN
                                                 : 0;
}

static int read_list(struct inode *inode, const char *name, struct acl **slot)
{
    long n = erofs_get_xattr(inode, name, NULL, 0);
    void *value;

    if (n < 0) {
        return n == -ENODATA ? 0 : (int)n;
    }
    value = kmalloc(n + 1);
    if (!value) {
        return -ENOMEM;
    }
    n = erofs_get_xattr(inode, name, value, n + 1);
    n = n < 0 ? n : take_list(value, n, slot);
    kfree(value);
    return n;
}

static int read_lists(struct inode *inode)
{
    int err = read_list(inode, ACL_XATTR_ACCESS, &inode->acl);

    return err ? err : read_list(inode, ACL_XATTR_DEFAULT, &inode->default_acl);
}

static bool known_type(uint32_t mode)
{
    return S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode) || S_ISCHR(mode) ||
           S_ISBLK(mode) || S_ISFIFO(mode) || S_ISSOCK(mode);
}

/* The inode of that number: the published one, or a new one. */
static int get_inode(struct erofs_image *image, uint64_t nid,
                     struct inode **out)
{
    struct erofs_file *file;
    int err;

    *out = inode_find(&image->sb, nid);
    if (*out) {
        return 0;
    }
    file = kmalloc(sizeof(*file));
    if (!file) {
        return -ENOMEM;
    }
    err = erofs_inode(&image->fs, nid, &file->disk);
    if (err || !known_type(file->disk.mode)) {
        kfree(file);
        return err ? err : -EUCLEAN;
    }
    inode_init(&file->inode, &image->sb, &erofs_inode_ops, nid,
               file->disk.mode);
    fill_inode(&file->inode, &file->disk);
    file->inode.pages.texts.stock = nid;
    if (unlikely(file->disk.xattr_size) && !S_ISLNK(file->disk.mode)) {
        err = read_lists(&file->inode);
    }
    if (!err && S_ISLNK(file->disk.mode)) {
        err = read_link(image, file);
    }
    if (err) {
        inode_put(&file->inode);
        return err;
    }
    *out = inode_publish(&file->inode);
    return 0;
}

/* ---- the superblock ---- */

/* raw_sb is part of the image, which goes with sb. */
static void raw_free_sb(struct superblock *sb)
{
}

static const struct superblock_ops raw_sb_ops = {.free = raw_free_sb};

static void erofs_free_sb(struct superblock *sb)
{
    struct erofs_image *image = container_of(sb, struct erofs_image, sb);

    inode_put(image->raw);
    verity_close(image->verity);
    ahead_free(&image->host);
    kfree(image);
}

static int erofs_statfs(struct superblock *sb, struct fs_statfs *out)
{
    struct erofs_image *image = container_of(sb, struct erofs_image, sb);

    out->blocks = image->fs.blocks;
    out->files = image->fs.inode_count;
    return 0;
}

static const struct superblock_ops erofs_sb_ops = {
    .free = erofs_free_sb,
    .statfs = erofs_statfs,
};

static int make_raw(struct erofs_image *image)
{
    image->raw = kmalloc(sizeof(*image->raw));
    if (!image->raw) {
        return -ENOMEM;
    }
    sb_init(&image->raw_sb, &raw_sb_ops, "erofs", EROFS_MAGIC, SB_READ_ONLY);
    image->raw_sb.read_batch = sha256_lanes();
    inode_init(image->raw, &image->raw_sb, &raw_ops, 0, S_IFREG);
    image->raw->size = verity_blocks(image->verity) * EROFS_BLOCK;
    return 0;
}

static int open_fs(struct erofs_image *image)
{
    int err;

    image->fs.read = read_raw;
    image->fs.ctx = image->raw;
    err = erofs_open(&image->fs, image->raw->size);
    if (err == -EINVAL || err == -EUCLEAN) {
        log_error("image: holds no EROFS that is understood here");
    }
    if (err) {
        return err;
    }
    /* The trailer is not below the root hash, the superblock is. */
    if (image->fs.blocks != verity_blocks(image->verity)) {
        log_error("image: its trailer lies about its length");
        return -EIO;
    }
    return get_inode(image, image->fs.root_nid, &image->sb.root);
}

int erofs_mount_image(int host_fd, uint64_t at, uint64_t size,
                      const uint8_t root_hash[32], bool read_ahead,
                      struct superblock **out)
{
    struct erofs_image *image = kzalloc(sizeof(*image));
    const struct verity_source source = {read_host, image};
    int err;

    if (!image) {
        return -ENOMEM;
    }
    ahead_init(&image->host, host_fd, at, size / EROFS_BLOCK, read_ahead);
    err = verity_open(&source, size, root_hash, &image->verity);
    if (err) {
        ahead_free(&image->host);
        kfree(image);
        return err;
    }
    sb_init(&image->sb, &erofs_sb_ops, "erofs", EROFS_MAGIC,
            SB_READ_ONLY | SB_NO_ATIME | SB_ACLS);
    image->sb.read_batch = sha256_lanes();
    err = make_raw(image);
    err = err ? err : open_fs(image);
    if (!err && !S_ISDIR(image->sb.root->mode)) {
        err = -EUCLEAN;
    }
    if (err) {
        sb_put(&image->sb);
        return err;
    }
    *out = &image->sb;
    return 0;
}
