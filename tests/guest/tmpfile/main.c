/* SPDX-License-Identifier: MIT
 *
 * O_TMPFILE: a file without a name, that gets one by linkat or never.
 */
#include "tests/guest/show.h"

int main(void)
{
    char path[40];
    struct stat st;

    show_start();
    mkdir("/tmp/d", 0755);
    int fd = CALL(open, "/tmp/d", O_TMPFILE | O_RDWR, 0640);
    fstat(fd, &st);
    printf("mode %o links %lu\n", st.st_mode, (unsigned long)st.st_nlink);
    printf("flags %o\n", fcntl(fd, F_GETFL));
    CALL(write, fd, "unnamed", 7L);
    CALL(rmdir, "/tmp/d");
    mkdir("/tmp/d", 0755);
    sprintf(path, "/proc/self/fd/%d", fd);
    CALL(linkat, AT_FDCWD, path, AT_FDCWD, "/tmp/named", AT_SYMLINK_FOLLOW);
    show_stat("/tmp/named");
    cat("/tmp/named");
    CALL(write, fd, "!", 1L);
    cat("/tmp/named");
    close(fd);
    fd = CALL(open, "/tmp", O_TMPFILE | O_WRONLY, 0600);
    CALL(linkat, fd, "", AT_FDCWD, "/tmp/named2", AT_EMPTY_PATH);
    show_stat("/tmp/named2");
    CALL(linkat, fd, "", AT_FDCWD, "/tmp/named2", AT_EMPTY_PATH);
    unlink("/tmp/named2");
    CALL(linkat, fd, "", AT_FDCWD, "/tmp/named2", AT_EMPTY_PATH);
    close(fd);
    title("O_EXCL: never a name");
    fd = CALL(open, "/tmp", O_TMPFILE | O_RDWR | O_EXCL, 0600);
    CALL(linkat, fd, "", AT_FDCWD, "/tmp/named3", AT_EMPTY_PATH);
    close(fd);
    title("refusals");
    CALL(open, "/tmp", O_TMPFILE | O_RDONLY, 0600);
    CALL(open, "/tmp/named", O_TMPFILE | O_RDWR, 0600);
    CALL(open, "/tmp/none", O_TMPFILE | O_RDWR, 0600);
    CALL(open, "/tmp", O_TMPFILE | O_RDWR | O_CREAT, 0600);
    CALL(open, "/tmp", (O_TMPFILE & ~O_DIRECTORY) | O_RDWR, 0600);
    CALL(open, "/proc", O_TMPFILE | O_RDWR, 0600);
    chmod("/tmp/d", 0755);
    setresuid(NOBODY, NOBODY, NOBODY);
    CALL(open, "/tmp/d", O_TMPFILE | O_RDWR, 0600);
    return 0;
}
