/* SPDX-License-Identifier: MIT
 *
 * name_to_handle_at(2), open_by_handle_at(2).
 */
#include "kernel/sys/user_path.h"
#include "kernel/fs/current.h"
#include "kernel/fs/handle.h"
#include "kernel/fs/names.h"
#include "kernel/proc/cred.h"
#include "abi/linux/errno.h"
#include "abi/linux/prctl.h"
#include "abi/linux/stat.h"

enum { AT_HANDLE_FID = 0x200, AT_HANDLE_MNT_ID_UNIQUE = 1 };
enum { AT_HANDLE_CONNECTABLE = 2 };
enum { HANDLE_MOST = 128 };

struct handle_head { /* struct file_handle, without the handle */
    uint32_t bytes;
    int32_t type;
};

static int put_handle(const struct sysargs *a, const struct path *p,
                      uint32_t room)
{
    struct handle_head head = {HANDLE_BYTES, HANDLE_TYPE};
    struct handle h;

    handle_of(p, &h);
    if (room >= HANDLE_BYTES &&
        copy_to_user(uptr_add(arg_ptr(a, 2), sizeof(head)), &h, HANDLE_BYTES)) {
        return -EFAULT;
    }
    if (arg_uint(a, 4) & AT_HANDLE_MNT_ID_UNIQUE
            ? put_user64(arg_ptr(a, 3), p->mount->id)
            : put_user32(arg_ptr(a, 3), p->mount->id)) {
        return -EFAULT;
    }
    if (copy_to_user(arg_ptr(a, 2), &head, sizeof(head))) {
        return -EFAULT;
    }
    return room >= HANDLE_BYTES ? 0 : -EOVERFLOW;
}

long sys_name_to_handle_at(const struct sysargs *a)
{
    const unsigned known = AT_SYMLINK_FOLLOW | AT_EMPTY_PATH | AT_HANDLE_FID |
                           AT_HANDLE_MNT_ID_UNIQUE | AT_HANDLE_CONNECTABLE;
    unsigned flags = arg_uint(a, 4);
    struct handle_head head;
    struct path p;
    int err;

    if (flags & ~known ||
        (flags & AT_HANDLE_FID && flags & AT_HANDLE_CONNECTABLE)) {
        return -EINVAL;
    }
    err = user_find(arg_int(a, 0), arg_ptr(a, 1),
                    (flags & AT_SYMLINK_FOLLOW ? WALK_FOLLOW : 0) |
                        (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0),
                    &p);
    if (err) {
        return err;
    }
    err = copy_from_user(&head, arg_ptr(a, 2), sizeof(head));
    if (!err) {
        err =
            head.bytes > HANDLE_MOST ? -EINVAL : put_handle(a, &p, head.bytes);
    }
    path_put(&p);
    return err;
}

/* The mount that fd stands on; AT_FDCWD, too. Counted, as a path. */
static int mount_of_fd(int n, struct path *out)
{
    struct fd fd;
    int err;

    if (n == AT_FDCWD) {
        view_get_cwd(current_view(), out);
        return 0;
    }
    err = fd_get(n, &fd);
    if (!err) {
        *out = fd.file->path;
        path_get(out);
        fd_put(&fd);
    }
    return err;
}

static int get_handle(struct uptr from, struct handle *h)
{
    struct handle_head head;

    if (copy_from_user(&head, from, sizeof(head))) {
        return -EFAULT;
    }
    if (!head.bytes || head.bytes > HANDLE_MOST) {
        return -EINVAL;
    }
    if (head.bytes != HANDLE_BYTES || head.type != HANDLE_TYPE) {
        return -ESTALE;
    }
    return copy_from_user(h, uptr_add(from, sizeof(head)), HANDLE_BYTES);
}

static long open_found(const struct path *found, uint32_t flags)
{
    struct file *f;
    int err = name_open(found, "", flags, 0, WALK_EMPTY | WALK_FOLLOW, &f);

    return err ? err : user_file_install(f, flags & O_CLOEXEC);
}

long sys_open_by_handle_at(const struct sysargs *a)
{
    struct path on, found;
    struct handle h = {0, 0};
    long err;

    if (!cred_capable(CAP_DAC_READ_SEARCH)) {
        return -EPERM;
    }
    err = mount_of_fd(arg_int(a, 0), &on);
    if (err) {
        return err;
    }
    err = get_handle(arg_ptr(a, 1), &h);
    if (!err) {
        err = handle_find(on.mount, &h, &found);
    }
    path_put(&on);
    if (err) {
        return err;
    }
    err = open_found(&found, arg_uint(a, 2));
    path_put(&found);
    return err;
}
