/* SPDX-License-Identifier: MIT
 *
 * SEEK_DATA and SEEK_HOLE on sparse files, files without holes, at and
 * behind the end, and offsets of more than 4 GB.
 */
#include "tests/guest/show.h"

static char buf[100];

static void walk(int fd)
{
    off_t at = 0, end = lseek(fd, 0, SEEK_END);

    printf("end %ld:", (long)end);
    while (at < end) {
        off_t data = lseek(fd, at, SEEK_DATA);

        if (data < 0) {
            printf(" %s", strerrorname_np(errno));
            break;
        }
        off_t hole = lseek(fd, data, SEEK_HOLE);
        printf(" %ld-%ld", (long)data, (long)hole);
        at = hole;
    }
    printf("\n");
}

int main(void)
{
    show_start();
    int fd = open("/tmp/f", O_CREAT | O_RDWR, 0600);

    CALL(lseek, fd, 0L, SEEK_DATA);
    CALL(lseek, fd, 0L, SEEK_HOLE);
    ftruncate(fd, 100000);
    walk(fd);
    CALL(lseek, fd, 0L, SEEK_HOLE);
    pwrite(fd, "x", 1, 8192);
    pwrite(fd, "x", 1, 50000);
    walk(fd);
    CALL(lseek, fd, 8200L, SEEK_DATA);
    CALL(lseek, fd, 0L, SEEK_CUR);
    CALL(lseek, fd, 8200L, SEEK_HOLE);
    CALL(lseek, fd, 99999L, SEEK_HOLE);
    CALL(lseek, fd, 99999L, SEEK_DATA);
    CALL(lseek, fd, 100000L, SEEK_HOLE);
    CALL(lseek, fd, 100000L, SEEK_DATA);
    CALL(lseek, fd, -1L, SEEK_DATA);
    CALL(lseek, fd, -1L, SEEK_HOLE);
    pwrite(fd, "end", 3, 99997);
    walk(fd);
    fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 49152, 4096);
    walk(fd);
    title("more than 4 GB");
    CALL(pwrite64, fd, "far", 3L, 5L << 30);
    show_stat("/tmp/f");
    CALL(pread64, fd, buf, 10L, 5L << 30);
    printf("[%.3s]\n", buf);
    CALL(pread64, fd, buf, 3L, 1L << 30);
    printf("%d\n", buf[0] | buf[1] | buf[2]);
    CALL(lseek, fd, 100000L, SEEK_DATA);
    CALL(pwrite64, fd, "wrap", 4L, (1L << 32) - 2);
    CALL(pread64, fd, buf, 4L, (1L << 32) - 2);
    printf("[%.4s]\n", buf);
    title("an image's file");
    walk(open("/data/random", O_RDONLY));
    return 0;
}
