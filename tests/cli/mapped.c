/* SPDX-License-Identifier: MIT */
/*
 * Files of a directory that are mapped shared and written to there: what read,
 * write and truncation make of them, and what is left. mapped DIRECTORY
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 200000 };

static char *map(int fd, int prot)
{
    char *at = mmap(NULL, SIZE, prot, MAP_SHARED, fd, 0);

    if (at == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return at;
}

static void show(const char *what, int fd, off_t at)
{
    char buf[9] = "";
    ssize_t n = pread(fd, buf, 8, at);

    printf("%s: %zd %s\n", what, n, buf);
}

static void fill(int fd)
{
    char text[SIZE];

    memset(text, 'x', sizeof(text));
    if (write(fd, text, sizeof(text)) != SIZE) {
        perror("write");
    }
}

int main(int argc, char **argv)
{
    struct stat st;
    char *a, *b;
    int fd, other;

    if (argc != 2 || chdir(argv[1])) {
        return 2;
    }
    fd = open("f", O_RDWR | O_CREAT | O_EXCL, 0644);
    fill(fd);
    a = map(fd, PROT_READ | PROT_WRITE);
    b = map(fd, PROT_READ);
    memcpy(a + 100000, "mapped", 6);
    show("by a mapping", fd, 99999);
    pwrite(fd, "written", 7, 3);
    printf("by write: %.11s %.11s\n", a, b);
    if (fork() == 0) {
        memcpy(a + 50, "child", 5);
        _exit(0);
    }
    wait(NULL);
    other = open("f", O_RDONLY);
    show("by a child", other, 49);
    printf("msync: %d\n", msync(a, SIZE, MS_SYNC));
    printf("shorter: %d\n", ftruncate(fd, 150000));
    printf("longer: %d\n", ftruncate(fd, 180000));
    show("cut off", other, 149998);
    printf("nothing: %d\n", a[160000]);
    fstat(other, &st);
    printf("size: %ld\n", (long)st.st_size);
    close(fd);
    rename("f", "g");
    memcpy(a + 170000, "late", 4);
    munmap(a, SIZE);
    show("after all", other, 169999);
    fd = open("gone", O_RDWR | O_CREAT, 0600);
    ftruncate(fd, SIZE);
    unlink("gone");
    a = map(fd, PROT_READ | PROT_WRITE);
    memcpy(a, "nameless", 8);
    show("unlinked", fd, 0);
    return 0;
}
