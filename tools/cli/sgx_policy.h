/* SPDX-License-Identifier: MIT
 *
 * From the command line's options to a policy, on target sgx.
 */
#ifndef TOOLS_CLI_SGX_POLICY_H
#define TOOLS_CLI_SGX_POLICY_H

#include "abi/policy.h"
#include "kernel/kernel.h"

/* *out: the compiled policy of info, for a debug enclave; mount_fds gets the
 * descriptors of its mounts (POLICY_MOUNTS_MAX). Returns 0, or an exit status
 * after a message. */
int sgx_make_policy(const struct boot_info *info, struct policy **out,
                    int *mount_fds);

#endif
