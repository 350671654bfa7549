/* SPDX-License-Identifier: MIT
 *
 * The layered file system: options of mount(2), and what becomes of them. A
 * superblock is empty until it is ready (mounting.c, context.c).
 */
#include "kernel/fs/layered/layered.h"
#include "kernel/fs/path.h"
#include "kernel/mm/heap.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"
#include "abi/linux/statfs.h"

enum { LAYERS_MAX = 500, DEPTH_MAX = 2 };

/* ---- the superblock ---- */

static void put_layer(struct layer *l)
{
    if (l->sb) {
        inode_put(l->root);
        sb_put(l->sb);
    }
}

static void free_sb(struct superblock *sb)
{
    struct layered *fs = layered_of(sb);

    inode_put(fs->work);
    put_layer(&fs->upper);
    for (unsigned i = 0; i < fs->lower_count; i++) {
        put_layer(&fs->lower[i]);
    }
    kfree(fs->lower);
    kfree(fs->lower_text);
    kfree(fs->upper_text);
    kfree(fs->work_text);
    kfree(fs);
}

static int statfs(struct superblock *sb, struct fs_statfs *out)
{
    struct layered *fs = layered_of(sb);

    return sb_statfs(fs->upper.sb ? fs->upper.sb : fs->lower[0].sb, out);
}

static int sync(struct superblock *sb)
{
    struct superblock *upper = layered_of(sb)->upper.sb;

    return upper && upper->ops->sync ? upper->ops->sync(upper) : 0;
}

void layered_show_options(struct superblock *sb, char *buf, size_t len)
{
    struct layered *fs = layered_of(sb);
    size_t n = fmt_scnprintf(buf, len, ",lowerdir=%s", fs->lower_text);

    if (fs->upper_text) {
        n += fmt_scnprintf(buf + n, len - n, ",upperdir=%s,workdir=%s",
                           fs->upper_text, fs->work_text);
    }
    if (fs->user_names) {
        fmt_scnprintf(buf + n, len - n, ",userxattr");
    }
}

static const struct superblock_ops sb_ops = {
    .free = free_sb,
    .statfs = statfs,
    .sync = sync,
    .options = layered_show_options,
};

bool layered_is(const struct superblock *sb)
{
    return sb->ops == &sb_ops;
}

int layered_mount(struct superblock **out)
{
    struct layered *fs = kzalloc(sizeof(*fs));

    if (!fs) {
        return -ENOMEM;
    }
    sb_init(&fs->sb, &sb_ops, "overlay", OVERLAYFS_MAGIC,
            SB_KEEPS_FLAGS | SB_ACLS);
    *out = &fs->sb;
    return 0;
}

/* ---- options ---- */

/* What is the default, or means nothing here. */
static bool is_idle(const char *option)
{
    static const char *const idle[] = {"default_permissions",
                                       "redirect_dir=off",
                                       "redirect_dir=nofollow",
                                       "index=off",
                                       "metacopy=off",
                                       "nfs_export=off",
                                       "xino=off",
                                       "xino=auto",
                                       "xino=on",
                                       "uuid=on",
                                       "uuid=off",
                                       "uuid=null",
                                       "uuid=auto",
                                       "verity=off",
                                       "volatile"};

    for (size_t i = 0; i < ARRAY_SIZE(idle); i++) {
        if (strcmp(option, idle[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int keep(char **text, const char *value)
{
    char *copy = kstrdup(value);

    if (!copy) {
        return -ENOMEM;
    }
    kfree(*text);
    *text = copy;
    return *value ? 0 : -EINVAL;
}

/* fsconfig(2)'s lowerdir+: one more below those that came, whose name means
 * what it says. */
static int add_lower(struct layered *fs, const char *name)
{
    size_t old = fs->lower_text ? strlen(fs->lower_text) : 0;
    char *text = kmalloc(old + 2 * strlen(name) + 2), *to = text + old;

    if (!text || !*name) {
        kfree(text);
        return text ? -EINVAL : -ENOMEM;
    }
    memcpy(text, old ? fs->lower_text : "", old);
    if (old) {
        *to++ = ':';
    }
    for (; *name; name++) {
        if (*name == ':' || *name == '\\') {
            *to++ = '\\';
        }
        *to++ = *name;
    }
    *to = '\0';
    kfree(fs->lower_text);
    fs->lower_text = text;
    return 0;
}

static int set_option(struct layered *fs, const char *option)
{
    if (strncmp(option, "lowerdir+=", 10) == 0) {
        return add_lower(fs, option + 10);
    }
    if (strncmp(option, "lowerdir=", 9) == 0) {
        return keep(&fs->lower_text, option + 9);
    }
    if (strncmp(option, "upperdir=", 9) == 0) {
        return keep(&fs->upper_text, option + 9);
    }
    if (strncmp(option, "workdir=", 8) == 0) {
        return keep(&fs->work_text, option + 8);
    }
    if (strcmp(option, "userxattr") == 0) {
        fs->user_names = true;
        return 0;
    }
    return is_idle(option) ? 0 : -EINVAL;
}

/* One more of a list divided by `by`, which a backslash takes the meaning of;
 * the rest, or NULL. */
static char *cut(char *text, char by)
{
    for (; *text && *text != by; text++) {
        text += text[0] == '\\' && text[1];
    }
    if (!*text) {
        return NULL;
    }
    *text = '\0';
    return text + 1;
}

int layered_options(struct superblock *sb, const char *text, bool remount)
{
    char *copy, *rest;
    int err = 0;

    if (remount) {
        return 0;
    }
    copy = kstrdup(text);
    if (!copy) {
        return -ENOMEM;
    }
    for (char *at = copy; at && !err; at = rest) {
        rest = cut(at, ',');
        err = *at ? set_option(layered_of(sb), at) : 0;
    }
    kfree(copy);
    return err;
}

/* ---- becoming ready ---- */

static void unescape(char *text)
{
    char *to = text;

    for (; *text; text++) {
        text += text[0] == '\\' && text[1];
        *to++ = *text;
    }
    *to = '\0';
}

/* A directory; *out is counted. */
static int find_directory(const char *text, struct path *out)
{
    char *name = kstrdup(text);
    int err;

    if (!name) {
        return -ENOMEM;
    }
    unescape(name);
    err = path_find(NULL, name, WALK_FOLLOW, out);
    kfree(name);
    if (!err && !S_ISDIR(out->dentry->inode->mode)) {
        path_put(out);
        err = -EINVAL;
    }
    return err;
}

static void hold(struct layer *l, const struct path *p)
{
    l->sb = p->mount->sb;
    l->root = p->dentry->inode;
    sb_get(l->sb);
    inode_get(l->root);
}

static bool overlap(const struct path *a, const struct path *b)
{
    return dentry_below(a->dentry, b->dentry) ||
           dentry_below(b->dentry, a->dentry);
}

/* A directory of this name beside the layer, for what is on its way. */
static int make_work(struct layered *fs, struct inode *dir)
{
    struct inode_attr attr = {.mode = S_IFDIR};
    int err;

    mutex_lock(&dir->lock);
    err = dir->ops->lookup(dir, "work", 4, &fs->work);
    if (err == -ENOENT) {
        err = dir->ops->make(dir, "work", 4, &attr, &fs->work);
    }
    dir->flags |= INODE_ASK_AGAIN;
    mutex_unlock(&dir->lock);
    return !err && !S_ISDIR(fs->work->mode) ? -EINVAL : err;
}

/* Where changes go: counted if the mount is there. */
struct top {
    struct path upper, work;
};

/* Whether it gives a name to what has none, directories too. */
static bool takes_twins(const struct superblock *sb)
{
    return (sb->flags & (SB_WHITEOUTS | SB_ASK_AGAIN)) == SB_WHITEOUTS;
}

/* Layers that change are tmpfs's. */
static int open_top(struct layered *fs, struct top *top)
{
    const struct path *upper = &top->upper, *work = &top->work;
    int err = find_directory(fs->upper_text, &top->upper);

    if (err) {
        top->upper.mount = NULL;
        return err;
    }
    err = find_directory(fs->work_text, &top->work);
    if (err) {
        top->work.mount = NULL;
        return err;
    }
    if (mount_writable(upper->mount) || upper->mount != work->mount ||
        overlap(upper, work) || !takes_twins(upper->mount->sb)) {
        return -EINVAL;
    }
    hold(&fs->upper, upper);
    return make_work(fs, work->dentry->inode);
}

static void put_top(struct top *top)
{
    if (top->upper.mount) {
        path_put(&top->upper);
    }
    if (top->work.mount) {
        path_put(&top->work);
    }
}

/* A layer may contain those that change, not lie in one. */
static bool is_in_top(const struct path *p, const struct top *top)
{
    return top->work.mount && (dentry_below(p->dentry, top->upper.dentry) ||
                               dentry_below(p->dentry, top->work.dentry));
}

static int open_lower(struct layered *fs, const char *text, struct path *all,
                      const struct top *top)
{
    struct path *p = &all[fs->lower_count];
    int err = find_directory(text, p);

    if (err) {
        return err;
    }
    if (p->mount->sb->flags & SB_TABLES) {
        err = -EINVAL;
    } else if (is_in_top(p, top)) {
        err = -ELOOP;
    }
    for (unsigned i = 0; i < fs->lower_count && !err; i++) {
        err = overlap(p, &all[i]) ? -ELOOP : 0;
    }
    if (!err && layered_is(p->mount->sb)) {
        fs->depth = MAX(fs->depth, layered_of(p->mount->sb)->depth);
    }
    hold(&fs->lower[fs->lower_count++], p);
    return err;
}

static unsigned count_layers(const char *text)
{
    unsigned n = 1;

    for (; *text; text++) {
        text += text[0] == '\\' && text[1];
        n += *text == ':';
    }
    return n;
}

static int open_lowers(struct layered *fs, const struct top *top)
{
    unsigned count = count_layers(fs->lower_text);
    struct path *all = kzalloc(count * sizeof(*all));
    char *text = kstrdup(fs->lower_text), *rest;
    int err = 0;

    fs->lower = kzalloc(count * sizeof(*fs->lower));
    if (!all || !text || !fs->lower) {
        err = -ENOMEM;
    }
    for (char *at = text; at && !err; at = rest) {
        rest = cut(at, ':');
        err = open_lower(fs, at, all, top);
    }
    for (unsigned i = 0; all && i < fs->lower_count; i++) {
        path_put(&all[i]);
    }
    kfree(text);
    kfree(all);
    return err;
}

static int make_root(struct layered *fs)
{
    struct layered_found f = {.lower_count = fs->lower_count};
    int err;

    f.lower = kmalloc(fs->lower_count * sizeof(*f.lower));
    if (!f.lower) {
        return -ENOMEM;
    }
    for (unsigned i = 0; i < fs->lower_count; i++) {
        f.lower[i] = fs->lower[i].root;
        inode_get(f.lower[i]);
    }
    if (fs->upper.sb) {
        f.upper = fs->upper.root;
        inode_get(f.upper);
    }
    err = layered_get(fs, &f, &fs->sb.root);
    kfree(f.lower);
    return err;
}

static void choose_names(struct layered *fs)
{
    bool user = fs->user_names;

    fs->private = user ? "user.overlay." : "trusted.overlay.";
    fs->opaque = user ? "user.overlay.opaque" : "trusted.overlay.opaque";
    fs->origin = user ? "user.overlay.origin" : "trusted.overlay.origin";
}

int layered_ready(struct superblock *sb)
{
    struct layered *fs = layered_of(sb);
    struct top top = {.upper.mount = NULL};
    int err = 0;

    if (!fs->lower_text || !fs->upper_text != !fs->work_text ||
        count_layers(fs->lower_text) > LAYERS_MAX ||
        (!fs->upper_text && count_layers(fs->lower_text) < 2)) {
        return -EINVAL;
    }
    choose_names(fs);
    if (fs->upper_text) {
        err = open_top(fs, &top);
    } else {
        fs->sb.flags |= SB_READ_ONLY;
    }
    err = err ? err : open_lowers(fs, &top);
    put_top(&top);
    if (!err && ++fs->depth > DEPTH_MAX) {
        err = -EINVAL;
    }
    mutex_init(&fs->copying, fs->depth > 1 ? LOCK_FS_TOP2_COPY : LOCK_FS_COPY);
    return err ? err : make_root(fs);
}
