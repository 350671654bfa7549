/* SPDX-License-Identifier: MIT
 *
 * Inside kernel/crypto/ only: what sha256.c and sha256_multi.c share, and the
 * entry points of the assembly objects (rules.mk names where they come from).
 */
#ifndef KERNEL_CRYPTO_BACKEND_H
#define KERNEL_CRYPTO_BACKEND_H

#include "lib/types.h"

/* libcrypto-lib-sha256-x86_64.o: blocks of 64 bytes into one state. Picks its
 * way (SHA-NI, AVX2, ... or general registers) by OPENSSL_ia32cap_P. */
void sha256_block_data_order(uint32_t h[8], const void *data, size_t blocks);

/* libcrypto-lib-sha256-mb-x86_64.o: four (groups 1) or eight (groups 2) lanes;
 * by OPENSSL_ia32cap_P two at a time with SHA-NI, eight with AVX2, four with
 * AVX. A lane with blocks 0 is idle. */
struct ossl_lanes {
    uint32_t h[8][8]; /* word, lane */
};
struct ossl_input {
    const uint8_t *data;
    int32_t blocks;
};
void sha256_multi_block(struct ossl_lanes *lanes,
                        const struct ossl_input *input, int groups);

/* sha256_x16_avx512.o of ipsec-mb: sixteen lanes, all with as many blocks. */
struct ipsec_lanes {
    _Alignas(64) uint32_t h[8][16]; /* word, lane */
    const uint8_t *data[16];
};
void call_sha256_x16_avx512_from_c(struct ipsec_lanes *lanes, uint64_t blocks);

/* OpenSSL's view of CPUID: leaf 1 EDX, ECX, leaf 7 EBX, ECX. */
extern uint32_t OPENSSL_ia32cap_P[4] __attribute__((visibility("hidden")));

extern const uint32_t sha256_iv[8];

/* The C version. */
void sha256_compress_c(uint32_t h[8], const void *data, size_t blocks);

/* The features given to crypto_init(). */
extern uint64_t crypto_cpu;

/* 64-byte blocks into one state, by the best single-lane way, which may use
 * vector registers: the caller brackets it. */
void sha256_compress(uint32_t h[8], const void *data, size_t blocks);

/* The state as the 32 bytes of the digest. */
void sha256_store(const uint32_t *h, size_t stride, uint8_t *out);

#endif
