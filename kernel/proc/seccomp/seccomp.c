/* SPDX-License-Identifier: MIT
 *
 * seccomp(2); who answers SECCOMP_RET_USER_NOTIF is in listener.c.
 *
 * A chain of filters never changes: a thread's pointer moves to a new first
 * one. The thread itself moves it, or a sibling (TSYNC), under proc_lock and
 * only to a longer chain that ends in the old one; so the thread reads its own
 * pointer without a lock, and what it has read lives as long as it does.
 */
#include "kernel/proc/seccomp/seccomp.h"
#include "kernel/core/log.h"
#include "kernel/kernel.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/seccomp/listener.h"
#include "kernel/proc/ptrace/ptrace.h"
#include "lib/bpf.h"
#include "abi/linux/errno.h"
#include "abi/linux/prctl.h"
#include "abi/linux/signal.h"
#include "abi/linux/syscall.h"
#include "abi/linux/wait.h"

/* What all filters of a thread may take together, each with a surcharge. */
enum { CHAIN_MAX = 32768, SURCHARGE = 4 };

struct filter {
    uint32_t refs;        /* atomic: of threads and of a newer filter */
    unsigned total;       /* instructions of the chain, surcharges included */
    struct filter *older; /* counted */
    struct listener *listener; /* counted, or NULL */
    struct bpf_insn insns[];
};

/* ---- chains ---- */

static void filter_get(struct filter *f)
{
    if (f) {
        atomic_fetch_add(&f->refs, 1);
    }
}

static void filter_free(struct filter *f)
{
    if (f && f->listener) {
        listener_unused(f->listener);
    }
    kfree(f);
}

static void filter_put(struct filter *f)
{
    while (f && atomic_sub_fetch(&f->refs, 1) == 0) {
        struct filter *older = f->older;

        filter_free(f);
        f = older;
    }
}

unsigned seccomp_filters(const struct thread *t)
{
    unsigned n = 0;

    for (const struct filter *f = t->filters; f; f = f->older) {
        n++;
    }
    return n;
}

void seccomp_inherit(struct thread *from, struct thread *to)
{
    to->filters = atomic_load(&from->filters);
    filter_get(to->filters);
    to->seccomp_mode = from->seccomp_mode;
}

void seccomp_release(struct thread *t)
{
    struct filter *f;

    spin_lock(&proc_lock); /* a sibling may be extending it */
    f = t->filters;
    t->filters = NULL;
    atomic_store(&t->seccomp_mode, SECCOMP_MODE_DISABLED);
    spin_unlock(&proc_lock);
    filter_put(f);
}

/* ---- setting ---- */

int seccomp_strict(void)
{
    struct thread *t = current_thread();

    if (t->seccomp_mode == SECCOMP_MODE_FILTER) {
        return -EINVAL;
    }
    atomic_store(&t->seccomp_mode, SECCOMP_MODE_STRICT);
    return 0;
}

bool seccomp_knows(uint32_t action)
{
    switch (action) {
    case SECCOMP_RET_KILL_PROCESS:
    case SECCOMP_RET_KILL_THREAD:
    case SECCOMP_RET_TRAP:
    case SECCOMP_RET_ERRNO:
    case SECCOMP_RET_USER_NOTIF:
    case SECCOMP_RET_TRACE:
    case SECCOMP_RET_LOG:
    case SECCOMP_RET_ALLOW:
        return true;
    default:
        return false;
    }
}

static int check_filter(const struct bpf_insn *insns, unsigned len)
{
    uint16_t *masks = kmalloc(len * sizeof(masks[0]));
    int err = masks ? bpf_check(insns, len, sizeof(struct seccomp_data), masks)
                    : -ENOMEM;

    kfree(masks);
    return err;
}

static int load(struct uptr insns, unsigned len, struct filter **out)
{
    size_t bytes = len * sizeof(struct bpf_insn);
    struct filter *f;
    int err;

    if (!len || len > BPF_MAXINSNS) {
        return -EINVAL;
    }
    if (!current_thread()->no_new_privs && !cred_capable(CAP_SYS_ADMIN)) {
        return -EACCES;
    }
    f = kmalloc(sizeof(*f) + bytes);
    if (!f) {
        return -ENOMEM;
    }
    *f = (struct filter){.refs = 1, .total = len + SURCHARGE};
    err = copy_from_user(f->insns, insns, bytes);
    err = err ? err : check_filter(f->insns, len);
    if (err) {
        kfree(f);
        return err;
    }
    *out = f;
    return 0;
}

static bool is_part_of(const struct filter *part, const struct filter *whole)
{
    while (whole && whole != part) {
        whole = whole->older;
    }
    return part == whole;
}

/* A sibling whose filters are no part of ours: its id, or 0. [L] */
static int find_stranger(struct thread *t)
{
    list_for_each (pos, &t->proc->threads) {
        struct thread *other = list_entry(pos, struct thread, node);

        if (other->seccomp_mode == SECCOMP_MODE_STRICT ||
            !is_part_of(other->filters, t->filters)) {
            return other->tid;
        }
    }
    return 0;
}

/* [L] Takes the reference. The old chain lives on as part of the new one. */
static void put_on(struct thread *t, struct filter *f)
{
    struct filter *old = t->filters;

    atomic_store(&t->filters, f);
    atomic_store(&t->seccomp_mode, SECCOMP_MODE_FILTER);
    filter_put(old);
}

void seccomp_catch_up(struct thread *from, struct thread *to)
{
    if (to->filters != from->filters) {
        filter_get(from->filters);
        put_on(to, from->filters);
    }
}

static void put_on_siblings(struct thread *t)
{
    list_for_each (pos, &t->proc->threads) {
        struct thread *other = list_entry(pos, struct thread, node);

        if (other != t) {
            filter_get(t->filters);
            put_on(other, t->filters);
            other->no_new_privs |= t->no_new_privs;
        }
    }
}

/* -EBUSY: one of the chain has a listener already. */
static int check_listener(const struct thread *t, const struct filter *f)
{
    const struct filter *old = f->listener ? t->filters : NULL;

    while (old && !old->listener) {
        old = old->older;
    }
    return old ? -EBUSY : 0;
}

int seccomp_add(struct uptr insns, unsigned len, unsigned flags,
                struct listener *listener)
{
    struct thread *t = current_thread();
    struct filter *f;
    int err = load(insns, len, &f);

    if (!err && t->seccomp_mode == SECCOMP_MODE_STRICT) {
        kfree(f);
        err = -EINVAL;
    }
    if (err) {
        return err;
    }
    if (listener) {
        listener_get(listener);
        f->listener = listener;
    }
    spin_lock(&proc_lock);
    if (t->filters) {
        f->total += t->filters->total;
    }
    err = check_listener(t, f);
    if (!err && flags & SECCOMP_FILTER_FLAG_TSYNC) {
        err = find_stranger(t);
    }
    err = err ? err : f->total > CHAIN_MAX ? -ENOMEM : 0;
    if (!err) {
        f->older = t->filters;
        filter_get(f->older);
        put_on(t, f);
        f = NULL;
        if (flags & SECCOMP_FILTER_FLAG_TSYNC) {
            put_on_siblings(t);
        }
    }
    spin_unlock(&proc_lock);
    filter_free(f);
    return err;
}

/* ---- checking ---- */

static void raise_sys(struct thread *t, struct user_regs *regs, uint32_t data,
                      bool fatal)
{
    struct k_siginfo info = {
        .signo = SIGSYS, .code = SYS_SECCOMP, .err = (int)data};

    info.sys.call_addr = kernel_user_rip(regs->rip);
    info.sys.syscall = (int)regs->orig_rax;
    info.sys.arch = AUDIT_ARCH_X86_64;
    regs->rax = regs->orig_rax;
    if (fatal) {
        signal_force_end(&info);
    } else {
        signal_force(&info);
    }
}

static struct seccomp_data data_of(const struct user_regs *regs)
{
    return (struct seccomp_data){
        .nr = (int)regs->orig_rax,
        .arch = AUDIT_ARCH_X86_64,
        .ip = kernel_user_rip(regs->rip),
        .args = {regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8,
                 regs->r9},
    };
}

/* The action that all filters agree on: the strictest; of equal ones, the
 * newest filter's, which *by is then. */
static uint32_t ask(const struct filter *f, const struct seccomp_data *data,
                    const struct filter **by)
{
    const struct bpf_data looked_at = {.head = (const uint8_t *)data,
                                       .head_len = sizeof(*data),
                                       .len = sizeof(*data)};
    uint32_t strictest = SECCOMP_RET_ALLOW;

    for (; f; f = f->older) {
        uint32_t answer = bpf_run(f->insns, &looked_at);

        if ((int32_t)(answer & SECCOMP_RET_ACTION) <
            (int32_t)(strictest & SECCOMP_RET_ACTION)) {
            strictest = answer;
            *by = f;
        }
    }
    return strictest;
}

static int refuse(struct user_regs *regs, int err)
{
    regs->rax = (uint64_t)(int64_t)-err;
    return 1;
}

static void kill_thread(struct thread *t, struct user_regs *regs)
{
    if (atomic_load(&t->proc->thread_count) > 1) {
        thread_exit(WSTATUS_SIGNAL(SIGSYS));
    }
    raise_sys(t, regs, 0, true);
}

static int filtered(struct thread *t, struct user_regs *regs, bool traced);

/* The tracer may have changed the call, which is then asked about again. */
static int trace(struct thread *t, struct user_regs *regs, uint32_t data,
                 bool traced)
{
    if (traced) {
        return 0;
    }
    if (!ptrace_seccomp(t, regs, data)) {
        return refuse(regs, ENOSYS);
    }
    return (int32_t)regs->orig_rax < 0 ? 1 : filtered(t, regs, true);
}

static int filtered(struct thread *t, struct user_regs *regs, bool traced)
{
    const struct seccomp_data call = data_of(regs);
    const struct filter *by = NULL;
    uint32_t answer = ask(atomic_load(&t->filters), &call, &by);
    uint32_t data = answer & SECCOMP_RET_DATA;

    switch (answer & SECCOMP_RET_ACTION) {
    case SECCOMP_RET_ALLOW:
        return 0;
    case SECCOMP_RET_LOG:
        log_info("seccomp: process %d (%s), call %lu, logged", t->proc->pid,
                 t->comm, regs->orig_rax);
        return 0;
    case SECCOMP_RET_TRACE:
        return trace(t, regs, data, traced);
    case SECCOMP_RET_USER_NOTIF:
        return by->listener ? listener_ask(by->listener, &call, regs)
                            : refuse(regs, ENOSYS);
    case SECCOMP_RET_ERRNO:
        return refuse(regs, (int)MIN(data, 4095u));
    case SECCOMP_RET_TRAP:
        raise_sys(t, regs, data, false);
        return 1;
    case SECCOMP_RET_KILL_THREAD:
        kill_thread(t, regs);
        return 1;
    default:
        raise_sys(t, regs, data, true);
        return 1;
    }
}

static bool strictly_allowed(uint64_t number)
{
    return number == NR_read || number == NR_write || number == NR_exit ||
           number == NR_rt_sigreturn;
}

int seccomp_check(struct thread *t, struct user_regs *regs)
{
    if (ptrace_suspends_seccomp(t)) {
        return 0;
    }
    switch (atomic_load_relaxed(&t->seccomp_mode)) {
    case SECCOMP_MODE_DISABLED:
        return 0;
    case SECCOMP_MODE_FILTER:
        return filtered(t, regs, false);
    default:
        if (!strictly_allowed((uint32_t)regs->orig_rax)) {
            thread_exit(WSTATUS_SIGNAL(SIGKILL));
        }
        return 0;
    }
}
