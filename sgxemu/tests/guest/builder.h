/* SPDX-License-Identifier: MIT */
/*
 * Builds and signs test enclaves, and enters them. Every field of SECS and
 * SIGSTRUCT can be changed by the test before the step that uses it.
 */
#ifndef SGXEMU_TEST_BUILDER_H
#define SGXEMU_TEST_BUILDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/sgx.h"
#include "sgxemu/tests/guest/guest.h"

struct run { /* struct sgx_enclave_run of <asm/sgx.h> */
    uint64_t tcs;
    uint32_t function;
    uint16_t vector, error;
    uint64_t address, handler, data;
    uint8_t reserved[216];
};

struct enclave_under_test {
    int fd;
    uint64_t base, size;
    uint64_t origin; /* where the layout starts, in pages */
    struct sgx_secs secs;
    struct sgx_sigstruct sig;
    struct run run;
    void *hash; /* of the build, for SIGSTRUCT.ENCLAVEHASH */
    uint8_t mrenclave[32];
};

/* Opens the device, finds a range, fills SECS and SIGSTRUCT with defaults. */
void build_start(struct enclave_under_test *t);
/* An ELRANGE of [0, 2^46), with the layout at 1 GiB. After build_start(). */
void build_huge(struct enclave_under_test *t);
int build_create(struct enclave_under_test *t); /* 0 or -errno, as all */
int build_page(struct enclave_under_test *t, uint64_t page, const void *bytes,
               uint64_t flags, bool measure);
int build_pages(struct enclave_under_test *t); /* the layout of guest.h */
/* Signs with key 0 or 1; without it SIGSTRUCT goes as it is. */
void build_sign(struct enclave_under_test *t, int key);
int build_init(struct enclave_under_test *t);
void build_map(struct enclave_under_test *t);
void build_drop(struct enclave_under_test *t);
/* All of it; ends the test program when a step fails. */
void build(struct enclave_under_test *t);
void build_ready(struct enclave_under_test *t, int key); /* after _start */

/* EENTER or ERESUME at TCS number n. 0 when the enclave left by EEXIT; else
 * the vector of the exception, which t->run describes. */
int enter(struct enclave_under_test *t, int n, struct op *op);
int resume(struct enclave_under_test *t, int n, struct op *op);
int enter_run(struct run *run, uint32_t function, uint64_t rdi);
/* One operation. Returns enter()'s result; op->r holds the answer. */
int do_op(struct enclave_under_test *t, struct op *op, uint64_t type,
          uint64_t a, uint64_t b, uint64_t c, uint64_t d);
int do_enclu(struct enclave_under_test *t, struct op *op, uint64_t rax,
             uint64_t rbx, uint64_t rcx, uint64_t rdx);

/* After an exception at TCS n: the frame's GPRs (EXINFO first), then go on
 * after the instruction of that length. */
int skip(struct enclave_under_test *t, int n, uint64_t length,
         struct sgx_exinfo *exinfo, struct sgx_gpr *gpr);
/* The operation must raise that vector; goes on after it. */
bool raises(struct enclave_under_test *t, struct op *op, int vector,
            uint64_t type, uint64_t a, uint64_t b, uint64_t c, uint64_t d);
int peek(struct enclave_under_test *t, uint64_t address, uint64_t *value);
int poke(struct enclave_under_test *t, uint64_t address, uint64_t value);
/* Copies between host and enclave. */
void put(struct enclave_under_test *t, uint64_t to, const void *from, size_t n);
void get(struct enclave_under_test *t, void *to, uint64_t from, size_t n);

#define ADDRESS(t, page) ((t)->base + ((t)->origin + (uint64_t)(page)) * PAGE)

/* The report: one assertion, one line. */
void ok(bool good, const char *section, const char *rule);
/* The same, where the CPU has the flag of /proc/cpuinfo that sgxemu needs for
 * the rule; else it is said to be skipped. */
void ok_with(const char *flag, bool good, const char *section,
             const char *rule);
bool cpu_has(const char *flag);
extern int failures, assertions;
extern const uint8_t guest_image[], guest_image_end[];

void test_build(void);
void test_enter(void);
void test_pages(void);
void test_keys(void);
void test_aex(void);
void test_threads(void);
void test_rules(void);
void test_quote(void);
void test_device(void);
void test_abort(void); /* these three want their options */
void test_sgx1(void);
void test_epc(void);
void test_fuzz(void);
void test_time(void); /* figures, only when asked for */

#endif
