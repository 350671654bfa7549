/* SPDX-License-Identifier: MIT
 *
 * O_PATH: descriptors that only name a file: what works on them, what is
 * EBADF, links and files that may not be opened.
 */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/xattr.h>
#include "tests/guest/show.h"

static char buf[100];
static struct stat st;

static void refused(int fd)
{
    title("refused");
    CALL(read, fd, buf, 1L);
    CALL(write, fd, buf, 1L);
    CALL(pread64, fd, buf, 1L, 0L);
    CALL(lseek, fd, 0L, SEEK_SET);
    CALL(ftruncate, fd, 0L);
    CALL(fchmod, fd, 0600);
    CALL(fchown, fd, 0, 0);
    CALL(fsync, fd);
    CALL(fallocate, fd, 0, 0L, 1L);
    CALL(ioctl, fd, 0x5401, buf);
    CALL(fgetxattr, fd, "user.x", buf, 1L);
    CALL(fsetxattr, fd, "user.x", buf, 1L, 0);
    CALL(getdents64, fd, buf, 100);
    CALL(mmap, NULL, 4096L, PROT_READ, MAP_PRIVATE, fd, 0L);
    CALL(flock, fd, 1);
    CALL(fcntl, fd, F_SETFL, 0);
    CALL(sendfile, 1, fd, NULL, 1L);
    CALL(readahead, fd, 0L, 1L);
    CALL(fadvise64, fd, 0L, 0L, 0);
    CALL(syncfs, fd);
    struct pollfd p = {fd, POLLIN, 0};
    CALL(poll, &p, 1, 0);
    printf("%x\n", p.revents);
    struct epoll_event ev = {EPOLLIN, {0}};
    CALL(epoll_ctl, epoll_create1(0), EPOLL_CTL_ADD, fd, &ev);
}

static void allowed(int fd, int dir)
{
    char path[40];

    title("allowed");
    CALL(fstat, fd, &st);
    CALL(dup, fd);
    CALL(fcntl, fd, F_GETFD);
    printf("flags %o\n", fcntl(fd, F_GETFL));
    sprintf(path, "/proc/self/fd/%d", fd);
    memset(buf, 0, sizeof(buf));
    CALL(readlink, path, buf, 100L);
    puts(buf);
    int real = SHOW(open(path, O_RDWR));
    CALL(read, real, buf, 4L);
    CALL(openat, dir, "f", O_RDONLY);
    CALL(openat, fd, "x", O_RDONLY);
    CALL(fchdir, dir);
    CALL(fchdir, fd);
    CALL(openat, dir, "", O_RDONLY);
    CALL(faccessat2, fd, "", R_OK, AT_EMPTY_PATH);
    CALL(linkat, fd, "", AT_FDCWD, "/tmp/g", AT_EMPTY_PATH);
    unlink("/tmp/f");
    unlink("/tmp/g");
    CALL(fstat, fd, &st);
    printf("links %lu\n", (unsigned long)st.st_nlink);
    memset(buf, 0, sizeof(buf));
    CALL(readlink, path, buf, 100L);
    puts(buf);
    close(SHOW(open(path, O_RDONLY)));
}

int main(void)
{
    show_start();
    put("/tmp/f", "text");
    put("/tmp/secret", "text");
    chmod("/tmp/secret", 0);
    symlink("f", "/tmp/link");
    mkfifo("/tmp/fifo", 0600);
    int fd = open("/tmp/f", O_PATH), dir = open("/tmp", O_PATH);

    refused(fd);
    allowed(fd, dir);
    title("others");
    int link = CALL(open, "/tmp/link", O_PATH | O_NOFOLLOW);
    CALL(readlinkat, link, "", buf, 100L);
    printf("[%.1s]\n", buf);
    CALL(fstat, link, &st);
    printf("mode %o\n", st.st_mode);
    CALL(open, "/tmp/fifo", O_PATH);
    CALL(open, "/tmp/f", O_PATH | O_CREAT, 0600);
    CALL(open, "/tmp/secret", O_PATH | O_TRUNC);
    show_stat("/tmp/secret");
    CALL(open, "/tmp/secret", O_PATH | O_DIRECTORY);
    setresuid(NOBODY, NOBODY, NOBODY);
    int secret = CALL(open, "/tmp/secret", O_PATH);
    CALL(fstat, secret, &st);
    sprintf(buf, "/proc/self/fd/%d", secret);
    CALL(open, buf, O_RDONLY);
    return 0;
}
