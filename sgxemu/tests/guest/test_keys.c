/* SPDX-License-Identifier: MIT */
/* EREPORT and EGETKEY: who can verify, which keys agree. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "sgxemu/tests/guest/builder.h"

#include <fcntl.h>
#include <openssl/cmac.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define AT(t, n) (ADDRESS(t, DATA_AT + (n)))

static int egetkey(struct enclave_under_test *t, struct sgx_keyrequest *q,
                   uint8_t key[16])
{
    struct op op;

    put(t, AT(t, 0), q, sizeof(*q));
    if (do_enclu(t, &op, SGX_EGETKEY, AT(t, 0), AT(t, 1), 0) != 0) {
        int vector = t->run.vector;

        skip(t, 0, 3, NULL, NULL);
        return -vector;
    }
    get(t, key, AT(t, 1), 16);
    return (int)op.r;
}

static struct sgx_keyrequest seal(uint16_t policy)
{
    struct sgx_keyrequest q = {.key_name = SGX_KEY_SEAL, .key_policy = policy};

    q.attribute_mask.flags = ~0ull;
    return q;
}

/* Do the two enclaves get the same key for the request? */
static bool agree(struct enclave_under_test *a, struct enclave_under_test *b,
                  struct sgx_keyrequest q)
{
    uint8_t one[16], two[16];

    return egetkey(a, &q, one) == 0 && egetkey(b, &q, two) == 0 &&
           memcmp(one, two, 16) == 0;
}

static void ready(struct enclave_under_test *t, int key, uint16_t prod,
                  uint16_t svn, uint64_t extra)
{
    build_start(t);
    t->secs.attributes.flags |= extra;
    t->sig.isv_prod_id = prod;
    t->sig.isv_svn = svn;
    build_ready(t, key);
}

static void policies(void)
{
    struct enclave_under_test a, same, product, signer, newer, big;
    struct sgx_keyrequest q;
    uint8_t key[16];

    ready(&a, 0, 7, 5, 0);
    ready(&same, 0, 7, 5, 0);
    ready(&product, 0, 8, 5, 0);
    ready(&signer, 1, 7, 5, 0);
    ready(&newer, 0, 7, 6, 0);
    build_start(&big); /* another MRENCLAVE */
    build_create(&big);
    build_pages(&big);
    build_page(&big, 104, NULL, SGX_SECINFO_PT(2) | 3, true);
    build_sign(&big, 0);
    big.sig.isv_svn = 5;
    build_init(&big);
    build_map(&big);

    ok(agree(&a, &same, seal(SGX_POLICY_MRENCLAVE)), "EGETKEY",
       "MRENCLAVE: the same enclave agrees");
    ok(!agree(&a, &big, seal(SGX_POLICY_MRENCLAVE)), "EGETKEY",
       "MRENCLAVE: another enclave differs");
    ok(agree(&a, &big, seal(SGX_POLICY_MRSIGNER)), "EGETKEY",
       "MRSIGNER: another enclave of the signer agrees");
    ok(!agree(&a, &signer, seal(SGX_POLICY_MRSIGNER)), "EGETKEY",
       "MRSIGNER: another signer differs");
    ok(!agree(&a, &product, seal(SGX_POLICY_MRSIGNER)), "EGETKEY",
       "ISVPRODID is part of it");
    q = seal(SGX_POLICY_MRSIGNER);
    q.isv_svn = 5;
    ok(agree(&a, &newer, q), "EGETKEY", "a newer ISVSVN gets the older key");
    q.isv_svn = 6;
    ok(egetkey(&a, &q, key) == SGX_INVALID_ISVSVN, "EGETKEY",
       "an ISVSVN beyond one's own: INVALID_ISVSVN");
    q = seal(SGX_POLICY_MRENCLAVE);
    q.key_id[9] = 1;
    ok(agree(&a, &same, q), "EGETKEY", "KEYID is the caller's choice");
    {
        struct sgx_keyrequest plain = seal(SGX_POLICY_MRENCLAVE);
        uint8_t one[16], two[16];

        egetkey(&a, &plain, one);
        egetkey(&a, &q, two);
        ok(memcmp(one, two, 16) != 0, "EGETKEY", "KEYID changes the key");
        plain.attribute_mask.flags = 0;
        egetkey(&a, &plain, two);
        ok(memcmp(one, two, 16) != 0, "EGETKEY",
           "ATTRIBUTEMASK changes the key");
        plain = seal(SGX_POLICY_MRENCLAVE);
        plain.miscmask = 1;
        egetkey(&a, &plain, two);
        ok(memcmp(one, two, 16) != 0, "EGETKEY", "MISCMASK changes the key");
    }
    q = seal(SGX_POLICY_MRENCLAVE);
    memset(q.cpu_svn, 0xff, 16);
    ok(egetkey(&a, &q, key) == SGX_INVALID_CPUSVN, "EGETKEY",
       "a CPUSVN beyond the CPU's: INVALID_CPUSVN");
    q = seal(0);
    q.key_name = 9;
    ok(egetkey(&a, &q, key) == SGX_INVALID_KEYNAME, "EGETKEY",
       "an unknown name: INVALID_KEYNAME");
    q.key_name = SGX_KEY_PROVISION;
    ok(egetkey(&a, &q, key) == SGX_INVALID_ATTRIBUTE, "EGETKEY",
       "a provisioning key needs its attribute");
    q.key_name = SGX_KEY_EINITTOKEN;
    ok(egetkey(&a, &q, key) == SGX_INVALID_ATTRIBUTE, "EGETKEY",
       "an EINITTOKEN key needs its attribute");
    q = seal(SGX_POLICY_CONFIGID);
    ok(egetkey(&a, &q, key) == -13, "EGETKEY", "KSS policies need KSS: #GP");
    q = seal(0x100);
    ok(egetkey(&a, &q, key) == -13, "EGETKEY", "reserved KEYPOLICY bits: #GP");
    q = seal(0);
    q.reserved2[100] = 1;
    ok(egetkey(&a, &q, key) == -13, "EGETKEY", "reserved bytes: #GP");
    build_drop(&a);
    build_drop(&same);
    build_drop(&product);
    build_drop(&signer);
    build_drop(&newer);
    build_drop(&big);
}

static void kss(void)
{
    struct enclave_under_test a, b;

    for (int i = 0; i < 2; i++) {
        struct enclave_under_test *t = i ? &b : &a;

        build_start(t);
        t->secs.attributes.flags |= SGX_ATTR_KSS;
        t->secs.config_id[0] = (uint8_t)(1 + i);
        t->secs.config_svn = 3;
        t->sig.isv_family_id[0] = 0x11;
        t->sig.isv_ext_prod_id[0] = (uint8_t)(0x21 + i);
        t->sig.isv_prod_id = (uint16_t)(40 + i);
        build_ready(t, 0);
    }
    ok(!agree(&a, &b, seal(SGX_POLICY_MRSIGNER)), "KSS", "ISVPRODID differs");
    ok(agree(&a, &b, seal(SGX_POLICY_MRSIGNER | SGX_POLICY_NOISVPRODID)), "KSS",
       "NOISVPRODID leaves it out");
    ok(agree(&a, &b,
             seal(SGX_POLICY_MRSIGNER | SGX_POLICY_NOISVPRODID |
                  SGX_POLICY_ISVFAMILYID)),
       "KSS", "the same ISVFAMILYID agrees");
    ok(!agree(&a, &b,
              seal(SGX_POLICY_MRSIGNER | SGX_POLICY_NOISVPRODID |
                   SGX_POLICY_ISVEXTPRODID)),
       "KSS", "another ISVEXTPRODID differs");
    ok(!agree(&a, &b,
              seal(SGX_POLICY_MRSIGNER | SGX_POLICY_NOISVPRODID |
                   SGX_POLICY_CONFIGID)),
       "KSS", "another CONFIGID differs");
    build_drop(&a);
    build_drop(&b);
}

static void provisioning(void)
{
    struct enclave_under_test t;
    struct sgx_keyrequest q = {.key_name = SGX_KEY_PROVISION};
    int fd = open("/dev/sgx_provision", O_RDONLY);
    uint64_t arg = (uint64_t)fd;
    uint8_t one[16], two[16];

    build_start(&t);
    t.secs.attributes.flags |= SGX_ATTR_PROVISION;
    build_create(&t);
    build_pages(&t);
    build_sign(&t, 0);
    ok(ioctl(t.fd, SGX_IOCTL_PROVISION, &arg) == 0, "driver",
       "PROVISION takes a descriptor of /dev/sgx_provision");
    arg = 0;
    ok(ioctl(t.fd, SGX_IOCTL_PROVISION, &arg) == -1, "driver",
       "and of nothing else");
    ok(build_init(&t) == 0, "EINIT", "then PROVISIONKEY is allowed");
    build_map(&t);
    ok(egetkey(&t, &q, one) == 0, "EGETKEY", "gives the provisioning key");
    q.key_name = SGX_KEY_PROVISION_SEAL;
    ok(egetkey(&t, &q, two) == 0 && memcmp(one, two, 16) != 0, "EGETKEY",
       "the provisioning seal key is another");
    close(fd);
    build_drop(&t);
}

static bool mac_good(const struct sgx_report *r, const uint8_t key[16])
{
    CMAC_CTX *ctx = CMAC_CTX_new();
    uint8_t mac[16];
    size_t n;

    CMAC_Init(ctx, key, 16, EVP_aes_128_cbc(), NULL);
    CMAC_Update(ctx, r, 384);
    CMAC_Final(ctx, mac, &n);
    CMAC_CTX_free(ctx);
    return memcmp(mac, r->mac, 16) == 0;
}

static void reports(void)
{
    struct enclave_under_test a, b;
    struct sgx_targetinfo target = {0};
    struct sgx_keyrequest q = {.key_name = SGX_KEY_REPORT};
    uint8_t data[64] = "what the report says", key[16];
    struct sgx_report r;
    struct op op;

    ready(&a, 0, 7, 5, 0);
    build_start(&b);
    build_create(&b);
    build_pages(&b);
    build_page(&b, 104, NULL, SGX_SECINFO_PT(2) | 3, true);
    build_sign(&b, 1);
    build_init(&b);
    build_map(&b);
    memcpy(target.measurement, b.mrenclave, 32);
    target.attributes = b.secs.attributes;
    target.attributes.flags |= SGX_ATTR_INIT;
    target.miscselect = b.secs.miscselect;
    put(&a, AT(&a, 0), &target, sizeof(target));
    put(&a, AT(&a, 1), data, sizeof(data));
    do_enclu(&a, &op, SGX_EREPORT, AT(&a, 0), AT(&a, 1), AT(&a, 2));
    get(&a, &r, AT(&a, 2), sizeof(r));
    ok(memcmp(r.body.mrenclave, a.mrenclave, 32) == 0, "EREPORT",
       "MRENCLAVE is what the SDM's rules give");
    ok(memcmp(r.body.report_data, data, 64) == 0, "EREPORT",
       "REPORTDATA is the caller's");
    ok(r.body.isv_prod_id == 7 && r.body.isv_svn == 5, "EREPORT",
       "ISVPRODID and ISVSVN are SIGSTRUCT's");
    memcpy(q.key_id, r.key_id, 32);
    egetkey(&b, &q, key);
    ok(mac_good(&r, key), "EREPORT", "the target verifies the MAC");
    r.body.report_data[3] ^= 1;
    ok(!mac_good(&r, key), "EREPORT", "not with a byte changed");
    r.body.report_data[3] ^= 1;
    egetkey(&a, &q, key);
    ok(!mac_good(&r, key), "EREPORT", "not with another enclave's key");
    put(&a, AT(&a, 0), &target, sizeof(target));
    ok(raises(&a, &op, 13, OP_ENCLU, SGX_EREPORT, AT(&a, 0) + 64, AT(&a, 1),
              AT(&a, 2)),
       "EREPORT", "TARGETINFO is 512-byte aligned");
    ok(raises(&a, &op, 13, OP_ENCLU, SGX_EREPORT, AT(&a, 0), AT(&a, 1),
              (uint64_t)&op & ~511ull),
       "EREPORT", "operands lie in ELRANGE");
    ok(raises(&a, &op, 14, OP_ENCLU, SGX_EREPORT, AT(&a, 0), AT(&a, 1), a.base),
       "EREPORT", "the output page needs W: #PF");
    target.reserved3[7] = 1;
    put(&a, AT(&a, 0), &target, sizeof(target));
    ok(raises(&a, &op, 13, OP_ENCLU, SGX_EREPORT, AT(&a, 0), AT(&a, 1),
              AT(&a, 2)),
       "EREPORT", "reserved TARGETINFO bytes must be 0");
    build_drop(&a);
    build_drop(&b);
}

void test_keys(void)
{
    policies();
    kss();
    provisioning();
    reports();
}
