/* SPDX-License-Identifier: MIT
 *
 * What mount(2) can do here (mounting.h): a new file system of a type in the
 * table, a bind mount, changed flags, propagation.
 */
#include "kernel/fs/mount/mounting.h"
#include "kernel/fs/landlock/landlock.h"
#include "kernel/fs/layered/layered.h"
#include "kernel/fs/mount/mount_table.h"
#include "kernel/fs/path.h"
#include "kernel/fs/tmpfs/tmpfs.h"
#include "kernel/mm/heap.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/mount_info.h"
#include "abi/linux/stat.h"
#include "abi/linux/statfs.h"

/* Rows without a name are free, for mount_type_add(). */
static struct {
    const char *name;
    int (*mount)(struct superblock **out);
} types[10] = {
    {"tmpfs", tmpfs_mount},    {"ramfs", tmpfs_mount},
    {"proc", procfs_mount},    {"sysfs", sysfs_mount},
    {"devtmpfs", devfs_mount}, {"overlay", layered_mount},
};

int mount_type_add(const char *name, int (*mount)(struct superblock **out))
{
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        if (!types[i].name) {
            types[i].mount = mount;
            types[i].name = name;
            return 0;
        }
    }
    return -ENOMEM;
}

int mounting_allowed(void)
{
    struct fs_cred cred;

    fs_current_cred(&cred);
    return fs_capable(&cred, CAP_SYS_ADMIN) ? 0 : -EPERM;
}

int mount_tree_may_change(void)
{
    int err = mounting_allowed();

    return err ? err : landlock_mounts();
}

static const uint64_t propagation =
    MS_PRIVATE | MS_SLAVE | MS_SHARED | MS_UNBINDABLE;

uint32_t mount_flags_of(uint64_t ms)
{
    static const struct {
        uint32_t ms, st;
    } pairs[] = {
        {MS_RDONLY, ST_RDONLY},
        {MS_NOSUID, ST_NOSUID},
        {MS_NODEV, ST_NODEV},
        {MS_NOEXEC, ST_NOEXEC},
        {MS_NOATIME, ST_NOATIME},
        {MS_NODIRATIME, ST_NODIRATIME},
        {MS_NOSYMFOLLOW, ST_NOSYMFOLLOW},
    };
    uint32_t st;

    if (ms & MS_STRICTATIME) {
        ms &= ~(uint64_t)MS_NOATIME;
    }
    st = ms & (MS_NOATIME | MS_STRICTATIME) ? 0 : ST_RELATIME;

    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        st |= ms & pairs[i].ms ? pairs[i].st : 0;
    }
    return st;
}

static const struct {
    uint32_t st, attr;
} attributes[] = {
    {ST_RDONLY, MOUNT_ATTR_RDONLY},
    {ST_NOSUID, MOUNT_ATTR_NOSUID},
    {ST_NODEV, MOUNT_ATTR_NODEV},
    {ST_NOEXEC, MOUNT_ATTR_NOEXEC},
    {ST_NODIRATIME, MOUNT_ATTR_NODIRATIME},
    {ST_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW},
};

uint32_t mount_attr_flags(uint64_t attrs)
{
    uint32_t flags = 0;

    for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
        flags |= attrs & attributes[i].attr ? attributes[i].st : 0;
    }
    return flags;
}

uint64_t mount_attrs_of(uint32_t flags)
{
    uint64_t attrs = 0;

    for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
        attrs |= flags & attributes[i].st ? attributes[i].attr : 0;
    }
    return attrs;
}

int mount_options(struct superblock *sb, const char *data, bool remount)
{
    if (strcmp(sb->type, "tmpfs") == 0) {
        return tmpfs_options(sb, data, remount);
    }
    if (layered_is(sb)) {
        return layered_options(sb, data, remount);
    }
    return strcmp(sb->type, "proc") == 0 ? procfs_options(sb, data, remount)
                                         : 0;
}

/* Each mount(2) makes one; others stand for the one that there is. */
static bool is_own(const struct superblock *sb)
{
    return strcmp(sb->type, "tmpfs") == 0 || strcmp(sb->type, "proc") == 0 ||
           strcmp(sb->type, "sysfs") == 0 || layered_is(sb);
}

int mount_name_source(struct superblock *sb, const char *source)
{
    return is_own(sb) ? sb_set_source(sb, *source ? source : "none") : 0;
}

int mount_ready(struct superblock *sb)
{
    return layered_is(sb) ? layered_ready(sb) : 0;
}

int mount_type_make(const char *type, struct superblock **out)
{
    for (size_t i = 0; i < ARRAY_SIZE(types) && types[i].name; i++) {
        if (strcmp(types[i].name, type) == 0) {
            return types[i].mount(out);
        }
    }
    return -ENODEV;
}

/* Takes sb on failure. */
static int set_up(struct superblock *sb, const char *source, const char *type,
                  const char *data)
{
    int err = mount_options(sb, data, false);

    err = *type == 'r' ? 0 : err; /* ramfs takes any word */
    err = err ? err : mount_ready(sb);
    err = err ? err : mount_name_source(sb, source);
    if (err) {
        sb_put(sb);
    }
    return err;
}

/* ---- the three kinds ---- */

static int mount_new(const struct path *at, const char *source,
                     const char *type, uint64_t flags, const char *data)
{
    struct superblock *sb;
    int err;

    if (!*type) {
        return -EINVAL;
    }
    err = mount_type_make(type, &sb);
    err = err ? err : set_up(sb, source, type, data);
    return err ? err : mount_add(sb, at, mount_flags_of(flags), NULL);
}

static int bind(const struct path *at, const char *source, bool recursive)
{
    struct path from;
    int err = path_find(NULL, source, WALK_FOLLOW, &from);

    if (!err) {
        err = mount_bind(&from, at, from.mount->flags, recursive);
        path_put(&from);
    }
    return err;
}

static int move(const struct path *at, const char *source)
{
    struct path from;
    int err = path_find(NULL, source, WALK_FOLLOW, &from);

    if (!err) {
        err = mount_move(&from, at, false);
        path_put(&from);
    }
    return err;
}

/* With MS_BIND the mount alone, else the file system's options, too. */
static int remount(const struct path *at, uint64_t flags, const char *data)
{
    struct superblock *sb = at->mount->sb;
    int err = 0;

    if (at->dentry != at->mount->root) {
        return -EINVAL;
    }
    if (!(flags & MS_BIND)) {
        err = mount_options(sb, data, true);
    }
    err = err ? err
              : mount_change_flags(at->mount, mount_flags_of(flags),
                                   flags & MS_BIND);
    if (!err) {
        mount_changed();
    }
    return err;
}

/* One type at a time, and nothing but MS_REC and MS_SILENT beside it. */
static int propagate(const struct path *at, uint64_t flags)
{
    uint64_t type = flags & ~(uint64_t)(MS_REC | MS_SILENT);

    if (type & ~propagation || type & (type - 1)) {
        return -EINVAL;
    }
    return mount_propagate(at, type, flags & MS_REC);
}

int mount_at(const struct path *at, const char *source, const char *type,
             uint64_t flags, const char *data)
{
    if ((flags & 0xffff0000) == 0xc0ed0000) { /* MS_MGC_VAL of old */
        flags &= 0xffff;
    }
    if (flags & MS_REMOUNT) {
        return remount(at, flags, data);
    }
    if (flags & MS_BIND) {
        return bind(at, source, flags & MS_REC);
    }
    if (flags & propagation) {
        return propagate(at, flags);
    }
    return flags & MS_MOVE ? move(at, source)
                           : mount_new(at, source, type, flags, data);
}
