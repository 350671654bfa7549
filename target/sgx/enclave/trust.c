/* SPDX-License-Identifier: MIT
 *
 * Reports and keys: EREPORT and EGETKEY (SDM, SGX instruction references) on
 * copies that are aligned as they want it.
 */
#include "target/sgx/enclave/enclave.h"

static int report(const void *info, const void *data, void *result)
{
    struct sgx_targetinfo to;
    _Alignas(128) uint8_t user[64];
    _Alignas(512) struct sgx_report out;

    memcpy(&to, info, sizeof(to));
    memcpy(user, data, sizeof(user));
    leaf_ereport(&to, user, &out);
    memcpy(result, &out, sizeof(out));
    return 0;
}

/* EGETKEY's errors are the caller's mistakes: a key name or policy that this
 * enclave may not have, versions above its own. */
static int key(const void *request, void *result)
{
    struct sgx_keyrequest r;
    _Alignas(16) uint8_t out[16];

    memcpy(&r, request, sizeof(r));
    if (leaf_egetkey(&r, out)) {
        return -EINVAL;
    }
    memcpy(result, out, sizeof(out));
    memset(out, 0, sizeof(out));
    return 0;
}

int target_trust(enum target_trust what, const void *in, const void *data,
                 void *out)
{
    return what == TRUST_REPORT ? report(in, data, out) : key(in, out);
}
