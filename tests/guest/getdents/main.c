/* SPDX-License-Identifier: MIT
 *
 * getdents64 and getdents: every name once and its type, small buffers,
 * going on after lseek, names that come and go in between.
 */
#include <dirent.h>
#include "tests/guest/show.h"

static char buf[4096];

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All entries of the directory, sorted, with their types. */
static void list(int fd, size_t size)
{
    char *names[64];
    int count = 0, calls = 0;
    long n;

    while ((n = syscall(SYS_getdents64, fd, buf, size)) > 0) {
        calls++;
        for (char *p = buf; p < buf + n;) {
            struct dirent64 *d = (struct dirent64 *)p;
            char line[300];

            snprintf(line, sizeof(line), "%s/%d", d->d_name, d->d_type);
            names[count++] = strdup(line);
            if (!d->d_ino || d->d_reclen % 8) {
                puts("bad entry");
            }
            p += d->d_reclen;
        }
    }
    qsort(names, count, sizeof(names[0]), compare);
    for (int i = 0; i < count; i++) {
        printf("%s ", names[i]);
        free(names[i]);
    }
    printf("= %ld, several calls %d\n", n, calls > 1);
}

static void types(void)
{
    title("types");
    mkdir("/tmp/d", 0755);
    mkdir("/tmp/d/dir", 0755);
    put("/tmp/d/file", "");
    symlink("file", "/tmp/d/link");
    mkfifo("/tmp/d/fifo", 0600);
    mknod("/tmp/d/char", S_IFCHR | 0600, 0x103);
    put("/tmp/d/.hidden", "");
    int fd = open("/tmp/d", O_RDONLY);
    list(fd, sizeof(buf));
    CALL(getdents64, fd, buf, sizeof(buf));
    CALL(lseek, fd, 0L, SEEK_SET);
    list(fd, 64);
    lseek(fd, 0, SEEK_SET);
    unlink("/tmp/d/char");
    put("/tmp/d/later", "");
    list(fd, sizeof(buf));
    close(fd);
}

static void sizes(void)
{
    int fd = open("/data", O_RDONLY), proc = open("/proc", O_RDONLY);

    title("sizes");
    CALL(getdents64, fd, buf, 0x80000000u);
    CALL(getdents64, fd, buf, -1L);
    CALL(getdents, fd, buf, -1L);
    CALL(lseek, fd, 0L, SEEK_SET);
    CALL(lseek, proc, 0L, SEEK_END);
    close(proc);
    close(fd);
}

static void refusals(void)
{
    int fd = open("/tmp/d", O_RDONLY), file = open("/tmp/d/file", O_RDONLY);
    int path = open("/tmp/d", O_PATH);

    title("refusals");
    CALL(getdents64, file, buf, sizeof(buf));
    CALL(getdents64, path, buf, sizeof(buf));
    CALL(getdents64, 99, buf, sizeof(buf));
    CALL(getdents64, fd, buf, 0);
    CALL(getdents64, fd, buf, 16);
    CALL(getdents64, fd, BAD, sizeof(buf));
    CALL(getdents, fd, buf, 16);
    CALL(getdents, file, buf, sizeof(buf));
    CALL(lseek, fd, -1L, SEEK_SET);
    CALL(read, fd, buf, 100L);
    close(fd);
    close(file);
    close(path);
}

/* The old call: the type is the last byte of the record. */
static void old(void)
{
    struct old {
        unsigned long ino, off;
        unsigned short len;
        char name[];
    };
    int fd = open("/tmp/d", O_RDONLY), count = 0, good = 0;
    long n = syscall(SYS_getdents, fd, buf, sizeof(buf));

    title("the old call");
    for (char *p = buf; p < buf + n; p += ((struct old *)p)->len) {
        struct old *d = (struct old *)p;
        int type = p[d->len - 1];

        count++;
        good += (strcmp(d->name, "link") == 0) == (type == DT_LNK);
    }
    printf("entries %d good %d\n", count, good);
    CALL(getdents, fd, buf, sizeof(buf));
    close(fd);
}

/* Removing while reading: the rest must still come, nothing twice. */
static void removing(void)
{
    char name[40];
    int seen[200] = {0}, wrong = 0;
    DIR *d;
    struct dirent *e;

    title("removing while reading");
    mkdir("/tmp/many", 0755);
    for (int i = 0; i < 200; i++) {
        sprintf(name, "/tmp/many/%d", i);
        put(name, "");
    }
    d = opendir("/tmp/many");
    while ((e = readdir(d))) {
        if (e->d_name[0] != '.') {
            seen[atoi(e->d_name)]++;
            unlinkat(dirfd(d), e->d_name, 0);
        }
    }
    closedir(d);
    for (int i = 0; i < 200; i++) {
        wrong += seen[i] != 1;
    }
    printf("wrong %d\n", wrong);
    CALL(rmdir, "/tmp/many");
}

/* telldir and seekdir: from a cookie on, the same names follow. */
static void cookies(void)
{
    char first[300];
    DIR *d = opendir("/tmp/d");
    long at;

    title("cookies");
    readdir(d);
    readdir(d);
    at = telldir(d);
    strcpy(first, readdir(d)->d_name);
    while (readdir(d)) {
    }
    seekdir(d, at);
    printf("same %d\n", strcmp(first, readdir(d)->d_name) == 0);
    rewinddir(d);
    printf("dot %d\n", readdir(d)->d_name[0] == '.');
    closedir(d);
}

int main(void)
{
    show_start();
    types();
    sizes();
    refusals();
    old();
    removing();
    cookies();
    list(open("/data/tree", O_RDONLY), sizeof(buf));
    list(open("/", O_RDONLY), sizeof(buf));
    return 0;
}
