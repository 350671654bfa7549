/* SPDX-License-Identifier: MIT
 *
 * statx: the mask that comes back, every field against stat(2), birth times,
 * flags and refusals.
 */
#include "tests/guest/show.h"

static struct statx sx;
static struct stat st;

static void agree(const char *path, int flags)
{
    memset(&sx, 0xee, sizeof(sx));
    if (show_failed(path, RAW(statx, AT_FDCWD, path, flags, STATX_ALL, &sx))) {
        return;
    }
    fstatat(AT_FDCWD, path, &st, flags & AT_SYMLINK_NOFOLLOW);
    printf("%s: basic %d agree %d%d%d%d%d%d%d%d%d%d\n", path,
           (sx.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS,
           sx.stx_mode == st.st_mode, sx.stx_nlink == st.st_nlink,
           sx.stx_uid == st.st_uid, sx.stx_gid == st.st_gid,
           sx.stx_ino == st.st_ino, sx.stx_size == (uint64_t)st.st_size,
           sx.stx_blocks == (uint64_t)st.st_blocks,
           sx.stx_blksize == (uint32_t)st.st_blksize,
           sx.stx_mtime.tv_sec == st.st_mtim.tv_sec &&
               sx.stx_mtime.tv_nsec == st.st_mtim.tv_nsec,
           sx.stx_ctime.tv_sec == st.st_ctim.tv_sec &&
               sx.stx_atime.tv_nsec == st.st_atim.tv_nsec);
}

static void fields(void)
{
    title("fields");
    put("/tmp/f", "hello");
    mkdir("/tmp/d", 0755);
    symlink("f", "/tmp/link");
    agree("/tmp/f", 0);
    agree("/tmp/d", 0);
    agree("/tmp/link", 0);
    agree("/tmp/link", AT_SYMLINK_NOFOLLOW);
    agree("/dev/null", 0);
    agree("/data/text", 0);
    agree("/proc/self/status", 0);
    agree("/tmp/none", 0);
    agree("/", 0);
}

static void births(void)
{
    struct statx first;

    title("birth");
    RAW(statx, AT_FDCWD, "/tmp/f", 0, STATX_BTIME, &first);
    usleep(20000);
    put("/tmp/f", "more");
    chmod("/tmp/f", 0600);
    RAW(statx, AT_FDCWD, "/tmp/f", 0, STATX_BTIME, &sx);
    printf("has %d, stays %d, before mtime %d\n", !!(sx.stx_mask & STATX_BTIME),
           memcmp(&first.stx_btime, &sx.stx_btime, sizeof(sx.stx_btime)) == 0,
           sx.stx_btime.tv_sec < sx.stx_mtime.tv_sec ||
               sx.stx_btime.tv_nsec < sx.stx_mtime.tv_nsec);
}

static void refusals(void)
{
    int fd = open("/tmp/f", O_RDONLY), dir = open("/tmp", O_PATH);

    title("refusals");
    CALL(statx, dir, "f", 0, 0, &sx);
    printf("type and size in spite of a mask of 0: %d\n",
           (sx.stx_mask & (STATX_TYPE | STATX_SIZE)) ==
               (STATX_TYPE | STATX_SIZE));
    CALL(statx, fd, "", AT_EMPTY_PATH, STATX_ALL, &sx);
    printf("size %llu\n", (unsigned long long)sx.stx_size);
    CALL(statx, fd, "", 0, STATX_ALL, &sx);
    CALL(statx, 99, "", AT_EMPTY_PATH, STATX_ALL, &sx);
    CALL(statx, 99, "f", 0, STATX_ALL, &sx);
    CALL(statx, fd, "f", 0, STATX_ALL, &sx);
    CALL(statx, dir, "f", 0x4000000, STATX_ALL, &sx);
    CALL(statx, dir, "f", 0, 0x80000000, &sx);
    CALL(statx, dir, "f", AT_STATX_FORCE_SYNC, STATX_ALL, &sx);
    CALL(statx, dir, "f", AT_STATX_DONT_SYNC, STATX_ALL, &sx);
    CALL(statx, dir, "f", AT_STATX_SYNC_TYPE, STATX_ALL, &sx);
    CALL(statx, dir, "f", AT_NO_AUTOMOUNT, STATX_ALL, &sx);
    CALL(statx, dir, "f", AT_SYMLINK_FOLLOW, STATX_ALL, &sx);
    CALL(statx, dir, "f", 0, STATX_ALL, BAD);
    CALL(statx, dir, BAD, 0, STATX_ALL, &sx);
    CALL(statx, dir, "none", 0, STATX_ALL, BAD);
    close(fd);
    close(dir);
}

int main(void)
{
    show_start();
    fields();
    births();
    refusals();
    return 0;
}
