/* SPDX-License-Identifier: MIT
 *
 * SHA-256 by libcrypto's old entry points, which compute at once. The new ones
 * read OpenSSL's configuration first, a fifth of a small program's start.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "tools/image/hash.h"

#include <openssl/sha.h>
#include <string.h>

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct hash), "struct hash");

void hash_start(struct hash *h)
{
    SHA256_Init((SHA256_CTX *)h);
}

void hash_add(struct hash *h, const void *bytes, size_t len)
{
    SHA256_Update((SHA256_CTX *)h, bytes, len);
}

void hash_end(struct hash *h, uint8_t out[32])
{
    SHA256_Final(out, (SHA256_CTX *)h);
}

void hash_of(const void *bytes, size_t len, uint8_t out[32])
{
    struct hash h;

    hash_start(&h);
    hash_add(&h, bytes, len);
    hash_end(&h, out);
}
