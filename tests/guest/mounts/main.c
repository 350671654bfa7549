/* SPDX-License-Identifier: MIT
 *
 * mount and umount2: a tmpfs of our own, bind mounts, read-only, busy ones,
 * refusals. (Natively in the mount namespace of the test.)
 */
#include <sys/mount.h>
#include "tests/guest/show.h"

static void show_source(const char *path)
{
    FILE *f = fopen("/proc/self/mounts", "r");
    char source[100], at[300], type[20];

    while (fscanf(f, "%99s %299s %19s%*[^\n]", source, at, type) == 3) {
        if (strcmp(at, path) == 0) {
            printf("source %s type %s\n", source, type);
        }
    }
    fclose(f);
}

static void sources(void)
{
    title("source");
    mkdir("/tmp/s", 0755);
    mount("a b", "/tmp/s", "tmpfs", 0, NULL);
    show_source("/tmp/s");
    umount("/tmp/s");
    mount(NULL, "/tmp/s", "tmpfs", 0, NULL);
    show_source("/tmp/s");
    umount("/tmp/s");
}

/* Writes until there is no room. */
static long fill(const char *path)
{
    static char page[4096];
    int fd = open(path, O_CREAT | O_WRONLY, 0644);
    long n = 0;

    while (write(fd, page, sizeof(page)) == sizeof(page)) {
        n += sizeof(page);
    }
    printf("%s\n", strerrorname_np(errno));
    close(fd);
    return n;
}

static void own(void)
{
    struct stat a, b;

    title("tmpfs");
    mkdir("/tmp/m", 0755);
    put("/tmp/m/hidden", "hidden");
    CALL(mount, "none", "/tmp/m", "tmpfs", 0, NULL);
    cat("/tmp/m/hidden");
    put("/tmp/m/f", "on top");
    stat("/tmp/m", &a);
    stat("/tmp", &b);
    printf("another device %d\n", a.st_dev != b.st_dev);
    CALL(rename, "/tmp/m/f", "/tmp/f");
    CALL(link, "/tmp/m/f", "/tmp/f");
    CALL(rmdir, "/tmp/m");
    CALL(rename, "/tmp/m", "/tmp/n");
    show_stat("/tmp/m/..");
    int fd = open("/tmp/m/f", O_RDONLY);
    CALL(umount2, "/tmp/m", 0);
    close(fd);
    CALL(umount2, "/tmp/m", 0);
    cat("/tmp/m/hidden");
    CALL(umount2, "/tmp/m", 0);
    CALL(mount, "none", "/tmp/m", "tmpfs", MS_RDONLY, NULL);
    CALL(open, "/tmp/m/x", O_CREAT | O_RDWR, 0600);
    CALL(mkdir, "/tmp/m/x", 0755);
    CALL(umount2, "/tmp/m", 0);
    CALL(mount, "none", "/tmp/m", "tmpfs", 0, "mode=1700,size=1m,uid=5");
    show_stat("/tmp/m");
    CALL(mount, NULL, "/tmp/m", NULL, MS_REMOUNT, "size=64k,mode=0");
    show_stat("/tmp/m");
    printf("filled %ld\n", fill("/tmp/m/f"));
    CALL(mount, NULL, "/tmp/m", NULL, MS_REMOUNT, "size=4k");
    CALL(mount, NULL, "/tmp/m", NULL, MS_REMOUNT, "nr_blocks=17");
    printf("filled %ld\n", fill("/tmp/m/g"));
    CALL(mount, NULL, "/tmp/m", NULL, MS_REMOUNT, "nonsense");
    CALL(umount2, "/tmp/m", MNT_DETACH);
    CALL(mount, "none", "/tmp/m", "tmpfs", 0, "nonsense");
    CALL(mount, "none", "/tmp/m", "tmpfs", 0, "size=");
    CALL(mount, "none", "/tmp/m", "tmpfs", 0, "size=1m,,nr_inodes=1k,inode64");
    CALL(umount2, "/tmp/m", 0);
}

static void bind(void)
{
    title("bind");
    mkdir("/tmp/a", 0755);
    mkdir("/tmp/b", 0755);
    put("/tmp/a/f", "one");
    CALL(mount, "/tmp/a", "/tmp/b", NULL, MS_BIND, NULL);
    cat("/tmp/b/f");
    put("/tmp/b/f", "two");
    cat("/tmp/a/f");
    CALL(link, "/tmp/a/f", "/tmp/b/g");
    CALL(mount, NULL, "/tmp/b", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL);
    CALL(open, "/tmp/b/f", O_RDWR);
    CALL(open, "/tmp/a/f", O_RDWR);
    CALL(access, "/tmp/b/f", W_OK);
    CALL(unlink, "/tmp/b/f");
    close(3);
    CALL(umount2, "/tmp/b", 0);
    put("/tmp/file", "over a file");
    put("/tmp/file2", "below");
    CALL(mount, "/tmp/file", "/tmp/file2", NULL, MS_BIND, NULL);
    cat("/tmp/file2");
    CALL(unlink, "/tmp/file2");
    CALL(umount2, "/tmp/file2", 0);
    cat("/tmp/file2");
}

static void many(void)
{
    char path[32], line[1024];
    int shown = 0;
    FILE *f;

    title("many");
    for (int i = 0; i < 200; i++) {
        snprintf(path, sizeof(path), "/tmp/many%d", i);
        mkdir(path, 0755);
        mount("none", path, "tmpfs", 0, NULL);
    }
    f = fopen("/proc/self/mounts", "r");
    while (fgets(line, sizeof(line), f)) {
        shown += strstr(line, "/tmp/many") != NULL;
    }
    fclose(f);
    printf("%d\n", shown);
    for (int i = 0; i < 200; i++) {
        snprintf(path, sizeof(path), "/tmp/many%d", i);
        umount(path);
        rmdir(path);
    }
}

static void refusals(void)
{
    title("refusals");
    CALL(mount, "none", "/tmp/none", "tmpfs", 0, NULL);
    CALL(mount, "none", "/tmp/file", "tmpfs", 0, NULL);
    CALL(mount, "none", "/tmp/a", "nosuchfs", 0, NULL);
    CALL(mount, "none", "/tmp/a", NULL, 0, NULL);
    CALL(mount, "/tmp/none", "/tmp/a", NULL, MS_BIND, NULL);
    CALL(mount, "/tmp/file", "/tmp/a", NULL, MS_BIND, NULL);
    CALL(mount, "none", BAD, "tmpfs", 0, NULL);
    CALL(mount, "none", "/tmp/a", BAD, 0, NULL);
    CALL(umount2, "/tmp/a", 0);
    CALL(umount2, "/tmp/none", 0);
    CALL(umount2, "/tmp/a", 0x100);
    CALL(umount2, "/tmp/a", MNT_EXPIRE | MNT_FORCE);
    setresuid(NOBODY, NOBODY, NOBODY);
    CALL(mount, "none", "/tmp/a", "tmpfs", 0, NULL);
    CALL(umount2, "/tmp/a", 0);
    CALL(umount2, "/tmp/none", 0);
}

int main(void)
{
    show_start();
    own();
    sources();
    bind();
    many();
    refusals();
    return 0;
}
