/* SPDX-License-Identifier: MIT
 *
 * fallocate: allocating, keeping the size, punching holes that mappings see,
 * refusals; and posix_fallocate on top of it.
 */
#include <sys/mman.h>
#include "tests/guest/show.h"

#define KEEP  FALLOC_FL_KEEP_SIZE
#define PUNCH FALLOC_FL_PUNCH_HOLE

static char buf[20000];

static void size(int fd)
{
    struct stat st;

    fstat(fd, &st);
    printf("size %ld blocks %ld\n", (long)st.st_size, (long)st.st_blocks);
}

int main(void)
{
    int p[2];

    show_start();
    int fd = open("/tmp/f", O_CREAT | O_RDWR, 0600);
    CALL(fallocate, fd, 0, 0L, 10000L);
    size(fd);
    CALL(read, fd, buf, 20000L);
    CALL(fallocate, fd, 0, 5000L, 100L);
    size(fd);
    CALL(fallocate, fd, KEEP, 0L, 20000L);
    size(fd);
    CALL(ftruncate, fd, 12288L);
    size(fd);
    memset(buf, 'x', sizeof(buf));
    CALL(pwrite64, fd, buf, 12288L, 0L);
    char *map = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *own = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    own[4096] = 'o';
    printf("%c%c%c\n", map[0], map[4096], own[4097]);
    title("punch");
    CALL(fallocate, fd, PUNCH | KEEP, 4000L, 5000L);
    printf("%d %d %d %d, own %d\n", map[3999], map[4000], map[8999], map[9000],
           own[4096]);
    CALL(pread64, fd, buf, 1L, 5000L);
    printf("%d\n", buf[0]);
    map[5000] = 'm';
    CALL(fallocate, fd, PUNCH | KEEP, 0L, 1000000L);
    size(fd);
    title("refusals");
    CALL(fallocate, fd, PUNCH, 0L, 100L);
    CALL(fallocate, fd, 0x80, 0L, 100L);
    CALL(fallocate, fd, FALLOC_FL_COLLAPSE_RANGE, 0L, 4096L);
    CALL(fallocate, fd, FALLOC_FL_INSERT_RANGE, 0L, 4096L);
    CALL(fallocate, fd, FALLOC_FL_ZERO_RANGE, 0L, 4096L);
    CALL(fallocate, fd, FALLOC_FL_COLLAPSE_RANGE | KEEP, 0L, 4096L);
    CALL(fallocate, fd, 0, -1L, 100L);
    CALL(fallocate, fd, 0, 0L, 0L);
    CALL(fallocate, fd, 0, 0L, -1L);
    CALL(fallocate, fd, 0, INT64_MAX - 10, 100L);
    CALL(fallocate, 99, 0, 0L, 100L);
    CALL(fallocate, open("/tmp/f", O_RDONLY), 0, 0L, 100L);
    CALL(fallocate, open("/tmp/f", O_PATH), 0, 0L, 100L);
    CALL(fallocate, open("/tmp", O_RDONLY), 0, 0L, 100L);
    CALL(fallocate, open("/dev/null", O_RDWR), 0, 0L, 100L);
    pipe(p);
    CALL(fallocate, p[1], 0, 0L, 100L);
    size(fd);
    title("library");
    SHOW(posix_fallocate(fd, 0, 30000));
    size(fd);
    return 0;
}
