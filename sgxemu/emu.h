/* SPDX-License-Identifier: MIT */
/*
 * sgxemu inside. Everything runs in the process of the program: its system
 * calls reach us by Syscall User Dispatch, its ENCLU by #UD, its CPUID by
 * CPUID faulting, and enclave memory carries protection keys that are closed
 * whenever a thread is outside enclave mode.
 *
 * Rules that hold everywhere after program_start() (main.c):
 *  - Our code runs only in signal handlers on our own alternate stacks, with
 *    the program's FS: no libc beyond mem*() and str*(), no errno, no malloc.
 *  - Our data has the protection key key_state, closed for the program. The
 *    kernel closes it at signal entry too, so a handler opens it first.
 *  - Program memory is touched only by user_read() and user_write() (user.c).
 *  - Asynchronous signals that arrive while our code runs are put off until
 *    it returns (signals.c), so no lock of ours can be taken twice.
 */
#ifndef SGXEMU_EMU_H
#define SGXEMU_EMU_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>

#include "abi/sgx.h"
#include "sgxemu/sys.h"

#define PAGE         4096ul
#define PAGE_DOWN(a) ((uint64_t)(a) & ~(PAGE - 1))
#define PAGE_UP(a)   PAGE_DOWN((uint64_t)(a) + PAGE - 1)

/* ---- options (options.c), read-only once the program runs ---- */
struct config {
    bool sgx1;           /* no EDMM; RDTSC is illegal inside */
    bool edmm;           /* SGX2 leaves */
    bool exinfo;         /* MISCSELECT.EXINFO */
    bool kss;            /* key separation and sharing */
    bool aexnotify;      /* AEX-Notify and EDECCSSA */
    bool abort_ff;       /* --abort-page ff */
    bool trace;          /* --trace */
    bool stats;          /* --stats */
    bool single_step;    /* --single-step */
    bool scan;           /* --scan */
    bool plain_enclu;    /* --plain-enclu: no twins */
    uint64_t aex_at;     /* AEX after so many instructions of an entry; 0: no */
    uint64_t aex_period; /* AEX after each so many, over exits; 0: no */
    uint64_t aex_seed;   /* --aex-random; 0: no */
    uint64_t aex_run;    /* and how many exits follow each other, on average */
    int aex_signal;      /* --aex-signal; 0: none */
    uint64_t epc_pages;  /* --epc; 0: as much as memory */
    int log_fd;          /* --log-build, or -1 */
    int trace_fd;
    const char *machine_path;
    const char *log_path;
    char self[256];     /* our executable */
    char program[4096]; /* what /proc/self/exe is to the program */
    char **options;     /* our own argv before "--", for execve */
    int option_count;
};
extern struct config config;

/* The secrets of this "machine": keys.c reads them from --machine FILE. */
struct machine {
    uint8_t root_key[32];
    uint8_t owner_epoch[16];
    uint8_t seal_fuses[16];
    uint8_t cpu_svn[16];
    uint8_t report_key_id[32];
};
extern struct machine machine;

/* ---- threads (threads.c) ---- */
#define STACK_SIZE  (256 * 1024ul) /* one alternate stack, aligned to itself */
#define STACK_COUNT 4096
#define FORCED_SIGNALS                                                         \
    (1ul << (SIGILL - 1) | 1ul << (SIGTRAP - 1) | 1ul << (SIGBUS - 1) |        \
     1ul << (SIGFPE - 1) | 1ul << (SIGSEGV - 1) | 1ul << (SIGSYS - 1))

struct sighand { /* what CLONE_SIGHAND shares; sighand_lock */
    int references;
    struct ksigaction action[65];
};

struct enclave;

struct thread {
    int tid; /* 0: free */
    bool exiting;
    struct sighand *sighand;
    stack_t altstack;     /* the program's */
    uint64_t forced_mask; /* which FORCED_SIGNALS the program has blocked */
    uint64_t held;        /* FORCED_SIGNALS that wait for that to end */
    siginfo_t held_info[32];
    bool waiting; /* in a call with a mask of its own, wait_mask (sys_wait.c) */
    uint64_t wait_mask;
    siginfo_t deferred; /* arrived while our code ran; see signals.c */

    struct enclave *enclave; /* not NULL: in enclave mode */
    uint64_t tcs;            /* its address, in enclave mode */
    uint64_t host_fs, host_gs;
    bool host_tf; /* CR_SAVE_TF: the trap flag, for after the enclave */
    uint32_t outside_pkru; /* as the program set it, without our bits */
    int abort_register; /* --abort-page ff: moved, plus 1; 0: none (abort.c) */
    uint64_t abort_base, abort_moved, abort_was;
    uint64_t steps_left; /* to the next injected AEX; 0: none */
    bool steps_pushf;    /* the instruction that is stepped is PUSHF */
    uint64_t random;     /* state of --aex-random */
};

/* At the bottom of an alternate stack, on key 0: entry.S reads it. */
struct stack_head {
    uint32_t deferred; /* thread.deferred holds a signal */
    uint64_t tail; /* of fast_return(), and the slot that it jumps through */
    uint64_t *slot;
};
_Static_assert(offsetof(struct stack_head, tail) == 8, "entry.S");
_Static_assert(offsetof(struct stack_head, slot) == 16, "entry.S");

struct thread *thread_current(void);
struct stack_head *thread_head(struct thread *t);
void threads_init(void);
struct thread *thread_new(void);
struct thread *thread_first(void);
void thread_free(struct thread *t);
void thread_arm(struct thread *t);
bool threads_inside(const struct enclave *e);
/* Whether that stack pointer is on one of our alternate stacks. */
bool thread_on_stack(uint64_t sp);
long thread_sys_clone(struct thread *t, ucontext_t *uc, long nr);
void thread_sys_exit(struct thread *t, ucontext_t *uc);
/* The process's lock: VMAs, chunk tables, thread and sighand tables. */
void process_lock(void);
void process_unlock(void);

/* ---- traps (trap.c) and their exits (entry.S) ---- */
#define REG(uc, r) ((uc)->uc_mcontext.gregs[REG_##r])
#define NO_VECTOR  (-1)
enum {
    VEC_DE = 0,
    VEC_DB = 1,
    VEC_BP = 3,
    VEC_UD = 6,
    VEC_GP = 13,
    VEC_PF = 14
};

struct fault {
    int vector; /* NO_VECTOR: none */
    uint32_t error;
    uint64_t address;
};

void trap_handler(int sig, siginfo_t *info, void *context);
void trap_report(struct thread *t, ucontext_t *uc, siginfo_t *info,
                 struct fault fault);
_Noreturn void nested_return(ucontext_t *uc);
_Noreturn void fast_return(ucontext_t *uc);
extern char fast_return_begin[], fast_return_end[], return_tails[];
#define TAIL_SIZE 32
#define TAIL_JUMP 16 /* where the jump is in each */
extern char trap_return[], trap_return_end[];
extern char gate_check[], gate_end[], gate_abort[];
extern char usercopy_begin[], usercopy_end[];
/* Runs a system call as the program: its PKRU, its signals. -512: a signal
 * came first, run the instruction again after it. */
long gate_syscall(const long call[7], uint32_t pkru, uint32_t *deferred);

/* ---- program memory (user.c) ---- */
/* 0 or -EFAULT. n bytes, through a bounce on our stack. */
long user_read(ucontext_t *uc, void *to, uint64_t from, size_t n);
long user_write(ucontext_t *uc, uint64_t to, const void *from, size_t n);
/* A NUL-terminated string; -EFAULT, -ENAMETOOLONG. */
long user_string(ucontext_t *uc, char *to, uint64_t from, size_t size);

/* ---- vector state in a signal frame (xstate.c) ---- */
void xstate_init(void);
uint32_t frame_pkru(ucontext_t *uc);
void frame_set_pkru(ucontext_t *uc, uint32_t value);
uint32_t frame_xstate_size(ucontext_t *uc);
void frame_keep_initial(ucontext_t *uc);
uint64_t frame_xfeatures(ucontext_t *uc);
uint64_t xstate_mask(void); /* XCR0, less what no enclave may have */
uint32_t xstate_size(uint64_t xfrm);
uint32_t xstate_offset(int component, uint32_t *size);

/* ---- protection keys (pkeys.c) ---- */
extern int key_state, key_enclave;
/* What is on key 0, and so there for code that runs with our memory closed.
 * The first page is read-only once the program runs. */
struct open_pages {
    volatile uint32_t keys_present[1024];
    uint64_t return_slots[STACK_COUNT];
};
extern struct open_pages open_pages;
static inline bool key_state_present(void)
{
    return open_pages.keys_present[0] != 0;
}
void pkeys_init(void);
void pkeys_protect_state(void);
uint32_t pkru_inside(struct thread *t, uint32_t outside);
uint32_t pkru_outside(struct thread *t, uint32_t inside);
uint32_t pkru_closed(uint32_t value);
void pkeys_use(int key);

/* ---- signals (signals.c, deliver.c) ---- */
void signals_init(void);
void signal_sync_install(int sig);
void signal_defer(struct thread *t, ucontext_t *uc, siginfo_t *info);
void signal_deferred(ucontext_t *uc); /* called by entry.S */
void signal_arrive(struct thread *t, ucontext_t *uc, siginfo_t *info);
void signal_deliver(struct thread *t, ucontext_t *uc, siginfo_t *info,
                    bool forced);
bool signal_syscall(struct thread *t, ucontext_t *uc, long nr, long *result);
void signal_release_held(struct thread *t, ucontext_t *uc);

/* ---- system calls (syscalls.c and sys_*.c) ---- */
/* False: the frame is one that the program made, for the kernel to check. */
bool syscall_trap(struct thread *t, ucontext_t *uc, int nr);
/* Each room answers true when the call was its own. */
bool file_syscall(struct thread *t, ucontext_t *uc, long nr, long *result);
bool memory_syscall(struct thread *t, ucontext_t *uc, long nr, long *result);
bool exec_syscall(struct thread *t, ucontext_t *uc, long nr, long *result);
bool wait_syscall(struct thread *t, ucontext_t *uc, long nr, long *result);
/* The kernel's own. */
long syscall_pass(struct thread *t, ucontext_t *uc, long nr);
void memory_set_brk(uint64_t start, uint64_t end);

/* ---- CPUID and RDTSC (cpuid.c) ---- */
void cpuid_init(void);
void cpuid_arm(void);
bool cpuid_trap(ucontext_t *uc, const uint8_t *insn);
bool tsc_trap(ucontext_t *uc, const uint8_t *insn);

/* ---- the vDSO (vdso.c) ---- */
extern uint64_t vdso_base, vdso_enclu, vdso_fixup;
int vdso_install(uint64_t real_vdso);
bool vdso_is_enclu(ucontext_t *uc);
bool vdso_take_fault(ucontext_t *uc, struct fault fault);

/* ---- loading (loader.c, start.c) ---- */
struct image {
    uint64_t entry, base, phdr, end;
    int phnum;
    char interpreter[256];
};
int image_load(const char *path, struct image *image);
/* 0, or -errno of execve(2) for a file of that kind. */
int image_check(const char *path, char *interpreter, char *argument);
void program_jumps(void);
_Noreturn void program_start(int argc, char **argv, char **envp);

/* ---- observability (trace.c) ---- */
enum counter {
    STAT_EENTER,
    STAT_EEXIT,
    STAT_ERESUME,
    STAT_AEX_SIGNAL,
    STAT_AEX_INJECTED,
    STAT_AEX_DE,
    STAT_AEX_DB,
    STAT_AEX_BP,
    STAT_AEX_UD,
    STAT_AEX_GP,
    STAT_AEX_PF,
    STAT_AEX_OTHER,
    STAT_EACCEPT,
    STAT_EACCEPTCOPY,
    STAT_EMODPE,
    STAT_EREPORT,
    STAT_EGETKEY,
    STAT_EDECCSSA,
    STAT_EAUG,
    STAT_SYSCALL,
    STAT_RECLAIM,
    STAT_RELOAD,
    STAT_ILLEGAL,
    STAT_COUNT
};
extern uint64_t stats[STAT_COUNT];
#define stat_add(which) __atomic_add_fetch(&stats[which], 1, __ATOMIC_RELAXED)
void stats_print(void);
/* A tiny printf: %s %d %u %x (all 64-bit). One write. */
void emu_log(int fd, const char *format, ...);
#define trace(...)                                                             \
    do {                                                                       \
        if (config.trace) {                                                    \
            emu_log(config.trace_fd, __VA_ARGS__);                             \
        }                                                                      \
    } while (0)
#define complain(...) emu_log(2, __VA_ARGS__)
/* A bug of the emulator: says so and ends the process. */
_Noreturn void emu_panic(const char *what, uint64_t a, uint64_t b);

#endif
