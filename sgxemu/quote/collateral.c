/* SPDX-License-Identifier: MIT */
/*
 * "sgxemu collateral DIR": what a verifier fetches from Intel's provisioning
 * service for real platforms: certificates, CRLs, TCB info and QE identity,
 * signed by the emulated root. JSON as in the service's version 4 interface.
 */
#include "sgxemu/quote/collateral.h"
#include "sgxemu/quote/platform.h"
#include "sgxemu/emu.h"
#include "sgxemu/keys.h"

#include <errno.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

static FILE *create(const char *dir, const char *name)
{
    char path[4096];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "w");
    if (f == NULL) {
        fprintf(stderr, "sgxemu: %s: %s\n", path, strerror(errno));
        exit(1);
    }
    return f;
}

static void write_text(const char *dir, const char *name, const char *text)
{
    FILE *f = create(dir, name);

    fputs(text, f);
    fclose(f);
}

static void write_chain(const char *dir, const char *name,
                        enum platform_key leaf)
{
    char *chain = platform_chain(leaf);

    write_text(dir, name, chain);
    free(chain);
}

static void write_crl(const char *dir, const char *stem,
                      enum platform_key issuer)
{
    X509_CRL *crl = platform_crl(issuer);
    char name[64];
    FILE *f;

    snprintf(name, sizeof(name), "%s.pem", stem);
    f = create(dir, name);
    PEM_write_X509_CRL(f, crl);
    fclose(f);
    snprintf(name, sizeof(name), "%s.der", stem);
    f = create(dir, name);
    i2d_X509_CRL_fp(f, crl);
    fclose(f);
    X509_CRL_free(crl);
}

static void hex(char *to, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        sprintf(to + 2 * i, "%02X", bytes[i]);
    }
}

static void when(char *to, size_t size, time_t t)
{
    strftime(to, size, "%Y-%m-%dT%H:%M:%SZ", gmtime(&t));
}

/* {"NAME":BODY,"signature":"..."}: the signature is over BODY as it is. */
static void write_signed(const char *dir, const char *file, const char *name,
                         const char *body)
{
    uint8_t signature[64];
    char text[129];
    FILE *f = create(dir, file);

    platform_sign(KEY_TCB, body, strlen(body), signature);
    hex(text, signature, 64);
    fprintf(f, "{\"%s\":%s,\"signature\":\"%s\"}", name, body, text);
    fclose(f);
}

static void write_tcb_info(const char *dir, const char *now, const char *next)
{
    char body[4096], svns[512] = "", fmspc[13];

    hex(fmspc, platform_fmspc(), 6);
    for (int i = 0; i < 16; i++) {
        sprintf(svns + strlen(svns), "%s{\"svn\":%d}", i ? "," : "",
                machine.cpu_svn[i]);
    }
    snprintf(body, sizeof(body),
             "{\"id\":\"SGX\",\"version\":3,\"issueDate\":\"%s\","
             "\"nextUpdate\":\"%s\",\"fmspc\":\"%s\",\"pceId\":\"0000\","
             "\"tcbType\":0,\"tcbEvaluationDataNumber\":1,\"tcbLevels\":[{"
             "\"tcb\":{\"sgxtcbcomponents\":[%s],\"pcesvn\":%d},"
             "\"tcbDate\":\"2020-01-01T00:00:00Z\","
             "\"tcbStatus\":\"UpToDate\"}]}",
             now, next, fmspc, svns, PCE_SVN);
    write_signed(dir, "tcb_info.json", "tcbInfo", body);
}

static void write_qe_identity(const char *dir, const char *now,
                              const char *next)
{
    struct sgx_report_body qe;
    char body[2048], signer[65], attributes[33];

    platform_qe_report(&qe);
    hex(signer, qe.mrsigner, 32);
    hex(attributes, (const uint8_t *)&qe.attributes, 16);
    snprintf(body, sizeof(body),
             "{\"id\":\"QE\",\"version\":2,\"issueDate\":\"%s\","
             "\"nextUpdate\":\"%s\",\"tcbEvaluationDataNumber\":1,"
             "\"miscselect\":\"00000000\",\"miscselectMask\":\"FFFFFFFF\","
             "\"attributes\":\"%s\",\"attributesMask\":"
             "\"FBFFFFFFFFFFFFFF0000000000000000\",\"mrsigner\":\"%s\","
             "\"isvprodid\":%d,\"tcbLevels\":[{\"tcb\":{\"isvsvn\":%d},"
             "\"tcbDate\":\"2020-01-01T00:00:00Z\","
             "\"tcbStatus\":\"UpToDate\"}]}",
             now, next, attributes, signer, QE_PROD, QE_SVN);
    write_signed(dir, "qe_identity.json", "enclaveIdentity", body);
}

int collateral_main(int argc, char **argv)
{
    const char *dir = argc > 0 ? argv[0] : NULL, *path = NULL;
    char now[32], next[32];
    int err;

    if (argc == 3 && !strcmp(argv[1], "--machine")) {
        path = argv[2];
    } else if (argc == 1) {
        path = machine_default_path();
    }
    if (dir == NULL || path == NULL) {
        fprintf(stderr, "usage: sgxemu collateral DIR [--machine FILE]\n");
        return 2;
    }
    err = keys_load(path);
    if (err || (mkdir(dir, 0755) != 0 && errno != EEXIST)) {
        fprintf(stderr, "sgxemu: %s: %s\n", err ? path : dir,
                strerror(err ? -err : errno));
        return 1;
    }
    when(now, sizeof(now), time(NULL));
    when(next, sizeof(next), time(NULL) + 30 * 86400);
    write_text(dir, "README", "Collateral of a software SGX. " EMULATED ".\n");
    write_chain(dir, "root_ca.pem", KEY_ROOT);
    write_chain(dir, "pck_crl_issuer_chain.pem", KEY_CA);
    write_chain(dir, "pck_chain.pem", KEY_PCK);
    write_chain(dir, "tcb_signing_chain.pem", KEY_TCB);
    write_crl(dir, "root_ca_crl", KEY_ROOT);
    write_crl(dir, "pck_crl", KEY_CA);
    write_tcb_info(dir, now, next);
    write_qe_identity(dir, now, next);
    printf("%s: collateral of an emulated platform. " EMULATED "\n", dir);
    return 0;
}
