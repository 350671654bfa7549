/* SPDX-License-Identifier: MIT
 *
 * The kernel as a target sees it: what a target calls, and what it hands over
 * at the start. Everything else is internal.
 *
 * Boot order: the target fills struct boot_info, calls kernel_main() on a
 * stack of its own on the first host thread; kernel_main() never returns.
 */
#ifndef KERNEL_KERNEL_H
#define KERNEL_KERNEL_H

#include "lib/types.h"

struct user_regs;
struct policy;

enum { VCPU_MAX = 64 };

/* Where the root file system comes from. */
enum root_kind {
    ROOT_IMAGE, /* a verified image: image_fd, image_size, root_hash */
    ROOT_HOST,  /* the host's tree under host_root, untrusted, read-only */
    ROOT_EMPTY, /* a tmpfs alone; tests */
};

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* One of descriptors 0, 1, 2 as it was at the start: shown to programs, never
 * relied on. */
struct host_stream {
    bool open, tty;
    uint32_t mode; /* S_IF* and permissions */
    uint32_t rdev_major, rdev_minor;
    uint64_t size;
};

struct host_mount {
    const char *target; /* absolute */
    int fd;             /* of the host: an O_PATH directory */
    bool read_only;
};

/* Protection keys (SDM vol. 3A 4.6.2): the numbers of those that are ours to
 * use. The target gives the kernel's part of the arena and the kernel's data
 * the first one, struct vcpu the second. */
struct memory_keys {
    uint8_t kernel, vcpu;
    uint8_t shared; /* pages of shared objects */
    uint8_t programs[14];
    uint8_t program_count; /* 0: no keys here, or they are not wanted */
};

/* What of the programs' part is not theirs: multiples of 4 GiB. */
struct user_hole {
    uint64_t start, end; /* equal: none */
};
enum { USER_HOLES = 2 };

/* Filled by the target, in memory that it does not change afterwards. On a
 * TEE every field is either measured or checked by the target. */
struct boot_info {
    uint64_t user_start, user_end;     /* the programs' part of the arena */
    uint64_t kernel_start, kernel_end; /* the kernel's own part */
    struct user_hole user_holes[USER_HOLES]; /* in order of address */
    /* From here to the end of either part, or its next hole, target_mem_show()
     * can take memory; 0 where it cannot. */
    uint64_t user_shown, kernel_shown;
    bool commit_is_lazy; /* committing costs nothing until a page is used */
    bool swap_copies;    /* processes that take turns: by bytes, not by moves */
    bool faults_count;   /* page faults come and are true; else all content of
                          * a mapping has to be there before it is used */
    bool cpuid_traps;    /* CPUID is worth to be rewritten */
    bool read_ahead;     /* a transition costs more than reading in vain */
    /* Entries of ring 0 may point to memory of the arena, and one with
     * MSG_DONTWAIT is done when target_ring_submit() returns. */
    bool host_reads_memory;
    /* What stands in for the TSC; NULL: RDTSC works. */
    uint64_t (*tsc)(void);
    uint64_t cycles_per_1024ns; /* tsc's; 0: target_clock_info() has it */
    unsigned vcpu_count;
    uint64_t memory_limit; /* bytes; 0: none */
    uint64_t swap_limit;   /* of what fork(2) may copy, bytes; 0: none */

    enum root_kind root;
    int image_fd;        /* host descriptors, for hostio */
    uint64_t image_at;   /* where in it the image begins, whole blocks */
    uint64_t image_size; /* bytes of the image file */
    uint8_t root_hash[32];
    /* Where the host shows the file image_fd, from its start on: its own
     * memory, which it changes as it likes. target_mem_install() takes from
     * there. 0: nowhere, it is read through the rings. */
    uint64_t image_map, image_map_len;
    /* What an earlier run of the same image left, where that can be trusted as
     * much as the target itself (kernel/mm/stock.h): a file, read-only at
     * stock, whose pages target_mem_show() shows. 0: nothing. And where this
     * run may leave one: in the directory stock_dir, under a name of its own
     * first; it begins with the page stock_key. stock_name NULL: nowhere. */
    uint64_t stock, stock_len;
    int stock_dir;
    const void *stock_key;
    const char *stock_name, *stock_temp;
    int host_root_fd; /* an O_PATH directory, or -1 */

    const char *program;     /* path inside the root */
    const char *const *argv; /* NULL-terminated */
    const char *const *envp; /* NULL-terminated */
    const char *cwd;         /* absolute */
    const char *hostname;
    uint32_t uid, gid;
    uint32_t umask;
    struct host_stream streams[3];
    uint64_t ignored_signals; /* by process 1 at first; signal n is bit n - 1 */

    enum log_level log_level;
    bool strace, stats;

    bool isolation; /* use protection keys where there are some */
    struct memory_keys keys;

    /* A bundle's (abi/policy.h), checked: its mounts, limits and network
     * rules apply. NULL: none, everything is allowed. */
    const struct policy *policy;
    const int *mount_fds; /* O_PATH, one a mount of policy, or -1 */
    /* Directories of the host to be seen inside, read-only and untrusted. */
    const struct host_mount *host_mounts;
    unsigned host_mount_count;

    /* Fault injection: the n-th one after the boot fails; 0: none does. */
    uint64_t fault_alloc, fault_io;
};

/* Starts the kernel on vCPU 0. */
_Noreturn void kernel_main(const struct boot_info *info);

/* Entered by target_vcpu_start() on a new host thread, GS base set by
 * vcpu_enter(). */
_Noreturn void kernel_vcpu_start(unsigned id);

enum trap_kind {
    TRAP_TICK,    /* the tick or a kick, in user code */
    TRAP_SYSCALL, /* a SYSCALL instruction; rip is just after it */
    TRAP_FAULT,   /* a CPU exception in user code */
};

struct trap {
    enum trap_kind kind;
    unsigned vector;  /* TRAP_FAULT: SDM vol. 3A 6.15 */
    uint64_t error;   /* its error code */
    uint64_t address; /* #PF: the address; else 0 */
};

/* User code was interrupted. The target has copied the registers to
 * vcpu_trap_regs() and the vector state to vcpu_trap_fpu() of the current
 * task, and runs on that task's kernel stack below them. Never returns. */
_Noreturn void kernel_trap(const struct trap *trap);

/* A fault in kernel text at *rip, at address (0 if unknown). True: *rip, *rax
 * and *rdx are changed so that execution goes on in a fixup. False: our bug;
 * the target then calls kernel_panic_fault(). May be called in a signal
 * handler: takes no lock. */
bool kernel_fault_fixup(uint64_t *rip, uint64_t *rax, uint64_t *rdx,
                        uint64_t address, uint64_t error);
_Noreturn void kernel_panic_fault(unsigned vector, uint64_t rip, uint64_t rsp,
                                  uint64_t address);

/* True when rip lies in kernel text (not in the target). Takes no lock. */
bool kernel_owns_rip(uint64_t rip);

/* Whether kernel text at rip is to run with a program's rights: the first and
 * the last instructions of a system call, where protection keys are in use. */
bool kernel_is_passage(uint64_t rip);

/* Where a trap at rip really stands for the program: rip inside a system call
 * trampoline is moved to the site it serves. Takes no lock. */
uint64_t kernel_user_rip(uint64_t rip);

/* A signal for the whole instance from outside (SIGINT, SIGTERM, SIGWINCH...),
 * or SIGQUIT, which dumps the state of every task when the log level is DEBUG.
 * Only sets flags and kicks; may be called in a signal handler. */
void kernel_signal(int signo);

#endif
