/* SPDX-License-Identifier: MIT
 *
 * access, faccessat, faccessat2: as root and as somebody, by real and by
 * effective ids, on every kind of file.
 */
#include <grp.h>
#include "tests/guest/show.h"

static void each(const char *path)
{
    printf("%s:", path);
    for (int mode = 0; mode < 8; mode++) {
        long r = RAW(access, path, mode);

        printf(" %s", r ? strerrorname_np(errno) : "yes");
    }
    printf("\n");
}

static void all(void)
{
    char path[20];
    static const int modes[] = {0,    0100, 0200, 0400, 0700, 0010, 0070,
                                0001, 0004, 0005, 0007, 0755, 0644, 0111};

    for (unsigned i = 0; i < COUNT(modes); i++) {
        sprintf(path, "/tmp/m%o", modes[i]);
        each(path);
    }
    each("/tmp/dir");
    each("/tmp/dir/f");
    each("/tmp/link");
    each("/tmp/none");
    each("/tmp/m644/x");
    each("/dev/null");
    each("/proc/self");
    each("/proc/version");
}

static void make(void)
{
    char path[20];

    for (int mode = 0; mode < 01000; mode++) {
        sprintf(path, "/tmp/m%o", mode);
        close(open(path, O_CREAT | O_WRONLY, 0600));
        chmod(path, mode);
    }
    mkdir("/tmp/dir", 0700);
    put("/tmp/dir/f", "");
    chmod("/tmp/dir/f", 0777);
    symlink("m700", "/tmp/link");
    /* Of nobody's group, of somebody else. */
    chown("/tmp/m70", 1, NOBODY);
    chown("/tmp/m10", 1, NOBODY);
    chown("/tmp/m700", NOBODY, NOBODY);
    chown("/tmp/m400", NOBODY, 0);
    /* An owner's bits count, even when others may more. */
    chown("/tmp/m7", NOBODY, 0);
}

static void with_flags(void)
{
    int fd = open("/tmp/m644", O_RDONLY), dir = open("/tmp", O_PATH);

    title("flags");
    CALL(faccessat, dir, "m644", R_OK);
    CALL(faccessat, 99, "m644", R_OK);
    CALL(faccessat2, dir, "m644", R_OK, 0);
    CALL(faccessat2, dir, "m644", R_OK, AT_EACCESS);
    CALL(faccessat2, fd, "", R_OK, AT_EMPTY_PATH);
    CALL(faccessat2, fd, "", R_OK, 0);
    CALL(faccessat2, dir, "none", R_OK, AT_SYMLINK_NOFOLLOW);
    CALL(faccessat2, dir, "link", W_OK, AT_SYMLINK_NOFOLLOW);
    CALL(faccessat2, dir, "m644", R_OK, 1);
    CALL(faccessat2, dir, "m644", 8, 0);
    CALL(access, "/tmp/m644", 8);
    CALL(access, "/tmp/m644", -1);
    CALL(access, "", 0);
    close(fd);
    close(dir);
}

int main(void)
{
    show_start();
    title("root");
    make();
    all();
    with_flags();

    title("real nobody, effective root");
    setresuid(NOBODY, 0, 0);
    CALL(access, "/tmp/m600", R_OK);
    CALL(faccessat2, AT_FDCWD, "/tmp/m600", R_OK, AT_EACCESS);
    close(CALL(open, "/tmp/m600", O_RDONLY));
    title("effective nobody, real root");
    setresuid(0, NOBODY, 0);
    CALL(access, "/tmp/m600", R_OK);
    CALL(faccessat2, AT_FDCWD, "/tmp/m600", R_OK, AT_EACCESS);
    CALL(open, "/tmp/m600", O_RDONLY);

    title("nobody");
    setresuid(0, 0, 0);
    setgroups(0, NULL);
    setresgid(NOBODY, NOBODY, NOBODY);
    setresuid(NOBODY, NOBODY, NOBODY);
    all();
    with_flags();
    return 0;
}
