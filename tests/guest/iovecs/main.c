/* SPDX-License-Identifier: MIT
 *
 * readv, writev, preadv, pwritev and their second versions: vectors with
 * empty and bad parts, the limit of parts, flags, the offset of -1.
 */
#include <limits.h>
#include <sys/uio.h>
#include "tests/guest/show.h"

static char a[10], b[10];

static void clear(void)
{
    memset(a, '.', sizeof(a));
    memset(b, '.', sizeof(b));
}

static void contents(void)
{
    printf("[%.10s][%.10s]\n", a, b);
    clear();
}

static void whole(int fd)
{
    struct iovec out[] = {{"abc", 3}, {NULL, 0}, {"defgh", 5}};
    struct iovec in[] = {{a, 2}, {b, 4}};

    title("whole");
    CALL(writev, fd, out, 3);
    CALL(lseek, fd, 0L, SEEK_SET);
    CALL(readv, fd, in, 2);
    contents();
    CALL(readv, fd, in, 2);
    contents();
    CALL(readv, fd, in, 2);
    CALL(pwritev, fd, out, 3, 4L, 0L);
    CALL(preadv, fd, in, 2, 5L, 0L);
    contents();
    CALL(lseek, fd, 0L, SEEK_CUR);
    cat("/tmp/f");
}

static void second(int fd)
{
    struct iovec out = {"XY", 2};
    struct iovec in[] = {{a, 2}, {b, 4}};

    title("second versions");
    CALL(lseek, fd, 1L, SEEK_SET);
    CALL(preadv2, fd, in, 2, -1L, -1L, 0);
    contents();
    CALL(lseek, fd, 0L, SEEK_CUR);
    CALL(preadv2, fd, in, 2, 0L, 0L, RWF_HIPRI);
    contents();
    CALL(pwritev2, fd, &out, 1, 2L, 0L, RWF_DSYNC);
    CALL(pwritev2, fd, &out, 1, 2L, 0L, RWF_SYNC);
    CALL(pwritev2, fd, &out, 1, 0L, 0L, RWF_APPEND);
    CALL(lseek, fd, 0L, SEEK_CUR);
    CALL(pwritev2, fd, &out, 1, -1L, -1L, RWF_APPEND);
    CALL(lseek, fd, 0L, SEEK_CUR);
    CALL(preadv2, fd, in, 2, 0L, 0L, 0x1000000);
    CALL(pwritev2, fd, in, 2, 0L, 0L, 0x1000000);
    CALL(preadv2, fd, in, 2, -2L, -1L, 0);
    cat("/tmp/f");
}

static void refusals(int fd)
{
    static struct iovec many[IOV_MAX + 1];
    struct iovec huge[] = {{a, SSIZE_MAX}, {b, 4}};
    struct iovec negative[] = {{a, 1}, {b, (size_t)-1}};
    struct iovec bad[] = {{a, 2}, {BAD, 2}, {b, 2}};
    struct iovec bad_first[] = {{BAD, 2}, {b, 2}};
    struct iovec fine[] = {{a, 1}};
    int rd = open("/tmp/f", O_RDONLY), p[2];

    title("refusals");
    pipe(p);
    for (int i = 0; i <= IOV_MAX; i++) {
        many[i] = (struct iovec){a, 1};
    }
    ftruncate(fd, 2000);
    lseek(fd, 0, SEEK_SET);
    CALL(readv, fd, many, IOV_MAX);
    CALL(readv, fd, many, IOV_MAX + 1);
    CALL(readv, fd, many, -1);
    CALL(readv, fd, many, 0);
    CALL(writev, fd, NULL, 0);
    CALL(writev, fd, NULL, 1);
    CALL(writev, fd, BAD, 1);
    CALL(readv, fd, negative, 2);
    CALL(writev, fd, negative, 2);
    lseek(fd, 0, SEEK_SET);
    CALL(readv, fd, bad_first, 2);
    CALL(writev, fd, bad_first, 2);
    CALL(lseek, fd, 0L, SEEK_CUR);
    CALL(pwrite64, fd, "123456", 6L, 0L);
    CALL(readv, fd, bad, 3);
    printf("[%.2s]\n", a);
    CALL(lseek, fd, 0L, SEEK_CUR);
    CALL(readv, 99, fine, 1);
    CALL(writev, rd, fine, 1);
    CALL(preadv, fd, fine, 1, -1L, -1L);
    CALL(pwritev, fd, fine, 1, -1L, -1L);
    CALL(preadv, p[0], fine, 1, 0L, 0L);
    CALL(writev, p[1], fine, 1);
    CALL(preadv2, p[0], fine, 1, -1L, -1L, 0);
    CALL(preadv2, p[0], fine, 1, -1L, -1L, RWF_NOWAIT);
    /* Clamped to what one call can move, like Linux. */
    huge[0].iov_len = 1500;
    CALL(pwritev, fd, fine, 1, 1999L, 0L);
    CALL(readv, rd, huge + 1, 1);
}

int main(void)
{
    show_start();
    int fd = open("/tmp/f", O_CREAT | O_RDWR, 0600);

    clear();
    whole(fd);
    second(fd);
    refusals(fd);
    return 0;
}
