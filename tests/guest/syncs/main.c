/* SPDX-License-Identifier: MIT
 *
 * fsync, fdatasync, sync, syncfs, sync_file_range, fadvise64, readahead:
 * nothing to see but what they refuse, and on what.
 */
#include <fcntl.h>
#include "tests/guest/show.h"

static void on(const char *what, int fd)
{
    title(what);
    CALL(fsync, fd);
    CALL(fdatasync, fd);
    CALL(syncfs, fd);
    CALL(sync_file_range, fd, 0L, 0L, SYNC_FILE_RANGE_WRITE);
    CALL(fadvise64, fd, 0L, 0L, POSIX_FADV_SEQUENTIAL);
    CALL(readahead, fd, 0L, 4096L);
}

int main(void)
{
    int p[2];

    show_start();
    put("/tmp/f", "text");
    int fd = open("/tmp/f", O_RDWR);
    on("file", fd);
    on("file to read", open("/tmp/f", O_RDONLY));
    on("file to write", open("/tmp/f", O_WRONLY));
    on("directory", open("/tmp", O_RDONLY));
    pipe(p);
    on("pipe", p[0]);
    on("not open", 99);
    title("refusals");
    CALL(sync_file_range, fd, 0L, 0L, 8);
    CALL(sync_file_range, fd, -1L, 10L, 0);
    CALL(sync_file_range, fd, 0L, -1L, 0);
    CALL(sync_file_range, fd, 10L, INT64_MAX, 0);
    CALL(sync_file_range, fd, 0L, 100L, 7);
    for (int advice = 0; advice < 8; advice++) {
        CALL(fadvise64, fd, 0L, 4096L, advice);
    }
    CALL(fadvise64, fd, -1L, 4096L, 0);
    CALL(fadvise64, fd, 0L, -1L, 0);
    CALL(fadvise64, fd, 0L, 4096L, -1);
    CALL(fadvise64, p[0], 0L, 4096L, 99);
    CALL(readahead, fd, -1L, 4096L);
    CALL(sync);
    cat("/tmp/f");
    return 0;
}
