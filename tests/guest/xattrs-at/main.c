/* SPDX-License-Identifier: MIT
 *
 * setxattrat(2) and its three relatives: directory, path, flags and a structure
 * that may grow; which mistake is named first. And who takes NULL for a path
 * that is empty: these, statx(2), newfstatat(2) and file_getattr(2).
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include "tests/guest/newer.h"
#include "tests/guest/show.h"

enum {
    SETXATTRAT = 463,
    GETXATTRAT,
    LISTXATTRAT,
    REMOVEXATTRAT,
    GETATTR = 468
};

static long result(long r)
{
    return r < 0 ? -errno : r;
}
#define TRY(number, ...) result(syscall(number, ##__VA_ARGS__))

struct args {
    uint64_t value;
    uint32_t size, flags;
    uint8_t beyond[5000];
};

static struct args in, out;
static char got[100];
static int dir, file, path;

static void get(const char *what, int fd, const char *name, int flags,
                const char *attribute, long size, long want)
{
    out.value = (uint64_t)got;
    out.size = sizeof(got);
    must(what, TRY(GETXATTRAT, fd, name, flags, attribute, &out, size) == want);
}

static void set(const char *what, const char *name, int flags, long size,
                long want)
{
    must(what, TRY(SETXATTRAT, dir, name, flags, "user.a", &in, size) == want);
}

static void setting(void)
{
    in.value = (uint64_t) "one";
    in.size = 3;
    set("set", "f", 0, 16, 0);
    set("set in the longer structure", "f", 0, 4096, 0);
    in.beyond[70] = 1;
    set("set what is not known yet", "f", 0, 4096, -E2BIG);
    in.beyond[70] = 0;
    set("set in a page and more", "f", 0, 4097, -E2BIG);
    set("set in too short a structure", "f", 0, 15, -EINVAL);
    set("set with a flag of no meaning", "f", 2, 16, -EINVAL);
    in.flags = XATTR_CREATE;
    set("create what is there", "f", 0, 16, -EEXIST);
    in.flags = 4;
    set("set with a flag of no meaning inside", "f", 0, 16, -EINVAL);
    in.flags = 0;
    in.size = XATTR_SIZE_MAX + 1;
    set("set too much", "f", 0, 16, -E2BIG);
    in.size = 8;
    in.value = 8;
    set("set from nowhere", "nothing", 0, 16, -EFAULT);
    must("set out of nowhere",
         TRY(SETXATTRAT, dir, "f", 0, "user.a", 8, 16) == -EFAULT);
}

static void getting(void)
{
    get("get", dir, "f", 0, "user.a", 16, 3);
    get("get by descriptor", file, "", AT_EMPTY_PATH, "user.a", 16, 3);
    get("get by descriptor alone", file, NULL, AT_EMPTY_PATH, "user.a", 16, 3);
    get("get NULL", file, NULL, 0, "user.a", 16, -EFAULT);
    get("get nothing", file, "", 0, "user.a", 16, -ENOENT);
    get("get of a path", path, "", AT_EMPTY_PATH, "user.a", 16, -EBADF);
    get("get of no descriptor", -5, "", AT_EMPTY_PATH, "user.a", 16, -EBADF);
    get("get of the cwd", AT_FDCWD, NULL, AT_EMPTY_PATH, "user.a", 16,
        -ENODATA);
    get("get without a name", dir, "f", 0, "", 16, -ERANGE);
    get("get without a name and wrongly", dir, "f", 2, "", 16, -EINVAL);
    get("get by a link", dir, "l", AT_SYMLINK_NOFOLLOW, "user.a", 16, -ENODATA);
    get("get through a link", dir, "l", 0, "user.a", 16, 3);
    out.flags = 1;
    get("get with a flag", dir, "f", 0, "user.a", 16, -EINVAL);
    out.flags = 0;
}

static void listing(void)
{
    must("list", TRY(LISTXATTRAT, dir, "f", 0, got, sizeof(got)) == 7);
    must("list of a path",
         TRY(LISTXATTRAT, path, "", AT_EMPTY_PATH, got, sizeof(got)) == -EBADF);
    must("list of the cwd", TRY(LISTXATTRAT, AT_FDCWD, "", AT_EMPTY_PATH, got,
                                sizeof(got)) == -EBADF);
    must("list wrongly", TRY(LISTXATTRAT, dir, "f", 2, got, 100) == -EINVAL);
    must("remove wrongly",
         TRY(REMOVEXATTRAT, dir, "f", 2, "user.a") == -EINVAL);
    must("remove", TRY(REMOVEXATTRAT, dir, "f", 0, "user.a") == 0);
    must("remove again",
         TRY(REMOVEXATTRAT, file, NULL, AT_EMPTY_PATH, "user.a") == -ENODATA);
}

static void without_a_path(void)
{
    struct stat st;
    struct statx sx;
    char attr[24];
    int e = AT_EMPTY_PATH;

    old = older_than(6, 11);
    must("newfstatat", TRY(SYS_newfstatat, path, NULL, &st, e) == 0);
    must("newfstatat of the cwd",
         TRY(SYS_newfstatat, AT_FDCWD, NULL, &st, e) == 0);
    must("statx", TRY(SYS_statx, path, NULL, e, 0, &sx) == 0);
    must("statx of the cwd", TRY(SYS_statx, AT_FDCWD, NULL, e, 0, &sx) == 0);
    must("statx of none", TRY(SYS_statx, -5, NULL, e, 0, &sx) == -EBADF);
    must("fchownat", TRY(SYS_fchownat, path, NULL, 0, 0, e) == -EFAULT);
    old = older_than(6, 17);
    must("file_getattr", TRY(GETATTR, dir, NULL, attr, sizeof(attr), e) == 0);
    must("file_getattr of the cwd",
         TRY(GETATTR, AT_FDCWD, NULL, attr, sizeof(attr), e) == 0);
    must("file_getattr of a path",
         TRY(GETATTR, path, NULL, attr, sizeof(attr), e) == -EBADF);
}

int main(void)
{
    show_start();
    chdir("/tmp");
    put("/tmp/f", "");
    symlink("f", "/tmp/l");
    dir = open("/tmp", O_RDONLY);
    file = open("/tmp/f", O_RDONLY);
    path = open("/tmp", O_PATH);
    old = older_than(6, 13);
    setting();
    getting();
    listing();
    without_a_path();
    return 0;
}
