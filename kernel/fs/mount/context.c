/* SPDX-License-Identifier: MIT
 *
 * File systems that are configured step by step (context.h). Each option is
 * tried as it comes on a file system of the same type, since that is when
 * Linux refuses one: for a new file system that is the one that is mounted
 * later, for one that is there a spare one, and the text of all is kept until
 * FSCONFIG_CMD_RECONFIGURE.
 */
#include "kernel/fs/mount/context.h"
#include "kernel/fs/file.h"
#include "kernel/fs/layered/layered.h"
#include "kernel/fs/mount/mount_adrift.h"
#include "kernel/fs/mount/mounting.h"
#include "kernel/mm/heap.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "abi/linux/errno.h"

enum phase {
    CREATE_PARAMS,
    AWAITING_MOUNT,
    AWAITING_RECONF, /* mounted: options begin anew */
    RECONF_PARAMS,
    FAILED,
};

enum { TEXT_MAX = 4096 };

struct fs_context {
    struct mutex lock; /* LOCK_FS_POS: all below */
    enum phase phase;
    struct superblock *sb;  /* counted: the one that it is about */
    struct superblock *try; /* counted: options are tried on; or NULL */
    bool keeps_all;         /* ramfs: any word will do */
    bool read_only, has_source;
    char source[CONTEXT_WORD_MAX];
    char text[TEXT_MAX]; /* options, divided by commas */
};

static void context_release(struct file *f)
{
    struct fs_context *c = f->private;

    if (c->try) {
        sb_put(c->try);
    }
    if (c->sb) {
        sb_put(c->sb);
    }
    kfree(c);
}

/* Messages of errors: there are none. */
static long context_read(struct file *f, struct iobuf *io, uint64_t *pos,
                         int flags)
{
    return -ENODATA;
}

static const struct file_ops context_ops = {
    .read = context_read,
    .release = context_release,
};

struct fs_context *context_of(struct file *f)
{
    return f->ops == &context_ops ? f->private : NULL;
}

/* c is taken. */
static int open_context(struct fs_context *c, struct file **out)
{
    int err =
        file_open_anon("anon_inode:[fscontext]", &context_ops, c, O_RDWR, out);

    if (err) {
        sb_put(c->sb);
        kfree(c);
    }
    return err;
}

static int new_context(struct superblock *sb, enum phase phase,
                       struct fs_context **out)
{
    struct fs_context *c = kzalloc(sizeof(*c));

    if (!c) {
        sb_put(sb);
        return -ENOMEM;
    }
    mutex_init(&c->lock, LOCK_FS_POS);
    c->phase = phase;
    c->sb = sb;
    *out = c;
    return 0;
}

int context_open(const char *type, struct file **out)
{
    struct superblock *sb;
    struct fs_context *c;
    int err = mount_type_make(type, &sb);

    err = err ? err : new_context(sb, CREATE_PARAMS, &c);
    if (err) {
        return err;
    }
    c->keeps_all = strcmp(type, "ramfs") == 0;
    return open_context(c, out);
}

int context_pick(const struct path *root, struct file **out)
{
    struct fs_context *c;
    int err;

    sb_get(root->mount->sb);
    err = new_context(root->mount->sb, RECONF_PARAMS, &c);
    return err ? err : open_context(c, out);
}

/* ---- options ---- */

/* Known to all file systems; false: it is none of these. */
static bool common_flag(struct fs_context *c, const char *key)
{
    static const char *const idle[] = {"sync", "async",    "dirsync",
                                       "mand", "lazytime", "nolazytime"};

    if (strcmp(key, "ro") == 0 || strcmp(key, "rw") == 0) {
        c->read_only = key[1] == 'o';
        return true;
    }
    for (size_t i = 0; i < ARRAY_SIZE(idle); i++) {
        if (strcmp(key, idle[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int set_source(struct fs_context *c, const char *value)
{
    if (!value || c->has_source) {
        return -EINVAL;
    }
    memcpy(c->source, value, strlen(value) + 1);
    c->has_source = true;
    return 0;
}

static int try_option(struct fs_context *c, const char *option)
{
    if (c->phase == CREATE_PARAMS) {
        return mount_options(c->sb, option, false);
    }
    if (!c->try && mount_type_make(c->sb->type, &c->try)) {
        c->try = NULL;
        return -EINVAL;
    }
    return mount_options(c->try, option, false);
}

static bool has_options(const struct superblock *sb)
{
    return strcmp(sb->type, "tmpfs") == 0 || strcmp(sb->type, "proc") == 0 ||
           layered_is(sb);
}

static int set_own(struct fs_context *c, const char *key, const char *value)
{
    char option[2 * CONTEXT_WORD_MAX];
    size_t used = strlen(c->text);
    int err;

    if (c->keeps_all) {
        return 0;
    }
    if (!has_options(c->sb) || strchr(key, ',') ||
        (value && strchr(value, ','))) {
        return -EINVAL;
    }
    fmt_scnprintf(option, sizeof(option), value ? "%s=%s" : "%s", key, value);
    err = try_option(c, option);
    if (!err) {
        fmt_scnprintf(c->text + used, TEXT_MAX - used, ",%s", option);
    }
    return err;
}

/* What was mounted is open for changes now. */
static int may_set(struct fs_context *c)
{
    if (c->phase == AWAITING_RECONF) {
        c->phase = RECONF_PARAMS;
    }
    return c->phase == CREATE_PARAMS || c->phase == RECONF_PARAMS ? 0 : -EBUSY;
}

static int set(struct fs_context *c, const char *key, const char *value)
{
    if (common_flag(c, key)) {
        return 0;
    }
    return strcmp(key, "source") == 0 ? set_source(c, value)
                                      : set_own(c, key, value);
}

int context_set(struct fs_context *c, const char *key, const char *value)
{
    int err;

    mutex_lock(&c->lock);
    err = may_set(c);
    err = err ? err : set(c, key, value);
    mutex_unlock(&c->lock);
    return err;
}

int context_set_other(struct fs_context *c)
{
    int err;

    mutex_lock(&c->lock);
    err = may_set(c);
    mutex_unlock(&c->lock);
    return err ? err : -EINVAL;
}

/* ---- commands ---- */

static int create(struct fs_context *c, bool excl)
{
    int err;

    if (c->phase != CREATE_PARAMS) {
        return -EBUSY;
    }
    err = excl && c->sb->mounts ? -EBUSY : mount_ready(c->sb);
    err = err ? err : mount_name_source(c->sb, c->source);
    if (!err && c->read_only && !c->sb->mounts) {
        c->sb->flags |= SB_READ_ONLY;
    }
    c->phase = err ? FAILED : AWAITING_MOUNT;
    return err;
}

int context_create(struct fs_context *c, bool excl)
{
    int err;

    mutex_lock(&c->lock);
    err = create(c, excl);
    mutex_unlock(&c->lock);
    return err;
}

static int reconfigure(struct fs_context *c)
{
    int err;

    if (c->phase == AWAITING_RECONF) {
        c->phase = RECONF_PARAMS;
    }
    if (c->phase != RECONF_PARAMS) {
        return -EBUSY;
    }
    err = mount_options(c->sb, c->text, true);
    c->text[0] = '\0';
    c->phase = err ? FAILED : AWAITING_RECONF;
    return err;
}

int context_reconfigure(struct fs_context *c)
{
    int err;

    mutex_lock(&c->lock);
    err = reconfigure(c);
    mutex_unlock(&c->lock);
    return err;
}

static int make_mount(struct fs_context *c, uint32_t flags, struct mount **out)
{
    int err;

    if (c->phase == CREATE_PARAMS || c->phase == FAILED) {
        return -EINVAL;
    }
    if (c->phase != AWAITING_MOUNT) {
        return -EBUSY;
    }
    sb_get(c->sb);
    err = mount_make(c->sb, flags, out);
    if (!err) {
        c->text[0] = '\0';
        c->phase = AWAITING_RECONF;
    }
    return err;
}

int context_mount(struct fs_context *c, uint32_t flags, struct file **out)
{
    struct mount *m;
    int err;

    mutex_lock(&c->lock);
    err = make_mount(c, flags, &m);
    mutex_unlock(&c->lock);
    return err ? err : mount_open_adrift(m, out);
}
