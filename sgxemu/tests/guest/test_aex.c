/* SPDX-License-Identifier: MIT */
/* Asynchronous exits: SSA contents, the synthetic state, 10,000 timers. */
#include "sgxemu/tests/guest/builder.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>

static uint8_t frames[FRAME_PAGES * PAGE];

/* Nothing in the test enclave or around it uses x87. */
static bool x87_is_initial(struct enclave_under_test *t)
{
    struct op op = {.type = OP_SSA, .a = (uint64_t)frames};
    uint64_t bv;

    if (enter(t, 0, &op)) {
        return false;
    }
    memcpy(&bv, frames + 512, sizeof(bv));
    return !(bv & 1);
}

static void contents(void)
{
    struct enclave_under_test t;
    struct sgx_exinfo x;
    struct sgx_gpr g;
    struct op op;

    build(&t);
    do_op(&t, &op, OP_PEEK, ADDRESS(&t, 15) + 0x123, 0, 0, 0);
    ok(t.run.vector == 14 && t.run.address == ADDRESS(&t, 15), "AEX",
       "the fault address outside is the page's");
    ok(x87_is_initial(&t), "SSA", "XSTATE_BV says what is in use, no more");
    skip(&t, 0, 3, &x, &g);
    ok(g.exitinfo == (SGX_EXITINFO_VALID | SGX_EXITINFO_HARDWARE | 14), "SSA",
       "EXITINFO: #PF with MISCSELECT.EXINFO");
    ok(x.maddr == ADDRESS(&t, 15) + 0x123, "SSA",
       "EXINFO.MADDR is the whole address");
    ok(g.rdx == ADDRESS(&t, 15) + 0x123, "SSA", "GPRs are saved");
    ok(g.fs_base == ADDRESS(&t, GS_AT), "SSA", "FSBASE is saved");
    ok(g.rip > t.base && g.rip < ADDRESS(&t, 15), "SSA", "RIP is inside");
    do_op(&t, &op, OP_ENCLU, 77, 0, 0, 0);
    skip(&t, 0, 3, &x, &g);
    ok(g.exitinfo == (SGX_EXITINFO_VALID | SGX_EXITINFO_HARDWARE | 13), "SSA",
       "EXITINFO: #GP");
    build_drop(&t);

    build_start(&t);
    t.secs.miscselect = 0;
    build_ready(&t, 0);
    do_op(&t, &op, OP_PEEK, ADDRESS(&t, 15), 0, 0, 0);
    skip(&t, 0, 3, NULL, &g);
    ok(g.exitinfo == 0, "SSA", "EXITINFO of #PF is 0 without EXINFO");
    build_drop(&t);
}

/* The registers outside after an exception, as the user handler sees them. */
static long seen[3];
static int see(long rdi, long rsi, long rdx, long rsp, long r8, long r9,
               struct run *run)
{
    (void)rdi, (void)rsi, (void)rdx, (void)rsp;
    seen[0] = r8;
    seen[1] = r9;
    seen[2] = run->function;
    return -7;
}

static void synthetic(void)
{
    struct enclave_under_test t;
    struct op op;

    build(&t);
    t.run.handler = (uint64_t)see;
    ok(do_op(&t, &op, OP_PEEK, ADDRESS(&t, 15), 0, 0, 0) == -7, "vDSO",
       "the user handler's value is returned");
    ok(seen[0] == 0 && seen[1] == 0, "AEX", "R8 and R9 are cleared");
    ok(seen[2] == SGX_ERESUME, "AEX", "RAX is ERESUME");
    t.run.handler = 0;
    skip(&t, 0, 3, NULL, NULL);
    build_drop(&t);
}

static volatile uint64_t stop;
static volatile int ticks;

static void tick(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)info, (void)context;
    if (++ticks >= 10000) {
        stop = 1;
    }
}

static void timers(void)
{
    struct sigaction sa = {.sa_sigaction = tick, .sa_flags = SA_SIGINFO};
    struct itimerval it = {{0, 200}, {0, 200}}, off = {{0, 0}, {0, 0}};
    struct enclave_under_test t;
    struct op op;
    int err;

    build(&t);
    sigaction(SIGALRM, &sa, NULL);
    setitimer(ITIMER_REAL, &it, NULL);
    err = do_op(&t, &op, OP_PATTERN, (uint64_t)&stop, 0, 0, 0);
    setitimer(ITIMER_REAL, &off, NULL);
    ok(err == 0 && ticks >= 10000, "AEX", "10,000 timer exits");
    ok(op.r == 0, "AEX", "every GPR, XMM, YMM, ZMM and mask register kept");
    build_drop(&t);
}

/* The signal handler sees the AEP, and EENTERs at CSSA 1 from there. */
static struct enclave_under_test inner;
static volatile uint64_t handler_cssa = 99, handler_rip;

static void reenter(int sig, siginfo_t *info, void *context)
{
    struct op op = {.type = OP_ENTERED};
    ucontext_t *uc = context;
    struct run run = inner.run;

    (void)sig, (void)info;
    if (uc->uc_mcontext.gregs[REG_RAX] == SGX_ERESUME &&
        (uint64_t)uc->uc_mcontext.gregs[REG_RBX] == inner.run.tcs) {
        handler_rip = (uint64_t)uc->uc_mcontext.gregs[REG_RIP];
        enter_run(&run, SGX_EENTER, (uint64_t)&op);
        handler_cssa = op.cssa;
        stop = 1;
    }
}

static void nested(void)
{
    struct sigaction sa = {.sa_sigaction = reenter, .sa_flags = SA_SIGINFO};
    struct itimerval it = {{0, 1000}, {0, 1000}}, off = {{0, 0}, {0, 0}};
    struct op op;
    int err;

    stop = 0;
    build(&inner);
    sigaction(SIGALRM, &sa, NULL);
    setitimer(ITIMER_REAL, &it, NULL);
    err = do_op(&inner, &op, OP_PATTERN, (uint64_t)&stop, 0, 0, 0);
    setitimer(ITIMER_REAL, &off, NULL);
    ok(err == 0 && op.r == 0 && handler_cssa == 1, "AEX",
       "a signal handler may EENTER at CSSA 1 and ERESUME after");
    ok(handler_rip != 0 && handler_rip - inner.base >= inner.size, "AEX",
       "the interrupted RIP is the AEP");
    build_drop(&inner);
}

void test_aex(void)
{
    contents();
    synthetic();
    timers();
    nested();
}
