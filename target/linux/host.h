/* SPDX-License-Identifier: MIT
 *
 * What the files of target/linux share. Two kinds of code live here:
 *
 * - vCPU side (stub.S trap.c resume.c vcpu.c mem.c move.c clock.c random.c
 * ring.c pool_ring.c stop.c): runs on vCPU threads while the program's FS base
 * and vector registers are live. Built without vector registers, stack
 * protector and libc; linked apart (`ld -r`), and `make lint` checks what it
 * refers to.
 * - host side (run.c arena.c keys.c signals.c calibrate.c uring.c pool.c ...):
 * the main thread and the pool's threads, ordinary code with libc, which never
 *   runs a program.
 */
#ifndef TARGET_LINUX_HOST_H
#define TARGET_LINUX_HOST_H

#define VCPU_FPU 56 /* of struct vcpu */

#ifndef __ASSEMBLER__

#include <signal.h>
#include <ucontext.h>
#include "lib/types.h"
#include "lib/atomic.h"
#include "kernel/kernel.h"
#include "arch/x86_64/vcpu.h"
#include "target/target.h"
#include "target/linux/linux.h"

/* ---- raw system calls (stub.S) ---- */

long stub_syscall(long nr, long a, long b, long c, long d, long e, long f);
long stub_clone(long flags, void *stack_top, int *parent_tid,
                void (*fn)(void *), void *arg);
_Noreturn void stub_resume(void *uc);
_Noreturn void stub_run_on(uint64_t sp, void (*fn)(void *), void *arg);
void stub_restorer(void);
void stub_handler_keys(int sig, siginfo_t *si, void *context);
extern char stub_handler_open[]; /* in it: from here on all is open */
extern char stub_resume_end[];
extern char __start_target_stub[], __stop_target_stub[];

#define RAW(nr, ...) RAW_(nr, __VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define RAW_(nr, a, b, c, d, e, f, ...)                                        \
    stub_syscall(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e),    \
                 (long)(f))

/* ---- one vCPU's host thread ---- */

enum {
    /* A vCPU's block, by offset: struct host_vcpu, a guard page, the alternate
     * signal stack, a guard page, the stack that the thread starts on. */
    HOST_BLOCK = 1 << 17, /* size and alignment */
    HOST_GUARD = 8192,
    HOST_ALTSTACK = HOST_GUARD + 4096,
    HOST_ALTSTACK_SIZE = (1 << 16) - HOST_ALTSTACK,
    /* At its bottom, what struct vcpu.scratch is: user code may write to an
     * alternate stack, or older kernels could put no signal frame there. */
    HOST_SCRATCH = 64,
    HOST_STACK = (1 << 16) + 4096,
    /* Linux sends these two for interval timers alone, and there is none;
     * gdb knows them by name. Unlike a real-time signal they cannot fail to be
     * queued, and pending ones merge. Two, since Linux 6.13 drops the pending
     * signal of a timer that was set anew, and with it a kick that had merged
     * with it. */
    SIG_KICK = SIGPROF,
    SIG_TICK = SIGVTALRM,
    SERVICE_VCPU = VCPU_MAX, /* the block that the service thread uses */
};

/* The frame rt_sigreturn reads: target_user_resume() fills it. */
struct resume_frame {
    ucontext_t uc;
    _Alignas(64) uint8_t fpu[FPU_AREA_MAX + 64]; /* + FP_XSTATE_MAGIC2 */
};

/* At the start of the vCPU's block: a handler finds it from its own stack
 * pointer. Written by its own thread except where noted. */
struct host_vcpu {
    struct vcpu *vcpu; /* what GS base must be */
    uint32_t id;
    uint32_t wake;    /* atomic, by kickers: end the (next) wait */
    uint32_t waiting; /* atomic: sleeps in target_vcpu_wait() */
    uint32_t kicked;  /* atomic, by kickers: SIG_KICK is on its way */
    int tid;          /* atomic; 0: not running yet */
    int epoll, eventfd, timer;
    int copy_fd;        /* for copies from the image; 0: not opened yet */
    uint64_t tick;      /* target_vcpu_tick()'s deadline */
    bool tick_borrowed; /* the timer is set to look again, not to tick */
    uint32_t looks;     /* in a row, with the vCPU at looked_at */
    uint64_t looked_at;
    uint64_t clock; /* the latest target_clock() */
    struct resume_frame frame;
};
_Static_assert(sizeof(struct host_vcpu) <= HOST_GUARD, "vCPU block");

/* ---- the whole instance ---- */

#define KEY_PIECE (2ul << 20)

struct host {
    uint64_t user_start, user_end, kernel_start, kernel_end;
    struct user_hole user_holes[USER_HOLES];
    uint64_t user_shown, kernel_shown;  /* as in boot_info */
    uint64_t shown_size;                /* of either; 0: nothing is */
    int user_shown_fd, kernel_shown_fd; /* what is there */
    char kernel_shown_path[32];         /* of the latter, in /proc */
    uint64_t stock, stock_len;          /* as in boot_info */
    int stock_fd;
    uint64_t blocks; /* VCPU_MAX + 1 blocks, aligned to HOST_BLOCK */
    unsigned vcpu_count;
    int pid;
    int log_fd;
    int io_eventfd;   /* completions of both rings */
    uint32_t waiters; /* atomic: vCPUs in target_vcpu_wait() */
    int mem_fd;       /* /proc/self/mem, or -1 */
    int pagemap_fd;   /* /proc/self/pagemap, or -1 */
    bool use_seccomp; /* no SUD here: trap by instruction address */
    uint32_t fp_size; /* sw_reserved of this kernel's signal frames */
    uint32_t fp_extended;
    uint64_t fp_features;
    uint32_t fp_pkru;        /* where PKRU is in them; 0: nowhere */
    bool use_keys;           /* protection keys: boot->keys */
    uint8_t *key_pieces;     /* of the arena; a byte for KEY_PIECE bytes */
    unsigned user_shown_key; /* of all of [user_shown, user_end) instead */
    bool tty_saved; /* tty_modes (struct termios of the kernel) is valid */
    uint8_t tty_modes[64];
    const struct boot_info *boot;
    uint32_t stopping; /* atomic */
};
extern struct host host;

static inline struct host_vcpu *host_vcpu(unsigned id)
{
    return (struct host_vcpu *)(host.blocks + (uint64_t)id * HOST_BLOCK);
}

static inline struct host_vcpu *this_host_vcpu(void)
{
    return host_vcpu(this_vcpu()->id);
}

/* mem.c: whether the kernel may ask for [addr, addr+len) at all. */
bool mem_in_arena(uint64_t addr, uint64_t len);
/* target_mem_touched(), or -1 where the host cannot tell. */
long mem_scan(uint64_t *from, uint64_t to, bool written, struct mem_run *runs,
              unsigned max);
/* mem.c: the protection of pages of the arena, and their key: the one place
 * where they get it. What is mapped anew (MAP_FIXED) has none before this. */
long mem_set_protection(uint64_t addr, uint64_t len, int prot);

/* stock.c: after keys_find(). Fills in what boot says of the stock, where the
 * command has named a directory for it. */
#define STOCK_ROOM (1ul << 40) /* for it, at the end of the kernel's part */
void stock_open(struct boot_info *boot);

/* keys.c. keys_find: fills in what there is, unless there is too little or
 * boot says not to use them. keys_close: what this process has outside the
 * arena becomes the kernel's; threads that are made later may touch it if the
 * caller may. */
void keys_find(struct boot_info *boot);
int keys_close(void);

/* trap.c: installs the handlers of the whole process. */
int trap_init(void);
/* A thread of its own becomes vCPU id and calls kernel_main() (0) or
 * kernel_vcpu_start(). */
int vcpu_thread_start(unsigned id);
/* Makes the timer interrupt this vCPU soon, though no tick was asked for; later
 * the more bytes of its alternate stack are in use, and the more often it was
 * found at this place. */
void vcpu_look_again(struct host_vcpu *h, uint64_t rip, uint64_t stack_used);
/* Sets the timer back to the tick that the kernel asked for. */
void vcpu_return_tick(struct host_vcpu *h);

/* resume_short.S: on the way to user code by the short way. From resume_loads
 * on, the task's registers and vector state are known to stand where a trap
 * puts them, and stay there until the program runs. */
extern char resume_loads[], resume_end[];
void on_signal(int sig, siginfo_t *si, void *context); /* trap.c */
/* resume.c: on the way by a signal frame. */
_Noreturn void resume_by_frame(const struct user_regs *regs,
                               const struct fpu_area *fpu);
bool resume_by_frame_owns_rip(uint64_t rip);
/* The frame's mask: what is blocked while user code runs. */
extern uint64_t vcpu_sigmask;

/* ---- clock.c: written by the host side ---- */

/* One straight piece of the clock; the sequence is odd while it changes. */
struct clock_piece {
    uint32_t sequence;
    uint32_t mult, shift; /* mult 0: ask the host each time */
    uint64_t base_tsc, base_ns;
    int64_t realtime_offset;
};
extern struct clock_piece clock_piece;
uint64_t clock_piece_at(const struct clock_piece *p, uint64_t tsc);

/* calibrate.c. calibrate_step: corrects the clock against the host's; returns
 * how many ns to wait before the next step. */
void calibrate_start(void);
void calibrate_finish(void);
uint64_t calibrate_step(void);

/* ---- rings ---- */

struct host_ring {
    struct target_ring view;
    int fd; /* of io_uring, or -1: the pool's */
};
extern struct host_ring host_rings[TARGET_RINGS];
extern uint64_t bounce_base, bounce_len;

/* uring.c: -errno when the host has no (usable) io_uring. */
int uring_setup(struct host_ring *ring, unsigned entries);
/* pool.c */
int pool_setup(struct host_ring *ring);
int pool_start(void);
/* ring.c: somebody should look at a completion queue. */
bool ring_has_completions(void);

/* ---- run.c: also for target/sgx/host ---- */

int host_make_rings(void);
void host_save_terminal(void);
void host_open_log(void);

/* ---- signals.c ---- */

/* Blocks what the service thread waits for; before the first thread.
 * with_ignored: also what is ignored, which the kernel knows. */
void signals_block(bool with_ignored);
/* A SIGSEGV that somebody sends is for a vCPU to take, which has its own mask:
 * with keys a handler has no rights on other threads. Their own faults are the
 * end anyway. After signals_block(). */
void signals_leave_faults(void);
/* Hands the host's signals to the kernel by deliver(); never returns. */
_Noreturn void signals_serve(void (*deliver)(int signo));

#endif
#endif
