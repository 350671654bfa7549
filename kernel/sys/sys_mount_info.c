/* SPDX-License-Identifier: MIT
 *
 * listmount(2) and statmount(2): mounts by numbers that are never used again.
 * Ours are those of /proc/self/mountinfo above MOUNT_ID_OFFSET, as statx(2)
 * tells them, too (STATX_MNT_ID_UNIQUE).
 */
#include "kernel/sys/table.h"
#include "kernel/mm/user_struct.h"
#include "kernel/fs/current.h"
#include "kernel/fs/dentry.h"
#include "kernel/fs/mount/mounting.h"
#include "kernel/fs/path.h"
#include "kernel/fs/view.h"
#include "kernel/mm/heap.h"
#include "abi/linux/errno.h"
#include "abi/linux/mount_info.h"
#include "abi/linux/stat.h"
#include "abi/linux/statfs.h"
#include "lib/string.h"

enum { IDS_MOST = 1000000, LIST_MOST = 128 };

/* ---- requests ---- */

static int get_request(struct uptr from, struct mnt_id_req *req)
{
    uint32_t size;
    int err = get_user32(&size, from);

    if (err) {
        return err;
    }
    if (size < MNT_ID_REQ_SIZE_VER0) {
        return -EINVAL;
    }
    if (size > PAGE_SIZE) {
        return -E2BIG;
    }
    err = user_struct_get(req, sizeof(*req), from, size);
    if (err) {
        return err;
    }
    if (req->mnt_ns_fd) { /* no descriptor stands for a namespace here */
        return -EBADF;
    }
    if (req->mnt_id <= MOUNT_ID_OFFSET) {
        return -EINVAL;
    }
    return req->mnt_ns_id ? -ENOENT : 0;
}

static uint64_t id_of(const struct mount *m)
{
    return MOUNT_ID_OFFSET + m->id;
}

/* ---- finding ---- */

struct search {
    uint64_t id;
    struct mount *found; /* counted */
};

static int compare(struct mount *m, void *arg)
{
    struct search *s = arg;

    if (!s->found && id_of(m) == s->id) {
        mount_get(m);
        s->found = m;
    }
    return 0;
}

/* Where p is, seen from root; buf has PATH_LENGTH_MAX bytes. False: not below
 * it. */
static bool is_below(const struct path *p, const struct path *root, char *buf)
{
    bool reached;

    return path_string(p, root, buf, PATH_LENGTH_MAX, &reached) >= 0 && reached;
}

/* The mount with that id, counted, if the caller may know of it. */
static int find(uint64_t id, const struct path *root, char *buf,
                struct mount **out)
{
    struct search s = {id, NULL};
    struct fs_cred cred;
    struct path p;
    int err = mount_for_each(compare, &s);

    if (err || !s.found) {
        return err ? err : -ENOENT;
    }
    p = (struct path){s.found, s.found->root};
    fs_current_cred(&cred);
    if (!is_below(&p, root, buf) && !fs_capable(&cred, CAP_SYS_ADMIN)) {
        mount_put(s.found);
        return -EPERM;
    }
    *out = s.found;
    return 0;
}

/* ---- listmount ---- */

struct listing {
    struct path top;
    const struct mount *but; /* not this one */
    char *buf;
    uint64_t ids[LIST_MOST];
    unsigned count;
};

static int list_one(struct mount *m, void *arg)
{
    struct listing *l = arg;
    struct path p = {m, m->root};

    if (m != l->but && l->count < LIST_MOST && is_below(&p, &l->top, l->buf)) {
        l->ids[l->count++] = id_of(m);
    }
    return 0;
}

/* Mounts are listed in the order of mounting, which is that of their ids. */
static long copy_ids(const struct listing *l, uint64_t after, bool reverse,
                     struct uptr to, uint64_t room)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < l->count && n < room; i++) {
        uint64_t id = l->ids[reverse ? l->count - 1 - i : i];

        if (after && (reverse ? id >= after : id <= after)) {
            continue;
        }
        if (put_user64(uptr_add(to, n * sizeof(id)), id)) {
            return -EFAULT;
        }
        n++;
    }
    return (long)n;
}

static long list_below(const struct mnt_id_req *req, struct listing *l,
                       const struct path *root)
{
    struct mount *m = NULL;
    int err = 0;

    l->top = *root;
    l->but = root->mount;
    if (req->mnt_id != LSMT_ROOT) {
        err = find(req->mnt_id, root, l->buf, &m);
    }
    if (m) {
        l->top = (struct path){m, m->root};
        l->but = m;
    }
    err = err ? err : mount_for_each(list_one, l);
    if (m) {
        mount_put(m);
    }
    return err;
}

static long list(const struct mnt_id_req *req, bool reverse, struct uptr to,
                 uint64_t room)
{
    struct listing *l = kzalloc(sizeof(*l));
    char *buf = kmalloc(PATH_LENGTH_MAX);
    long result = -ENOMEM;
    struct path root;

    if (l && buf) {
        l->buf = buf;
        view_get_root(current_view(), &root);
        result = list_below(req, l, &root);
        path_put(&root);
    }
    if (!result) {
        result = copy_ids(l, req->param, reverse, to, room);
    }
    kfree(buf);
    kfree(l);
    return result;
}

long sys_listmount(const struct sysargs *a)
{
    uint64_t flags = arg_u64(a, 3), room = arg_u64(a, 2);
    struct mnt_id_req req;
    int err;

    if (flags & ~(uint64_t)LISTMOUNT_REVERSE) {
        return -EINVAL;
    }
    if (room > IDS_MOST) {
        return -EOVERFLOW;
    }
    err = get_request(arg_ptr(a, 0), &req);
    if (err) {
        return err;
    }
    if (req.param && req.param <= MOUNT_ID_OFFSET) {
        return -EINVAL;
    }
    return list(&req, flags & LISTMOUNT_REVERSE, arg_ptr(a, 1), room);
}

/* ---- statmount ---- */

/* What is put together: the structure, and its strings behind it. */
struct reply {
    struct statmount s;
    uint32_t used; /* of text */
    char text[3 * PATH_LENGTH_MAX];
};

static uint32_t add_string(struct reply *r, const char *text)
{
    size_t len = strlen(text) + 1;
    uint32_t at = r->used;

    if (len > sizeof(r->text) - at) {
        len = 1;
        text = "";
    }
    memcpy(r->text + at, text, len);
    r->used += (uint32_t)len;
    return at;
}

static uint64_t attributes(const struct mount *m)
{
    return mount_attrs_of(m->flags) |
           (m->flags & ST_NOATIME    ? MOUNT_ATTR_NOATIME
            : m->flags & ST_RELATIME ? 0
                                     : MOUNT_ATTR_STRICTATIME);
}

static void fill_sharing(struct statmount *s, struct mount *m)
{
    struct mount_sharing is;

    mount_get_sharing(m, &is);
    s->mnt_peer_group = is.group;
    s->mnt_master = is.master;
    s->mnt_propagation = (is.group ? MS_SHARED : 0) |
                         (is.master ? MS_SLAVE : 0) |
                         (is.unbindable ? MS_UNBINDABLE : 0);
    if (!s->mnt_propagation) {
        s->mnt_propagation = MS_PRIVATE;
    }
}

static void fill_basic(struct statmount *s, struct mount *m, uint64_t mask)
{
    const struct mount *up = m->parent ? m->parent : m;

    if (mask & STATMOUNT_SB_BASIC) {
        s->sb_dev_major = dev_major(m->sb->dev);
        s->sb_dev_minor = dev_minor(m->sb->dev);
        s->sb_magic = m->sb->magic;
        s->sb_flags = m->sb->flags & SB_READ_ONLY ? 1 : 0;
    }
    if (mask & STATMOUNT_MNT_BASIC) {
        s->mnt_id = id_of(m);
        s->mnt_parent_id = id_of(up);
        s->mnt_id_old = m->id;
        s->mnt_parent_id_old = up->id;
        s->mnt_attr = attributes(m);
        fill_sharing(s, m);
    }
    s->mask |= mask & (STATMOUNT_SB_BASIC | STATMOUNT_MNT_BASIC |
                       STATMOUNT_PROPAGATE_FROM);
}

static void fill_strings(struct reply *r, struct mount *m, uint64_t mask,
                         const struct path *root, char *buf)
{
    struct path p = {m, m->root};

    if (mask & STATMOUNT_MNT_ROOT && mount_root_string(m, buf) >= 0) {
        r->s.mnt_root = add_string(r, buf);
        r->s.mask |= STATMOUNT_MNT_ROOT;
    }
    if (mask & STATMOUNT_MNT_POINT && is_below(&p, root, buf)) {
        r->s.mnt_point = add_string(r, buf);
        r->s.mask |= STATMOUNT_MNT_POINT;
    }
    if (mask & STATMOUNT_FS_TYPE) {
        r->s.fs_type = add_string(r, m->sb->type);
        r->s.mask |= STATMOUNT_FS_TYPE;
    }
    if (mask & STATMOUNT_SB_SOURCE) {
        r->s.sb_source = add_string(r, m->sb->source);
        r->s.mask |= STATMOUNT_SB_SOURCE;
    }
}

/* As much of the structure as there is room for; strings all, or none. */
static long copy_reply(struct reply *r, struct uptr to, uint64_t room)
{
    uint64_t size = sizeof(r->s) + r->used;

    if (r->used && room < size) {
        return -EOVERFLOW;
    }
    r->s.size = (uint32_t)size;
    if (copy_to_user(to, &r->s, MIN(room, sizeof(r->s)))) {
        return -EFAULT;
    }
    return r->used ? copy_to_user(uptr_add(to, sizeof(r->s)), r->text, r->used)
                   : 0;
}

static long stat_mount(const struct mnt_id_req *req, struct uptr to,
                       uint64_t room)
{
    struct reply *r = kzalloc(sizeof(*r));
    char *buf = kmalloc(PATH_LENGTH_MAX);
    long result = -ENOMEM;
    struct mount *m;
    struct path root;

    if (r && buf) {
        view_get_root(current_view(), &root);
        result = find(req->mnt_id, &root, buf, &m);
        if (!result) {
            fill_basic(&r->s, m, req->param);
            fill_strings(r, m, req->param, &root, buf);
            mount_put(m);
        }
        path_put(&root);
    }
    if (!result) {
        result = copy_reply(r, to, room);
    }
    kfree(buf);
    kfree(r);
    return result;
}

long sys_statmount(const struct sysargs *a)
{
    struct mnt_id_req req;
    int err;

    if (arg_u64(a, 3)) {
        return -EINVAL;
    }
    err = get_request(arg_ptr(a, 0), &req);
    return err ? err : stat_mount(&req, arg_ptr(a, 1), arg_u64(a, 2));
}
