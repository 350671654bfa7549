/* SPDX-License-Identifier: MIT
 *
 * enclos keygen and enclos sign. Signing is one step with the key at hand, or
 * two: --data writes what is to be signed, --signature takes the answer.
 */
#include "tools/bundle/bundle.h"
#include "tools/cli/cli.h"
#include "tools/policy/policy.h"
#include "tools/sign/sign.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/stat.h>

struct sign {
    const char *path, *key, *data, *signature, *date;
    bool release;
};

static bool set_text(const char **field, const char *value)
{
    *field = value;
    return *value != '\0';
}

static bool set_key(void *ctx, const char *value)
{
    return set_text(&((struct sign *)ctx)->key, value);
}

static bool set_data(void *ctx, const char *value)
{
    return set_text(&((struct sign *)ctx)->data, value);
}

static bool set_signature(void *ctx, const char *value)
{
    return set_text(&((struct sign *)ctx)->signature, value);
}

static bool set_date(void *ctx, const char *value)
{
    int month = strlen(value) == 8 ? atoi(value + 4) / 100 : 0;
    int day = month ? atoi(value + 6) : 0;

    ((struct sign *)ctx)->date = value;
    return strspn(value, "0123456789") == 8 && month >= 1 && month <= 12 &&
           day >= 1 && day <= 31;
}

static bool set_release(void *ctx, const char *value)
{
    return ((struct sign *)ctx)->release = true;
}

static const struct option_row options[] = {
    {"--key", true, set_key, "a PEM file"},
    {"--data", true, set_data, "a file name"},
    {"--signature", true, set_signature, "a file name"},
    {"--date", true, set_date, "a date as YYYYMMDD"},
    {"--release", false, set_release, ""},
};

/* 2026-11-21 is 0x20261121; today unless said. */
static uint32_t date_of(const struct sign *s)
{
    time_t now = time(NULL);
    char text[9];
    struct tm tm;

    if (s->date) {
        return (uint32_t)strtoul(s->date, NULL, 16);
    }
    gmtime_r(&now, &tm);
    strftime(text, sizeof(text), "%Y%m%d", &tm);
    return (uint32_t)strtoul(text, NULL, 16);
}

static int check_release(const struct bundle *b)
{
    char list[128] = "";

    for (int i = 0; policy_insecure_words[i]; i++) {
        if (b->policy->insecure >> i & 1) {
            strcat(strcat(list, *list ? ", " : ""), policy_insecure_words[i]);
        }
    }
    if (!*list) {
        return 0;
    }
    return fail("%s is not fit for release: its policy's \"insecure\" list has "
                "%s; take that out and build again",
                b->path, list);
}

/* Of a file that could not be written; not what else has that name. */
static void remove_rest(const char *path)
{
    struct stat st;

    if (!lstat(path, &st) && S_ISREG(st.st_mode)) {
        unlink(path);
    }
}

static int write_data(const struct sgx_sigstruct *s, const char *path)
{
    uint8_t data[SIGN_DATA];
    FILE *f = fopen(path, "we");
    bool bad = !f;

    sign_data(s, data);
    if (f) {
        bad = fwrite(data, sizeof(data), 1, f) != 1;
        bad |= fclose(f) != 0;
    }
    if (bad) {
        fail("cannot write %s: %s", path, strerror(errno));
        remove_rest(path);
        return EXIT_OURS;
    }
    return 0;
}

static int make_signature(const struct sign *s, const struct bundle *b,
                          struct sgx_sigstruct *sig)
{
    static struct sgx_secs secs;
    uint8_t mrenclave[32];

    if (bundle_verify(b) || bundle_measure(b->kernel, b->header->kernel.size,
                                           b->policy, mrenclave, &secs)) {
        return EXIT_OURS;
    }
    sign_fill(sig, &secs, mrenclave, b->policy, date_of(s));
    if (s->data) {
        return write_data(sig, s->data);
    }
    if (s->signature ? sign_with_signature(sig, s->key, s->signature)
                     : sign_with_key(sig, s->key)) {
        return EXIT_OURS;
    }
    return bundle_set_sigstruct(b, sig) ? EXIT_OURS : 0;
}

static int sign_run(int argc, char **argv)
{
    static struct sgx_sigstruct sig;
    struct sign s = {0};
    struct bundle b;
    int words = options_mixed(argc, argv, options, 5, &s, &s.path, 1), status;

    if (words < 0) {
        return EXIT_OURS;
    }
    if (!words || (!s.key && !s.data) || (s.data && s.signature)) {
        return fail("sign needs a bundle and a key, or a file for the data: "
                    "enclos sign app.enc --key key.pem");
    }
    if (s.signature && !s.date) {
        return fail("--signature needs the --date that --data had: it is "
                    "part of what was signed");
    }
    if (bundle_open(s.path, &b)) {
        return EXIT_OURS;
    }
    status = s.release ? check_release(&b) : 0;
    status = status ? status : make_signature(&s, &b, &sig);
    bundle_close(&b);
    return status;
}

static const char *const sign_details[] = {
    "--key FILE          an RSA-3072 key with exponent 3 ('enclos keygen')",
    "--release           refuse a bundle whose policy weakens protection",
    "--date YYYYMMDD     the date in the signature; default: today",
    "--data FILE         write the 256 bytes to sign for a signer elsewhere,",
    "--signature FILE    then take its 384 bytes, with --key the public key",
    NULL};

const struct command command_sign = {
    .name = "sign",
    .usage = "BUNDLE --key FILE [--release] [--date D] [--data|--signature F]",
    .help = "signs a bundle (SIGSTRUCT), in place",
    .details = sign_details,
    .run = sign_run,
};

static int keygen_run(int argc, char **argv)
{
    const char *path = NULL;
    int words = options_mixed(argc, argv, NULL, 0, NULL, &path, 1);

    if (words < 0) {
        return EXIT_OURS;
    }
    if (!words) {
        return fail("keygen needs a file name: enclos keygen key.pem");
    }
    return sign_keygen(path) ? EXIT_OURS : 0;
}

const struct command command_keygen = {
    .name = "keygen",
    .usage = "FILE",
    .help = "makes a signing key: RSA-3072, exponent 3, PEM, mode 0600",
    .run = keygen_run,
};
