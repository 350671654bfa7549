/* SPDX-License-Identifier: MIT
 *
 * Walking a path: what fails before any file system is asked. Lengths,
 * loops, dots and slashes, strings that end at an unmapped page.
 */
#include <sys/mman.h>
#include "tests/guest/show.h"

static void lengths(void)
{
    char name[300], path[5000] = "/tmp";

    title("lengths");
    memset(name, 'n', sizeof(name));
    name[255] = 0;
    int fd = SHOW(openat(open("/tmp", O_PATH), name, O_CREAT | O_RDWR, 0600));
    close(fd);
    name[255] = 'n';
    name[256] = 0;
    SHOW(openat(3, name, O_CREAT | O_RDWR, 0600));
    SHOW(openat(3, name, O_RDONLY));
    SHOW(mkdirat(3, name, 0700));
    SHOW(renameat(3, "x", 3, name));
    SHOW(unlinkat(3, name, 0));
    while (strlen(path) < 4094) {
        strcat(path, "/");
    }
    printf("length %zu ", strlen(path));
    close(SHOW(open(path, O_RDONLY)));
    strcat(path, "/");
    printf("length %zu ", strlen(path));
    close(SHOW(open(path, O_RDONLY)));
    strcat(path, "/");
    printf("length %zu ", strlen(path));
    close(SHOW(open(path, O_RDONLY)));
    close(3);
}

static void loops(void)
{
    char name[40], to[40];

    title("loops");
    symlink("/tmp/loop2", "/tmp/loop1");
    symlink("/tmp/loop1", "/tmp/loop2");
    symlink("self", "/tmp/self");
    CALL(open, "/tmp/loop1", O_RDONLY);
    CALL(open, "/tmp/loop1/x", O_RDONLY);
    CALL(open, "/tmp/loop1", O_RDONLY | O_NOFOLLOW);
    CALL(open, "/tmp/loop1", O_CREAT | O_RDWR, 0600);
    CALL(open, "/tmp/self", O_RDONLY);
    CALL(mkdir, "/tmp/self", 0700);
    CALL(unlink, "/tmp/self");
    put("/tmp/chain0", "end");
    for (int i = 1; i <= 41; i++) {
        sprintf(name, "/tmp/chain%d", i);
        sprintf(to, "chain%d", i - 1);
        symlink(to, name);
    }
    close(CALL(open, "/tmp/chain40", O_RDONLY));
    CALL(open, "/tmp/chain41", O_RDONLY);
}

static void dots(void)
{
    static const char *const paths[] = {
        "/..",          "/../proc",   "/../../..//tmp/./f", "/tmp/f/..",
        "/tmp/f/.",     "/tmp/f/",    "/tmp/none/..",       "/tmp/d/..",
        "/tmp/d/../f",  "//tmp//f",   "/tmp/d/.//../f",     "/tmp/f/../f",
        "/tmp/none/x",  "/tmp/f/x",   "/tmp/f/x/y",         "/tmp/dl",
        "/tmp/dl/",     "/tmp/dl/x",  "/tmp/fl/",           "/tmp/fl/x",
        "/tmp/gone",    "/tmp/gone/", "/tmp/gone/x",        "",
        "/tmp/dl/../f", "/tmp/...",   "/tmp/d/inner/../.."};

    title("dots");
    put("/tmp/f", "file");
    mkdir("/tmp/d", 0755);
    mkdir("/tmp/d/inner", 0755);
    symlink("d/inner", "/tmp/dl");
    symlink("f", "/tmp/fl");
    symlink("nowhere", "/tmp/gone");
    for (unsigned i = 0; i < COUNT(paths); i++) {
        int fd = open(paths[i], O_RDONLY);
        struct stat st;

        if (fd < 0) {
            printf("open %s: %s\n", paths[i], strerrorname_np(errno));
        } else {
            fstat(fd, &st);
            printf("open %s: mode %o\n", paths[i], st.st_mode);
            close(fd);
        }
        if (strncmp(paths[i], "/tmp", 4)) {
            continue; /* natively the root is read-only */
        }
        errno = 0;
        mkdir(paths[i], 0755);
        printf("mkdir: %s", errno ? strerrorname_np(errno) : "made");
        if (!errno) {
            rmdir(paths[i]);
        }
        errno = 0;
        rmdir(paths[i]);
        printf(" rmdir: %s", errno ? strerrorname_np(errno) : "gone");
        if (!errno) {
            mkdir("/tmp/d", 0755);
            mkdir("/tmp/d/inner", 0755);
        }
        errno = 0;
        unlink(paths[i]);
        printf(" unlink: %s\n", errno ? strerrorname_np(errno) : "gone");
        if (!errno) {
            put("/tmp/f", "file");
            symlink("d/inner", "/tmp/dl");
            symlink("f", "/tmp/fl");
            symlink("nowhere", "/tmp/gone");
        }
    }
}

static void pointers(void)
{
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *end = page + 4096;

    title("pointers");
    mprotect(end, 4096, PROT_NONE);
    CALL(open, NULL, O_RDONLY);
    CALL(open, BAD, O_RDONLY);
    CALL(open, (void *)-1L, O_RDONLY);
    CALL(open, 1UL << 63, O_RDONLY);
    memcpy(end - 7, "/tmp/f", 7);
    close(CALL(open, end - 7, O_RDONLY));
    memcpy(end - 6, "/tmp/f", 6);
    CALL(open, end - 6, O_RDONLY);
    memset(page, '/', 4096);
    CALL(open, page, O_RDONLY);
    memset(page, 'x', 4096);
    CALL(open, page, O_RDONLY);
    CALL(open, end, O_RDONLY);
    CALL(openat, 99, BAD, O_RDONLY);
    CALL(rename, BAD, "/tmp/f");
    CALL(rename, "/tmp/f", BAD);
    CALL(link, "/tmp/f", BAD);
    CALL(symlink, BAD, "/tmp/f");
    CALL(mkdir, BAD, 0);
    CALL(rmdir, BAD);
    CALL(unlink, BAD);
    CALL(chdir, BAD);
    CALL(chmod, BAD, 0);
    CALL(truncate, BAD, 0L);
    CALL(truncate, BAD, -1L);
    CALL(readlink, BAD, page, 10L);
    CALL(access, BAD, 0);
    CALL(stat, BAD, page);
}

int main(void)
{
    show_start();
    lengths();
    loops();
    dots();
    pointers();
    return 0;
}
