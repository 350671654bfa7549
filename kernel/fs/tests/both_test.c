/* SPDX-License-Identifier: MIT
 *
 * What two vCPUs may do at once without a lock: descriptors that come and go,
 * pages that are read while they are forgotten, mounts that are counted while
 * somebody asks how often. The sanitizer sees what is freed too early.
 */
#include "kernel/fs/tests/support.h"
#include "kernel/fs/current.h"
#include "kernel/fs/mount/mount_table.h"
#include "kernel/fs/pagecache/pagecache.h"
#include "kernel/core/sched.h"
#include "kernel/mm/heap.h"
#include "target/fake/fake.h"
#include <string.h>

enum { ROUNDS = 20000 };

/* ---- descriptors ---- */

enum { OWN = 5, NUMBERS = 256 };
static uint32_t owner[NUMBERS]; /* 0: nobody; atomic */

static void open_and_close(unsigned id)
{
    int fds[OWN];

    for (int i = 0; i < ROUNDS; i++) {
        for (int k = 0; k < OWN; k++) {
            /* Now and then beyond the table, which grows. */
            int min = i % 5000 == 77 ? 70 + (i / 5000) * 40 : 0;
            struct file *f = t_file(0);

            file_ref(f);
            if (k % 2) {
                fds[k] = fd_install(f, min, k == 1);
            } else {
                fds[k] = fd_reserve(k == 2);
                fd_fill(fds[k], f);
            }
            EXPECT(fds[k] > 0 && fds[k] < NUMBERS);
            EXPECT_EQ(atomic_xchg(&owner[fds[k]], id + 1), 0);
            EXPECT_EQ(fd_get_cloexec(fds[k]), k == 1 || k == 2);
        }
        if (i % 100 == 0) {
            EXPECT_EQ(fd_set_cloexec(fds[0], true), 0);
            EXPECT_EQ(fd_install_at(t_file(0), fds[1], false), 0);
        }
        for (int k = 0; k < OWN; k++) {
            EXPECT_EQ(atomic_xchg(&owner[fds[k]], 0), id + 1);
            EXPECT_EQ(fd_close(fds[k]), 0);
        }
    }
}

static void no_descriptor_has_two_owners(void)
{
    int fd = t_open("/d", O_CREAT | O_RDWR);

    EXPECT_EQ(fd, 0);
    fake_both(open_and_close);
    EXPECT_EQ(files_next(current_files(), 1), -1);
    EXPECT_EQ(t_file(0)->refs, 1);
    EXPECT_EQ(fd_reserve(false), 1); /* the lowest is found again */
    fd_fill(1, NULL);
    fd_close(fd);
    t_unlink("/d");
}

/* ---- pages ---- */

enum { PAGES = 70 };
static struct superblock sb;
static struct inode file;

static void nothing(struct inode *inode)
{
}

static void no_sb(struct superblock *s)
{
}

static int read_pages(struct inode *inode, uint64_t index, unsigned count,
                      void *const pages[])
{
    for (unsigned i = 0; i < count; i++) {
        memset(pages[i], (int)(index + i), PAGE_SIZE);
    }
    return (int)count;
}

static const struct superblock_ops sb_ops = {.free = no_sb};
static const struct inode_ops ops = {.free = nothing, .read_pages = read_pages};

static void read_or_forget(unsigned id)
{
    char buf[PAGE_SIZE];
    struct iobuf io;

    for (int i = 0; i < ROUNDS; i++) {
        uint64_t index = (uint64_t)(i * 7) % PAGES;

        if (id == 0) {
            iobuf_kernel(&io, buf, sizeof(buf));
            EXPECT_EQ(
                pagecache_read(&file.pages, &io, index * PAGE_SIZE, file.size),
                PAGE_SIZE);
            EXPECT_EQ((uint8_t)buf[1], (uint8_t)index);
            EXPECT_EQ((uint8_t)buf[PAGE_SIZE - 1], (uint8_t)index);
        } else {
            pagecache_drop(&file.pages, i % 10 ? index : 0, i % 10 ? 1 : PAGES);
        }
    }
}

static void who_reads_a_page_keeps_it(void)
{
    inode_init(&file, &sb, &ops, 1, S_IFREG);
    file.size = PAGES * PAGE_SIZE;
    fake_both(read_or_forget);
    pagecache_drop(&file.pages, 0, PAGES);
    EXPECT_EQ(file.pages.page_count, 0);
    inode_destroy(&file);
}

/* ---- mounts ---- */

static struct mount counted;

static void count_or_ask(unsigned id)
{
    mount_get(&counted);
    for (int i = 0; i < ROUNDS; i++) {
        if (id == 0) {
            mount_get(&counted);
            mount_put(&counted);
        } else if (i % 16 == 0) {
            mount_settle(&counted);
            EXPECT(counted.refs >= 2 && counted.refs <= 4);
            mount_spread(&counted);
        }
        task_yield();
    }
    mount_put(&counted);
}

static void a_settled_mount_has_an_exact_count(void)
{
    EXPECT_EQ(mount_count_init(&counted), 0);
    mount_spread(&counted);
    fake_both(count_or_ask);
    mount_settle(&counted);
    EXPECT_EQ(counted.refs, 1);
    EXPECT(mount_uncount(&counted));
    kfree(counted.counts);
}

int main(void)
{
    world_start();
    sb_init(&sb, &sb_ops, "test", 0, 0);
    RUN(no_descriptor_has_two_owners);
    RUN(who_reads_a_page_keeps_it);
    RUN(a_settled_mount_has_an_exact_count);
    return unit_result();
}
