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
    s->text_used = 0;
    /* The task stays on this vCPU: nobody switches in here. */
    if (outside_load(s->exchange + offsetof(struct sgx_exchange, tick))) {
        outside_store(s->exchange + offsetof(struct sgx_exchange, tick), 0);
        atomic_store_relaxed(&s->vcpu->resched, 1);
    }
    return result;
}

uint64_t sgx_call_ranges(enum sgx_call call, const struct mem_run *runs,
                         unsigned count, uint64_t a1)
{
    struct sgx_range ranges[SGX_RANGES_MAX];
    uint64_t at =
        this_sgx_vcpu()->exchange + offsetof(struct sgx_exchange, ranges);

    for (unsigned i = 0; i < count; i++) {
        ranges[i].address = runs[i].start;
        ranges[i].length = runs[i].end - runs[i].start;
    }
    outside_write(at, ranges, count * sizeof(ranges[0]));
    return sgx_call(call, count, a1, 0);
}

/* Text waits outside for the next call, whichever that is, so that a line
 * costs no exit of its own. Written in words: the last is filled with zeros,
 * and written once more, with more of it, by what follows. */
static void put_text(struct sgx_vcpu *s, const char *text, size_t len)
{
    uint64_t at = s->exchange + offsetof(struct sgx_exchange, text);
    uint64_t used = s->exchange + offsetof(struct sgx_exchange, text_used);

    while (len) {
        size_t n, word;

        if (s->text_used == SGX_TEXT_MAX) {
            outside_store(used, s->text_used);
            sgx_call(SGX_CALL_LOG, 0, 0, 0);
        }
        word = s->text_used % 8;
        n = MIN(len, 8 - word);
        s->text_word = word ? s->text_word : 0;
        memcpy((char *)&s->text_word + word, text, n);
        outside_store(at + s->text_used - word, s->text_word);
        s->text_used += n;
        text += n;
        len -= n;
    }
    outside_store(used, s->text_used);
}

void target_log(const char *line, size_t len)
{
    struct sgx_vcpu *s = this_sgx_vcpu();

    put_text(s, line, len);
    if (len == 0 || line[len - 1] != '\n') {
        put_text(s, "\n", 1);
    }
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
