/* SPDX-License-Identifier: MIT
 *
 * fsopen(2), fspick(2), fsconfig(2), fsmount(2).
 */
#include "kernel/sys/user_path.h"
#include "kernel/fs/mount/context.h"
#include "kernel/fs/mount/mounting.h"
#include "abi/linux/errno.h"
#include "abi/linux/mount_info.h"
#include "abi/linux/statfs.h"
#include "lib/string.h"

enum { BINARY_MAX = 1024 * 1024 };

long sys_fsopen(const struct sysargs *a)
{
    unsigned flags = arg_uint(a, 1);
    struct user_path type;
    struct file *f;
    int err = mounting_allowed();

    if (!err && flags & ~FSOPEN_CLOEXEC) {
        err = -EINVAL;
    }
    if (!err) {
        err = user_path_get(&type, arg_ptr(a, 0));
        err = err == -ENAMETOOLONG ? -EINVAL : err;
    }
    if (err) {
        return err;
    }
    err = context_open(type.text, &f);
    user_path_put(&type);
    return err ? err : user_file_install(f, flags & FSOPEN_CLOEXEC);
}

long sys_fspick(const struct sysargs *a)
{
    const unsigned known = FSPICK_CLOEXEC | FSPICK_SYMLINK_NOFOLLOW |
                           FSPICK_NO_AUTOMOUNT | FSPICK_EMPTY_PATH;
    unsigned flags = arg_uint(a, 2);
    struct path at;
    struct file *f;
    int err = mounting_allowed();

    if (!err && flags & ~known) {
        err = -EINVAL;
    }
    if (!err) {
        err = user_find(arg_int(a, 0), arg_ptr(a, 1),
                        (flags & FSPICK_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) |
                            (flags & FSPICK_EMPTY_PATH ? WALK_EMPTY : 0),
                        &at);
    }
    if (err) {
        return err;
    }
    err = at.dentry == at.mount->root ? context_pick(&at, &f) : -EINVAL;
    path_put(&at);
    return err ? err : user_file_install(f, flags & FSPICK_CLOEXEC);
}

/* ---- fsconfig ---- */

/* Which arguments a command takes. */
static int check_config(unsigned cmd, bool key, bool value, int aux)
{
    bool ok;

    switch (cmd) {
    case FSCONFIG_SET_FLAG:
        ok = key && !value && !aux;
        break;
    case FSCONFIG_SET_STRING:
        ok = key && value && !aux;
        break;
    case FSCONFIG_SET_BINARY:
        ok = key && value && aux > 0 && aux <= BINARY_MAX;
        break;
    case FSCONFIG_SET_PATH:
    case FSCONFIG_SET_PATH_EMPTY:
        ok = key && value && (aux == AT_FDCWD || aux >= 0);
        break;
    case FSCONFIG_SET_FD:
        ok = key && !value && aux >= 0;
        break;
    case FSCONFIG_CMD_CREATE:
    case FSCONFIG_CMD_CREATE_EXCL:
    case FSCONFIG_CMD_RECONFIGURE:
        ok = !key && !value && !aux;
        break;
    default:
        return -EOPNOTSUPP;
    }
    return ok ? 0 : -EINVAL;
}

/* Up to CONTEXT_WORD_MAX bytes with the NUL. -EINVAL: longer. */
static int get_word(char *to, struct uptr from)
{
    long n = strncpy_from_user(to, from, CONTEXT_WORD_MAX);

    return n == -ENAMETOOLONG ? -EINVAL : (int)MIN(n, 0l);
}

/* What no file system here takes is read all the same. */
static int set_other(struct fs_context *c, unsigned cmd, struct uptr value,
                     int aux)
{
    struct user_path text;
    struct fd fd;
    char byte;
    int err = 0;

    switch (cmd) {
    case FSCONFIG_SET_BINARY:
        err = copy_from_user(&byte, uptr_add(value, aux - 1), 1);
        break;
    case FSCONFIG_SET_FD:
        err = fd_get(aux, &fd);
        if (!err) {
            fd_put(&fd);
        }
        break;
    default:
        err = user_path_get(&text, value);
        if (!err) {
            err = !text.text[0] && cmd == FSCONFIG_SET_PATH ? -ENOENT : 0;
            user_path_put(&text);
        }
    }
    return err ? err : context_set_other(c);
}

static int set(struct fs_context *c, unsigned cmd, const struct sysargs *a)
{
    char key[CONTEXT_WORD_MAX], value[CONTEXT_WORD_MAX];
    int err = get_word(key, arg_ptr(a, 2));

    if (err) {
        return err;
    }
    if (cmd == FSCONFIG_SET_FLAG) {
        return context_set(c, key, NULL);
    }
    if (cmd != FSCONFIG_SET_STRING) {
        return set_other(c, cmd, arg_ptr(a, 3), arg_int(a, 4));
    }
    err = get_word(value, arg_ptr(a, 3));
    return err ? err : context_set(c, key, value);
}

static int configure(struct fs_context *c, const struct sysargs *a)
{
    unsigned cmd = arg_uint(a, 1);
    int err;

    if (cmd < FSCONFIG_CMD_CREATE) {
        return set(c, cmd, a);
    }
    err = cmd == FSCONFIG_CMD_RECONFIGURE ? mount_tree_may_change()
                                          : mounting_allowed();
    if (err) {
        return err;
    }
    return cmd == FSCONFIG_CMD_RECONFIGURE
               ? context_reconfigure(c)
               : context_create(c, cmd == FSCONFIG_CMD_CREATE_EXCL);
}

/* The context behind a descriptor, while that is held. */
static int get_context(int n, struct fd *fd, struct fs_context **out)
{
    int err = fd_get_io(n, fd);

    if (err) {
        return err;
    }
    *out = context_of(fd->file);
    if (!*out) {
        fd_put(fd);
        return -EINVAL;
    }
    return 0;
}

long sys_fsconfig(const struct sysargs *a)
{
    struct fs_context *c;
    struct fd fd;
    int err;

    if (arg_int(a, 0) < 0) {
        return -EINVAL;
    }
    err = check_config(arg_uint(a, 1), arg_ptr(a, 2).addr, arg_ptr(a, 3).addr,
                       arg_int(a, 4));
    err = err ? err : get_context(arg_int(a, 0), &fd, &c);
    if (!err) {
        err = configure(c, a);
        fd_put(&fd);
    }
    return err;
}

/* ---- fsmount ---- */

static int mount_attrs(unsigned attrs, uint32_t *flags)
{
    unsigned atime = attrs & MOUNT_ATTR_ATIMES;

    if (attrs & ~(MOUNT_ATTR_SETTABLE | MOUNT_ATTR_ATIMES) ||
        (atime && atime != MOUNT_ATTR_NOATIME &&
         atime != MOUNT_ATTR_STRICTATIME)) {
        return -EINVAL;
    }
    *flags =
        mount_attr_flags(attrs) | (atime == 0                    ? ST_RELATIME
                                   : atime == MOUNT_ATTR_NOATIME ? ST_NOATIME
                                                                 : 0);
    return 0;
}

long sys_fsmount(const struct sysargs *a)
{
    unsigned flags = arg_uint(a, 1);
    struct fs_context *c;
    uint32_t st = 0;
    struct file *f;
    struct fd fd;
    int err = mounting_allowed();

    if (!err && flags & ~FSMOUNT_CLOEXEC) {
        err = -EINVAL;
    }
    err = err ? err : mount_attrs(arg_uint(a, 2), &st);
    err = err ? err : get_context(arg_int(a, 0), &fd, &c);
    if (err) {
        return err;
    }
    err = context_mount(c, st, &f);
    fd_put(&fd);
    return err ? err : user_file_install(f, flags & FSMOUNT_CLOEXEC);
}
