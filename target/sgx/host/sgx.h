/* SPDX-License-Identifier: MIT
 *
 * target/sgx/host as the command line tool sees it: the untrusted program
 * around an enclave. It builds the enclave through /dev/sgx_enclave (the
 * kernel's driver, or sgxemu's), lends it threads and executes its I/O.
 */
#ifndef TARGET_SGX_HOST_SGX_H
#define TARGET_SGX_HOST_SGX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/policy.h"
#include "abi/sgx.h"
#include "kernel/kernel.h"

struct sgx_run {
    const void *kernel; /* build/lib/enclos/enclos-sgx.elf */
    size_t kernel_size;
    const struct policy *policy;
    const struct sgx_sigstruct *sigstruct;
    int image_fd;
    uint64_t image_at;    /* where in it the image begins */
    const int *mount_fds; /* one a mount of the policy, or NULL */
    /* NULL-terminated, or NULL: what the policy lets the host give. */
    const char *const *args, *const *env;
    struct host_stream streams[3];
    /* While the enclave is built: pages so far, of all; and when it is. */
    void (*progress)(uint64_t done, uint64_t total);
    void (*built)(void);
    int log_level;
    bool strace, stats;
    uint64_t fault_alloc, fault_io; /* as boot_info; debug enclaves only */
};

/* Builds, enters and serves the enclave. Exits with 125 after a message when
 * it cannot start. */
_Noreturn void target_sgx_run(const struct sgx_run *run);

/* Whether this CPU has SGX2: pages come and go at run time. */
bool target_sgx_has_edmm(void);

/* What of XCR0 this CPU gives an enclave. */
uint64_t target_sgx_xfrm(void);

#endif
