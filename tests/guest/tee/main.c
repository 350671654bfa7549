/* SPDX-License-Identifier: MIT
 *
 * tee: a copy that leaves the source as it was, a full or empty pipe, the
 * refusals.
 */
#include "tests/guest/show.h"

static char buf[100000];

int main(void)
{
    int a[2], b[2];

    show_start();
    pipe2(a, O_NONBLOCK);
    pipe2(b, O_NONBLOCK);
    CALL(tee, a[0], b[1], 10L, 0);
    CALL(write, a[1], "abcdefgh", 8L);
    CALL(tee, a[0], b[1], 5L, 0);
    CALL(tee, a[0], b[1], 100L, 0);
    CALL(read, b[0], buf, 100L);
    printf("[%.13s]\n", buf);
    CALL(read, a[0], buf, 3L);
    CALL(tee, a[0], b[1], 100L, 0);
    CALL(read, a[0], buf, 100L);
    CALL(read, b[0], buf, 100L);
    printf("[%.5s]\n", buf);
    title("full");
    CALL(write, b[1], buf, 65536L);
    CALL(write, a[1], "x", 1L);
    CALL(tee, a[0], b[1], 1L, 0);
    CALL(read, b[0], buf, 65536L);
    CALL(tee, a[0], b[1], 1L, SPLICE_F_NONBLOCK);
    title("refusals");
    CALL(tee, a[0], a[1], 1L, 0);
    CALL(tee, a[1], b[1], 1L, 0);
    CALL(tee, a[0], b[0], 1L, 0);
    CALL(tee, 0, b[1], 1L, 0);
    CALL(tee, a[0], 0, 1L, 0);
    CALL(tee, 99, b[1], 1L, 0);
    CALL(tee, a[0], 99, 1L, 0);
    CALL(tee, a[0], b[1], 1L, 0x100);
    CALL(tee, a[0], b[1], 0L, 0);
    read(a[0], buf, 10);
    close(a[1]);
    CALL(tee, a[0], b[1], 1L, 0);
    return 0;
}
