/* SPDX-License-Identifier: MIT
 *
 * Changing what came with the image must look as on any file system: files
 * and directories that are removed, made again, renamed, linked, exchanged,
 * written through descriptors that were open before. Where /data is read-only
 * a copy in /tmp is worked on instead.
 */
#include <dirent.h>
#include <sys/mman.h>
#include "tests/guest/show.h"

#define RENAME(a, b, how) CALL(renameat2, AT_FDCWD, a, AT_FDCWD, b, how)

static char names[100][256];

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Sorted names of a directory, without dots. */
static int list(const char *dir, char (*out)[256])
{
    DIR *d = opendir(dir);
    struct dirent *e;
    int n = 0;

    if (!d) {
        return 0;
    }
    while ((e = readdir(d))) {
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..")) {
            strcpy(out[n++], e->d_name);
        }
    }
    closedir(d);
    qsort(out, n, sizeof(out[0]), by_name);
    return n;
}

static void tree(const char *dir)
{
    char(*own)[256] = malloc(sizeof(names)), path[1024], text[256];
    int n = list(dir, own);

    for (int i = 0; i < n; i++) {
        struct stat st;
        ssize_t len = 0;
        int fd;

        snprintf(path, sizeof(path), "%s/%s", dir, own[i]);
        lstat(path, &st);
        printf("  %s %o", path, st.st_mode);
        if (S_ISREG(st.st_mode)) {
            fd = open(path, O_RDONLY);
            len = read(fd, text, sizeof(text));
            close(fd);
            printf(" links %ld [%.*s]", (long)st.st_nlink, (int)len - (len > 0),
                   text);
        } else if (S_ISLNK(st.st_mode)) {
            len = readlink(path, text, sizeof(text));
            printf(" -> %.*s", (int)len, text);
        }
        puts("");
        if (S_ISDIR(st.st_mode)) {
            tree(path);
        }
    }
    free(own);
}

static void copy_tree(const char *from, const char *to)
{
    char(*own)[256] = malloc(sizeof(names)), a[1024], b[1024], text[4096];
    int n = list(from, own);
    struct stat st;

    stat(from, &st);
    mkdir(to, st.st_mode & 07777);
    for (int i = 0; i < n; i++) {
        snprintf(a, sizeof(a), "%s/%s", from, own[i]);
        snprintf(b, sizeof(b), "%s/%s", to, own[i]);
        lstat(a, &st);
        if (S_ISDIR(st.st_mode)) {
            copy_tree(a, b);
        } else if (S_ISLNK(st.st_mode)) {
            text[readlink(a, text, sizeof(text) - 1)] = '\0';
            symlink(text, b);
        } else {
            int in = open(a, O_RDONLY), out = open(b, O_CREAT | O_WRONLY, 0600);

            write(out, text, read(in, text, sizeof(text)));
            fchmod(out, st.st_mode & 07777);
            close(in);
            close(out);
        }
    }
    free(own);
}

static void enter(void)
{
    if (mkdir("/data/tree/probe", 0700) == 0) {
        rmdir("/data/tree/probe");
        chdir("/data/tree");
    } else {
        copy_tree("/data/tree", "/tmp/tree");
        chdir("/tmp/tree");
        unlink("a/hard");
        link("two", "a/hard");
    }
}

static void files(void)
{
    title("files");
    CALL(unlink, "one");
    CALL(open, "one", O_RDONLY);
    CALL(unlink, "one");
    put("one", "new one\n");
    CALL(rename, "one", "a/b/one");
    CALL(rename, "three", "drei");
    CALL(rename, "drei", "three");
    CALL(link, "a/b/c/two", "linked");
    put("linked", "through the link\n");
    CALL(chmod, "a/b/c/three", 0600);
    CALL(symlink, "three", "a/dangling");
    CALL(unlink, "a/dangling");
    CALL(symlink, "three", "a/dangling");
    CALL(rename, "a/link", "link");
    CALL(truncate, "a/b/c/one", 4L);
    tree(".");
}

static void hard_links(void)
{
    title("hard links");
    put("two", "changed by one name\n");
    cat("a/hard");
    CALL(unlink, "two");
    cat("a/hard");
    CALL(link, "a/hard", "two");
    show_stat("a/hard");
}

static void directories(void)
{
    title("directories");
    CALL(rmdir, "empty");
    CALL(mkdir, "empty", 0700);
    CALL(rmdir, "a/b/c");
    CALL(unlink, "a/b/c/one");
    CALL(unlink, "a/b/c/two");
    CALL(unlink, "a/b/c/three");
    CALL(rmdir, "a/b/c");
    CALL(rmdir, "a/b/c");
    CALL(mkdir, "a/b/c", 0755);
    tree("a/b");
    put("a/b/c/two", "two again\n");
    tree("a/b");
}

static void moves(void)
{
    title("moves");
    RENAME("a", "moved", 0);
    tree(".");
    RENAME("moved", "empty", RENAME_NOREPLACE);
    RENAME("moved", "empty", RENAME_EXCHANGE);
    RENAME("empty/b", "empty/hard", RENAME_EXCHANGE);
    RENAME("moved", "empty/hard/into", 0);
    RENAME("empty", "empty/hard/into/self", 0);
    CALL(rmdir, "empty");
    CALL(mkdir, "a", 0755);
    RENAME("empty/hard", "a", 0);
    tree(".");
}

static void descriptors(void)
{
    int r = open("three", O_RDONLY), w;
    char text[64] = "";
    char *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, r, 0);

    title("descriptors");
    printf("%.4s\n", map);
    w = open("three", O_WRONLY);
    write(w, "NEW", 3);
    pread(r, text, 10, 0);
    printf("%.10s\n", text);
    close(w);
    CALL(unlink, "three");
    pread(r, text, 10, 0);
    printf("%.10s\n", text);
    struct stat st;
    fstat(r, &st);
    printf("links %ld\n", (long)st.st_nlink);
    SHOW(fchmod(r, 0604));
    fstat(r, &st);
    printf("mode %o\n", st.st_mode);
}

int main(void)
{
    show_start();
    enter();
    tree(".");
    files();
    hard_links();
    directories();
    moves();
    descriptors();
    return 0;
}
