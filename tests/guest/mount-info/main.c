/* SPDX-License-Identifier: MIT
 *
 * listmount and statmount: a new mount is listed and described; errors. Linux
 * has them since 6.8; on an older one only the words are printed.
 */
#include <sys/mount.h>
#include <sys/wait.h>
#include "tests/guest/newer.h"
#include "tests/guest/show.h"

#define LISTMOUNT 458
#define STATMOUNT 457
#define UNIQUE    0x4000

struct request {
    uint32_t size, spare;
    uint64_t id, param;
};

static long call(long nr, uint32_t size, uint64_t id, uint64_t param, void *to,
                 long room, long flags)
{
    struct request req = {size, 0, id, param};
    long r;

    errno = 0;
    r = syscall(nr, &req, to, room, flags);
    return r < 0 ? -errno : r;
}

static uint64_t id_of(const char *path)
{
    struct {
        uint32_t mask;
        uint32_t words[35];
        uint64_t mount;
        uint64_t rest[13];
    } s = {0};

    syscall(SYS_statx, AT_FDCWD, path, 0, UNIQUE, &s);
    return s.mount;
}

int main(void)
{
    uint64_t ids[64], out[128], id, root;
    const char *text = (char *)out + 512;
    long n, found = 0;

    show_start();
    old = older_than(6, 8);
    mkdir("/tmp/m", 0700);
    SHOW(mount("origin", "/tmp/m", "tmpfs", MS_NOSUID, NULL));
    id = id_of("/tmp/m");
    root = id_of("/");
    must("ids", id > 1ull << 31 && root > 1ull << 31 && id != root);
    n = call(LISTMOUNT, 24, ~0ull, 0, ids, 64, 0);
    for (int i = 0; i < n; i++) {
        found += ids[i] == id;
    }
    must("listed once", found == 1);
    must("below it nothing", call(LISTMOUNT, 24, id, 0, ids, 64, 0) == 0);
    must("after it nothing", call(LISTMOUNT, 24, ~0ull, id, ids, 64, 0) == 0);
    must("described", call(STATMOUNT, 24, id, 0x33, out, sizeof(out), 0) == 0);
    must("mask", (out[1] & 0x33) == 0x33);
    must("id", out[5] == id && (out[8] & 2));
    must("type", !strcmp(text + (uint32_t)(out[4] >> 32), "tmpfs"));
    must("point", strstr(text + (uint32_t)(out[13] >> 32), "/tmp/m") != NULL);
    must("no room", call(STATMOUNT, 24, id, 0x33, out, 512, 0) == -EOVERFLOW);
    must("flags", call(STATMOUNT, 24, id, 1, out, 512, 1) == -EINVAL);
    must("size", call(STATMOUNT, 8, id, 1, out, 512, 0) == -EINVAL);
    must("long", call(STATMOUNT, 5000, id, 1, out, 512, 0) == -E2BIG);
    must("old id", call(STATMOUNT, 24, 1, 1, out, 512, 0) == -EINVAL);
    must("no id", call(STATMOUNT, 24, ~1ull, 1, out, 512, 0) == -ENOENT);
    must("where", call(STATMOUNT, 24, id, 1, BAD, 512, 0) == -EFAULT);
    must("list flags", call(LISTMOUNT, 24, id, 0, ids, 64, 8) == -EINVAL);
    must("list where", call(LISTMOUNT, 24, ~0ull, 0, BAD, 64, 0) == -EFAULT);
    must("list none", call(LISTMOUNT, 24, ~1ull, 0, ids, 64, 0) == -ENOENT);
    if (!fork()) {
        chroot("/tmp/m");
        setresuid(NOBODY, NOBODY, NOBODY);
        must("from below", call(STATMOUNT, 24, root, 1, out, 512, 0) == -EPERM);
        _exit(0);
    }
    wait(NULL);
    SHOW(umount("/tmp/m"));
    must("gone", call(STATMOUNT, 24, id, 1, out, 512, 0) == -ENOENT);
    return 0;
}
