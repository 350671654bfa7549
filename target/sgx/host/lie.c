/* SPDX-License-Identifier: MIT
 *
 * A host that lies, for tests: ENCLOS_LIE in the environment names one lie.
 * Whoever runs the host program can tell any of them anyway; the enclave is
 * what has to cope. tests/cli/lie-test.sh has the verdict on each.
 */
#include "target/sgx/host/private.h"
#include <elf.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

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

/* ---- the way in faults ---- */

enum { RETURNS = 6, BELOW = 2048, APART = 512 };

static struct {
    unsigned returns;
    uint8_t *marked; /* of this thread's stack, below where it enters */
} way;

static void give_way_in(int prot)
{
    const Elf64_Ehdr *elf = enclave.layout.kernel;
    uint64_t page = sgx_layout_top(&enclave.layout) + SGX_KERNEL_AT +
                    ALIGN_DOWN(elf->e_entry, PAGE_SIZE);

    mprotect((void *)page, PAGE_SIZE, prot);
}

/* Signals that no host has to send. And: some return from a call finds no code
 * at the first instruction: an exception while RSP is still ours. */
void lie_before_entry(bool return_from_call)
{
    sigset_t all;

    if (lies("exception-signals")) {
        atomic_fetch_or(&enclave.signals, ~SGX_SIGNALS);
    }
    if (!lies("way-in") || !return_from_call || ++way.returns != RETURNS) {
        return;
    }
    sigfillset(&all); /* handlers would write there */
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    way.marked = (uint8_t *)__builtin_frame_address(0) - APART - BELOW;
    memset(way.marked, 0x5a, BELOW);
    give_way_in(PROT_NONE);
}

/* The code is there again; nothing of the enclave's may be on our stack when
 * it has come to its end. */
void lie_after_entry(bool exception)
{
    if (!way.marked) {
        return;
    }
    if (exception) {
        give_way_in(PROT_READ | PROT_EXEC);
    }
    for (unsigned i = 0; i < BELOW; i++) {
        if (way.marked[i] != 0x5a) {
            fprintf(stderr, "enclos: the enclave ran on the host's stack\n");
            abort();
        }
    }
}
