/* SPDX-License-Identifier: MIT
 *
 * Mounts on mounts: umount of "." takes the topmost, pivot_root(".", ".") and
 * what follows it, trees bound into themselves until there are too many, what
 * a chroot sees of mounts, what is detached or no directory, propagation flags,
 * options as /proc/self/mountinfo has them.
 */
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

/* Mounts whose mount point begins with prefix, and where `show`, their options
 * up to "inode64", which some kernels add. */
static int mounts_at(const char *prefix, int show)
{
    char line[4096], point[1024], options[128];
    FILE *f = fopen("/proc/self/mountinfo", "r");
    int n = 0;

    while (f && fgets(line, sizeof(line), f)) {
        char *dash = strstr(line, " - ");

        if (sscanf(line, "%*d %*d %*s %*s %1023s %127s", point, options) != 2 ||
            strncmp(point, prefix, strlen(prefix)) != 0) {
            continue;
        }
        n++;
        if (show && dash) {
            dash[strcspn(dash, "\n")] = '\0';
            if (strstr(dash, ",inode64")) {
                *strstr(dash, ",inode64") = '\0';
            }
            printf("  %s %s%s\n", point, options, dash);
        }
    }
    if (f) {
        fclose(f);
    }
    return n;
}

static void dots(void)
{
    title("umount of .");
    mkdir("/tmp/d", 0755);
    chdir("/tmp/d");
    CALL(mount, "one", "/tmp/d", "tmpfs", 0, "");
    CALL(mount, "two", ".", "tmpfs", 0, "");
    CALL(mount, "three", "/tmp/d", "tmpfs", 0, "");
    EXPECT(mounts_at("/tmp/d", 0) == 3);
    CALL(umount2, ".", 0);
    CALL(umount2, ".", MNT_DETACH);
    EXPECT(mounts_at("/tmp/d", 1) == 1);
    CALL(umount2, ".", 0);
    CALL(umount2, ".", 0);
    chdir("/");
}

/* Each binding doubles what there is, up to fs.mount-max, 100000. */
static void doubling(void)
{
    int before, binds = 0;

    title("too many");
    mkdir("/tmp/t", 0755);
    CALL(mount, "tree", "/tmp/t", "tmpfs", 0, "");
    mkdir("/tmp/t/in", 0755);
    before = mounts_at("/", 0);
    while (!RAW(mount, "/tmp/t", "/tmp/t/in", NULL, MS_BIND | MS_REC, NULL)) {
        binds++;
    }
    printf("%d times, then %s\n", binds, strerrorname_np(errno));
    EXPECT(mounts_at("/", 0) == before + (1 << binds) - 1);
    CALL(mount, "none", "/tmp/t", "tmpfs", 0, NULL);
    CALL(umount2, "/tmp/t", 0);
    CALL(umount2, "/tmp/t/in", 0);
    CALL(umount2, "/tmp/t", 0);
    CALL(umount2, "/tmp/t", MNT_DETACH);
    EXPECT(mounts_at("/", 0) == before - 1);
}

/* More stand on one directory than a byte counts. */
static void high(void)
{
    int n, gone = 0;

    title("high");
    mkdir("/tmp/h", 0755);
    for (n = 0; n < 300 && !RAW(mount, "/tmp/h", "/tmp/h", 0, MS_BIND, 0);) {
        n++;
    }
    EXPECT(mounts_at("/tmp/h", 0) == n);
    while (!RAW(umount2, "/tmp/h", 0)) {
        gone++;
    }
    printf("%d mounted, %d unmounted\n", n, gone);
    mkdir("/tmp/w", 0755);
    CALL(mount, "wide", "/tmp/w", "tmpfs", 0, "");
    mkdir("/tmp/w/d", 0755);
    mkdir("/tmp/v", 0755);
    for (n = 0; n < 300; n++) { /* the same directory, by many mounts */
        RAW(mount, "/tmp/w", "/tmp/v", NULL, MS_BIND, NULL);
        RAW(mount, "deep", "/tmp/v/d", "tmpfs", 0, "");
    }
    EXPECT(mounts_at("/tmp/v/d", 0) == 300);
    for (gone = 0;
         !RAW(umount2, "/tmp/v/d", 0) && !RAW(umount2, "/tmp/v", 0);) {
        gone++;
    }
    printf("%d pairs\n", gone);
    CALL(umount2, "/tmp/w", 0);
}

static void outside(void)
{
    int fd;

    title("nowhere, and no directories");
    mkdir("/tmp/o", 0755);
    CALL(mount, "o", "/tmp/o", "tmpfs", 0, "");
    mkdir("/tmp/o/d", 0755);
    fd = open("/tmp/o/d", O_RDONLY);
    dup2(fd, 20);
    CALL(umount2, "/tmp/o", MNT_DETACH);
    CALL(mount, "o", "/proc/self/fd/20", "tmpfs", 0, "");
    CALL(mount, "/proc/self/fd/20", "/tmp/o", NULL, MS_BIND, NULL);
    CALL(mount, "/tmp", "/proc/self/fd/20", NULL, MS_BIND, NULL);
    CALL(umount2, "/proc/self/fd/20", 0);
    dup2(memfd_create("m", 0), 20);
    CALL(mount, "o", "/proc/self/fd/20", "tmpfs", 0, "");
    CALL(mount, "/proc/self/fd/20", "/tmp/o", NULL, MS_BIND, NULL);
    close(20);
    put("/tmp/plain", "");
    CALL(mount, "o", "/tmp/plain", "tmpfs", 0, "");
    CALL(mount, "o", "/tmp/plain", "nosuchfs", 0, "");
    CALL(mount, "/tmp/plain", "/tmp/o", NULL, MS_BIND, NULL);
    CALL(mount, "/tmp/none", "/tmp/o", NULL, MS_BIND, NULL);
}

static void flags(void)
{
    struct pollfd p = {open("/proc/self/mountinfo", O_RDONLY), POLLPRI, 0};

    title("flags and options");
    mkdir("/tmp/f", 0755);
    CALL(mount, NULL, "/tmp/f", "tmpfs", MS_NOEXEC, "mode=0123,size=5k");
    CALL(mount, "", "/tmp/f", "", MS_SHARED | MS_PRIVATE, NULL);
    CALL(mount, "", "/tmp/f", "", MS_PRIVATE | MS_NOSUID, NULL);
    CALL(mount, "", "/tmp/f", "", MS_PRIVATE | MS_REC | MS_SILENT, NULL);
    mounts_at("/tmp/f", 1);
    poll(&p, 1, 0);
    EXPECT(!poll(&p, 1, 0));
    CALL(mount, "", "/tmp/f", "", MS_REMOUNT | MS_BIND | MS_STRICTATIME, "");
    EXPECT(poll(&p, 1, 0) == 1 && p.revents & POLLPRI);
    mounts_at("/tmp/f", 1);
    CALL(mount, "", "/tmp/f", "",
         MS_REMOUNT | MS_BIND | MS_NOATIME | MS_NODIRATIME, "");
    mounts_at("/tmp/f", 1);
    CALL(umount2, "/tmp/f", 0);
    CALL(mount, "src", "/tmp/f", "tmpfs", 0, "uid=3,gid=4,nr_inodes=9");
    mounts_at("/tmp/f", 1);
    CALL(umount2, "/tmp/f", 0);
    CALL(mount, NULL, "/tmp/f", "proc", 0, NULL);
    mounts_at("/tmp/f", 1);
    CALL(umount2, "/tmp/f", 0);
    close(p.fd);
}

/* Where nothing is executed mprotect makes no program, either; long links
 * count as a page. */
static void contents(void)
{
    char target[129];
    void *at;
    int fd;

    title("contents");
    CALL(mount, "c", "/tmp/f", "tmpfs", MS_NOEXEC, "size=4k");
    fd = open("/tmp/f/x", O_RDWR | O_CREAT, 0755);
    at = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    SHOW(mprotect(at, 4096, PROT_READ | PROT_EXEC));
    SHOW(mprotect(at, 4096, PROT_READ | PROT_WRITE));
    munmap(at, 4096);
    memset(target, 'x', sizeof(target));
    target[128] = '\0';
    SHOW(symlink(target, "/tmp/f/a"));
    SHOW(symlink(target, "/tmp/f/b"));
    SHOW(symlink(target + 1, "/tmp/f/b"));
    SHOW(write(fd, "x", 1));
    SHOW(unlink("/tmp/f/a"));
    SHOW(write(fd, "x", 1));
    close(fd);
    CALL(umount2, "/tmp/f", 0);
}

static void pivot(void)
{
    char buf[256];
    int proc = open("/proc", O_RDONLY);
    long n;

    title("pivot_root(., .)");
    mkdir("/tmp/new", 0755);
    CALL(mount, "new", "/tmp/new", "tmpfs", 0, "");
    mkdir("/tmp/new/jail", 0755);
    CALL(mount, "jail", "/tmp/new/jail", "tmpfs", 0, "");
    put("/tmp/new/file", "in the new root");
    chdir("/tmp/new");
    CALL(pivot_root, ".", ".");
    CALL(umount2, ".", MNT_DETACH);
    chdir("/");
    cat("/file");
    fchdir(proc);
    n = readlink("self/cwd", buf, sizeof(buf) - 1);
    buf[n > 0 ? n : 0] = '\0';
    printf("cwd %s\n", buf);
    EXPECT(getcwd(buf, sizeof(buf)) == NULL || buf[0] == '(');
    mkdir("/proc", 0755);
    CALL(mount, "proc", "/proc", "proc", 0, NULL);
    EXPECT(mounts_at("/", 0) == 3);
    close(proc);
    proc = open("/proc", O_RDONLY);
    SHOW(chroot("/jail"));
    mkdir("/proc", 0755);
    fchdir(proc);
    SHOW(mount("self", "/proc", NULL, MS_BIND, NULL));
    EXPECT(mounts_at("/", 0) == 2);
}

int main(void)
{
    show_start();
    unshare(CLONE_NEWNS); /* not the namespace of whoever started us */
    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    dots();
    doubling();
    high();
    outside();
    flags();
    contents();
    pivot();
    return 0;
}
