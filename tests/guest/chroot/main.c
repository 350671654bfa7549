/* SPDX-License-Identifier: MIT
 *
 * chroot: another root for paths and links, no way out by "..", what a
 * directory outside still can do, getcwd from outside.
 */
#include "tests/guest/show.h"

int main(void)
{
    char buf[300];
    struct stat st;

    show_start();
    mkdir("/tmp/root", 0755);
    mkdir("/tmp/root/in", 0755);
    put("/tmp/root/file", "inside");
    put("/tmp/file", "outside");
    symlink("/file", "/tmp/root/absolute");
    symlink("../../file", "/tmp/root/in/relative");
    CALL(chroot, "/tmp/none");
    CALL(chroot, "/tmp/file");
    CALL(chroot, "");
    CALL(chroot, BAD);
    int outside = open("/tmp", O_RDONLY);
    CALL(chdir, "/data");
    CALL(chroot, "/tmp/root");
    cat("/file");
    cat("/absolute");
    cat("/in/relative");
    cat("/../../../file");
    cat("/in/../../file");
    title("the working directory is outside");
    cat("text2");
    CALL(stat, "text", &st);
    SHOW(getcwd(buf, 300) != NULL);
    printf("%d\n", strncmp(buf, "(unreachable)/", 14) == 0);
    CALL(openat, outside, "file", O_RDONLY);
    CALL(openat, outside, "../data/text", O_RDONLY);
    CALL(openat, outside, "/file", O_RDONLY);
    title("inside");
    CALL(chdir, "/");
    CALL(getcwd, buf, 300L);
    printf("%s\n", buf);
    CALL(chdir, "in");
    CALL(getcwd, buf, 300L);
    printf("%s\n", buf);
    CALL(chdir, "../..");
    CALL(getcwd, buf, 300L);
    printf("%s\n", buf);
    CALL(stat, "/tmp", &st);
    title("and out again");
    CALL(fchdir, outside);
    CALL(chdir, "..");
    CALL(chroot, ".");
    CALL(stat, "/tmp/root/file", &st);
    CALL(getcwd, buf, 300L);
    printf("%s\n", buf);
    setresuid(NOBODY, NOBODY, NOBODY);
    CALL(chroot, "/tmp");
    return 0;
}
