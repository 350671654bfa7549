/* SPDX-License-Identifier: MIT
 *
 * SHA-256 for the tools.
 */
#ifndef TOOLS_IMAGE_HASH_H
#define TOOLS_IMAGE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash {
    uint64_t state[16];
};

void hash_start(struct hash *h);
void hash_add(struct hash *h, const void *bytes, size_t len);
void hash_end(struct hash *h, uint8_t out[32]);

/* All at once. */
void hash_of(const void *bytes, size_t len, uint8_t out[32]);

#endif
