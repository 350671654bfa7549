/* SPDX-License-Identifier: MIT
 *
 * The machinery of mini.h: enough of kernel.h for the target to run on.
 */
#include "target/linux/tests/mini.h"
#include "lib/fmt.h"
#include "lib/string.h"

enum { CODE_SIZE = 0x10000, STACK_SIZE = 0x10000, SIGNAL_ALARM = 14 };

struct mini_task mini_tasks[VCPU_MAX];
const struct boot_info *mini_boot;
void (*mini_on_trap)(const struct trap *t, struct user_regs *r);
void (*mini_on_vcpu)(unsigned id);
uint64_t mini_signals;
bool mini_by_frame;

extern char __start_ktext[], __stop_ktext[];

long syscall_dispatch(struct user_regs *regs, uint32_t number);
void syscall_restarts(void);
void arch_exit_work(struct user_regs *regs);

void mini_say(const char *fmt, ...)
{
    char line[256];
    va_list args;
    size_t n;

    va_start(args, fmt);
    n = fmt_vscnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    target_log(line, n);
}

void mini_end(int failed)
{
    target_stop(failed << 8);
}

static struct mini_task *this_task(void)
{
    return &mini_tasks[this_vcpu()->id];
}

__attribute__((no_stack_protector)) static void enter(unsigned id)
{
    struct vcpu *v = vcpu_by_id(id);
    struct mini_task *t = &mini_tasks[id];

    v->self = v;
    v->id = id;
    v->task = (struct task *)t;
    v->kstack = (uint64_t)t->stack + KSTACK_SIZE;
    v->fpu = &t->fpu;
    v->fpu_saved = &t->fpu_saved;
    v->syscall_entry = (uint64_t)arch_syscall_entry;
    v->guard = 0x1122334455667700;
    vcpu_set_gs(v);
}

__attribute__((no_stack_protector)) void
kernel_main(const struct boot_info *info)
{
    mini_boot = info;
    enter(0);
    MUST(fpu_init());
    MUST(mini_run(info->program));
    mini_end(0);
}

__attribute__((no_stack_protector)) void kernel_vcpu_start(unsigned id)
{
    enter(id);
    mini_on_vcpu(id);
    for (;;) {
        target_vcpu_wait(UINT64_MAX);
    }
}

void mini_load(const void *code, const void *end, uint64_t arg)
{
    unsigned id = this_vcpu()->id;
    uint64_t at = 0x400000 + id * 0x100000ul;
    size_t len = (const char *)end - (const char *)code;
    static char page[VCPU_MAX][4096];
    struct user_regs *r = vcpu_trap_regs(this_vcpu());

    MUST(len <= sizeof(page[0]));
    memcpy(page[id], code, len);
    MUST(!target_mem_install(at, page[id], sizeof(page[id]),
                             MEM_READ | MEM_EXEC));
    MUST(!target_mem_commit(at + CODE_SIZE, STACK_SIZE, MEM_READ | MEM_WRITE));
    memset(r, 0, sizeof(*r));
    r->rip = at;
    r->rsp = at + CODE_SIZE + STACK_SIZE - 256;
    r->rflags = RFLAGS_FIXED;
    r->r12 = arg;
    r->full = 1;
    fpu_reset(&this_task()->fpu);
    this_task()->fpu_saved = 1;
}

void mini_enter_user(void)
{
    arch_user_return();
}

void arch_exit_work(struct user_regs *regs)
{
    struct mini_task *t = this_task();
    struct trap tick = {.kind = TRAP_TICK};

    while (atomic_xchg(&this_vcpu()->resched, 0)) {
        mini_on_trap(&tick, regs);
    }
    if (regs->full) {
        if (!t->fpu_saved) {
            fpu_save(&t->fpu);
        }
        t->fpu_saved = 0;
        if (mini_by_frame) {
            t->copy = t->fpu;
            target_user_resume(regs, &t->copy);
        }
        target_user_resume(regs, &t->fpu);
    }
    if (t->fpu_saved) {
        fpu_restore(&t->fpu);
        t->fpu_saved = 0;
    }
}

long syscall_dispatch(struct user_regs *regs, uint32_t number)
{
    struct trap t = {.kind = TRAP_SYSCALL};

    mini_on_trap(&t, regs);
    return (long)regs->rax;
}

void syscall_restarts(void)
{
}

void kernel_trap(const struct trap *trap)
{
    struct user_regs *r = vcpu_trap_regs(this_vcpu());

    if (trap->kind == TRAP_SYSCALL) {
        r->rcx = r->rip;
        r->r11 = r->rflags;
        r->full = 0;
    } else {
        MUST(r->orig_rax == UINT64_MAX && r->full == 1);
    }
    mini_on_trap(trap, r);
    arch_user_return();
}

bool kernel_is_passage(uint64_t rip)
{
    return false;
}

bool kernel_owns_rip(uint64_t rip)
{
    return rip >= (uint64_t)__start_ktext && rip < (uint64_t)__stop_ktext;
}

uint64_t kernel_user_rip(uint64_t rip)
{
    return rip;
}

bool kernel_fault_fixup(uint64_t *rip, uint64_t *rax, uint64_t *rdx,
                        uint64_t address, uint64_t error)
{
    uint64_t to = arch_fixup_find(*rip);

    if (to) {
        *rip = to;
    }
    return to != 0;
}

void kernel_panic_fault(unsigned vector, uint64_t rip, uint64_t rsp,
                        uint64_t address)
{
    mini_say("exception %u at ktext+%lx, address %lx, rsp %lx", vector,
             rip - (uint64_t)__start_ktext, address, rsp);
    mini_end(125);
}

void kernel_signal(int signo)
{
    if (signo == SIGNAL_ALARM) {
        mini_say("took too long");
        mini_end(1);
    }
    atomic_fetch_or(&mini_signals, 1ull << signo);
    target_vcpu_kick(0);
}
