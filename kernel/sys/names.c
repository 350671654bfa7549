/* SPDX-License-Identifier: MIT
 *
 * Linux's names for the numbers that --strace prints: plain tables, one per
 * kind. A number that is not listed is printed as a number.
 */
#include "kernel/sys/trace.h"
#include "abi/linux/errno.h"
#include "abi/linux/fcntl.h"
#include "abi/linux/futex.h"
#include "abi/linux/mman.h"
#include "abi/linux/resource.h"
#include "abi/linux/sched.h"
#include "abi/linux/signal.h"
#include "abi/linux/time.h"
#include "lib/fmt.h"

struct name {
    uint64_t value;
    const char *name;
};

#define N(x)                                                                   \
    {                                                                          \
        x, #x                                                                  \
    }
/* LIMIT_x is what Linux calls RLIMIT_x. */
#define LIMIT(x)                                                               \
    {                                                                          \
        LIMIT_##x, "RLIMIT_" #x                                                \
    }

static const struct name errnos[] = {
    N(EPERM),
    N(ENOENT),
    N(ESRCH),
    N(EINTR),
    N(EIO),
    N(ENXIO),
    N(E2BIG),
    N(ENOEXEC),
    N(EBADF),
    N(ECHILD),
    N(EAGAIN),
    N(ENOMEM),
    N(EACCES),
    N(EFAULT),
    N(ENOTBLK),
    N(EBUSY),
    N(EEXIST),
    N(EXDEV),
    N(ENODEV),
    N(ENOTDIR),
    N(EISDIR),
    N(EINVAL),
    N(ENFILE),
    N(EMFILE),
    N(ENOTTY),
    N(ETXTBSY),
    N(EFBIG),
    N(ENOSPC),
    N(ESPIPE),
    N(EROFS),
    N(EMLINK),
    N(EPIPE),
    N(EDOM),
    N(ERANGE),
    N(EDEADLK),
    N(ENAMETOOLONG),
    N(ENOLCK),
    N(ENOSYS),
    N(ENOTEMPTY),
    N(ELOOP),
    N(ENODATA),
    N(ETIME),
    N(EPROTO),
    N(EBADMSG),
    N(EOVERFLOW),
    N(EILSEQ),
    N(ENOTSOCK),
    N(EDESTADDRREQ),
    N(EMSGSIZE),
    N(EPROTOTYPE),
    N(ENOPROTOOPT),
    N(EPROTONOSUPPORT),
    N(ESOCKTNOSUPPORT),
    N(EOPNOTSUPP),
    N(EPFNOSUPPORT),
    N(EAFNOSUPPORT),
    N(EADDRINUSE),
    N(EADDRNOTAVAIL),
    N(ENETDOWN),
    N(ENETUNREACH),
    N(ENETRESET),
    N(ECONNABORTED),
    N(ECONNRESET),
    N(ENOBUFS),
    N(EISCONN),
    N(ENOTCONN),
    N(ESHUTDOWN),
    N(ETIMEDOUT),
    N(ECONNREFUSED),
    N(EHOSTDOWN),
    N(EHOSTUNREACH),
    N(EALREADY),
    N(EINPROGRESS),
    N(ESTALE),
    N(EDQUOT),
    N(ECANCELED),
    N(EOWNERDEAD),
    N(ENOTRECOVERABLE),
    N(ERESTARTSYS),
    N(ERESTARTNOINTR),
    N(ERESTARTNOHAND),
    N(ERESTART_RESTARTBLOCK),
    {0, NULL},
};

static const struct name signals[] = {
    N(SIGHUP),  N(SIGINT),    N(SIGQUIT), N(SIGILL),    N(SIGTRAP), N(SIGABRT),
    N(SIGBUS),  N(SIGFPE),    N(SIGKILL), N(SIGUSR1),   N(SIGSEGV), N(SIGUSR2),
    N(SIGPIPE), N(SIGALRM),   N(SIGTERM), N(SIGSTKFLT), N(SIGCHLD), N(SIGCONT),
    N(SIGSTOP), N(SIGTSTP),   N(SIGTTIN), N(SIGTTOU),   N(SIGURG),  N(SIGXCPU),
    N(SIGXFSZ), N(SIGVTALRM), N(SIGPROF), N(SIGWINCH),  N(SIGIO),   N(SIGPWR),
    N(SIGSYS),  {0, NULL},
};

static const struct name si_codes[] = {
    N(SI_USER),
    N(SI_KERNEL),
    {(uint64_t)SI_QUEUE, "SI_QUEUE"},
    {(uint64_t)SI_TIMER, "SI_TIMER"},
    {(uint64_t)SI_MESGQ, "SI_MESGQ"},
    {(uint64_t)SI_ASYNCIO, "SI_ASYNCIO"},
    {(uint64_t)SI_SIGIO, "SI_SIGIO"},
    {(uint64_t)SI_TKILL, "SI_TKILL"},
    {0, NULL},
};

/* Flags that are several bits stand before their parts. */
static const struct name oflags[] = {
    N(O_TMPFILE), N(O_SYNC),      N(O_CREAT),     N(O_EXCL),     N(O_NOCTTY),
    N(O_TRUNC),   N(O_APPEND),    N(O_NONBLOCK),  N(O_DSYNC),    N(O_ASYNC),
    N(O_DIRECT),  N(O_LARGEFILE), N(O_DIRECTORY), N(O_NOFOLLOW), N(O_NOATIME),
    N(O_CLOEXEC), N(O_PATH),      {0, NULL},
};

static const struct name access_modes[] = {
    N(O_RDONLY),
    N(O_WRONLY),
    N(O_RDWR),
    {0, NULL},
};

static const struct name prots[] = {
    N(PROT_READ),      N(PROT_WRITE),   N(PROT_EXEC), N(PROT_SEM),
    N(PROT_GROWSDOWN), N(PROT_GROWSUP), {0, NULL},
};

static const struct name maps[] = {
    N(MAP_SHARED_VALIDATE), N(MAP_SHARED), N(MAP_PRIVATE),   N(MAP_FIXED),
    N(MAP_ANONYMOUS),       N(MAP_32BIT),  N(MAP_GROWSDOWN), N(MAP_DENYWRITE),
    N(MAP_EXECUTABLE),      N(MAP_LOCKED), N(MAP_NORESERVE), N(MAP_POPULATE),
    N(MAP_NONBLOCK),        N(MAP_STACK),  N(MAP_HUGETLB),   N(MAP_SYNC),
    N(MAP_FIXED_NOREPLACE), {0, NULL},
};

static const struct name clones[] = {
    N(CLONE_VM),
    N(CLONE_FS),
    N(CLONE_FILES),
    N(CLONE_SIGHAND),
    N(CLONE_PIDFD),
    N(CLONE_PTRACE),
    N(CLONE_VFORK),
    N(CLONE_PARENT),
    N(CLONE_THREAD),
    N(CLONE_NEWNS),
    N(CLONE_SYSVSEM),
    N(CLONE_SETTLS),
    N(CLONE_PARENT_SETTID),
    N(CLONE_CHILD_CLEARTID),
    N(CLONE_DETACHED),
    N(CLONE_UNTRACED),
    N(CLONE_CHILD_SETTID),
    N(CLONE_NEWCGROUP),
    N(CLONE_NEWUTS),
    N(CLONE_NEWIPC),
    N(CLONE_NEWUSER),
    N(CLONE_NEWPID),
    N(CLONE_NEWNET),
    N(CLONE_IO),
    {0, NULL},
};

static const struct name atflags[] = {
    N(AT_SYMLINK_NOFOLLOW), N(AT_REMOVEDIR),  N(AT_SYMLINK_FOLLOW),
    N(AT_NO_AUTOMOUNT),     N(AT_EMPTY_PATH), {0, NULL},
};

static const struct name clocks[] = {
    N(CLOCK_REALTIME),
    N(CLOCK_MONOTONIC),
    N(CLOCK_PROCESS_CPUTIME_ID),
    N(CLOCK_THREAD_CPUTIME_ID),
    N(CLOCK_MONOTONIC_RAW),
    N(CLOCK_REALTIME_COARSE),
    N(CLOCK_MONOTONIC_COARSE),
    N(CLOCK_BOOTTIME),
    N(CLOCK_REALTIME_ALARM),
    N(CLOCK_BOOTTIME_ALARM),
    N(CLOCK_TAI),
    {0, NULL},
};

static const struct name futexes[] = {
    N(FUTEX_WAIT),           N(FUTEX_WAKE),        N(FUTEX_FD),
    N(FUTEX_REQUEUE),        N(FUTEX_CMP_REQUEUE), N(FUTEX_WAKE_OP),
    N(FUTEX_LOCK_PI),        N(FUTEX_UNLOCK_PI),   N(FUTEX_TRYLOCK_PI),
    N(FUTEX_WAIT_BITSET),    N(FUTEX_WAKE_BITSET), N(FUTEX_WAIT_REQUEUE_PI),
    N(FUTEX_CMP_REQUEUE_PI), N(FUTEX_LOCK_PI2),    {0, NULL},
};

static const struct name whences[] = {
    N(SEEK_SET),  N(SEEK_CUR),  N(SEEK_END),
    N(SEEK_DATA), N(SEEK_HOLE), {0, NULL},
};

static const struct name sighows[] = {
    N(SIG_BLOCK),
    N(SIG_UNBLOCK),
    N(SIG_SETMASK),
    {0, NULL},
};

static const struct name fcntls[] = {
    N(F_DUPFD),         N(F_GETFD),      N(F_SETFD),      N(F_GETFL),
    N(F_SETFL),         N(F_GETLK),      N(F_SETLK),      N(F_SETLKW),
    N(F_SETOWN),        N(F_GETOWN),     N(F_SETSIG),     N(F_GETSIG),
    N(F_SETOWN_EX),     N(F_GETOWN_EX),  N(F_OFD_GETLK),  N(F_OFD_SETLK),
    N(F_OFD_SETLKW),    N(F_SETLEASE),   N(F_GETLEASE),   N(F_NOTIFY),
    N(F_DUPFD_CLOEXEC), N(F_SETPIPE_SZ), N(F_GETPIPE_SZ), N(F_ADD_SEALS),
    N(F_GET_SEALS),     {0, NULL},
};

static const struct name madvs[] = {
    N(MADV_NORMAL),     N(MADV_RANDOM),      N(MADV_SEQUENTIAL),
    N(MADV_WILLNEED),   N(MADV_DONTNEED),    N(MADV_FREE),
    N(MADV_REMOVE),     N(MADV_DONTFORK),    N(MADV_DOFORK),
    N(MADV_MERGEABLE),  N(MADV_UNMERGEABLE), N(MADV_HUGEPAGE),
    N(MADV_NOHUGEPAGE), N(MADV_DONTDUMP),    N(MADV_DODUMP),
    N(MADV_WIPEONFORK), {0, NULL},
};

static const struct name limits[] = {
    LIMIT(CPU),      LIMIT(FSIZE), LIMIT(DATA),   LIMIT(STACK),
    LIMIT(CORE),     LIMIT(RSS),   LIMIT(NPROC),  LIMIT(NOFILE),
    LIMIT(MEMLOCK),  LIMIT(AS),    LIMIT(LOCKS),  LIMIT(SIGPENDING),
    LIMIT(MSGQUEUE), LIMIT(NICE),  LIMIT(RTPRIO), LIMIT(RTTIME),
    {0, NULL},
};

static const struct name families[] = {
    {0, "AF_UNSPEC"}, {1, "AF_UNIX"},     {2, "AF_INET"},
    {10, "AF_INET6"}, {16, "AF_NETLINK"}, {17, "AF_PACKET"},
    {38, "AF_ALG"},   {40, "AF_VSOCK"},   {0, NULL},
};

static const struct name socktypes[] = {
    {1, "SOCK_STREAM"}, {2, "SOCK_DGRAM"},     {3, "SOCK_RAW"},
    {4, "SOCK_RDM"},    {5, "SOCK_SEQPACKET"}, {10, "SOCK_PACKET"},
    {0, NULL},
};

static const struct name sockflags[] = {
    {O_CLOEXEC, "SOCK_CLOEXEC"},
    {O_NONBLOCK, "SOCK_NONBLOCK"},
    {0, NULL},
};

static const struct name futex_flags[] = {
    N(FUTEX_PRIVATE_FLAG),
    N(FUTEX_CLOCK_REALTIME),
    {0, NULL},
};

/* A kind's value is one of a list (`one`, compared under one_mask), a set of
 * flags, or both. */
static const struct kind_names {
    const struct name *one, *flags;
    uint64_t one_mask;
} kinds[] = {
    [K_OFLAGS] = {access_modes, oflags, O_ACCMODE},
    [K_PROT] = {NULL, prots, 0},
    [K_MAP] = {NULL, maps, 0},
    [K_CLONE] = {NULL, clones, 0},
    [K_ATFLAGS] = {NULL, atflags, 0},
    [K_CLOCK] = {clocks, NULL, ~0ull},
    [K_FUTEX] = {futexes, futex_flags, (uint32_t)FUTEX_CMD_MASK},
    [K_WHENCE] = {whences, NULL, ~0ull},
    [K_SIGHOW] = {sighows, NULL, ~0ull},
    [K_FCNTL] = {fcntls, NULL, ~0ull},
    [K_MADV] = {madvs, NULL, ~0ull},
    [K_RLIMIT] = {limits, NULL, ~0ull},
    [K_AF] = {families, NULL, ~0ull},
    [K_SOCK] = {socktypes, sockflags, 0xf},
    [K_SIG] = {signals, NULL, ~0ull},
};

static const char *find(const struct name *list, uint64_t value)
{
    for (; list && list->name; list++) {
        if (list->value == value) {
            return list->name;
        }
    }
    return NULL;
}

const char *name_errno(int err)
{
    return find(errnos, (uint64_t)err);
}

const char *name_signal(int signo)
{
    return find(signals, (uint64_t)signo);
}

const char *name_si_code(int code)
{
    return find(si_codes, (uint64_t)code);
}

static size_t add(char *buf, size_t size, size_t at, const char *text)
{
    return at + fmt_scnprintf(buf + at, size - at, "%s%s", at ? "|" : "", text);
}

bool name_value(char *buf, size_t size, enum sys_kind kind, uint64_t value)
{
    const struct kind_names *k;
    const char *one;
    size_t n = 0;

    if (kind >= ARRAY_SIZE(kinds) || (!kinds[kind].one && !kinds[kind].flags)) {
        return false;
    }
    k = &kinds[kind];
    one = find(k->one, value & k->one_mask);
    if (one) {
        n = add(buf, size, n, one);
        value &= ~k->one_mask;
    }
    for (const struct name *f = k->flags; f && f->name; f++) {
        if ((value & f->value) == f->value) {
            n = add(buf, size, n, f->name);
            value &= ~f->value;
        }
    }
    if (value || n == 0) {
        fmt_scnprintf(buf + n, size - n, "%s%s%lx", n ? "|" : "",
                      value ? "0x" : "", value);
    }
    return true;
}
