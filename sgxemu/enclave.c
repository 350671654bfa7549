/* SPDX-License-Identifier: MIT */
/*
 * One open of /dev/sgx_enclave: a memfd that holds the enclave's pages and
 * what hardware and driver know of it. The program's descriptor is the same
 * file opened with access mode 3 (neither read nor write, see open(2)), so
 * that it passes through dup, fork, exec and SCM_RIGHTS like the real one and
 * its bytes stay out of reach. A process that is handed one finds its way
 * back through /proc/self/fd (attach).
 */
#include "sgxemu/enclave.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define ENCLAVE_NAME   "sgxemu-enclave"
#define PROVISION_NAME "sgxemu-provision"
#define CHUNK_SHIFT    26 /* windows of 64 MiB */
#define CHUNK_OVERLAP  (1ul << 20)
/* In the memfd, above any ELRANGE. */
#define META_OFFSET (1ul << 47)
#define TOP_OFFSET  (META_OFFSET + (1ul << 20))
#define MID_OFFSET  (META_OFFSET + (1ul << 24))
#define EPCM_OFFSET (META_OFFSET + (1ul << 28))
#define FILE_SIZE   (META_OFFSET + (1ul << 38))

static struct enclave enclaves[ENCLAVE_MAX];

static void *map_state(int fd, uint64_t offset, uint64_t size)
{
    long flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
    long at = sys6(SYS_mmap, 0, (long)PAGE_UP(size), PROT_READ | PROT_WRITE,
                   flags | MAP_NORESERVE, fd, (long)offset);

    if (sys_failed(at)) {
        return NULL;
    }
    if (key_state >= 0) {
        sys4(SYS_pkey_mprotect, at, PAGE_UP(size), PROT_READ | PROT_WRITE,
             key_state);
    }
    return (void *)at;
}

static void fd_path(int fd, char path[32])
{
    char digits[12];
    int n = 0, at;

    memcpy(path, "/proc/self/fd/", 15);
    at = 14;
    do {
        digits[n++] = (char)('0' + fd % 10);
        fd /= 10;
    } while (fd);
    while (n) {
        path[at++] = digits[--n];
    }
    path[at] = 0;
}

static int reopen(int fd, int flags)
{
    char path[32];

    fd_path(fd, path);
    return (int)sys4(SYS_openat, AT_FDCWD, path, flags, 0);
}

/* Moves one of our descriptors to the top of the table, out of the way. */
static int hide_fd(int fd)
{
    struct rlimit limit = {1024, 1024};
    long high;

    sys4(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, &limit);
    high = limit.rlim_cur > 4096 ? 4096 : (long)limit.rlim_cur;
    high = sys3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, high - ENCLAVE_MAX - 1);
    if (high < 0) {
        return fd;
    }
    sys1(SYS_close, fd);
    return (int)high;
}

static void drop(struct enclave *e)
{
    if (e->chunks) {
        for (uint64_t i = 0; i <= e->size >> CHUNK_SHIFT; i++) {
            if (e->chunks[i]) {
                sys2(SYS_munmap, e->chunks[i],
                     (1ul << CHUNK_SHIFT) + CHUNK_OVERLAP);
            }
        }
        sys2(SYS_munmap, e->chunks,
             PAGE_UP(((e->size >> CHUNK_SHIFT) + 1) * 8));
        sys2(SYS_munmap, e->epcm, PAGE_UP(e->size / PAGE * sizeof(epcm_t)));
        sys2(SYS_munmap, e->epcm_mid, PAGE_UP((e->size / PAGE / 512 + 1) * 4));
        sys2(SYS_munmap, e->epcm_top,
             PAGE_UP((e->size / PAGE / 512 / 512 + 1) * 4));
    }
    sys2(SYS_munmap, e->shared, PAGE_UP(sizeof(*e->shared)));
    sys2(SYS_munmap, e->vmas, PAGE_UP(65536 * sizeof(struct vma)));
    sys1(SYS_close, e->fd);
    e->used = false;
}

/* Without mappings the view is of no use. Should the program come back with
 * a descriptor, enclave_by_fd() attaches again. */
static bool drop_if_unused(struct enclave *e)
{
    if (e->vma_count != 0 || threads_inside(e)) {
        return false;
    }
    drop(e);
    return true;
}

/* Steals fd. */
static struct enclave *attach(int fd)
{
    struct enclave *e = NULL;
    struct stat st;

    if (sys2(SYS_fstat, fd, &st) < 0) {
        return NULL;
    }
    for (int i = 0; i < ENCLAVE_MAX && !e; i++) {
        e = enclaves[i].used ? NULL : &enclaves[i];
    }
    for (int i = 0; i < ENCLAVE_MAX && !e; i++) {
        e = drop_if_unused(&enclaves[i]) ? &enclaves[i] : NULL;
    }
    if (e == NULL) {
        return NULL;
    }
    memset(e, 0, sizeof(*e));
    e->fd = hide_fd(fd);
    e->dev = st.st_dev;
    e->ino = st.st_ino;
    e->shared = map_state(e->fd, META_OFFSET, sizeof(*e->shared));
    e->vmas = map_state(-1, 0, 65536 * sizeof(struct vma));
    if (e->shared == NULL || e->vmas == NULL) {
        return NULL;
    }
    e->used = true;
    if (e->shared->created && enclave_view_created(e)) {
        drop(e);
        return NULL;
    }
    return e;
}

long enclave_view_created(struct enclave *e)
{
    uint64_t pages = e->shared->secs.size / PAGE;

    e->base = e->shared->secs.base;
    e->size = e->shared->secs.size;
    e->epcm_top = map_state(e->fd, TOP_OFFSET, (pages / 512 / 512 + 1) * 4);
    e->epcm_mid = map_state(e->fd, MID_OFFSET, (pages / 512 + 1) * 4);
    e->epcm = map_state(e->fd, EPCM_OFFSET, pages * sizeof(epcm_t));
    e->chunks = map_state(-1, 0, ((e->size >> CHUNK_SHIFT) + 1) * 8);
    if (!e->epcm_top || !e->epcm_mid || !e->epcm || !e->chunks) {
        return -ENOMEM;
    }
    return 0;
}

static int open_named(const char *name, int *ours)
{
    int fd = (int)sys2(SYS_memfd_create, name, MFD_CLOEXEC);

    *ours = fd;
    if (fd < 0) {
        return fd;
    }
    return reopen(fd, O_ACCMODE); /* mode 3: neither read nor write */
}

int enclave_open(int access_mode)
{
    struct enclave *e;
    int ours, theirs = open_named(ENCLAVE_NAME, &ours);
    long err;

    if (theirs < 0) {
        return theirs;
    }
    err = sys2(SYS_ftruncate, ours, FILE_SIZE);
    process_lock();
    e = err ? NULL : attach(ours);
    if (e) {
        e->shared->access_mode = (uint8_t)access_mode;
    } else {
        sys1(SYS_close, theirs);
        sys1(SYS_close, ours);
        theirs = -ENOMEM;
    }
    process_unlock();
    return theirs;
}

int provision_open(void)
{
    int ours, theirs = open_named(PROVISION_NAME, &ours);

    if (ours >= 0) {
        sys1(SYS_close, ours);
    }
    return theirs;
}

static bool names_file(int fd, const char *name)
{
    char path[32], target[64] = {0};

    fd_path(fd, path);
    return sys3(SYS_readlink, path, target, sizeof(target) - 1) > 0 &&
           memcmp(target, "/memfd:", 7) == 0 &&
           strncmp(target + 7, name, strlen(name)) == 0;
}

bool provision_is_fd(int fd)
{
    return names_file(fd, PROVISION_NAME);
}

struct enclave *enclave_by_fd(int fd)
{
    struct stat st;
    struct enclave *e = NULL;
    int ours;

    if (fd < 0 || sys2(SYS_fstat, fd, &st) < 0) {
        return NULL;
    }
    process_lock();
    for (int i = 0; i < ENCLAVE_MAX && !e; i++) {
        if (enclaves[i].used && enclaves[i].ino == st.st_ino &&
            enclaves[i].dev == st.st_dev) {
            e = &enclaves[i];
        }
    }
    if (!e && S_ISREG(st.st_mode) && names_file(fd, ENCLAVE_NAME)) {
        ours = reopen(fd, O_RDWR | O_CLOEXEC);
        e = ours < 0 ? NULL : attach(ours);
    }
    process_unlock();
    return e;
}

bool enclave_known_fd(int fd)
{
    struct stat st = {0};
    bool asked = false;

    for (int i = 0; i < ENCLAVE_MAX; i++) {
        if (!enclaves[i].used) {
            continue;
        }
        if (!asked && (fd < 0 || sys2(SYS_fstat, fd, &st) < 0)) {
            return false;
        }
        asked = true;
        if (enclaves[i].ino == st.st_ino && enclaves[i].dev == st.st_dev) {
            return true;
        }
    }
    return false;
}

bool enclave_own_fd(int fd)
{
    for (int i = 0; i < ENCLAVE_MAX; i++) {
        if (enclaves[i].used && enclaves[i].fd == fd) {
            return true;
        }
    }
    return fd >= 0 && (fd == config.log_fd || fd == config.trace_fd) && fd > 2;
}

struct enclave *enclave_at(int index)
{
    return index < ENCLAVE_MAX && enclaves[index].used ? &enclaves[index]
                                                       : NULL;
}

struct enclave *enclave_by_address(uint64_t address)
{
    for (int i = 0; i < ENCLAVE_MAX; i++) {
        struct enclave *e = &enclaves[i];

        if (e->used && e->size && address - e->base < e->size) {
            return e;
        }
    }
    return NULL;
}

/* The pages of [start, end) that e has mappings of; false without any. */
static bool overlap(const struct enclave *e, uint64_t *start, uint64_t *end)
{
    uint64_t limit = e->base + e->size;

    *start = *start > e->base ? *start : e->base;
    *end = e->size && *end > limit ? limit : *end;
    if (!e->used || !e->vma_count || *start >= *end) {
        return false;
    }
    *start = (*start - e->base) / PAGE;
    *end = PAGE_UP(*end - e->base) / PAGE;
    return true;
}

void enclave_unmapped(uint64_t start, uint64_t end)
{
    for (int i = 0; i < ENCLAVE_MAX; i++) {
        uint64_t from = start, to = end;

        if (overlap(&enclaves[i], &from, &to)) {
            vma_clear(&enclaves[i], from, to);
            twin_forget(&enclaves[i], from, to);
            drop_if_unused(&enclaves[i]);
        }
    }
}

bool enclave_may_unmap(uint64_t start, uint64_t end)
{
    for (int i = 0; i < ENCLAVE_MAX; i++) {
        uint64_t from = start, to = end;

        if (overlap(&enclaves[i], &from, &to) && !vma_room(&enclaves[i]) &&
            vma_splits(&enclaves[i], from, to)) {
            return false;
        }
    }
    return true;
}

void enclave_dontfork(uint64_t start, uint64_t end)
{
    for (int i = 0; i < ENCLAVE_MAX; i++) {
        uint64_t from = start, to = end;

        if (overlap(&enclaves[i], &from, &to)) {
            vma_dontfork(&enclaves[i], from, to);
        }
    }
}

void enclave_forked(void)
{
    for (int i = 0; i < ENCLAVE_MAX; i++) {
        if (enclaves[i].used) {
            vma_forked(&enclaves[i]);
        }
    }
}

void enclave_lock(struct enclave *e)
{
    uint32_t me = (uint32_t)thread_current()->tid, holder;
    unsigned spins = 0;

    process_lock();
    for (;;) {
        holder = 0;
        if (__atomic_compare_exchange_n(&e->shared->lock, &holder, me, false,
                                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
            return;
        }
        sys0(SYS_sched_yield);
        /* Another process may have been killed with the lock in hand. */
        if (++spins % 4096 == 0 && sys2(SYS_tkill, holder, 0) == -ESRCH) {
            __atomic_compare_exchange_n(&e->shared->lock, &holder, 0, false,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED);
        }
    }
}

void enclave_unlock(struct enclave *e)
{
    __atomic_store_n(&e->shared->lock, 0, __ATOMIC_RELEASE);
    process_unlock();
}

uint8_t *enclave_bytes(struct enclave *e, uint64_t offset)
{
    uint64_t index = offset >> CHUNK_SHIFT;
    uint8_t *window = __atomic_load_n(&e->chunks[index], __ATOMIC_ACQUIRE);

    if (window == NULL) {
        uint64_t size = (1ul << CHUNK_SHIFT) + CHUNK_OVERLAP;
        uint8_t *made = map_state(e->fd, index << CHUNK_SHIFT, size);

        if (made == NULL) {
            return NULL;
        }
        if (__atomic_compare_exchange_n(&e->chunks[index], &window, made, false,
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
            window = made;
        } else {
            sys2(SYS_munmap, made, size);
        }
    }
    return window + (offset & ((1ul << CHUNK_SHIFT) - 1));
}
