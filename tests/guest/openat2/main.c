/* SPDX-License-Identifier: MIT
 *
 * openat2: every RESOLVE_ flag, the strictness that open lacks, sizes of
 * the structure, refusals.
 */
#include <linux/openat2.h>
#include "tests/guest/show.h"

static int dir;

static void try(const char *path, uint64_t flags, uint64_t resolve)
{
    struct open_how how = {flags, flags & O_CREAT ? 0600 : 0, resolve};
    long fd = RAW(openat2, dir, path, &how, sizeof(how));

    printf("%s %lo %lx: %s\n", path, flags, resolve,
           fd < 0 ? strerrorname_np(errno) : "ok");
    if (fd >= 0) {
        close(fd);
    }
}

static void resolving(void)
{
    static const char *const paths[] = {"f",
                                        "d/../f",
                                        "../tmp/f",
                                        "..",
                                        "/tmp/f",
                                        "/f",
                                        "rel",
                                        "abs",
                                        "up",
                                        "d/rel",
                                        "/proc/self/exe",
                                        "/proc/self/fd/0",
                                        "proc/version",
                                        "d/..",
                                        "magic/f",
                                        "none",
                                        "../../../f",
                                        "."};
    static const uint64_t flags[] = {0,
                                     RESOLVE_NO_SYMLINKS,
                                     RESOLVE_NO_MAGICLINKS,
                                     RESOLVE_BENEATH,
                                     RESOLVE_IN_ROOT,
                                     RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS};

    for (unsigned i = 0; i < COUNT(flags); i++) {
        for (unsigned k = 0; k < COUNT(paths); k++) {
            try(paths[k], O_RDONLY, flags[i]);
        }
    }
}

/* Natively this directory is a mount, and for us it is none. */
static void one_mount(void)
{
    static const char *const paths[] = {
        "f", "d/../f", "d/rel", "rel", ".", "none", "magic", "/proc/version"};

    for (unsigned k = 0; k < COUNT(paths); k++) {
        try(paths[k], O_RDONLY, RESOLVE_NO_XDEV);
    }
}

static void strictness(void)
{
    struct {
        struct open_how how;
        uint64_t more;
    } big = {{O_RDONLY, 0, 0}, 0};
    struct open_how how = {O_RDONLY, 0600, 0};

    title("strictness");
    CALL(openat2, dir, "f", &how, sizeof(how));
    how.mode = 0;
    how.flags = O_RDONLY | 0x40000000;
    CALL(openat2, dir, "f", &how, sizeof(how));
    how.flags = O_RDONLY | 1ull << 40;
    CALL(openat2, dir, "f", &how, sizeof(how));
    how.flags = O_PATH | O_RDWR;
    CALL(openat2, dir, "f", &how, sizeof(how));
    how.flags = O_RDONLY;
    how.resolve = 0x100;
    CALL(openat2, dir, "f", &how, sizeof(how));
    how.resolve = RESOLVE_BENEATH | RESOLVE_IN_ROOT;
    CALL(openat2, dir, "f", &how, sizeof(how));
    how.resolve = 0;
    how.flags = O_CREAT | O_RDWR;
    how.mode = 010600;
    CALL(openat2, dir, "new", &how, sizeof(how));
    how.mode = 0640;
    CALL(openat2, dir, "new", &how, sizeof(how));
    show_stat("/tmp/new");
    CALL(openat2, dir, "f", &big, sizeof(big));
    big.more = 1;
    CALL(openat2, dir, "f", &big, sizeof(big));
    CALL(openat2, dir, "f", &how, 16L);
    CALL(openat2, dir, "f", &how, 0L);
    CALL(openat2, dir, "f", &how, 5000L);
    CALL(openat2, dir, "f", BAD, sizeof(how));
    CALL(openat2, dir, BAD, &how, sizeof(how));
    CALL(openat2, 99, "f", &how, sizeof(how));
    try("f", O_RDONLY, RESOLVE_BENEATH);
    try("d/new", O_RDWR | O_CREAT, RESOLVE_BENEATH);
    try("up", O_RDWR | O_CREAT, RESOLVE_BENEATH);
    try("rel", O_RDONLY | O_NOFOLLOW, 0);
    try("rel", O_PATH | O_NOFOLLOW, RESOLVE_NO_SYMLINKS);
}

int main(void)
{
    show_start();
    put("/tmp/f", "");
    mkdir("/tmp/d", 0755);
    symlink("f", "/tmp/rel");
    symlink("/f", "/tmp/abs");
    symlink("../data/text", "/tmp/up");
    symlink("../f", "/tmp/d/rel");
    symlink("/proc/self/cwd", "/tmp/magic");
    chdir("/tmp");
    dir = open("/tmp", O_PATH);
    resolving();
    one_mount();
    strictness();
    return 0;
}
