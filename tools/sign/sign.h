/* SPDX-License-Identifier: MIT
 *
 * SIGSTRUCT (SDM volume 3D, "Enclave Signature Structure"): filling, signing
 * and checking it. Keys are RSA-3072 with exponent 3, in PEM files. Functions
 * return 0 or -1 after a message.
 */
#ifndef TOOLS_SIGN_SIGN_H
#define TOOLS_SIGN_SIGN_H

#include "abi/policy.h"
#include "abi/sgx.h"

#include <stdbool.h>

enum { SIGN_DATA = 256 }; /* what is signed: bytes 0..127 and 900..1027 */

/* A new private key; a file that is there is not touched. */
int sign_keygen(const char *path);

/* Everything but key and signature. date: 0xYYYYMMDD. */
void sign_fill(struct sgx_sigstruct *s, const struct sgx_secs *secs,
               const uint8_t mrenclave[32], const struct policy *policy,
               uint32_t date);

/* The bytes that the signature is over. */
void sign_data(const struct sgx_sigstruct *s, uint8_t data[SIGN_DATA]);

/* Signs with the private key in a PEM file. */
int sign_with_key(struct sgx_sigstruct *s, const char *key);

/* Takes a signature made elsewhere: key is the public key's PEM file,
 * signature the 384 bytes that `openssl dgst -sha256 -sign` writes. */
int sign_with_signature(struct sgx_sigstruct *s, const char *key,
                        const char *signature);

/* Whether the signature is the key's that s holds, and q1, q2 are right. */
bool sign_is_valid(const struct sgx_sigstruct *s);

/* MRSIGNER: SHA-256 of the modulus. */
void sign_mrsigner(const struct sgx_sigstruct *s, uint8_t hash[32]);

#endif
