/* SPDX-License-Identifier: MIT */
/*
 * The program's system calls. Most go to the kernel as they are, with the
 * program's protection-key rights and signal mask (gate_syscall). What
 * touches the emulation is asked of each room in turn: signals, files,
 * memory, exec; the few per-thread ones are here.
 */
#include "sgxemu/enclave.h"

#include <errno.h>
#include <sys/prctl.h>

#define ARCH_SET_GS    0x1001
#define ARCH_SET_FS    0x1002
#define ARCH_GET_FS    0x1003
#define ARCH_GET_GS    0x1004
#define ARCH_GET_CPUID 0x1011
#define ARCH_SET_CPUID 0x1012
#define RESTART        (-512)

long syscall_pass(struct thread *t, ucontext_t *uc, long nr)
{
    long call[7] = {nr,           REG(uc, RDI), REG(uc, RSI), REG(uc, RDX),
                    REG(uc, R10), REG(uc, R8),  REG(uc, R9)};
    uint32_t pkru = key_state < 0 ? ~0u : pkru_closed(frame_pkru(uc));

    return gate_syscall(call, pkru, &thread_head(t)->deferred);
}

/* Handled by the kernel at once, without touching FS or GS of ours. */
static bool arch_prctl(ucontext_t *uc, long *result)
{
    uint64_t value = (uint64_t)REG(uc, RSI);

    *result = 0;
    switch (REG(uc, RDI)) {
    case ARCH_SET_FS:
    case ARCH_SET_GS:
        if (value >> 47) {
            *result = -EPERM;
        } else if (REG(uc, RDI) == ARCH_SET_FS) {
            write_fs(value);
        } else {
            write_gs(value);
        }
        return true;
    case ARCH_GET_FS:
    case ARCH_GET_GS: {
        uint64_t base = REG(uc, RDI) == ARCH_GET_FS ? read_fs() : read_gs();

        *result = user_write(uc, value, &base, 8);
        return true;
    }
    case ARCH_GET_CPUID:
        *result = 1;
        return true;
    case ARCH_SET_CPUID:
        *result = -ENODEV; /* taken */
        return true;
    default:
        return false;
    }
}

static bool thread_syscall(struct thread *t, ucontext_t *uc, long nr,
                           long *result)
{
    switch (nr) {
    case SYS_clone:
    case SYS_clone3:
    case SYS_fork:
    case SYS_vfork:
        *result = thread_sys_clone(t, uc, nr);
        return true;
    case SYS_exit:
        thread_sys_exit(t, uc);
        return true;
    case SYS_exit_group:
        if (config.stats) {
            stats_print();
        }
        return false;
    case SYS_arch_prctl:
        return arch_prctl(uc, result);
    case SYS_prctl:
        if (REG(uc, RDI) == 59) { /* PR_SET_SYSCALL_USER_DISPATCH: ours */
            *result = -EINVAL;
            return true;
        }
        return false;
    case SYS_rseq:
        *result = -ENOSYS; /* the kernel writes it with a handler's rights */
        return true;
    default:
        return false;
    }
}

static bool emulated(struct thread *t, ucontext_t *uc, long nr, long *result)
{
    switch (nr) {
    case SYS_open:
    case SYS_openat:
    case SYS_openat2:
    case SYS_stat:
    case SYS_lstat:
    case SYS_fstat:
    case SYS_newfstatat:
    case SYS_statx:
    case SYS_access:
    case SYS_faccessat:
    case SYS_faccessat2:
    case SYS_readlink:
    case SYS_readlinkat:
    case SYS_ioctl:
    case SYS_close:
    case SYS_close_range:
    case SYS_dup2:
    case SYS_dup3:
    case SYS_connect:
    case SYS_pread64:
    case SYS_pwrite64:
    case SYS_lseek:
    case SYS_fcntl:
        return file_syscall(t, uc, nr, result);
    case SYS_mmap:
    case SYS_munmap:
    case SYS_mprotect:
    case SYS_pkey_mprotect:
    case SYS_pkey_alloc:
    case SYS_pkey_free:
    case SYS_mremap:
    case SYS_madvise:
    case SYS_brk:
    case SYS_process_vm_readv:
    case SYS_process_vm_writev:
        return memory_syscall(t, uc, nr, result);
    case SYS_rt_sigaction:
    case SYS_rt_sigprocmask:
    case SYS_rt_sigpending:
    case SYS_rt_sigreturn:
    case SYS_sigaltstack:
        return signal_syscall(t, uc, nr, result);
    case SYS_rt_sigsuspend:
    case SYS_ppoll:
    case SYS_pselect6:
    case SYS_epoll_pwait:
    case SYS_epoll_pwait2:
        return wait_syscall(t, uc, nr, result);
    case SYS_execve:
    case SYS_execveat:
        return exec_syscall(t, uc, nr, result);
    default:
        return thread_syscall(t, uc, nr, result);
    }
}

/* The device has neither read nor write: EINVAL. Our memfd says EBADF. */
static long bad_file(ucontext_t *uc, long nr)
{
    bool transfers = nr == SYS_read || nr == SYS_write || nr == SYS_readv ||
                     nr == SYS_writev || nr == SYS_pread64 ||
                     nr == SYS_pwrite64;

    return transfers && enclave_known_fd((int)REG(uc, RDI)) ? -EINVAL : -EBADF;
}

bool syscall_trap(struct thread *t, ucontext_t *uc, int nr)
{
    uint64_t rip = (uint64_t)REG(uc, RIP);
    long result;

    stat_add(STAT_SYSCALL);
    if (!emulated(t, uc, nr, &result)) {
        result = syscall_pass(t, uc, nr);
        result = result == -EBADF ? bad_file(uc, nr) : result;
    }
    if (nr == SYS_rt_sigreturn) {
        signal_release_held(t, uc);
        return false;
    }
    if (result == RESTART) {
        /* A signal came first: its handler runs, then the call. */
        REG(uc, RIP) = (long)rip - 2;
        REG(uc, RAX) = nr;
        return true;
    }
    REG(uc, RAX) = result;
    REG(uc, RCX) = (long)rip;
    REG(uc, R11) = REG(uc, EFL);
    if (t->held) {
        signal_release_held(t, uc);
    }
    return true;
}
