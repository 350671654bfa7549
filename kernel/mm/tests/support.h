/* SPDX-License-Identifier: MIT
 *
 * What the tests of this room stand on: an arena of ordinary memory behind
 * target_mem_*(), with every page's state recorded, a vCPU and a task for the
 * code that asks for them, and a random generator with a fixed seed.
 */
#ifndef KERNEL_MM_TESTS_SUPPORT_H
#define KERNEL_MM_TESTS_SUPPORT_H

#include "lib/types.h"
#include "lib/string.h"

#include "kernel/mm/mm.h"

/* A fresh arena: every page uncommitted. */
void support_reset(void);
uint64_t support_user_start(void);
uint64_t support_user_end(void);
uint64_t support_kernel_start(void);
uint64_t support_kernel_end(void);

/* From now on the target can show what is in the tops of both parts of the
 * arena, until the next support_reset(). */
void support_can_show(void);
uint64_t support_user_shown(void);
uint64_t support_kernel_shown(void);

/* What the target thinks of a page: its protection, or -1 when it is not
 * committed. */
int support_prot(uint64_t addr);
uint64_t support_committed(uint64_t start, uint64_t end);

/* What our invariants ask of a page (room.h): 0 when mm and target agree. */
int support_page_wrong(struct mm *mm, uint64_t addr);

/* Calls to the target that may fail do, from the n-th on, count of them; n 0:
 * none. */
void support_fail_target(unsigned n, unsigned count);
/* The n-th commit for programs from now on says that it is done, and gives no
 * access. */
void support_lie(unsigned n);
/* How often a task has gone through the gate of an address space. */
unsigned support_gate_entries(void);
/* Calls to target_mem_*() so far. */
unsigned support_calls(void);

void support_set_vcpu(unsigned id);
void support_set_mm(struct mm *mm);

uint32_t support_rand(void);

/* A file of `size` bytes: the word at off is support_file_word(off), except
 * for what `text`, if set, puts at its beginning. Counted in refs. */
struct support_file {
    struct vm_object object;
    uint64_t size;
    const void *text;
    size_t text_len;
    int refs, reads;
    long error; /* read() returns it when it is not 0 */
};
void support_file_init(struct support_file *f, uint64_t size);
uint64_t support_file_word(uint64_t off);

void support_nothing(void);

#endif
