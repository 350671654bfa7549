/* SPDX-License-Identifier: MIT */
/*
 * Calls that name a file, or have a descriptor of the device: the device
 * nodes, which need not exist here, /proc/self/exe, which must be the
 * program's, our own descriptors, which must not be closed, the socket of the
 * quoting service, and debug access through /proc/self/mem.
 */
#include "sgxemu/enclave.h"
#include "sgxemu/aesm.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum special { ORDINARY, DEVICE, PROVISION, SELF };
enum { MISC_MAJOR = 10, ENCLAVE_MINOR = 125, PROVISION_MINOR = 126 };

static bool is_self(const char *path)
{
    const char *p = path;

    if (strncmp(p, "/proc/", 6) != 0) {
        return false;
    }
    p += 6;
    if (strncmp(p, "self/", 5) == 0) {
        p += 5;
    } else if (strncmp(p, "thread-self/", 12) == 0) {
        p += 12;
    } else {
        long pid = 0;

        for (; *p >= '0' && *p <= '9' && pid < 1l << 32; p++) {
            pid = pid * 10 + *p - '0';
        }
        if (*p++ != '/' || pid != sys0(SYS_getpid)) {
            return false;
        }
    }
    return strcmp(p, "exe") == 0;
}

static enum special special_path(const char *path)
{
    if (path[0] != '/') {
        return ORDINARY;
    }
    if (!strcmp(path, "/dev/sgx_enclave") ||
        !strcmp(path, "/dev/sgx/enclave")) {
        return DEVICE;
    }
    if (!strcmp(path, "/dev/sgx_provision") ||
        !strcmp(path, "/dev/sgx/provision")) {
        return PROVISION;
    }
    return is_self(path) ? SELF : ORDINARY;
}

/* The argument that is a path: its index among RDI, RSI, and its kind. */
static enum special path_argument(ucontext_t *uc, long nr, int *index)
{
    bool at_first = nr == SYS_open || nr == SYS_stat || nr == SYS_lstat ||
                    nr == SYS_access || nr == SYS_readlink;
    char path[64];

    *index = at_first ? 1 : 2;
    if (user_string(uc, path,
                    (uint64_t)(at_first ? REG(uc, RDI) : REG(uc, RSI)),
                    sizeof(path))) {
        return ORDINARY; /* too long for any of ours; or the kernel's EFAULT */
    }
    return special_path(path);
}

/* The same call with another path, which lies on our stack. */
static long with_path(struct thread *t, ucontext_t *uc, long nr, int index,
                      const char *path)
{
    long call[7] = {nr,           REG(uc, RDI), REG(uc, RSI), REG(uc, RDX),
                    REG(uc, R10), REG(uc, R8),  REG(uc, R9)};
    uint32_t pkru = key_state < 0 ? ~0u : pkru_closed(frame_pkru(uc));
    char copy[sizeof(config.program)];

    memcpy(copy, path, strlen(path) + 1);
    call[index] = (long)copy;
    return gate_syscall(call, pkru, &thread_head(t)->deferred);
}

static long open_device(ucontext_t *uc, long nr, enum special kind)
{
    long flags = nr == SYS_open ? REG(uc, RSI) : REG(uc, RDX), fd;

    if (nr == SYS_openat2) {
        uint64_t how;

        if (user_read(uc, &how, (uint64_t)REG(uc, RDX), 8)) {
            return -EFAULT;
        }
        flags = (long)how;
    }
    if (flags & O_DIRECTORY) {
        return -ENOTDIR;
    }
    fd = kind == DEVICE ? enclave_open((int)flags & O_ACCMODE)
                        : provision_open();
    if (fd >= 0 && flags & O_CLOEXEC) {
        sys3(SYS_fcntl, fd, F_SETFD, FD_CLOEXEC);
    }
    return fd;
}

/* What a stat call found is a device, whatever it was. */
static long patch_stat(ucontext_t *uc, long nr, uint64_t at, unsigned minor)
{
    struct statx x;
    struct stat st;

    if (nr == SYS_statx) {
        if (user_read(uc, &x, at, sizeof(x))) {
            return -EFAULT;
        }
        x.stx_mode = S_IFCHR | 0666;
        x.stx_rdev_major = MISC_MAJOR;
        x.stx_rdev_minor = minor;
        x.stx_size = x.stx_blocks = 0;
        return user_write(uc, at, &x, sizeof(x));
    }
    if (user_read(uc, &st, at, sizeof(st))) {
        return -EFAULT;
    }
    st.st_mode = S_IFCHR | 0666;
    st.st_rdev = makedev(MISC_MAJOR, minor);
    st.st_size = st.st_blocks = 0;
    return user_write(uc, at, &st, sizeof(st));
}

/* Where a stat call puts its answer. */
static uint64_t stat_buffer(ucontext_t *uc, long nr)
{
    return (uint64_t)(nr == SYS_statx        ? REG(uc, R8)
                      : nr == SYS_newfstatat ? REG(uc, RDX)
                                             : REG(uc, RSI));
}

static long on_path(struct thread *t, ucontext_t *uc, long nr,
                    enum special kind, int index)
{
    long result;

    if (nr == SYS_readlink || nr == SYS_readlinkat) {
        uint64_t to = (uint64_t)(index == 1 ? REG(uc, RSI) : REG(uc, RDX));
        uint64_t size = (uint64_t)(index == 1 ? REG(uc, RDX) : REG(uc, R10));
        uint64_t n = strlen(config.program);

        if (kind != SELF) {
            return -EINVAL;
        }
        n = n < size ? n : size;
        return user_write(uc, to, config.program, n) ? -EFAULT : (long)n;
    }
    if (kind == SELF) {
        return with_path(t, uc, nr, index, config.program);
    }
    if (nr == SYS_open || nr == SYS_openat || nr == SYS_openat2) {
        return open_device(uc, nr, kind);
    }
    result = with_path(t, uc, nr, index, "/dev/null");
    if (result == 0 && (nr == SYS_stat || nr == SYS_lstat ||
                        nr == SYS_newfstatat || nr == SYS_statx)) {
        result = patch_stat(uc, nr, stat_buffer(uc, nr),
                            kind == DEVICE ? ENCLAVE_MINOR : PROVISION_MINOR);
    }
    return result;
}

/* fstat, of the device it is a character special. */
static bool on_fstat(struct thread *t, ucontext_t *uc, long nr, long *result)
{
    uint64_t flags = (uint64_t)(nr == SYS_statx ? REG(uc, RDX) : REG(uc, R10));
    long call[7] = {nr,           REG(uc, RDI), REG(uc, RSI), REG(uc, RDX),
                    REG(uc, R10), REG(uc, R8),  REG(uc, R9)};
    uint32_t pkru = key_state < 0 ? ~0u : pkru_closed(frame_pkru(uc));

    if ((nr != SYS_fstat && !(flags & AT_EMPTY_PATH)) ||
        !enclave_known_fd((int)REG(uc, RDI))) {
        return false;
    }
    *result = gate_syscall(call, pkru, &thread_head(t)->deferred);
    if (*result == 0) {
        *result = patch_stat(uc, nr, stat_buffer(uc, nr), ENCLAVE_MINOR);
    }
    return true;
}

static bool on_ioctl(ucontext_t *uc, long *result)
{
    uint32_t cmd = (uint32_t)REG(uc, RSI);
    struct enclave *e;

    if ((cmd >> 8 & 0xff) != SGX_IOCTL_TYPE) {
        return false;
    }
    e = enclave_by_fd((int)REG(uc, RDI));
    if (e == NULL) {
        return false;
    }
    *result = device_ioctl(e, uc, cmd, (uint64_t)REG(uc, RDX));
    return true;
}

/* The memfd's own mode is neither read nor write. */
static bool on_getfl(ucontext_t *uc, long *result)
{
    struct enclave *e;

    if ((int)REG(uc, RSI) != F_GETFL || !enclave_known_fd((int)REG(uc, RDI))) {
        return false;
    }
    e = enclave_by_fd((int)REG(uc, RDI));
    *result = sys2(SYS_fcntl, REG(uc, RDI), F_GETFL);
    if (e && *result >= 0) {
        *result = (*result & ~O_ACCMODE) | e->shared->access_mode;
    }
    return true;
}

static bool on_close_range(ucontext_t *uc, long *result)
{
    uint64_t at = (uint32_t)REG(uc, RDI), last = (uint32_t)REG(uc, RSI);

    if (at > last) {
        return false;
    }
    *result = 0;
    for (uint64_t fd = at; fd <= last && fd < 8192; fd++) {
        if (enclave_own_fd((int)fd)) {
            if (fd > at) {
                *result = sys3(SYS_close_range, at, fd - 1, REG(uc, RDX));
            }
            at = fd + 1;
        }
    }
    if (at <= last) {
        *result = sys3(SYS_close_range, at, last, REG(uc, RDX));
    }
    return true;
}

/* EDBGRD and EDBGWR: of a TCS only FLAGS can be written. */
static bool debuggable(struct enclave *e, uint64_t at, uint64_t n, bool write)
{
    uint64_t page = (at - e->base) / PAGE;
    epcm_t entry = epcm_get(e, page);

    return e->shared->secs.attributes.flags & SGX_ATTR_DEBUG &&
           vma_prot(e, page) >= 0 && entry & EPCM_VALID &&
           !(entry & (EPCM_PENDING | EPCM_MODIFIED)) &&
           (EPCM_TYPE(entry) == SGX_PT_REG ||
            (EPCM_TYPE(entry) == SGX_PT_TCS &&
             (!write ||
              (at % PAGE == offsetof(struct sgx_tcs, flags) && n == 8))));
}

/* pread and pwrite at an address in an enclave: /proc/PID/mem, or nonsense.
 * The driver lets a debugger in by EDBGRD and EDBGWR, if DEBUG is set. */
static bool on_memory(ucontext_t *uc, long nr, long *result)
{
    uint64_t at = (uint64_t)REG(uc, R10), n = (uint64_t)REG(uc, RDX);
    struct enclave *e = enclave_by_address(at);
    char link[64] = {0}, path[32] = "/proc/self/fd/";
    int fd = (int)REG(uc, RDI), digits = 1;
    uint8_t *bytes;

    if (e == NULL || !e->shared->created || fd < 0) {
        return false;
    }
    for (int v = fd; v >= 10; v /= 10) {
        digits++;
    }
    for (int v = fd, i = 13 + digits; i > 13; i--, v /= 10) {
        path[i] = (char)('0' + v % 10);
    }
    sys3(SYS_readlink, path, link, sizeof(link) - 1);
    if (strncmp(link, "/proc/", 6) || strlen(link) < 4 ||
        strcmp(link + strlen(link) - 4, "/mem")) {
        return false;
    }
    n = n < PAGE - at % PAGE ? n : PAGE - at % PAGE;
    if (!debuggable(e, at, n, nr == SYS_pwrite64)) {
        *result = -EIO;
        return true;
    }
    if (nr == SYS_pwrite64) {
        enclave_lock(e);
        vma_apply(e, (at - e->base) / PAGE, (at - e->base) / PAGE + 1);
        enclave_unlock(e);
    }
    bytes = enclave_bytes(e, at - e->base);
    *result = nr == SYS_pread64
                  ? user_write(uc, (uint64_t)REG(uc, RSI), bytes, n)
                  : user_read(uc, bytes, (uint64_t)REG(uc, RSI), n);
    *result = *result ? *result : (long)n;
    return true;
}

static bool on_path_call(struct thread *t, ucontext_t *uc, long nr,
                         long *result)
{
    int index;
    enum special kind = path_argument(uc, nr, &index);

    if (kind == ORDINARY) {
        return (nr == SYS_newfstatat || nr == SYS_statx) &&
               on_fstat(t, uc, nr, result);
    }
    *result = on_path(t, uc, nr, kind, index);
    return true;
}

bool file_syscall(struct thread *t, ucontext_t *uc, long nr, long *result)
{
    switch (nr) {
    case SYS_fstat:
        return on_fstat(t, uc, nr, result);
    case SYS_lseek:
        *result = -ESPIPE;
        return enclave_known_fd((int)REG(uc, RDI));
    case SYS_ioctl:
        return on_ioctl(uc, result);
    case SYS_fcntl:
        return on_getfl(uc, result);
    case SYS_close:
        *result = -EBADF;
        return enclave_own_fd((int)REG(uc, RDI));
    case SYS_dup2:
    case SYS_dup3:
        *result = -EBUSY;
        return enclave_own_fd((int)REG(uc, RSI));
    case SYS_close_range:
        return on_close_range(uc, result);
    case SYS_pread64:
    case SYS_pwrite64:
        return on_memory(uc, nr, result);
    case SYS_connect:
        return aesm_connect(uc, result);
    default:
        return on_path_call(t, uc, nr, result);
    }
}
