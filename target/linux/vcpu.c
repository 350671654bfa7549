/* SPDX-License-Identifier: MIT
 *
 * Host threads as virtual CPUs: start, wait, kick, tick.
 *
 * A thread is made by a raw clone(2), so libc knows nothing of it and it has
 * no rseq registration; from then on it executes system calls only through
 * stub.S. Programs' system calls trap: by Syscall User Dispatch without a
 * selector, or by a seccomp filter on the instruction's address.
 *
 * Wait and kick: a waiter sets `waiting`, then looks at `wake`; a kicker sets
 * `wake`, then looks at `waiting`. So either the waiter sees the kick or the
 * kicker writes the eventfd on which it sleeps; a signal is sent otherwise,
 * for user code. Completions of the rings wake one waiter (EPOLLEXCLUSIVE);
 * a waiter that was passed over finds the event at its next wait. What a vCPU
 * waits for with the pool is in its epoll set, too (pool_wait.c).
 */
#include "target/linux/pool_ring.h"
#include <errno.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/time_types.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_OFF          0
#define PR_SYS_DISPATCH_ON           1
#endif
enum {
    THREAD_FLAGS = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
                   CLONE_THREAD | CLONE_SYSVSEM,
    LOOK_AGAIN_NS = 50000,
    LOOKS_MAX = 10, /* so many double it */
    LOOK_DEPTH_MAX = 6,
};

/* struct sigevent with SIGEV_THREAD_ID (timer_create(2)). */
struct raw_sigevent {
    uint64_t value;
    int signo, notify, tid, pad[11];
};
_Static_assert(sizeof(struct raw_sigevent) == 64, "struct sigevent");

static struct __kernel_timespec timespec_of(uint64_t ns)
{
    return (struct __kernel_timespec){ns / 1000000000, ns % 1000000000};
}

/* ---- start ---- */

/* SIGSYS for every system call outside the stub (seccomp(2)). */
static long trap_by_seccomp(void)
{
    uint64_t start = (uint64_t)__start_target_stub;
    uint32_t low = start, high = (uint64_t)__stop_target_stub;
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                 offsetof(struct seccomp_data, instruction_pointer) + 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, start >> 32, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                 offsetof(struct seccomp_data, instruction_pointer)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, low, 0, 2),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, high, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
    };
    struct sock_fprog program = {ARRAY_SIZE(code), code};
    long err = RAW(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);

    return err ? err : RAW(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

static long trap_syscalls(void)
{
    uint64_t start = (uint64_t)__start_target_stub;
    uint64_t end = (uint64_t)__stop_target_stub;

    if (host.use_seccomp) {
        return trap_by_seccomp();
    }
    return RAW(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON,
               start, end - start, 0);
}

static long add_event(int epoll, int fd, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.u64 = (uint32_t)fd};

    return RAW(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, fd, &ev);
}

static long open_events(struct host_vcpu *h)
{
    long err;

    h->epoll = RAW(SYS_epoll_create1, EPOLL_CLOEXEC);
    h->eventfd = RAW(SYS_eventfd2, 0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (h->epoll < 0 || h->eventfd < 0) {
        return h->epoll < 0 ? h->epoll : h->eventfd;
    }
    pool_wait_open(h->id, h->epoll);
    err = add_event(h->epoll, h->eventfd, EPOLLIN | EPOLLET);
    return err ? err
               : add_event(h->epoll, host.io_eventfd,
                           EPOLLIN | EPOLLET | EPOLLEXCLUSIVE);
}

static long open_timer(struct host_vcpu *h, int tid)
{
    struct raw_sigevent ev = {
        .signo = SIG_TICK, .notify = SIGEV_THREAD_ID, .tid = tid};

    RAW(SYS_prctl, PR_SET_TIMERSLACK, 1, 0, 0, 0);
    return RAW(SYS_timer_create, CLOCK_MONOTONIC, &ev, &h->timer);
}

static long use_altstack(struct host_vcpu *h)
{
    stack_t stack = {
        .ss_sp = (char *)h + HOST_ALTSTACK + HOST_SCRATCH,
        .ss_size = HOST_ALTSTACK_SIZE - HOST_SCRATCH,
    };

    return RAW(SYS_sigaltstack, &stack, NULL);
}

static void must(long result, const char *what)
{
    if (result < 0) {
        target_log(what, __builtin_strlen(what));
        target_stop(125 << 8);
    }
}

static void thread_main(void *arg)
{
    struct host_vcpu *h = arg;
    int tid = RAW(SYS_gettid, 0);

    vcpu_set_gs(h->vcpu);
    must(use_altstack(h), "enclos: sigaltstack failed");
    must(open_events(h), "enclos: no eventfd or epoll for a vCPU");
    must(open_timer(h, tid), "enclos: no timer for a vCPU");
    if (h->id == 0 || !host.use_seccomp) { /* a filter is inherited */
        must(trap_syscalls(), "enclos: system calls cannot be trapped");
    }
    must(RAW(SYS_rt_sigprocmask, SIG_SETMASK, &vcpu_sigmask, NULL, 8),
         "enclos: rt_sigprocmask failed");
    atomic_store(&h->tid, tid);
    if (h->id == 0) {
        kernel_main(host.boot);
    }
    kernel_vcpu_start(h->id);
}

int vcpu_thread_start(unsigned id)
{
    struct host_vcpu *h = host_vcpu(id);
    long tid;

    h->id = id;
    h->vcpu = vcpu_by_id(id);
    h->vcpu->self = h->vcpu;
    h->vcpu->id = id;
    h->vcpu->scratch = (uint64_t *)((char *)h + HOST_ALTSTACK);
    h->tick = UINT64_MAX;
    tid =
        stub_clone(THREAD_FLAGS, (char *)h + HOST_BLOCK, NULL, thread_main, h);
    return tid < 0 ? tid : 0;
}

int target_vcpu_start(unsigned id)
{
    if (id == 0 || id >= host.vcpu_count) {
        return -EINVAL;
    }
    return vcpu_thread_start(id);
}

/* ---- wait and kick ---- */

/* As epoll_wait(2): the number of events, or -errno. */
static long sleep_until(struct host_vcpu *h, uint64_t deadline)
{
    struct __kernel_timespec ts, *timeout = NULL;
    uint64_t now;

    if (deadline != UINT64_MAX) {
        now = target_clock();
        ts = timespec_of(deadline > now ? deadline - now : 0);
        timeout = &ts;
    }
    return pool_sleep(h->id, timeout);
}

/* An event alone is no reason to return: completions that were collected
 * already leave theirs behind. */
void target_vcpu_wait(uint64_t deadline)
{
    struct host_vcpu *h = this_host_vcpu();

    if (!deadline) {
        RAW(SYS_sched_yield, 0);
        return;
    }
    atomic_store(&h->waiting, 1);
    atomic_fetch_add(&host.waiters, 1);
    while (!atomic_load(&h->wake) && !ring_has_completions() &&
           sleep_until(h, deadline) > 0) {
    }
    atomic_fetch_sub(&host.waiters, 1);
    atomic_store(&h->waiting, 0);
    atomic_store(&h->wake, 0);
}

void target_vcpu_kick(unsigned id)
{
    struct host_vcpu *h = host_vcpu(id);
    int tid = atomic_load(&h->tid);
    uint64_t one = 1;

    if (!tid) {
        return;
    }
    atomic_store(&h->wake, 1);
    if (atomic_load(&h->waiting)) {
        RAW(SYS_write, h->eventfd, &one, sizeof(one));
    } else if (!atomic_xchg(&h->kicked, 1)) {
        RAW(SYS_tgkill, host.pid, tid, SIG_KICK);
    }
}

/* ---- tick ---- */

static void set_timer(struct host_vcpu *h, uint64_t ns)
{
    struct {
        struct __kernel_timespec interval, value;
    } it = {.value = timespec_of(ns)};

    RAW(SYS_timer_settime, h->timer, 0, &it, NULL);
}

void target_vcpu_tick(uint64_t deadline)
{
    struct host_vcpu *h = this_host_vcpu();
    uint64_t now;

    if (deadline == UINT64_MAX && h->tick == UINT64_MAX) {
        return;
    }
    h->tick = deadline;
    if (h->tick_borrowed) {
        return; /* set back when the timer has done its other duty */
    }
    if (deadline == UINT64_MAX) {
        set_timer(h, 0);
        return;
    }
    now = target_clock();
    set_timer(h, deadline > now ? deadline - now : 1);
}

/* On a busy host the timer may be over before the handler that set it, and
 * interrupts that: eight times as long for each handler on the stack, so that
 * they end before the stack does. And twice as long for each look in a row at
 * one place: a debugger that steps there is given the time for a step. */
void vcpu_look_again(struct host_vcpu *h, uint64_t rip, uint64_t stack_used)
{
    unsigned depth = MIN(stack_used / 4096, (uint64_t)LOOK_DEPTH_MAX);

    h->looks = rip == h->looked_at ? MIN(h->looks + 1, (unsigned)LOOKS_MAX) : 0;
    h->looked_at = rip;
    h->tick_borrowed = true;
    set_timer(h, (uint64_t)LOOK_AGAIN_NS << (3 * depth + h->looks));
}

void vcpu_return_tick(struct host_vcpu *h)
{
    uint64_t deadline = h->tick;

    if (h->tick_borrowed) {
        h->tick_borrowed = false;
        if (deadline != UINT64_MAX && deadline > target_clock()) {
            target_vcpu_tick(deadline);
        }
    }
}
