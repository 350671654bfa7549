/* SPDX-License-Identifier: MIT */
/*
 * The emulated platform: its keys, its certificates, its quoting enclave.
 * Everything follows from the machine's secrets, so that the service and
 * "sgxemu collateral" agree without talking. EMULATED, NOT A TEE.
 */
#ifndef SGXEMU_PLATFORM_H
#define SGXEMU_PLATFORM_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/sgx.h"

#define EMULATED "EMULATED, NOT A TEE"
#define PCE_SVN  11
#define QE_SVN   8
#define QE_PROD  1

enum platform_key { KEY_ROOT, KEY_CA, KEY_TCB, KEY_PCK, KEY_ATTEST };

/* The caller owns what these return; they end the process on failure. */
EVP_PKEY *platform_key(enum platform_key which);
X509 *platform_certificate(enum platform_key which);
X509_CRL *platform_crl(enum platform_key issuer);
/* PEM: leaf, then its issuers up to the root. Caller frees. */
char *platform_chain(enum platform_key leaf);

/* 64 bytes, r || s, over SHA-256 of the bytes. */
void platform_sign(enum platform_key which, const void *bytes, size_t n,
                   uint8_t signature[64]);
/* The same as DER. Returns its size; the caller frees. */
int platform_sign_der(enum platform_key which, const void *bytes, size_t n,
                      uint8_t **der);
void platform_public(enum platform_key which, uint8_t point[64]);

void platform_qe_target(struct sgx_targetinfo *target);
void platform_qe_report(struct sgx_report_body *body);
const uint8_t *platform_fmspc(void); /* 6 bytes */
void platform_ppid(uint8_t ppid[16]);

/* A v3 quote of the report, or 0 when its MAC is not for our QE. */
size_t quote_make(const struct sgx_report *report, uint8_t *out, size_t size);
#define QUOTE_MAX 16384

#endif
