/* SPDX-License-Identifier: MIT
 *
 * Classic BPF as seccomp(2) uses it: programs of forward jumps only, so that
 * one run takes at most as many steps as there are instructions.
 */
#ifndef KERNEL_PROC_BPF_H
#define KERNEL_PROC_BPF_H

#include "abi/linux/seccomp.h"

/* Whether bpf_run() may run it: known instructions, jumps and loads inside,
 * an end on every path, no division by a constant zero, no scratch word read
 * before it was written. 0, -EINVAL, -ENOMEM. */
int bpf_check(const struct bpf_insn *insns, unsigned len);

/* What a checked program returns for data. */
uint32_t bpf_run(const struct bpf_insn *insns, const struct seccomp_data *data);

#endif
