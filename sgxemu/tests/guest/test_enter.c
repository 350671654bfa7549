/* SPDX-License-Identifier: MIT */
/* EENTER, EEXIT, ERESUME, EDECCSSA, AEX-Notify. */
#include "sgxemu/tests/guest/builder.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void enter_rules(void)
{
    struct enclave_under_test t, other;
    struct op op;

    build(&t);
    ok(do_op(&t, &op, OP_NOP, 0, 0, 0, 0) == 0, "EENTER",
       "enters, and EEXIT leaves");
    ok(op.cssa == 0, "EENTER", "RAX is TCS.CSSA");
    do_op(&t, &op, OP_BASES, 0, 0, 0, 0);
    ok(op.r == ADDRESS(&t, GS_AT) && op.flags == ADDRESS(&t, GS_AT), "EENTER",
       "FS and GS come from the TCS");
    t.run.tcs = ADDRESS(&t, TCS_AT) + 64;
    ok(enter_run(&t.run, SGX_EENTER, 0) == 13, "EENTER",
       "RBX must be page-aligned");
    t.run.tcs = ADDRESS(&t, DATA_AT);
    ok(enter_run(&t.run, SGX_EENTER, 0) == 14, "EENTER",
       "a PT_REG page is no TCS: #PF");
    t.run.tcs = (uint64_t)&op & ~0xffful;
    ok(enter_run(&t.run, SGX_EENTER, 0) == 14, "EENTER",
       "memory outside the EPC is no TCS: #PF");
    ok(resume(&t, 0, &op) == 13, "ERESUME", "CSSA 0 is #GP");
    ok(enter_run(&t.run, SGX_EEXIT, 0) == -22, "vDSO",
       "only EENTER and ERESUME");
    build_start(&other);
    build_create(&other);
    build_pages(&other);
    build_map(&other);
    ok(enter(&other, 0, &op) == 13, "EENTER",
       "an enclave without EINIT is #GP");
    build_drop(&other);
    ok(raises(&t, &op, 13, OP_ENCLU, SGX_EENTER, ADDRESS(&t, TCS_AT), 0, 0),
       "EENTER", "inside it is #GP");
    ok(raises(&t, &op, 13, OP_ENCLU, SGX_ERESUME, ADDRESS(&t, TCS_AT), 0, 0),
       "ERESUME", "inside it is #GP");
    ok(raises(&t, &op, 13, OP_ENCLU, 77, 0, 0, 0), "ENCLU",
       "an unknown leaf is #GP");
    ok(raises(&t, &op, 13, OP_ENCLU, SGX_EEXIT, 1ull << 60, 0, 0), "EEXIT",
       "a target that is not canonical is #GP");
    build_drop(&t);
}

/* Faults use up SSA frames: NSSA of them, no more. */
static void cssa(void)
{
    struct enclave_under_test t;
    struct op op;
    int i;

    build(&t);
    for (i = 0; i < SSA_FRAMES; i++) {
        if (do_op(&t, &op, OP_PEEK, ADDRESS(&t, 15), 0, 0, 0) != 14 ||
            op.cssa != (uint64_t)i) {
            break;
        }
    }
    ok(i == SSA_FRAMES, "AEX", "each takes one SSA frame");
    ok(enter(&t, 0, &op) == 13, "EENTER", "CSSA = NSSA is #GP");
    build_drop(&t);
}

static void ssa_rules(void)
{
    struct enclave_under_test t;
    struct sgx_ioctl_modify m = {
        .offset = (SSA_AT + 1) * PAGE, .length = PAGE, .value = 1};
    struct op op;

    build(&t);
    mprotect((void *)ADDRESS(&t, SSA_AT), PAGE, PROT_READ);
    ok(do_op(&t, &op, OP_NOP, 0, 0, 0, 0) == 14 &&
           t.run.address == ADDRESS(&t, SSA_AT),
       "EENTER", "the SSA frame must be mapped writable: #PF there");
    mprotect((void *)ADDRESS(&t, SSA_AT), PAGE, PROT_READ | PROT_WRITE);
    ok(do_op(&t, &op, OP_NOP, 0, 0, 0, 0) == 0, "EENTER",
       "a refused EENTER leaves the TCS free");
    (void)m;
    /* A frame whose XSAVE header is bad: ERESUME does as XRSTOR. */
    do_op(&t, &op, OP_PEEK, ADDRESS(&t, 15), 0, 0, 0);
    memset(&op, 0, sizeof(op));
    op.type = OP_POKE;
    op.a = ADDRESS(&t, SSA_AT) + 520;
    op.b = 1;
    enter(&t, 0, &op);
    ok(resume(&t, 0, &op) == 13, "ERESUME", "XCOMP_BV of the SSA must be 0");
    op.b = 0;
    enter(&t, 0, &op);
    op.a = ADDRESS(&t, SSA_AT) + 512;
    op.b = 1ull << 18;
    enter(&t, 0, &op);
    ok(resume(&t, 0, &op) == 13, "ERESUME", "XSTATE_BV is a subset of XFRM");
    op.b = 3;
    enter(&t, 0, &op);
    ok(skip(&t, 0, 3, NULL, NULL) == 0, "ERESUME",
       "a good frame resumes after a refusal");
    build_drop(&t);
}

static void notify(void)
{
    struct enclave_under_test t;
    struct sgx_gpr g;
    struct op op, handler = {.type = OP_POKE};

    build_start(&t);
    t.secs.attributes.flags |= SGX_ATTR_AEXNOTIFY;
    build_ready(&t, 0);
    ok(do_op(&t, &op, OP_NOP, 0, 0, 0, 0) == 0, "AEX-Notify",
       "TCS.FLAGS.AEXNOTIFY with ATTRIBUTES.AEXNOTIFY enters");
    /* The flag in the SSA: ERESUME goes to the entry, with CSSA 1. */
    do_op(&t, &op, OP_PEEK, ADDRESS(&t, 15), 0, 0, 0);
    handler.a = ADDRESS(&t, SSA_AT) + PAGE - sizeof(g) + 160;
    handler.b = 0x01ull << 56; /* EXITINFO, reserved, AEXNOTIFY */
    enter(&t, 0, &handler);
    memset(&handler, 0, sizeof(handler));
    handler.type = OP_ENTERED;
    ok(resume(&t, 0, &handler) == 0 && handler.cssa == 1, "AEX-Notify",
       "ERESUME enters the handler when the SSA asks for it");
    handler.type = OP_ENCLU;
    handler.a = SGX_EDECCSSA;
    ok(enter(&t, 0, &handler) == 0 && handler.cssa == 1, "EDECCSSA",
       "runs at CSSA 1");
    ok(do_op(&t, &op, OP_NOP, 0, 0, 0, 0) == 0 && op.cssa == 0, "EDECCSSA",
       "decrements CSSA");
    ok(raises(&t, &op, 13, OP_ENCLU, SGX_EDECCSSA, 0, 0, 0), "EDECCSSA",
       "CSSA 0 is #GP");
    build_drop(&t);
}

/* However often its ENCLUs have run, code reads as it was measured. */
static void own_code(void)
{
    struct enclave_under_test t;
    uint8_t before[4096], after[4096];
    int wrong = 0;
    struct op op;

    build(&t);
    get(&t, before, t.base, sizeof(before));
    build_drop(&t);
    build(&t);
    for (int i = 0; i < 100; i++) {
        wrong += do_op(&t, &op, OP_NOP, 0, 0, 0, 0) != 0;
    }
    get(&t, after, t.base, sizeof(after));
    for (int i = 0; i < 100; i++) {
        wrong += do_op(&t, &op, OP_NOP, 0, 0, 0, 0) != 0;
    }
    ok(wrong == 0 && memcmp(before, after, sizeof(before)) == 0 &&
           memcmp(before, guest_image, sizeof(before)) == 0,
       "ENCLU", "the enclave's code reads as it was measured");
    build_drop(&t);
}

void test_enter(void)
{
    enter_rules();
    cssa();
    ssa_rules();
    notify();
    own_code();
}
