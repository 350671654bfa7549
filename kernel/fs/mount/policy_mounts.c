/* SPDX-License-Identifier: MIT
 *
 * The mounts that a bundle's policy asks for (abi/policy.h), or without one
 * the command line, made after the usual ones (init.c) and before the first
 * process. Their order is kept, so that one may lie inside another.
 */
#include "kernel/fs/mount/mounting.h"
#include "kernel/fs/hostfs/hostfs.h"
#include "kernel/fs/names.h"
#include "kernel/fs/path.h"
#include "kernel/fs/tmpfs/tmpfs.h"
#include "kernel/core/log.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"
#include "abi/linux/statfs.h"
#include "abi/policy.h"

enum { PATH_BYTES = 4096 };

/* mkdir -p. */
static int make_directories(const char *path)
{
    static char part[PATH_BYTES]; /* the boot task's alone */
    const char *end = path;
    int err = strlen(path) < sizeof(part) ? 0 : -ENAMETOOLONG;

    while (!err && *end) {
        end += *end == '/';
        while (*end && *end != '/') {
            end++;
        }
        memcpy(part, path, (size_t)(end - path));
        part[end - path] = '\0';
        err = name_make(NULL, part, S_IFDIR | 0755, 0);
        err = err == -EEXIST ? 0 : err;
    }
    return err;
}

static int find_target(const char *path, struct path *at)
{
    int err = path_find(NULL, path, WALK_FOLLOW | WALK_DIRECTORY, at);

    if (err == -ENOENT) {
        err = make_directories(path);
        err =
            err ? err : path_find(NULL, path, WALK_FOLLOW | WALK_DIRECTORY, at);
    }
    return err;
}

static int make_mount(const struct policy_mount *m, int fd,
                      struct superblock **sb)
{
    int err;

    if (m->type == POLICY_MOUNT_HOST) {
        return fd < 0
                   ? -ENOENT
                   : hostfs_mount(fd,
                                  SB_ASK_AGAIN | (m->flags & POLICY_MOUNT_RDONLY
                                                      ? (uint32_t)SB_READ_ONLY
                                                      : 0),
                                  sb);
    }
    err = tmpfs_mount(sb);
    if (!err) {
        (*sb)->root->mode = S_IFDIR | m->mode;
        tmpfs_set_limit(*sb, m->size / PAGE_SIZE);
    }
    return err;
}

static uint32_t mount_flags(uint32_t flags)
{
    return (flags & POLICY_MOUNT_RDONLY ? ST_RDONLY : 0) |
           (flags & POLICY_MOUNT_NOSUID ? ST_NOSUID : 0) |
           (flags & POLICY_MOUNT_NODEV ? ST_NODEV : 0) |
           (flags & POLICY_MOUNT_NOEXEC ? ST_NOEXEC : 0) | ST_RELATIME;
}

static int mount_one(const struct policy_mount *m, const char *target, int fd)
{
    struct superblock *sb;
    struct path at;
    int err = find_target(target, &at);

    if (err) {
        return err;
    }
    err = make_mount(m, fd, &sb);
    err = err ? err : mount_add(sb, &at, mount_flags(m->flags), NULL);
    path_put(&at);
    return err;
}

int policy_mounts(const struct policy *p, const int *fds)
{
    const struct policy_mount *m = policy_at(p, p->mounts.at);

    for (uint32_t i = 0; i < p->mounts.count; i++) {
        const char *target = policy_at(p, m[i].target.at);
        int err = mount_one(&m[i], target, fds ? fds[i] : -1);

        if (err) {
            log_error("cannot mount %s as the policy says: error %d", target,
                      -err);
            return err;
        }
    }
    return 0;
}

int host_mounts(const struct host_mount *m, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct policy_mount how = {
            .type = POLICY_MOUNT_HOST,
            .flags = POLICY_MOUNT_NOSUID | POLICY_MOUNT_NODEV |
                     (m[i].read_only ? (uint32_t)POLICY_MOUNT_RDONLY : 0)};
        int err = mount_one(&how, m[i].target, m[i].fd);

        if (err) {
            log_error("cannot mount at %s: error %d", m[i].target, -err);
            return err;
        }
    }
    return 0;
}
