/* SPDX-License-Identifier: MIT
 *
 * A host thread a vCPU: enters the TCS and serves what comes out. An
 * exception is not looked at here: the enclave is entered again (CSSA = 1),
 * looks itself, and is resumed.
 *
 * Ticks and kicks are signals. When one finds the thread in the enclave, RIP
 * stands at the asynchronous exit pointer, in the vDSO, with ERESUME's leaf
 * number in RAX: the handler enters with CSSA = 1 right there, and returning
 * from it resumes. Anywhere else it leaves a note, which the enclave finds
 * when it comes back, and asks for another look soon, in case that it came
 * just before an entry.
 *
 * Wait and kick are target/linux/vcpu.c's: a waiter sets `waiting`, then looks
 * at `wake`; a kicker sets `wake`, then looks at `waiting`.
 */
#include "target/sgx/host/private.h"
#include "target/linux/pool_ring.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <linux/time_types.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

enum {
    LOOK_AGAIN_NS = 50000,
    TRACED_NS = 5000000, /* no tick comes sooner when a debugger looks on */
    STACK_SIZE = 256 << 10,
    STATUS_OURS = 125 << 8,
};

struct thread {
    unsigned id;
    uint64_t tcs, rdi;
    struct sgx_exchange *exchange;
    struct sgx_enter enter, nested;
    uint32_t wake, waiting, kicked; /* atomic */
    int tid;                        /* atomic; 0: not running yet */
    int epoll, eventfd;
    timer_t timer;
    uint64_t tick_at, look_at; /* ns; what the timer serves; or UINT64_MAX */
    uint64_t entries, exceptions, ticks;
    uint64_t calls[SGX_CALLS];
};

static struct thread threads[VCPU_MAX];
static __thread struct thread *self;
static void *enter_function;

/* Each signal is then a stop of its own, at ten times the price: ticks that
 * follow each other faster than that leave no time for anything else. */
static bool traced;

static bool is_traced(void)
{
    FILE *f = fopen("/proc/self/status", "re");
    char line[128];
    int tracer = 0;

    while (f && fgets(line, sizeof(line), f) &&
           sscanf(line, "TracerPid: %d", &tracer) != 1) {
    }
    if (f) {
        fclose(f);
    }
    return tracer != 0;
}

/* ---- ticks ---- */

static uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static struct timespec timespec_of(uint64_t ns)
{
    return (struct timespec){(time_t)(ns / 1000000000),
                             (long)(ns % 1000000000)};
}

/* One timer for the tick that the kernel asked for and for looking again. */
static void set_timer(struct thread *t)
{
    uint64_t at = MIN(t->tick_at, t->look_at);
    uint64_t value = at == UINT64_MAX ? 0 : at ? at : 1;
    struct itimerspec it = {.it_value = {0, 0}};

    if (value && traced) {
        value = MAX(value, now_ns() + TRACED_NS);
    }
    it.it_value = timespec_of(value);
    timer_settime(t->timer, TIMER_ABSTIME, &it, NULL);
}

static void look_again(struct thread *t, uint64_t ns)
{
    t->look_at = now_ns() + ns;
    set_timer(t);
}

/* The timer's signal came, or somebody's kick. */
static void timer_came(struct thread *t)
{
    if (lies("flood")) {
        look_again(t, LOOK_AGAIN_NS * 4);
        return;
    }
    t->look_at = UINT64_MAX;
    if (t->tick_at != UINT64_MAX) {
        t->tick_at = now_ns() >= t->tick_at ? UINT64_MAX : t->tick_at;
        set_timer(t);
    }
}

/* Whoever asks has looked at what earlier ticks left. */
static void ask_tick(struct thread *t, uint64_t ns)
{
    t->look_at = UINT64_MAX;
    t->tick_at = ns == UINT64_MAX ? ns : now_ns() + ns;
    set_timer(t);
}

static _Noreturn void stop(uint64_t status);

/* The program inside may have set EFLAGS.AC, which an asynchronous exit and the
 * host's kernel leave set. */
static inline void clear_alignment_check(void)
{
    __asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
                     "pushfq\n\t"
                     "andl $~0x40000, (%%rsp)\n\t"
                     "popfq\n\t"
                     "lea 128(%%rsp), %%rsp" ::
                         : "cc", "memory");
}

static bool at_exit_pointer(const struct thread *t, const greg_t *g)
{
    return g[REG_RAX] == SGX_ERESUME && (uint64_t)g[REG_RBX] == t->tcs &&
           vdso_owns((uint64_t)g[REG_RIP]);
}

/* At the asynchronous exit pointer: the enclave is to look why. */
static void tick_inside(struct thread *t)
{
    struct sgx_exchange *x = t->exchange;

    t->entries++;
    t->ticks++;
    if (lies("faults") || lies("faults-denied")) {
        x->fault_address = lies("faults")
                               ? enclave.layout.info.heap_start
                               : enclave.layout.info.user_start + (1 << 20);
        x->fault = SGX_FAULT | 6 << 8 | 14;
    }
    if (sgx_enter(0, SGX_EENTER, &t->nested, enter_function) ||
        t->nested.function != SGX_EEXIT || x->trap_call == SGX_CALL_STOP) {
        stop(STATUS_OURS);
    }
    if (x->trap_a0) {
        look_again(t, x->trap_a0);
    }
}

/* A breakpoint of the enclave's comes this way too: the kernel leaves #DB and
 * #BP at the exit pointer instead of reporting them by the vDSO. */
static void on_trap(int sig, siginfo_t *info, void *context)
{
    const greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;

    clear_alignment_check();
    if (self && at_exit_pointer(self, g)) {
        tick_inside(self);
    } else {
        signal(sig, SIG_DFL);
    }
}

static void on_tick(int sig, siginfo_t *info, void *context)
{
    const greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
    struct thread *t;

    clear_alignment_check();
    t = self;
    if (!t) {
        return;
    }
    atomic_store(&t->kicked, 0);
    timer_came(t);
    if (at_exit_pointer(t, g)) {
        tick_inside(t);
        return;
    }
    atomic_store(&t->exchange->tick, 1);
    atomic_store(&t->wake, 1);
    if (!atomic_load(&t->waiting)) {
        look_again(t, LOOK_AGAIN_NS);
    }
}

/* ---- calls ---- */

static void print_stats(void)
{
    static const char *const names[SGX_CALLS] = {
        [SGX_CALL_LOG] = "the log",
        [SGX_CALL_WAIT] = "waits",
        [SGX_CALL_KICK] = "kicks",
        [SGX_CALL_TICK] = "timers set",
        [SGX_CALL_START] = "vCPUs started",
        [SGX_CALL_SUBMIT] = "I/O submissions",
        [SGX_CALL_RESTRICT] = "rights restricted",
        [SGX_CALL_TRIM] = "pages trimmed",
        [SGX_CALL_REMOVE] = "pages removed",
        [SGX_CALL_PROTECT] = "pages hidden or shown",
        [SGX_CALL_MAKE_TCS] = "vCPUs added",
    };
    struct thread sum = {0};

    for (unsigned i = 0; i < host.vcpu_count; i++) {
        sum.entries += threads[i].entries;
        sum.exceptions += threads[i].exceptions;
        sum.ticks += threads[i].ticks;
        for (int n = 0; n < SGX_CALLS; n++) {
            sum.calls[n] += threads[i].calls[n];
        }
    }
    dprintf(host.log_fd,
            "%14lu EENTERs\n%14lu of them for exceptions\n"
            "%14lu of them for ticks\n",
            sum.entries, sum.exceptions, sum.ticks);
    for (int n = 0; n < SGX_CALLS; n++) {
        if (names[n] && sum.calls[n]) {
            dprintf(host.log_fd, "%14lu of them for %s\n", sum.calls[n],
                    names[n]);
        }
    }
}

static _Noreturn void stop(uint64_t status)
{
    if (enclave.stats) {
        print_stats();
    }
    target_stop((int)status);
}

static void log_text(struct sgx_exchange *x)
{
    const char *text = (const char *)x->text;
    size_t n = MIN(x->text_used, (uint64_t)SGX_TEXT_MAX);

    x->text_used = 0;
    for (size_t at = 0; at < n;) {
        ssize_t done = write(host.log_fd, text + at, n - at);

        if (done < 0 && errno != EINTR) {
            return;
        }
        at += done > 0 ? (size_t)done : 0;
    }
}

static int sleep_events(struct thread *t, uint64_t deadline)
{
    struct __kernel_timespec ts, *timeout = NULL;
    uint64_t now;

    if (deadline != UINT64_MAX) {
        now = now_ns();
        deadline = deadline > now ? deadline - now : 0;
        ts = (struct __kernel_timespec){(int64_t)(deadline / 1000000000),
                                        (int64_t)(deadline % 1000000000)};
        timeout = &ts;
    }
    return (int)pool_sleep(t->id, timeout);
}

/* Signals may end it early, which is allowed. */
static void wait(struct thread *t, uint64_t ns)
{
    uint64_t deadline = ns == UINT64_MAX ? ns : now_ns() + ns;

    if (lies("wake")) {
        return;
    }
    if (!ns) {
        sched_yield();
        return;
    }
    deadline = deadline < ns ? UINT64_MAX : deadline;
    atomic_store(&t->waiting, 1);
    atomic_fetch_add(&host.waiters, 1);
    while (!atomic_load(&t->wake) && !ring_has_completions() &&
           sleep_events(t, deadline) > 0) {
    }
    atomic_fetch_sub(&host.waiters, 1);
    atomic_store(&t->waiting, 0);
    atomic_store(&t->wake, 0);
}

static void kick(uint64_t id)
{
    struct thread *t = &threads[id];
    uint64_t one = 1;
    int tid;

    if (id >= host.vcpu_count || !(tid = atomic_load(&t->tid))) {
        return;
    }
    atomic_store(&t->wake, 1);
    if (atomic_load(&t->waiting)) {
        if (write(t->eventfd, &one, sizeof(one)) < 0) {
            return;
        }
    } else if (!atomic_xchg(&t->kicked, 1)) {
        syscall(SYS_tgkill, host.pid, tid, SIG_KICK);
    }
}

void vcpu_signal(int signo)
{
    atomic_fetch_or(&enclave.signals, SGX_SIGNAL(signo));
    kick(0);
}

static uint64_t start_vcpu(uint64_t id)
{
    if (id >= host.vcpu_count || (lies("vcpu-start") && id == 2)) {
        return EAGAIN;
    }
    if (lies("vcpu-start-denied")) {
        vcpu_run(id, 0);
        return EAGAIN;
    }
    return (uint64_t)-vcpu_run(id, 0);
}

static uint64_t serve(struct thread *t)
{
    struct sgx_exchange *x = t->exchange;

    t->calls[x->call < SGX_CALLS ? x->call : 0]++;
    if (enclave.tsc) {
        tsc_update();
    }
    if (x->text_used) {
        log_text(x);
    }
    switch (x->call) {
    case SGX_CALL_STOP:
        stop(x->a0);
    case SGX_CALL_LOG:
        return 0;
    case SGX_CALL_WAIT:
        wait(t, x->a0);
        return 0;
    case SGX_CALL_KICK:
        kick(x->a0);
        return 0;
    case SGX_CALL_TICK:
        ask_tick(t, x->a0);
        return 0;
    case SGX_CALL_START:
        return start_vcpu(x->a0);
    case SGX_CALL_SUBMIT:
        target_ring_submit(x->a0, x->a1);
        return 0;
    case SGX_CALL_RESTRICT:
    case SGX_CALL_TRIM:
    case SGX_CALL_REMOVE:
    case SGX_CALL_PROTECT:
    case SGX_CALL_MAKE_TCS:
        return pages_change(x);
    case SGX_CALL_SUSPEND:
        target_suspend();
        return 0;
    default:
        fprintf(stderr, "enclos: the enclave refuses to be entered\n");
        stop(STATUS_OURS);
    }
}

/* ---- the thread ---- */

static _Noreturn void cannot_enter(const struct thread *t)
{
    fprintf(stderr,
            "enclos: the enclave cannot be entered: exception %u, error %x, "
            "address %lx\n",
            t->enter.vector, t->enter.error, t->enter.address);
    stop(STATUS_OURS);
}

/* After an exit of an entry with CSSA = 1. */
static void look_was_taken(struct thread *t)
{
    if (t->exchange->trap_call == SGX_CALL_STOP) {
        stop(t->exchange->trap_a0);
    }
    if (t->exchange->trap_a0) {
        look_again(t, t->exchange->trap_a0);
    }
}

/* What only the host knows of an exception, without EDMM. */
static void say_fault(const struct thread *t)
{
    if (enclave.layout.info.enclave_class == POLICY_CLASS_SGX1) {
        t->exchange->fault_address = t->enter.address;
        atomic_store(&t->exchange->fault, SGX_FAULT |
                                              (uint64_t)t->enter.error << 8 |
                                              t->enter.vector);
        tsc_update();
    }
}

static _Noreturn void run(struct thread *t)
{
    uint32_t function = SGX_EENTER;
    uint64_t rdi = t->rdi;
    bool looking = false;

    for (;;) {
        t->entries += function == SGX_EENTER;
        lie_before_entry(function == SGX_EENTER && !looking);
        if (sgx_enter(rdi, function, &t->enter, enter_function)) {
            cannot_enter(t);
        }
        lie_after_entry(t->enter.function != SGX_EEXIT);
        if (t->enter.function != SGX_EEXIT) {
            if (t->enter.function == SGX_EENTER) {
                cannot_enter(t);
            }
            t->exceptions++;
            say_fault(t);
            looking = true;
            function = SGX_EENTER;
            rdi = 0;
        } else if (looking) {
            look_was_taken(t);
            looking = false;
            function = SGX_ERESUME;
        } else {
            rdi = lies("results") ? serve(t), UINT64_MAX : serve(t);
            function = SGX_EENTER;
        }
    }
}

static int open_events(struct thread *t)
{
    struct epoll_event kicks = {.events = EPOLLIN | EPOLLET};
    struct epoll_event rings = {.events = EPOLLIN | EPOLLET | EPOLLEXCLUSIVE};

    t->epoll = epoll_create1(EPOLL_CLOEXEC);
    t->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pool_wait_open(t->id, t->epoll);
    return t->epoll < 0 || t->eventfd < 0 ||
                   epoll_ctl(t->epoll, EPOLL_CTL_ADD, t->eventfd, &kicks) ||
                   epoll_ctl(t->epoll, EPOLL_CTL_ADD, host.io_eventfd, &rings)
               ? -errno
               : 0;
}

static int open_timer(struct thread *t, int tid)
{
    struct sigevent ev = {.sigev_signo = SIG_TICK,
                          .sigev_notify = SIGEV_THREAD_ID};

    ev._sigev_un._tid = tid;
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    return timer_create(CLOCK_MONOTONIC, &ev, &t->timer) ? -errno : 0;
}

static void *thread_main(void *arg)
{
    struct thread *t = arg;
    int tid = (int)syscall(SYS_gettid);
    sigset_t set;

    self = t;
    if (open_events(t) || open_timer(t, tid)) {
        fprintf(stderr, "enclos: no timer or events for a vCPU\n");
        stop(STATUS_OURS);
    }
    sigemptyset(&set);
    sigaddset(&set, SIG_KICK);
    sigaddset(&set, SIG_TICK);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    atomic_store(&t->tid, tid);
    run(t);
}

int vcpu_run(unsigned id, uint64_t rdi)
{
    struct thread *t = &threads[id];
    pthread_attr_t attr;
    pthread_t thread;
    int err;

    t->id = id;
    t->rdi = rdi;
    t->tcs = enclave.base + sgx_layout_top(&enclave.layout) + SGX_VCPU_AT +
             (uint64_t)id * SGX_BLOCK_SIZE;
    t->enter.tcs = t->nested.tcs = t->tcs;
    t->exchange = &enclave.exchanges[id];
    t->tick_at = t->look_at = UINT64_MAX;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_SIZE);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    err = pthread_create(&thread, &attr, thread_main, t);
    pthread_attr_destroy(&attr);
    return -err;
}

static unsigned this_thread(void)
{
    return self->id;
}

int vcpus_init(void)
{
    struct sigaction sa = {.sa_sigaction = on_tick,
                           .sa_flags = SA_SIGINFO | SA_RESTART};

    traced = is_traced();
    pool_vcpu = this_thread;
    enter_function = vdso_find_enter();
    sigfillset(&sa.sa_mask);
    if (!enter_function) {
        return -ENOSYS;
    }
    if (sigaction(SIG_KICK, &sa, NULL) || sigaction(SIG_TICK, &sa, NULL)) {
        return -errno;
    }
    sa.sa_sigaction = on_trap;
    return sigaction(SIGTRAP, &sa, NULL) ? -errno : 0;
}
