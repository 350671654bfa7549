/* SPDX-License-Identifier: MIT
 *
 * See support.h. The vector state of the one vCPU is test_live_fpu.
 */
#include <stdlib.h>
#include <stdio.h>
#include "kernel/signal/tests/support.h"
#include "kernel/kernel.h"
#include "kernel/core/log.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/ptrace/ptrace.h"
#include "kernel/proc/session.h"
#include "kernel/proc/core_dump.h"
#include "kernel/proc/timers.h"
#include "abi/linux/errno.h"
#include "abi/linux/resource.h"
#include "lib/string.h"
#include "target/target.h"

struct proc test_proc;
struct thread *test_threads[THREADS];
struct user_regs *test_regs;
uint8_t test_user[USER_SIZE];
uint64_t test_alloc_fails;
int test_overrun;

static struct vcpu vcpu;
static struct thread threads[THREADS];
static uint8_t stacks[THREADS][KSTACK_SIZE];
static jmp_buf ended;
static int end_status;

/* ---- locks, sleeping, memory ---- */

struct spinlock proc_lock = SPINLOCK_INIT(LOCK_PROC);

static uint64_t held; /* bit a lock class */

void mm_hurry(struct mm *mm)
{
}

void lock_check_acquire(uint32_t cls, bool sleeps)
{
    if (held >> cls) {
        printf("a lock of class %u under one of %#lx\n", cls, held);
        abort();
    }
    held |= 1ull << cls;
}

void lock_check_release(uint32_t cls, bool sleeps)
{
    held &= ~(1ull << cls);
}

bool one_vcpu;

void spin_lock_slow(void *l)
{
    printf("a lock is taken twice\n");
    abort();
}

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
    end_status = STOPPED_FOREVER;
    longjmp(ended, 1);
}

void wait_end(struct wait_entry *e)
{
}

void task_interrupt(struct task *t)
{
    t->interrupted = 1;
}

void *kmalloc(size_t size)
{
    return test_alloc_fails ? NULL : malloc(size);
}

void kfree(void *p)
{
    free(p);
}

/* ---- the CPU and the program's memory ---- */

enum { FAKE_FPU_SIZE = 832 };

uint32_t fpu_size(void)
{
    return FAKE_FPU_SIZE;
}

uint64_t fpu_mask(void)
{
    return 7;
}

/* AVX alone. */
uint32_t fpu_component(unsigned i, uint32_t *offset)
{
    *offset = 576;
    return i == 2 ? 256 : 0;
}

void fpu_leave(struct fpu_area *area, uint32_t *saved)
{
    uint64_t bv = 7;

    if (*saved) {
        return;
    }
    *saved = 1;
    memset(area->xsave, 0xa5, FAKE_FPU_SIZE);
    memset(area->xsave + 512, 0, 64);
    memcpy(area->xsave + 512, &bv, sizeof(bv));
    memcpy(area->xsave + 24, &(uint32_t){0x1f80}, 4);
}

void fpu_reset(struct fpu_area *area)
{
    memset(area->xsave, 0, FAKE_FPU_SIZE);
}

/* No vector registers here: the way by the area. */
uint64_t vector_to_user(struct uptr dst)
{
    return 0;
}

bool vector_from_user(struct uptr src, uint64_t used, uint32_t mxcsr)
{
    return false;
}

uint32_t fpu_mxcsr(void)
{
    return MXCSR_INITIAL;
}

void fpu_clear(void)
{
}

uint64_t kernel_user_rip(uint64_t rip)
{
    return rip == TEST_SLOT ? TEST_SITE_END : rip;
}

bool mm_moved_insn(uint64_t rip, uint64_t *copy_rip)
{
    *copy_rip = TEST_SLOT;
    return rip == TEST_SITE_END;
}

bool mm_user_range(uint64_t addr, uint64_t len)
{
    return addr < 1ull << 46 && len <= (1ull << 46) - addr;
}

const uint64_t vdso_restore_rt_offset = 0x123;
struct mm_layout test_layout;

struct mm_layout *mm_layout(struct mm *mm)
{
    return &test_layout;
}

static bool mine(struct uptr p, size_t n)
{
    uint64_t start = (uint64_t)test_user;

    return p.addr >= start && p.addr <= start + USER_SIZE &&
           n <= start + USER_SIZE - p.addr;
}

int copy_to_user(struct uptr dst, const void *src, size_t n)
{
    if (!mine(dst, n)) {
        return -EFAULT;
    }
    memcpy((void *)dst.addr, src, n);
    return 0;
}

void (*test_has_read)(size_t n);

int copy_from_user(void *dst, struct uptr src, size_t n)
{
    if (!mine(src, n)) {
        return -EFAULT;
    }
    memcpy(dst, (void *)src.addr, n);
    if (test_has_read) {
        test_has_read(n);
    }
    return 0;
}

int get_user32(uint32_t *val, struct uptr src)
{
    return copy_from_user(val, src, sizeof(*val));
}

int get_user64(uint64_t *val, struct uptr src)
{
    return copy_from_user(val, src, sizeof(*val));
}

int put_user32(struct uptr dst, uint32_t val)
{
    return copy_to_user(dst, &val, sizeof(val));
}

/* ---- processes, log ---- */

void proc_exit_group(int status)
{
    end_status = status;
    longjmp(ended, 1);
}

void thread_exit_check(void)
{
}

bool core_dump(const struct k_siginfo *info)
{
    return false;
}

void ptimer_taken(struct proc *p, int id, int overrun)
{
    test_overrun = overrun;
}

struct proc *proc_find(int pid)
{
    return pid == test_proc.pid ? &test_proc : NULL;
}

void proc_put(struct proc *p)
{
}

void proc_for_each(void (*fn)(struct proc *p, void *arg), void *arg)
{
    spin_lock(&proc_lock);
    fn(&test_proc, arg);
    spin_unlock(&proc_lock);
}

void log_line(enum log_level level, const char *fmt, ...)
{
}

/* ---- for the tests ---- */

static void add_thread(unsigned i)
{
    struct thread *t = &threads[i];

    if (t->proc) {
        thread_signals_free(&t->signals);
    }
    memset(t, 0, sizeof(*t));
    t->proc = &test_proc;
    t->tid = test_proc.pid + (int)i;
    t->task.thread = t;
    t->task.kstack_top = (uint64_t)(stacks[i] + KSTACK_SIZE);
    thread_signals_init(&t->signals);
    list_add_tail(&test_proc.threads, &t->node);
    test_threads[i] = t;
}

static void fill_regs(struct user_regs *r)
{
    uint64_t *word = (uint64_t *)r;

    for (unsigned i = 0; i < sizeof(*r) / 8; i++) {
        word[i] = 0x100 + i;
    }
    r->rip = 0x400123;
    r->rsp = (uint64_t)test_user + USER_SIZE / 2;
    r->rflags = RFLAGS_FIXED;
    r->orig_rax = ~0ull;
    r->full = 0;
}

void test_reset(unsigned count)
{
    if (test_proc.pid) {
        signal_state_free(&test_proc.signals);
    }
    test_alloc_fails = 0;
    test_layout = (struct mm_layout){.start_code = 0x400000};
    signal_state_init(&test_proc.signals);
    list_init(&test_proc.threads);
    test_proc.pid = 1;
    test_proc.pgid = 1;
    test_proc.thread_count = count;
    test_proc.limits[LIMIT_SIGPENDING].cur = 8;
    for (unsigned i = 0; i < count; i++) {
        add_thread(i);
    }
    vcpu.self = &vcpu;
    vcpu.task = &threads[0].task;
    vcpu_set_gs(&vcpu);
    test_regs = thread_regs(&threads[0]);
    fill_regs(test_regs);
    memset(test_user, 0x77, sizeof(test_user));
}

int test_deliver(void)
{
    if (setjmp(ended)) {
        if (held) {
            printf("locks are held at the end: %#lx\n", held);
            abort();
        }
        return end_status;
    }
    signal_deliver(test_regs);
    return -1;
}

int test_kill(int signo)
{
    struct k_siginfo info = {.signo = signo, .code = SI_USER};

    info.kill.pid = 42;
    return signal_send_proc(&test_proc, &info);
}

int test_tgkill(unsigned thread, int signo)
{
    struct k_siginfo info = {.signo = signo, .code = SI_TKILL};

    return signal_send_thread(test_threads[thread], &info);
}

void test_handler(int signo, uint64_t handler, uint64_t flags, sigset mask)
{
    struct k_sigaction act = {
        .handler = handler,
        .flags = flags | SA_RESTORER,
        .restorer = 0x400999,
        .mask = mask,
    };

    signal_action(signo, &act, NULL);
}

/* ---- the other processes, and outside ---- */

void proc_times_locked(struct proc *p, uint64_t *user_ns, uint64_t *kernel_ns)
{
    *user_ns = *kernel_ns = 0;
}

void proc_for_each_locked(void (*fn)(struct proc *p, void *arg), void *arg)
{
    fn(&test_proc, arg);
}

bool group_is_orphaned(void)
{
    return false;
}

void target_suspend(void)
{
}

/* ---- ptrace(2): nobody traces ---- */

bool ptrace_any(struct proc *p)
{
    return false;
}

bool ptrace_reports(struct proc *p)
{
    return false;
}

bool ptrace_wants(struct thread *t)
{
    return false;
}

void ptrace_work(struct thread *t)
{
}

int ptrace_signal(struct thread *t, struct k_siginfo *info)
{
    return info->signo;
}

void ptrace_forget_step(struct thread *t, struct user_regs *regs)
{
}

void ptrace_handler(struct thread *t, struct user_regs *regs)
{
}

void ptrace_group_stopped(struct proc *p, int signo)
{
}

void ptrace_group_continued(struct proc *p)
{
}
