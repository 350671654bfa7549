/* SPDX-License-Identifier: MIT
 *
 * tmpfs: the options of mount(2) (tmpfs(5)), divided by commas. Huge
 * pages and NUMA policies are nothing that is chosen here: these words are
 * known and of no effect.
 */
#include "kernel/fs/tmpfs/tmpfs.h"
#include "lib/atomic.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"

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

/* A number with a unit. */
static bool amount(const char **s, uint64_t *out)
{
    if (!number(s, 10, out)) {
        return false;
    }
    switch (**s) {
    case 'g':
    case 'G':
        *out <<= 10; /* fall through */
    case 'm':
    case 'M':
        *out <<= 10; /* fall through */
    case 'k':
    case 'K':
        *out <<= 10;
        (*s)++;
        break;
    default:
        break;
    }
    return true;
}

/* Takes word off *s. */
static bool takes(const char **s, const char *word)
{
    size_t len = strlen(word);

    if (strncmp(*s, word, len) != 0) {
        return false;
    }
    *s += len;
    return true;
}

static int set_limit(struct superblock *sb, uint64_t pages)
{
    if (pages && pages < atomic_load(&sb->pages_used)) {
        return -EINVAL;
    }
    tmpfs_set_limit(sb, pages);
    return 0;
}

static int size_option(struct superblock *sb, const char **s)
{
    uint64_t n;

    if (!amount(s, &n)) {
        return -EINVAL;
    }
    if (takes(s, "%")) {
        n = 0; /* of a memory that is not ours to count: no limit */
    }
    return set_limit(sb, (n + PAGE_SIZE - 1) / PAGE_SIZE);
}

static int blocks_option(struct superblock *sb, const char **s)
{
    uint64_t n;

    return amount(s, &n) ? set_limit(sb, n) : -EINVAL;
}

static int inodes_option(struct superblock *sb, const char **s)
{
    uint64_t n;

    if (!amount(s, &n) ||
        (n && n < atomic_load(&container_of(sb, struct tmpfs, sb)->inodes))) {
        return -EINVAL;
    }
    tmpfs_set_inode_limit(sb, n);
    return 0;
}

/* Of the root, which a remount does not change. */
static int root_option(struct inode *root, const char **s, bool remount)
{
    struct tmpfs *fs = container_of(root->sb, struct tmpfs, sb);
    bool mode = **s == 'm', uid = **s == 'u';
    uint64_t n;

    *s += sizeof("mode=") - 1 - !mode;
    if (!number(s, mode ? 8 : 10, &n)) {
        return -EINVAL;
    }
    if (remount) {
        return 0;
    }
    if (mode) {
        fs->mode = n & 07777;
        root->mode = S_IFDIR | fs->mode;
    } else if (uid) {
        fs->uid = root->uid = n;
    } else {
        fs->gid = root->gid = n;
    }
    return 0;
}

static int idle_option(const char **s)
{
    static const char *const words[] = {"huge=", "mpol=", "inode64", "inode32",
                                        "noswap"};

    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (takes(s, words[i])) {
            while (strchr(words[i], '=') && **s && **s != ',') {
                (*s)++;
            }
            return 0;
        }
    }
    return -EINVAL;
}

static int option(struct superblock *sb, const char **s, bool remount)
{
    if (takes(s, "size=")) {
        return size_option(sb, s);
    }
    if (takes(s, "nr_blocks=")) {
        return blocks_option(sb, s);
    }
    if (takes(s, "nr_inodes=")) {
        return inodes_option(sb, s);
    }
    if (strncmp(*s, "mode=", 5) == 0 || strncmp(*s, "uid=", 4) == 0 ||
        strncmp(*s, "gid=", 4) == 0) {
        return root_option(sb->root, s, remount);
    }
    return idle_option(s);
}

int tmpfs_options(struct superblock *sb, const char *text, bool remount)
{
    int err = 0;

    while (!err && *text) {
        if (*text == ',') {
            text++;
            continue;
        }
        err = option(sb, &text, remount);
        if (!err && *text && *text != ',') {
            err = -EINVAL;
        }
    }
    return err;
}

/* ---- showing ---- */

static void show(char **to, char *end, const char *word, unsigned base,
                 uint64_t value)
{
    *to += fmt_scnprintf(*to, (size_t)(end - *to),
                         base == 8 ? ",%s=%03lo" : ",%s=%lu", word, value);
}

/* What is as it would be without an option is not shown. */
void tmpfs_show_options(struct superblock *sb, char *buf, size_t len)
{
    const struct tmpfs *fs = container_of(sb, struct tmpfs, sb);
    char *end = buf + len;

    *buf = '\0';
    if (sb->page_limit) {
        buf += fmt_scnprintf(buf, len, ",size=%luk",
                             sb->page_limit * (PAGE_SIZE / 1024));
    }
    if (fs->inode_limit) {
        show(&buf, end, "nr_inodes", 10, fs->inode_limit);
    }
    if (fs->mode != 01777) {
        show(&buf, end, "mode", 8, fs->mode);
    }
    if (fs->uid) {
        show(&buf, end, "uid", 10, fs->uid);
    }
    if (fs->gid) {
        show(&buf, end, "gid", 10, fs->gid);
    }
}
