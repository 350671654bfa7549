/* SPDX-License-Identifier: MIT */
/* ECREATE, EADD, EEXTEND, EINIT: what builds, and what is refused. */
#include "sgxemu/tests/guest/builder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* One ECREATE with one thing wrong. */
#define REFUSES_CREATE(change, err, rule)                                      \
    do {                                                                       \
        struct enclave_under_test t;                                           \
        build_start(&t);                                                       \
        change;                                                                \
        ok(build_create(&t) == (err), "ECREATE", rule);                        \
        build_drop(&t);                                                        \
    } while (0)

static void create(void)
{
    REFUSES_CREATE(t.secs.size = 3 * PAGE, -EINVAL,
                   "SIZE must be a power of two");
    REFUSES_CREATE(t.secs.size = PAGE, -EIO, "SIZE is at least two pages");
    REFUSES_CREATE(t.secs.base += PAGE, -EIO, "BASEADDR is SIZE-aligned");
    REFUSES_CREATE(t.secs.ssa_frame_size = 0, -EIO,
                   "SSAFRAMESIZE holds XSAVE, MISC and GPR areas");
    REFUSES_CREATE(t.secs.attributes.xfrm = 1, -EIO, "XFRM[1:0] must be 3");
    REFUSES_CREATE(t.secs.attributes.xfrm |= 1ull << 40, -EIO,
                   "XFRM is a subset of what CPUID.12H.1 allows");
    REFUSES_CREATE(t.secs.attributes.xfrm = 0x27, -EIO,
                   "XFRM takes AVX-512 state whole");
    REFUSES_CREATE(t.secs.attributes.flags |= SGX_ATTR_INIT, -EIO,
                   "ATTRIBUTES.INIT must be 0");
    REFUSES_CREATE(t.secs.attributes.flags |= 1ull << 40, -EIO,
                   "reserved ATTRIBUTES must be 0");
    REFUSES_CREATE(t.secs.miscselect = 1u << 9, -EIO,
                   "reserved MISCSELECT must be 0");
    REFUSES_CREATE(t.secs.reserved4[100] = 1, -EIO,
                   "reserved bytes of SECS must be 0");
    REFUSES_CREATE(t.secs.config_svn = 1, -EIO,
                   "CONFIGSVN needs ATTRIBUTES.KSS");
}

static void add(void)
{
    uint8_t page[4096] = {0};
    struct sgx_tcs *tcs = (struct sgx_tcs *)page;
    struct enclave_under_test t;

    build_start(&t);
    ok(build_page(&t, 0, page, SGX_SECINFO_PT(2) | 3, true) == -EINVAL, "EADD",
       "the driver wants ECREATE first");
    build_create(&t);
    ok(build_page(&t, 0, page, SGX_SECINFO_PT(2) | 2, true) == -EINVAL, "EADD",
       "W without R is refused");
    ok(build_page(&t, 0, page, SGX_SECINFO_PT(1) | 3, true) == -EINVAL, "EADD",
       "a TCS has no permissions");
    ok(build_page(&t, 0, page, SGX_SECINFO_PT(4), true) == -EINVAL, "EADD",
       "only PT_REG and PT_TCS are added");
    ok(build_page(&t, 0, page, SGX_SECINFO_PT(2) | 1 | 1ull << 20, true) ==
           -EINVAL,
       "EADD", "reserved SECINFO bits must be 0");
    ok(build_page(&t, SIZE_PAGES, page, SGX_SECINFO_PT(2) | 3, true) == -EINVAL,
       "EADD", "a page lies within SIZE");
    tcs->reserved[5] = 1;
    ok(build_page(&t, 1, page, SGX_SECINFO_PT(1), true) == -EIO, "EADD",
       "reserved bytes of a TCS must be 0");
    tcs->reserved[5] = 0;
    tcs->ossa = 5;
    ok(build_page(&t, 1, page, SGX_SECINFO_PT(1), true) == -EIO, "EADD",
       "TCS.OSSA is page-aligned");
    tcs->ossa = 0;
    tcs->flags = 1ull << 5;
    ok(build_page(&t, 1, page, SGX_SECINFO_PT(1), true) == -EIO, "EADD",
       "reserved TCS.FLAGS must be 0");
    tcs->flags = 0;
    build_page(&t, 2, page, SGX_SECINFO_PT(2) | 3, true);
    ok(build_page(&t, 2, page, SGX_SECINFO_PT(2) | 3, true) == -EBUSY, "EADD",
       "a page is added once");
    build_drop(&t);
}

/* One EINIT with one thing wrong. before: signed with it; after: not. */
#define REFUSES_INIT(secs_change, before, after, err, rule)                    \
    do {                                                                       \
        struct enclave_under_test t;                                           \
        build_start(&t);                                                       \
        secs_change;                                                           \
        build_create(&t);                                                      \
        before;                                                                \
        build_sign(&t, 0);                                                     \
        after;                                                                 \
        ok(build_init(&t) == (err), "EINIT", rule);                            \
        build_drop(&t);                                                        \
    } while (0)

static void init(void)
{
    REFUSES_INIT(, , , 0, "an empty enclave initializes");
    REFUSES_INIT(, , t.sig.signature[7] ^= 1, -EPERM,
                 "a wrong signature is refused");
    REFUSES_INIT(, , t.sig.q1[3] ^= 1, -EPERM, "a wrong q1 is refused");
    REFUSES_INIT(, , t.sig.q2[3] ^= 1, -EPERM, "a wrong q2 is refused");
    REFUSES_INIT(, , t.sig.isv_svn ^= 1, -EPERM, "the signature covers ISVSVN");
    REFUSES_INIT(, t.sig.exponent = 5, , -EPERM, "EXPONENT must be 3");
    REFUSES_INIT(, t.sig.header[1] = 1, , -EPERM, "HEADER is fixed");
    REFUSES_INIT(, t.sig.reserved1[3] = 1, , -EPERM,
                 "reserved bytes of SIGSTRUCT must be 0");
    REFUSES_INIT(, , build_page(&t, 1, NULL, SGX_SECINFO_PT(2) | 3, false),
                 -EPERM, "a wrong ENCLAVEHASH is refused");
    REFUSES_INIT(,
                 (t.sig.attributes.flags = SGX_ATTR_MODE64BIT,
                  t.sig.attribute_mask.flags = SGX_ATTR_DEBUG),
                 , -EPERM, "ATTRIBUTEMASK makes DEBUG binding");
    REFUSES_INIT(, (t.sig.miscselect = 0, t.sig.miscmask = 1), , -EPERM,
                 "MISCMASK makes MISCSELECT binding");
    REFUSES_INIT(, t.sig.isv_family_id[0] = 1, , -EPERM,
                 "ISVFAMILYID needs KSS");
    REFUSES_INIT(t.secs.attributes.flags |= SGX_ATTR_PROVISION, , , -EACCES,
                 "PROVISIONKEY needs /dev/sgx_provision");
    REFUSES_INIT(t.secs.attributes.flags |= SGX_ATTR_EINITTOKEN, , , -EACCES,
                 "EINITTOKENKEY is never let through by the driver");
}

static void device(void)
{
    struct enclave_under_test t;
    uint64_t arg = 0;
    int zero, ends[2];
    char byte;

    build(&t);
    ok(build_init(&t) == -EINVAL, "driver", "a second INIT is EINVAL");
    ok(build_create(&t) == -EINVAL, "driver", "a second CREATE is EINVAL");
    ok(build_page(&t, 200, NULL, SGX_SECINFO_PT(2) | 3, true) == -EINVAL,
       "driver", "no ADD_PAGES after INIT");
    ok(ioctl(t.fd, SGX_IOCTL_CREATE, NULL) == -1 && errno == EINVAL, "driver",
       "state comes before the argument");
    ok(ioctl(t.fd, 0xA4FF, &arg) == -1 && errno == ENOTTY, "driver",
       "an unknown ioctl is ENOTTY");
    ok(mmap((void *)t.base, PAGE, PROT_WRITE, MAP_SHARED | MAP_FIXED, t.fd,
            0) == MAP_FAILED &&
           errno == EACCES,
       "driver", "no mapping beyond SECINFO's permissions");
    ok(mmap((void *)(t.base - PAGE), PAGE, PROT_READ, MAP_SHARED | MAP_FIXED,
            t.fd, 0) == MAP_FAILED &&
           errno == EACCES,
       "driver", "no mapping outside ELRANGE after INIT");
    ok(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, t.fd, 0) == MAP_FAILED &&
           errno == EINVAL,
       "driver", "MAP_PRIVATE is EINVAL");
    ok(mprotect((void *)t.base, PAGE, PROT_READ | PROT_WRITE) == -1 &&
           errno == EACCES,
       "driver", "mprotect obeys SECINFO too");
    ok(read(t.fd, &byte, 1) == -1, "driver", "the device cannot be read");
    zero = open("/dev/zero", O_RDWR);
    ok_with("ospke",
            read(zero, (void *)ADDRESS(&t, DATA_AT), 8) == -1 &&
                errno == EFAULT,
            "driver", "read(2) into enclave memory is EFAULT");
    ok_with("ospke",
            pipe(ends) == 0 &&
                write(ends[1], (void *)ADDRESS(&t, DATA_AT), 8) == -1 &&
                errno == EFAULT,
            "driver", "write(2) from enclave memory, too");
    close(ends[0]);
    close(ends[1]);
    close(zero);
    build_drop(&t);
}

static void huge(void)
{
    uint64_t far = (1ull << 46) - PAGE, value = 1;
    struct sgx_secinfo info = {.flags = SGX_SECINFO_PT(SGX_PT_REG) |
                                        SGX_SECINFO_PENDING | 3};
    struct enclave_under_test t;
    struct op op;

    build_start(&t);
    build_huge(&t);
    build_ready(&t, 0);
    ok(do_op(&t, &op, OP_NOP, 0, 0, 0, 0) == 0, "ECREATE",
       "an ELRANGE of [0, 2^46) runs");
    mmap((void *)0xc000000000, far + PAGE - 0xc000000000,
         PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED | MAP_FIXED, t.fd, 0);
    put(&t, ADDRESS(&t, DATA_AT), &info, sizeof(info));
    ok(do_enclu(&t, &op, SGX_EACCEPT, ADDRESS(&t, DATA_AT), far, 0) == 0 &&
           op.r == 0 && peek(&t, far, &value) == 0 && value == 0,
       "EACCEPT", "its last page");
    munmap((void *)0xc000000000, far + PAGE - 0xc000000000);
    build_drop(&t);
}

void test_build(void)
{
    huge();
    create();
    add();
    init();
    device();
}
