/* SPDX-License-Identifier: MIT
 *
 * Every call that takes a path, with every kind of path: what is not there,
 * what is something else, links that lead nowhere, names that are too long, no
 * string at all; as root and as somebody without rights. The table has a row a
 * call; a line of output has a letter or two a path.
 */
#include <dirent.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/statfs.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <utime.h>
#include "tests/guest/show.h"

#define HOME "/tmp/errors"

static const char fifo[] = "fifo";
static char long_name[300], long_path[5000];
static const char *const paths[] = {
    "",     "none", "none/x", "f",        "f/",        "f/x",        "d",
    "d/",   "d/f",  "e",      "sf",       "sf/",       "sd",         "sd/",
    "sd/f", "loop", "loop/x", "dangling", "dangling/", "dangling/x", "closed/x",
    fifo,   ".",    "d/.",    long_name,  long_path,   BAD,          NULL,
};

static void make(void)
{
    mkdir(HOME, 0755);
    chdir(HOME);
    put("f", "text");
    mkdir("d", 0755);
    put("d/f", "more text");
    mkdir("e", 0755);
    symlink("f", "sf");
    symlink("d", "sd");
    symlink("loop", "loop");
    symlink("none", "dangling");
    mkdir("closed", 0700);
    put("closed/x", "secret");
    mkfifo(fifo, 0644);
}

static void clear(const char *path)
{
    DIR *d = opendir(path);
    struct dirent *e;
    char name[600];

    while (d && (e = readdir(d)) != NULL) {
        snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..") && unlink(name)) {
            clear(name);
            rmdir(name);
        }
    }
    if (d) {
        closedir(d);
    }
}

static const struct timeval bad_times[2] = {{1, 2000000}, {1, 0}};
static const struct timespec bad_spec[2] = {{1, 2000000000}, {1, 0}};
static const struct timespec omit[2] = {{1, UTIME_OMIT}, {1, UTIME_OMIT}};
static char buf[4096];
static int watcher;

#define ROW(name, call) {#name, name##_row},
#define FD_ROWS(R)                                                             \
    R(open, RAW(open, p, O_RDONLY | O_NONBLOCK))                               \
    R(open_write, RAW(open, p, O_WRONLY | O_NONBLOCK))                         \
    R(open_trunc, RAW(open, p, O_RDWR | O_TRUNC | O_NONBLOCK))                 \
    R(open_creat, RAW(open, p, O_CREAT | O_RDWR | O_NONBLOCK, 0600))           \
    R(open_excl, RAW(open, p, O_CREAT | O_EXCL | O_RDWR, 0600))                \
    R(open_directory, RAW(open, p, O_RDONLY | O_DIRECTORY))                    \
    R(open_nofollow, RAW(open, p, O_RDONLY | O_NOFOLLOW | O_NONBLOCK))         \
    R(open_path, RAW(open, p, O_PATH | O_NOFOLLOW))                            \
    R(open_noatime, RAW(open, p, O_RDONLY | O_NOATIME | O_NONBLOCK))           \
    R(open_tmpfile, RAW(open, p, O_RDWR | O_TMPFILE, 0600))                    \
    R(creat, p == fifo ? 0 : RAW(creat, p, 0600) /* blocks */)                 \
    R(openat, RAW(openat, -1, p, O_RDONLY))                                    \
    R(openat_file, RAW(openat, watcher, p, O_RDONLY))
#define ROWS(R)                                                                \
    R(stat, RAW(stat, p, buf))                                                 \
    R(stat_fault, RAW(stat, p, BAD))                                           \
    R(lstat, RAW(lstat, p, buf))                                               \
    R(newfstatat, RAW(newfstatat, -1, p, buf, 0))                              \
    R(newfstatat_flag, RAW(newfstatat, AT_FDCWD, p, buf, 0x40000))             \
    R(newfstatat_empty,                                                        \
      p ? RAW(newfstatat, AT_FDCWD, p, buf, AT_EMPTY_PATH) : 0)                \
    R(statx, RAW(statx, AT_FDCWD, p, 0, STATX_BASIC_STATS, buf))               \
    R(statx_flag, RAW(statx, AT_FDCWD, p, 0x80000, 0, buf))                    \
    R(statx_mask, RAW(statx, AT_FDCWD, p, 0, 0x80000000, buf))                 \
    R(access, RAW(access, p, F_OK))                                            \
    R(access_write, RAW(access, p, W_OK))                                      \
    R(access_execute, RAW(access, p, X_OK))                                    \
    R(access_mode, RAW(access, p, 8))                                          \
    R(faccessat, RAW(faccessat, watcher, p, R_OK))                             \
    R(faccessat2, RAW(faccessat2, AT_FDCWD, p, R_OK, AT_EACCESS))              \
    R(faccessat2_flag, RAW(faccessat2, AT_FDCWD, p, R_OK, 0x40000))            \
    R(readlink, RAW(readlink, p, buf, 100))                                    \
    R(readlink_size, RAW(readlink, p, buf, 0))                                 \
    R(readlink_fault, RAW(readlink, p, BAD, 10))                               \
    R(readlinkat, RAW(readlinkat, -1, p, buf, 10))                             \
    R(truncate, RAW(truncate, p, 2))                                           \
    R(truncate_negative, RAW(truncate, p, -1L))                                \
    R(mkdir, RAW(mkdir, p, 0700))                                              \
    R(mkdirat, RAW(mkdirat, -1, p, 0700))                                      \
    R(rmdir, RAW(rmdir, p))                                                    \
    R(unlink, RAW(unlink, p))                                                  \
    R(unlinkat, RAW(unlinkat, -1, p, 0))                                       \
    R(unlinkat_dir, RAW(unlinkat, AT_FDCWD, p, AT_REMOVEDIR))                  \
    R(unlinkat_flag, RAW(unlinkat, AT_FDCWD, p, 0x40000))                      \
    R(link_from, RAW(link, p, "new"))                                          \
    R(link_to, RAW(link, "f", p))                                              \
    R(linkat, RAW(linkat, AT_FDCWD, p, AT_FDCWD, "new", AT_SYMLINK_FOLLOW))    \
    R(linkat_flag, RAW(linkat, AT_FDCWD, p, AT_FDCWD, "new", 0x40000))         \
    R(linkat_fd, RAW(linkat, AT_FDCWD, "f", -1, p, 0))                         \
    R(symlink, RAW(symlink, "text", p))                                        \
    R(symlink_text, RAW(symlink, p, "new"))                                    \
    R(symlinkat, RAW(symlinkat, "text", -1, p))                                \
    R(rename_from, RAW(rename, p, "new"))                                      \
    R(rename_file_to, RAW(rename, "f", p))                                     \
    R(rename_dir_to, RAW(rename, "d", p))                                      \
    R(rename_empty_to, RAW(rename, "e", p))                                    \
    R(renameat, RAW(renameat, AT_FDCWD, p, -1, "new"))                         \
    R(renameat_fd, RAW(renameat, -1, "f", AT_FDCWD, p))                        \
    R(renameat2_noreplace, RAW(renameat2, AT_FDCWD, "f", AT_FDCWD, p, 1))      \
    R(renameat2_exchange, RAW(renameat2, AT_FDCWD, "f", AT_FDCWD, p, 2))       \
    R(renameat2_both, RAW(renameat2, AT_FDCWD, "f", AT_FDCWD, p, 3))           \
    R(renameat2_flag, RAW(renameat2, AT_FDCWD, "f", AT_FDCWD, p, 64))          \
    R(chmod, RAW(chmod, p, 0644))                                              \
    R(fchmodat, RAW(fchmodat, -1, p, 0644))                                    \
    R(chown, RAW(chown, p, 0, 0))                                              \
    R(chown_other, RAW(chown, p, 1234, -1))                                    \
    R(chown_nobody, RAW(chown, p, -1, -1))                                     \
    R(lchown, RAW(lchown, p, 0, 0))                                            \
    R(fchownat, RAW(fchownat, -1, p, 0, 0, 0))                                 \
    R(fchownat_flag, RAW(fchownat, AT_FDCWD, p, 0, 0, 0x40000))                \
    R(utime, RAW(utime, p, NULL))                                              \
    R(utime_fault, RAW(utime, p, BAD))                                         \
    R(utimes, RAW(utimes, p, NULL))                                            \
    R(utimes_usec, RAW(utimes, p, bad_times))                                  \
    R(futimesat, RAW(futimesat, -1, p, NULL))                                  \
    R(utimensat_nsec, RAW(utimensat, AT_FDCWD, p, bad_spec, 0))                \
    R(utimensat_flag, RAW(utimensat, AT_FDCWD, p, NULL, 0x40000))              \
    R(utimensat_omit, RAW(utimensat, AT_FDCWD, p, omit, 0))                    \
    R(utimensat_link, RAW(utimensat, AT_FDCWD, p, NULL, AT_SYMLINK_NOFOLLOW))  \
    R(chdir, RAW(chdir, p))                                                    \
    R(statfs, RAW(statfs, p, buf))                                             \
    R(statfs_fault, RAW(statfs, p, BAD))                                       \
    R(mknod, RAW(mknod, p, S_IFREG | 0600, 0))                                 \
    R(mknod_fifo, RAW(mknod, p, S_IFIFO | 0600, 0))                            \
    R(mknod_dir, RAW(mknod, p, S_IFDIR | 0600, 0))                             \
    R(mknod_link, RAW(mknod, p, S_IFLNK | 0600, 0))                            \
    R(mknod_type, RAW(mknod, p, 0170000 | 0600, 0))                            \
    R(mknodat, RAW(mknodat, -1, p, S_IFREG | 0600, 0))                         \
    R(setxattr, RAW(setxattr, p, "trusted.x", "v", 1, 0))                      \
    R(setxattr_replace, RAW(setxattr, p, "trusted.x", "v", 1, XATTR_REPLACE))  \
    R(setxattr_flag, RAW(setxattr, p, "trusted.x", "v", 1, 8))                 \
    R(setxattr_name, RAW(setxattr, p, "nothing.x", "v", 1, 0))                 \
    R(setxattr_empty, RAW(setxattr, p, "", "v", 1, 0))                         \
    R(setxattr_long, RAW(setxattr, p, long_name, "v", 1, 0))                   \
    R(setxattr_size, RAW(setxattr, p, "trusted.x", "v", 1 << 20, 0))           \
    R(setxattr_fault, RAW(setxattr, p, "trusted.x", BAD, 1, 0))                \
    R(lsetxattr, RAW(lsetxattr, p, "trusted.x", "v", 1, 0))                    \
    R(getxattr, RAW(getxattr, p, "trusted.x", buf, 10))                        \
    R(getxattr_name, RAW(getxattr, p, "trusted.", buf, 10))                    \
    R(lgetxattr, RAW(lgetxattr, p, "trusted.x", buf, 10))                      \
    R(removexattr, RAW(removexattr, p, "trusted.x"))                           \
    R(lremovexattr, RAW(lremovexattr, p, "trusted.x"))                         \
    R(inotify, RAW(inotify_add_watch, watcher, p, IN_MODIFY) > 0)              \
    R(inotify_mask, RAW(inotify_add_watch, watcher, p, 0))                     \
    R(inotify_dir, RAW(inotify_add_watch, watcher, p, 2 | IN_ONLYDIR) > 0)     \
    R(umount2, RAW(umount2, p, 0))                                             \
    R(umount2_flag, RAW(umount2, p, 0x40000))                                  \
    R(execve, RAW(execve, p, NULL, NULL))                                      \
    R(openat2, RAW(openat2, AT_FDCWD, p, buf, 1))                              \
    R(chroot, geteuid() ? RAW(chroot, p) : 0)

#define FD_FUNCTION(name, call)                                                \
    static long name##_row(const char *p)                                      \
    {                                                                          \
        long fd = call;                                                        \
                                                                               \
        if (fd >= 0) {                                                         \
            close((int)fd);                                                    \
            fd = 0;                                                            \
        }                                                                      \
        return fd;                                                             \
    }
#define FUNCTION(name, call)                                                   \
    static long name##_row(const char *p)                                      \
    {                                                                          \
        return call;                                                           \
    }
FD_ROWS(FD_FUNCTION)
ROWS(FUNCTION)

static const struct row {
    const char *name;
    long (*call)(const char *path);
} rows[] = {FD_ROWS(ROW) ROWS(ROW)};

static void show_row(const struct row *row, uid_t who)
{
    printf("%s:", row->name);
    for (unsigned i = 0; i < COUNT(paths); i++) {
        const char *name;
        long r;
        int err;

        syscall(SYS_setresuid, -1, who, -1);
        r = row->call(paths[i]);
        err = errno;
        syscall(SYS_setresuid, -1, 0, -1);
        name = r < 0 ? strerrorname_np(err) : "";
        if (r < 0) {
            printf(" %s", name ? name + 1 : "?");
        } else {
            printf(" %ld", r);
            chdir("/");
            clear(HOME);
            rmdir(HOME);
            make();
        }
    }
    printf("\n");
}

int main(void)
{
    show_start();
    memset(long_name, 'n', 256);
    memset(long_path, 'p', 4500);
    for (int i = 0; i < 4500; i += 100) {
        long_path[i] = '/';
    }
    make();
    watcher = inotify_init1(IN_NONBLOCK);
    for (int nobody = 0; nobody < 2; nobody++) {
        title(nobody ? "as nobody" : "as root");
        for (unsigned i = 0; i < COUNT(rows); i++) {
            show_row(&rows[i], nobody ? NOBODY : 0);
        }
    }
    chdir("/");
    clear(HOME);
    rmdir(HOME);
    return 0;
}
