/* SPDX-License-Identifier: MIT
 *
 * fsopen, fsconfig, fsmount and fspick: a file system made, mounted and changed
 * step by step, and what is refused in which order.
 */
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

#define MOVE_MOUNT 429
#define FSOPEN     430
#define FSCONFIG   431
#define FSMOUNT    432
#define FSPICK     433

enum { FLAG, STRING, BINARY, PATH, PATH_EMPTY, FD, CREATE, RECONFIGURE };

static int context, mounted;

static long config(unsigned cmd, const char *key, const void *value, int aux)
{
    errno = 0;
    return syscall(FSCONFIG, context, cmd, key, value, aux);
}

static void info(void)
{
    char line[1024], point[256], options[128];
    FILE *f = fopen("/proc/self/mountinfo", "r");

    while (f && fgets(line, sizeof(line), f)) {
        char *dash = strstr(line, " - ");

        if (dash &&
            sscanf(line, "%*d %*d %*s %*s %255s %127s", point, options) == 2 &&
            !strncmp(point, "/tmp/f", 6)) {
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
}

static void made(void)
{
    title("tmpfs");
    context = syscall(FSOPEN, "tmpfs", 1);
    EXPECT(context >= 0 && fcntl(context, F_GETFD) == FD_CLOEXEC);
    SHOW(syscall(FSMOUNT, context, 0, 0));
    SHOW(config(STRING, "source", "origin", 0));
    SHOW(config(STRING, "source", "again", 0));
    SHOW(config(FLAG, "source", NULL, 0));
    SHOW(config(STRING, "size", "40k", 0));
    SHOW(config(STRING, "mode", "0711", 0));
    SHOW(config(STRING, "size", "x", 0));
    SHOW(config(STRING, "nothing", "1", 0));
    SHOW(config(FLAG, "nothing", NULL, 0));
    SHOW(config(FLAG, "rw", NULL, 0));
    SHOW(config(RECONFIGURE, NULL, NULL, 0));
    SHOW(config(CREATE, NULL, NULL, 0));
    SHOW(config(CREATE, NULL, NULL, 0));
    SHOW(config(STRING, "size", "80k", 0));
    SHOW(syscall(FSMOUNT, context, 2, 0));
    SHOW(syscall(FSMOUNT, context, 0, 0x100000));
    SHOW(syscall(FSMOUNT, context, 0, 0x30));
    mounted = syscall(FSMOUNT, context, 1, 2 | 8);
    EXPECT(mounted >= 0 && fcntl(mounted, F_GETFD) == FD_CLOEXEC &&
           fcntl(mounted, F_GETFL) & O_PATH);
    info();
    SHOW(mkdirat(mounted, "dir", 0755));
    SHOW(syscall(FSMOUNT, context, 0, 0));
    SHOW(syscall(MOVE_MOUNT, mounted, "", AT_FDCWD, "/tmp/f", 4));
    info();
    show_stat("/tmp/f");
    show_stat("/tmp/f/dir");
    title("changed");
    SHOW(config(CREATE, NULL, NULL, 0));
    SHOW(config(STRING, "size", "8k", 0));
    info();
    SHOW(config(RECONFIGURE, NULL, NULL, 0));
    info();
    close(context);
    context = syscall(FSPICK, AT_FDCWD, "/tmp/f", 1);
    EXPECT(context >= 0 && fcntl(context, F_GETFD) == FD_CLOEXEC);
    SHOW(syscall(FSMOUNT, context, 0, 0));
    SHOW(config(CREATE, NULL, NULL, 0));
    SHOW(config(STRING, "nr_inodes", "9", 0));
    SHOW(config(RECONFIGURE, NULL, NULL, 0));
    SHOW(config(STRING, "nr_inodes", "1", 0));
    SHOW(config(RECONFIGURE, NULL, NULL, 0));
    SHOW(config(RECONFIGURE, NULL, NULL, 0));
    info();
    close(context);
    close(mounted);
    SHOW(umount("/tmp/f"));
}

static void others(void)
{
    title("others");
    context = syscall(FSOPEN, "proc", 0);
    SHOW(config(STRING, "hidepid", "2", 0));
    SHOW(config(STRING, "hidepid", "9", 0));
    SHOW(config(CREATE, NULL, NULL, 0));
    mounted = syscall(FSMOUNT, context, 0, 0x10);
    SHOW(syscall(MOVE_MOUNT, mounted, "", AT_FDCWD, "/tmp/f", 4));
    info();
    close(context);
    SHOW(umount("/tmp/f"));
    EXPECT(faccessat(mounted, "self", F_OK, 0) == 0);
    close(mounted);
}

static void errors(void)
{
    title("errors");
    SHOW(syscall(FSOPEN, "nosuchfs", 0));
    SHOW(syscall(FSOPEN, "tmpfs", 2));
    SHOW(syscall(FSOPEN, BAD, 0));
    SHOW(syscall(FSOPEN, NULL, 0));
    SHOW(syscall(FSPICK, AT_FDCWD, "/tmp/f", 0));
    SHOW(syscall(FSPICK, AT_FDCWD, "/tmp/none", 0));
    SHOW(syscall(FSPICK, AT_FDCWD, "/tmp", 16));
    SHOW(syscall(FSPICK, 99, "", 8));
    SHOW(syscall(FSMOUNT, 99, 0, 0));
    SHOW(syscall(FSMOUNT, 0, 0, 0));
    context = -1;
    SHOW(config(CREATE, NULL, NULL, 0));
    context = 99;
    SHOW(config(CREATE, NULL, NULL, 0));
    context = 0;
    SHOW(config(CREATE, NULL, NULL, 0));
    context = syscall(FSOPEN, "tmpfs", 0);
    SHOW(config(100, "key", "value", 0));
    SHOW(config(FLAG, NULL, NULL, 0));
    SHOW(config(FLAG, "ro", "value", 0));
    SHOW(config(FLAG, "ro", NULL, 1));
    SHOW(config(STRING, "size", NULL, 0));
    SHOW(config(STRING, "size", "1k", 1));
    SHOW(config(STRING, "size", BAD, 0));
    SHOW(config(STRING, BAD, "1k", 0));
    SHOW(config(FLAG, "size", NULL, 0));
    SHOW(config(BINARY, "size", "1k", 0));
    SHOW(config(BINARY, "size", "1k", 2 << 20));
    SHOW(config(BINARY, "size", "1k", 2));
    SHOW(config(PATH, "size", "/tmp", -1));
    SHOW(config(PATH, "size", "/tmp", AT_FDCWD));
    SHOW(config(FD, "size", NULL, -1));
    SHOW(config(FD, "size", NULL, 99));
    SHOW(config(FD, "size", NULL, 0));
    SHOW(config(CREATE, "key", NULL, 0));
    SHOW(config(RECONFIGURE, NULL, NULL, 1));
    close(context);
    if (!fork()) {
        SHOW(setresuid(NOBODY, NOBODY, NOBODY));
        SHOW(syscall(FSOPEN, "nosuchfs", 2));
        SHOW(syscall(FSPICK, AT_FDCWD, "/tmp/none", 16));
        SHOW(syscall(FSMOUNT, 99, 2, 0));
        _exit(0);
    }
    wait(NULL);
}

int main(void)
{
    show_start();
    unshare(CLONE_NEWNS); /* not the namespace of whoever started us */
    mount("", "/", "", MS_PRIVATE | MS_REC, NULL);
    mkdir("/tmp/f", 0755);
    made();
    others();
    errors();
    return 0;
}
