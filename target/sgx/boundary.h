/* SPDX-License-Identifier: MIT
 *
 * What the enclave and its host program say to each other. Everything here
 * lies in the host's memory, which may change at any time: the enclave reads
 * each word once, into a copy that it checks. All members have 8 bytes, the
 * unit in which the enclave reads and writes out there.
 *
 * A vCPU's host thread enters its TCS and serves what its exchange asks for
 * when it comes out; then it enters again with the result in RDI. After an
 * asynchronous exit (a tick, an exception) it enters with CSSA = 1, gets
 * SGX_CALL_RESUME, and resumes.
 */
#ifndef TARGET_SGX_BOUNDARY_H
#define TARGET_SGX_BOUNDARY_H

#include <stdint.h>

enum sgx_call {
    SGX_CALL_NONE,
    SGX_CALL_RESUME,   /* ERESUME; a0: nanoseconds to a tick, 0: none */
    SGX_CALL_STOP,     /* a0: wait status; does not come back */
    SGX_CALL_LOG,      /* nothing but the text, which goes with every call */
    SGX_CALL_WAIT,     /* a0: ns from now, UINT64_MAX: none, 0: yield */
    SGX_CALL_KICK,     /* a0: vCPU */
    SGX_CALL_TICK,     /* a0: ns from now, UINT64_MAX: never */
    SGX_CALL_START,    /* a0: vCPU */
    SGX_CALL_SUBMIT,   /* a0: ring, a1: entries */
    SGX_CALL_RESTRICT, /* a0: how many of ranges[], a1: rights */
    SGX_CALL_TRIM,     /* a0: address, a1: length */
    SGX_CALL_REMOVE,   /* a0: address, a1: length */
    SGX_CALL_PROTECT,  /* a0: address, a1: length, a2: PROT_* of the mapping */
    SGX_CALL_MAKE_TCS, /* a0: address of a page */
    SGX_CALL_SUSPEND,  /* stop the process as a job */
    SGX_CALLS
};

enum { SGX_TEXT_MAX = 1024, SGX_RANGES_MAX = 16 };

struct sgx_range {
    uint64_t address, length;
};

#define SGX_FAULT (1ull << 63)

/* One a vCPU. An entry with CSSA = 1 may come while a call is being written
 * down, so it answers in words of its own. */
struct sgx_exchange {
    uint64_t call; /* enum sgx_call, by the enclave */
    uint64_t a0, a1, a2;
    uint64_t trap_call; /* SGX_CALL_RESUME or SGX_CALL_STOP */
    uint64_t trap_a0;
    uint64_t tick; /* by the host: a tick came while outside */
    /* By the host before an entry with CSSA = 1, where EXITINFO does not say
     * it (SGX1 class): SGX_FAULT | error code << 8 | vector, and #PF's page. */
    uint64_t fault, fault_address;
    struct sgx_range ranges[SGX_RANGES_MAX]; /* by the enclave */
    uint64_t text_used; /* bytes of text for the log; the host sets 0 */
    uint64_t text[SGX_TEXT_MAX / 8];
};

/* The signals that come from outside (target/linux/signals.c). What else the
 * host names, an exception for one, is no word of a host's: handlers of
 * programs believe it. */
#define SGX_SIGNAL(n) (1ull << ((n)-1))
#define SGX_SIGNALS                                                            \
    (SGX_SIGNAL(SIGHUP) | SGX_SIGNAL(SIGINT) | SGX_SIGNAL(SIGQUIT) |           \
     SGX_SIGNAL(SIGABRT) | SGX_SIGNAL(SIGUSR1) | SGX_SIGNAL(SIGUSR2) |         \
     SGX_SIGNAL(SIGPIPE) | SGX_SIGNAL(SIGALRM) | SGX_SIGNAL(SIGTERM) |         \
     SGX_SIGNAL(SIGTSTP) | SGX_SIGNAL(SIGCONT) | SGX_SIGNAL(SIGURG) |          \
     SGX_SIGNAL(SIGSTKFLT) | SGX_SIGNAL(SIGXCPU) | SGX_SIGNAL(SIGXFSZ) |       \
     SGX_SIGNAL(SIGIO) | SGX_SIGNAL(SIGPWR) | SGX_SIGNAL(SIGWINCH) |           \
     ~0ull << (34 - 1))

/* Where a ring's parts are; as struct target_ring. */
struct sgx_boot_ring {
    uint64_t sq_head, sq_tail, sqes, sq_array, sq_flags;
    uint64_t cq_head, cq_tail, cqes, buffers;
    uint64_t sq_entries, cq_entries, buffer_entries;
};

/* A CPUID leaf as the host sees it. */
struct sgx_boot_cpuid {
    uint64_t leaf_sub; /* leaf | sub << 32 */
    uint64_t ab, cd;   /* EAX | EBX << 32, ECX | EDX << 32 */
};

enum { SGX_BOOT_CPUID_MAX = 96, SGX_BOOT_RINGS = 2, SGX_BOOT_MOUNTS = 32 };

/* struct host_stream */
struct sgx_boot_stream {
    uint64_t open_tty; /* bit 0: open, bit 1: a terminal */
    uint64_t mode, rdev, size;
};

/* Of policy.insecure: what process 1 ignores at first is what the host says. */
#define SGX_HEARS_IGNORED (POLICY_DEBUG | POLICY_HOST_ARGS)

/* Handed over at the first entry of vCPU 0, by address in RDI. */
struct sgx_boot {
    uint64_t version;
    uint64_t exchanges; /* array of struct sgx_exchange */
    uint64_t clock;     /* struct sgx_clock */
    uint64_t tsc;       /* SGX1 class: a word that follows the TSC */
    uint64_t signals;   /* a word: SGX_SIGNAL()s, set by the host */
    struct sgx_boot_ring rings[SGX_BOOT_RINGS];
    uint64_t bounce, bounce_size;
    int64_t image_fd;
    uint64_t image_at;
    struct sgx_boot_stream streams[3];
    uint64_t log_level, strace, stats;
    uint64_t args, args_size; /* strings, each with its NUL; 0: none */
    uint64_t env, env_size;
    uint64_t fault_alloc, fault_io;
    int64_t mount_fds[SGX_BOOT_MOUNTS];
    uint64_t ignored_signals; /* as boot_info; see SGX_HEARS_IGNORED */
    uint64_t cpuid_count;
    struct sgx_boot_cpuid cpuid[SGX_BOOT_CPUID_MAX];
};

/* Another one when anything here changes: a bundle may be older than the host
 * program that runs it. */
enum { SGX_BOOT_VERSION = 3 };

/* One straight piece of the clock, as target/linux/host.h's clock_piece; the
 * sequence is odd while it changes. */
struct sgx_clock {
    uint64_t sequence_mult; /* sequence | mult << 32 */
    uint64_t shift;
    uint64_t base_tsc, base_ns;
    uint64_t realtime_offset;
};

#endif
