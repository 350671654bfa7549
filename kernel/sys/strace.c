/* SPDX-License-Identifier: MIT
 *
 * --strace: one line a call, in strace(1)'s manner, to the operator's stderr:
 *
 *     [2] openat(AT_FDCWD, "/etc/passwd", O_RDONLY) = 3 <0.000004120>
 *
 * What goes in is read before the call, because the call may change it (execve
 * replaces all of it); from the first argument that comes out on, printing
 * waits for the result. The program's memory is read with uaccess like any
 * other: what cannot be read is printed as an address.
 */
#include "kernel/sys/trace.h"
#include "kernel/core/log.h"
#include "kernel/core/timer.h"
#include "kernel/proc/proc.h"
#include "abi/linux/errno.h"
#include "abi/linux/fcntl.h"
#include "abi/linux/signal.h"
#include "lib/fmt.h"
#include "lib/string.h"

enum {
    LINE_SIZE = 1024,
    DATA_SHOWN = 32,  /* bytes of a buffer */
    PATH_SHOWN = 160, /* bytes of a string */
    LIST_SHOWN = 8,   /* elements of an array */
};

struct line {
    size_t len;
    char text[LINE_SIZE];
};

static void put(struct line *l, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void put(struct line *l, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    l->len +=
        fmt_vscnprintf(l->text + l->len, sizeof(l->text) - l->len, fmt, args);
    va_end(args);
}

static void flush(struct line *l)
{
    l->len = MIN(l->len, sizeof(l->text) - 1);
    l->text[l->len++] = '\n';
    log_raw(l->text, l->len);
}

/* ---- what pointers point to ---- */

static void put_ptr(struct line *l, uint64_t addr)
{
    if (addr) {
        put(l, "0x%lx", addr);
    } else {
        put(l, "NULL");
    }
}

static void put_char(struct line *l, uint8_t c, bool digit_follows)
{
    static const char plain[] = "\n\t\r\v\f\"\\", named[] = "ntrvf\"\\";
    const char *p = c ? strchr(plain, c) : NULL;

    if (p) {
        put(l, "\\%c", named[p - plain]);
    } else if (c >= ' ' && c < 0x7f) {
        put(l, "%c", c);
    } else {
        put(l, digit_follows ? "\\%03o" : "\\%o", c);
    }
}

static void put_quoted(struct line *l, const uint8_t *data, size_t len,
                       bool more)
{
    put(l, "\"");
    for (size_t i = 0; i < len; i++) {
        bool digit = i + 1 < len && data[i + 1] >= '0' && data[i + 1] <= '9';

        put_char(l, data[i], digit);
    }
    put(l, more ? "\"..." : "\"");
}

static void put_data(struct line *l, uint64_t addr, uint64_t len)
{
    uint8_t data[DATA_SHOWN];
    size_t n = MIN(len, sizeof(data));

    if (!addr || copy_from_user(data, uptr(addr), n)) {
        put_ptr(l, addr);
    } else {
        put_quoted(l, data, n, len > n);
    }
}

static void put_string(struct line *l, uint64_t addr)
{
    char text[PATH_SHOWN];
    long len;

    if (!addr) {
        put(l, "NULL");
        return;
    }
    len = strncpy_from_user(text, uptr(addr), sizeof(text));
    if (len == -ENAMETOOLONG) {
        len = copy_from_user(text, uptr(addr), sizeof(text))
                  ? -EFAULT
                  : (long)sizeof(text);
    }
    if (len < 0) {
        put_ptr(l, addr);
    } else {
        put_quoted(l, (uint8_t *)text, (size_t)len, len == sizeof(text));
    }
}

static void put_strings(struct line *l, uint64_t addr)
{
    uint64_t p;

    if (!addr || get_user64(&p, uptr(addr))) {
        put_ptr(l, addr);
        return;
    }
    put(l, "[");
    for (unsigned i = 0; p; i++) {
        if (i == LIST_SHOWN) {
            put(l, ", ...");
            break;
        }
        put(l, i ? ", " : "");
        put_string(l, p);
        if (get_user64(&p, uptr(addr + 8 * (i + 1)))) {
            break;
        }
    }
    put(l, "]");
}

/* limit: how many of the pieces' bytes mean something. */
static void put_iov(struct line *l, uint64_t addr, uint64_t count,
                    uint64_t limit)
{
    struct {
        uint64_t base, len;
    } v;

    if (!addr || copy_from_user(&v, uptr(addr), sizeof(v))) {
        put_ptr(l, addr);
        return;
    }
    put(l, "[");
    for (uint64_t i = 0; i < MIN(count, (uint64_t)LIST_SHOWN); i++) {
        if (copy_from_user(&v, uptr(addr + i * sizeof(v)), sizeof(v))) {
            break;
        }
        put(l, "%s{", i ? ", " : "");
        put_data(l, v.base, MIN(v.len, limit));
        put(l, ", %lu}", v.len);
        limit -= MIN(v.len, limit);
    }
    put(l, count > LIST_SHOWN ? ", ...]" : "]");
}

static void put_sigset(struct line *l, uint64_t addr)
{
    uint64_t set;
    bool most;

    if (!addr || get_user64(&set, uptr(addr))) {
        put_ptr(l, addr);
        return;
    }
    most = __builtin_popcountll(set) > NSIG / 2;
    put(l, most ? "~[" : "[");
    set = most ? ~set : set;
    for (int n = 1, first = 1; n <= NSIG; n++) {
        if (set & sigbit(n)) {
            const char *name = name_signal(n);

            put(l, first ? "" : " ");
            first = 0;
            if (name) {
                put(l, "%s", name + 3);
            } else {
                put(l, "RT_%d", n - SIGRTMIN);
            }
        }
    }
    put(l, "]");
}

static void put_timespec(struct line *l, uint64_t addr)
{
    int64_t ts[2];

    if (!addr || copy_from_user(ts, uptr(addr), sizeof(ts))) {
        put_ptr(l, addr);
    } else {
        put(l, "{%ld, %ld}", ts[0], ts[1]);
    }
}

static void put_words(struct line *l, uint64_t addr, unsigned count, bool hex)
{
    uint32_t v[2];

    if (!addr || copy_from_user(v, uptr(addr), count * sizeof(v[0]))) {
        put_ptr(l, addr);
        return;
    }
    put(l, hex ? "[%#x" : "[%d", v[0]);
    if (count == 2) {
        put(l, ", %d", v[1]);
    }
    put(l, "]");
}

/* ---- arguments and results ---- */

static void put_number(struct line *l, enum sys_kind kind, uint64_t v)
{
    char text[256];

    if (kind == K_SIG && !name_signal((int)v)) {
        put(l, "%d", (int)v);
        return;
    }
    if (name_value(text, sizeof(text), kind,
                   kind == K_CLONE ? v : (uint32_t)v)) {
        put(l, "%s", text);
        return;
    }
    switch (kind) {
    case K_INT:
    case K_PID:
        put(l, "%d", (int)v);
        break;
    case K_FD:
        if ((int)v == AT_FDCWD) {
            put(l, "AT_FDCWD");
        } else {
            put(l, "%d", (int)v);
        }
        break;
    case K_UINT:
        put(l, "%u", (unsigned)v);
        break;
    case K_LONG:
    case K_OFF:
        put(l, "%ld", (int64_t)v);
        break;
    case K_SIZE:
        put(l, "%lu", v);
        break;
    case K_OCT:
        put(l, "0%o", (unsigned)v);
        break;
    case K_HEX:
        put(l, v ? "0x%lx" : "%lu", v);
        break;
    default:
        put_ptr(l, v);
        break;
    }
}

/* Whether an argument of this kind is known only after the call. */
static bool comes_out(enum sys_kind kind)
{
    return kind == K_OUTBUF || kind == K_FDPAIR || kind == K_STATUS ||
           kind == K_OUTIOV;
}

static void put_out(struct line *l, enum sys_kind kind, uint64_t v,
                    uint64_t next, long result)
{
    if (result < 0 || (kind == K_STATUS && result == 0)) {
        put_ptr(l, v);
    } else if (kind == K_OUTBUF) {
        put_data(l, v, (uint64_t)result);
    } else if (kind == K_OUTIOV) {
        put_iov(l, v, next, (uint64_t)result);
    } else if (kind == K_FDPAIR) {
        put_words(l, v, 2, false);
    } else {
        put_words(l, v, 1, true);
    }
}

static void put_in(struct line *l, enum sys_kind kind, uint64_t v,
                   uint64_t next)
{
    switch (kind) {
    case K_PATH:
        put_string(l, v);
        break;
    case K_BUF:
        put_data(l, v, next);
        break;
    case K_IOV:
        put_iov(l, v, next, UINT64_MAX);
        break;
    case K_STRV:
        put_strings(l, v);
        break;
    case K_SIGSET:
        put_sigset(l, v);
        break;
    case K_TIMESPEC:
        put_timespec(l, v);
        break;
    default:
        put_number(l, kind, v);
        break;
    }
}

/* open(2)'s mode, the argument after its flags, means something only when a
 * file is made. i is not 0. */
static bool is_unused_mode(const struct syscall_row *row,
                           const struct sysargs *a, unsigned i)
{
    const uint64_t makes = O_CREAT | (O_TMPFILE & ~O_DIRECTORY);

    return row->args[i] == K_OCT && row->args[i - 1] == K_OFLAGS &&
           !(arg_u64(a, i - 1) & makes);
}

/* Prints arguments from `from` on: up to the first that comes out when the
 * call has not run yet (result NULL), else all. Returns the next one. */
static unsigned put_args(struct line *l, const struct syscall_row *row,
                         const struct sysargs *a, unsigned from,
                         const long *result)
{
    unsigned i;

    for (i = from; i < 6 && row->args[i] != K_NONE; i++) {
        uint64_t next = i < 5 ? arg_u64(a, i + 1) : 0;

        if (i > 0 && is_unused_mode(row, a, i)) {
            continue;
        }
        if (comes_out(row->args[i]) && !result) {
            break;
        }
        put(l, i ? ", " : "");
        if (comes_out(row->args[i])) {
            put_out(l, row->args[i], arg_u64(a, i), next, *result);
        } else {
            put_in(l, row->args[i], arg_u64(a, i), next);
        }
    }
    return i;
}

static void put_result(struct line *l, const struct syscall_row *row,
                       long result, uint64_t ns)
{
    const char *err =
        result < 0 && result >= -4095 ? name_errno(-result) : NULL;

    put(l, ") = ");
    if (err && -result >= ERESTARTSYS) {
        put(l, "? %s", err);
    } else if (err) {
        put(l, "-1 %s", err);
    } else if (result < 0 && result >= -4095) {
        put(l, "-1 error %ld", -result);
    } else {
        put_number(l, row->result, (uint64_t)result);
    }
    put(l, " <%llu.%09llu>", ns / NSEC_PER_SEC, ns % NSEC_PER_SEC);
}

static bool never_returns(const struct syscall_row *row)
{
    return !strcmp(row->name, "exit") || !strcmp(row->name, "exit_group");
}

long trace_call(unsigned number, const struct sysargs *args)
{
    const struct syscall_row *row = &syscall_table[number];
    struct line line = {.len = 0};
    uint64_t start, ns;
    unsigned shown = 0;
    long result;

    if (trace_mode & TRACE_PRINT) {
        put(&line, "[%d] %s(", current_thread()->tid, row->name);
        shown = put_args(&line, row, args, 0, NULL);
        if (never_returns(row)) {
            put(&line, ") = ?");
            flush(&line);
        }
    }
    start = clock_now();
    result = row->fn(args);
    ns = clock_now() - start;
    stats_call(number, result, ns);
    if (trace_mode & TRACE_PRINT) {
        put_args(&line, row, args, shown, &result);
        put_result(&line, row, result, ns);
        flush(&line);
    }
    return result;
}

void trace_signal(const struct k_siginfo *info)
{
    struct line line = {.len = 0};
    const char *name = name_signal(info->signo);
    const char *code = name_si_code(info->code);

    put(&line, "[%d] --- ", current_thread()->tid);
    if (name) {
        put(&line, "%s", name);
    } else {
        put(&line, "SIGRT_%d", info->signo - SIGRTMIN);
    }
    put(&line, " {si_code=");
    if (code) {
        put(&line, "%s", code);
    } else {
        put(&line, "%d", info->code);
    }
    if (info->code <= 0) {
        put(&line, ", si_pid=%d, si_uid=%u", info->kill.pid, info->kill.uid);
    } else if (info->signo == SIGCHLD) {
        put(&line, ", si_pid=%d, si_status=%d", info->child.pid,
            info->child.status);
    } else if (info->code != SI_KERNEL) {
        put(&line, ", si_addr=0x%lx", info->fault.addr);
    }
    put(&line, "} ---");
    flush(&line);
}
