/* SPDX-License-Identifier: MIT
 *
 * Names of unix(7): paths, permissions, abstract names, autobind, lengths,
 * links and renames of bound paths.
 */
#include <sys/socket.h>
#include <sys/un.h>
#include "tests/guest/show.h"

static struct sockaddr_un a, b;

static socklen_t path(const char *p)
{
    memset(&a, 0, sizeof(a));
    a.sun_family = AF_UNIX;
    strcpy(a.sun_path, p);
    return sizeof(a);
}

static void own_name(int s)
{
    socklen_t len = sizeof(b);

    memset(&b, 'x', sizeof(b));
    CALL(getsockname, s, &b, &len);
    printf("%u", len);
    for (socklen_t i = 2; i < len && i < 20; i++) {
        printf(" %d", b.sun_path[i - 2]);
    }
    printf("\n");
}

static void try_connect(const char *p)
{
    int s = socket(AF_UNIX, SOCK_DGRAM, 0);

    path(p);
    printf("%s: ", p);
    CALL(connect, s, &a, sizeof(a));
    close(s);
}

static void paths(void)
{
    int s = socket(AF_UNIX, SOCK_DGRAM, 0), t;

    title("paths");
    own_name(s);
    path("/tmp/no-such-dir/x");
    CALL(bind, s, &a, sizeof(a));
    path("/tmp/un");
    CALL(bind, s, &a, 1);
    CALL(bind, s, &a, 111);
    a.sun_family = AF_INET;
    CALL(bind, s, &a, sizeof(a));
    a.sun_family = AF_UNIX;
    CALL(bind, s, BAD, 10);
    CALL(bind, s, &a, 2 + 4 + 1);
    own_name(s);
    show_stat("/tmp/u");
    CALL(bind, s, &a, sizeof(a));
    CALL(open, "/tmp/u", O_RDWR);
    t = socket(AF_UNIX, SOCK_DGRAM, 0);
    path("/tmp/u");
    CALL(bind, t, &a, sizeof(a));
    path("/tmp");
    CALL(bind, t, &a, sizeof(a));
    umask(0);
    path("/tmp/un2");
    CALL(bind, t, &a, sizeof(a));
    umask(022);
    own_name(t);
    show_stat("/tmp/un2");
    try_connect("/tmp/u");
    CALL(link, "/tmp/u", "/tmp/un3");
    try_connect("/tmp/un3");
    CALL(unlink, "/tmp/u");
    try_connect("/tmp/u");
    try_connect("/tmp/un3");
    CALL(rename, "/tmp/un3", "/tmp/un4");
    try_connect("/tmp/un4");
    CALL(symlink, "un4", "/tmp/un5");
    try_connect("/tmp/un5");
    close(s);
    try_connect("/tmp/un4");
    s = socket(AF_UNIX, SOCK_DGRAM, 0);
    path("/tmp/un4");
    CALL(bind, s, &a, sizeof(a));
    path("/tmp/un5");
    CALL(bind, s, &a, sizeof(a));
    CALL(unlink, "/tmp/un4");
    CALL(bind, s, &a, sizeof(a));
    CALL(mknod, "/tmp/un6", S_IFSOCK | 0666, 0L);
    show_stat("/tmp/un6");
    try_connect("/tmp/un6");
    close(s);
    close(t);
    chdir("/tmp");
    s = socket(AF_UNIX, SOCK_DGRAM, 0);
    memset(&a, 'n', sizeof(a));
    a.sun_family = AF_UNIX;
    CALL(bind, s, &a, sizeof(a));
    own_name(s);
    t = socket(AF_UNIX, SOCK_DGRAM, 0);
    CALL(connect, t, &a, sizeof(a));
    close(s);
    close(t);
}

static void permissions(void)
{
    int s = socket(AF_UNIX, SOCK_DGRAM, 0);

    title("permissions");
    path("/tmp/un7");
    CALL(bind, s, &a, sizeof(a));
    CALL(chmod, "/tmp/un7", 0644);
    if (!RAW(setresuid, NOBODY, NOBODY, 0)) {
        try_connect("/tmp/un7");
        RAW(setresuid, 0, 0, 0);
        CALL(chmod, "/tmp/un7", 0222);
        RAW(setresuid, NOBODY, NOBODY, 0);
        try_connect("/tmp/un7");
        RAW(setresuid, 0, 0, 0);
        mkdir("/tmp/closed", 0700);
        RAW(setresuid, NOBODY, NOBODY, 0);
        path("/tmp/closed/x");
        close(s);
        s = socket(AF_UNIX, SOCK_DGRAM, 0);
        CALL(bind, s, &a, sizeof(a));
        try_connect("/tmp/closed/x");
        RAW(setresuid, 0, 0, 0);
    }
    close(s);
}

static void abstract(void)
{
    int s = socket(AF_UNIX, SOCK_DGRAM, 0), t = socket(AF_UNIX, SOCK_DGRAM, 0);
    socklen_t len;

    title("abstract");
    path("");
    memcpy(a.sun_path, "\0abc\0d", 6);
    CALL(bind, s, &a, 8);
    own_name(s);
    CALL(bind, t, &a, 8);
    CALL(connect, t, &a, 8);
    CALL(connect, t, &a, 7);
    CALL(connect, t, &a, 9);
    CALL(bind, t, &a, 9);
    CALL(bind, t, &a, 9);
    own_name(t);
    len = 4;
    CALL(getsockname, t, &b, &len);
    printf("%u\n", len);
    len = -1;
    CALL(getsockname, t, &b, &len);
    CALL(getsockname, t, BAD, &(socklen_t){20});
    CALL(getsockname, t, &b, BAD);
    close(s);
    CALL(connect, t, &a, 8);
    close(t);
    s = socket(AF_UNIX, SOCK_STREAM, 0);
    a.sun_family = AF_UNIX;
    CALL(bind, s, &a, 2);
    len = sizeof(b);
    CALL(getsockname, s, &b, &len);
    EXPECT(len == 8 && b.sun_path[0] == 0);
    CALL(bind, s, &a, 2);
    CALL(bind, s, &a, 8);
    close(s);
}

/* What fchmod(2) gave the socket, its name has, but for the umask. */
static void own_mode(void)
{
    int s = socket(AF_UNIX, SOCK_STREAM, 0);

    title("permissions of the socket");
    CALL(fchmod, s, 0765);
    umask(0123);
    CALL(bind, s, &a, path("/tmp/own"));
    umask(022);
    show_stat("/tmp/own");
    CALL(fchmod, s, 0600);
    show_stat("/tmp/own");
    close(s);
}

int main(void)
{
    show_start();
    paths();
    permissions();
    abstract();
    own_mode();
    return 0;
}
