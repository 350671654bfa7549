/* SPDX-License-Identifier: MIT
 *
 * enclos run on target sgx: on the machine's own SGX, or under sgxemu.
 */
#ifndef TOOLS_CLI_SGX_H
#define TOOLS_CLI_SGX_H

#include "kernel/policy.h"
#include "tools/bundle/bundle.h"

enum cli_target { TARGET_AUTO, TARGET_LINUX, TARGET_SGX, TARGET_SGX_EMU };

/* "auto", "linux", "sgx" or "sgx-emu". */
bool target_parse(const char *word, enum cli_target *out);
/* What auto means on this machine; and SGX in sgx-emu's second run. */
enum cli_target target_choose(enum cli_target asked);

/* How a command begins that runs this program under sgxemu: words, of which
 * `first` is an option for it or NULL; the environment is set. Returns their
 * number, or -1 after a message. */
enum { EMULATOR_MAX = 72 };
int sgx_emulator_words(const char *first, char *words[EMULATOR_MAX]);

/* Runs this program with the same arguments under sgxemu, which lies beside
 * it; returns only when that fails, an exit status after a message. */
int sgx_emulate(char **argv);

/* Packs what info says (image, arguments, environment) into a policy of a
 * debug enclave, signs it with a throwaway key and runs it. Returns an exit
 * status after a message when it cannot. */
int sgx_run_info(const struct boot_info *info);

/* The same for a signed bundle. */
int sgx_run_bundle(const struct bundle *b, const struct policy_host *host,
                   const int *mount_fds);

#endif
