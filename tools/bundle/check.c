/* SPDX-License-Identifier: MIT
 *
 * The form of a bundle's header. Sizes are limited before they are added, so
 * no sum overflows.
 */
#include "tools/bundle/bundle.h"

#include <string.h>

#define SIZE_MAX_BUNDLE (1ull << 48)

static bool all_zero(const uint8_t *p, size_t len)
{
    uint8_t bits = 0;

    while (len--) {
        bits |= *p++;
    }
    return bits == 0;
}

const char *bundle_header_flaw(const struct bundle_header *h, uint64_t size)
{
    if (memcmp(h->magic, BUNDLE_MAGIC, sizeof(h->magic)) != 0) {
        return "this is no bundle; `enclos build SRC -o app.enc` makes one";
    }
    if (h->version != BUNDLE_VERSION) {
        return "its version is not known; it was made by another enclos";
    }
    if (size > SIZE_MAX_BUNDLE || h->size != size) {
        return "it is not complete, or something follows it: the header names "
               "another size; get another copy";
    }
    if (h->kernel.at != BUNDLE_KERNEL_AT || h->kernel.size == 0 ||
        h->kernel.size > BUNDLE_KERNEL_MAX ||
        h->policy.at != bundle_align(h->kernel.at + h->kernel.size) ||
        h->policy.size < POLICY_PAGE ||
        h->policy.size > POLICY_PAGES_MAX * POLICY_PAGE ||
        h->policy.size % POLICY_PAGE != 0 ||
        h->image.at != h->policy.at + h->policy.size ||
        h->image.size > SIZE_MAX_BUNDLE || h->image.size % BUNDLE_BLOCK != 0 ||
        size != h->image.at + h->image.size) {
        return "its header contradicts itself";
    }
    return h->zero || !all_zero(h->reserved, sizeof(h->reserved))
               ? "unknown bits are set in its header"
               : NULL;
}
