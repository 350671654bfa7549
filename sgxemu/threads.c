/* SPDX-License-Identifier: MIT */
/*
 * Threads and processes of the program. Each thread has an alternate stack in
 * one arena, which the kernel puts every signal of ours on, so that the stack
 * pointer names the thread: no thread-local storage is needed. clone() makes
 * the child return from a copied signal frame on its own alternate stack.
 * fork and vfork are the host's own; a vfork child borrows the memory of its
 * parent and therefore gets a struct thread and signal table of its own.
 */
#include "sgxemu/enclave.h"

#include <errno.h>
#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif

static struct thread threads[STACK_COUNT];
static struct sighand sighands[256];
static uint64_t arena;
static int lock; /* process_lock(): threads, sighands, VMAs of enclaves */
static int hint;
static int used_count; /* threads[] from here on has never been touched */

long clone_raw(long flags, uint64_t child, long ptid, long ctid, long tls);
void thread_started(void);

void process_lock(void)
{
    while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE)) {
        sys0(SYS_sched_yield);
    }
}

void process_unlock(void)
{
    __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

struct thread *thread_current(void)
{
    uint64_t sp = (uint64_t)__builtin_frame_address(0);

    return &threads[(sp - arena) / STACK_SIZE];
}

struct stack_head *thread_head(struct thread *t)
{
    return (struct stack_head *)(arena + (uint64_t)(t - threads) * STACK_SIZE);
}

void threads_init(void)
{
    long at = sys6(SYS_mmap, 0, (STACK_COUNT + 1) * STACK_SIZE,
                   PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (sys_failed(at)) {
        emu_panic("no memory for signal stacks", (uint64_t)at, 0);
    }
    arena = ((uint64_t)at + STACK_SIZE - 1) & ~(STACK_SIZE - 1);
}

static bool gone(const struct thread *t)
{
    return t->exiting &&
           sys3(SYS_tgkill, sys0(SYS_getpid), t->tid, 0) == -ESRCH;
}

static struct sighand *sighand_copy(const struct sighand *from)
{
    for (size_t i = 0; i < sizeof(sighands) / sizeof(*sighands); i++) {
        if (sighands[i].references == 0) {
            if (from) {
                sighands[i] = *from;
            }
            sighands[i].references = 1;
            return &sighands[i];
        }
    }
    return NULL;
}

static void set_head(struct thread *t)
{
    struct stack_head *head = thread_head(t);

    head->deferred = 0;
    head->tail = (uint64_t)return_tails + (uint64_t)(t - threads) * TAIL_SIZE;
    head->slot = &open_pages.return_slots[t - threads];
}

/* Its sighand is for the caller to set, except for the first thread's. */
struct thread *thread_new(void)
{
    struct thread *t = NULL;

    process_lock();
    for (int i = 0; i < STACK_COUNT && !t; i++) {
        struct thread *c = &threads[(hint + i) % STACK_COUNT];

        if (c->tid == 0 || gone(c)) {
            t = c;
            hint = (int)(c - threads) + 1;
            used_count = hint > used_count ? hint : used_count;
        }
    }
    if (t) {
        if (t->tid && t->sighand) {
            t->sighand->references--;
        }
        memset(t, 0, sizeof(*t));
        t->tid = -1;
        t->altstack.ss_flags = SS_DISABLE;
        t->outside_pkru = 0x55555554u;
        set_head(t);
        if (hint == 1) {
            t->sighand = sighand_copy(NULL);
        }
    }
    process_unlock();
    return t;
}

void thread_free(struct thread *t)
{
    process_lock();
    if (t->sighand) {
        t->sighand->references--;
    }
    t->sighand = NULL;
    t->tid = 0;
    process_unlock();
}

/* What the kernel keeps per thread, and clone does not hand down. */
void thread_arm(struct thread *t)
{
    extern char __executable_start[], etext[];
    stack_t stack = {.ss_sp = (char *)thread_head(t) + PAGE,
                     .ss_size = STACK_SIZE - PAGE};

    t->tid = (int)sys0(SYS_gettid);
    sys2(SYS_sigaltstack, &stack, 0);
    sys6(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, 1, (long)__executable_start,
         etext - __executable_start, 0, 0);
    cpuid_arm();
}

void thread_started(void)
{
    if (key_state >= 0) {
        write_pkru(0);
    }
    thread_arm(thread_current());
}

bool thread_on_stack(uint64_t sp)
{
    return sp - arena < STACK_COUNT * STACK_SIZE;
}

bool threads_inside(const struct enclave *e)
{
    for (int i = 0; i < used_count; i++) {
        if (threads[i].tid && threads[i].enclave == e) {
            return true;
        }
    }
    return false;
}

/* ---- clone ---- */
struct request {
    uint64_t flags; /* with the exit signal in the low byte */
    uint64_t stack, ptid, ctid, tls;
};

static long decode_clone3(ucontext_t *uc, struct request *r)
{
    struct clone_args a = {0};
    uint64_t size = (uint64_t)REG(uc, RSI);

    if (size < CLONE_ARGS_SIZE_VER0 || size > sizeof(a)) {
        return size < CLONE_ARGS_SIZE_VER0 ? -EINVAL : -E2BIG;
    }
    if (user_read(uc, &a, (uint64_t)REG(uc, RDI), size)) {
        return -EFAULT;
    }
    if (a.set_tid_size || a.flags & (CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP) ||
        (a.flags & CLONE_PIDFD && a.flags & CLONE_PARENT_SETTID)) {
        return -ENOSYS; /* callers fall back to clone */
    }
    r->flags = a.flags | (a.exit_signal & CSIGNAL);
    r->stack = a.stack ? a.stack + a.stack_size : 0;
    r->ptid = a.flags & CLONE_PIDFD ? a.pidfd : a.parent_tid;
    r->ctid = a.child_tid;
    r->tls = a.tls;
    return 0;
}

static long decode(ucontext_t *uc, long nr, struct request *r)
{
    memset(r, 0, sizeof(*r));
    switch (nr) {
    case SYS_fork:
        r->flags = SIGCHLD;
        return 0;
    case SYS_vfork:
        r->flags = CLONE_VM | CLONE_VFORK | SIGCHLD;
        return 0;
    case SYS_clone:
        r->flags = (uint64_t)REG(uc, RDI);
        r->stack = (uint64_t)REG(uc, RSI);
        r->ptid = (uint64_t)REG(uc, RDX);
        r->ctid = (uint64_t)REG(uc, R10);
        r->tls = (uint64_t)REG(uc, R8);
        return 0;
    default:
        return decode_clone3(uc, r);
    }
}

/* A copy of the frame at the top of the child's alternate stack. */
static uint64_t copy_frame(struct thread *child, ucontext_t *uc)
{
    uint32_t bytes = frame_xstate_size(uc);
    uint64_t top = (uint64_t)thread_head(child) + STACK_SIZE - 256;
    uint64_t fp = (top - bytes) & ~63ul;
    ucontext_t *copy = (ucontext_t *)((fp - KERNEL_UC_SIZE) & ~63ul);

    memcpy((void *)fp, uc->uc_mcontext.fpregs, bytes);
    memcpy(copy, uc, KERNEL_UC_SIZE);
    copy->uc_mcontext.fpregs = (void *)fp;
    copy->uc_stack.ss_sp = (char *)thread_head(child) + PAGE;
    copy->uc_stack.ss_size = STACK_SIZE - PAGE;
    copy->uc_stack.ss_flags = 0;
    REG(copy, RAX) = 0;
    REG(copy, RCX) = REG(uc, RIP);
    REG(copy, R11) = REG(uc, EFL);
    return (uint64_t)copy;
}

static long clone_vm(struct thread *t, ucontext_t *uc, const struct request *r)
{
    struct thread *child = thread_new();
    ucontext_t *frame;
    long result;

    if (child == NULL) {
        return -EAGAIN;
    }
    process_lock();
    if (r->flags & CLONE_SIGHAND) {
        child->sighand = t->sighand;
        child->sighand->references++;
    } else {
        child->sighand = sighand_copy(t->sighand);
    }
    process_unlock();
    if (child->sighand == NULL) {
        thread_free(child);
        return -EAGAIN;
    }
    child->forced_mask = t->forced_mask;
    if (r->flags & CLONE_VFORK) {
        child->altstack = t->altstack;
    }
    child->outside_pkru = t->outside_pkru;
    frame = (ucontext_t *)copy_frame(child, uc);
    if (r->stack) {
        REG(frame, RSP) = (long)r->stack;
    }
    result = clone_raw((long)r->flags, (uint64_t)frame, (long)r->ptid,
                       (long)r->ctid, (long)r->tls);
    if (result < 0 || r->flags & CLONE_VFORK) {
        thread_free(child);
    }
    return result;
}

static void forked(struct thread *t)
{
    for (int i = 0; i < used_count; i++) {
        if (&threads[i] != t) {
            threads[i].tid = 0;
            threads[i].sighand = NULL;
        }
    }
    for (size_t i = 0; i < sizeof(sighands) / sizeof(*sighands); i++) {
        sighands[i].references = &sighands[i] == t->sighand;
    }
    enclave_forked();
    t->held = 0;
    memset(stats, 0, sizeof(stats));
    thread_arm(t);
}

static long clone_copy(struct thread *t, ucontext_t *uc,
                       const struct request *r)
{
    long result;

    process_lock();
    /* No new stack: the child goes on right here, in its own memory. */
    result = sys6(SYS_clone, (long)r->flags, 0, (long)r->ptid, (long)r->ctid,
                  (long)r->tls, 0);
    process_unlock();
    if (result == 0) {
        forked(t);
        if (r->stack) {
            REG(uc, RSP) = (long)r->stack;
        }
    }
    return result;
}

long thread_sys_clone(struct thread *t, ucontext_t *uc, long nr)
{
    uint64_t all = ~FORCED_SIGNALS, old;
    struct request r;
    long result = decode(uc, nr, &r);

    if (result) {
        return result;
    }
    /* Nothing may interrupt until the child has its own stack. */
    sys4(SYS_rt_sigprocmask, SIG_SETMASK, &all, &old, 8);
    if (r.flags & CLONE_VM) {
        result = clone_vm(t, uc, &r);
    } else {
        result = clone_copy(t, uc, &r);
    }
    sys4(SYS_rt_sigprocmask, SIG_SETMASK, &old, 0, 8);
    return result;
}

void thread_sys_exit(struct thread *t, ucontext_t *uc)
{
    t->exiting = true;
    sys1(SYS_exit, REG(uc, RDI));
}

struct thread *thread_first(void)
{
    return &threads[0];
}
