/* SPDX-License-Identifier: MIT
 *
 * ptrace(2): arguments and structures of the program; what they ask for is in
 * kernel/proc/ptrace*.c.
 */
#include "kernel/sys/table.h"
#include "kernel/sys/trace.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/ptrace/ptrace.h"
#include "abi/linux/errno.h"
#include "abi/linux/prctl.h"

enum { REGS_BYTES = PTRACE_REGS * 8 };

struct request {
    int code, tid;
    uint64_t addr;
    struct uptr data;
};

/* ---- words ---- */

static long peek(const struct request *q)
{
    uint64_t word;
    int err = q->code == PTRACE_PEEKUSER
                  ? ptrace_peek_user(q->tid, q->addr, &word)
                  : ptrace_peek(q->tid, q->addr, &word);

    return err ? err : put_user64(q->data, word);
}

static long poke(const struct request *q)
{
    return q->code == PTRACE_POKEUSER
               ? ptrace_poke_user(q->tid, q->addr, q->data.addr)
               : ptrace_poke(q->tid, q->addr, q->data.addr);
}

/* ---- registers: the oldest requests have no length ---- */

static long get_regs(int tid, struct uptr to, size_t len)
{
    uint64_t regs[PTRACE_REGS];
    int err = ptrace_get_regs(tid, regs);

    return err ? err : copy_to_user(to, regs, len);
}

static long set_regs(int tid, struct uptr from, size_t len)
{
    uint64_t regs[PTRACE_REGS];
    int err = copy_from_user(regs, from, len);

    return err ? err : ptrace_set_regs(tid, regs, (unsigned)(len / 8));
}

static long get_fpu(int tid, struct uptr to, size_t len)
{
    uint8_t *xsave = kmalloc(fpu_size());
    long err = xsave ? ptrace_get_fpu(tid, xsave) : -ENOMEM;

    if (!err) {
        err = copy_to_user(to, xsave, len);
    }
    kfree(xsave);
    return err;
}

static long set_fpu(int tid, struct uptr from, size_t len)
{
    uint8_t *xsave = kmalloc(fpu_size());
    long err = xsave ? copy_from_user(xsave, from, len) : -ENOMEM;

    if (!err) {
        err = ptrace_set_fpu(tid, xsave, len);
    }
    kfree(xsave);
    return err;
}

/* ---- register sets ---- */

struct regset {
    uint64_t size;
    long (*get)(int tid, struct uptr to, size_t len);
    long (*set)(int tid, struct uptr from, size_t len);
    unsigned unit; /* lengths are multiples of it */
};

static bool find_regset(uint64_t type, struct regset *out)
{
    switch (type) {
    case NT_PRSTATUS:
        *out = (struct regset){REGS_BYTES, get_regs, set_regs, 8};
        return true;
    case NT_PRFPREG:
        *out = (struct regset){LEGACY_SIZE, get_fpu, set_fpu, 4};
        return true;
    case NT_X86_XSTATE:
        *out = (struct regset){fpu_size(), get_fpu, set_fpu, 8};
        return true;
    default:
        return false;
    }
}

static long regset_call(const struct request *q)
{
    struct iovec_copy {
        uint64_t base, len;
    } iov;
    bool get = q->code == PTRACE_GETREGSET;
    struct regset set;
    long err = copy_from_user(&iov, q->data, sizeof(iov));

    if (err) {
        return err;
    }
    if (!find_regset(q->addr, &set) || iov.len % set.unit) {
        return -EINVAL;
    }
    iov.len = MIN(iov.len, set.size);
    err = (get ? set.get : set.set)(q->tid, uptr(iov.base), iov.len);
    return err ? err
               : put_user64(uptr_add(q->data, offsetof(struct iovec_copy, len)),
                            iov.len);
}

/* ---- the rest ---- */

static long siginfo(const struct request *q)
{
    struct k_siginfo info;
    int err;

    if (q->code == PTRACE_GETSIGINFO) {
        err = ptrace_get_siginfo(q->tid, &info);
        return err ? err : copy_to_user(q->data, &info, sizeof(info));
    }
    err = copy_from_user(&info, q->data, sizeof(info));
    info.from_timer = 0;
    return err ? err : ptrace_set_siginfo(q->tid, &info);
}

/* addr: which and how many of the signals that wait; as many records at data.
 * What came before an error is the result. */
static long waiting_signals(const struct request *q)
{
    struct ptrace_peeksiginfo_args args;
    struct k_siginfo info;
    long n = 0;
    int err = copy_from_user(&args, uptr(q->addr), sizeof(args));

    if (err) {
        return err;
    }
    if (args.flags & ~(uint32_t)PTRACE_PEEKSIGINFO_SHARED || args.nr < 0) {
        return -EINVAL;
    }
    for (; n < args.nr && args.off + (uint64_t)n >= args.off; n++) {
        int found =
            ptrace_peek_siginfo(q->tid, args.flags, args.off + n, &info);

        err = found > 0 ? copy_to_user(uptr_add(q->data, n * sizeof(info)),
                                       &info, sizeof(info))
                        : found;
        if (err || !found) {
            break;
        }
    }
    return n ? n : err;
}

static long mask(const struct request *q)
{
    sigset set;
    int err;

    if (q->addr != sizeof(set)) {
        return -EINVAL;
    }
    if (q->code == PTRACE_GETSIGMASK) {
        err = ptrace_get_mask(q->tid, &set);
        return err ? err : put_user64(q->data, set);
    }
    err = get_user64(&set, q->data);
    return err ? err : ptrace_set_mask(q->tid, set);
}

static long message(const struct request *q)
{
    uint64_t value;
    int err = ptrace_message(q->tid, &value);

    return err ? err : put_user64(q->data, value);
}

/* addr: the room at data; the result is what there is to tell. */
static long call_info(const struct request *q)
{
    struct ptrace_syscall_info info;
    size_t len;
    int err = ptrace_call_info(q->tid, &info, &len);

    if (!err) {
        err = copy_to_user(q->data, &info, MIN(len, q->addr));
    }
    return err ? err : (long)len;
}

/* arch_prctl(2) on the other thread; data: the operation. */
static long thread_pointer(const struct request *q)
{
    const uint64_t fs = offsetof(struct user_regs, fs_base);
    uint64_t word;
    int err;

    switch (q->data.addr) {
    case ARCH_SET_FS:
        err = ptrace_poke_user(q->tid, fs, q->addr);
        return err == -EIO ? -EPERM : err;
    case ARCH_GET_FS:
        err = ptrace_peek_user(q->tid, fs, &word);
        return err ? err : put_user64(uptr(q->addr), word);
    case ARCH_GET_GS:
        return put_user64(uptr(q->addr), 0);
    default:
        return -EINVAL;
    }
}

/* -ESRCH, if that is the matter, comes before any other error. */
static int check_stopped(int tid)
{
    bool there;

    spin_lock(&proc_lock);
    there = ptrace_stopped(tid) != NULL;
    spin_unlock(&proc_lock);
    return there ? 0 : -ESRCH;
}

static long ask_stopped(const struct request *q)
{
    int err = check_stopped(q->tid);

    if (err) {
        return err;
    }
    switch (q->code) {
    case PTRACE_PEEKTEXT:
    case PTRACE_PEEKDATA:
    case PTRACE_PEEKUSER:
        return peek(q);
    case PTRACE_POKETEXT:
    case PTRACE_POKEDATA:
    case PTRACE_POKEUSER:
        return poke(q);
    case PTRACE_CONT:
    case PTRACE_SYSCALL:
    case PTRACE_SINGLESTEP:
    case PTRACE_SYSEMU:
    case PTRACE_SYSEMU_SINGLESTEP:
        return ptrace_resume(q->tid, q->code, q->data.addr);
    case PTRACE_DETACH:
        return ptrace_detach(q->tid, q->data.addr);
    case PTRACE_GETREGS:
        return get_regs(q->tid, q->data, REGS_BYTES);
    case PTRACE_SETREGS:
        return set_regs(q->tid, q->data, REGS_BYTES);
    case PTRACE_GETFPREGS:
        return get_fpu(q->tid, q->data, LEGACY_SIZE);
    case PTRACE_SETFPREGS:
        return set_fpu(q->tid, q->data, LEGACY_SIZE);
    case PTRACE_GETREGSET:
    case PTRACE_SETREGSET:
        return regset_call(q);
    case PTRACE_ARCH_PRCTL:
        return thread_pointer(q);
    case PTRACE_SETOPTIONS:
        return ptrace_set_options(q->tid, q->data.addr);
    case PTRACE_GETEVENTMSG:
        return message(q);
    case PTRACE_GETSIGINFO:
    case PTRACE_SETSIGINFO:
        return siginfo(q);
    case PTRACE_PEEKSIGINFO:
        return waiting_signals(q);
    case PTRACE_GETSIGMASK:
    case PTRACE_SETSIGMASK:
        return mask(q);
    case PTRACE_LISTEN:
        return ptrace_listen(q->tid);
    case PTRACE_GET_SYSCALL_INFO:
        return call_info(q);
    default:
        return -EIO;
    }
}

long sys_ptrace(const struct sysargs *a)
{
    const struct request q = {arg_int(a, 0), arg_int(a, 1), arg_u64(a, 2),
                              arg_ptr(a, 3)};

    switch (q.code) {
    case PTRACE_TRACEME:
        trace_watch();
        return ptrace_traceme();
    case PTRACE_ATTACH:
    case PTRACE_SEIZE:
        trace_watch();
        return ptrace_attach(q.tid, q.code == PTRACE_SEIZE, q.addr,
                             q.data.addr);
    case PTRACE_INTERRUPT:
        return ptrace_interrupt(q.tid);
    case PTRACE_KILL:
        return ptrace_kill(q.tid);
    default:
        return ask_stopped(&q);
    }
}
