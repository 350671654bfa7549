/* SPDX-License-Identifier: MIT
 *
 * Permissions on the way to a file and in directories, for somebody without
 * privilege: search, read and write of directories, the sticky bit, groups.
 */
#include <grp.h>
#include "tests/guest/show.h"

static void make(void)
{
    static const int modes[] = {0, 1, 2, 3, 4, 5, 6, 7};
    char path[60];

    for (unsigned i = 0; i < COUNT(modes); i++) {
        sprintf(path, "/tmp/d%d", modes[i]);
        mkdir(path, 0700);
        sprintf(path, "/tmp/d%d/f", modes[i]);
        put(path, "text");
        sprintf(path, "/tmp/d%d/sub", modes[i]);
        mkdir(path, 0777);
        sprintf(path, "/tmp/d%d", modes[i]);
        chmod(path, 0700 | modes[i]);
    }
    mkdir("/tmp/sticky", 0777);
    chmod("/tmp/sticky", 01777);
    put("/tmp/sticky/root", "");
    put("/tmp/sticky/own", "");
    chown("/tmp/sticky/own", NOBODY, NOBODY);
    mkdir("/tmp/sticky/dir", 0777);
    mkdir("/tmp/group", 0070);
    chown("/tmp/group", 0, 50);
    mkdir("/tmp/owner", 0077);
    chown("/tmp/owner", NOBODY, 50);
    put("/tmp/secret", "");
    chmod("/tmp/secret", 0600);
    int fd = open("/tmp/secret", O_RDWR);
    printf("kept %d\n", fd);
}

static void directory(int mode)
{
    char dir[60], file[60], name[60];
    struct stat st;

    sprintf(dir, "/tmp/d%d", mode);
    sprintf(file, "/tmp/d%d/f", mode);
    sprintf(name, "/tmp/d%d/new", mode);
    title(dir);
    SHOW(close(open(dir, O_RDONLY)));
    SHOW(close(open(file, O_RDONLY)));
    SHOW(close(open(file, O_RDWR)));
    SHOW(close(open(name, O_CREAT | O_RDWR, 0600)));
    SHOW(stat(file, &st));
    SHOW(stat(name, &st));
    SHOW(mkdir(name, 0700));
    SHOW(rename(file, name));
    SHOW(link(name, file));
    SHOW(unlink(name));
    SHOW(rmdir(name));
    SHOW(chdir(dir));
    SHOW(access(dir, R_OK | W_OK | X_OK));
}

static void others(void)
{
    struct stat st;

    title("the sticky bit");
    CALL(unlink, "/tmp/sticky/root");
    CALL(rename, "/tmp/sticky/root", "/tmp/sticky/new");
    CALL(rename, "/tmp/sticky/own", "/tmp/sticky/root");
    CALL(rmdir, "/tmp/sticky/dir");
    CALL(rename, "/tmp/sticky/own", "/tmp/sticky/new");
    CALL(unlink, "/tmp/sticky/new");
    title("groups");
    CALL(mkdir, "/tmp/group/x", 0700);
    CALL(mkdir, "/tmp/owner/x", 0700);
    CALL(chdir, "/tmp/owner");
    title("descriptors");
    CALL(open, "/tmp/secret", O_RDONLY);
    CALL(open, "/proc/self/fd/3", O_RDONLY);
    CALL(fstat, 3, &st);
    CALL(write, 3, "x", 1L);
    CALL(fchmod, 3, 0666);
    CALL(ftruncate, 3, 0L);
    CALL(truncate, "/tmp/secret", 0L);
    CALL(truncate, "/tmp", 0L);
    CALL(open, "/tmp/secret", O_PATH);
    title("refused to all but root");
    CALL(chroot, "/tmp");
    CALL(mknod, "/tmp/sticky/dev", S_IFCHR | 0600, 0x103);
    CALL(mknod, "/tmp/sticky/reg", S_IFREG | 0600, 0);
    CALL(mknod, "/tmp/sticky/fifo", S_IFIFO | 0600, 0);
    CALL(open, "/tmp/d7/f", O_RDONLY | O_NOATIME);
}

int main(void)
{
    gid_t group = 50;

    show_start();
    make();
    setgroups(1, &group);
    setresgid(NOBODY, NOBODY, NOBODY);
    setresuid(NOBODY, NOBODY, NOBODY);
    for (int mode = 0; mode < 8; mode++) {
        directory(mode);
    }
    others();
    return 0;
}
