/* SPDX-License-Identifier: MIT
 *
 * enclos inspect: what is in a bundle. JSON throughout, since that is also
 * good to read; without --json the image's tree follows as lines.
 */
#include "tools/bundle/bundle.h"
#include "tools/cli/cli.h"
#include "tools/image/image.h"
#include "tools/policy/json.h"
#include "tools/policy/policy.h"
#include "tools/sign/sign.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct inspect {
    const char *path;
    bool json, first;
};

static bool set_json(void *ctx, const char *value)
{
    return ((struct inspect *)ctx)->json = true;
}

static const struct option_row options[] = {
    {"--json", false, set_json, ""},
};

static void hex(const char *name, const uint8_t *bytes, size_t len,
                const char *after)
{
    printf("    \"%s\": \"", name);
    for (size_t i = 0; i < len; i++) {
        printf("%02x", bytes[i]);
    }
    printf("\"%s\n", after);
}

static void show_bundle(const struct bundle *b)
{
    const struct bundle_header *h = b->header;

    printf("  \"bundle\": {\n    \"version\": %u,\n    \"size\": %" PRIu64
           ",\n    \"packaged\": %s,\n",
           h->version, h->size, b->at ? "true" : "false");
    printf("    \"kernel\": {\"at\": %" PRIu64 ", \"size\": %" PRIu64 "},\n",
           h->kernel.at, h->kernel.size);
    printf("    \"policy\": {\"at\": %" PRIu64 ", \"size\": %" PRIu64 "},\n",
           h->policy.at, h->policy.size);
    printf("    \"image\": {\"at\": %" PRIu64 ", \"size\": %" PRIu64 "},\n",
           h->image.at, h->image.size);
    hex("kernel_hash", h->kernel_hash, 32, ",");
    hex("policy_hash", h->policy_hash, 32, ",");
    hex("mrenclave", h->mrenclave, 32, "\n  },");
}

static void show_sigstruct(const struct bundle *b)
{
    const struct sgx_sigstruct *s = b->sigstruct;
    uint8_t mrsigner[32];

    if (!bundle_is_signed(b)) {
        puts("  \"sigstruct\": null,");
        return;
    }
    sign_mrsigner(s, mrsigner);
    printf("  \"sigstruct\": {\n    \"valid\": %s,\n    \"date\": \"%08x\",\n",
           sign_is_valid(s) ? "true" : "false", s->date);
    hex("mrenclave", s->enclave_hash, 32, ",");
    hex("mrsigner", mrsigner, 32, ",");
    printf("    \"product_id\": %u,\n    \"svn\": %u,\n    \"debug\": %s,\n",
           s->isv_prod_id, s->isv_svn,
           s->attributes.flags & SGX_ATTR_DEBUG ? "true" : "false");
    printf("    \"attributes\": [\"%016" PRIx64 "\", \"%016" PRIx64 "\"],\n"
           "    \"attribute_mask\": [\"%016" PRIx64 "\", \"%016" PRIx64
           "\"],\n    \"miscselect\": \"%08x\",\n    \"miscmask\": "
           "\"%08x\"\n  },\n",
           s->attributes.flags, s->attributes.xfrm, s->attribute_mask.flags,
           s->attribute_mask.xfrm, s->miscselect, s->miscmask);
}

static void show_json_file(void *ctx, const char *path,
                           const struct image_file_info *f)
{
    struct inspect *in = ctx;

    printf("%s\n    {\"path\": ", in->first ? "" : ",");
    in->first = false;
    json_quote(stdout, path);
    printf(", \"mode\": \"%06o\", \"uid\": %u, \"gid\": %u, \"size\": %" PRIu64,
           f->mode, f->uid, f->gid, f->size);
    if (*f->link) {
        fputs(", \"link\": ", stdout);
        json_quote(stdout, f->link);
    }
    putchar('}');
}

static void show_file(void *ctx, const char *path,
                      const struct image_file_info *f)
{
    printf("%06o %5u %5u %12" PRIu64 " %s%s%s\n", f->mode, f->uid, f->gid,
           f->size, path, *f->link ? " -> " : "", f->link);
}

static int show(struct inspect *in, const struct bundle *b)
{
    uint64_t at = b->at + b->header->image.at;
    int err;

    puts("{");
    show_bundle(b);
    show_sigstruct(b);
    fputs("  \"policy\": ", stdout);
    policy_print(stdout, b->policy, 2);
    if (!in->json) {
        puts("\n}");
        return image_list(b->path, b->fd, at, b->header->image.size, show_file,
                          in);
    }
    fputs(",\n  \"files\": [", stdout);
    in->first = true;
    err = image_list(b->path, b->fd, at, b->header->image.size, show_json_file,
                     in);
    puts("\n  ]\n}");
    return err;
}

static int inspect_run(int argc, char **argv)
{
    struct inspect in = {0};
    struct bundle b;
    int words = options_mixed(argc, argv, options, 1, &in, &in.path, 1), err;

    if (words < 0) {
        return EXIT_OURS;
    }
    if (!words) {
        return fail("inspect needs a bundle: enclos inspect app.enc");
    }
    if (bundle_open(in.path, &b)) {
        return EXIT_OURS;
    }
    err = bundle_verify(&b) || show(&in, &b) ? EXIT_OURS : 0;
    bundle_close(&b);
    return err;
}

static const char *const details[] = {
    "--json              the files in the same JSON object", NULL};

const struct command command_inspect = {
    .name = "inspect",
    .usage = "BUNDLE|PACKAGE [--json]",
    .help = "shows header, signature, policy and files of a bundle",
    .details = details,
    .run = inspect_run,
};
