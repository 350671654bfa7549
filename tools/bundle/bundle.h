/* SPDX-License-Identifier: MIT
 *
 * Bundles (abi/bundle.h): making, opening, measuring and packaging them.
 * Functions return 0 or -1 after a message.
 */
#ifndef TOOLS_BUNDLE_BUNDLE_H
#define TOOLS_BUNDLE_BUNDLE_H

#include "abi/bundle.h"
#include "abi/policy.h"
#include "abi/sgx.h"

#include <stdbool.h>
#include <stddef.h>

/* An open bundle: the file's parts before the image, in memory. */
struct bundle {
    char *path;
    int fd;
    uint64_t at; /* where in the file it begins: not 0 in a package */
    uint8_t *bytes;
    size_t mapped;
    const struct bundle_header *header;
    const struct sgx_sigstruct *sigstruct;
    const uint8_t *kernel;
    const struct policy *policy; /* checked */
};

/* What is wrong with a header of a bundle of size bytes, or NULL. Only the
 * form, not the hashes. check.c, tests/fuzz. */
const char *bundle_header_flaw(const struct bundle_header *h, uint64_t size);

/* Opens a bundle, or a package with one inside. Header, policy and the hash
 * of the policy are checked; the kernel's only by bundle_verify(). */
int bundle_open(const char *path, struct bundle *b);
void bundle_close(struct bundle *b);
/* Whether there is a bundle at path; says nothing. */
bool bundle_is_at(const char *path);

/* The bundle behind the program that runs, if it is a package: 1, else 0; -1
 * after a message. */
int bundle_open_self(struct bundle *b);

/* The kernel's hash, and the whole image against the root hash. */
int bundle_verify(const struct bundle *b);
/* Of that, the kernel's hash. */
int bundle_verify_kernel(const struct bundle *b);

bool bundle_is_signed(const struct bundle *b);

/* Puts a signature into the file. */
int bundle_set_sigstruct(const struct bundle *b,
                         const struct sgx_sigstruct *sig);

struct policy_spec;
/* kernel and image are files; spec gets the image's size and hash. out is
 * replaced only when all went well. */
int bundle_write(const char *out, const char *kernel, const char *image,
                 struct policy_spec *spec);

/* MRENCLAVE and SECS, offline (docs/IMAGE.md). */
int bundle_measure(const void *kernel, size_t kernel_size,
                   const struct policy *policy, uint8_t mrenclave[32],
                   struct sgx_secs *secs);
/* The pages of the enclave, one a line, in the order of EADD. */
int bundle_print_pages(const struct bundle *b);

/* out: a copy of the program at self with the bundle behind it. */
int bundle_package(const struct bundle *b, const char *self, const char *out);

#endif
