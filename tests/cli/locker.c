/* SPDX-License-Identifier: MIT
 *
 * usage: locker try|hold posix|ofd|flock read|write FILE [START LENGTH]
 *
 * try: a lock that does not wait; says what became of it. hold: waits for it,
 * makes FILE.held, and keeps it until there is FILE.done, which it removes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static int take(int fd, const char *kind, int writes, int waits,
                struct flock *fl)
{
    int ofd = !strcmp(kind, "ofd");

    if (!strcmp(kind, "flock")) {
        return flock(fd, (writes ? LOCK_EX : LOCK_SH) | (waits ? 0 : LOCK_NB));
    }
    fl->l_type = writes ? F_WRLCK : F_RDLCK;
    if (waits) {
        return fcntl(fd, ofd ? F_OFD_SETLKW : F_SETLKW, fl);
    }
    return fcntl(fd, ofd ? F_OFD_SETLK : F_SETLK, fl);
}

/* Who is in the way says fcntl(2), too. */
static void test(int fd, const char *kind, struct flock *fl)
{
    int ofd = !strcmp(kind, "ofd");

    if (strcmp(kind, "flock") &&
        fcntl(fd, ofd ? F_OFD_GETLK : F_GETLK, fl) == 0 &&
        fl->l_type != F_UNLCK) {
        printf("%s %ld+%ld ", fl->l_type == F_WRLCK ? "written" : "read",
               (long)fl->l_start, (long)fl->l_len);
    }
}

static void hold(const char *file)
{
    char name[4096];

    snprintf(name, sizeof(name), "%s.held", file);
    close(open(name, O_CREAT | O_RDWR, 0644));
    snprintf(name, sizeof(name), "%s.done", file);
    while (access(name, F_OK)) {
        usleep(2000);
    }
    unlink(name);
}

int main(int argc, char **argv)
{
    struct flock fl = {.l_whence = SEEK_SET};
    int fd, holds, err;

    if (argc < 5) {
        return 2;
    }
    if (argc > 6) {
        fl.l_start = atol(argv[5]);
        fl.l_len = atol(argv[6]);
    }
    holds = !strcmp(argv[1], "hold");
    fd = open(argv[4], O_CREAT | O_RDWR, 0644);
    err = take(fd, argv[2], !strcmp(argv[3], "write"), holds, &fl);
    if (err) {
        err = errno;
        test(fd, argv[2], &fl);
        printf("%s\n", err == EAGAIN ? "refused" : strerror(err));
        return 1;
    }
    printf("taken\n");
    fflush(stdout);
    if (holds) {
        hold(argv[4]);
    }
    return 0;
}
