/* SPDX-License-Identifier: MIT
 *
 * Any bytes as a compiled policy. One that is accepted must be usable: the
 * vectors end, strings have their NULs where their lengths say, and asking it
 * about the network stays inside it.
 */
#include <stdlib.h>
#include <string.h>

#include "kernel/policy.h"
#include "tests/fuzz/fuzz.h"

static void use(const struct policy *p)
{
    static const char *const args[] = {"a", "b", NULL};
    static const char *const env[] = {"X=1", "PATH=/", "A", NULL};
    static struct policy_vectors v;
    static const uint8_t address[16] = {10, 1, 2, 3};
    const struct policy_host host = {
        .args = p->insecure & POLICY_HOST_ARGS ? args : NULL, .env = env};
    struct boot_info info = {0};
    const char *why;
    size_t n = 0;

    if (policy_boot(p, &host, &v, &info, &why)) {
        return;
    }
    for (const char *const *s = info.argv; *s; s++) {
        n += strlen(*s);
    }
    for (const char *const *s = info.envp; *s; s++) {
        fuzz_expect(strchr(*s, '=') && **s != '=');
        n += strlen(*s);
    }
    fuzz_expect(info.argv[0] && n < 2 * POLICY_PAGES_MAX * POLICY_PAGE);
    fuzz_expect(info.program[0] == '/' && info.cwd[0] == '/');
    fuzz_expect(info.vcpu_count >= 1 && info.vcpu_count <= VCPU_MAX);
    fuzz_expect(strlen(info.hostname) <= 64);
    policy_allows(p, true, 6, 4, address, 80);
    policy_allows(p, false, 17, 6, address, 53);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Of exactly that size, so that the sanitizer sees the end. */
    uint8_t *bytes = malloc(size ? size : 1);
    const char *why;

    memcpy(bytes, data, size);
    if (policy_check(bytes, size, &why) == 0) {
        use((const struct policy *)bytes);
    } else {
        fuzz_expect(why != NULL);
    }
    free(bytes);
    return 0;
}
