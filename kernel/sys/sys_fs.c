/* SPDX-License-Identifier: MIT
 *
 * What file systems there are and what of a file is cached: sysfs(2),
 * cachestat(2).
 */
#include "kernel/sys/table.h"
#include "kernel/fs/file.h"
#include "kernel/fs/procfs/procfs.h"
#include "lib/string.h"
#include "abi/linux/errno.h"

/* ---- sysfs ---- */

enum { NAME_BYTES = 64 };

static long index_of(struct uptr name)
{
    char text[NAME_BYTES];
    long len = strncpy_from_user(text, name, sizeof(text));

    if (len < 0 && len != -ENAMETOOLONG) {
        return len;
    }
    for (int i = 0; len > 0 && proc_filesystems[i]; i++) {
        if (strcmp(text, filesystem_name(i)) == 0) {
            return i;
        }
    }
    return -EINVAL;
}

static unsigned count_of_types(void)
{
    unsigned n = 0;

    while (proc_filesystems[n]) {
        n++;
    }
    return n;
}

long sys_sysfs(const struct sysargs *a)
{
    unsigned i = arg_uint(a, 1);
    const char *name;

    switch (arg_int(a, 0)) {
    case 1:
        return index_of(arg_ptr(a, 1));
    case 2:
        if (i >= count_of_types()) {
            return -EINVAL;
        }
        name = filesystem_name((int)i);
        return copy_to_user(arg_ptr(a, 2), name, strlen(name) + 1);
    case 3:
        return count_of_types();
    default:
        return -EINVAL;
    }
}

/* ---- cachestat ---- */

struct cachestat_range {
    uint64_t off, len;
};

struct cachestat {
    uint64_t cached, dirty, writeback, evicted, recently_evicted;
};

static uint64_t count_cached(struct pagecache *pc, uint64_t first, uint64_t end)
{
    uint64_t n = 0, index = first;

    while ((index = pagecache_next(pc, index, true)) < end) {
        uint64_t hole = MIN(pagecache_next(pc, index, false), end);

        n += hole - index;
        index = hole;
    }
    return n;
}

static long cachestat_file(struct file *f, const struct sysargs *a)
{
    struct inode *data = atomic_load_acquire(&f->inode->data);
    struct cachestat c = {0};
    struct cachestat_range r;
    uint64_t end;

    if (copy_from_user(&r, arg_ptr(a, 1), sizeof(r))) {
        return -EFAULT;
    }
    if (arg_uint(a, 3)) {
        return -EINVAL;
    }
    end = r.len && r.off + r.len > r.off
              ? (r.off + r.len + PAGE_SIZE - 1) / PAGE_SIZE
              : UINT64_MAX;
    c.cached = count_cached(&data->pages, r.off / PAGE_SIZE, end);
    return copy_to_user(arg_ptr(a, 2), &c, sizeof(c));
}

long sys_cachestat(const struct sysargs *a)
{
    struct fd fd;
    long err = fd_get_io(arg_int(a, 0), &fd);

    if (!err) {
        err = cachestat_file(fd.file, a);
        fd_put(&fd);
    }
    return err;
}
