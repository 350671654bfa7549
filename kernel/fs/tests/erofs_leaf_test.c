/* SPDX-License-Identifier: MIT
 *
 * The EROFS leaf over target/fake: a real image behind a host descriptor,
 * mounted, walked by the leaf's operations and read through the page cache;
 * then with a host that reads short, fails or changes bytes on the way.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/core/hostio.h"
#include "kernel/core/log.h"
#include "kernel/crypto/crypto.h"
#include "kernel/fs/locks.h"
#include "kernel/fs/tests/image_file.h"
#include "kernel/fs/vfs.h"
#include "kernel/fs/event/watch.h"
#include "arch/x86_64/arch.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/mm.h"
#include "lib/tests/unit.h"
#include "target/fake/fake.h"

static struct image_file image;
static int fd;
static bool ahead; /* by windows */

static int mount_it(struct superblock **sb)
{
    return erofs_mount_image(fd, 0, image.size, image.root_hash, ahead, sb);
}

static struct inode *find(struct inode *dir, const char *name)
{
    struct inode *inode = NULL;
    int err = dir->ops->lookup(dir, name, strlen(name), &inode);

    if (err) {
        panic("%s: lookup says %d", name, err);
    }
    return inode;
}

/* Reads the whole file; its length, or the first error. */
static long read_whole(struct inode *inode, char *buf, size_t len)
{
    struct iobuf io;

    iobuf_kernel(&io, buf, len);
    while (io.left) {
        long n = pagecache_read(&inode->pages, &io, len - io.left, inode->size);

        if (n < 0) {
            return n;
        }
        if (n == 0) {
            break;
        }
    }
    return (long)(len - io.left);
}

/* The same on the host; the caller frees it. */
static char *host_file(const char *name, size_t *len)
{
    struct image_file f;
    char path[64];

    snprintf(path, sizeof(path), "tree/%s", name);
    EXPECT(image_file_load(&f, path));
    *len = f.size;
    return (char *)f.bytes;
}

static const char *const files[] = {
    "file-1",    "file-100",  "file-3900",  "file-4095",    "file-4096",
    "file-4097", "file-8193", "file-70000", "file-1000000", "sparse",
};

/* Every file, right or refused; how many were refused. */
static int read_files(struct superblock *sb)
{
    int refused = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(files); i++) {
        struct inode *inode = NULL;
        size_t len;
        char *want = host_file(files[i], &len), *got = malloc(len + 1);
        long n =
            sb->root->ops->lookup(sb->root, files[i], strlen(files[i]), &inode);

        n = n ? n : read_whole(inode, got, len + 1);
        if (n < 0) {
            EXPECT(n == -EIO || n == -ENOMEM);
            refused++;
        } else {
            EXPECT_EQ(n, len);
            EXPECT(!memcmp(got, want, len));
        }
        inode_put(inode);
        free(want);
        free(got);
    }
    return refused;
}

static void files_read_as_on_the_host(void)
{
    struct superblock *sb;

    EXPECT_EQ(mount_it(&sb), 0);
    EXPECT_EQ(read_files(sb), 0);
    EXPECT_EQ(read_files(sb), 0);
    sb_put(sb);
}

/* More files than windows, and then some of them again. */
static void files_read_ahead_are_the_same(void)
{
    struct hostio_stats start, plain, windows;

    hostio_get_stats(&start);
    files_read_as_on_the_host();
    hostio_get_stats(&plain);
    ahead = true;
    files_read_as_on_the_host();
    ahead = false;
    hostio_get_stats(&windows);
    EXPECT(windows.operations - plain.operations <
           plain.operations - start.operations);
}

static void links_and_attributes(void)
{
    struct superblock *sb;
    struct inode *a, *b, *dir;
    struct inode_stat st;
    struct fs_statfs fs = {0};
    char value[64];

    EXPECT_EQ(mount_it(&sb), 0);
    a = find(sb->root, "file-100");
    b = find(sb->root, "hard-1");
    EXPECT(a == b);
    EXPECT_EQ(a->nlink, 3);
    inode_put(b);
    inode_put(a);
    a = find(sb->root, "link");
    EXPECT(!strcmp(a->link, "file-1"));
    inode_put(a);
    a = find(sb->root, "file-8192");
    inode_stat(a, &st);
    EXPECT_EQ(st.size, 8192);
    EXPECT_EQ(st.blocks, 16);
    if (a->ops->listxattr(a, NULL, 0) > 0) {
        EXPECT_EQ(a->ops->getxattr(a, "user.n5", value, 64), 45);
        EXPECT_EQ(a->ops->getxattr(a, "user.n5", value, 44), -ERANGE);
    }
    EXPECT_EQ(a->ops->getxattr(a, "user.none", value, 64), -ENODATA);
    inode_put(a);
    dir = find(sb->root, "few");
    EXPECT((dir->mode & 0170000) == 0040000);
    EXPECT_EQ(dir->ops->lookup(dir, "zz", 2, &a), -ENOENT);
    inode_put(dir);
    EXPECT_EQ(sb->ops->statfs(sb, &fs), 0);
    EXPECT(fs.blocks > 100 && fs.files > 3000);
    sb_put(sb);
}

static unsigned entries;

static bool count_entry(struct dir_sink *sink, const char *name, size_t len,
                        uint64_t ino, uint8_t type, uint64_t next)
{
    if (entries % 100 == 99 && sink->pos == 0) {
        return false;
    }
    entries++;
    sink->pos = next;
    return true;
}

static void a_large_directory(void)
{
    struct dir_sink sink = {count_entry, 0};
    struct superblock *sb;
    struct inode *dir;

    EXPECT_EQ(mount_it(&sb), 0);
    dir = find(sb->root, "many");
    entries = 0;
    EXPECT_EQ(dir->ops->readdir(dir, &sink), 0);
    EXPECT_EQ(entries, 3000);
    inode_put(dir);
    sb_put(sb);
}

static void another_image_is_refused(void)
{
    struct superblock *sb;

    image.root_hash[7] ^= 4;
    EXPECT_EQ(mount_it(&sb), -EIO);
    image.root_hash[7] ^= 4;
    image.size -= 4096;
    EXPECT_EQ(mount_it(&sb), -EINVAL);
    image.size += 4096;
}

/* ---- a bad host ---- */

static void shorten(unsigned ring, const struct ring_sqe *sqe,
                    struct ring_cqe *cqe)
{
    if (sqe->opcode == RINGOP_READ && cqe->res > 8192) {
        cqe->res = 8192 + rand() % (cqe->res - 8192);
    }
}

static void short_reads_are_continued(void)
{
    struct superblock *sb;

    fake_on_complete(shorten);
    EXPECT_EQ(mount_it(&sb), 0);
    EXPECT_EQ(read_files(sb), 0);
    sb_put(sb);
    fake_on_complete(NULL);
}

static unsigned flip_in; /* reads until one has a bit flipped */

static void flip(unsigned ring, const struct ring_sqe *sqe,
                 struct ring_cqe *cqe)
{
    if (sqe->opcode == RINGOP_READ && cqe->res > 0 && --flip_in == 0) {
        ((uint8_t *)sqe->addr)[rand() % cqe->res] ^= 1u << rand() % 8;
    }
}

/* One bit of one read: an error, or nobody needed that bit. */
static void flipped_bits_are_errors(void)
{
    unsigned mounts_refused = 0, files_refused = 0;

    fake_on_complete(flip);
    for (unsigned n = 1; n < 90; n++) {
        struct superblock *sb;
        int err;

        ahead = n > 60;
        flip_in = ahead ? n - 60 : n;
        err = mount_it(&sb);
        EXPECT(err == 0 || err == -EIO || err == -EINVAL);
        mounts_refused += err != 0;
        if (!err) {
            files_refused += (unsigned)read_files(sb);
            flip_in = 0; /* from here on the host is honest */
            EXPECT_EQ(read_files(sb), 0);
            sb_put(sb);
        }
    }
    ahead = false;
    fake_on_complete(NULL);
    EXPECT(mounts_refused >= 3);
    EXPECT(files_refused >= 3);
}

static void failing_calls_and_allocations(void)
{
    for (unsigned n = 1; n < 180; n++) {
        struct superblock *sb;
        int err;

        ahead = n > 120;
        (n % 2 ? fake_fail_after((n % 120 + 1) / 2)
               : heap_fail_after(n % 120 / 2));
        err = mount_it(&sb);
        EXPECT(err == 0 || err == -EIO || err == -ENOMEM);
        if (!err) {
            read_files(sb);
            fake_fail_after(0);
            heap_fail_after(0);
            EXPECT_EQ(read_files(sb), 0);
            sb_put(sb);
        }
        fake_fail_after(0);
        heap_fail_after(0);
    }
    ahead = false;
}

int main(void)
{
    fake_init();
    log_set_level(LOG_ERROR);
    EXPECT_EQ(hostio_init(), 0);
    if (!test_shell("cd - >/dev/null; kernel/fs/tests/tree.sh "
                    "\"$OLDPWD/tree\"") ||
        !image_file_make(&image, "tree", "tree.img")) {
        printf("not ok making the image\n");
        return 1;
    }
    fd = test_open("tree.img");
    RUN(files_read_as_on_the_host);
    RUN(files_read_ahead_are_the_same);
    RUN(links_and_attributes);
    RUN(a_large_directory);
    RUN(another_image_is_refused);
    RUN(short_reads_are_continued);
    RUN(flipped_bits_are_errors);
    RUN(failing_calls_and_allocations);
    image_file_free(&image);
    return unit_result();
}
