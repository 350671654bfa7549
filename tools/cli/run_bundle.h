/* SPDX-License-Identifier: MIT
 *
 * Running bundles: the policy says what the program sees, the command line
 * only what the policy lets it.
 */
#ifndef TOOLS_CLI_RUN_BUNDLE_H
#define TOOLS_CLI_RUN_BUNDLE_H

#include "kernel/policy.h"
#include "tools/cli/sgx.h"

/* Whether word, as `enclos run` gets it, is a bundle's file: it must have a
 * slash in it or end in ".enc". */
bool bundle_is_named(const char *word);

/* Runs it on target, which is not auto. Comes back only with an exit status,
 * after a message. */
int bundle_run(const char *path, const struct policy_host *host,
               enum cli_target target);

/* Runs the bundle behind this program, if it is a package; then true when
 * that failed, with *status. */
bool bundle_run_self(char **argv, int *status);

#endif
