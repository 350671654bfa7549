/* SPDX-License-Identifier: MIT */
/* The test enclave's operations, as the tests use them: see builder.h. */
#include "sgxemu/tests/guest/builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int skip(struct enclave_under_test *t, int n, uint64_t length,
         struct sgx_exinfo *exinfo, struct sgx_gpr *gpr)
{
    struct op op = {.type = OP_HANDLE, .a = length};
    struct op unused = {0};
    int err = enter(t, n, &op);

    if (exinfo) {
        memcpy(exinfo, op.buf, sizeof(*exinfo));
    }
    if (gpr) {
        memcpy(gpr, op.buf + 16, sizeof(*gpr));
    }
    return err ? err : resume(t, n, &unused);
}

bool raises(struct enclave_under_test *t, struct op *op, int vector,
            uint64_t type, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    struct run fault;
    int got = do_op(t, op, type, a, b, c, d);

    if (got == 0) {
        return false;
    }
    fault = t->run;
    if (skip(t, 0, 3, NULL, NULL) != 0) {
        printf("# the enclave does not go on after vector %d\n", got);
        exit(1);
    }
    t->run.vector = fault.vector;
    t->run.error = fault.error;
    t->run.address = fault.address;
    return got == vector;
}

int peek(struct enclave_under_test *t, uint64_t address, uint64_t *value)
{
    struct op op;
    int err = do_op(t, &op, OP_PEEK, address, 0, 0, 0);

    *value = op.r;
    return err;
}

int poke(struct enclave_under_test *t, uint64_t address, uint64_t value)
{
    struct op op;

    return do_op(t, &op, OP_POKE, address, value, 0, 0);
}

void put(struct enclave_under_test *t, uint64_t to, const void *from, size_t n)
{
    struct op op;

    if (do_op(t, &op, OP_IN, to, (uint64_t)from, n, 0)) {
        printf("# put failed: vector %d at %lx\n", t->run.vector,
               (unsigned long)t->run.address);
        exit(1);
    }
}

void get(struct enclave_under_test *t, void *to, uint64_t from, size_t n)
{
    struct op op;

    if (do_op(t, &op, OP_OUT, (uint64_t)to, from, n, 0)) {
        printf("# get failed: vector %d at %lx\n", t->run.vector,
               (unsigned long)t->run.address);
        exit(1);
    }
}
