/* SPDX-License-Identifier: MIT
 *
 * enclos measure: what a verifier will see, without a CPU that has SGX.
 */
#include "tools/bundle/bundle.h"
#include "tools/cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct measure {
    const char *path;
    bool json, pages;
};

static bool set_json(void *ctx, const char *value)
{
    return ((struct measure *)ctx)->json = true;
}

static bool set_pages(void *ctx, const char *value)
{
    return ((struct measure *)ctx)->pages = true;
}

static const struct option_row options[] = {
    {"--json", false, set_json, ""},
    {"--pages", false, set_pages, ""},
};

static void print_hash(const struct measure *m, const char *name, bool last,
                       const uint8_t hash[32])
{
    printf(m->json ? "  \"%s\": \"" : "%s: ", name);
    for (int i = 0; i < 32; i++) {
        printf("%02x", hash[i]);
    }
    puts(!m->json ? "" : last ? "\"" : "\",");
}

static int print_measurement(const struct measure *m, const struct bundle *b)
{
    struct sgx_secs *secs = malloc(sizeof(*secs));
    uint8_t mrenclave[32];
    int err = secs ? bundle_measure(b->kernel, b->header->kernel.size,
                                    b->policy, mrenclave, secs)
                   : -1;

    free(secs);
    if (err) {
        return EXIT_OURS;
    }
    fputs(m->json ? "{\n" : "", stdout);
    print_hash(m, "mrenclave", false, mrenclave);
    print_hash(m, "root_hash", false, b->policy->root_hash);
    print_hash(m, "policy_hash", true, b->header->policy_hash);
    fputs(m->json ? "}\n" : "", stdout);
    return 0;
}

static int measure_run(int argc, char **argv)
{
    struct measure m = {0};
    struct bundle b;
    int words = options_mixed(argc, argv, options, 2, &m, &m.path, 1), status;

    if (words < 0) {
        return EXIT_OURS;
    }
    if (!words) {
        return fail("measure needs a bundle: enclos measure app.enc");
    }
    if (bundle_open(m.path, &b)) {
        return EXIT_OURS;
    }
    if (m.pages) {
        status = bundle_print_pages(&b) ? EXIT_OURS : 0;
    } else if (bundle_verify(&b)) {
        status = EXIT_OURS;
    } else {
        status = print_measurement(&m, &b);
    }
    bundle_close(&b);
    return status;
}

static const char *const details[] = {
    "--json              the same as JSON",
    "--pages             the enclave's pages instead: offset, SECINFO.FLAGS, "
    "SHA-256",
    NULL};

const struct command command_measure = {
    .name = "measure",
    .usage = "BUNDLE|PACKAGE [--json|--pages]",
    .help = "prints MRENCLAVE, root hash and policy hash, computed anew",
    .details = details,
    .run = measure_run,
};
