/* SPDX-License-Identifier: MIT
 *
 * Mounts that move: recursive binds, MS_MOVE, lazy and expiring umount of what
 * has mounts on it, mountinfo's root field, pivot_root.
 */
#include <sched.h>
#include <sys/mount.h>
#include "tests/guest/show.h"

/* The fields of mountinfo that are the same everywhere, below a prefix. */
static void info(const char *prefix)
{
    char line[1024], root[256], point[256], type[64];
    FILE *f = fopen("/proc/self/mountinfo", "r");

    while (f && fgets(line, sizeof(line), f)) {
        char *dash = strstr(line, " - ");

        if (sscanf(line, "%*d %*d %*s %255s %255s", root, point) == 2 && dash &&
            sscanf(dash, " - %63s", type) == 1 &&
            strncmp(point, prefix, strlen(prefix)) == 0) {
            printf("  %s of %s at %s\n", root, type, point);
        }
    }
    if (f) {
        fclose(f);
    }
}

static void binds(void)
{
    title("binds");
    mkdir("/tmp/a", 0755);
    mkdir("/tmp/b", 0755);
    CALL(mount, "one", "/tmp/a", "tmpfs", 0, "");
    mkdir("/tmp/a/sub", 0755);
    mkdir("/tmp/a/dir", 0755);
    CALL(mount, "two", "/tmp/a/sub", "tmpfs", 0, "");
    put("/tmp/a/sub/file", "in two");
    put("/tmp/a/dir/file", "in one");
    CALL(mount, "/tmp/a", "/tmp/b", NULL, MS_BIND, NULL);
    cat("/tmp/b/sub/file");
    cat("/tmp/b/dir/file");
    CALL(umount2, "/tmp/b", 0);
    CALL(mount, "/tmp/a", "/tmp/b", NULL, MS_BIND | MS_REC, NULL);
    cat("/tmp/b/sub/file");
    info("/tmp/b");
    CALL(umount2, "/tmp/b", 0);
    CALL(umount2, "/tmp/b", MNT_DETACH);
    cat("/tmp/b/sub/file");
    CALL(mount, "/tmp/a/dir", "/tmp/b", NULL, MS_BIND, NULL);
    info("/tmp/b");
    CALL(umount2, "/tmp/b", 0);
    put("/tmp/plain", "");
    CALL(mount, "/tmp/a/dir/file", "/tmp/plain", NULL, MS_BIND, NULL);
    cat("/tmp/plain");
    info("/tmp/plain");
    CALL(mount, "/tmp/a/dir", "/tmp/plain", NULL, MS_BIND, NULL);
    CALL(umount2, "/tmp/plain", 0);
}

static void moves(void)
{
    title("moves");
    CALL(mount, "/tmp/a", "/tmp/b", NULL, MS_MOVE, NULL);
    info("/tmp/");
    cat("/tmp/b/sub/file");
    CALL(mount, "/tmp/a", "/tmp/b", NULL, MS_MOVE, NULL);
    CALL(mount, "/tmp/b", "/tmp/b/dir", NULL, MS_MOVE, NULL);
    CALL(mount, "/tmp/b/sub", "/tmp/a", NULL, MS_MOVE, NULL);
    info("/tmp/");
    title("expiry");
    CALL(umount2, "/tmp/a", MNT_EXPIRE | MNT_FORCE);
    CALL(umount2, "/tmp/a", MNT_EXPIRE);
    CALL(umount2, "/tmp/a", MNT_EXPIRE);
    CALL(umount2, "/tmp/a", MNT_EXPIRE);
    CALL(umount2, "/tmp/b", 0);
}

static void pivot(void)
{
    title("pivot_root");
    mkdir("/tmp/new", 0755);
    CALL(mount, "new", "/tmp/new", "tmpfs", 0, "");
    mkdir("/tmp/new/old", 0755);
    mkdir("/tmp/new/proc", 0755);
    put("/tmp/new/file", "in the new root");
    put("/tmp/outside", "in the old root");
    CALL(pivot_root, "/tmp/new", "/tmp/none");
    CALL(pivot_root, "/tmp/new", "/tmp/new/file");
    CALL(pivot_root, "/data", "/data");
    CALL(pivot_root, "/tmp/new", "/");
    CALL(pivot_root, BAD, "/");
    chdir("/");
    CALL(pivot_root, "/tmp/new", "/tmp/new/old");
    cat("/file");
    cat("file");
    cat("/old/tmp/outside");
    CALL(mount, "proc", "/proc", "proc", 0, "");
    info("/proc");
    CALL(umount2, "/old", 0);
    CALL(umount2, "/old", MNT_DETACH);
    cat("/old/tmp/outside");
    info("/old");
}

int main(void)
{
    show_start();
    unshare(CLONE_NEWNS); /* not the namespace of whoever started us */
    binds();
    moves();
    pivot();
    return 0;
}
