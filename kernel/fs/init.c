/* SPDX-License-Identifier: MIT
 *
 * The file systems of the first moment (fs.h): a root by what boot_info names,
 * with a tmpfs over it that takes all changes, and the usual ones on top.
 */
#include "kernel/fs/current.h"
#include "kernel/fs/hostfs/hostfs.h"
#include "kernel/fs/mount/mounting.h"
#include "kernel/fs/names.h"
#include "kernel/fs/room.h"
#include "kernel/fs/tmpfs/tmpfs.h"
#include "kernel/core/log.h"
#include "kernel/tty/tty.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"
#include "abi/linux/statfs.h"

/* The upper layer's inode numbers begin here, above those of any lower. */
static uint64_t first_upper_ino(const struct boot_info *info)
{
    return info->root == ROOT_HOST ? HOSTFS_INO_END : 1ull << 32;
}

struct fs_view *boot_view;

static int mount_lower(const struct boot_info *info, struct superblock **out)
{
    switch (info->root) {
    case ROOT_IMAGE:
        return erofs_mount_image(info->image_fd, info->image_at,
                                 info->image_size, info->root_hash,
                                 info->read_ahead, out);
    case ROOT_HOST:
        return hostfs_mount(info->host_root_fd, SB_READ_ONLY, out);
    default:
        return -EINVAL;
    }
}

static int make_root(const struct boot_info *info, struct superblock **out)
{
    struct superblock *upper, *lower;
    int err = tmpfs_mount(&upper);

    if (err) {
        return err;
    }
    upper->root->mode = S_IFDIR | 0755;
    if (info->memory_limit) {
        tmpfs_set_limit(upper, info->memory_limit / 2 / PAGE_SIZE);
    }
    if (info->root == ROOT_EMPTY) {
        *out = upper;
        return 0;
    }
    tmpfs_set_first_ino(upper, first_upper_ino(info));
    err = mount_lower(info, &lower);
    if (err) {
        sb_put(upper);
        return err;
    }
    return overlay_mount(upper, lower, out);
}

static int set_boot_view(void)
{
    struct path root = {root_mount, root_mount->root}, cwd = root;

    path_get(&root);
    path_get(&cwd);
    return view_new(&root, &cwd, 0, &boot_view);
}

/* ---- the rest of the tree ---- */

struct fixed {
    const char *path;
    int (*mount)(struct superblock **out);
    uint32_t mode;     /* of the directory when it must be made */
    bool only_missing; /* mounted only where there is no such directory */
    uint32_t flags;
};

static const struct fixed fixed[] = {
    {"/proc", procfs_mount, 0555, false, ST_NOSUID | ST_NODEV | ST_NOEXEC},
    {"/sys", sysfs_mount, 0555, false,
     ST_NOSUID | ST_NODEV | ST_NOEXEC | ST_RDONLY},
    {"/dev", devfs_mount, 0755, false, ST_NOSUID | ST_NOEXEC},
    {"/dev/pts", devpts_mount, 0755, false, ST_NOSUID | ST_NOEXEC},
    {"/dev/shm", tmpfs_mount, 01777, false, ST_NOSUID | ST_NODEV},
    {"/run", tmpfs_mount, 0755, true, ST_NOSUID | ST_NODEV},
    {"/tmp", tmpfs_mount, 01777, true, ST_NOSUID | ST_NODEV},
};

static int mount_fixed(const struct fixed *m)
{
    struct superblock *sb;
    struct path at;
    int err = path_find(NULL, m->path, WALK_FOLLOW | WALK_DIRECTORY, &at);

    if (err == -ENOENT) {
        err = name_make(NULL, m->path, S_IFDIR | m->mode, 0);
        if (!err) {
            err = path_find(NULL, m->path, WALK_DIRECTORY, &at);
        }
    } else if (!err && m->only_missing) {
        path_put(&at);
        return 0;
    }
    if (err) {
        return err;
    }
    err = m->mount(&sb);
    if (!err) {
        sb->root->mode = S_IFDIR | m->mode;
        err = mount_add(sb, &at, m->flags | ST_RELATIME, NULL);
    }
    path_put(&at);
    return err;
}

int fs_init(const struct boot_info *info)
{
    struct superblock *root;
    int err;

    dcache_init();
    rename_init();
    anon_init();
    memfd_init();
    epoll_init();
    err = make_root(info, &root);
    if (!err) {
        err = mount_add(root, NULL, ST_RELATIME, NULL);
    }
    if (!err) {
        err = set_boot_view();
    }
    for (size_t i = 0; i < ARRAY_SIZE(fixed) && !err; i++) {
        err = mount_fixed(&fixed[i]);
    }
    if (!err && info->policy) {
        err = policy_mounts(info->policy, info->mount_fds);
    }
    if (!err) {
        err = host_mounts(info->host_mounts, info->host_mount_count);
    }
    if (!err) {
        console_init(info);
    }
    return err;
}

/* ---- the first process ---- */

static int first_view(const struct boot_info *info, struct fs_view **view)
{
    struct path root = {root_mount, root_mount->root}, cwd;
    int err = path_find(NULL, info->cwd ? info->cwd : "/",
                        WALK_FOLLOW | WALK_DIRECTORY, &cwd);

    if (err) {
        log_error("no directory %s to start in (error %d); --cwd, or a "
                  "policy's entry.cwd, takes one inside the root",
                  info->cwd, -err);
        return err;
    }
    path_get(&root);
    return view_new(&root, &cwd, info->umask, view);
}

static int first_file(struct files *files, int fd)
{
    struct file *f;
    int err = console_stream(fd, &f);

    if (err == -ENXIO) { /* closed on the host: there must be something */
        err = name_open(NULL, "/dev/null", O_RDWR, 0, 0, &f);
    }
    if (err) {
        return err;
    }
    err = files_install_first(files, f);
    return MIN(err, 0);
}

int fs_first(const struct boot_info *info, struct fs_view **view,
             struct files **files)
{
    int err = first_view(info, view);

    if (err) {
        return err;
    }
    err = files_new(files);
    if (err) {
        view_put(*view);
        return err;
    }
    for (int fd = 0; fd < 3 && !err; fd++) {
        err = first_file(*files, fd);
    }
    if (err) {
        files_put(*files);
        view_put(*view);
    }
    return err;
}
