/* SPDX-License-Identifier: MIT
 *
 * What mount(2) can do here (mounting.h): a new file system of a type in the
 * table, a bind mount, changed flags. Propagation types are accepted, since
 * with one namespace there is nothing to propagate to.
 */
#include "kernel/fs/mounting.h"
#include "kernel/fs/path.h"
#include "kernel/fs/tmpfs.h"
#include "kernel/mm/heap.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"
#include "abi/linux/statfs.h"

/* Rows without a name are free, for mount_type_add(). */
static struct {
    const char *name;
    int (*mount)(struct superblock **out);
} types[10] = {
    {"tmpfs", tmpfs_mount}, {"ramfs", tmpfs_mount},    {"proc", procfs_mount},
    {"sysfs", sysfs_mount}, {"devtmpfs", devfs_mount},
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

static uint32_t mount_flags(uint64_t ms)
{
    static const struct {
        uint32_t ms, st;
    } pairs[] = {
        {MS_RDONLY, ST_RDONLY},   {MS_NOSUID, ST_NOSUID},
        {MS_NODEV, ST_NODEV},     {MS_NOEXEC, ST_NOEXEC},
        {MS_NOATIME, ST_NOATIME}, {MS_NODIRATIME, ST_NODIRATIME},
    };
    uint32_t st = ms & MS_NOATIME ? 0 : ST_RELATIME;

    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        st |= ms & pairs[i].ms ? pairs[i].st : 0;
    }
    return st;
}

/* ---- tmpfs's options (tmpfs(5)): size, mode, uid, gid ---- */

static bool number(const char **s, unsigned base, uint64_t *out)
{
    const char *p = *s;
    uint64_t n = 0;

    for (; *p >= '0' && (unsigned)(*p - '0') < base; p++) {
        n = n * base + (*p - '0');
    }
    if (p == *s) {
        return false;
    }
    *s = p;
    *out = n;
    return true;
}

static bool size_option(struct superblock *sb, const char **s)
{
    uint64_t n;

    if (!number(s, 10, &n)) {
        return false;
    }
    switch (**s) {
    case 'g':
    case 'G':
        n <<= 10; /* fall through */
    case 'm':
    case 'M':
        n <<= 10; /* fall through */
    case 'k':
    case 'K':
        n <<= 10;
        (*s)++;
        break;
    case '%':
        (*s)++;
        n = 0; /* of a memory that is not ours to count: no limit */
        break;
    default:
        break;
    }
    tmpfs_set_limit(sb, (n + PAGE_SIZE - 1) / PAGE_SIZE);
    return true;
}

static bool option(struct superblock *sb, const char **s)
{
    struct inode *root = sb->root;
    uint64_t n;

    if (strncmp(*s, "size=", 5) == 0) {
        *s += 5;
        return size_option(sb, s);
    }
    if (strncmp(*s, "mode=", 5) == 0) {
        *s += 5;
        if (!number(s, 8, &n)) {
            return false;
        }
        root->mode = S_IFDIR | (n & 07777);
        return true;
    }
    if (strncmp(*s, "uid=", 4) == 0 || strncmp(*s, "gid=", 4) == 0) {
        bool uid = **s == 'u';

        *s += 4;
        if (!number(s, 10, &n)) {
            return false;
        }
        *(uid ? &root->uid : &root->gid) = n;
        return true;
    }
    while (**s && **s != ',') { /* nr_inodes, huge...: nothing to limit */
        (*s)++;
    }
    return true;
}

static int parse(struct superblock *sb, const char *s)
{
    while (*s) {
        if (*s == ',') {
            s++;
        } else if (!option(sb, &s) || (*s && *s != ',')) {
            return -EINVAL;
        }
    }
    return 0;
}

/* ---- the three kinds ---- */

static int mount_new(const struct path *at, const char *source,
                     const char *type, uint64_t flags, const char *data)
{
    struct superblock *sb;
    int err = -ENODEV;

    if (!*type) {
        return -EINVAL;
    }
    if (!S_ISDIR(at->dentry->inode->mode)) {
        return -ENOTDIR;
    }
    for (size_t i = 0; i < ARRAY_SIZE(types) && types[i].name && err == -ENODEV;
         i++) {
        if (strcmp(types[i].name, type) == 0) {
            err = types[i].mount(&sb);
            if (!err && types[i].mount == tmpfs_mount) {
                err = parse(sb, data);
                err = err ? err : sb_set_source(sb, *source ? source : "none");
                if (err) {
                    sb_put(sb);
                }
            }
        }
    }
    return err ? err : mount_add(sb, at, mount_flags(flags), NULL);
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
        err = mount_move(&from, at);
        path_put(&from);
    }
    return err;
}

static int remount(const struct path *at, uint64_t flags)
{
    if (at->dentry != at->mount->root) {
        return -EINVAL;
    }
    atomic_store(&at->mount->flags, mount_flags(flags));
    return 0;
}

int mount_at(const struct path *at, const char *source, const char *type,
             uint64_t flags, const char *data)
{
    const uint64_t propagation =
        MS_PRIVATE | MS_SLAVE | MS_SHARED | MS_UNBINDABLE;

    if ((flags & 0xffff0000) == 0xc0ed0000) { /* MS_MGC_VAL of old */
        flags &= 0xffff;
    }
    if (flags & propagation) {
        return at->dentry == at->mount->root ? 0 : -EINVAL;
    }
    if (flags & MS_REMOUNT) {
        return remount(at, flags);
    }
    if (flags & MS_MOVE && !(flags & MS_BIND)) {
        return move(at, source);
    }
    return flags & MS_BIND ? bind(at, source, flags & MS_REC)
                           : mount_new(at, source, type, flags, data);
}
