/* SPDX-License-Identifier: MIT
 *
 * The start of a host process that becomes a machine: checks what the CPU and
 * the host offer, makes everything that vCPUs will not be able to make for
 * themselves (they run without libc), starts vCPU 0, then serves signals.
 */
#include "target/linux/host.h"
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/auxv.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_OFF          0
#define PR_SYS_DISPATCH_ON           1
#endif

enum {
    HWCAP2_FSGSBASE_BIT = 2,
    RING_ENTRIES = 1024,
    BOUNCE_LEN = 128 << 20,
    HIGH_FD = 1000, /* out of the way of what people expect at 3, 4, ... */
    EXIT_OURS = 125,
    FP_SW_RESERVED = 464,
    FP_MAGIC1 = 0x46505853,
};

bool cpu_has_rdseed;
static struct boot_info boot;

static int fail(int err, const char *what)
{
    fprintf(stderr, "enclos: %s: %s\n", what, strerror(-err));
    return err;
}

static int check_cpu(void)
{
    unsigned a, b, c, d;

    if (!(getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE_BIT)) {
        return fail(-ENOTSUP, "the host does not allow FSGSBASE "
                              "instructions (Linux 5.9 on an Ivy Bridge)");
    }
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_RDRND)) {
        return fail(-ENOTSUP, "the CPU has no RDRAND");
    }
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        cpu_has_rdseed = b & bit_RDSEED;
    }
    return 0;
}

/* SUD or, on hosts before 5.11 or when asked, seccomp. */
static int check_dispatch(void)
{
    uint64_t start = (uint64_t)__start_target_stub;
    uint64_t end = (uint64_t)__stop_target_stub;
    bool sud =
        !prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0);

    host.use_seccomp = !sud || getenv("ENCLOS_NO_SUD");
    if (host.use_seccomp && start >> 32 != end >> 32) {
        return fail(-ENOTSUP, "the system call stub crosses 4 GiB; try again");
    }
    return 0;
}

static void learn_frame(int signo, siginfo_t *info, void *context)
{
    const uint8_t *fp = (void *)((ucontext_t *)context)->uc_mcontext.fpregs;
    uint32_t magic;

    memcpy(&magic, fp + FP_SW_RESERVED, 4);
    if (magic == FP_MAGIC1) {
        memcpy(&host.fp_extended, fp + FP_SW_RESERVED + 4, 4);
        memcpy(&host.fp_features, fp + FP_SW_RESERVED + 8, 8);
        memcpy(&host.fp_size, fp + FP_SW_RESERVED + 16, 4);
    }
}

/* How this host's kernel lays out vector state in a signal frame: ours for
 * rt_sigreturn must say the same. */
static int learn_frame_format(void)
{
    struct sigaction sa = {.sa_sigaction = learn_frame, .sa_flags = SA_SIGINFO};

    sigaction(SIG_KICK, &sa, NULL);
    pthread_kill(pthread_self(), SIG_KICK);
    if (!host.fp_size || host.fp_size > FPU_AREA_MAX) {
        return fail(-ENOTSUP, "vector state of this CPU does not fit");
    }
    return 0;
}

static int make_blocks(void)
{
    uint64_t len = (SERVICE_VCPU + 2) * (uint64_t)HOST_BLOCK;
    void *p = mmap(NULL, len, PROT_NONE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (p == MAP_FAILED) {
        return -errno;
    }
    host.blocks = ALIGN_UP((uint64_t)p, (uint64_t)HOST_BLOCK);
    for (unsigned id = 0; id <= SERVICE_VCPU; id++) {
        char *block = (char *)host_vcpu(id);

        if (id >= host.vcpu_count && id != SERVICE_VCPU) {
            continue;
        }
        if (mprotect(block, HOST_GUARD, PROT_READ | PROT_WRITE) ||
            mprotect(block + HOST_ALTSTACK, HOST_ALTSTACK_SIZE,
                     PROT_READ | PROT_WRITE) ||
            mprotect(block + HOST_STACK, HOST_BLOCK - HOST_STACK,
                     PROT_READ | PROT_WRITE)) {
            return -errno;
        }
    }
    return 0;
}

/* kernel_signal() runs on the service thread: it needs a GS base, and a stack
 * guard there; this vCPU is in nobody's list. */
static void become_service_vcpu(void)
{
    static struct vcpu service;

    service.self = &service;
    service.id = SERVICE_VCPU;
    host_vcpu(SERVICE_VCPU)->vcpu = &service;
    vcpu_set_gs(&service);
}

static enum target_linux_ring ring_choice;

void target_linux_use_ring(enum target_linux_ring choice)
{
    ring_choice = choice;
}

/* Each socket of a program that reaches outside is one of our descriptors. */
static void allow_descriptors(void)
{
    struct rlimit limit;

    if (!getrlimit(RLIMIT_NOFILE, &limit)) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int host_make_rings(void)
{
    bool pool =
        ring_choice == TARGET_LINUX_POOL || getenv("ENCLOS_NO_IO_URING");
    void *bounce = mmap(NULL, BOUNCE_LEN, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    int err;

    allow_descriptors();
    if (bounce == MAP_FAILED) {
        return -errno;
    }
    bounce_base = (uint64_t)bounce;
    bounce_len = BOUNCE_LEN;
    host.io_eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (host.io_eventfd < 0) {
        return -errno;
    }
    err = pool ? -ENOTSUP : uring_setup(&host_rings[0], RING_ENTRIES);
    if (err && ring_choice == TARGET_LINUX_URING) {
        return fail(err, "no io_uring here, and --ring uring was asked for");
    }
    if (err) {
        err = pool_setup(&host_rings[0]);
        if (err) {
            return err;
        }
    }
    return pool_setup(&host_rings[1]);
}

void host_save_terminal(void)
{
    host.tty_saved = !ioctl(0, TCGETS, host.tty_modes);
}

void host_open_log(void)
{
    int fd = fcntl(2, F_DUPFD_CLOEXEC, HIGH_FD);

    if (fd < 0) {
        fd = fcntl(2, F_DUPFD_CLOEXEC, 3);
    }
    host.log_fd = fd < 0 ? 2 : fd;
}

static void fill_info(const struct boot_info *info)
{
    boot = *info;
    boot.vcpu_count = MIN(MAX(info->vcpu_count, 1u), (unsigned)VCPU_MAX);
    boot.user_start = host.user_start;
    boot.user_end = host.user_end;
    memcpy(boot.user_holes, host.user_holes, sizeof(boot.user_holes));
    boot.user_shown = host.user_shown;
    boot.kernel_shown = host.kernel_shown;
    boot.kernel_start = host.kernel_start;
    boot.kernel_end = host.kernel_end - STOCK_ROOM;
    boot.commit_is_lazy = true;
    boot.cpuid_traps = true;
    boot.faults_count = true;
    host.vcpu_count = boot.vcpu_count;
    host.boot = &boot;
    host.pid = getpid();
}

/* A mapping for the kernel to take pages from: only where there is memory to
 * take them to. */
static void map_image(void)
{
    struct stat st;
    void *p;

    boot.image_map = boot.image_map_len = 0;
    if (boot.root != ROOT_IMAGE || !host.shown_size ||
        fstat(boot.image_fd, &st) || st.st_size < (off_t)PAGE_SIZE) {
        return;
    }
    p = mmap(NULL, ALIGN_DOWN((uint64_t)st.st_size, PAGE_SIZE), PROT_READ,
             MAP_SHARED | MAP_NORESERVE, boot.image_fd, 0);
    if (p != MAP_FAILED) {
        boot.image_map = (uint64_t)p;
        boot.image_map_len = ALIGN_DOWN((uint64_t)st.st_size, PAGE_SIZE);
    }
}

/* Everything before the first thread; -errno after a message. */
static int set_up(const struct boot_info *info)
{
    int err;

    if ((err = check_cpu()) || (err = check_dispatch()) ||
        (!host.kernel_end && (err = target_linux_reserve()))) {
        return err;
    }
    fill_info(info);
    host_open_log();
    host_save_terminal();
    if ((err = learn_frame_format())) {
        return err;
    }
    keys_find(&boot);
    if ((err = make_blocks()) || (err = host_make_rings())) {
        return fail(err, "cannot set up memory and rings");
    }
    boot.host_reads_memory = true;
    map_image();
    stock_open(&boot);
    boot.ignored_signals = signals_ignored();
    signals_block(true);
    signals_leave_faults();
    err = trap_init();
    return err ? fail(err, "cannot set up signal handlers") : 0;
}

void target_linux_run(const struct boot_info *info)
{
    int err = set_up(info);

    if (err) {
        exit(EXIT_OURS);
    }
    err = pool_start();
    become_service_vcpu();
    calibrate_finish();
    if (!err) {
        err = keys_close();
    }
    if (!err) {
        err = vcpu_thread_start(0);
    }
    if (err) {
        fail(err, "cannot start threads");
        exit(EXIT_OURS);
    }
    signals_serve(kernel_signal);
}
