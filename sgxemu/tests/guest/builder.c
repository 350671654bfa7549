/* SPDX-License-Identifier: MIT */
/*
 * See builder.h. The measurement is computed here a second time, by the SDM,
 * and the signature with libcrypto, so that the emulator is not asked to
 * agree with itself.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "sgxemu/tests/guest/builder.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

int failures, assertions;

bool cpu_has(const char *flag)
{
    const char *lacks = getenv("SGXEMU_LACKS"); /* lacking.c */
    static char info[1 << 14];
    char word[32];

    if (!info[0]) {
        int fd = open("/proc/cpuinfo", O_RDONLY);
        ssize_t n = fd < 0 ? -1 : read(fd, info, sizeof(info) - 1);

        for (ssize_t i = 0; i < n; i++) {
            info[i] = info[i] == '\n' ? ' ' : info[i];
        }
        close(fd);
    }
    snprintf(word, sizeof(word), " %s ", flag);
    return strstr(info, word) && !(lacks && strstr(lacks, word));
}

void ok(bool good, const char *section, const char *rule)
{
    assertions++;
    failures += !good;
    printf("%s sgxemu %s: %s\n", good ? "ok" : "not ok", section, rule);
    fflush(stdout);
}

void ok_with(const char *flag, bool good, const char *section, const char *rule)
{
    if (cpu_has(flag)) {
        ok(good, section, rule);
    } else {
        printf("ok sgxemu %s: %s # SKIP this CPU has no %s\n", section, rule,
               flag);
    }
}

/* ---- build ---- */
void build_start(struct enclave_under_test *t)
{
    uint64_t size = SIZE_PAGES * PAGE, at;
    uint32_t low, high;

    memset(t, 0, sizeof(*t));
    t->fd = open("/dev/sgx_enclave", O_RDWR | O_CLOEXEC);
    if (t->fd < 0) {
        perror("/dev/sgx_enclave");
        exit(1);
    }
    at = (uint64_t)mmap(NULL, 2 * size, PROT_NONE, MAP_SHARED, t->fd, 0);
    t->base = (at + size - 1) & ~(size - 1);
    munmap((void *)at, t->base - at);
    munmap((void *)(t->base + size), at + size - t->base);
    t->size = size;
    t->secs.size = size;
    t->secs.base = t->base;
    t->secs.ssa_frame_size = FRAME_PAGES;
    t->secs.miscselect = SGX_MISC_EXINFO;
    t->secs.attributes.flags = SGX_ATTR_MODE64BIT | SGX_ATTR_DEBUG;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    t->secs.attributes.xfrm = low & 0xe7;
    t->hash = malloc(sizeof(SHA256_CTX));
    memcpy(t->sig.header, "\6\0\0\0\xe1\0\0\0\0\0\1\0\0\0\0\0", 16);
    memcpy(t->sig.header2, "\1\1\0\0\x60\0\0\0\x60\0\0\0\1\0\0\0", 16);
    t->sig.date = 0x20261121;
    t->sig.exponent = 3;
    t->sig.isv_prod_id = 7;
    t->sig.isv_svn = 5;
}

void build_huge(struct enclave_under_test *t)
{
    munmap((void *)t->base, t->size);
    t->base = t->secs.base = 0;
    t->size = t->secs.size = 1ull << 46;
    t->origin = (1ull << 30) / PAGE;
}

int build_create(struct enclave_under_test *t)
{
    uint64_t arg = (uint64_t)&t->secs;
    uint8_t record[64] = "ECREATE";

    if (ioctl(t->fd, SGX_IOCTL_CREATE, &arg) != 0) {
        return -errno;
    }
    memcpy(record + 8, &t->secs.ssa_frame_size, 4);
    memcpy(record + 12, &t->secs.size, 8);
    SHA256_Init(t->hash);
    SHA256_Update(t->hash, record, 64);
    return 0;
}

int build_page(struct enclave_under_test *t, uint64_t page, const void *bytes,
               uint64_t flags, bool measure)
{
    static uint8_t source[4096] __attribute__((aligned(4096)));
    struct sgx_secinfo info = {.flags = flags};
    struct sgx_ioctl_add add = {(uint64_t)source,
                                (t->origin + page) * PAGE,
                                PAGE,
                                (uint64_t)&info,
                                measure,
                                0};
    uint8_t record[64] = "EADD\0\0\0";

    memset(source, 0, sizeof(source));
    if (bytes) {
        memcpy(source, bytes, PAGE);
    }
    if (ioctl(t->fd, SGX_IOCTL_ADD_PAGES, &add) != 0) {
        return -errno;
    }
    memcpy(record + 8, &add.offset, 8);
    memcpy(record + 16, &flags, 8);
    SHA256_Update(t->hash, record, 64);
    for (uint64_t i = 0; measure && i < PAGE; i += 256) {
        uint64_t at = add.offset + i;

        memset(record, 0, 64);
        memcpy(record, "EEXTEND", 8);
        memcpy(record + 8, &at, 8);
        SHA256_Update(t->hash, record, 64);
        SHA256_Update(t->hash, source + i, 256);
    }
    return 0;
}

static int add_thread(struct enclave_under_test *t, uint64_t n)
{
    uint8_t page[4096] = {0};
    struct sgx_tcs *tcs = (struct sgx_tcs *)page;
    struct gs_page *gs = (struct gs_page *)page;
    int err;

    tcs->ossa = (t->origin + SSA_AT + n * SSA_FRAMES * FRAME_PAGES) * PAGE;
    tcs->nssa = SSA_FRAMES;
    tcs->ofs_base = (t->origin + GS_AT + n) * PAGE;
    tcs->ogs_base = (t->origin + GS_AT + n) * PAGE;
    tcs->fs_limit = tcs->gs_limit = 0xffffffff;
    tcs->oentry = t->origin * PAGE;
    if (t->secs.attributes.flags & SGX_ATTR_AEXNOTIFY) {
        tcs->flags = SGX_TCS_AEXNOTIFY;
    }
    err = build_page(t, TCS_AT + n, page, SGX_SECINFO_PT(SGX_PT_TCS), true);
    memset(page, 0, sizeof(page));
    gs->stack[0] = ADDRESS(t, STACK_AT + 4 * n + 2);
    gs->stack[1] = ADDRESS(t, STACK_AT + 4 * n + 4);
    gs->ssa = ADDRESS(t, SSA_AT + n * SSA_FRAMES * FRAME_PAGES);
    err = err ? err
              : build_page(t, GS_AT + n, page, SGX_SECINFO_PT(SGX_PT_REG) | 3,
                           false); /* its content depends on the base */
    for (uint64_t i = 0; i < SSA_FRAMES * FRAME_PAGES; i++) {
        err = err ? err
                  : build_page(t, SSA_AT + n * SSA_FRAMES * FRAME_PAGES + i,
                               NULL, SGX_SECINFO_PT(SGX_PT_REG) | 3, true);
    }
    for (uint64_t i = 0; i < 4; i++) {
        err = err ? err
                  : build_page(t, STACK_AT + 4 * n + i, NULL,
                               SGX_SECINFO_PT(SGX_PT_REG) | 3, true);
    }
    return err;
}

int build_pages(struct enclave_under_test *t)
{
    size_t size = (size_t)(guest_image_end - guest_image);
    uint8_t page[4096];
    int err = 0;

    for (size_t at = 0; at < size && !err; at += PAGE) {
        size_t n = size - at < PAGE ? size - at : PAGE;

        memset(page, 0, sizeof(page));
        memcpy(page, guest_image + at, n);
        err = build_page(t, at / PAGE, page, SGX_SECINFO_PT(SGX_PT_REG) | 5,
                         true);
    }
    for (uint64_t i = 0; i < TCS_COUNT && !err; i++) {
        err = add_thread(t, i);
    }
    for (uint64_t i = 0; i < DATA_PAGES && !err; i++) {
        err = build_page(t, DATA_AT + i, NULL, SGX_SECINFO_PT(SGX_PT_REG) | 3,
                         true);
    }
    return err ? err
               : build_page(t, RWX_AT, NULL, SGX_SECINFO_PT(SGX_PT_REG) | 7,
                            true);
}

/* ---- sign ---- */
static RSA *signing_key(int n)
{
    static RSA *keys[2];
    BIGNUM *three = BN_new();

    if (keys[n] == NULL) {
        keys[n] = RSA_new();
        BN_set_word(three, 3);
        if (!RSA_generate_key_ex(keys[n], 3072, three, NULL)) {
            exit(1);
        }
    }
    BN_free(three);
    return keys[n];
}

static void quotients(struct enclave_under_test *t, const BIGNUM *s,
                      const BIGNUM *m)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *square = BN_new(), *q = BN_new(), *rest = BN_new();

    BN_sqr(square, s, ctx);
    BN_div(q, rest, square, m, ctx);
    BN_bn2lebinpad(q, t->sig.q1, 384);
    BN_mul(square, s, rest, ctx);
    BN_div(q, NULL, square, m, ctx);
    BN_bn2lebinpad(q, t->sig.q2, 384);
    BN_free(square);
    BN_free(q);
    BN_free(rest);
    BN_CTX_free(ctx);
}

void build_sign(struct enclave_under_test *t, int key)
{
    RSA *rsa = signing_key(key);
    uint8_t payload[256], digest[32], sig[384];
    SHA256_CTX copy;
    unsigned int n;
    BIGNUM *s;

    memcpy(&copy, t->hash, sizeof(copy));
    SHA256_Final(t->mrenclave, &copy);
    memcpy(t->sig.enclave_hash, t->mrenclave, 32);
    BN_bn2lebinpad(RSA_get0_n(rsa), t->sig.modulus, 384);
    memcpy(payload, &t->sig, 128);
    memcpy(payload + 128, (uint8_t *)&t->sig + 900, 128);
    SHA256(payload, 256, digest);
    RSA_sign(NID_sha256, digest, 32, sig, &n, rsa);
    s = BN_bin2bn(sig, 384, NULL);
    BN_bn2lebinpad(s, t->sig.signature, 384);
    quotients(t, s, RSA_get0_n(rsa));
    BN_free(s);
}

int build_init(struct enclave_under_test *t)
{
    static uint8_t page[4096] __attribute__((aligned(4096)));
    uint64_t arg = (uint64_t)page;

    memcpy(page, &t->sig, sizeof(t->sig));
    return ioctl(t->fd, SGX_IOCTL_INIT, &arg) ? -errno : 0;
}

static void map(struct enclave_under_test *t, uint64_t page, uint64_t count,
                int prot)
{
    if (mmap((void *)ADDRESS(t, page), count * PAGE, prot,
             MAP_SHARED | MAP_FIXED, t->fd, 0) == MAP_FAILED) {
        perror("mmap of the enclave");
        exit(1);
    }
}

void build_map(struct enclave_under_test *t)
{
    uint64_t code =
        ((uint64_t)(guest_image_end - guest_image) + PAGE - 1) / PAGE;

    map(t, 0, code, PROT_READ | PROT_EXEC);
    map(t, code, RWX_AT - code, PROT_READ | PROT_WRITE);
    map(t, RWX_AT, SIZE_PAGES - RWX_AT, PROT_READ | PROT_WRITE | PROT_EXEC);
}

void build_drop(struct enclave_under_test *t)
{
    munmap((void *)ADDRESS(t, 0), SIZE_PAGES * PAGE);
    close(t->fd);
    free(t->hash);
}

void build_ready(struct enclave_under_test *t, int key)
{
    int err = build_create(t);

    err = err ? err : build_pages(t);
    if (!err) {
        build_sign(t, key);
        err = build_init(t);
    }
    if (err) {
        printf("not ok sgxemu build: %s\n", strerror(-err));
        exit(1);
    }
    build_map(t);
}

void build(struct enclave_under_test *t)
{
    build_start(t);
    build_ready(t, 0);
}

/* ---- enter ---- */
typedef int (*enter_fn)(uint64_t rdi, uint64_t rsi, uint64_t rdx,
                        uint32_t function, uint64_t r8, uint64_t r9,
                        struct run *run);

static enter_fn find_enter(void)
{
    uint64_t base = getauxval(AT_SYSINFO_EHDR);
    const Elf64_Ehdr *h = (const Elf64_Ehdr *)base;
    const Elf64_Phdr *p = (const Elf64_Phdr *)(base + h->e_phoff);
    const Elf64_Sym *sym = NULL;
    const char *str = NULL;
    const uint32_t *hash = NULL;

    for (int i = 0; i < h->e_phnum; i++) {
        const Elf64_Dyn *d = (const Elf64_Dyn *)(base + p[i].p_offset);

        for (; p[i].p_type == PT_DYNAMIC && d->d_tag; d++) {
            const void *at = (const void *)(base + d->d_un.d_ptr);

            sym = d->d_tag == DT_SYMTAB ? at : sym;
            str = d->d_tag == DT_STRTAB ? at : str;
            hash = d->d_tag == DT_HASH ? at : hash;
        }
    }
    for (uint32_t i = 0; sym && str && hash && i < hash[1]; i++) {
        if (!strcmp(str + sym[i].st_name, "__vdso_sgx_enter_enclave")) {
            return (enter_fn)(base + sym[i].st_value);
        }
    }
    printf("not ok sgxemu vDSO: no __vdso_sgx_enter_enclave\n");
    exit(1);
}

int enter_run(struct run *run, uint32_t function, uint64_t rdi)
{
    static enter_fn call;
    int err;

    if (call == NULL) {
        call = find_enter();
    }
    err = call(rdi, 0, 0, function, 0, 0, run);
    if (err) {
        return err;
    }
    return run->function == SGX_EEXIT ? 0 : run->vector;
}

int enter(struct enclave_under_test *t, int n, struct op *op)
{
    t->run.tcs = ADDRESS(t, TCS_AT + n);
    return enter_run(&t->run, SGX_EENTER, (uint64_t)op);
}

int resume(struct enclave_under_test *t, int n, struct op *op)
{
    t->run.tcs = ADDRESS(t, TCS_AT + n);
    return enter_run(&t->run, SGX_ERESUME, (uint64_t)op);
}

int do_op(struct enclave_under_test *t, struct op *op, uint64_t type,
          uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    memset(op, 0, sizeof(*op));
    op->type = type;
    op->a = a;
    op->b = b;
    op->c = c;
    op->d = d;
    return enter(t, 0, op);
}

int do_enclu(struct enclave_under_test *t, struct op *op, uint64_t rax,
             uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
    return do_op(t, op, OP_ENCLU, rax, rbx, rcx, rdx);
}
