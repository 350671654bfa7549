/* SPDX-License-Identifier: MIT
 *
 * See support.h. The arena is one mapping of the host; "not committed" is
 * no access, so that a touch too early is a crash of the test.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>
#include <asm/prctl.h>
#undef NSIG
#include "kernel/mm/tests/support.h"
#include "kernel/mm/room.h"
#include "arch/x86_64/vcpu.h"
#include "kernel/core/lock.h"
#include "kernel/core/log.h"
#include "kernel/core/sched.h"
#include "kernel/core/stats.h"
#include "kernel/core/wait.h"
#include "target/target.h"

#define ARENA       0x200000000000ul
#define USER_SIZE   (1ul << 38)
#define KERNEL_BASE (ARENA + USER_SIZE)
#define KERNEL_SIZE (1ul << 32)
#define ARENA_SIZE  (USER_SIZE + KERNEL_SIZE)

static signed char *state; /* per page: prot + 1, 0 when not committed */
static signed char before[ARENA_SIZE / PAGE_SIZE]; /* the last protect() to 0 */
static unsigned fail_in, fail_count, lie_in, calls;
static bool can_show;
static int shown_fd;
static struct vcpu vcpus[4];
static struct task task;

/* The host's header would fight with abi/linux/mman.h. */
void *mmap(void *addr, size_t len, int prot, int flags, int fd, long off);
int mprotect(void *addr, size_t len, int prot);

static void *arena_map(uint64_t addr, uint64_t len, int prot)
{
    void *p =
        mmap((void *)addr, len, prot,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);

    if (p == (void *)-1) {
        perror("mmap");
        abort();
    }
    return p;
}

/* ---- faults in usercopy.S ---- */

/* No vector registers here. */
uint32_t fpu_size(void)
{
    return 0;
}

uint64_t fpu_store_user(uint64_t addr)
{
    return 0;
}

bool fpu_load_user(uint64_t addr, uint64_t used, uint32_t mxcsr)
{
    return false;
}

extern const struct fixup_row {
    int32_t at, to; /* from the field itself */
} __start_kfixup[], __stop_kfixup[];

static void on_fault(int signo, siginfo_t *info, void *context)
{
    greg_t *rip = &((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];

    for (const struct fixup_row *r = __start_kfixup; r < __stop_kfixup; r++) {
        if ((uint64_t)&r->at + r->at == (uint64_t)*rip) {
            *rip = (greg_t)((uint64_t)&r->to + r->to);
            return;
        }
    }
    printf("fault at %p, rip %llx\n", info->si_addr, *rip);
    fflush(stdout);
    _exit(1);
}

static void catch_faults(void)
{
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

    sigaction(SIGSEGV, &sa, NULL);
    sigaction(SIGBUS, &sa, NULL);
}

void support_set_vcpu(unsigned id)
{
    vcpus[id].self = &vcpus[id];
    vcpus[id].id = id;
    vcpus[id].task = &task;
    syscall(SYS_arch_prctl, ARCH_SET_GS, &vcpus[id]);
}

void support_set_mm(struct mm *mm)
{
    task.mm = mm;
}

void support_reset(void)
{
    arena_map(ARENA, ARENA_SIZE, PROT_NONE);
    state = mmap(state, ARENA_SIZE / PAGE_SIZE, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
                     (state ? MAP_FIXED : 0),
                 -1, 0);
    fail_in = lie_in = calls = 0;
    can_show = false;
    support_set_vcpu(0);
    catch_faults();
}

/* ---- what can be shown: one file, in two places ---- */

#define USER_SHOWN   (ARENA + USER_SIZE / 4 * 3)
#define KERNEL_SHOWN (KERNEL_BASE + KERNEL_SIZE / 2)
enum { MAP_SHARED_FIXED = 0x4011 }; /* and MAP_NORESERVE */

/* -1: not there. */
static long shown_offset(uint64_t addr)
{
    if (!can_show || addr < USER_SHOWN) {
        return -1;
    }
    if (addr < KERNEL_BASE) {
        return (long)(addr - USER_SHOWN);
    }
    return addr < KERNEL_SHOWN ? -1
                               : (long)(USER_SIZE / 4 + (addr - KERNEL_SHOWN));
}

static void map_shown(uint64_t addr, uint64_t len, int prot)
{
    check(mmap((void *)addr, len, prot, MAP_SHARED_FIXED, shown_fd,
               shown_offset(addr)) == (void *)addr);
}

void support_can_show(void)
{
    can_show = true;
    if (shown_fd > 0) {
        close(shown_fd);
    }
    shown_fd = (int)syscall(SYS_memfd_create, "shown", 0);
    check(shown_fd > 0 &&
          ftruncate(shown_fd, USER_SIZE / 4 + KERNEL_SIZE / 2) == 0);
    map_shown(USER_SHOWN, USER_SIZE / 4, PROT_NONE);
    map_shown(KERNEL_SHOWN, KERNEL_SIZE / 2, PROT_NONE);
}

uint64_t support_user_shown(void)
{
    return USER_SHOWN;
}

uint64_t support_kernel_shown(void)
{
    return KERNEL_SHOWN;
}

uint64_t support_user_start(void)
{
    return ARENA;
}

uint64_t support_user_end(void)
{
    return ARENA + USER_SIZE;
}

uint64_t support_kernel_start(void)
{
    return KERNEL_BASE;
}

uint64_t support_kernel_end(void)
{
    return KERNEL_BASE + KERNEL_SIZE;
}

int support_prot(uint64_t addr)
{
    return state[(addr - ARENA) / PAGE_SIZE] - 1;
}

uint64_t support_committed(uint64_t start, uint64_t end)
{
    uint64_t n = 0;

    for (; start < end; start += PAGE_SIZE) {
        n += support_prot(start) >= 0;
    }
    return n;
}

void support_fail_target(unsigned n, unsigned count)
{
    fail_in = n;
    fail_count = count;
}

void support_lie(unsigned n)
{
    lie_in = n;
}

unsigned support_calls(void)
{
    return calls;
}

uint32_t support_rand(void)
{
    static uint64_t seed = 88172645463325252ull;

    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 16);
}

/* ---- target.h ---- */

static bool target_call(uint64_t addr, uint64_t len)
{
    check(IS_ALIGNED(addr | len, PAGE_SIZE) && len);
    check(addr >= ARENA && addr + len <= ARENA + ARENA_SIZE);
    calls++;
    if (!fail_in) {
        return false;
    }
    if (fail_in > 1) {
        fail_in--;
        return false;
    }
    fail_in = --fail_count != 0;
    return true;
}

int target_mem_commit(uint64_t addr, uint64_t len, int prot)
{
    if (target_call(addr, len)) {
        return -12;
    }
    if (addr >= KERNEL_BASE || !lie_in || --lie_in) {
        mprotect((void *)addr, len, prot);
    }
    memset(&state[(addr - ARENA) / PAGE_SIZE], prot + 1, len / PAGE_SIZE);
    return 0;
}

static int protect_run(uint64_t addr, uint64_t len, int prot)
{
    if (target_call(addr, len)) {
        return -12;
    }
    for (uint64_t a = addr; a < addr + len; a += PAGE_SIZE) {
        uint64_t i = (a - ARENA) / PAGE_SIZE;

        check(state[i] > 0);
        before[i] = !prot && state[i] > 1 ? state[i] : before[i];
        state[i] = (signed char)(prot == MEM_BACK ? before[i] : prot + 1);
        mprotect((void *)a, PAGE_SIZE, state[i] - 1);
    }
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
    if (target_call(addr, len)) {
        return -95;
    }
    for (uint64_t a = addr; a < addr + len; a += PAGE_SIZE) {
        check(support_prot(a) >= 0);
    }
    check(syscall(SYS_madvise, addr, len, MADV_DONTNEED) == 0);
    return 0;
}

void target_mem_release(uint64_t addr, uint64_t len)
{
    calls++;
    if (shown_offset(addr) >= 0) {
        syscall(SYS_fallocate, shown_fd, 3, shown_offset(addr),
                len); /* PUNCH */
        map_shown(addr, len, PROT_NONE);
    } else {
        arena_map(addr, len, PROT_NONE);
    }
    memset(&state[(addr - ARENA) / PAGE_SIZE], 0, len / PAGE_SIZE);
}

int target_mem_install(uint64_t addr, const void *src, uint64_t len, int prot)
{
    if (target_call(addr, len)) {
        return -12;
    }
    mprotect((void *)addr, len, PROT_READ | PROT_WRITE);
    memcpy((void *)addr, src, len);
    mprotect((void *)addr, len, prot & ~MEM_EXEC);
    memset(&state[(addr - ARENA) / PAGE_SIZE], prot + 1, len / PAGE_SIZE);
    return 0;
}

int target_mem_show(uint64_t addr, uint64_t src, uint64_t len, int prot,
                    bool shared)
{
    if (!can_show) {
        return -95;
    }
    if (target_call(addr, len)) {
        return -12;
    }
    check(shown_offset(src) >= 0 && shown_offset(addr) < 0);
    check(mmap((void *)addr, len, prot & ~MEM_EXEC, shared ? 0x4011 : 0x4012,
               shown_fd, shown_offset(src)) == (void *)addr);
    memset(&state[(addr - ARENA) / PAGE_SIZE], prot + 1, len / PAGE_SIZE);
    return 0;
}

void target_random(void *buf, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        ((uint8_t *)buf)[i] = (uint8_t)support_rand();
    }
}

/* ---- a file ---- */

uint64_t support_file_word(uint64_t off)
{
    return off * 0x9e3779b97f4a7c15ull + 1;
}

static struct support_file *file_of(struct vm_object *o)
{
    return container_of(o, struct support_file, object);
}

static void file_ref(struct vm_object *o)
{
    file_of(o)->refs++;
}

static void file_unref(struct vm_object *o)
{
    file_of(o)->refs--;
}

static long file_read(struct vm_object *o, uint64_t off, void *dst, size_t len)
{
    struct support_file *f = file_of(o);
    size_t n = off < f->size ? MIN(len, f->size - off) : 0;

    f->reads++;
    if (f->error) {
        return f->error;
    }
    memset(dst, 0, MIN(ALIGN_UP(n, PAGE_SIZE), len));
    for (size_t i = 0; i < n; i += 8) {
        uint64_t word = support_file_word(off + i);
        memcpy((char *)dst + i, &word, MIN(n - i, 8ul));
    }
    if (f->text && off < f->text_len) {
        memcpy(dst, (const char *)f->text + off, MIN(n, f->text_len - off));
    }
    return (long)n;
}

static void file_describe(struct vm_object *o, char *path, size_t len,
                          uint64_t *dev, uint64_t *ino)
{
    strlcpy(path, "/file", len);
    *dev = 1;
    *ino = 2;
}

static const struct vm_object_ops file_ops = {
    .get = file_ref,
    .put = file_unref,
    .read = file_read,
    .describe = file_describe,
};

void support_file_init(struct support_file *f, uint64_t size)
{
    *f = (struct support_file){.object.ops = &file_ops, .size = size};
}

/* ---- invariants ---- */

/* The run that keeps addr, or NULL. */
static const struct idle_run *idle_run_at(struct mm *mm, uint64_t addr)
{
    unsigned i = 0;

    while (i < mm->idle_count &&
           (addr < mm->idle[i].start || addr >= mm->idle[i].end)) {
        i++;
    }
    return i < mm->idle_count ? &mm->idle[i] : NULL;
}

int support_page_wrong(struct mm *mm, uint64_t addr)
{
    struct vma *v = vma_at(mm, addr);
    bool there = resident_test(&mm->resident, addr);
    bool common = resident_test(&mm->family->common, addr);
    const struct idle_run *idle = v ? NULL : idle_run_at(mm, addr);
    int prot = support_prot(addr);

    if (there && (!v || prot != (prot_effective(v->prot) &
                                 (common ? ~MEM_WRITE : -1)))) {
        printf("page %lx is resident with %d, vma %d\n", addr, prot,
               v ? v->prot : -1);
        return 1;
    }
    if (!there && prot >= 0 && !(v && v->flags & VMA_WINDOW) &&
        !(idle && prot == (idle->open ? PROT_READ | PROT_WRITE : 0))) {
        printf("page %lx is committed and nobody knows\n", addr);
        return 1;
    }
    return 0;
}

/* ---- core ---- */

struct stats_vcpu stats_vcpus[VCPU_MAX];

void panic(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    printf("panic: ");
    vprintf(fmt, args);
    va_end(args);
    printf("\n");
    fflush(stdout);
    abort();
}

void log_line(enum log_level level, const char *fmt, ...)
{
}

bool log_enabled(enum log_level level)
{
    return false;
}

void lock_check_acquire(uint32_t cls, bool sleeps)
{
}

void lock_check_release(uint32_t cls, bool sleeps)
{
}

void lock_check_may_sleep(void)
{
}

bool one_vcpu;

void spin_lock_slow(void *l)
{
    panic("one thread waits for its own spinlock");
}

void mutex_init(struct mutex *m, enum lock_class cls)
{
    memset(m, 0, sizeof(*m));
}

void mutex_lock(struct mutex *m)
{
    check(!m->owner);
    m->owner = (uint64_t)&task;
}

bool mutex_lock_if_awake(struct mutex *m)
{
    bool is_free = !m->owner;

    if (is_free) {
        mutex_lock(m);
    }
    return is_free;
}

void mutex_unlock(struct mutex *m)
{
    check(m->owner);
    m->owner = 0;
}

bool mutex_held(const struct mutex *m)
{
    return m->owner;
}

int target_mem_move(uint64_t to, uint64_t from, uint64_t len)
{
    const int both = PROT_READ | PROT_WRITE;

    check(to >= from + len || from >= to + len);
    check((to - from) % (2ul << 20) == 0);
    target_mem_release(to, len);
    if (target_call(from, len)) {
        return -12;
    }
    for (uint64_t a = from; a < from + len; a += PAGE_SIZE) {
        int prot = support_prot(a);

        check(prot >= 0);
        mprotect((void *)a, PAGE_SIZE, both);
        mprotect((void *)(a - from + to), PAGE_SIZE, both);
        memcpy((void *)(a - from + to), (void *)a, PAGE_SIZE);
        memset((void *)a, 0, PAGE_SIZE);
        mprotect((void *)a, PAGE_SIZE, prot & ~MEM_EXEC);
        mprotect((void *)(a - from + to), PAGE_SIZE, prot & ~MEM_EXEC);
        state[(a - from + to - ARENA) / PAGE_SIZE] = (signed char)(prot + 1);
    }
    return 0;
}

/* Nothing is known: it may be anything. */
unsigned target_mem_touched(uint64_t *from, uint64_t to, bool written,
                            struct mem_run *runs, unsigned max)
{
    runs[0] = (struct mem_run){*from, to};
    *from = to;
    return 1;
}

/* ---- no tasks: schedule.c has nobody to wait for ---- */

void (*sched_gate_event)(void) = support_nothing;
void (*sched_gate_expect)(void) = support_nothing;
bool (*sched_gate_blocks)(const struct task *t);

void timer_init(struct timer *t, void (*fire)(struct timer *))
{
    t->armed = false;
}

void timer_arm(struct timer *t, uint64_t deadline)
{
}

bool timer_cancel(struct timer *t)
{
    return false;
}

void support_nothing(void)
{
}

void sched_gate_init(struct sched_gate *g)
{
    g->closed = 0;
}

bool sched_gate_close(struct sched_gate *g)
{
    bool was = g->closed;

    g->closed = 1;
    return !was;
}

void sched_gate_drain(struct sched_gate *g)
{
}

void sched_gate_open(struct sched_gate *g)
{
    g->closed = 0;
}

bool sched_gate_waited(struct sched_gate *g)
{
    return false;
}

bool sched_gate_busy(struct sched_gate *g)
{
    return false;
}

uint64_t sched_gate_left(struct sched_gate *g)
{
    return 0;
}

uint32_t sched_io_inflight;

void sched_looks(void)
{
}

bool sched_gate_woken(struct sched_gate *g)
{
    return false;
}

bool sched_others_run(void)
{
    return false;
}

void sched_gate_linger(bool on)
{
}

static unsigned gate_entries;

void sched_gate_enter(struct sched_gate *g)
{
    gate_entries++;
}

unsigned support_gate_entries(void)
{
    return gate_entries;
}

void sched_gate_set_rights(struct sched_gate *g, vcpu_rights rights)
{
    atomic_store_relaxed(&g->rights, rights);
}

void task_init(struct task *t, void *stack, const char *name,
               void (*fn)(void *), void *arg)
{
}

void task_start(struct task *t)
{
}

void task_yield(void)
{
}

bool task_is_killed(struct task *t)
{
    return false;
}

/* Nobody waits for anybody in these tests. */
void wait_queue_init(struct wait_queue *q)
{
    list_init(&q->entries);
}

unsigned wait_wake(struct wait_queue *q, unsigned count, uint32_t events)
{
    return 0;
}

void wait_begin(struct wait_entry *e, struct wait_queue *q, int flags)
{
}

void wait_prepare(void)
{
}

int wait_sleep(uint64_t deadline, int flags)
{
    abort();
}

void wait_end(struct wait_entry *e)
{
}

void task_prepare_sleep(void)
{
}

void task_cancel_sleep(void)
{
}

void task_sleep(void)
{
}

bool task_sleep_until(uint64_t deadline)
{
    return true;
}

bool task_wake(struct task *t)
{
    return false;
}

uint64_t clock_now(void)
{
    return 1;
}
