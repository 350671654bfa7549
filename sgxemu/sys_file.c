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
    fd = kind == DEVICE ? enclave_open() : provision_open();
    if (fd >= 0 && flags & O_CLOEXEC) {
        sys3(SYS_fcntl, fd, F_SETFD, FD_CLOEXEC);
    }
    return fd;
}

static void patch_stat(ucontext_t *uc, uint64_t at, uint64_t minor)
{
    struct stat st;

    if (user_read(uc, &st, at, sizeof(st)) == 0) {
        st.st_mode = S_IFCHR | 0666;
        st.st_rdev = makedev(10, minor);
        st.st_size = 0;
        user_write(uc, at, &st, sizeof(st));
    }
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
    if (result == 0 && (nr == SYS_stat || nr == SYS_lstat)) {
        patch_stat(uc, (uint64_t)REG(uc, RSI), kind == DEVICE ? 125 : 126);
    } else if (result == 0 && nr == SYS_newfstatat) {
        patch_stat(uc, (uint64_t)REG(uc, RDX), kind == DEVICE ? 125 : 126);
    }
    return result;
}

/* fstat, of the device it is a character special. */
static bool on_fstat(struct thread *t, ucontext_t *uc, long nr, long *result)
{
    uint64_t at = (uint64_t)(nr == SYS_fstat ? REG(uc, RSI) : REG(uc, RDX));
    struct stat st;

    (void)t;
    if (nr == SYS_newfstatat && !(REG(uc, R10) & AT_EMPTY_PATH)) {
        return false;
    }
    if (sys2(SYS_fstat, (int)REG(uc, RDI), &st) < 0 ||
        !enclave_is_file(st.st_dev, st.st_ino)) {
        return false;
    }
    st.st_mode = S_IFCHR | 0666;
    st.st_rdev = makedev(10, 125);
    st.st_size = 0;
    *result = user_write(uc, at, &st, sizeof(st));
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
    if (!(e->shared->secs.attributes.flags & SGX_ATTR_DEBUG) ||
        vma_prot(e, (at - e->base) / PAGE) < 0 ||
        !(epcm_get(e, (at - e->base) / PAGE) & EPCM_VALID)) {
        *result = -EIO;
        return true;
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
        return nr == SYS_newfstatat && on_fstat(t, uc, nr, result);
    }
    *result = on_path(t, uc, nr, kind, index);
    return true;
}

bool file_syscall(struct thread *t, ucontext_t *uc, long nr, long *result)
{
    switch (nr) {
    case SYS_fstat:
        return on_fstat(t, uc, nr, result);
    case SYS_ioctl:
        return on_ioctl(uc, result);
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
