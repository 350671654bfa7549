/* SPDX-License-Identifier: MIT
 *
 * Hashing and random bytes for the kernel. The fast paths are assembly objects
 * of Debian's static libcrypto (OpenSSL) and libipsec-mb, linked in as they
 * are; sha256.c holds a plain C version for machines and tests without them.
 *
 * Those paths use vector registers, which hold the program's values while the
 * kernel runs: each call below brackets its own use with crypto_vector_begin()
 * and crypto_vector_end() (arch/x86_64/fpu.h). No function here blocks, and
 * all may be called from any task.
 */
#ifndef KERNEL_CRYPTO_CRYPTO_H
#define KERNEL_CRYPTO_CRYPTO_H

#include "lib/types.h"

/* What the CPU and the enabled XSAVE state allow. Nothing here executes
 * CPUID: an enclave cannot, and the word is the target's to check. */
enum {
    CRYPTO_SSSE3 = 1 << 0,
    CRYPTO_AVX = 1 << 1,
    CRYPTO_AVX2 = 1 << 2,
    CRYPTO_SHA_NI = 1 << 3, /* with SSE4.1 */
    CRYPTO_AVX512 = 1 << 4, /* F, BW and VL */
};

/* Once, at boot, before the first hash: picks the paths. Without it, or with
 * 0, everything works on general registers. */
void crypto_init(uint64_t features);

/* The CRYPTO_ word of four CPUID registers and XCR0 (SDM vol. 2, CPUID), for
 * whoever may execute CPUID. */
uint64_t crypto_features(uint32_t leaf1_ecx, uint32_t leaf7_ebx, uint64_t xcr0);

/* ---- SHA-256 (FIPS 180-4) ---- */

enum { SHA256_SIZE = 32, SHA256_BLOCK = 64 };

/* A hash in progress. */
struct sha256 {
    uint32_t h[8];
    uint64_t len; /* bytes so far */
    uint8_t buf[SHA256_BLOCK];
};

void sha256_init(struct sha256 *s);
void sha256_update(struct sha256 *s, const void *data, size_t len);
void sha256_final(struct sha256 *s, uint8_t out[SHA256_SIZE]);

/* All three in one. */
void sha256(const void *data, size_t len, uint8_t out[SHA256_SIZE]);

/* out[i] = SHA-256(salt || blocks[i]) for count blocks of len bytes each, len
 * at least 64. Hashes as many at once as the CPU has lanes for: pass 16 or
 * more to be fast. salt may be NULL when salt_len is 0. */
void sha256_blocks_multi(const uint8_t *const blocks[], size_t count,
                         size_t len, const void *salt, size_t salt_len,
                         uint8_t (*out)[SHA256_SIZE]);

/* How many blocks sha256_blocks_multi() hashes in hardly more time than one:
 * what is worth reading along. A power of two, 16 at most. */
size_t sha256_lanes(void);

/* ---- random bytes (random.c) ---- */

/* Bytes of a generator that the target's entropy seeds (ChaCha20, RFC 8439):
 * for programs, and whatever else needs many. From a vCPU's own context. */
void random_bytes(void *buf, size_t len);

#endif
