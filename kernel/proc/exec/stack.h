/* SPDX-License-Identifier: MIT
 *
 * What a new program finds on its stack (System V ABI for x86-64, 3.4.1):
 * computed as bytes and addresses, copied by exec.c. No user memory here, so
 * it is unit-testable.
 */
#ifndef KERNEL_PROC_STACK_H
#define KERNEL_PROC_STACK_H

#include "lib/types.h"

struct exec_args;

enum { STACK_AUXV_MAX = 24 }; /* pairs, AT_NULL included */

struct stack_in {
    uint64_t top; /* first address above the stack, page-aligned */
    const struct exec_args *args;
    const char *execfn;
    uint64_t phdr, phnum, base, entry, vdso; /* vdso 0: none */
    uint64_t hwcap, minsigstksz;
    uint32_t uid, euid, gid, egid;
    bool secure;
    uint8_t random[16];
    size_t gap; /* bytes left free for randomness; multiple of 16 */
};

struct stack_out {
    uint64_t sp;
    uint8_t *block; /* kernel memory to be copied to sp; stack_free() */
    size_t block_len;
    uint64_t text; /* where the strings of args go */
    uint64_t execfn;
    uint64_t env; /* first environment string; args end here */
    uint64_t auxv[STACK_AUXV_MAX * 2];
    unsigned auxv_len; /* words */
};

/* Bytes below top that stack_build() will need for these arguments. */
uint64_t stack_need(const struct stack_in *in);

/* -ENOMEM. */
int stack_build(const struct stack_in *in, struct stack_out *out);
void stack_free(struct stack_out *out);

#endif
