/* SPDX-License-Identifier: MIT
 *
 * statfs, fstatfs, ustat: names of file systems that are the same
 * everywhere, sane figures elsewhere, refusals.
 */
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include "tests/guest/show.h"

static struct statfs sf;

static void sane(const char *path)
{
    memset(&sf, 0xee, sizeof(sf));
    if (show_failed(path, RAW(statfs, path, &sf))) {
        return;
    }
    printf("%s: block %ld fragment %ld names %ld sane %d%d\n", path,
           (long)sf.f_bsize, (long)sf.f_frsize, (long)sf.f_namelen,
           sf.f_bfree <= sf.f_blocks && sf.f_bavail <= sf.f_bfree,
           sf.f_ffree <= sf.f_files);
}

static void type(const char *path)
{
    memset(&sf, 0, sizeof(sf));
    RAW(statfs, path, &sf);
    printf("%s: type %lx blocks %ld\n", path, (long)sf.f_type,
           (long)sf.f_blocks);
}

int main(void)
{
    struct statvfs vfs;
    struct statfs other;
    int p[2];

    show_start();
    sane("/");
    sane("/tmp");
    sane("/data/text");
    type("/proc");
    type("/proc/self/status");
    put("/tmp/f", "");
    symlink("/proc", "/tmp/link");
    type("/tmp/link");
    int fd = open("/tmp/f", O_RDONLY), path = open("/proc", O_PATH);
    CALL(fstatfs, fd, &sf);
    CALL(statfs, "/tmp/f", &other);
    printf("the same %d\n", memcmp(&sf.f_fsid, &other.f_fsid, 8) == 0 &&
                                sf.f_type == other.f_type);
    CALL(fstatfs, path, &sf);
    printf("type %lx\n", (long)sf.f_type);
    pipe(p);
    CALL(fstatfs, p[0], &sf);
    printf("type %lx\n", (long)sf.f_type);
    statvfs("/proc", &vfs);
    printf("readonly %d\n", !!(vfs.f_flag & ST_RDONLY));
    title("refusals");
    CALL(statfs, "/tmp/none", &sf);
    CALL(statfs, "/tmp/f/x", &sf);
    CALL(statfs, "", &sf);
    CALL(statfs, BAD, &sf);
    CALL(statfs, "/tmp", BAD);
    CALL(fstatfs, 99, &sf);
    CALL(fstatfs, fd, BAD);
    CALL(ustat, 0x7fff, &sf);
    return 0;
}
