/* SPDX-License-Identifier: MIT
 *
 * The tests of target/linux, each in the place of a kernel. Figures that they
 * print are for who tunes, not checked.
 */
#include "target/linux/tests/mini.h"
#include "abi/boundary.h"
#include "abi/linux/errno.h"
#include "lib/string.h"

enum {
    VECTOR_DE = 0,
    VECTOR_DB = 1,
    VECTOR_BP = 3,
    VECTOR_UD = 6,
    VECTOR_GP = 13,
    VECTOR_PF = 14
};

#define SECOND  1000000000ull
#define SCRATCH 0x10000000000ul /* a free place of the user part */

#define DECLARE(name) extern const char name[], name##_end[]
DECLARE(user_syscalls);
DECLARE(user_loop);
DECLARE(user_await_tick);
DECLARE(user_spin);
DECLARE(user_ud2);
DECLARE(user_int3);
DECLARE(user_int80);
DECLARE(user_divide);
DECLARE(user_read_nothing);
DECLARE(user_jump_away);
DECLARE(user_noncanonical);
DECLARE(user_change_gs);

static volatile uint64_t *scratch(void)
{
    MUST(!target_mem_commit(SCRATCH, PAGE_SIZE, MEM_READ | MEM_WRITE));
    return (volatile uint64_t *)SCRATCH;
}

static void end_of_program(const struct user_regs *r)
{
    if (r->rdi) {
        mini_say("the program's verdict: %lu (rip %lx)", r->rdi, r->rip);
    }
    mini_end(r->rdi != 0);
}

/* ---- traps ---- */

enum { ROUNDS = 100000 };
static uint64_t started, trap_count;

static void count_syscalls(const struct trap *t, struct user_regs *r)
{
    MUST(t->kind == TRAP_SYSCALL && r->orig_rax == r->rax);
    if (r->rax == 1000) {
        mini_say("# %lu ns per trapped system call",
                 (target_clock() - started) / ROUNDS);
        MUST(trap_count == ROUNDS);
        end_of_program(r);
    }
    MUST(r->rax == 1001);
    trap_count++;
    r->rax = r->rdx + 5;
}

static void system_calls_trap(void)
{
    mini_on_trap = count_syscalls;
    mini_load(user_syscalls, user_syscalls_end, (uint64_t)scratch());
    vcpu_trap_regs(this_vcpu())->r14 = ROUNDS;
    started = target_clock();
    mini_enter_user();
}

enum { TICK_NS = 50000 };
static uint64_t over_at;

static void tick_again(const struct trap *t, struct user_regs *r)
{
    uint64_t now = target_clock();

    if (t->kind == TRAP_SYSCALL && r->rax == 1000) {
        mini_say("# %lu ticks", trap_count);
        MUST(trap_count > 500); /* of 20,000, on an idle machine */
        end_of_program(r);
    }
    if (t->kind == TRAP_SYSCALL) {
        r->rax = 0;
        return;
    }
    MUST(t->kind == TRAP_TICK);
    trap_count++;
    if (now >= over_at) {
        *(volatile uint64_t *)SCRATCH = 1;
    }
    target_vcpu_tick(now + TICK_NS);
}

static void ticks_keep_every_register(void)
{
    mini_on_trap = tick_again;
    mini_load(user_loop, user_loop_end, (uint64_t)scratch());
    over_at = target_clock() + SECOND;
    target_vcpu_tick(target_clock() + TICK_NS);
    mini_enter_user();
}

enum { ASK_SHORT = 1003, ASK_FULL = 1004, ASKS = 20000 };

/* The tick comes a moment after the kernel has armed it: before its last look
 * at the flag, after it, or in user code. */
static void arm_soon(const struct trap *t, struct user_regs *r)
{
    static uint64_t n;

    if (t->kind == TRAP_TICK) {
        ((volatile uint64_t *)SCRATCH)[1]++;
    } else if (r->rax == 1000) {
        end_of_program(r);
    } else {
        n++;
        r->full = r->rax == ASK_FULL;
        target_vcpu_tick(target_clock() + n * 7 % 8000);
    }
}

static void await_ticks(uint64_t ask)
{
    struct user_regs *r = vcpu_trap_regs(this_vcpu());

    mini_on_trap = arm_soon;
    mini_load(user_await_tick, user_await_tick_end, (uint64_t)scratch());
    r->r13 = ask;
    r->r14 = ASKS;
    mini_enter_user();
}

static void no_tick_is_lost_on_the_short_way_out(void)
{
    await_ticks(ASK_SHORT);
}

static void no_tick_is_lost_on_the_full_way_out(void)
{
    await_ticks(ASK_FULL);
}

static void no_tick_is_lost_on_the_way_by_frame(void)
{
    mini_by_frame = true;
    await_ticks(ASK_FULL);
}

static void ticks_by_frame_keep_every_register(void)
{
    mini_by_frame = true;
    ticks_keep_every_register();
}

enum { STEPS = 1000 };

static void count_steps(const struct trap *t, struct user_regs *r)
{
    MUST(t->kind == TRAP_FAULT && t->vector == VECTOR_DB);
    if (++trap_count == STEPS) {
        r->rflags &= ~(uint64_t)RFLAGS_TF;
        mini_end(0);
    }
}

static void single_steps_are_told(void)
{
    mini_on_trap = count_steps;
    mini_load(user_loop, user_loop_end, (uint64_t)scratch());
    vcpu_trap_regs(this_vcpu())->rflags |= RFLAGS_TF;
    mini_enter_user();
}

static void expect_gp(const struct trap *t, struct user_regs *r)
{
    MUST(t->kind == TRAP_FAULT && t->vector == VECTOR_GP && t->error == 0);
    MUST(r->rip == 0x8000000000001234 && r->rbx == 99 && r->full == 1);
    mini_end(0);
}

/* What a program can make its sigreturn(2) load. */
static void resuming_nowhere_is_the_programs_fault(void)
{
    struct user_regs *r = vcpu_trap_regs(this_vcpu());

    mini_on_trap = expect_gp;
    mini_load(user_spin, user_spin_end, 0);
    r->rip = 0x8000000000001234;
    r->rbx = 99;
    mini_enter_user();
}

static void resuming_with_bad_vectors_is_the_programs_fault(void)
{
    mini_on_trap = expect_gp;
    mini_load(user_spin, user_spin_end, 0);
    vcpu_trap_regs(this_vcpu())->rip = 0x8000000000001234;
    vcpu_trap_regs(this_vcpu())->rbx = 99;
    mini_tasks[0].fpu.xsave[520] = 1; /* XCOMP_BV */
    mini_enter_user();
}

struct fault_case {
    const char *code, *end;
    unsigned vector;
    uint64_t error, address;
    int rip; /* of the trap, from the program's start; -1: address */
};

static const struct fault_case fault_cases[] = {
    {user_ud2, user_ud2_end, VECTOR_UD, 0, 0, 0},
    {user_int3, user_int3_end, VECTOR_BP, 0, 0, 1},
    {user_int80, user_int80_end, VECTOR_GP, 0x402, 0, 5},
    {user_divide, user_divide_end, VECTOR_DE, 0, 0, 2},
    {user_read_nothing, user_read_nothing_end, VECTOR_PF, 4, 0x12345678000, 10},
    {user_jump_away, user_jump_away_end, VECTOR_PF, 0x14, 0x12345678000, -1},
    {user_noncanonical, user_noncanonical_end, VECTOR_GP, 0, 0, 10},
};
static unsigned fault_index;

static void next_fault(void)
{
    const struct fault_case *c = &fault_cases[fault_index];

    mini_load(c->code, c->end, 0);
    mini_enter_user();
}

static void check_fault(const struct trap *t, struct user_regs *r)
{
    const struct fault_case *c = &fault_cases[fault_index];
    uint64_t rip = c->rip < 0 ? c->address : 0x400000ul + (unsigned)c->rip;

    if (t->kind != TRAP_FAULT || t->vector != c->vector ||
        t->error != c->error || t->address != c->address || r->rip != rip) {
        mini_say("case %u: kind %d vector %u error %lx address %lx rip %lx",
                 fault_index, t->kind, t->vector, t->error, t->address, r->rip);
        mini_end(1);
    }
    MUST(r->gs_base == 0);
    if (++fault_index == ARRAY_SIZE(fault_cases)) {
        mini_end(0);
    }
    next_fault();
}

static void faults_are_told(void)
{
    mini_on_trap = check_fault;
    next_fault();
}

static void check_gs(const struct trap *t, struct user_regs *r)
{
    MUST(t->kind == TRAP_SYSCALL && r->gs_base != 0);
    MUST(this_vcpu() == vcpu_by_id(0));
    mini_end(0);
}

static void a_changed_gs_is_told(void)
{
    mini_on_trap = check_gs;
    mini_load(user_change_gs, user_change_gs_end, 0);
    mini_enter_user();
}

static void user_copies_have_fixups(void)
{
    static char buf[8192];
    char *page = (char *)scratch();
    uint32_t v;

    MUST(arch_user_copy(buf, page, 4096) == 0);
    MUST(arch_user_copy(buf, page, 8192) == 4096);
    MUST(arch_user_copy(page + 4000, buf, 200) >= 104);
    MUST(arch_user_zero(page + 4000, 200) == 104);
    MUST(arch_user_load32((uint32_t *)(page + 4096), &v) == -EFAULT);
    MUST(arch_user_strncpy(buf, (char *)0x8000000000000000, 10) == -EFAULT);
}

static void kernel_faults_end_it(void)
{
    volatile uint64_t nowhere = 16;

    *(volatile int *)nowhere = 1;
}

/* ---- memory ---- */

static void memory_commits_and_releases(void)
{
    volatile uint64_t *p = (volatile uint64_t *)SCRATCH;
    static uint64_t page[512];

    MUST(!target_mem_commit(SCRATCH, 4 * PAGE_SIZE, MEM_READ | MEM_WRITE));
    MUST(p[0] == 0 && p[2047] == 0);
    p[0] = 7;
    MUST(!target_mem_commit(SCRATCH, 8 * PAGE_SIZE, MEM_READ));
    MUST(p[0] == 7 && p[4095] == 0);
    MUST(arch_user_zero((void *)SCRATCH, 8) == 8);
    MUST(!target_mem_protect(SCRATCH, 4 * PAGE_SIZE, MEM_READ | MEM_WRITE));
    p[1] = 8;
    target_mem_release(SCRATCH, PAGE_SIZE);
    MUST(arch_user_zero((void *)SCRATCH, 8) == 8);
    MUST(!target_mem_commit(SCRATCH, PAGE_SIZE, MEM_READ | MEM_WRITE));
    MUST(p[0] == 0 && p[1] == 0);
    p[1] = 8;
    MUST(!target_mem_clear(SCRATCH, 2 * PAGE_SIZE));
    MUST(p[0] == 0 && p[1] == 0);
    MUST(target_mem_clear(mini_boot->user_end, PAGE_SIZE) == -EINVAL);
    page[5] = 99;
    MUST(!target_mem_install(SCRATCH, page, PAGE_SIZE, MEM_READ | MEM_EXEC));
    MUST(p[5] == 99 && arch_user_zero((void *)SCRATCH, 8) == 8);
    MUST(target_mem_commit(mini_boot->user_end, PAGE_SIZE, MEM_READ) ==
         -EINVAL);
    MUST(target_mem_commit(SCRATCH + 1, PAGE_SIZE, MEM_READ) == -EINVAL);
    MUST(!target_mem_commit(mini_boot->user_start, PAGE_SIZE, MEM_READ));
    MUST(!target_mem_commit(mini_boot->kernel_end - PAGE_SIZE, PAGE_SIZE,
                            MEM_READ | MEM_WRITE));
}

/* ---- vCPUs ---- */

/* Kicks go on until one of the two is reached; on a busy machine a turn may
 * take as long as the host's scheduler likes. */
enum { PINGS = 20000, PRODS = 1000, KICK_SECONDS = 3 };
static uint32_t ball;

static unsigned play(uint32_t mine, uint64_t until)
{
    unsigned n = 0;

    do {
        while (atomic_load(&ball) != mine) {
            target_vcpu_wait(UINT64_MAX);
        }
        atomic_store(&ball, !mine);
        target_vcpu_kick(!mine);
    } while (++n < PINGS && target_clock() < until);
    return n;
}

static void play_along(unsigned id)
{
    play(id, UINT64_MAX);
}

static void kicks_end_waits(void)
{
    uint64_t start;
    unsigned n;

    mini_on_vcpu = play_along;
    MUST(!target_vcpu_start(1));
    start = target_clock();
    n = play(0, start + KICK_SECONDS * SECOND);
    mini_say("# %lu ns per kick of a waiting vCPU",
             (target_clock() - start) / (2 * n));
    MUST(target_vcpu_start(0) == -EINVAL && target_vcpu_start(2) == -EINVAL);
}

static uint32_t kicks_taken;

static void on_kick(const struct trap *t, struct user_regs *r)
{
    MUST(t->kind == TRAP_TICK);
    atomic_fetch_add(&kicks_taken, 1);
}

static void spin_in_user(unsigned id)
{
    mini_load(user_spin, user_spin_end, 0);
    mini_enter_user();
}

static void kicks_interrupt_user_code(void)
{
    uint64_t start;
    uint32_t n = 0;

    mini_on_trap = on_kick;
    mini_on_vcpu = spin_in_user;
    MUST(!target_vcpu_start(1));
    while (!vcpu_by_id(1)->kstack) {
        cpu_relax();
    }
    start = target_clock();
    do {
        uint32_t taken = atomic_load(&kicks_taken);

        target_vcpu_kick(1);
        while (atomic_load(&kicks_taken) == taken) {
            if (taken == 0) {
                target_vcpu_kick(1); /* it may not be there yet */
            }
        }
    } while (++n < PRODS && target_clock() < start + KICK_SECONDS * SECOND);
    mini_say("# %lu ns per kick of user code", (target_clock() - start) / n);
}

static void waits_end_at_their_deadline(void)
{
    uint64_t worst = 0;

    for (int i = 0; i < 100; i++) {
        uint64_t deadline = target_clock() + 200000, late;

        while (target_clock() < deadline) {
            target_vcpu_wait(deadline);
        }
        late = target_clock() - deadline;
        worst = late > worst ? late : worst;
    }
    mini_say("# late by %lu ns at worst", worst);
    target_vcpu_wait(1);
}

/* The tick is looked at once more after it found the kernel; not for ever. */
static void an_idle_vcpu_sleeps_after_a_tick(void)
{
    uint64_t until = target_clock() + 1000000;
    unsigned waits = 0;

    target_vcpu_tick(until);
    while (target_clock() < until + 1000000) {
    }
    until = target_clock() + 50000000;
    while (target_clock() < until) {
        target_vcpu_wait(until);
        waits++;
    }
    mini_say("# %u waits", waits);
    MUST(waits < 10);
}

/* ---- time, randomness ---- */

static void the_clock_is_the_hosts(void)
{
    struct target_clock c;
    uint64_t end = target_clock() + SECOND / 2, last = 0, reads = 0, start;

    start = target_clock();
    while (last < end) {
        uint64_t now = target_clock();

        MUST(now >= last);
        last = now;
        reads++;
    }
    mini_say("# %lu ns per reading", (last - start) / reads);
    target_clock_info(&c);
    MUST(c.realtime_offset > 1600000000ll * (int64_t)SECOND);
    if (c.mult) {
        uint64_t ns =
            c.base_ns +
            (uint64_t)(((unsigned __int128)(arch_rdtsc() - c.base_tsc) *
                        c.mult) >>
                       c.shift);
        MUST(ns - target_clock() + 1000000 < 2000000);
    }
}

static void random_bytes_differ(void)
{
    uint8_t a[67] = {0}, b[67] = {0};

    target_random(a, 66);
    target_random(b, 66);
    MUST(memcmp(a, b, 66) != 0 && a[66] == 0);
}

/* ---- rings ---- */

#define AT(type, p) (*(volatile type *)(p).addr)

static void ring_push(unsigned index, struct target_ring *t,
                      const struct ring_sqe *e)
{
    uint32_t tail = AT(uint32_t, t->sq_tail), i = tail & (t->sq_entries - 1);

    memcpy((struct ring_sqe *)t->sqes.addr + i, e, sizeof(*e));
    if (t->sq_array.addr) {
        ((volatile uint32_t *)t->sq_array.addr)[i] = i;
    }
    atomic_store((uint32_t *)t->sq_tail.addr, tail + 1);
    target_ring_submit(index, 1);
}

static int ring_wait(struct target_ring *t, uint64_t user_data)
{
    uint32_t head = AT(uint32_t, t->cq_head);
    const struct ring_cqe *c =
        (struct ring_cqe *)t->cqes.addr + (head & (t->cq_entries - 1));

    while (atomic_load((uint32_t *)t->cq_tail.addr) == head) {
        target_vcpu_wait(UINT64_MAX);
    }
    MUST(c->user_data == user_data);
    atomic_store((uint32_t *)t->cq_head.addr, head + 1);
    return c->res;
}

static int ring_do(unsigned index, struct target_ring *t, struct ring_sqe e)
{
    static uint64_t name;

    e.user_data = ++name;
    ring_push(index, t, &e);
    return ring_wait(t, e.user_data);
}

static void try_file(struct target_ring *t, char *buf)
{
    int fd;

    memcpy(buf, "/proc/self/status", 18);
    fd = ring_do(0, t,
                 (struct ring_sqe){.opcode = RINGOP_OPENAT,
                                   .fd = -100,
                                   .addr = (uint64_t)buf});
    MUST(fd >= 0);
    MUST(ring_do(0, t,
                 (struct ring_sqe){.opcode = RINGOP_READ,
                                   .fd = fd,
                                   .addr = (uint64_t)buf,
                                   .len = 5,
                                   .off = UINT64_MAX}) == 5);
    MUST(!memcmp(buf, "Name:", 5));
    MUST(ring_do(0, t,
                 (struct ring_sqe){.opcode = RINGOP_READ,
                                   .fd = fd,
                                   .addr = (uint64_t)buf,
                                   .len = 4,
                                   .off = 0}) == 4);
    MUST(!memcmp(buf, "Name", 4));
    MUST(ring_do(0, t, (struct ring_sqe){.opcode = RINGOP_CLOSE, .fd = fd}) ==
         0);
    MUST(ring_do(0, t, (struct ring_sqe){.opcode = RINGOP_CLOSE, .fd = fd}) ==
         -EBADF);
}

/* A pipe comes from the host program's side as descriptor 0 or not at all, so
 * a poll that waits is tried on an epoll descriptor, which is never ready. */
static void try_cancel(struct target_ring *t, char *buf)
{
    uint32_t head = AT(uint32_t, t->cq_head);
    struct ring_sqe poll = {
        .opcode = RINGOP_POLL_ADD, .op_flags = 1, .user_data = 77};
    struct ring_sqe remove = {
        .opcode = RINGOP_POLL_REMOVE, .addr = 77, .user_data = 78};
    int seen = 0;

    memcpy(buf, "/proc/self/mounts", 18);
    poll.fd = ring_do(0, t,
                      (struct ring_sqe){.opcode = RINGOP_OPENAT,
                                        .fd = -100,
                                        .addr = (uint64_t)buf});
    MUST(poll.fd >= 0);
    poll.op_flags = 2; /* POLLPRI: only when mounts change */
    ring_push(0, t, &poll);
    target_vcpu_wait(target_clock() + 20000000);
    MUST(AT(uint32_t, t->cq_tail) == head + 1);
    remove.fd = poll.fd;
    ring_push(0, t, &remove);
    while (AT(uint32_t, t->cq_tail) != head + 3) {
        target_vcpu_wait(UINT64_MAX);
    }
    for (uint32_t i = head + 1; i != head + 3; i++) {
        const struct ring_cqe *c =
            (struct ring_cqe *)t->cqes.addr + (i & (t->cq_entries - 1));

        seen += c->user_data == 77 && c->res == -ECANCELED;
        seen += c->user_data == 78 && c->res == 0 ? 10 : 0;
    }
    MUST(seen == 11);
    atomic_store((uint32_t *)t->cq_head.addr, head + 3);
}

static void rings_complete_and_wake(void)
{
    struct target_ring ring[TARGET_RINGS];
    struct hptr bounce;
    uint64_t len, start;
    char *buf;

    MUST(!target_bounce(&bounce, &len) && len >= 1 << 20);
    buf = (char *)bounce.addr;
    for (unsigned i = 0; i < TARGET_RINGS; i++) {
        MUST(!target_ring_setup(i, &ring[i]));
    }
    MUST(target_ring_setup(TARGET_RINGS, &ring[0]) == -EINVAL);
    try_file(&ring[0], buf);
    start = target_clock();
    for (int i = 0; i < 5000; i++) {
        MUST(ring_do(0, &ring[0], (struct ring_sqe){.opcode = RINGOP_NOP}) ==
             0);
    }
    mini_say("# ring 0: %lu ns per operation", (target_clock() - start) / 5000);
    start = target_clock();
    memcpy(buf, "/proc/self/exe", 15);
    for (int i = 0; i < 5000; i++) {
        MUST(ring_do(1, &ring[1],
                     (struct ring_sqe){.opcode = HOSTOP_READLINK,
                                       .fd = -100,
                                       .addr = (uint64_t)buf,
                                       .off = (uint64_t)buf + 4096,
                                       .len = 4096}) > 0);
    }
    mini_say("# ring 1: %lu ns per operation", (target_clock() - start) / 5000);
    MUST(ring_do(1, &ring[1], (struct ring_sqe){.opcode = 200}) == -EINVAL);
    try_cancel(&ring[0], buf);
}

/* ---- the outside ---- */

static void host_signals_arrive(void)
{
    uint64_t until = target_clock() + 10 * SECOND;

    while (!atomic_load(&mini_signals)) {
        MUST(target_clock() < until);
        target_vcpu_wait(until);
    }
    MUST(mini_signals == 1ull << 10);
}

static void exit_status_is_passed_on(void)
{
    target_stop(42 << 8);
}

static void death_by_signal_is_passed_on(void)
{
    target_stop(11);
}

#define TEST(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }
static const struct {
    const char *name;
    void (*run)(void);
} tests[] = {
    TEST(system_calls_trap),
    TEST(ticks_keep_every_register),
    TEST(no_tick_is_lost_on_the_short_way_out),
    TEST(no_tick_is_lost_on_the_full_way_out),
    TEST(no_tick_is_lost_on_the_way_by_frame),
    TEST(ticks_by_frame_keep_every_register),
    TEST(single_steps_are_told),
    TEST(resuming_nowhere_is_the_programs_fault),
    TEST(resuming_with_bad_vectors_is_the_programs_fault),
    TEST(faults_are_told),
    TEST(a_changed_gs_is_told),
    TEST(user_copies_have_fixups),
    TEST(memory_commits_and_releases),
    TEST(kicks_end_waits),
    TEST(kicks_interrupt_user_code),
    TEST(waits_end_at_their_deadline),
    TEST(an_idle_vcpu_sleeps_after_a_tick),
    TEST(the_clock_is_the_hosts),
    TEST(random_bytes_differ),
    TEST(rings_complete_and_wake),
    TEST(host_signals_arrive),
    TEST(exit_status_is_passed_on),
    TEST(death_by_signal_is_passed_on),
    TEST(kernel_faults_end_it),
};

bool mini_run(const char *name)
{
    for (unsigned i = 0; i < ARRAY_SIZE(tests); i++) {
        if (!strcmp(name, tests[i].name)) {
            tests[i].run();
            return true;
        }
    }
    return false;
}
