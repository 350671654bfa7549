/* SPDX-License-Identifier: MIT
 *
 * The compiled policy (abi/policy.h) as a target uses it: check the bytes,
 * then let them and what the host asks for fill struct boot_info. Pure
 * functions without memory of their own: the command line tool links them as
 * well, and tests/fuzz feeds them anything.
 */
#ifndef KERNEL_POLICY_H
#define KERNEL_POLICY_H

#include "abi/policy.h"
#include "kernel/kernel.h"

/* Whether bytes, aligned to 8, are a policy: then 0, and every offset, string
 * and number in it may be used as it is. Else -EINVAL, and *why says what is
 * wrong. The bytes must not change afterwards. */
int policy_check(const void *bytes, size_t size, const char **why);

/* What the host asks for, in our own memory already. NULL-terminated vectors;
 * NULL: none. */
struct policy_host {
    const char *const *args; /* without argv[0] */
    const char *const *env;  /* "K=V" */
    bool strace, stats;
    enum log_level log_level;
};

/* The vectors that boot_info points to; they must live as long as it. */
struct policy_vectors {
    const char *argv[2 * POLICY_STRINGS_MAX + 1];
    const char *envp[2 * POLICY_STRINGS_MAX + 1];
};

/* Fills everything of info that the policy decides. p is checked and must
 * live on. -EPERM when the host asks for what the policy does not allow,
 * -E2BIG for more than vectors takes; *why says what. */
int policy_boot(const struct policy *p, const struct policy_host *host,
                struct policy_vectors *vectors, struct boot_info *info,
                const char **why);

/* Whether the host's network may be used: to bind (listen) or to reach an
 * address of family 4 or 6, port in host order. True when p is NULL. */
bool policy_allows(const struct policy *p, bool listen, unsigned protocol,
                   unsigned family, const uint8_t *address, unsigned port);

#endif
