/* SPDX-License-Identifier: MIT
 *
 * Reserving the arena, which is all that the host leaves us of its 2^47 bytes:
 *
 *     [64 KiB, LOW_END)          programs; what can be shown at the end
 *     [LOW_END, KERNEL_END)      the kernel, likewise, and behind that the
 * stock [KERNEL_END, this program) programs, up to the heap of this one [above
 * that, user_end)     programs, up to the rest of this one
 *
 * Sanitizers have fixed places for their shadows, their heaps and the program;
 * the kernel lies where none of them wants anything but a gap. What can be
 * shown are files in memory, which can be mapped a second time
 * (target_mem_show).
 *
 * A position-independent program of the host lies above KERNEL_END with all
 * that it maps, unless the address space has the legacy layout (a huge or
 * unlimited stack, personality(2)); then this program executes itself again
 * without that.
 */
#include "target/linux/host.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/resource.h>

enum { USER_START = 0x10000, USER_START_MAX = 0x1000000, ARGS_MAX = 1 << 20 };
#define LOW_END      0x440000000000ul
#define KERNEL_END   0x500000000000ul
#define SHOWN_SIZE   (1ul << 42)      /* of either part */
#define LIBRARIES    0x700000000000ul /* the host's own lie above */
#define HOLE_UNIT    (4ul << 30)      /* of user_holes */
#define HOST_ROOM    (64ul << 30)     /* for what this program will map yet */
#define HOST_HEAP    (4ul << 30)      /* for its heap to grow */
#define STACK_SANE   (1ul << 30)
#define STACK_NORMAL (8ul << 20)
#define AGAIN        "ENCLOS_EXECUTED_AGAIN"

static int reserve(uint64_t start, uint64_t end)
{
    void *want = (void *)start;
    void *got =
        mmap(want, end - start, PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE,
             -1, 0);

    if (got == MAP_FAILED) {
        return -errno;
    }
    if (got != want) { /* before Linux 4.17 the flag is only a hint */
        munmap(got, end - start);
        return -EEXIST;
    }
    return 0;
}

/* vm.mmap_min_addr may forbid the lowest pages. */
static int reserve_user(void)
{
    uint64_t start = USER_START;
    int err;

    do {
        err = reserve(start, LOW_END);
        if (!err) {
            host.user_start = start;
            host.user_end = LOW_END;
            return 0;
        }
        start *= 2;
    } while ((err == -EPERM || err == -EACCES) && start <= USER_START_MAX);
    return err;
}

static int reserve_kernel(void)
{
    int err = reserve(LOW_END, KERNEL_END);

    host.kernel_start = LOW_END;
    host.kernel_end = KERNEL_END;
    return err;
}

/* Where this program lies above KERNEL_END: its heap, mostly, and the rest. */
static bool find_ourselves(struct user_hole *heap, uint64_t *rest)
{
    FILE *f = fopen("/proc/self/maps", "re");
    uint64_t start, end;
    char line[512];

    *heap = (struct user_hole){UINT64_MAX, 0};
    *rest = 0;
    while (f && !*rest && fgets(line, sizeof(line), f)) {
        if (sscanf(line, "%lx-%lx", &start, &end) != 2 || start < KERNEL_END) {
            continue;
        }
        if (start >= LIBRARIES) {
            *rest = start;
        } else {
            heap->start = MIN(heap->start, ALIGN_DOWN(start, HOLE_UNIT));
            heap->end = ALIGN_UP(end, HOLE_UNIT) + HOST_HEAP;
        }
    }
    if (f) {
        fclose(f);
    }
    if (!heap->end) { /* as if it were at the end of the kernel */
        *heap = (struct user_hole){KERNEL_END, KERNEL_END};
    }
    return *rest > heap->end + HOST_ROOM;
}

/* Without it fewer programs run: those that want the highest addresses. */
static void reserve_high(void)
{
    struct user_hole heap;
    uint64_t rest, end;

    if (!find_ourselves(&heap, &rest)) {
        return;
    }
    end = ALIGN_DOWN(rest - HOST_ROOM, HOLE_UNIT);
    if (reserve(heap.end, end)) {
        return;
    }
    if (heap.start > KERNEL_END && reserve(KERNEL_END, heap.start)) {
        munmap((void *)heap.end, end - heap.end);
        return;
    }
    host.user_holes[0] = (struct user_hole){LOW_END, KERNEL_END};
    host.user_holes[1] = heap;
    host.user_end = end;
}

/* A file of a tmpfs of its own, whose pages are large: 2 MiB take as long to
 * come as 100 small ones, and next to nothing to go. -1: only who may mount has
 * that. The mount ends with this process. */
static int large_paged_file(void)
{
    int fs = fsopen("tmpfs", FSOPEN_CLOEXEC), mount = -1, fd = -1;

    if (fs >= 0 && !fsconfig(fs, FSCONFIG_SET_STRING, "huge", "always", 0) &&
        !fsconfig(fs, FSCONFIG_SET_STRING, "size", "0", 0) &&
        !fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0)) {
        mount = fsmount(fs, FSMOUNT_CLOEXEC, 0);
    }
    if (mount >= 0) {
        fd = openat(mount, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    }
    if (fs >= 0) {
        close(fs);
    }
    return fd;
}

static bool map_shown(uint64_t addr, int fd)
{
    return fd >= 0 && !ftruncate(fd, SHOWN_SIZE) &&
           mmap((void *)addr, SHOWN_SIZE, PROT_NONE,
                MAP_SHARED | MAP_NORESERVE | MAP_FIXED, fd, 0) != MAP_FAILED;
}

/* Where that cannot be had, nothing is shown. A limit on the size of files
 * counts for these, too. */
static void make_shown(void)
{
    const uint64_t user = LOW_END - SHOWN_SIZE,
                   kernel = KERNEL_END - STOCK_ROOM - SHOWN_SIZE;
    struct rlimit was, lim;
    void (*old)(int) = signal(SIGXFSZ, SIG_IGN);

    getrlimit(RLIMIT_FSIZE, &was);
    lim = (struct rlimit){was.rlim_max, was.rlim_max};
    setrlimit(RLIMIT_FSIZE, &lim);
    host.user_shown_fd = memfd_create("enclos", MFD_CLOEXEC);
    host.kernel_shown_fd = large_paged_file();
    if (host.kernel_shown_fd < 0) {
        host.kernel_shown_fd = memfd_create("enclos", MFD_CLOEXEC);
    }
    snprintf(host.kernel_shown_path, sizeof(host.kernel_shown_path),
             "/proc/self/fd/%d", host.kernel_shown_fd);
    if (map_shown(user, host.user_shown_fd) &&
        map_shown(kernel, host.kernel_shown_fd)) {
        host.user_shown = user;
        host.kernel_shown = kernel;
        host.shown_size = SHOWN_SIZE;
    }
    setrlimit(RLIMIT_FSIZE, &was);
    signal(SIGXFSZ, old);
}

/* ulimit -v counts reservations too. */
static void raise_address_space_limit(void)
{
    struct rlimit lim;

    if (!getrlimit(RLIMIT_AS, &lim) && lim.rlim_cur != lim.rlim_max) {
        lim.rlim_cur = lim.rlim_max;
        setrlimit(RLIMIT_AS, &lim);
    }
}

/* Changes what led to a legacy layout; false if nothing did. */
static bool fix_layout(void)
{
    struct rlimit lim;
    int per = personality(0xffffffff);
    bool changed = false;

    if (per & (READ_IMPLIES_EXEC | ADDR_COMPAT_LAYOUT)) {
        personality(per & ~(READ_IMPLIES_EXEC | ADDR_COMPAT_LAYOUT));
        changed = true;
    }
    if (!getrlimit(RLIMIT_STACK, &lim) && lim.rlim_cur > STACK_SANE) {
        lim.rlim_cur = STACK_NORMAL;
        changed |= !setrlimit(RLIMIT_STACK, &lim);
    }
    return changed;
}

static void report(int err)
{
    const char *hint = "";

    if (err == -EEXIST) {
        hint = " (something is mapped there; vm.legacy_va_layout=1?)";
    } else if (err == -ENOMEM) {
        hint = " (ulimit -v or a memory limit forbids it)";
    }
    fprintf(stderr, "enclos: cannot reserve the arena: %s%s\n", strerror(-err),
            hint);
}

/* Never returns unless it fails: -errno. */
static int execute_again(void)
{
    static char text[ARGS_MAX];
    static char *argv[ARGS_MAX / 2];
    FILE *f = fopen("/proc/self/cmdline", "r");
    size_t len = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
    unsigned argc = 0;

    for (size_t i = 0; i < len; i += strlen(text + i) + 1) {
        argv[argc++] = text + i;
    }
    if (argc == 0 || len == sizeof(text) - 1) {
        return -E2BIG;
    }
    setenv(AGAIN, "1", 1);
    execv("/proc/self/exe", argv);
    return -errno;
}

int target_linux_reserve(void)
{
    bool again = getenv(AGAIN) != NULL;
    int per = personality(0xffffffff), err;

    unsetenv(AGAIN);
    calibrate_start();
    raise_address_space_limit();
    err = reserve_user();
    if (!err) {
        err = reserve_kernel();
    }
    if (!err && !(per & READ_IMPLIES_EXEC)) {
        make_shown();
        reserve_high();
        host.mem_fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
        host.pagemap_fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
        return 0;
    }
    if (!again && fix_layout()) {
        err = execute_again();
    }
    report(err ? err : -EINVAL);
    return err ? err : -EINVAL;
}

int target_linux_fix_layout(bool again)
{
    bool had = getenv(AGAIN) != NULL;

    unsetenv(AGAIN);
    return fix_layout() && again && !had ? execute_again() : 0;
}
