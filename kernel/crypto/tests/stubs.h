/* SPDX-License-Identifier: MIT
 *
 * What rooms below the kernel's core need in a unit test without target/fake:
 * stubs.c answers for the heap, the log, panic and the vector brackets.
 */
#ifndef KERNEL_CRYPTO_TESTS_STUBS_H
#define KERNEL_CRYPTO_TESTS_STUBS_H

#include <stddef.h>

/* The last line given to log_line(), and how many there were. */
extern char stub_log[512];
extern unsigned stub_log_lines;

/* The n-th allocation from now fails once; 0: none does. */
extern size_t stub_fail_alloc;

/* CRYPTO_ features of the CPU that runs the test. */
unsigned long stub_cpu_features(void);

#endif
