/* SPDX-License-Identifier: MIT
 *
 * The task dump. A task that sleeps shows where: the return addresses on its
 * kernel stack, as offsets into kernel text (addr2line -e build/kernel.o).
 */
#include "kernel/core/dump.h"
#include "kernel/core/log.h"
#include "kernel/core/sched.h"
#include "lib/fmt.h"

enum { FRAMES = 10, SWITCH_RBP = 5 /* words above ksp: arch_switch() */ };

static const char *state_name(uint32_t state)
{
    static const char *const names[] = {"running", "prepared", "sleeping",
                                        "dead"};
    return state < ARRAY_SIZE(names) ? names[state] : "?";
}

static bool on_stack(const struct task *t, uint64_t addr)
{
    return addr % 8 == 0 && addr >= t->kstack_top - KSTACK_SIZE &&
           addr + 16 <= t->kstack_top;
}

static void dump_frames(const struct task *t)
{
    uint64_t fp = on_stack(t, t->ksp) ? ((uint64_t *)t->ksp)[SWITCH_RBP] : 0;
    char line[FRAMES * 20];
    size_t n = 0;

    for (int i = 0; i < FRAMES && on_stack(t, fp); i++) {
        const uint64_t *frame = (const uint64_t *)fp;

        n += fmt_scnprintf(line + n, sizeof(line) - n, " +%lx",
                           frame[1] - (uint64_t)kernel_text_start());
        fp = frame[0];
    }
    if (n) {
        log_line(LOG_ERROR, "    at%s", line);
    }
}

static void dump_task(struct task *t, void *arg)
{
    const struct user_regs *r =
        (const struct user_regs *)(t->kstack_top - REGS_SIZE);

    log_line(LOG_ERROR, "task %s: %s%s vcpu %u, %lu switches, interrupted %u",
             t->name, state_name(t->state), t->on_vcpu ? " (on vcpu)" : "",
             t->vcpu, t->switches, t->interrupted);
    if (t->thread) {
        log_line(LOG_ERROR, "    user rip %lx rsp %lx call %ld rdi %lx rsi %lx",
                 r->rip, r->rsp, (long)r->orig_rax, r->rdi, r->rsi);
    }
    if (!t->on_vcpu && t->state != TASK_DEAD) {
        dump_frames(t);
    }
}

void dump_tasks(void)
{
    sched_for_each_task(dump_task, NULL);
}
