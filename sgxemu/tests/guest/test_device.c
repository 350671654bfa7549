/* SPDX-License-Identifier: MIT */
/* The device as a file: what it looks like, what it refuses, who may use it
 * at the same time, what fork and a debugger see. */
#include "sgxemu/tests/guest/builder.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static struct enclave_under_test t;

static void file(void)
{
    int fd = open("/dev/sgx/enclave", O_RDWR);
    struct pollfd p = {fd, POLLIN | POLLOUT, 0};
    struct statx x;
    struct stat st;
    char byte;

    ok(fd >= 0, "device", "the older name opens too");
    ok(poll(&p, 1, 0) == 1 && p.revents == (POLLIN | POLLOUT), "device",
       "poll says what it says of a file without poll");
    ok(fstat(fd, &st) == 0 && S_ISCHR(st.st_mode), "device",
       "a character device to fstat");
    ok(stat("/dev/sgx_enclave", &st) == 0 && S_ISCHR(st.st_mode), "device",
       "and to stat");
    ok(statx(AT_FDCWD, "/dev/sgx_enclave", 0, STATX_BASIC_STATS, &x) == 0 &&
           S_ISCHR(x.stx_mode) && x.stx_rdev_major == 10 &&
           statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &x) == 0 &&
           S_ISCHR(x.stx_mode) && x.stx_rdev_major == 10,
       "device", "and to statx, by name and by descriptor");
    ok(access("/dev/sgx_provision", R_OK) == 0, "device",
       "access finds /dev/sgx_provision");
    ok(read(fd, &byte, 1) == -1 && errno == EINVAL &&
           write(fd, &byte, 1) == -1 && errno == EINVAL,
       "device", "read and write are EINVAL");
    ok(lseek(fd, 0, SEEK_SET) == -1 && errno == ESPIPE, "device",
       "lseek is ESPIPE");
    ok((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR, "device",
       "F_GETFL has the mode that it was opened with");
    close(fd);
    fd = open("/dev/sgx_enclave", O_RDONLY);
    ok(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED &&
           errno == EACCES,
       "device", "read-only, it cannot be mapped writable");
    close(fd);
}

/* ---- one ioctl at a time ---- */
static int busy, other, wrong_errno;

static void *adds(void *arg)
{
    uint64_t first = (uint64_t)arg;

    for (uint64_t i = 0; i < 60; i++) {
        static uint8_t source[4096] __attribute__((aligned(4096)));
        struct sgx_secinfo info = {.flags = SGX_SECINFO_PT(SGX_PT_REG) | 3};
        struct sgx_ioctl_add add = {(uint64_t)source, (first + i) * PAGE, PAGE,
                                    (uint64_t)&info,  SGX_ADD_MEASURE,    0};

        while (ioctl(t.fd, SGX_IOCTL_ADD_PAGES, &add) != 0) {
            __atomic_add_fetch(errno == EBUSY ? &busy : &wrong_errno, 1,
                               __ATOMIC_RELAXED);
            if (errno != EBUSY) {
                return NULL;
            }
        }
        __atomic_add_fetch(&other, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void concurrent(void)
{
    pthread_t threads[4];

    build_start(&t);
    build_create(&t);
    for (uint64_t i = 0; i < 4; i++) {
        pthread_create(&threads[i], NULL, adds, (void *)(i * 60));
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    ok(other == 240 && wrong_errno == 0, "driver",
       "a second ioctl meanwhile is EBUSY, nothing else");
    build_drop(&t);
}

/* ---- mappings ---- */
static void mappings(void)
{
    void *page;
    uint64_t value;
    int status;

    build(&t);
    page = (void *)ADDRESS(&t, DATA_AT);
    ok(madvise(page, PAGE, MADV_DONTNEED) == -1 && errno == EINVAL &&
           madvise(page, PAGE, MADV_DOFORK) == -1 && errno == EINVAL &&
           madvise(page, PAGE, MADV_RANDOM) == 0,
       "driver", "madvise: hints, and EINVAL for VM_PFNMAP");
    poke(&t, ADDRESS(&t, DATA_AT), 77);
    if (fork() == 0) {
        _exit(peek(&t, ADDRESS(&t, DATA_AT), &value) == 0 ? (int)value : 1);
    }
    wait(&status);
    ok(WEXITSTATUS(status) == 77, "driver", "a forked child has the enclave");
    madvise(page, PAGE, MADV_DONTFORK);
    if (fork() == 0) {
        _exit(peek(&t, ADDRESS(&t, DATA_AT), &value) == 14 &&
                      !(t.run.error & SGX_PF_SGX)
                  ? 5
                  : 1);
    }
    wait(&status);
    ok(WEXITSTATUS(status) == 5, "driver",
       "not the pages of MADV_DONTFORK: #PF without the SGX bit");
    ok(peek(&t, ADDRESS(&t, DATA_AT), &value) == 0 && value == 77, "driver",
       "which the parent keeps");
    build_drop(&t);
}

/* Every second page has other rights, until there is no room for more. */
static void many_mappings(void)
{
    struct op op;
    char *at;
    long i;

    build_start(&t);
    build_huge(&t);
    build_ready(&t, 0);
    at = (char *)(1ul << 40);
    mmap(at, 1ul << 32, PROT_READ, MAP_SHARED | MAP_FIXED, t.fd, 0);
    for (i = 0; i < 70000; i++) {
        if (mprotect(at + 2 * i * (long)PAGE, PAGE, PROT_READ | PROT_WRITE)) {
            break;
        }
    }
    ok(i > 1000 && i < 70000 && errno == ENOMEM, "driver",
       "too many mappings are ENOMEM");
    ok(munmap(at + (1ul << 31), PAGE) == -1 && errno == ENOMEM &&
           munmap(at, 1ul << 32) == 0,
       "driver", "so is a munmap that would cut one in two");
    ok(do_op(&t, &op, OP_NOP, 0, 0, 0, 0) == 0, "driver",
       "and the enclave goes on");
    build_drop(&t);
}

/* ---- a debugger ---- */
static void debugger(void)
{
    int fd = open("/proc/self/mem", O_RDWR);
    uint64_t value = 0, kept = 0, at, optin = SGX_TCS_DBGOPTIN;
    struct enclave_under_test production;

    build(&t);
    at = ADDRESS(&t, DATA_AT + 5);
    poke(&t, at, 0x7777);
    ok(pread(fd, &value, 8, (off_t)at) == 8 && value == 0x7777, "EDBGRD",
       "/proc/PID/mem reads a debug enclave");
    value = 0x8888;
    ok(pwrite(fd, &value, 8, (off_t)at) == 8 && peek(&t, at, &kept) == 0 &&
           kept == 0x8888,
       "EDBGWR", "and writes it");
    at = ADDRESS(&t, TCS_AT);
    ok(pwrite(fd, &optin, 8, (off_t)at + 16) == -1 && errno == EIO, "EDBGWR",
       "of a TCS only FLAGS can be written");
    ok(pwrite(fd, &optin, 8, (off_t)at + 8) == 8 &&
           pread(fd, &value, 8, (off_t)at + 8) == 8 && value == optin,
       "EDBGWR", "which is how a debugger sets DBGOPTIN");
    build_start(&production);
    production.secs.attributes.flags &= ~SGX_ATTR_DEBUG;
    build_ready(&production, 0);
    ok(pread(fd, &value, 8, (off_t)ADDRESS(&production, DATA_AT)) == -1,
       "EDBGRD", "not an enclave without DEBUG");
    build_drop(&production);
    build_drop(&t);
    close(fd);
}

/* ---- the trap flag of the outside ---- */
static volatile int traps, inside;
static void trapped(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    uint64_t rip = (uint64_t)uc->uc_mcontext.gregs[REG_RIP];

    (void)sig, (void)info;
    traps++;
    inside += rip - t.base < t.size;
}

static void single_step(void)
{
    struct sigaction sa = {.sa_sigaction = trapped, .sa_flags = SA_SIGINFO};
    struct op op = {.type = OP_NOP};
    int err;

    build(&t);
    sigaction(SIGTRAP, &sa, NULL);
    __asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq" ::: "memory", "cc");
    err = enter(&t, 0, &op);
    __asm__ volatile("pushfq; andl $~0x100, (%%rsp); popfq" ::: "memory", "cc");
    signal(SIGTRAP, SIG_DFL);
    ok(err == 0 && traps > 20 && inside == 0, "debug",
       "to a single-step an opt-out enclave is one instruction");
    build_drop(&t);
}

/* ---- the emulator itself ---- */
static bool emulator_text(uint64_t *start, uint64_t *end)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512], *name;
    bool found = false;

    while (maps && !found && fgets(line, sizeof(line), maps)) {
        name = strrchr(line, '/');
        found = name && !strcmp(name, "/sgxemu\n") && strstr(line, "r-xp") &&
                sscanf(line, "%lx-%lx", start, end) == 2;
    }
    if (maps) {
        fclose(maps);
    }
    return found;
}

/* Jumps to where the emulator's code is, where nothing is for a program. */
static void wild_jumps(void)
{
    uint64_t start, end;
    int panics = 0, status = 0;
    bool found = emulator_text(&start, &end);

    for (uint64_t i = 0; found && i < 40; i++) {
        pid_t child = fork();

        if (child == 0) {
            struct itimerval soon = {{0, 0}, {0, 100000}};
            struct rlimit none = {0, 0};

            setrlimit(RLIMIT_CORE, &none);
            setitimer(ITIMER_REAL, &soon, NULL);
            __asm__ volatile("jmp *%0" ::"r"(start + (end - start) / 40 * i),
                             "a"(~0ul >> 14), "D"(1ul << 50), "S"(1ul << 50),
                             "b"(1ul << 50)
                             : "memory");
            _exit(0);
        }
        waitpid(child, &status, 0);
        panics += WIFEXITED(status) && WEXITSTATUS(status) == 125;
    }
    ok(found && panics == 0, "robust",
       "jumps into the emulator are the program's own death");
}

void test_device(void)
{
    file();
    concurrent();
    mappings();
    many_mappings();
    debugger();
    single_step();
    wild_jumps();
}
