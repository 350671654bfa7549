/* SPDX-License-Identifier: MIT
 *
 * A host that lies, for tests: ENCLOS_LIE in the environment names one lie.
 * Whoever runs the host program can tell any of them anyway; the enclave is
 * what has to cope. tests/cli/lie-test.sh has the verdict on each.
 */
#include "target/sgx/host/private.h"
#include <stdlib.h>
#include <string.h>

bool lies(const char *kind)
{
    static const char *told;
    static bool known;

    if (!known) {
        told = getenv("ENCLOS_LIE");
        known = true;
    }
    return told && !strcmp(told, kind);
}

/* Addresses that lie inside, lengths that wrap, tables that are too long. */
void lie_about_boot(struct sgx_boot *b)
{
    uint64_t inside = enclave.layout.info.heap_start;

    b->exchanges = lies("exchanges") ? inside : b->exchanges;
    b->exchanges = lies("exchanges-wrap") ? ~7ull : b->exchanges;
    b->exchanges = lies("unaligned") ? b->exchanges + 4 : b->exchanges;
    b->clock = lies("clock") ? inside : b->clock;
    b->signals = lies("signals") ? inside - 8 : b->signals;
    b->tsc = lies("tsc") ? inside : b->tsc;
    b->rings[0].cqes = lies("ring") ? inside : b->rings[0].cqes;
    b->rings[1].sq_head = lies("ring-index") ? inside : b->rings[1].sq_head;
    b->rings[0].sq_entries = lies("ring-size") ? 3 : b->rings[0].sq_entries;
    b->bounce = lies("bounce") ? inside : b->bounce;
    b->bounce_size = lies("bounce-size") ? UINT64_MAX : b->bounce_size;
    b->cpuid_count = lies("cpuid") ? UINT64_MAX : b->cpuid_count;
    b->args = lies("args") ? inside : b->args;
    b->args_size =
        lies("args") || lies("args-size") ? 1ull << 40 : b->args_size;
    b->version += lies("version");
}
