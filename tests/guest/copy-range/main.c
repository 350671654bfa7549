/* SPDX-License-Identifier: MIT
 *
 * copy_file_range: offsets of files and ours, overlap in one file, holes,
 * ends of files, refusals.
 */
#include <sys/sendfile.h>
#include "tests/guest/show.h"

static char buf[300000], same[300000];

int main(void)
{
    loff_t from = 2, to = 20, zero = 0, negative = -1;
    int p[2];

    show_start();
    put("/tmp/in", "0123456789");
    int in = open("/tmp/in", O_RDWR);
    int out = open("/tmp/out", O_CREAT | O_RDWR, 0600);
    pipe(p);
    CALL(copy_file_range, in, NULL, out, NULL, 4L, 0);
    CALL(lseek, in, 0L, SEEK_CUR);
    CALL(lseek, out, 0L, SEEK_CUR);
    CALL(copy_file_range, in, &from, out, &to, 5L, 0);
    printf("from %ld to %ld\n", (long)from, (long)to);
    CALL(lseek, in, 0L, SEEK_CUR);
    CALL(lseek, out, 0L, SEEK_CUR);
    show_stat("/tmp/out");
    CALL(pread64, out, buf, 100L, 0L);
    printf("[%.4s] %d [%.5s]\n", buf, buf[4] + buf[19], buf + 20);
    CALL(copy_file_range, in, NULL, out, NULL, 100L, 0);
    CALL(copy_file_range, in, NULL, out, NULL, 100L, 0);
    title("one file");
    from = 0;
    to = 10;
    CALL(copy_file_range, in, &from, in, &to, 10L, 0);
    from = 0;
    to = 5;
    CALL(copy_file_range, in, &from, in, &to, 10L, 0);
    from = 5;
    to = 0;
    CALL(copy_file_range, in, &from, in, &to, 6L, 0);
    cat("/tmp/in");
    title("refusals");
    int rd = open("/tmp/in", O_RDONLY), wr = open("/tmp/in", O_WRONLY);
    int ap = open("/tmp/in", O_RDWR | O_APPEND), dir = open("/tmp", O_RDONLY);
    CALL(copy_file_range, in, NULL, rd, NULL, 1L, 0);
    CALL(copy_file_range, wr, NULL, out, NULL, 1L, 0);
    CALL(copy_file_range, out, NULL, ap, NULL, 1L, 0);
    CALL(copy_file_range, in, NULL, dir, NULL, 1L, 0);
    CALL(copy_file_range, dir, NULL, out, NULL, 1L, 0);
    CALL(copy_file_range, p[0], NULL, out, NULL, 1L, 0);
    CALL(copy_file_range, in, NULL, p[1], NULL, 1L, 0);
    CALL(copy_file_range, in, NULL, out, NULL, 1L, 1);
    CALL(copy_file_range, 99, NULL, out, NULL, 1L, 0);
    CALL(copy_file_range, in, NULL, 99, NULL, 1L, 0);
    CALL(copy_file_range, in, &negative, out, NULL, 1L, 0);
    CALL(copy_file_range, in, BAD, out, NULL, 1L, 0);
    CALL(copy_file_range, in, NULL, out, NULL, 0L, 0);
    title("large");
    int big = open("/tmp/big", O_CREAT | O_RDWR, 0600);
    sendfile(big, open("/data/random", O_RDONLY), NULL, 300000);
    ftruncate(out, 0);
    lseek(out, 0, SEEK_SET);
    zero = 0;
    CALL(copy_file_range, big, &zero, out, NULL, 1000000L, 0);
    pread(out, buf, sizeof(buf), 0);
    pread(big, same, sizeof(same), 0);
    printf("same %d\n", memcmp(buf, same, sizeof(buf)) == 0);
    return 0;
}
