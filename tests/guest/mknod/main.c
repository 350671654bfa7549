/* SPDX-License-Identifier: MIT
 *
 * mknod, mknodat and the files they make: regular files, fifos, and the
 * memory devices, which work wherever the file system allows devices.
 */
#include <sys/sysmacros.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

static char buf[100];

static void making(void)
{
    struct stat st;

    title("mknod");
    CALL(mknod, "/tmp/reg", S_IFREG | 0640, 0);
    show_stat("/tmp/reg");
    CALL(mknod, "/tmp/plain", 0600, 0);
    show_stat("/tmp/plain");
    CALL(mknod, "/tmp/fifo", S_IFIFO | 0600, 0);
    show_stat("/tmp/fifo");
    CALL(mknod, "/tmp/sock", S_IFSOCK | 0600, 0);
    show_stat("/tmp/sock");
    CALL(mknod, "/tmp/null", S_IFCHR | 0666, makedev(1, 3));
    stat("/tmp/null", &st);
    printf("mode %o device %u:%u\n", st.st_mode, major(st.st_rdev),
           minor(st.st_rdev));
    CALL(mknod, "/tmp/odd", S_IFCHR | 0600, makedev(300, 70000));
    stat("/tmp/odd", &st);
    printf("device %u:%u\n", major(st.st_rdev), minor(st.st_rdev));
    CALL(mknod, "/tmp/dir", S_IFDIR | 0755, 0);
    CALL(mknod, "/tmp/link", S_IFLNK | 0755, 0);
    CALL(mknod, "/tmp/bits", 0030000 | 0755, 0);
    CALL(mknod, "/tmp/reg", S_IFREG, 0);
    CALL(mknod, "/tmp/none/x", S_IFREG, 0);
    CALL(mknod, "/tmp/slash/", S_IFREG, 0);
    CALL(mknodat, 99, "x", S_IFREG, 0);
    CALL(mknodat, AT_FDCWD, "/tmp/at", S_IFREG | 0600, 0);
    CALL(open, "/tmp/sock", O_RDWR);
    CALL(open, "/tmp/sock", O_PATH);
}

static void devices(void)
{
    int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR);
    int full = open("/dev/full", O_RDWR);
    int random = open("/dev/urandom", O_RDWR);

    title("devices");
    CALL(read, null, buf, 10L);
    CALL(write, null, BAD, 10L);
    CALL(lseek, null, 10L, SEEK_SET);
    CALL(lseek, null, 10L, SEEK_CUR);
    CALL(ftruncate, null, 0L);
    memset(buf, 'x', sizeof(buf));
    CALL(read, zero, buf, 50L);
    printf("%d %c\n", buf[49], buf[50]);
    CALL(write, zero, buf, 50L);
    CALL(pread64, zero, buf, 5L, 1000L);
    CALL(read, full, buf, 10L);
    CALL(write, full, buf, 10L);
    CALL(write, full, buf, 0L);
    CALL(read, random, buf, 50L);
    CALL(write, random, buf, 50L);
    CALL(lseek, zero, 5L, SEEK_END);
    CALL(read, zero, BAD, 10L);
    CALL(fsync, null);
    CALL(fsync, zero);
    close(null);
    close(zero);
    close(full);
    close(random);
}

/* The device that is none needs no rights. */
static void whiteouts(void)
{
    int pid;

    title("whiteouts");
    mkdir("/tmp/w", 0755);
    CALL(mount, "t", "/tmp/w", "tmpfs", 0, "mode=777");
    fflush(stdout);
    pid = fork();
    if (!pid) {
        CALL(setuid, 65534);
        CALL(mknod, "/tmp/w/none", S_IFCHR | 0600, 0);
        CALL(mknod, "/tmp/w/null", S_IFCHR | 0600, 0x103);
        CALL(mknod, "/tmp/w/block", S_IFBLK | 0600, 0);
        fflush(stdout);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    CALL(umount2, "/tmp/w", 0);
}

int main(void)
{
    show_start();
    making();
    whiteouts();
    devices();
    return 0;
}
