/* SPDX-License-Identifier: MIT
 *
 * Calls to the host program: the arguments go into the vCPU's exchange, the
 * result is one word that nobody believes. A tick that came while outside was
 * not an interruption of anything, so the host leaves a note of it.
 */
#include "target/sgx/enclave/enclave.h"

_Static_assert(offsetof(struct sgx_exchange, trap_call) == 32 &&
                   offsetof(struct sgx_exchange, trap_a0) == 40 &&
                   SGX_CALL_RESUME == 1 && SGX_CALL_STOP == 2,
               "entry.S");

uint64_t sgx_call(enum sgx_call call, uint64_t a0, uint64_t a1, uint64_t a2)
{
    struct sgx_vcpu *s = this_sgx_vcpu();
    const uint64_t out[4] = {call, a0, a1, a2};
    uint64_t result;

    outside_write(s->exchange, out, sizeof(out));
    result = sgx_leave(s);
    /* The task stays on this vCPU: nobody switches in here. */
    if (outside_load(s->exchange + offsetof(struct sgx_exchange, tick))) {
        outside_store(s->exchange + offsetof(struct sgx_exchange, tick), 0);
        atomic_store_relaxed(&s->vcpu->resched, 1);
    }
    return result;
}

void target_log(const char *line, size_t len)
{
    struct sgx_vcpu *s = this_sgx_vcpu();
    uint64_t text = s->exchange + offsetof(struct sgx_exchange, text);
    bool newline = len == 0 || line[len - 1] != '\n';
    uint64_t word;

    do {
        size_t n = MIN(len, (size_t)SGX_TEXT_MAX);

        for (size_t at = 0; at < n; at += 8) {
            word = 0;
            memcpy(&word, line + at, MIN(n - at, (size_t)8));
            outside_store(text + at, word);
        }
        line += n;
        len -= n;
        sgx_call(SGX_CALL_LOG, n, newline && len == 0, 0);
    } while (len);
}

void target_stop(int status)
{
    for (;;) {
        sgx_call(SGX_CALL_STOP, (uint32_t)status, 0, 0);
    }
}

void sgx_die(const char *why)
{
    static const char ours[] = "enclos: ";
    char line[160];
    size_t n = strlen(why);

    n = MIN(n, sizeof(line) - sizeof(ours));
    memcpy(line, ours, sizeof(ours) - 1);
    memcpy(line + sizeof(ours) - 1, why, n);
    target_log(line, sizeof(ours) - 1 + n);
    target_stop(125 << 8);
}
