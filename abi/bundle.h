/* SPDX-License-Identifier: MIT
 *
 * The bundle: kernel, policy and image in one file, with room for a
 * signature. docs/IMAGE.md has every byte. Parts begin at multiples of 4096
 * and follow each other without gaps but the zeros up to there, so a bundle
 * has one valid form. Integers are little-endian.
 *
 *     0      struct bundle_header
 *     4096   SIGSTRUCT and zeros; all zeros: not signed
 *     8192   the kernel's ELF file
 *     then   the compiled policy (abi/policy.h)
 *     then   the image (abi/image.h)
 *
 * Nothing in the header is trusted: what counts is measured (kernel, policy)
 * or named by the policy (image). Its hashes tell damage early, and the
 * measurement in it is a claim that `enclos measure` makes anew.
 *
 * A packaged program is an ELF file, zeros to a multiple of 4096, a bundle,
 * and struct package_trailer at the very end.
 */
#ifndef ABI_BUNDLE_H
#define ABI_BUNDLE_H

#include <assert.h>
#include <stdint.h>

#define BUNDLE_MAGIC  "ENCLBND" /* with its NUL, 8 bytes */
#define PACKAGE_MAGIC "ENCLPKG" /* likewise */

enum {
    BUNDLE_VERSION = 1,
    BUNDLE_BLOCK = 4096,
    BUNDLE_SIGSTRUCT_AT = 4096,
    BUNDLE_KERNEL_AT = 8192,
    BUNDLE_KERNEL_MAX = 64 << 20,
};

struct bundle_part {
    uint64_t at, size; /* bytes, from the bundle's start; size as it is */
};

struct bundle_header {
    uint8_t magic[8];
    uint32_t version, zero;
    uint64_t size; /* of the bundle */
    struct bundle_part kernel, policy, image;
    uint8_t kernel_hash[32], policy_hash[32]; /* SHA-256 of the parts */
    uint8_t mrenclave[32];
    uint8_t reserved[3896];
    uint8_t checksum[32]; /* SHA-256 of all bytes before it */
};
static_assert(sizeof(struct bundle_header) == BUNDLE_BLOCK, "bundle header");

struct package_trailer {
    uint8_t magic[8];
    uint64_t at, size;           /* of the bundle in this file */
    uint8_t header_checksum[32]; /* the bundle header's */
    uint64_t zero;
};
static_assert(sizeof(struct package_trailer) == 64, "package trailer");

static inline uint64_t bundle_align(uint64_t n)
{
    return (n + BUNDLE_BLOCK - 1) / BUNDLE_BLOCK * BUNDLE_BLOCK;
}

#endif
