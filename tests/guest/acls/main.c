/* SPDX-License-Identifier: MIT
 *
 * Access control lists (acl(5)): what is stored and what is refused, how they
 * and the mode follow each other, what they grant to whom, and what a
 * directory's default list leaves to what is made in it.
 */
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <grp.h>
#include "tests/guest/show.h"

#define ACCESS  "system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"

enum { UO = 1, U = 2, GO = 4, G = 8, M = 16, O = 32, NO_ID = -1 };

struct entry {
    uint16_t tag, perm;
    uint32_t id;
};

struct list {
    uint32_t version;
    struct entry e[40];
};

static struct list made;

/* From "u::7 u:5:6 g::4 m::7 o::0"; the bytes are in `made`. */
static size_t make(const char *text)
{
    static const char tags[] = "ugmo";
    size_t n = 0;

    made.version = 2;
    while (*text) {
        struct entry *e = &made.e[n++];
        int named = text[2] != ':';

        e->tag = (uint16_t[]){UO, GO, M, O}[strchr(tags, *text) - tags];
        e->tag = e->tag << named; /* U, G */
        e->id = named ? strtoul(text + 2, NULL, 10) : (uint32_t)NO_ID;
        text = strchr(text + 2, ':') + 1;
        e->perm = *text++ - '0';
        text += *text == ' ';
    }
    return 4 + n * sizeof(struct entry);
}

static void set(const char *path, const char *name, const char *text)
{
    size_t len = make(text);

    printf("%s %s [%s]", path, name + 17, text);
    show("", RAW(setxattr, path, name, &made, len, 0));
}

static void get(const char *path, const char *name)
{
    struct list l;
    long n = RAW(getxattr, path, name, &l, sizeof(l));

    printf("%s %s:", path, name + 17);
    if (show_failed("", n)) {
        return;
    }
    for (int i = 0; i < (n - 4) / 8; i++) {
        printf(" %x:%d:%o", l.e[i].tag, (int)l.e[i].id, l.e[i].perm);
    }
    printf(" (version %u)\n", l.version);
}

static void mode(const char *path)
{
    struct stat st;

    if (!show_failed(path, lstat(path, &st))) {
        printf("%s: mode %o\n", path, st.st_mode);
    }
}

static void both(const char *path)
{
    mode(path);
    get(path, ACCESS);
}

static void all(const char *path)
{
    both(path);
    get(path, DEFAULT);
}

static void names(const char *path)
{
    char buf[500];
    long n = RAW(llistxattr, path, buf, sizeof(buf));

    printf("%s lists", path);
    for (char *p = buf; p < buf + n; p += strlen(p) + 1) {
        printf(" %s", p);
    }
    printf("\n");
}

/* ---- storing ---- */

static void stored(void)
{
    char buf[100];

    title("stored");
    put("/tmp/f", "text");
    get("/tmp/f", ACCESS);
    CALL(removexattr, "/tmp/f", ACCESS);
    set("/tmp/f", ACCESS, "u::6 u:5:7 u:5:1 g::4 g:9:3 m::5 o::1");
    both("/tmp/f");
    names("/tmp/f");
    CALL(getxattr, "/tmp/f", ACCESS, buf, 0L);
    CALL(getxattr, "/tmp/f", ACCESS, buf, 59L);
    CALL(getxattr, "/tmp/f", ACCESS, buf, 60L);
    CALL(getxattr, "/tmp/f", ACCESS, BAD, 60L);
    CALL(setxattr, "/tmp/f", ACCESS, &made, 60L, XATTR_CREATE);
    CALL(setxattr, "/tmp/f", ACCESS, &made, 60L, XATTR_REPLACE);
    CALL(setxattr, "/tmp/f", ACCESS, &made, 60L, 4);
    CALL(setxattr, "/tmp/f", ACCESS, BAD, 60L, 0);
    CALL(setxattr, "/tmp/f", ACCESS, &made, 70000L, 0);
    set("/tmp/f", ACCESS, "u::6 g::4 o::1"); /* no more than a mode */
    both("/tmp/f");
    names("/tmp/f");
    set("/tmp/f", ACCESS, "u::6 g::4 m::2 o::1"); /* a mask alone is */
    both("/tmp/f");
    CALL(removexattr, "/tmp/f", ACCESS);
    both("/tmp/f");
    set("/tmp/f", ACCESS, "u::6 u:5:7 g::4 m::7 o::1");
    CALL(setxattr, "/tmp/f", ACCESS, "", 0L, 0);
    both("/tmp/f");
    set("/tmp/f", ACCESS, ""); /* a header is an empty list */
    get("/tmp/f", ACCESS);
}

static void refused(void)
{
    static const char *const bad[] = {
        "u::6 g::4",
        "g::4 u::6 o::1",
        "u::6 u:5:7 g::4 o::1",
        "u::6 g::4 g:5:7 o::1",
        "u::6 g::4 m::7 m::7 o::1",
        "u::6 u::6 g::4 o::1",
        "u::6 g::4 o::1 o::1",
        "u::6 g::4 o::9",
        "u::6 g::4 u:5:7 m::7 o::1",
        "u::6 g:5:4 g::4 m::7 o::1",
        "u::6 u:4294967295:7 g::4 m::7 o::1",
        "u::6 g::4 o::1 m::7",
    };
    size_t len;

    title("refused");
    for (size_t i = 0; i < COUNT(bad); i++) {
        set("/tmp/f", ACCESS, bad[i]);
    }
    len = make("u::6 g::4 o::1");
    made.version = 1;
    CALL(setxattr, "/tmp/f", ACCESS, &made, len, 0);
    CALL(setxattr, "/tmp/f", ACCESS, &made, 3L, 0);
    made.version = 2;
    CALL(setxattr, "/tmp/f", ACCESS, &made, len - 1, 0);
    made.e[1].tag = 3;
    CALL(setxattr, "/tmp/f", ACCESS, &made, len, 0);
    made.e[1].tag = 64;
    CALL(setxattr, "/tmp/f", ACCESS, &made, len, 0);
    len = make("u::6 g::4 o::1");
    CALL(setxattr, "/tmp/f", DEFAULT, &made, len, 0);
    CALL(removexattr, "/tmp/f", DEFAULT);
    CALL(symlink, "/tmp/f", "/tmp/link");
    CALL(lsetxattr, "/tmp/link", ACCESS, &made, len, 0);
    CALL(lgetxattr, "/tmp/link", ACCESS, &made, len);
    CALL(lremovexattr, "/tmp/link", ACCESS);
    CALL(setxattr, "/tmp/f", "system.posix_acl_other", "x", 1L, 0);
    CALL(getxattr, "/tmp/f", "system.posix_acl_", &made, len);
    CALL(setxattr, "/proc/self/stat", ACCESS, &made, len, 0);
    CALL(getxattr, "/proc/self/stat", ACCESS, &made, len);
    both("/tmp/f");
}

static void kinds(void)
{
    int fd;

    title("kinds");
    CALL(mknod, "/tmp/fifo", S_IFIFO | 0644, 0);
    set("/tmp/fifo", ACCESS, "u::6 u:5:7 g::4 m::7 o::0");
    both("/tmp/fifo");
    fd = RAW(memfd_create, "m", 0);
    make("u::6 u:5:7 g::4 m::7 o::0");
    CALL(fsetxattr, fd, ACCESS, &made, 44L, 0);
    CALL(fgetxattr, fd, ACCESS, &made, 44L);
    close(fd);
    fd = open("/tmp/f", O_PATH);
    CALL(fgetxattr, fd, ACCESS, &made, 44L);
    close(fd);
}

/* ---- the mode ---- */

static void follows(void)
{
    title("the mode");
    put("/tmp/m", "text");
    set("/tmp/m", ACCESS, "u::6 u:5:7 g::4 g:9:7 m::6 o::1");
    CALL(chmod, "/tmp/m", 0750);
    both("/tmp/m");
    CALL(chmod, "/tmp/m", 06705);
    both("/tmp/m");
    CALL(chown, "/tmp/m", 5, 5);
    both("/tmp/m");
    set("/tmp/m", ACCESS, "u::6 g::4 g:9:7 m::6 o::1");
    both("/tmp/m");
    CALL(removexattr, "/tmp/m", ACCESS);
    both("/tmp/m");
    CALL(chmod, "/tmp/m", 0600);
    both("/tmp/m");
    CALL(chown, "/tmp/m", 0, 0);
}

/* ---- rights ---- */

/* What uid, in the groups gid and 9, may do to path. */
static void may(const char *path, int uid, int gid)
{
    gid_t more = 9;
    int status;
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        int got = 0;

        if (setgroups(1, &more) || setgid(gid) || setuid(uid)) {
            _exit(99);
        }
        got |= access(path, R_OK) == 0 ? 4 : 0;
        got |= access(path, W_OK) == 0 ? 2 : 0;
        got |= access(path, X_OK) == 0 ? 1 : 0;
        got |= access(path, R_OK | W_OK) == 0 ? 8 : 0;
        _exit(got);
    }
    waitpid(pid, &status, 0);
    printf("%s for %d:%d: %x\n", path, uid, gid, WEXITSTATUS(status));
}

static void everybody(const char *path)
{
    may(path, 1, 1); /* the owner */
    may(path, 5, 7); /* named */
    may(path, 6, 7);
    may(path, 7, 1); /* its group */
    may(path, 7, 20);
    may(path, 0, 0);
}

static void rights(void)
{
    static const char *const lists[] = {
        "u::4 u:5:6 u:6:7 g::1 m::5 o::2", "u::0 u:5:0 g::7 g:20:2 m::7 o::7",
        "u::7 g::4 g:9:2 m::7 o::7",       "u::7 g::4 g:9:6 m::4 o::0",
        "u::7 u:5:7 g::7 m::0 o::5",       "u::6 u:5:6 g::6 m::6 o::6",
    };

    title("rights");
    put("/tmp/r", "text");
    CALL(chown, "/tmp/r", 1, 1);
    for (size_t i = 0; i < COUNT(lists); i++) {
        set("/tmp/r", ACCESS, lists[i]);
        everybody("/tmp/r");
    }
    title("a directory that all may search but one");
    CALL(mkdir, "/tmp/d", 0755);
    put("/tmp/d/f", "text");
    set("/tmp/d", ACCESS, "u::7 u:5:0 g::5 m::5 o::5");
    mode("/tmp/d");
    may("/tmp/d/f", 5, 5);
    may("/tmp/d/f", 6, 6);
}

static void by_others(void)
{
    int status;
    pid_t pid;

    title("by others");
    put("/tmp/o", "text");
    set("/tmp/o", ACCESS, "u::6 u:5:7 g::4 m::7 o::1");
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        if (setgid(5) || setuid(5)) {
            _exit(99);
        }
        get("/tmp/o", ACCESS);
        set("/tmp/o", ACCESS, "u::6 g::4 o::1");
        set("/tmp/o", ACCESS, "u::6 g::4");
        set("/tmp/o", DEFAULT, "u::6 g::4 o::1");
        CALL(removexattr, "/tmp/o", ACCESS);
        fflush(stdout);
        _exit(0);
    }
    waitpid(pid, &status, 0);
}

/* ---- default lists ---- */

static void make_all(const char *dir)
{
    char path[100];
    int fd;

    snprintf(path, sizeof(path), "%s/file", dir);
    close(open(path, O_CREAT | O_WRONLY, 0664));
    all(path);
    snprintf(path, sizeof(path), "%s/wide", dir);
    close(open(path, O_CREAT | O_WRONLY, 0777));
    both(path);
    snprintf(path, sizeof(path), "%s/dir", dir);
    CALL(mkdir, path, 0750);
    all(path);
    snprintf(path, sizeof(path), "%s/fifo", dir);
    CALL(mknod, path, S_IFIFO | 0666, 0);
    both(path);
    snprintf(path, sizeof(path), "%s/link", dir);
    CALL(symlink, "x", path);
    mode(path);
    fd = open(dir, O_TMPFILE | O_RDWR, 0666);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    RAW(getxattr, path, ACCESS, &made, sizeof(made));
    printf("O_TMPFILE: %d entries\n", errno ? -errno : made.e[1].tag);
    close(fd);
}

static void bound(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strcpy(a.sun_path, path);
    show("bind", bind(fd, (void *)&a, sizeof(a)));
    both(path);
    close(fd);
}

static void inherited(void)
{
    title("inherited");
    CALL(mkdir, "/tmp/p", 0755);
    set("/tmp/p", DEFAULT, "u::7 u:5:7 g::5 m::7 o::5");
    all("/tmp/p");
    names("/tmp/p");
    umask(077); /* which counts no more */
    make_all("/tmp/p");
    bound("/tmp/p/socket");
    title("as much as a mode");
    CALL(mkdir, "/tmp/q", 0755);
    set("/tmp/q", DEFAULT, "u::7 g::5 o::1");
    make_all("/tmp/q");
    title("below");
    CALL(mkdir, "/tmp/p/dir/dir", 0777);
    all("/tmp/p/dir/dir");
    CALL(removexattr, "/tmp/p", DEFAULT);
    CALL(removexattr, "/tmp/p", DEFAULT);
    close(open("/tmp/p/late", O_CREAT | O_WRONLY, 0666));
    all("/tmp/p/late");
    set("/tmp/p", DEFAULT, "");
    get("/tmp/p", DEFAULT);
    title("moved and linked");
    CALL(rename, "/tmp/p/file", "/tmp/q/moved");
    all("/tmp/q/moved");
    CALL(link, "/tmp/p/wide", "/tmp/q/linked");
    both("/tmp/q/linked");
}

int main(void)
{
    show_start();
    stored();
    refused();
    kinds();
    follows();
    rights();
    by_others();
    inherited();
    return 0;
}
