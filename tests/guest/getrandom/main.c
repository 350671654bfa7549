/* SPDX-License-Identifier: MIT
 *
 * getrandom and /dev/urandom: lengths, flags, that bytes differ, large
 * requests.
 */
#include <sys/random.h>
#include "tests/guest/show.h"

static unsigned char a[1 << 20], b[1 << 20];

static int spread(const unsigned char *p, size_t len)
{
    int seen[256] = {0}, kinds = 0;

    for (size_t i = 0; i < len; i++) {
        kinds += !seen[p[i]]++;
    }
    return kinds;
}

int main(void)
{
    show_start();
    CALL(getrandom, a, 32L, 0);
    CALL(getrandom, b, 32L, 0);
    printf("differ %d\n", memcmp(a, b, 32) != 0);
    CALL(getrandom, a, 0L, 0);
    CALL(getrandom, a, 256L, GRND_NONBLOCK);
    CALL(getrandom, a, 16L, GRND_RANDOM);
    CALL(getrandom, a, 16L, 4);
    CALL(getrandom, a, 16L, 4 | GRND_RANDOM);
    CALL(getrandom, a, 16L, 8);
    CALL(getrandom, BAD, 16L, 0);
    CALL(getrandom, NULL, 0L, 0);
    CALL(getrandom, a, sizeof(a), 0);
    printf("every byte %d\n", spread(a, sizeof(a)));
    int fd = open("/dev/urandom", O_RDONLY);
    CALL(read, fd, b, sizeof(b));
    printf("every byte %d, differ %d\n", spread(b, sizeof(b)),
           memcmp(a, b, sizeof(a)) != 0);
    return 0;
}
