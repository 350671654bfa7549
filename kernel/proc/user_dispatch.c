/* SPDX-License-Identifier: MIT
 *
 * user_dispatch.h.
 */
#include "kernel/proc/user_dispatch.h"
#include "kernel/kernel.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/uaccess.h"
#include "abi/linux/errno.h"
#include "abi/linux/prctl.h"
#include "abi/linux/seccomp.h"
#include "abi/linux/signal.h"

int user_dispatch_set(uint64_t mode, uint64_t from, uint64_t len,
                      struct uptr selector)
{
    struct user_dispatch *d = &current_thread()->dispatch;

    switch (mode) {
    case PR_SYS_DISPATCH_OFF:
        if (from || len || selector.addr) {
            return -EINVAL;
        }
        break;
    case PR_SYS_DISPATCH_ON:
        if (from && from + len <= from) {
            return -EINVAL;
        }
        if (selector.addr && !mm_linux_range(selector.addr, 1)) {
            return -EFAULT;
        }
        break;
    default:
        return -EINVAL;
    }
    *d = (struct user_dispatch){
        .on = mode == PR_SYS_DISPATCH_ON,
        .from = from,
        .len = len,
        .selector = selector,
    };
    return 0;
}

void user_dispatch_reset(struct thread *t)
{
    t->dispatch = (struct user_dispatch){.on = false};
}

static void become_signal(struct user_regs *regs, uint64_t rip)
{
    struct k_siginfo info = {.signo = SIGSYS, .code = SYS_USER_DISPATCH};

    info.sys.call_addr = rip;
    info.sys.syscall = (int)regs->orig_rax;
    info.sys.arch = AUDIT_ARCH_X86_64;
    regs->rax = regs->orig_rax;
    signal_force(&info);
}

bool user_dispatch_check(struct thread *t, struct user_regs *regs)
{
    const struct user_dispatch *d = &t->dispatch;
    uint64_t rip = kernel_user_rip(regs->rip);
    uint8_t state = SYSCALL_DISPATCH_FILTER_BLOCK;

    if (!d->on || rip - d->from < d->len) {
        return false;
    }
    if (d->selector.addr && copy_from_user(&state, d->selector, 1)) {
        signal_force_end(
            &(struct k_siginfo){.signo = SIGSEGV, .code = SI_KERNEL});
        return true;
    }
    switch (state) {
    case SYSCALL_DISPATCH_FILTER_ALLOW:
        return false;
    case SYSCALL_DISPATCH_FILTER_BLOCK:
        become_signal(regs, rip);
        return true;
    default:
        signal_force_end(
            &(struct k_siginfo){.signo = SIGSYS, .code = SI_KERNEL});
        return true;
    }
}
