/* SPDX-License-Identifier: MIT
 *
 * What the files of target/sgx/host share. Ordinary code with libc; the I/O
 * rings, the pool, the clock's calibration and the service thread are
 * target/linux's, whose struct host this fills as far as they use it.
 */
#ifndef TARGET_SGX_HOST_PRIVATE_H
#define TARGET_SGX_HOST_PRIVATE_H

#include "target/linux/host.h"
#include "target/sgx/boundary.h"
#include "target/sgx/host/sgx.h"
#include "target/sgx/layout.h"

/* struct sgx_enclave_run of <asm/sgx.h>. */
struct sgx_enter {
    uint64_t tcs;
    uint32_t function; /* the leaf that came last: EEXIT, or what faulted */
    uint16_t vector, error;
    uint64_t address, handler, data;
    uint8_t reserved[216];
};
_Static_assert(sizeof(struct sgx_enter) == 256, "struct sgx_enclave_run");

struct enclave {
    int fd;
    struct sgx_layout layout;
    struct sgx_boot boot;
    struct sgx_exchange *exchanges;
    uint64_t signals;
    uint64_t tsc; /* SGX1 class */
    bool stats;
    uint64_t base; /* 0, but for a test of what the enclave says to others */
};
extern struct enclave enclave;

/* load.c. 0, or -errno after a message. */
int load_enclave(const struct sgx_run *run);

/* enter.S: calls the vDSO's function and keeps what it does not. */
int sgx_enter(uint64_t rdi, uint32_t function, struct sgx_enter *run,
              void *vdso_function);

/* vdso.c: __vdso_sgx_enter_enclave, or NULL. */
void *vdso_find_enter(void);
/* rip lies in the vDSO. */
bool vdso_owns(uint64_t rip);

/* lie.c: whether a test wants this lie; and those of struct sgx_boot. */
bool lies(const char *kind);
void lie_about_boot(struct sgx_boot *b);
/* Around each entry, on its thread. */
void lie_before_entry(bool return_from_call);
void lie_after_entry(bool exception);

/* run.c: enclave.tsc is now */
void tsc_update(void);

/* pages.c: SGX_CALL_RESTRICT, _TRIM, _REMOVE, _PROTECT, _MAKE_TCS. */
uint64_t pages_change(const struct sgx_exchange *x);

/* vcpu.c */
int vcpus_init(void);
/* A thread that enters vCPU id's TCS with rdi. 0 or -errno. */
int vcpu_run(unsigned id, uint64_t rdi);
/* A signal of the host's for the instance. */
void vcpu_signal(int signo);

#endif
