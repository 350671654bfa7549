/* SPDX-License-Identifier: MIT */
/*
 * Whether a mapped file's last page is zero behind its end. tail FILE
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { PAGE = 4096 };

int main(int argc, char **argv)
{
    static const char zero[PAGE];
    int fd = open(argv[argc - 1], O_RDONLY);
    struct stat st;
    const char *at;
    size_t end;

    if (fstat(fd, &st) || st.st_size > PAGE) {
        perror(argv[argc - 1]);
        return 1;
    }
    at = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    end = (size_t)st.st_size;
    puts(memcmp(at + end, zero, PAGE - end) ? "something" : "nothing");
    return 0;
}
