/* SPDX-License-Identifier: MIT
 *
 * Many pages: a file larger than any buffer, written and read in odd
 * pieces, checked against the pattern; O_DIRECT; many files at once.
 */
#include "tests/guest/show.h"

static unsigned char buf[1 << 17];

static unsigned char pattern(size_t at)
{
    return (at * 2654435761u) >> 13;
}

static void pieces(void)
{
    static const size_t sizes[] = {1, 4095, 4096, 4097, 10000, 65537, 131072};
    size_t at = 0, wrong = 0;
    int fd = open("/tmp/f", O_CREAT | O_RDWR, 0600);
    long n;

    title("pieces");
    for (int i = 0; at < 16000000; i++) {
        size_t size = sizes[i % COUNT(sizes)];

        for (size_t k = 0; k < size; k++) {
            buf[k] = pattern(at + k);
        }
        at += write(fd, buf, size);
    }
    printf("written %zu\n", at);
    lseek(fd, 0, SEEK_SET);
    at = 0;
    for (int i = 3; (n = read(fd, buf, sizes[i % COUNT(sizes)])) > 0; i++) {
        for (long k = 0; k < n; k++) {
            wrong += buf[k] != pattern(at + k);
        }
        at += n;
    }
    printf("read %zu wrong %zu\n", at, wrong);
    for (size_t off = 12345; off < at - 70000; off += 1000003) {
        n = pread(fd, buf, 70000, off);
        for (long k = 0; k < n; k++) {
            wrong += buf[k] != pattern(off + k);
        }
    }
    printf("wrong %zu\n", wrong);
    close(fd);
}

static void direct(void)
{
    unsigned char *aligned = aligned_alloc(4096, 8192);

    title("O_DIRECT");
    int fd = CALL(open, "/data/random", O_RDONLY | O_DIRECT);
    CALL(read, fd, aligned, 8192L);
    int plain = open("/data/random", O_RDONLY);
    read(plain, buf, 8192);
    printf("same %d\n", memcmp(buf, aligned, 8192) == 0);
    close(fd);
    close(plain);
}

static void many(void)
{
    char path[40];
    int wrong = 0;

    title("many");
    for (int i = 0; i < 1000; i++) {
        sprintf(path, "/tmp/many%d", i);
        put(path, path);
    }
    for (int i = 999; i >= 0; i -= 3) {
        sprintf(path, "/tmp/many%d", i);
        unlink(path);
    }
    for (int i = 0; i < 1000; i++) {
        sprintf(path, "/tmp/many%d", i);
        int fd = open(path, O_RDONLY);

        memset(buf, 0, 40);
        if (fd >= 0) {
            read(fd, buf, 40);
            close(fd);
        }
        wrong += (i % 3 == 0) != (fd < 0);
        wrong += fd >= 0 && strcmp((char *)buf, path);
    }
    printf("wrong %d\n", wrong);
}

int main(void)
{
    show_start();
    pieces();
    direct();
    many();
    return 0;
}
