/* SPDX-License-Identifier: MIT
 *
 * /proc/self/fd and fdinfo: what each link says, opening through them, the
 * list, deleted files.
 */
#include <dirent.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include "tests/guest/show.h"

static char buf[300], path[60];

static void target(int fd)
{
    sprintf(path, "/proc/self/fd/%d", fd);
    memset(buf, 0, sizeof(buf));
    long n = readlink(path, buf, sizeof(buf));
    /* Pipes have a number that no two systems share. */
    char *colon = strstr(buf, ":[");
    if (colon) {
        strcpy(colon, ":[N]");
    }
    printf("%d: %s\n", fd, n < 0 ? strerrorname_np(errno) : buf);
}

static int compare(const void *a, const void *b)
{
    return *(int *)a - *(int *)b;
}

int main(void)
{
    int p[2], list[50], count = 0;
    struct stat st;
    struct dirent *e;

    show_start();
    put("/tmp/f", "0123456789");
    int f = open("/tmp/f", O_RDWR | O_APPEND);
    pipe(p);
    target(f);
    target(p[0]);
    target(p[1]);
    target(eventfd(0, 0));
    target(epoll_create1(0));
    target(timerfd_create(CLOCK_MONOTONIC, 0));
    target(memfd_create("memory", 0));
    target(open("/tmp", O_RDONLY));
    target(open("/dev/null", O_RDWR));
    target(open("/proc/version", O_RDONLY));
    target(99);
    rename("/tmp/f", "/tmp/g");
    target(f);
    unlink("/tmp/g");
    target(f);
    put("/tmp/g", "another");
    target(f);
    title("opening");
    sprintf(path, "/proc/self/fd/%d", f);
    int again = SHOW(open(path, O_RDONLY));
    CALL(read, again, buf, 3L);
    CALL(lseek, f, 0L, SEEK_CUR);
    sprintf(path, "/proc/self/fd/%d", p[0]);
    int end = SHOW(open(path, O_WRONLY));
    CALL(write, end, "through", 7L);
    CALL(read, p[0], buf, 10L);
    SHOW(stat(path, &st));
    printf("mode %o\n", st.st_mode);
    SHOW(lstat(path, &st));
    printf("mode %o size %ld\n", st.st_mode, (long)st.st_size);
    sprintf(path, "/proc/self/fd/%d", p[1]);
    lstat(path, &st);
    printf("mode %o\n", st.st_mode);
    sprintf(path, "/dev/fd/%d", p[1]);
    SHOW(stat(path, &st));
    SHOW(stat("/dev/stdin", &st));
    title("fdinfo");
    sprintf(path, "/proc/self/fdinfo/%d", f);
    lseek(f, 5, SEEK_SET);
    FILE *info = fopen(path, "r");
    for (int i = 0; i < 2 && fgets(buf, sizeof(buf), info); i++) {
        printf("%s", buf);
    }
    fclose(info);
    title("the list");
    DIR *d = opendir("/proc/self/fd");
    while ((e = readdir(d))) {
        if (e->d_name[0] != '.') {
            list[count++] = atoi(e->d_name);
        }
    }
    closedir(d);
    qsort(list, count, sizeof(list[0]), compare);
    for (int i = 0; i < count; i++) {
        printf("%d ", list[i]);
    }
    printf("\n");
    return 0;
}
