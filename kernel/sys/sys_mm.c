/* SPDX-License-Identifier: MIT
 *
 * The system calls of memory: arguments in, limits and errors as Linux has
 * them, the mm room's functions. Memory policies are in sys_mempolicy.c. There
 * are no protection keys.
 */
#include "kernel/sys/table.h"
#include "kernel/fs/tmpfs/memfd.h"
#include "kernel/fs/aio.h"
#include "kernel/fs/file.h"
#include "kernel/fs/fs.h"
#include "kernel/mm/mm.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/proc.h"
#include "abi/linux/errno.h"
#include "abi/linux/mman.h"
#include "abi/linux/prctl.h"
#include "abi/linux/resource.h"
#include "lib/string.h"

static struct mm *current_mm(void)
{
    return current_task()->mm;
}

/* ---- limits ---- */

static uint64_t limit(int which)
{
    return current_proc()->limits[which].cur;
}

static bool below(uint64_t have, uint64_t more, uint64_t most)
{
    return have <= most && more <= most - have;
}

/* RLIMIT_AS and, for private writable memory, RLIMIT_DATA: len bytes more. */
static bool room_for(uint64_t len, bool data)
{
    uint64_t most = limit(LIMIT_AS);
    uint64_t most_data = data ? limit(LIMIT_DATA) : LIMIT_INFINITY;
    struct mm_stats s;

    if (most == LIMIT_INFINITY && most_data == LIMIT_INFINITY) {
        return true;
    }
    mm_get_stats(current_mm(), &s);
    return below(s.virtual_bytes, len, most) &&
           below(s.data_bytes, len, most_data);
}

static bool is_data_mapping(int prot, int flags)
{
    return prot & PROT_WRITE && (flags & MAP_TYPE) == MAP_PRIVATE &&
           !(flags & MAP_GROWSDOWN);
}

/* RLIMIT_MEMLOCK, for len bytes more; `full` is the error when they do not
 * fit: -EAGAIN or -ENOMEM. */
static int may_lock(uint64_t len, int full)
{
    uint64_t most = limit(LIMIT_MEMLOCK);
    struct mm_stats s;

    if (most == LIMIT_INFINITY || cred_capable(CAP_IPC_LOCK)) {
        return 0;
    }
    if (!most) {
        return -EPERM;
    }
    mm_get_stats(current_mm(), &s);
    return s.locked_bytes <= most && len <= most - s.locked_bytes ? 0 : full;
}

/* ---- mmap and its kin ---- */

enum { HUGE_2M = 21, HUGE_1G = 30 };

static int map_anonymous(uint64_t *addr, uint64_t len, int prot, int flags)
{
    unsigned huge = (unsigned)flags >> MAP_HUGE_SHIFT;

    if ((flags & MAP_TYPE) == MAP_SHARED_VALIDATE) {
        return -EINVAL;
    }
    if (flags & MAP_HUGETLB) { /* as where no huge page is set aside */
        return huge && huge != HUGE_2M && huge != HUGE_1G ? -EINVAL : -ENOMEM;
    }
    if ((flags & MAP_TYPE) == MAP_DROPPABLE) { /* nobody takes it away */
        flags ^= MAP_DROPPABLE | MAP_PRIVATE;
    }
    return mm_map(current_mm(), addr, len, prot, flags, NULL, 0);
}

static int map_object(struct file *f, uint64_t *addr, uint64_t len, int prot,
                      int flags, uint64_t off)
{
    const int known = MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_32BIT |
                      MAP_ABOVE4G | MAP_GROWSDOWN | MAP_DENYWRITE |
                      MAP_EXECUTABLE | MAP_UNINITIALIZED | MAP_LOCKED |
                      MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK |
                      MAP_HUGETLB;
    bool shared = (flags & MAP_TYPE) != MAP_PRIVATE;
    struct vm_object *obj;
    int err;

    if (!len || !(flags & MAP_TYPE) ||
        (flags & MAP_TYPE) > MAP_SHARED_VALIDATE || flags & MAP_HUGETLB) {
        return -EINVAL;
    }
    if ((flags & MAP_TYPE) == MAP_SHARED_VALIDATE && flags & ~known) {
        return -EOPNOTSUPP;
    }
    if (len > INT64_MAX || off / PAGE_SIZE > (INT64_MAX - len) / PAGE_SIZE) {
        return -EOVERFLOW; /* as of a file of the greatest size */
    }
    err = file_object(f, prot, flags, &obj);
    if (err) {
        return err;
    }
    /* Opened to be read only: mprotect may not make it writable later. */
    if (shared && !(prot & PROT_WRITE) &&
        file_object(f, prot | PROT_WRITE, flags, &obj)) {
        flags |= MM_MAP_NO_WRITE;
    }
    if (file_is_no_program(f)) {
        flags |= MM_MAP_NO_EXEC;
    }
    if (memfd_is_secret(f)) {
        err = may_lock(ALIGN_UP(len, PAGE_SIZE), -EAGAIN);
        flags |= MM_MAP_SECRET;
    }
    if (err) {
        return err;
    }
    if (shared && obj) {
        err = file_share(f, off + len);
        if (err) {
            return err;
        }
    }
    return mm_map(current_mm(), addr, len, prot, flags, obj, off);
}

/* personality(2): to read is to execute. */
static int wanted_prot(int prot)
{
    bool both = current_proc()->personality & READ_IMPLIES_EXEC;

    return both && prot & PROT_READ ? prot | PROT_EXEC : prot;
}

static int check_room(uint64_t len, int prot, int flags)
{
    if (len && !room_for(len, is_data_mapping(prot, flags))) {
        return -ENOMEM;
    }
    return flags & MAP_LOCKED || mm_locks_future(current_mm())
               ? may_lock(len, -EAGAIN)
               : 0;
}

long sys_mmap(const struct sysargs *a)
{
    uint64_t addr = arg_u64(a, 0), len = arg_u64(a, 1);
    int prot = wanted_prot(arg_int(a, 2)),
        flags = arg_int(a, 3) & ~(MM_MAP_NO_WRITE | MM_MAP_NO_EXEC |
                                  MM_MAP_AIO | MM_MAP_SECRET);
    struct fd fd = {NULL};
    int err;

    if (!IS_ALIGNED(arg_u64(a, 5), PAGE_SIZE)) {
        return -EINVAL;
    }
    err = flags & MAP_ANONYMOUS ? 0 : fd_get_io(arg_int(a, 4), &fd);
    if (err) {
        return err;
    }
    err = check_room(len, prot, flags);
    if (!err) {
        err = fd.file
                  ? map_object(fd.file, &addr, len, prot, flags, arg_u64(a, 5))
                  : map_anonymous(&addr, len, prot, flags);
    }
    if (fd.file) {
        fd_put(&fd);
    }
    return err ? err : (long)addr;
}

long sys_munmap(const struct sysargs *a)
{
    return mm_unmap(current_mm(), arg_u64(a, 0), arg_u64(a, 1));
}

long sys_mprotect(const struct sysargs *a)
{
    return mm_protect(current_mm(), arg_u64(a, 0), arg_u64(a, 1),
                      wanted_prot(arg_int(a, 2)));
}

long sys_brk(const struct sysargs *a)
{
    uint64_t data = limit(LIMIT_DATA), addr = arg_u64(a, 0), now;

    now = mm_brk(current_mm(), 0);
    if (addr > now && (!room_for(addr - now, true) ||
                       (data != LIMIT_INFINITY &&
                        mm_data_bytes(current_mm(), addr) > data))) {
        return (long)now;
    }
    return (long)mm_brk(current_mm(), addr);
}

long sys_mremap(const struct sysargs *a)
{
    uint64_t old_len = arg_u64(a, 1), new_len = arg_u64(a, 2);
    uint64_t addr = arg_u64(a, 4);
    int err;

    if (new_len > old_len && !room_for(new_len - old_len, false)) {
        return -ENOMEM;
    }
    if (new_len > old_len &&
        mm_locked_in(current_mm(), ALIGN_DOWN(arg_u64(a, 0), PAGE_SIZE),
                     PAGE_SIZE) &&
        may_lock(ALIGN_UP(new_len - old_len, PAGE_SIZE), -EAGAIN)) {
        return -EAGAIN;
    }
    err = mm_remap(current_mm(), arg_u64(a, 0), old_len, new_len, arg_int(a, 3),
                   &addr);
    if (!err && addr != arg_u64(a, 0)) { /* a context's number is its place */
        aio_renumber(current_mm(), arg_u64(a, 0), addr);
    }
    return err ? err : (long)addr;
}

/* ---- advice and marks ---- */

long sys_madvise(const struct sysargs *a)
{
    return mm_advise(current_mm(), arg_u64(a, 0), arg_u64(a, 1), arg_int(a, 2));
}

long sys_mincore(const struct sysargs *a)
{
    uint64_t addr = arg_u64(a, 0), len = arg_u64(a, 1);
    uint64_t pages = ALIGN_UP(len, PAGE_SIZE) / PAGE_SIZE;
    uint8_t vec[512];
    int err = 0;

    if (!IS_ALIGNED(addr, PAGE_SIZE)) {
        return -EINVAL;
    }
    if (!len && addr <= MM_LINUX_END) {
        return 0; /* NULL, too */
    }
    if (!mm_user_range(addr, len)) {
        return -ENOMEM;
    }
    for (uint64_t i = 0; i < pages && !err; i += sizeof(vec)) {
        uint64_t n = MIN(pages - i, (uint64_t)sizeof(vec));
        err = mm_incore(current_mm(), addr + i * PAGE_SIZE, n, vec);
        if (!err) {
            err = copy_to_user(uptr_add(arg_ptr(a, 2), i), vec, n);
        }
    }
    return err;
}

static long lock_range(uint64_t addr, uint64_t len, bool populate)
{
    uint64_t size = ALIGN_UP(len + addr % PAGE_SIZE, PAGE_SIZE);
    int err = may_lock(size, -ENOMEM);

    if (err == -ENOMEM) { /* what is locked already does not count again */
        size -= mm_locked_in(current_mm(), addr - addr % PAGE_SIZE, size);
        err = may_lock(size, -ENOMEM);
    }
    return err ? err : mm_pin(current_mm(), addr, len, true, populate);
}

long sys_mlock(const struct sysargs *a)
{
    return lock_range(arg_u64(a, 0), arg_u64(a, 1), true);
}

long sys_mlock2(const struct sysargs *a)
{
    int flags = arg_int(a, 2);

    if (flags & ~MLOCK_ONFAULT) {
        return -EINVAL;
    }
    return lock_range(arg_u64(a, 0), arg_u64(a, 1), !(flags & MLOCK_ONFAULT));
}

long sys_munlock(const struct sysargs *a)
{
    return mm_pin(current_mm(), arg_u64(a, 0), arg_u64(a, 1), false, false);
}

long sys_mlockall(const struct sysargs *a)
{
    int flags = arg_int(a, 0), err;
    struct mm_stats s;

    if (!flags || flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) ||
        flags == MCL_ONFAULT) {
        return -EINVAL;
    }
    mm_get_stats(current_mm(), &s);
    err = may_lock(flags & MCL_CURRENT ? s.virtual_bytes - s.locked_bytes : 0,
                   -ENOMEM);
    return err ? err
               : mm_pin_all(current_mm(), flags & MCL_CURRENT,
                            flags & MCL_FUTURE, !(flags & MCL_ONFAULT));
}

long sys_munlockall(const struct sysargs *a)
{
    return mm_pin_all(current_mm(), false, false, false);
}

long sys_msync(const struct sysargs *a)
{
    int flags = arg_int(a, 2);

    if (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC) ||
        (flags & MS_ASYNC && flags & MS_SYNC) ||
        !IS_ALIGNED(arg_u64(a, 0), PAGE_SIZE)) {
        return -EINVAL;
    }
    return mm_sync(current_mm(), arg_u64(a, 0), arg_u64(a, 1),
                   flags & MS_INVALIDATE, flags & MS_SYNC);
}

long sys_remap_file_pages(const struct sysargs *a)
{
    uint64_t addr = ALIGN_DOWN(arg_u64(a, 0), PAGE_SIZE);
    uint64_t len = ALIGN_DOWN(arg_u64(a, 1), PAGE_SIZE), page = arg_u64(a, 3);

    if (arg_u64(a, 2) || addr + len <= addr || page + len / PAGE_SIZE < page ||
        page > UINT64_MAX / PAGE_SIZE - len / PAGE_SIZE) {
        return -EINVAL;
    }
    return mm_remap_pages(current_mm(), addr, len, page * PAGE_SIZE);
}

long sys_mseal(const struct sysargs *a)
{
    return arg_u64(a, 2) ? -EINVAL
                         : mm_seal(current_mm(), arg_u64(a, 0), arg_u64(a, 1));
}

/* ---- protection keys, which this machine does not have: pkeys(7) ---- */

long sys_pkey_mprotect(const struct sysargs *a)
{
    return arg_int(a, 3) == -1 ? sys_mprotect(a) : -EINVAL;
}

long sys_pkey_alloc(const struct sysargs *a)
{
    const uint64_t rights = PKEY_DISABLE_ACCESS | PKEY_DISABLE_WRITE;

    return arg_u64(a, 0) || arg_u64(a, 1) & ~rights ? -EINVAL : -ENOSPC;
}

long sys_pkey_free(const struct sysargs *a)
{
    return -EINVAL;
}
