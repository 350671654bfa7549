/* SPDX-License-Identifier: MIT
 *
 * Reports and keys: EREPORT and EGETKEY (SDM, SGX instruction references) on
 * copies that are aligned as they want it.
 */
#include "target/sgx/enclave/enclave.h"

int target_report(const void *info, const void *data, void *report)
{
    struct sgx_targetinfo to;
    _Alignas(128) uint8_t user[64];
    _Alignas(512) struct sgx_report out;

    memcpy(&to, info, sizeof(to));
    memcpy(user, data, sizeof(user));
    leaf_ereport(&to, user, &out);
    memcpy(report, &out, sizeof(out));
    return 0;
}

/* EGETKEY's errors are the caller's mistakes: a key name or policy that this
 * enclave may not have, versions above its own. */
int target_key(const void *request, uint8_t key[16])
{
    struct sgx_keyrequest r;
    _Alignas(16) uint8_t out[16];

    memcpy(&r, request, sizeof(r));
    if (leaf_egetkey(&r, out)) {
        return -EINVAL;
    }
    memcpy(key, out, sizeof(out));
    memset(out, 0, sizeof(out));
    return 0;
}
