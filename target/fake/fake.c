/* SPDX-License-Identifier: MIT
 *
 * target.h but its rings, inside a test program. The arena is one reservation
 * at a fixed place; a table says what is committed, so that touching anything
 * else is a crash of the test and a wrong call is caught here.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <asm/prctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "target/fake/fake.h"

#define ARENA        0x200000000000ul
#define USER_SIZE    (256ul << 30)
#define KERNEL_SIZE  (4ul << 30)
#define ARENA_SIZE   (USER_SIZE + KERNEL_SIZE)
#define CLOCK_START  1000000000ull
#define REALTIME_OFF 1700000000000000000ll

enum { LINE_MAX_BYTES = 512 };

uint32_t fake_running = 1;

static struct vcpu vcpus[FAKE_VCPUS];
static struct task tasks[FAKE_VCPUS];
static int8_t *protection; /* per page: prot + 1; 0: not committed */
static uint64_t committed_pages;
static uint64_t clock_ns;
static unsigned fail_in, calls;
static char last_line[LINE_MAX_BYTES];
static int stop_pipe = -1; /* in a child of fake_stopped() */

static void *reserve(void *at, uint64_t len, int prot)
{
    void *p =
        mmap(at, len, prot,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (at ? MAP_FIXED : 0),
             -1, 0);

    if (p == MAP_FAILED) {
        perror("fake: mmap");
        abort();
    }
    return p;
}

void fake_be_vcpu(unsigned id)
{
    syscall(SYS_arch_prctl, ARCH_SET_GS, &vcpus[id]);
}

void fake_init(void)
{
    reserve((void *)ARENA, ARENA_SIZE, PROT_NONE);
    protection =
        reserve(protection, ARENA_SIZE / PAGE_SIZE, PROT_READ | PROT_WRITE);
    committed_pages = 0;
    clock_ns = CLOCK_START;
    fail_in = calls = 0;
    for (unsigned id = 0; id < FAKE_VCPUS; id++) {
        struct task *t = &tasks[id];

        memset(t, 0, sizeof(*t));
        t->state = TASK_RUNNING;
        t->name = "test";
        t->affinity = 1;
        list_init(&t->run_node);
        list_init(&t->lock_node);
        vcpus[id] = (struct vcpu){.self = &vcpus[id], .id = id, .task = t};
        vcpus[id].fpu = &t->fpu;
        vcpus[id].fpu_saved = &t->fpu_saved;
    }
    fake_be_vcpu(0);
}

void fake_boot_info(struct boot_info *info)
{
    info->user_start = ARENA;
    info->user_end = info->kernel_start = ARENA + USER_SIZE;
    info->kernel_end = ARENA + ARENA_SIZE;
    info->user_shown = info->kernel_shown = 0;
    info->commit_is_lazy = false;
    info->faults_count = true;
    info->vcpu_count = 1;
}

struct task *fake_task(void)
{
    return &tasks[0];
}

struct vcpu *vcpu_by_id(unsigned id)
{
    return id < FAKE_VCPUS ? &vcpus[id] : NULL;
}

/* ---- failures ---- */

void fake_fail_after(unsigned n)
{
    fail_in = n;
}

unsigned fake_calls(void)
{
    return calls;
}

bool fake_fails_now(void)
{
    calls++;
    return fail_in && --fail_in == 0;
}

/* A misuse of target.h by the room under test. */
static void require(bool ok, const char *what)
{
    if (!ok) {
        printf("fake: %s\n", what);
        fflush(stdout);
        abort();
    }
}

const char *fake_stopped(void (*fn)(void))
{
    static char line[LINE_MAX_BYTES];
    int fds[2], status;
    ssize_t n;
    pid_t pid;

    fflush(stdout);
    require(!pipe(fds), "pipe");
    pid = fork();
    if (pid == 0) {
        stop_pipe = fds[1];
        fake_be_vcpu(0);
        fn();
        _exit(0);
    }
    close(fds[1]);
    n = read(fds[0], line, sizeof(line) - 1);
    close(fds[0]);
    waitpid(pid, &status, 0);
    if (n <= 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return NULL;
    }
    line[n > 0 ? n : 0] = '\0';
    return line;
}

void target_log(const char *line, size_t len)
{
    size_t n = MIN(len, sizeof(last_line) - 1);

    memcpy(last_line, line, n);
    last_line[n] = '\0';
    if (stop_pipe < 0) {
        fwrite(line, 1, len, stderr);
    }
}

void target_suspend(void)
{
}

void target_stop(int status)
{
    if (stop_pipe >= 0) {
        if (write(stop_pipe, last_line, strlen(last_line)) < 0) {
            abort();
        }
        _exit(0);
    }
    printf("fake: target_stop(%#x)\n", status);
    fflush(stdout);
    abort();
}

/* ---- memory ---- */

static int8_t *page_of(uint64_t addr)
{
    return &protection[(addr - ARENA) / PAGE_SIZE];
}

static void require_range(uint64_t addr, uint64_t len)
{
    require(len && IS_ALIGNED(addr | len, PAGE_SIZE), "range not of pages");
    require(addr >= ARENA && len <= ARENA_SIZE &&
                addr - ARENA <= ARENA_SIZE - len,
            "range outside the arena");
}

static void set_protection(uint64_t addr, uint64_t len, int prot)
{
    require(!mprotect((void *)addr, len, prot), "mprotect");
    memset(page_of(addr), prot + 1, len / PAGE_SIZE);
}

int fake_protection(uint64_t addr)
{
    return *page_of(addr) - 1;
}

uint64_t fake_committed(void)
{
    return committed_pages * PAGE_SIZE;
}

int target_mem_commit(uint64_t addr, uint64_t len, int prot)
{
    require_range(addr, len);
    if (fake_fails_now()) {
        return -ENOMEM;
    }
    for (uint64_t a = addr; a < addr + len; a += PAGE_SIZE) {
        committed_pages += *page_of(a) == 0;
    }
    set_protection(addr, len, prot);
    return 0;
}

static int protect_run(uint64_t addr, uint64_t len, int prot)
{
    require_range(addr, len);
    if (prot == MEM_BACK) {
        return -EOPNOTSUPP;
    }
    if (fake_fails_now()) {
        return -ENOMEM;
    }
    for (uint64_t a = addr; a < addr + len; a += PAGE_SIZE) {
        require(*page_of(a) != 0, "protecting what is not committed");
    }
    set_protection(addr, len, prot);
    return 0;
}

int target_mem_protect_runs(const struct mem_run *runs, unsigned count,
                            int prot)
{
    int err = 0;

    for (unsigned i = 0; i < count && !err; i++) {
        err = protect_run(runs[i].start, runs[i].end - runs[i].start, prot);
    }
    return err;
}

void target_mem_key(uint64_t addr, uint64_t len, unsigned key)
{
}

int target_mem_clear(uint64_t addr, uint64_t len)
{
    require_range(addr, len);
    if (fake_fails_now()) {
        return -EOPNOTSUPP;
    }
    reserve((void *)addr, len, PROT_NONE);
    for (uint64_t a = addr; a < addr + len; a += PAGE_SIZE) {
        require(*page_of(a) != 0, "clearing what is not committed");
        require(!mprotect((void *)a, PAGE_SIZE, *page_of(a) - 1), "mprotect");
    }
    return 0;
}

void target_mem_release(uint64_t addr, uint64_t len)
{
    require_range(addr, len);
    for (uint64_t a = addr; a < addr + len; a += PAGE_SIZE) {
        committed_pages -= *page_of(a) != 0;
    }
    reserve((void *)addr, len, PROT_NONE);
    memset(page_of(addr), 0, len / PAGE_SIZE);
}

int target_mem_move(uint64_t to, uint64_t from, uint64_t len)
{
    const int both = PROT_READ | PROT_WRITE;

    require_range(from, len);
    require_range(to, len);
    require(to >= from + len || from >= to + len, "moving over itself");
    require((to - from) % (2ul << 20) == 0, "moving to another place in 2 MiB");
    target_mem_release(to, len);
    if (fake_fails_now()) {
        return -ENOMEM;
    }
    for (uint64_t at = 0; at < len; at += PAGE_SIZE) {
        int prot = *page_of(from + at) - 1;
        void *page = (void *)(from + at);

        require(prot >= 0, "moving what is not committed");
        require(!mprotect(page, PAGE_SIZE, both), "mprotect");
        set_protection(to + at, PAGE_SIZE, both);
        memcpy((void *)(to + at), page, PAGE_SIZE);
        set_protection(to + at, PAGE_SIZE, prot);
        memset(page, 0, PAGE_SIZE);
        require(!mprotect(page, PAGE_SIZE, prot), "mprotect");
    }
    committed_pages += len / PAGE_SIZE;
    return 0;
}

int target_mem_show(uint64_t addr, uint64_t src, uint64_t len, int prot,
                    bool shared)
{
    return -EOPNOTSUPP;
}

/* Nothing is known: it may be anything. */
unsigned target_mem_touched(uint64_t *from, uint64_t to, bool written,
                            struct mem_run *runs, unsigned max)
{
    runs[0] = (struct mem_run){*from, to};
    *from = to;
    return 1;
}

int target_mem_install(uint64_t addr, const void *src, uint64_t len, int prot)
{
    int err = target_mem_commit(addr, len, MEM_READ | MEM_WRITE);

    if (err) {
        return err;
    }
    memcpy((void *)addr, src, len);
    set_protection(addr, len, prot);
    return 0;
}

/* ---- vCPUs, time, randomness, trust ---- */

int target_vcpu_start(unsigned id)
{
    return fake_fails_now() ? -ENOMEM : -EINVAL;
}

void target_vcpu_wait(uint64_t deadline)
{
    if (deadline != UINT64_MAX && deadline > clock_ns) {
        clock_ns = deadline;
    }
}

void target_vcpu_kick(unsigned id)
{
    vcpus[id].resched = 1;
}

void target_vcpu_tick(uint64_t deadline)
{
}

void target_user_resume(const struct user_regs *regs,
                        const struct fpu_area *fpu)
{
    require(false, "there is no user code here");
    abort();
}

void fake_advance(uint64_t ns)
{
    clock_ns += ns;
}

uint64_t target_clock(void)
{
    return clock_ns;
}

void target_clock_info(struct target_clock *out)
{
    *out = (struct target_clock){.base_ns = clock_ns,
                                 .realtime_offset = REALTIME_OFF};
}

void target_random(void *buf, size_t len)
{
    static uint64_t seed = 88172645463325252ull;
    uint8_t *to = buf;

    while (len--) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        *to++ = seed >> 32;
    }
}

void target_cpuid(uint32_t leaf, uint32_t sub, uint32_t r[4])
{
    __asm__ volatile("cpuid"
                     : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
                     : "a"(leaf), "c"(sub));
    if (leaf == 0xd && sub == 0) {
        __asm__ volatile("xgetbv" : "=a"(r[0]), "=d"(r[3]) : "c"(0));
    }
}

int target_trust(enum target_trust what, const void *in, const void *data,
                 void *out)
{
    return -EOPNOTSUPP;
}
