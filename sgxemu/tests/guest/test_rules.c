/* SPDX-License-Identifier: MIT */
/* Illegal instructions, memory from outside, protection keys, CPUID. */
#include "sgxemu/tests/guest/builder.h"

#include <cpuid.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static struct enclave_under_test t;

/* Runs code in the RWX page; the vector of its first fault, 0 for none. */
static int execute(const uint8_t *code, size_t n, uint64_t length)
{
    struct op op;
    int vector;

    put(&t, ADDRESS(&t, RWX_AT), code, n);
    vector = do_op(&t, &op, OP_CALL, ADDRESS(&t, RWX_AT), 0, 0, 0);
    if (vector) {
        skip(&t, 0, length, NULL, NULL);
    }
    return vector;
}

#define ILLEGAL(name, length, ...)                                             \
    do {                                                                       \
        static const uint8_t code[] = {__VA_ARGS__, 0xc3, 0x90, 0x90};         \
        ok(execute(code, sizeof(code), length) == 6, "illegal",                \
           name " is #UD inside");                                             \
    } while (0)

static void illegal(void)
{
    static const uint8_t fine[] = {0xc3};

    ok(execute(fine, 1, 0) == 0, "illegal", "RET is not");
    ILLEGAL("SYSCALL", 2, 0x0f, 0x05);
    if (cpu_has("cpuid_fault") || getenv("SGXEMU_SINGLE_STEP")) {
        ILLEGAL("CPUID", 2, 0x0f, 0xa2);
    } else {
        printf("ok sgxemu illegal: CPUID is #UD inside # SKIP this CPU has no "
               "cpuid_fault, and no --single-step\n");
    }
    ILLEGAL("IN", 1, 0xec);
    ILLEGAL("OUT", 1, 0xee);
    ILLEGAL("INT 0x21", 2, 0xcd, 0x21);
    ILLEGAL("INT 0x80", 2, 0xcd, 0x80);
    ILLEGAL("RDPMC", 2, 0x0f, 0x33);
    ILLEGAL("GETSEC", 2, 0x0f, 0x37);
    if (getenv("SGXEMU_SINGLE_STEP") == NULL) {
        return;
    }
    /* Ring 3, Linux or the hypervisor let these through. */
    ILLEGAL("VMCALL", 3, 0x0f, 0x01, 0xc1);
    ILLEGAL("STR", 3, 0x0f, 0x00, 0xc8);
    ILLEGAL("SMSW", 3, 0x0f, 0x01, 0xe0);
    ILLEGAL("MOV to DS", 2, 0x8e, 0xd8);
    ILLEGAL("POP FS", 2, 0x0f, 0xa1);
    ILLEGAL("far RET", 1, 0xcb);
    ILLEGAL("IRET", 2, 0x48, 0xcf);
    ILLEGAL("SYSENTER", 2, 0x0f, 0x34);
}

static sigjmp_buf out;
static volatile int caught;
static void catch (int sig, siginfo_t *info, void *context)
{
    (void)info, (void)context;
    caught = sig;
    siglongjmp(out, 1);
}

static int signal_of(int (*f)(void))
{
    struct sigaction sa = {.sa_sigaction = catch, .sa_flags = SA_SIGINFO},
                     old[2];

    caught = 0;
    sigaction(SIGSEGV, &sa, &old[0]);
    sigaction(SIGILL, &sa, &old[1]);
    if (sigsetjmp(out, 1) == 0) {
        f();
    }
    sigaction(SIGSEGV, &old[0], NULL);
    sigaction(SIGILL, &old[1], NULL);
    return caught;
}

static int load(void)
{
    return (int)*(volatile uint64_t *)ADDRESS(&t, DATA_AT);
}
static int store(void)
{
    *(volatile uint64_t *)ADDRESS(&t, DATA_AT) = 1;
    return 0;
}
static int jump(void)
{
    ((void (*)(void))ADDRESS(&t, RWX_AT))();
    return 0;
}

static void outside(void)
{
    static const uint8_t code[] = {0x0f, 0x0b};
    uint64_t value = 0, kept = 0;
    struct iovec local = {&value, 8};
    struct iovec remote = {(void *)ADDRESS(&t, DATA_AT), 8};

    poke(&t, ADDRESS(&t, DATA_AT), 0x1234);
    put(&t, ADDRESS(&t, RWX_AT), code, sizeof(code));
    ok_with("ospke", signal_of(load) == SIGSEGV, "access control",
            "a load from outside faults");
    ok_with("ospke", signal_of(store) == SIGSEGV, "access control",
            "a store from outside faults");
    peek(&t, ADDRESS(&t, DATA_AT), &kept);
    ok_with("ospke", kept == 0x1234, "access control", "and changes nothing");
    ok(signal_of(jump) == SIGILL, "access control",
       "a jump into the enclave finds no code");
    ok(process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == -1,
       "access control", "process_vm_readv is refused");
}

static void fetch(void)
{
    /* mov imm64 to RAX; jmp *RAX: the target traps on its first UD2. */
    uint8_t code[13] = {0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xe0, 0xc3};
    uint8_t *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t target = (uint64_t)page;
    struct op op;

    page[0] = 0x0f;
    page[1] = 0x0b;
    memcpy(code + 2, &target, 8);
    put(&t, ADDRESS(&t, RWX_AT), code, sizeof(code));
    ok(do_op(&t, &op, OP_CALL, ADDRESS(&t, RWX_AT), 0, 0, 0) == 13,
       "access control", "a fetch from outside ELRANGE is #GP");
    munmap(page, PAGE);
}

static uint64_t page;
static int load_page(void)
{
    return (int)*(volatile uint64_t *)page;
}

static void keys(void)
{
    uint32_t low, high;
    struct enclave_under_test k;
    struct op op;
    int key;

    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    key = (int)syscall(SYS_pkey_alloc, 0, 0);
    if (!(low & 1u << 9) || key < 0) {
        printf("ok sgxemu protection keys # SKIP none\n");
        return;
    }
    build_start(&k);
    k.secs.attributes.xfrm |= 1u << 9;
    build_ready(&k, 0);
    syscall(SYS_pkey_mprotect, ADDRESS(&k, DATA_AT + 4), PAGE,
            PROT_READ | PROT_WRITE, key);
    do_op(&k, &op, OP_PKRU, 1, 3u << (2 * key), 0, 0);
    ok(poke(&k, ADDRESS(&k, DATA_AT + 4), 5) == 14 && k.run.error == 0x27,
       "protection keys", "WRPKRU inside closes a page: #PF, PK bit");
    skip(&k, 0, 3, NULL, NULL);
    do_op(&k, &op, OP_PKRU, 0, 0, 0, 0);
    ok((op.r >> (2 * key) & 3) == 3, "protection keys",
       "AEX and ERESUME keep PKRU");
    do_op(&k, &op, OP_PKRU, 1, 0, 0, 0);
    ok(poke(&k, ADDRESS(&k, DATA_AT + 4), 6) == 0, "protection keys",
       "WRPKRU opens it again");
    page = ADDRESS(&k, DATA_AT + 4);
    ok(signal_of(load_page) == SIGSEGV, "protection keys",
       "outside the page stays closed");
    build_drop(&k);
}

static void cpuid(void)
{
    uint32_t a, b, c, d;

    __cpuid_count(7, 0, a, b, c, d);
    ok_with("cpuid_fault", b >> 2 & 1, "CPUID", "leaf 7 has SGX");
    __cpuid_count(0x12, 0, a, b, c, d);
    ok_with("cpuid_fault", (a & 3) == 3 && (b & 1), "CPUID",
            "leaf 0x12: SGX1, SGX2, EXINFO");
    __cpuid_count(0x12, 2, a, b, c, d);
    ok_with("cpuid_fault", (a & 15) == 1 && c, "CPUID",
            "leaf 0x12 has an EPC section");
}

void test_rules(void)
{
    build(&t);
    illegal();
    outside();
    fetch();
    build_drop(&t);
    keys();
    cpuid();
}
