/* SPDX-License-Identifier: MIT
 *
 * ChaCha20 (RFC 8439, 2.3) in C on general registers: the generator's blocks
 * (random.c).
 */
#ifndef KERNEL_CRYPTO_CHACHA20_H
#define KERNEL_CRYPTO_CHACHA20_H

#include "lib/types.h"

enum { CHACHA20_KEY = 32, CHACHA20_BLOCK = 64 };

/* Key stream of `blocks` blocks from block number `counter` on. */
void chacha20_blocks(const uint32_t key[8], uint32_t counter,
                     const uint32_t nonce[3], uint8_t *out, size_t blocks);

#endif
