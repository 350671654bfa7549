/* SPDX-License-Identifier: MIT
 *
 * getcwd, chdir, fchdir: what getcwd returns, short buffers, directories
 * that may not be searched, moving and vanishing ones.
 */
#include "tests/guest/show.h"

static char buf[5000];

static void where(void)
{
    memset(buf, 'x', sizeof(buf));
    long n = RAW(getcwd, buf, sizeof(buf));

    if (!show_failed("getcwd", n)) {
        printf("%s %ld\n", buf, n);
    }
}

int main(void)
{
    show_start();
    where();
    CALL(chdir, "/tmp");
    where();
    CALL(getcwd, buf, 5L);
    CALL(getcwd, buf, 4L);
    CALL(getcwd, buf, 0L);
    CALL(getcwd, NULL, 100L);
    CALL(getcwd, BAD, 100L);
    mkdir("d", 0755);
    mkdir("d/e", 0755);
    put("f", "");
    symlink("d/e", "l");
    CALL(chdir, "d/e");
    where();
    CALL(chdir, "../../l");
    where();
    CALL(chdir, "..");
    where();
    CALL(chdir, ".");
    CALL(chdir, "");
    CALL(chdir, "none");
    CALL(chdir, "/tmp/f");
    CALL(chdir, "/tmp/f/");
    CALL(chdir, "/../../..");
    where();
    title("fchdir");
    int dir = open("/tmp/d", O_RDONLY), path = open("/tmp/d/e", O_PATH);
    int file = open("/tmp/f", O_RDONLY);
    CALL(fchdir, dir);
    where();
    CALL(fchdir, path);
    where();
    CALL(fchdir, file);
    CALL(fchdir, 99);
    CALL(fchdir, -1);
    title("moving");
    rename("/tmp/d", "/tmp/moved");
    where();
    CALL(chdir, "..");
    where();
    title("long");
    CALL(chdir, "/tmp");
    for (int i = 0; i < 50; i++) {
        char name[101];

        memset(name, 'a' + i % 26, 100);
        name[100] = 0;
        mkdir(name, 0755);
        chdir(name);
    }
    CALL(getcwd, buf, 5000L);
    CALL(open, "x", O_CREAT | O_RDWR, 0600);
    for (int i = 0; i < 50; i++) {
        chdir("..");
    }
    where();
    title("without permission");
    mkdir("/tmp/closed", 0755);
    mkdir("/tmp/closed/in", 0755);
    chdir("/tmp/closed/in");
    chmod("/tmp/closed", 0);
    setresuid(NOBODY, NOBODY, NOBODY);
    where();
    CALL(chdir, ".");
    CALL(chdir, "..");
    CALL(chdir, "/tmp/closed");
    CALL(chdir, "/tmp/closed/in");
    where();
    return 0;
}
