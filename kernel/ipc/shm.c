/* SPDX-License-Identifier: MIT
 *
 * System V shared memory (shmget(2), shmop(2), shmctl(2)). A segment's pages
 * are those of a nameless file (fs/tmpfs/memfd.h), mapped at the file's window,
 * so everybody has them at one address (mm.h). What is mapped is the segment's
 * own vm_object, whose references count attachments, one a VMA as on Linux.
 *
 * A removed segment with attachments keeps its identifier and loses its key;
 * the last detachment frees it.
 */
#include "kernel/ipc/ids.h"
#include "kernel/core/log.h"
#include "kernel/fs/file.h"
#include "kernel/fs/attr.h"
#include "kernel/fs/tmpfs/memfd.h"
#include "kernel/mm/heap.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "abi/linux/mman.h"

struct shm {
    struct ipc_object object; /* its lock guards what follows */
    struct vm_object mapped;
    struct file *file;
    uint64_t size;
    int64_t atime, dtime, ctime;
    int cpid, lpid;
    uint64_t attached; /* VMAs, and attachments that are being made */
};

static const struct vm_object_ops shm_ops;
static void shm_free(struct ipc_object *o);

static const uint64_t SHM_ALL = 18446744073692774399ull; /* SHMALL */

static struct ipc_ids ids =
    IPC_IDS_INIT(&tunable_shm_count, &tunable_shm_next, shm_free);

static struct shm *shm_of(struct ipc_object *o)
{
    return container_of(o, struct shm, object);
}

static struct shm *mapped_of(struct vm_object *o)
{
    return container_of(o, struct shm, mapped);
}

static void shm_free(struct ipc_object *o)
{
    struct shm *s = shm_of(o);

    file_put(s->file);
    kfree(s);
}

/* ---- what is mapped ---- */

static void object_get(struct vm_object *o)
{
    struct shm *s = mapped_of(o);

    ipc_get(&s->object);
    s->file->shared.ops->get(&s->file->shared);
    spin_lock(&s->object.lock);
    s->attached++;
    spin_unlock(&s->object.lock);
}

static void detached(struct shm *s)
{
    spin_lock(&s->object.lock);
    s->dtime = ipc_now();
    s->lpid = ipc_pid();
    if (--s->attached == 0 && s->object.mode & SHM_DEST) {
        ipc_remove(&ids, &s->object);
    }
    spin_unlock(&s->object.lock);
}

static void object_put(struct vm_object *o)
{
    struct shm *s = mapped_of(o);

    detached(s);
    s->file->shared.ops->put(&s->file->shared);
    ipc_put(&ids, &s->object);
}

static long object_read(struct vm_object *o, uint64_t off, void *dst,
                        size_t len)
{
    struct vm_object *file = &mapped_of(o)->file->shared;

    return file->ops->read(file, off, dst, len);
}

static int object_window(struct vm_object *o, uint64_t least, uint64_t *base)
{
    struct vm_object *file = &mapped_of(o)->file->shared;

    return file->ops->window(file, least, base);
}

static void object_describe(struct vm_object *o, char *path, size_t len,
                            uint64_t *dev, uint64_t *ino)
{
    struct vm_object *file = &mapped_of(o)->file->shared;

    file->ops->describe(file, path, len, dev, ino);
    *ino = mapped_of(o)->object.id;
}

static const struct vm_object_ops shm_ops = {
    .get = object_get,
    .put = object_put,
    .read = object_read,
    .window = object_window,
    .describe = object_describe,
};

/* ---- shmget ---- */

static int make(int32_t key, uint64_t size, int flags)
{
    struct shm *s = kzalloc(sizeof(*s));
    char name[32];
    int err;

    if (!s) {
        return -ENOMEM;
    }
    fmt_snprintf(name, sizeof(name), "SYSV%08x", (unsigned)key);
    err = memfd_open_size(name, size, &s->file);
    if (err) {
        kfree(s);
        return err;
    }
    s->mapped.ops = &shm_ops;
    s->size = size;
    s->cpid = ipc_pid();
    s->ctime = ipc_now();
    err = ipc_add(&ids, &s->object, key, flags);
    if (err < 0) {
        shm_free(&s->object);
    }
    return err;
}

int shm_get(int32_t key, uint64_t size, int flags)
{
    struct ipc_object *o;
    int err;

    while ((err = ipc_open(&ids, key, flags, &o)) > 0) {
        if (size < 1 || size > (uint64_t)tunable(&tunable_shm_max)) {
            return -EINVAL;
        }
        if (flags & SHM_HUGETLB) {
            return -EINVAL; /* as where there are no huge pages */
        }
        if (size > INT64_MAX) {
            return -ENOMEM;
        }
        err = make(key, size, flags);
        if (err != -EEXIST) {
            return err;
        }
    }
    if (!err) {
        err = size > shm_of(o)->size ? -EINVAL : o->id;
        ipc_put(&ids, o);
    }
    return err;
}

/* ---- shmat, shmdt ---- */

/* Counted, and counted as attached. */
static int begin_attach(int id, int flags, struct shm **out)
{
    int want = flags & SHM_RDONLY ? 0444 : 0666;
    struct ipc_object *o;
    int err = ipc_find(&ids, id, &o);

    if (err) {
        return err;
    }
    err = ipc_permitted(o, flags & SHM_EXEC ? want | 0111 : want);
    spin_lock(&o->lock);
    if (!err && o->removed) {
        err = -EIDRM;
    }
    if (!err) {
        shm_of(o)->attached++;
    }
    spin_unlock(&o->lock);
    if (err) {
        ipc_put(&ids, o);
    }
    *out = shm_of(o);
    return err;
}

static void end_attach(struct shm *s, int err)
{
    spin_lock(&s->object.lock);
    if (!err) {
        s->atime = ipc_now();
        s->lpid = ipc_pid();
    }
    if (--s->attached == 0 && s->object.mode & SHM_DEST) {
        ipc_remove(&ids, &s->object);
    }
    spin_unlock(&s->object.lock);
    ipc_put(&ids, &s->object);
}

static int map(struct mm *mm, struct shm *s, uint64_t *addr, int flags)
{
    int prot = PROT_READ | (flags & SHM_RDONLY ? 0 : PROT_WRITE) |
               (flags & SHM_EXEC ? PROT_EXEC : 0);
    int how = MAP_SHARED | (flags & SHM_RDONLY ? MM_MAP_NO_WRITE : 0);
    int err;

    if (*addr) {
        how |= flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE;
    }
    err = file_share(s->file, s->size);
    if (!err) {
        err = mm_map(mm, addr, s->size, prot, how, &s->mapped, 0);
    }
    return err == -EEXIST ? -EINVAL : err;
}

int shm_attach(struct mm *mm, int id, uint64_t addr, int flags,
               uint64_t *result)
{
    struct shm *s;
    int err;

    if (addr && flags & SHM_RND) {
        addr = ALIGN_DOWN(addr, (uint64_t)PAGE_SIZE);
    }
    if (!IS_ALIGNED(addr, PAGE_SIZE) || (!addr && flags & SHM_REMAP)) {
        return -EINVAL;
    }
    err = begin_attach(id, flags, &s);
    if (!err) {
        err = map(mm, s, &addr, flags);
        end_attach(s, err);
        *result = addr;
    }
    return err;
}

int shm_detach(struct mm *mm, uint64_t addr)
{
    if (!IS_ALIGNED(addr, PAGE_SIZE)) {
        return -EINVAL;
    }
    return mm_unmap_object(mm, addr, &shm_ops);
}

/* ---- shmctl ---- */

/* As ipc_lock(); unlock() undoes it. */
static int lock_segment(int id, int want, struct shm **out)
{
    struct ipc_object *o;
    int err = ipc_lock(&ids, id, want, &o);

    if (!err) {
        *out = shm_of(o);
    }
    return err;
}

static void unlock(struct shm *s)
{
    ipc_unlock(&ids, &s->object);
}

static void fill_stat(const struct shm *s, struct shmid64_ds *out)
{
    *out = (struct shmid64_ds){.segsz = s->size,
                               .atime = s->atime,
                               .dtime = s->dtime,
                               .ctime = s->ctime,
                               .cpid = s->cpid,
                               .lpid = s->lpid,
                               .nattch = s->attached};
    ipc_stat(&s->object, &out->perm);
}

int shm_stat(int id, struct shmid64_ds *out)
{
    struct shm *s;
    int err = lock_segment(id, 0444, &s);

    if (!err) {
        fill_stat(s, out);
        unlock(s);
    }
    return err;
}

int shm_stat_slot(int slot, bool any, struct shmid64_ds *out)
{
    struct ipc_object *o;
    int err = ipc_lock_slot(&ids, slot, any, &o);

    if (!err) {
        fill_stat(shm_of(o), out);
        err = o->id;
        ipc_unlock(&ids, o);
    }
    return err;
}

int shm_set(int id, const struct ipc64_perm *p)
{
    struct shm *s;
    int err = lock_segment(id, 0, &s);

    if (!err) {
        ipc_set(&s->object, p);
        s->ctime = ipc_now();
        unlock(s);
    }
    return err;
}

int shm_remove(int id)
{
    struct shm *s;
    int err = lock_segment(id, 0, &s);

    if (err) {
        return err;
    }
    s->object.mode |= SHM_DEST;
    if (!s->attached) {
        ipc_remove(&ids, &s->object);
    }
    spin_unlock(&s->object.lock);
    ipc_hide(&ids, &s->object);
    ipc_put(&ids, &s->object);
    return 0;
}

/* Nothing is ever swapped out here: a lock is a mark. */
int shm_lock(int id, bool on)
{
    struct ipc_object *o;
    int err = ipc_find(&ids, id, &o);

    if (err) {
        return err;
    }
    err = ipc_capable(CAP_IPC_LOCK) ? 0 : ipc_owned(o);
    if (!err) {
        spin_lock(&o->lock);
        o->mode = on ? o->mode | SHM_LOCKED : o->mode & ~(uint32_t)SHM_LOCKED;
        spin_unlock(&o->lock);
    }
    ipc_put(&ids, o);
    return err;
}

static int last_slot(void)
{
    int last = 0, slot = -1;

    while ((slot = ipc_next_slot(&ids, slot + 1)) >= 0) {
        last = slot;
    }
    return last;
}

int shm_limits(struct shminfo64 *out)
{
    uint64_t count = (uint64_t)tunable(&tunable_shm_count);

    *out = (struct shminfo64){.shmmax = (uint64_t)tunable(&tunable_shm_max),
                              .shmmin = 1,
                              .shmmni = count,
                              .shmseg = count,
                              .shmall = SHM_ALL};
    return last_slot();
}

int shm_totals(struct shm_info *out)
{
    struct ipc_object *o;
    int slot = -1;

    *out = (struct shm_info){.used_ids = (int)ids.used};
    while ((slot = ipc_next_slot(&ids, slot + 1)) >= 0) {
        if (ipc_find_slot(&ids, slot, &o) == 0) {
            out->tot += ALIGN_UP(shm_of(o)->size, PAGE_SIZE) / PAGE_SIZE;
            ipc_put(&ids, o);
        }
    }
    out->rss = out->tot; /* none is ever swapped out */
    return last_slot();
}
