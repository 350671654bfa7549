/* SPDX-License-Identifier: MIT */
/* EPCM: permissions, EAUG, EACCEPT, EACCEPTCOPY, EMODPE, types, removal. */
#include "sgxemu/tests/guest/builder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define PENDING_RW (SGX_SECINFO_PT(SGX_PT_REG) | SGX_SECINFO_PENDING | 3)

static struct enclave_under_test t;

/* A leaf with a SECINFO, at the start of DATA. */
static int with_secinfo(struct op *op, uint64_t leaf, uint64_t flags,
                        uint64_t rcx, uint64_t rdx)
{
    struct sgx_secinfo info = {.flags = flags};
    int err;

    put(&t, ADDRESS(&t, DATA_AT), &info, sizeof(info));
    err = do_enclu(&t, op, leaf, ADDRESS(&t, DATA_AT), rcx, rdx);
    return err;
}

static bool faults(uint64_t leaf, uint64_t flags, uint64_t rcx, uint64_t rdx,
                   int vector)
{
    struct sgx_secinfo info = {.flags = flags};
    struct op op;

    put(&t, ADDRESS(&t, DATA_AT), &info, sizeof(info));
    return raises(&t, &op, vector, OP_ENCLU, leaf, ADDRESS(&t, DATA_AT), rcx,
                  rdx);
}

static void accept_rules(void)
{
    uint64_t page = ADDRESS(&t, FREE_AT), value;
    struct op op;

    ok(raises(&t, &op, 14, OP_PEEK, page, 0, 0, 0) && t.run.error & SGX_PF_SGX,
       "EAUG", "a pending page is not accessible: #PF, SGX bit");
    ok(with_secinfo(&op, SGX_EACCEPT, SGX_SECINFO_PT(2) | 8 | 1, page, 0) ==
               0 &&
           op.r == SGX_PAGE_ATTRIBUTES_MISMATCH && op.flags & 0x40,
       "EACCEPT", "other permissions: PAGE_ATTRIBUTES_MISMATCH and ZF");
    ok(with_secinfo(&op, SGX_EACCEPT, PENDING_RW, page, 0) == 0 && op.r == 0 &&
           !(op.flags & 0x40),
       "EACCEPT", "accepts what EAUG added");
    ok(poke(&t, page, 0x55) == 0 && peek(&t, page, &value) == 0 &&
           value == 0x55,
       "EACCEPT", "then the page is memory");
    ok(with_secinfo(&op, SGX_EACCEPT, PENDING_RW, page, 0) == 0 &&
           op.r == SGX_PAGE_ATTRIBUTES_MISMATCH,
       "EACCEPT", "not twice");
    ok(with_secinfo(&op, SGX_EACCEPT, PENDING_RW, page + PAGE, 0) == 0 &&
           op.r == 0 && peek(&t, page + PAGE, &value) == 0 && value == 0,
       "EACCEPT", "brings an absent page, zeroed");
    ok(faults(SGX_EACCEPT, PENDING_RW, page + 8, 0, 13), "EACCEPT",
       "RCX must be page-aligned");
    ok(faults(SGX_EACCEPT, PENDING_RW, t.base + t.size, 0, 13), "EACCEPT",
       "RCX must lie in ELRANGE");
    ok(faults(SGX_EACCEPT, SGX_SECINFO_PT(2) | 3, page, 0, 13), "EACCEPT",
       "PT_REG needs PENDING or PR");
    ok(faults(SGX_EACCEPT, PENDING_RW | 1ull << 30, page, 0, 13), "EACCEPT",
       "reserved SECINFO bits must be 0");
    ok(raises(&t, &op, 13, OP_ENCLU, SGX_EACCEPT, ADDRESS(&t, DATA_AT) + 8,
              page, 0),
       "EACCEPT", "RBX must be 64-byte aligned");
}

static void copy_rules(void)
{
    uint64_t page = ADDRESS(&t, FREE_AT + 4), value;
    struct op op;

    poke(&t, ADDRESS(&t, DATA_AT + 1), 0xfeed);
    ok(with_secinfo(&op, SGX_EACCEPTCOPY, SGX_SECINFO_PT(2) | 5, page,
                    ADDRESS(&t, DATA_AT + 1)) == 0 &&
           op.r == 0,
       "EACCEPTCOPY", "fills a pending page");
    ok(peek(&t, page, &value) == 0 && value == 0xfeed, "EACCEPTCOPY",
       "with the source's bytes");
    ok(raises(&t, &op, 14, OP_POKE, page, 1, 0, 0) && t.run.error & SGX_PF_SGX,
       "EACCEPTCOPY", "and the permissions of SECINFO");
    ok(with_secinfo(&op, SGX_EACCEPTCOPY, SGX_SECINFO_PT(2) | 3, page,
                    ADDRESS(&t, DATA_AT + 1)) == 0 &&
           op.r == SGX_PAGE_ATTRIBUTES_MISMATCH,
       "EACCEPTCOPY", "a page that is not pending mismatches");
    ok(faults(SGX_EACCEPTCOPY, SGX_SECINFO_PT(2) | 2, page,
              ADDRESS(&t, DATA_AT + 1), 13),
       "EACCEPTCOPY", "W without R is #GP");
    ok(faults(SGX_EACCEPTCOPY, SGX_SECINFO_PT(2) | 3, page, ADDRESS(&t, TCS_AT),
              14),
       "EACCEPTCOPY", "a TCS is no source: #PF");
}

static void permissions(void)
{
    uint64_t page = ADDRESS(&t, FREE_AT + 8), value;
    struct sgx_ioctl_modify m = {(FREE_AT + 8) * PAGE, PAGE, 1, 0, 0};
    struct op op;

    with_secinfo(&op, SGX_EACCEPT, PENDING_RW, page, 0);
    poke(&t, page, 7);
    ok(ioctl(t.fd, SGX_IOCTL_RESTRICT, &m) == 0 && m.count == PAGE, "EMODPR",
       "restricts to R");
    ok(raises(&t, &op, 14, OP_POKE, page, 1, 0, 0) &&
           t.run.error == (SGX_PF_SGX | 7),
       "EMODPR", "a write is then #PF with the SGX bit");
    ok(peek(&t, page, &value) == 0 && value == 7, "EMODPR", "a read is not");
    ok(with_secinfo(&op, SGX_EACCEPT, SGX_SECINFO_PT(2) | SGX_SECINFO_PR | 1,
                    page, 0) == 0 &&
           op.r == 0,
       "EACCEPT", "accepts the restriction");
    ok(with_secinfo(&op, SGX_EMODPE, SGX_SECINFO_PT(2) | 3, page, 0) == 0 &&
           poke(&t, page, 9) == 0,
       "EMODPE", "extends to R+W");
    with_secinfo(&op, SGX_EMODPE, SGX_SECINFO_PT(2) | 1, page, 0);
    ok(poke(&t, page, 10) == 0, "EMODPE", "never takes away");
    ok(faults(SGX_EMODPE, SGX_SECINFO_PT(2) | 7, ADDRESS(&t, TCS_AT), 0, 14),
       "EMODPE", "only on PT_REG: #PF");
    m.count = 0;
    m.value = 2;
    ok(ioctl(t.fd, SGX_IOCTL_RESTRICT, &m) == -1 && errno == EINVAL, "EMODPR",
       "W without R is EINVAL");
}

static void types(void)
{
    uint64_t page = ADDRESS(&t, FREE_AT + 12), value;
    struct sgx_ioctl_modify m = {(FREE_AT + 12) * PAGE, PAGE, SGX_PT_TRIM, 0,
                                 0};
    struct sgx_ioctl_remove r = {(FREE_AT + 12) * PAGE, PAGE, 0};
    struct op op;

    with_secinfo(&op, SGX_EACCEPT, PENDING_RW, page, 0);
    ok(ioctl(t.fd, SGX_IOCTL_REMOVE, &r) == -1 && errno == EPERM, "EREMOVE",
       "only a trimmed page");
    ok(ioctl(t.fd, SGX_IOCTL_MODIFY_TYPE, &m) == 0, "EMODT", "to PT_TRIM");
    ok(raises(&t, &op, 14, OP_PEEK, page, 0, 0, 0), "EMODT",
       "the page is gone for the enclave");
    r.count = 0;
    ok(ioctl(t.fd, SGX_IOCTL_REMOVE, &r) == -1 && errno == EPERM, "EREMOVE",
       "not before EACCEPT");
    ok(with_secinfo(&op, SGX_EACCEPT,
                    SGX_SECINFO_PT(SGX_PT_TRIM) | SGX_SECINFO_MODIFIED, page,
                    0) == 0 &&
           op.r == 0,
       "EACCEPT", "of PT_TRIM");
    r.count = 0;
    ok(ioctl(t.fd, SGX_IOCTL_REMOVE, &r) == 0 && r.count == PAGE, "EREMOVE",
       "after EACCEPT");
    ok(with_secinfo(&op, SGX_EACCEPT, PENDING_RW, page, 0) == 0 && op.r == 0 &&
           peek(&t, page, &value) == 0,
       "EAUG", "the address can be used again");
    m.count = 0;
    m.value = SGX_PT_REG;
    ok(ioctl(t.fd, SGX_IOCTL_MODIFY_TYPE, &m) == -1 && errno == EINVAL, "EMODT",
       "back to PT_REG is EINVAL");
}

static void access_rules(void)
{
    uint64_t value;
    struct op op;

    ok(raises(&t, &op, 14, OP_POKE, t.base, 1, 0, 0), "EPCM",
       "code without W is not writable");
    ok(raises(&t, &op, 14, OP_PEEK, ADDRESS(&t, TCS_AT), 0, 0, 0), "EPCM",
       "a TCS is not readable inside");
    mprotect((void *)ADDRESS(&t, DATA_AT + 2), PAGE, PROT_NONE);
    ok(raises(&t, &op, 14, OP_PEEK, ADDRESS(&t, DATA_AT + 2), 0, 0, 0) &&
           !(t.run.error & SGX_PF_SGX),
       "paging", "PROT_NONE is #PF without the SGX bit");
    mprotect((void *)ADDRESS(&t, DATA_AT + 2), PAGE, PROT_READ | PROT_WRITE);
    ok(peek(&t, ADDRESS(&t, DATA_AT + 2), &value) == 0, "paging",
       "mprotect gives it back");
}

/* Also under --aex-at, whose steps are made with the trap flag. */
static void trap_flag(void)
{
    static const uint8_t code[] = {
        0x9c,                                     /* pushfq */
        0x81, 0x0c, 0x24, 0x00, 0x01, 0x00, 0x00, /* orl $TF, (%rsp) */
        0x9d,                                     /* popfq */
        0x90, 0x31, 0xc0, 0xc3,                   /* nop; return 0 */
    };
    struct op op;

    do_op(&t, &op, OP_ENTERED, 0, 0, 0, 0);
    ok(!(op.flags & 0x100), "EENTER", "RFLAGS.TF is not seen inside");
    put(&t, ADDRESS(&t, RWX_AT), code, sizeof(code));
    ok(do_op(&t, &op, OP_CALL, ADDRESS(&t, RWX_AT), 0, 0, 0) == 0 && !op.r,
       "debug", "TF that an opt-out entry sets is no #DB");
}

void test_pages(void)
{
    build(&t);
    accept_rules();
    copy_rules();
    permissions();
    types();
    access_rules();
    trap_flag();
    build_drop(&t);
}
