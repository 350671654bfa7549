/* SPDX-License-Identifier: MIT
 *
 * The table's rows, the dispatcher, and --strace's lines, over a table of our
 * own with a few calls and memory of our own as the program's.
 */
#include "kernel/sys/table.h"
#include "kernel/sys/trace.h"
#include "kernel/trap.h"
#include "kernel/core/hostio.h"
#include "kernel/core/log.h"
#include "kernel/core/stats.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/stock.h"
#include "kernel/proc/ptrace/ptrace.h"
#include "kernel/proc/seccomp/seccomp.h"
#include "kernel/proc/user_dispatch.h"
#include "abi/linux/errno.h"
#include "abi/linux/mman.h"
#include "abi/linux/syscall.h"
#include "lib/string.h"
#include "lib/tests/unit.h"

/* ---- stand-ins ---- */

static struct vcpu vcpu;
static struct thread thread;
static struct proc process = {.pid = 7};
static uint8_t stack[KSTACK_SIZE];
static char out[65536]; /* what log_raw() got */
static size_t out_len;
static char memory[4096]; /* the program's */
static unsigned deliveries, log_lines;
void (*signal_trace)(const struct k_siginfo *info);
void (*mm_await_call)(bool on);

void log_raw(const char *text, size_t len)
{
    memcpy(out + out_len, text, len);
    out_len += len;
    out[out_len] = 0;
}

void log_line(enum log_level level, const char *fmt, ...)
{
    log_lines++;
}

uint64_t clock_now(void)
{
    static uint64_t now;

    return now += 1500;
}

static enum mm_call told;
static uint64_t told_start, told_end, told_rip;

void mm_called(struct mm *mm, enum mm_call call, uint64_t start, uint64_t end,
               uint64_t rip)
{
    told = call;
    told_start = start;
    told_end = end;
    told_rip = rip;
}

static unsigned watch_calls;

void sched_watch_calls(void)
{
    watch_calls++;
}

uint64_t sched_switches(void)
{
    return 0;
}

void sched_barrier(void)
{
}

void sched_check(void)
{
    vcpu.resched = 0;
}

void signal_deliver(struct user_regs *regs)
{
    deliveries++;
    thread.task.interrupted = deliveries < 2; /* once more, please */
}

bool ptrace_call_enter(struct thread *t, struct user_regs *regs)
{
    return false;
}

void ptrace_call_exit(struct thread *t, struct user_regs *regs)
{
}

bool user_dispatch_check(struct thread *t, struct user_regs *regs)
{
    return false;
}

int seccomp_check(struct thread *t, struct user_regs *regs)
{
    return 0;
}

void heap_get_stats(struct heap_stats *s)
{
    memset(s, 0, sizeof(*s));
}

void hostio_get_stats(struct hostio_stats *s)
{
    memset(s, 0, sizeof(*s));
}

uint64_t stock_noted(void)
{
    return 0;
}

void mm_get_stats(struct mm *mm, struct mm_stats *s)
{
    memset(s, 0, sizeof(*s));
}

static bool mine(uint64_t addr, size_t n)
{
    uint64_t start = (uint64_t)memory;

    return addr >= start && n <= sizeof(memory) &&
           addr - start <= sizeof(memory) - n;
}

int copy_from_user(void *dst, struct uptr src, size_t n)
{
    if (!mine(src.addr, n)) {
        return -EFAULT;
    }
    memcpy(dst, (void *)src.addr, n);
    return 0;
}

int get_user64(uint64_t *val, struct uptr src)
{
    return copy_from_user(val, src, sizeof(*val));
}

long strncpy_from_user(char *dst, struct uptr src, size_t max)
{
    size_t len;

    if (!mine(src.addr, 1)) {
        return -EFAULT;
    }
    len = strnlen((char *)src.addr, max);
    if (len == max) {
        return -ENAMETOOLONG;
    }
    memcpy(dst, (void *)src.addr, len + 1);
    return (long)len;
}

/* ---- a table of our own: every call returns `answer` ---- */

static long answer;

static long sys_answer(const struct sysargs *a)
{
    return answer;
}

enum { OPENAT, READ, MMAP, EXEC, PIPE, EXIT, WRITEV, MASK, NAMED, KINDS };

const struct syscall_row syscall_table[SYSCALL_MAX + 1] = {
    [OPENAT] =
        {"openat", sys_answer, SYS_PART, K_FD, {K_FD, K_PATH, K_OFLAGS, K_OCT}},
    [READ] = {"read", sys_answer, SYS_PART, K_LONG, {K_FD, K_OUTBUF, K_SIZE}},
    [MMAP] = {"mmap",
              sys_answer,
              SYS_PART,
              K_PTR,
              {K_PTR, K_SIZE, K_PROT, K_MAP, K_FD, K_OFF}},
    [EXEC] = {"execve", sys_answer, SYS_PART, K_INT, {K_PATH, K_STRV, K_PTR}},
    [PIPE] = {"pipe", sys_answer, SYS_PART, K_INT, {K_FDPAIR}},
    [EXIT] = {"exit_group", sys_answer, SYS_PART, K_INT, {K_INT}},
    [WRITEV] = {"writev", sys_answer, SYS_PART, K_LONG, {K_FD, K_IOV, K_INT}},
    [MASK] = {"rt_sigprocmask",
              sys_answer,
              SYS_PART,
              K_INT,
              {K_SIGHOW, K_SIGSET, K_PTR, K_SIZE}},
    [NAMED] = {"named", sys_none, SYS_NONE, K_INT, {K_NONE}},
    [KINDS] = {"kinds",
               sys_answer,
               SYS_PART,
               K_HEX,
               {K_SIG, K_CLOCK, K_FUTEX, K_TIMESPEC, K_HEX, K_PID}},
};

static long call(uint64_t number, uint64_t a, uint64_t b, uint64_t c,
                 uint64_t d)
{
    struct user_regs *r = thread_regs(&thread);

    r->rax = number;
    r->rdi = a;
    r->rsi = b;
    r->rdx = c;
    r->r10 = d;
    r->r8 = (uint64_t)-1;
    r->r9 = 0;
    out_len = 0;
    out[0] = 0;
    syscall_run(r);
    return (long)r->rax;
}

static void expect_line(const char *want)
{
    if (strcmp(out, want)) {
        printf("got  %swant %s", out, want);
        unit_bad++;
    }
}

static uint64_t put_text(unsigned at, const char *text)
{
    strcpy(memory + at, text);
    return (uint64_t)memory + at;
}

static uint64_t put_word(unsigned at, uint64_t value)
{
    memcpy(memory + at, &value, sizeof(value));
    return (uint64_t)memory + at;
}

/* ---- tests ---- */

static void rows_are_sorted_and_named_once(void)
{
    static const struct {
        int number;
        const char *name;
    } rows[] = {
#define SYSCALL(number, name, ...) {number, #name},
#include "kernel/sys/calls.h"
#undef SYSCALL
    };

    EXPECT_EQ(ARRAY_SIZE(rows), 382);
    for (unsigned i = 1; i < ARRAY_SIZE(rows); i++) {
        EXPECT(rows[i - 1].number < rows[i].number);
        for (unsigned j = 0; j < i; j++) {
            EXPECT(strcmp(rows[i].name, rows[j].name));
        }
    }
    EXPECT_EQ(rows[0].number, 0);
    EXPECT_EQ(rows[ARRAY_SIZE(rows) - 1].number, SYSCALL_MAX);
}

static void unknown_numbers_are_enosys_and_logged_once(void)
{
    log_lines = 0;
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(call(NAMED, 0, 0, 0, 0), -ENOSYS);
        EXPECT_EQ(call(400, 0, 0, 0, 0), -ENOSYS);
        EXPECT_EQ(call(SYSCALL_MAX + 1, 0, 0, 0, 0), -ENOSYS);
        EXPECT_EQ(call((uint32_t)-1, 0, 0, 0, 0), -ENOSYS);
    }
    EXPECT_EQ(log_lines, 3);
}

static void only_32_bits_of_the_number_count(void)
{
    answer = 5;
    EXPECT_EQ(call(0x700000000ull + READ, 0, 0, 0, 0), 5);
    EXPECT_EQ(thread_regs(&thread)->orig_rax, 0x700000000ull + READ);
}

static void restart_codes_ask_for_delivery(void)
{
    const int codes[] = {ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND,
                         ERESTART_RESTARTBLOCK};

    for (unsigned i = 0; i < ARRAY_SIZE(codes); i++) {
        thread.task.interrupted = 0;
        answer = -codes[i];
        EXPECT_EQ(call(READ, 0, 0, 0, 0), -codes[i]);
        EXPECT_EQ(thread.task.interrupted, 1);
    }
    thread.task.interrupted = 0;
    answer = -EINTR;
    call(READ, 0, 0, 0, 0);
    answer = -511;
    call(READ, 0, 0, 0, 0);
    answer = -517;
    call(READ, 0, 0, 0, 0);
    EXPECT_EQ(thread.task.interrupted, 0);
}

/* What an address space hears of its next call. */
static void who_waits_for_the_next_call_is_told(void)
{
    struct mm *mm = (struct mm *)memory;

    syscall_set_mode(false, false);
    thread.task.mm = mm;
    told_rip = 0;
    call(OPENAT, 0, 0, 0, 0);
    EXPECT_EQ(told_rip, 0);
    mm_await_call(true);
    mm_await_call(true);
    thread_regs(&thread)->rip = 0x1234;
    call(NR_mmap, 0x5000, 0x1001, 0, MAP_FIXED);
    EXPECT_EQ(told, MM_CALL_MAP);
    EXPECT_EQ(told_start, 0x5000);
    EXPECT_EQ(told_end, 0x7000);
    EXPECT_EQ(told_rip, 0x1234);
    call(NR_mmap, 0x5000, UINT64_MAX, 0, MAP_FIXED);
    EXPECT_EQ(told_end, 0x5000);
    call(NR_mmap, 0x5000, 0x1000, 0, 0);
    EXPECT_EQ(told, MM_CALL_OTHER);
    mm_await_call(false);
    call(NR_mprotect, 0x5000, 0x1000, 0, 0);
    EXPECT_EQ(told, MM_CALL_PROTECT);
    trace_mode |= TRACE_WATCH; /* a filter may take the call away */
    call(NR_mprotect, 0x5000, 0x1000, 0, 0);
    EXPECT_EQ(told, MM_CALL_OTHER);
    trace_mode &= ~(uint32_t)TRACE_WATCH;
    mm_await_call(false);
    told_rip = 0;
    call(NR_mprotect, 0x5000, 0x1000, 0, 0);
    EXPECT_EQ(told_rip, 0);
    thread.task.mm = NULL;
}

static void return_work_goes_on_until_nothing_is_left(void)
{
    deliveries = 0;
    thread.task.interrupted = 1;
    vcpu.resched = 1;
    user_return_work(thread_regs(&thread));
    EXPECT_EQ(deliveries, 2);
    EXPECT_EQ(thread.task.interrupted, 0);
    EXPECT_EQ(vcpu.resched, 0);
}

static void lines_look_like_strace(void)
{
    uint64_t path = put_text(0, "/etc/\"x\"\n");

    syscall_set_mode(true, false);
    answer = 3;
    call(OPENAT, (uint32_t)-100, path, 02000000, 0);
    expect_line("[9] openat(AT_FDCWD, \"/etc/\\\"x\\\"\\n\", "
                "O_RDONLY|O_CLOEXEC) = 3 <0.000001500>\n");
    answer = -ENOENT;
    call(OPENAT, 4, 0, 01101, 0644);
    expect_line("[9] openat(4, NULL, O_WRONLY|O_CREAT|O_TRUNC, 0644) "
                "= -1 ENOENT <0.000001500>\n");
    answer = -ERESTARTSYS;
    call(READ, 0, path, 10, 0);
    EXPECT(strstr(out, "= ? ERESTARTSYS"));
    answer = 0x7000;
    call(MMAP, 0, 4096, 3, 0x22);
    expect_line("[9] mmap(NULL, 4096, PROT_READ|PROT_WRITE, "
                "MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7000 <0.000001500>\n");
    call(EXIT, 2, 0, 0, 0);
    EXPECT(!strncmp(out, "[9] exit_group(2) = ?\n", 22));
}

static void buffers_are_shown_as_far_as_they_were_filled(void)
{
    uint64_t buf = put_text(64, "\177ELF 0\0001 and much more than is shown");

    memory[64 + 7] = '1'; /* put_text() stopped at the NUL */
    answer = 8;
    call(READ, 3, buf, 100, 0);
    expect_line("[9] read(3, \"\\177ELF 0\\0001\", 100) = 8 <0.000001500>\n");
    answer = 0;
    call(READ, 3, buf, 100, 0);
    expect_line("[9] read(3, \"\", 100) = 0 <0.000001500>\n");
    answer = 40;
    call(READ, 3, 16, 100, 0);
    expect_line("[9] read(3, 0x10, 100) = 40 <0.000001500>\n");
}

static void structures_are_decoded(void)
{
    uint64_t arg = put_text(128, "one"), vec = put_word(256, arg);

    put_word(264, 0);
    answer = 0;
    call(EXEC, arg, vec, 0x20, 0);
    expect_line("[9] execve(\"one\", [\"one\"], 0x20) = 0 <0.000001500>\n");
    put_word(300, 4ull << 32 | 3);
    call(PIPE, (uint64_t)memory + 300, 0, 0, 0);
    expect_line("[9] pipe([3, 4]) = 0 <0.000001500>\n");
    put_word(264, 3);
    answer = 3;
    call(WRITEV, 1, vec, 1, 0);
    expect_line("[9] writev(1, [{\"one\", 3}], 1) = 3 <0.000001500>\n");
    answer = 0;
    call(MASK, 1, put_word(320, 1ull << 1 | 1ull << 33), 0, 8);
    expect_line("[9] rt_sigprocmask(SIG_UNBLOCK, [INT RT_2], NULL, 8) = 0 "
                "<0.000001500>\n");
    put_word(400, 1);
    put_word(408, 500);
    call(KINDS, 11, 1, 128 | 9, (uint64_t)memory + 400);
    expect_line("[9] kinds(SIGSEGV, CLOCK_MONOTONIC, "
                "FUTEX_WAIT_BITSET|FUTEX_PRIVATE_FLAG, {1, 500}, "
                "0xffffffffffffffff, 0) = 0 <0.000001500>\n");
}

static void long_lines_are_cut(void)
{
    memset(memory + 1024, '\1', 2000);
    for (unsigned i = 0; i < 8; i++) {
        put_word(512 + 8 * i, (uint64_t)memory + 1024);
    }
    call(EXEC, (uint64_t)memory + 1024, (uint64_t)memory + 512, 0, 0);
    EXPECT_EQ(out_len, 1024);
    EXPECT_EQ(out[out_len - 1], '\n');
}

static void counts_are_printed_longest_first(void)
{
    out_len = 0;
    stats_call(OPENAT, 3, 1000000000000ull);
    stats_call(MMAP, -ENOMEM, 2000000000000ull);
    syscall_set_mode(false, true);
    stats_report();
    EXPECT(strstr(out, "system calls"));
    EXPECT(strstr(out, "  mmap\n") && strstr(out, "  openat\n"));
    EXPECT(strstr(out, "  mmap\n") < strstr(out, "  openat\n"));
    EXPECT(strstr(out, "  openat\n") < strstr(out, "  read\n"));
}

int main(void)
{
    thread.task.kstack_top = (uint64_t)(stack + sizeof(stack));
    thread.task.thread = &thread;
    thread.proc = &process;
    thread.tid = 9;
    vcpu.self = &vcpu;
    vcpu.task = &thread.task;
    vcpu_set_gs(&vcpu);
    RUN(rows_are_sorted_and_named_once);
    RUN(unknown_numbers_are_enosys_and_logged_once);
    RUN(only_32_bits_of_the_number_count);
    RUN(restart_codes_ask_for_delivery);
    RUN(who_waits_for_the_next_call_is_told);
    RUN(return_work_goes_on_until_nothing_is_left);
    RUN(lines_look_like_strace);
    RUN(buffers_are_shown_as_far_as_they_were_filled);
    RUN(structures_are_decoded);
    RUN(long_lines_are_cut);
    RUN(counts_are_printed_longest_first);
    return unit_result();
}
