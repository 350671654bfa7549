/* SPDX-License-Identifier: MIT
 *
 * procfs: PROCMAP_QUERY, the ioctl(2) of /proc/PID/maps that tells one mapping
 * without the text of all (linux/fs.h, 6.11). Build IDs are not looked for.
 */
#include "kernel/fs/procfs/procfs.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/procmap.h"
#include "abi/linux/stat.h"
#include "target/target.h"

enum { NEEDED = offsetof(struct procmap_query, query_addr) + sizeof(uint64_t) };

/* A struct of the caller's size: what this kernel does not know must be 0. */
static int get_query(struct procmap_query *q, struct uptr from)
{
    uint64_t size;
    uint8_t byte;
    int err = get_user64(&size, from);

    if (err || size > PAGE_SIZE || size < NEEDED) {
        return err ? err : size > PAGE_SIZE ? -E2BIG : -EINVAL;
    }
    memset(q, 0, sizeof(*q));
    err = copy_from_user(q, from, MIN(size, sizeof(*q)));
    for (uint64_t i = sizeof(*q); i < size && !err; i++) {
        err = copy_from_user(&byte, uptr_add(from, i), 1);
        err = !err && byte ? -E2BIG : err;
    }
    q->size = size;
    return err;
}

static int check_query(const struct procmap_query *q)
{
    return q->query_flags & ~(uint64_t)PROCMAP_QUERY_ALL ||
                   !q->vma_name_size != !q->vma_name_addr ||
                   !q->build_id_size != !q->build_id_addr
               ? -EINVAL
               : 0;
}

static uint64_t flags_of(const struct mm_region *r)
{
    return (r->prot & MEM_READ ? PROCMAP_QUERY_VMA_READABLE : 0) |
           (r->prot & MEM_WRITE ? PROCMAP_QUERY_VMA_WRITABLE : 0) |
           (r->prot & MEM_EXEC ? PROCMAP_QUERY_VMA_EXECUTABLE : 0) |
           (r->shared ? PROCMAP_QUERY_VMA_SHARED : 0);
}

static bool is_wanted(const struct mm_region *r, uint64_t flags)
{
    const uint64_t all =
        PROCMAP_QUERY_VMA_READABLE | PROCMAP_QUERY_VMA_WRITABLE |
        PROCMAP_QUERY_VMA_EXECUTABLE | PROCMAP_QUERY_VMA_SHARED;

    return !(flags & all & ~flags_of(r)) &&
           (!(flags & PROCMAP_QUERY_FILE_BACKED_VMA) || r->ino);
}

static int find(struct mm *mm, const struct procmap_query *q,
                struct mm_region *r)
{
    bool next = q->query_flags & PROCMAP_QUERY_COVERING_OR_NEXT_VMA;
    uint64_t addr = q->query_addr;

    while (mm_region_from(mm, addr, r)) {
        if (!next && r->start > q->query_addr) {
            break;
        }
        if (is_wanted(r, q->query_flags)) {
            return 0;
        }
        if (!next) {
            break;
        }
        addr = r->end;
    }
    return -ENOENT;
}

static int put_name(struct procmap_query *q, const struct mm_region *r)
{
    uint64_t len = r->path[0] ? strlen(r->path) + 1 : 0;

    if (!q->vma_name_size) {
        return 0;
    }
    if (len > q->vma_name_size) {
        return -ENAMETOOLONG;
    }
    q->vma_name_size = (uint32_t)len;
    return copy_to_user(uptr(q->vma_name_addr), r->path, len);
}

static int answer(struct mm *mm, struct procmap_query *q, struct mm_region *r)
{
    int err = find(mm, q, r);

    if (err) {
        return err;
    }
    q->vma_start = r->start;
    q->vma_end = r->end;
    q->vma_flags = flags_of(r);
    q->vma_page_size = PAGE_SIZE;
    q->vma_offset = r->ino ? r->offset : 0;
    q->inode = r->ino;
    q->dev_major = dev_major(r->dev);
    q->dev_minor = dev_minor(r->dev);
    q->build_id_size = 0;
    return put_name(q, r);
}

long ioctl_maps(const struct pseudo_at *at, uint32_t cmd, struct uptr arg)
{
    struct procmap_query q;
    struct mm_region r;
    struct mm *mm = NULL;
    int err;

    if (cmd != PROCMAP_QUERY) {
        return -ENOTTY;
    }
    err = get_query(&q, arg);
    if (!err) {
        err = check_query(&q);
    }
    if (!err) {
        err = mm_at(at, &mm);
    }
    if (err || !mm) {
        return err ? err : -ESRCH;
    }
    err = answer(mm, &q, &r);
    mm_put(mm);
    return err ? err : copy_to_user(arg, &q, MIN(q.size, sizeof(q)));
}
