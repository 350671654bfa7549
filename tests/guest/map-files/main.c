/* SPDX-License-Identifier: MIT
 *
 * /proc/PID/map_files: a link for each mapping of a file, which names of
 * addresses there are none for, where links lead, and for whom.
 */
#include <dirent.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

static const char *const dir = "/proc/self/map_files";
static char path[200];

static const char *at(const char *format, const char *from, const char *to)
{
    char name[100];

    snprintf(name, sizeof(name), format, (unsigned long)from,
             (unsigned long)to);
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static void show_link(const char *what, const char *p)
{
    char to[300];
    long n = RAW(readlink, p, to, sizeof(to));

    if (!show_failed(what, n)) {
        printf("%s: %.*s\n", what, (int)n, to);
    }
}

/* Whether names are those of maps that have a file, in that order. */
static void compare_with_maps(void)
{
    DIR *d = opendir(dir);
    FILE *f = fopen("/proc/self/maps", "r");
    char line[500], name[100];
    unsigned long ino;
    struct dirent *e;
    int same = 1, n = 0;

    while (fgets(line, sizeof(line), f)) {
        sscanf(line, "%99s %*s %*s %*s %lu", name, &ino);
        if (!ino) {
            continue;
        }
        do {
            e = readdir(d);
        } while (e && e->d_name[0] == '.');
        same &= e && !strcmp(e->d_name, name) && e->d_type == DT_LNK;
        n++;
    }
    fclose(f);
    closedir(d);
    printf("as in maps: %s\n", same && n > 1 ? "yes" : "no");
}

static void spellings(const char *a, const char *b)
{
    static const char *const bad[] = {"0%lx-%lx",  "%lx-0%lx", " %lx-%lx",
                                      "%lx-%lx ",  "%lx%lx",   "0x%lx-%lx",
                                      "%lx-0x%lx", "%lx -%lx", "%lx--%lx",
                                      "%lX-%lXz",  "-%lx-%lx", "%lx-%lx-"};

    for (size_t i = 0; i < COUNT(bad); i++) {
        show_link(bad[i], at(bad[i], a, b));
    }
    show_link("too long", at("1%016lx-%lx", a, b));
    show_link("short", at("%lx-%lx", a, b - 4096));
    show_link("long", at("%lx-%lx", a, b + 4096));
    show_link("inside", at("%lx-%lx", a + 4096, b));
}

static void as_nobody(const char *a, const char *b)
{
    char of_parent[100];
    DIR *d;
    int status;
    pid_t pid;

    title("nobody");
    fflush(stdout);
    pid = fork();
    if (!pid) {
        setresuid(NOBODY, NOBODY, NOBODY);
        snprintf(of_parent, sizeof(of_parent), "/proc/%d/map_files", getppid());
        d = opendir(of_parent);
        printf("%s\n", d ? "opened" : strerrorname_np(errno));
        _exit(0);
    }
    waitpid(pid, &status, 0);
    seteuid(NOBODY); /* may not follow, and its directory is root's */
    show_link("own", at("%lx-%lx", a, b));
    seteuid(0);
}

int main(void)
{
    struct stat st, of_file;
    char *a, *b, *c, text[10] = {0};
    int fd;

    show_start();
    put("/tmp/mapped", "some text");
    truncate("/tmp/mapped", 8192);
    fd = open("/tmp/mapped", O_RDWR);
    a = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, fd, 0);
    b = mmap(NULL, 16384, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    c = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096);
    compare_with_maps();
    stat(dir, &st);
    printf("mode %o\n", st.st_mode);
    show_link("private", at("%lx-%lx", a, a + 8192));
    lstat(path, &st);
    printf("mode %o\n", st.st_mode);
    stat(path, &st);
    fstat(fd, &of_file);
    EXPECT(st.st_ino == of_file.st_ino && st.st_dev == of_file.st_dev);
    show_link("shared", at("%lx-%lx", c, c + 4096));
    lstat(path, &st);
    printf("mode %o\n", st.st_mode);
    show_link("anonymous", at("%lx-%lx", b, b + 4096));
    spellings(a, a + 8192);
    title("what has no name any more");
    unlink("/tmp/mapped");
    show_link("private", at("%lx-%lx", a, a + 8192));
    fd = open(at("%lx-%lx", a, a + 8192), O_RDONLY);
    CALL(read, fd, text, 9L);
    printf("%s\n", text);
    CALL(unlink, path);
    CALL(openat, AT_FDCWD, at("%lx-%lx", a, a + 8192), O_RDONLY | O_NOFOLLOW);
    munmap(a, 8192);
    show_link("unmapped", path);
    as_nobody(c, c + 4096);
    CALL(openat, AT_FDCWD, "/proc/self/task/self/map_files", O_RDONLY);
    return 0;
}
