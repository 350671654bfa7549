/* SPDX-License-Identifier: MIT
 *
 * What a SIGSTRUCT of ours says: one measurement; debug only where the policy
 * is a debug policy; vector state from the least to what the policy allows;
 * every other attribute exactly as the layout has it.
 */
#include "tools/sign/sign.h"
#include "tools/image/hash.h"

#include <string.h>

#define XFRM_LEAST 3ull /* x87 and SSE */

static const uint8_t header[16] = {6, 0, 0, 0, 0xe1, 0, 0, 0, 0, 0, 1, 0};
static const uint8_t header2[16] = {1,    1, 0, 0, 0x60, 0, 0, 0,
                                    0x60, 0, 0, 0, 1,    0, 0, 0};

void sign_fill(struct sgx_sigstruct *s, const struct sgx_secs *secs,
               const uint8_t mrenclave[32], const struct policy *policy,
               uint32_t date)
{
    memset(s, 0, sizeof(*s));
    memcpy(s->header, header, sizeof(header));
    memcpy(s->header2, header2, sizeof(header2));
    s->date = date;
    s->exponent = 3;
    s->miscselect = secs->miscselect;
    s->miscmask = ~0u;
    s->attributes.flags = secs->attributes.flags;
    s->attribute_mask.flags = ~SGX_ATTR_INIT;
    s->attributes.xfrm = XFRM_LEAST;
    s->attribute_mask.xfrm = ~policy->xfrm_allowed | XFRM_LEAST;
    memcpy(s->enclave_hash, mrenclave, 32);
    s->isv_prod_id = policy->product_id;
    s->isv_svn = policy->svn;
}

void sign_data(const struct sgx_sigstruct *s, uint8_t data[SIGN_DATA])
{
    memcpy(data, s, 128);
    memcpy(data + 128, &s->miscselect, 128);
}

void sign_mrsigner(const struct sgx_sigstruct *s, uint8_t hash[32])
{
    hash_of(s->modulus, sizeof(s->modulus), hash);
}
