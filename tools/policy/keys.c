/* SPDX-License-Identifier: MIT
 *
 * A policy's JSON: tables of keys, each with the function that takes its
 * value. A key that is in no table is an error that names the nearest one.
 * What a key says replaces what the defaults or the image's own configuration
 * said; environment variables are added to theirs.
 */
#include "tools/policy/policy.h"
#include "tools/policy/json.h"
#include "tools/image/util.h"
#include "tools/cli/cli.h"

#include <stdlib.h>
#include <string.h>

struct take {
    struct policy_spec *spec;
    const char *file;
    struct mount_spec *mount; /* while in one */
};

struct key {
    const char *name;
    int (*take)(struct take *t, const struct json *value);
};

#define KEYS(table) (table), sizeof(table) / sizeof((table)[0])

static int bad(const struct take *t, const struct json *j, const char *expected)
{
    if (j->key) {
        return image_error("%s:%u: \"%s\" takes %s", t->file, j->line, j->key,
                           expected);
    }
    return image_error("%s:%u: expected %s", t->file, j->line, expected);
}

/* ---- unknown keys ---- */

/* How many letters must be added, dropped or changed to make a into b. */
static size_t distance(const char *a, const char *b)
{
    size_t row[64], lb = strlen(b);

    if (strlen(a) >= 63 || lb >= 63) {
        return 63;
    }
    for (size_t j = 0; j <= lb; j++) {
        row[j] = j;
    }
    for (size_t i = 0; a[i]; i++) {
        size_t corner = row[0];

        row[0] = i + 1;
        for (size_t j = 0; j < lb; j++) {
            size_t change = corner + (a[i] != b[j]);

            corner = row[j + 1];
            row[j + 1] = change < row[j] + 1 ? change : row[j] + 1;
            row[j + 1] = row[j + 1] < corner + 1 ? row[j + 1] : corner + 1;
        }
    }
    return row[lb];
}

/* The best name for a message; nothing is so far that it is not named. */
static const char *nearest(const char *word, const char *const *names,
                           size_t count)
{
    const char *best = "";
    size_t least = SIZE_MAX;

    for (size_t i = 0; i < count; i++) {
        size_t d = distance(word, names[i]);

        if (d < least) {
            least = d;
            best = names[i];
        }
    }
    return best;
}

static int unknown_key(const struct take *t, const struct json *j,
                       const struct key *keys, size_t count)
{
    const char *names[32];

    for (size_t i = 0; i < count; i++) {
        names[i] = keys[i].name;
    }
    return image_error("%s:%u: unknown key \"%s\"; the nearest known one is "
                       "\"%s\"",
                       t->file, j->line, j->key, nearest(j->key, names, count));
}

static int take_object(struct take *t, const struct json *j,
                       const struct key *keys, size_t count)
{
    if (j->type != JSON_OBJECT) {
        return bad(t, j, "an object: {...}");
    }
    for (const struct json *m = j->child; m; m = m->next) {
        size_t i = 0;

        while (i < count && strcmp(keys[i].name, m->key) != 0) {
            i++;
        }
        if (i == count ? unknown_key(t, m, keys, count) : keys[i].take(t, m)) {
            return -1;
        }
    }
    return 0;
}

/* ---- values ---- */

static int take_path(struct take *t, const struct json *j, char **field)
{
    if (j->type != JSON_STRING || j->text[0] != '/') {
        return bad(t, j, "an absolute path");
    }
    return policy_set_text(field, j->text);
}

static int take_list(struct take *t, const struct json *j,
                     struct string_list *l)
{
    if (j->type != JSON_ARRAY) {
        return bad(t, j, "a list of strings: [\"...\"]");
    }
    policy_list_clear(l);
    for (const struct json *m = j->child; m; m = m->next) {
        if (m->type != JSON_STRING) {
            return bad(t, m, "a string");
        }
        if (policy_list_add(l, m->text)) {
            return -1;
        }
    }
    return 0;
}

static int take_number(struct take *t, const struct json *j, uint64_t least,
                       uint64_t max, const char *expected, uint64_t *out)
{
    return json_integer(j, max, out) && *out >= least ? 0 : bad(t, j, expected);
}

/* "64M" or a number of bytes. */
static int take_size(struct take *t, const struct json *j, uint64_t *out)
{
    if (j->type == JSON_STRING ? parse_size(j->text, out)
                               : json_integer(j, UINT64_MAX, out)) {
        return 0;
    }
    return bad(t, j, "a size such as \"512M\"");
}

static int take_octal(struct take *t, const struct json *j, uint32_t max,
                      uint32_t *out)
{
    char *end = NULL;
    unsigned long n =
        j->type == JSON_STRING ? strtoul(j->text, &end, 8) : max + 1ul;

    *out = (uint32_t)n;
    return end && *j->text && !*end && n <= max
               ? 0
               : bad(t, j, "an octal number in quotes, such as \"022\"");
}

/* ---- entry ---- */

static int take_program(struct take *t, const struct json *j)
{
    return take_path(t, j, &t->spec->program);
}

static int take_args(struct take *t, const struct json *j)
{
    if (j->type == JSON_ARRAY && !j->child) {
        return bad(t, j, "at least one string: argv[0], the program's name");
    }
    return take_list(t, j, &t->spec->args);
}

static int take_default_args(struct take *t, const struct json *j)
{
    return take_list(t, j, &t->spec->default_args);
}

static int take_cwd(struct take *t, const struct json *j)
{
    return take_path(t, j, &t->spec->cwd);
}

static int take_hostname(struct take *t, const struct json *j)
{
    if (j->type != JSON_STRING || strlen(j->text) > 64) {
        return bad(t, j, "a name of at most 64 bytes");
    }
    return policy_set_text(&t->spec->hostname, j->text);
}

static int take_id(struct take *t, const struct json *j, uint32_t *id)
{
    uint64_t n = 0;
    int err = take_number(t, j, 0, UINT32_MAX - 1, "a numeric id", &n);

    *id = (uint32_t)n;
    t->spec->has_user = true;
    return err;
}

static int take_uid(struct take *t, const struct json *j)
{
    return take_id(t, j, &t->spec->fixed.uid);
}

static int take_gid(struct take *t, const struct json *j)
{
    return take_id(t, j, &t->spec->fixed.gid);
}

static int take_umask(struct take *t, const struct json *j)
{
    return take_octal(t, j, 0777, &t->spec->fixed.umask);
}

static int take_entry(struct take *t, const struct json *j)
{
    static const struct key keys[] = {
        {"program", take_program},
        {"args", take_args},
        {"default_args", take_default_args},
        {"cwd", take_cwd},
        {"hostname", take_hostname},
        {"uid", take_uid},
        {"gid", take_gid},
        {"umask", take_umask},
    };

    return take_object(t, j, KEYS(keys));
}

/* ---- env ---- */

static int take_variable(struct take *t, const struct json *m)
{
    char *entry;
    int err;

    if (!*m->key || strchr(m->key, '=') || m->type != JSON_STRING) {
        return bad(t, m, "a string, and a name without '='");
    }
    if (asprintf(&entry, "%s=%s", m->key, m->text) < 0) {
        return image_error("out of memory");
    }
    err = policy_env_set(&t->spec->env, entry);
    free(entry);
    return err;
}

static int take_env_set(struct take *t, const struct json *j)
{
    if (j->type != JSON_OBJECT) {
        return bad(t, j, "an object: {\"NAME\": \"value\"}");
    }
    for (const struct json *m = j->child; m; m = m->next) {
        if (take_variable(t, m)) {
            return -1;
        }
    }
    return 0;
}

static int take_env_pass(struct take *t, const struct json *j)
{
    for (const struct json *m = j->child; m; m = m->next) {
        if (m->type == JSON_STRING && (!*m->text || strchr(m->text, '='))) {
            return bad(t, m, "the name of a variable");
        }
    }
    return take_list(t, j, &t->spec->env_pass);
}

static int take_env(struct take *t, const struct json *j)
{
    static const struct key keys[] = {
        {"set", take_env_set},
        {"pass", take_env_pass},
    };

    return take_object(t, j, KEYS(keys));
}

/* ---- the machine ---- */

static int take_ceiling(struct take *t, const struct json *j, uint64_t *bytes)
{
    if (j->type == JSON_STRING && !strcmp(j->text, "unlimited")) {
        *bytes = 0;
        return 0;
    }
    if (take_size(t, j, bytes)) {
        return -1;
    }
    *bytes = *bytes / POLICY_PAGE * POLICY_PAGE;
    return *bytes >= 8u << 20
               ? 0
               : bad(t, j, "\"unlimited\", or a size of at least \"8M\"");
}

static int take_memory(struct take *t, const struct json *j)
{
    return take_ceiling(t, j, &t->spec->fixed.memory);
}

static int take_swap_memory(struct take *t, const struct json *j)
{
    return take_ceiling(t, j, &t->spec->fixed.swap_memory);
}

static int take_vcpus(struct take *t, const struct json *j)
{
    uint64_t n = 1;
    int err =
        take_number(t, j, 1, POLICY_VCPUS_MAX, "a number from 1 to 64", &n);

    t->spec->fixed.vcpus = (uint32_t)n;
    return err;
}

static int take_isolation(struct take *t, const struct json *j)
{
    if (j->type == JSON_STRING && !strcmp(j->text, "none")) {
        return 0;
    }
    return bad(t, j, "\"none\": protection keys are not supported yet");
}

/* ---- mounts ---- */

static int take_mount_type(struct take *t, const struct json *j)
{
    if (j->type == JSON_STRING && !strcmp(j->text, "tmpfs")) {
        t->mount->m.type = POLICY_MOUNT_TMPFS;
    } else if (j->type == JSON_STRING && !strcmp(j->text, "hostfs")) {
        t->mount->m.type = POLICY_MOUNT_HOST;
    } else {
        return bad(t, j, "\"tmpfs\" or \"hostfs\"");
    }
    return 0;
}

static int take_mount_target(struct take *t, const struct json *j)
{
    return take_path(t, j, &t->mount->target);
}

static int take_mount_source(struct take *t, const struct json *j)
{
    return take_path(t, j, &t->mount->source);
}

static int take_mount_size(struct take *t, const struct json *j)
{
    return take_size(t, j, &t->mount->m.size);
}

static int take_mount_mode(struct take *t, const struct json *j)
{
    return take_octal(t, j, 07777, &t->mount->m.mode);
}

/* The first four are the flags' bits; the last stands for their lack. */
enum { MOUNT_RW = 16 };
static int take_mount_options(struct take *t, const struct json *j)
{
    static const char *const words[] = {"ro", "nosuid", "nodev", "noexec",
                                        "rw"};
    const unsigned count = sizeof(words) / sizeof(*words);

    if (j->type != JSON_ARRAY) {
        return bad(t, j, "a list of options");
    }
    for (const struct json *m = j->child; m; m = m->next) {
        unsigned i = 0;

        while (i < count &&
               (m->type != JSON_STRING || strcmp(m->text, words[i]) != 0)) {
            i++;
        }
        if (i == count) {
            return bad(t, m,
                       "\"ro\", \"rw\", \"nosuid\", \"nodev\" or "
                       "\"noexec\"");
        }
        t->mount->m.flags |= 1u << i;
    }
    return 0;
}

static int take_mount(struct take *t, const struct json *j)
{
    static const struct key keys[] = {
        {"type", take_mount_type},     {"target", take_mount_target},
        {"source", take_mount_source}, {"size", take_mount_size},
        {"mode", take_mount_mode},     {"options", take_mount_options},
    };
    struct mount_spec *m = t->mount;
    bool host;

    m->m = (struct policy_mount){.mode = 01777};
    if (take_object(t, j, KEYS(keys))) {
        return -1;
    }
    host = m->m.type == POLICY_MOUNT_HOST;
    if (!m->m.type || !m->target || host != (m->source != NULL)) {
        return bad(t, j,
                   host ? "a mount of \"hostfs\" with a \"target\" and "
                          "a \"source\""
                        : "a mount with \"type\" and \"target\"; only "
                          "\"hostfs\" has a \"source\"");
    }
    if (m->m.flags & MOUNT_RW && (!host || m->m.flags & POLICY_MOUNT_RDONLY)) {
        return bad(t, j, "\"rw\" for \"hostfs\" alone, and not beside \"ro\"");
    }
    if (host) { /* only on request is it writable */
        m->m.mode = 0;
        m->m.flags |= m->m.flags & MOUNT_RW ? 0 : POLICY_MOUNT_RDONLY;
        m->m.flags &= ~(uint32_t)MOUNT_RW;
    }
    return m->source ? 0 : policy_set_text(&m->source, "");
}

static int take_mounts(struct take *t, const struct json *j)
{
    if (j->type != JSON_ARRAY) {
        return bad(t, j, "a list of mounts: [{...}]");
    }
    for (const struct json *m = j->child; m; m = m->next) {
        if (t->spec->mount_count == POLICY_MOUNTS_MAX) {
            return bad(t, m, "no more than 32 mounts");
        }
        t->mount = &t->spec->mounts[t->spec->mount_count++];
        if (take_mount(t, m)) {
            return -1;
        }
    }
    return 0;
}

/* ---- net ---- */

static int take_rules(struct take *t, const struct json *j,
                      struct policy_rule *rules, uint32_t *count)
{
    if (j->type != JSON_ARRAY) {
        return bad(t, j, "a list of rules: [\"tcp:8080\"]");
    }
    for (const struct json *m = j->child; m; m = m->next) {
        if (*count == POLICY_RULES_MAX) {
            return bad(t, m, "no more than 128 rules");
        }
        if (m->type != JSON_STRING ||
            !policy_parse_rule(m->text, &rules[*count])) {
            return bad(t, m,
                       "a rule PROTOCOL:[ADDRESS[/PREFIX]:]PORT such as "
                       "\"tcp:8080\" or \"udp:10.0.0.0/8:53\" (names "
                       "are resolved outside: they say nothing)");
        }
        ++*count;
    }
    return 0;
}

static int take_listen(struct take *t, const struct json *j)
{
    return take_rules(t, j, t->spec->listen, &t->spec->listen_count);
}

static int take_connect(struct take *t, const struct json *j)
{
    return take_rules(t, j, t->spec->connect, &t->spec->connect_count);
}

static int take_net(struct take *t, const struct json *j)
{
    static const struct key keys[] = {
        {"listen", take_listen},
        {"connect", take_connect},
    };

    return take_object(t, j, KEYS(keys));
}

/* ---- limits ---- */

static int take_limit(struct take *t, const struct json *j, uint64_t *out)
{
    if (j->type == JSON_STRING && !strcmp(j->text, "unlimited")) {
        *out = UINT64_MAX;
        return 0;
    }
    return take_size(t, j, out);
}

static int take_pair(struct take *t, const struct json *j,
                     struct policy_limit *l)
{
    const struct json *soft = j, *hard = j;

    if (j->type == JSON_ARRAY) {
        soft = j->child;
        hard = soft ? soft->next : NULL;
        if (!hard || hard->next) {
            return bad(t, j, "a number, or [soft, hard]");
        }
    }
    if (take_limit(t, soft, &l->soft) || take_limit(t, hard, &l->hard)) {
        return -1;
    }
    return l->soft <= l->hard ? 0 : bad(t, j, "a soft limit below the hard");
}

/* The compiled list is in the order of resources. */
static void put_limit(struct policy_spec *s, const struct policy_limit *l)
{
    uint32_t i = s->limit_count++;

    for (; i > 0 && s->limits[i - 1].resource > l->resource; i--) {
        s->limits[i] = s->limits[i - 1];
    }
    s->limits[i] = *l;
}

static int take_limits(struct take *t, const struct json *j)
{
    if (j->type != JSON_OBJECT) {
        return bad(t, j, "an object: {\"nofile\": [1024, 4096]}");
    }
    for (const struct json *m = j->child; m; m = m->next) {
        struct policy_limit l = {0};

        while (l.resource < POLICY_LIMITS_MAX &&
               strcmp(policy_limit_names[l.resource], m->key) != 0) {
            l.resource++;
        }
        if (l.resource == POLICY_LIMITS_MAX) {
            return image_error(
                "%s:%u: unknown limit \"%s\"; the nearest "
                "known one is \"%s\"",
                t->file, m->line, m->key,
                nearest(m->key, policy_limit_names, POLICY_LIMITS_MAX));
        }
        if (take_pair(t, m, &l)) {
            return -1;
        }
        put_limit(t->spec, &l);
    }
    return 0;
}

/* ---- enclave ---- */

static int take_class(struct take *t, const struct json *j)
{
    uint32_t *class = &t->spec->fixed.enclave_class;

    if (j->type == JSON_STRING && !strcmp(j->text, "edmm")) {
        *class = POLICY_CLASS_EDMM;
    } else if (j->type == JSON_STRING && !strcmp(j->text, "sgx1")) {
        *class = POLICY_CLASS_SGX1;
    } else {
        return bad(t, j, "\"edmm\" or \"sgx1\"");
    }
    return 0;
}

static int take_16(struct take *t, const struct json *j, uint16_t *out)
{
    uint64_t n = 0;
    int err = take_number(t, j, 0, UINT16_MAX, "a number below 65536", &n);

    *out = (uint16_t)n;
    return err;
}

static int take_product(struct take *t, const struct json *j)
{
    return take_16(t, j, &t->spec->fixed.product_id);
}

static int take_svn(struct take *t, const struct json *j)
{
    return take_16(t, j, &t->spec->fixed.svn);
}

static int take_vector(struct take *t, const struct json *j)
{
    static const struct {
        const char *name;
        uint64_t xfrm;
    } words[] = {{"sse", 0x3}, {"avx", 0x7}, {"avx512", 0xe7}};

    for (size_t i = 0; i < 3; i++) {
        if (j->type == JSON_STRING && !strcmp(j->text, words[i].name)) {
            t->spec->fixed.xfrm_allowed = words[i].xfrm;
            return 0;
        }
    }
    return bad(t, j, "\"sse\", \"avx\" or \"avx512\"");
}

static int take_enclave(struct take *t, const struct json *j)
{
    static const struct key keys[] = {
        {"class", take_class},
        {"product_id", take_product},
        {"svn", take_svn},
        {"vector", take_vector},
    };

    return take_object(t, j, KEYS(keys));
}

/* ---- insecure ---- */

static int take_insecure(struct take *t, const struct json *j)
{
    if (j->type != JSON_ARRAY) {
        return bad(t, j, "a list of words");
    }
    for (const struct json *m = j->child; m; m = m->next) {
        unsigned i = 0;

        while (policy_insecure_words[i] &&
               (m->type != JSON_STRING ||
                strcmp(m->text, policy_insecure_words[i]) != 0)) {
            i++;
        }
        if (!policy_insecure_words[i]) {
            return bad(t, m,
                       "\"host-args\", \"host-env\", \"hostfs\", "
                       "\"debug\", \"strace\" or \"no-isolation\"");
        }
        t->spec->fixed.insecure |= 1u << i;
    }
    return 0;
}

/* What is used must be admitted. */
static int check_admitted(const struct take *t)
{
    const struct policy_spec *s = t->spec;

    if (s->env_pass.count && !(s->fixed.insecure & POLICY_HOST_ENV)) {
        return image_error("%s: \"pass\" lets the host set variables, which "
                           "weakens protection; say \"insecure\": "
                           "[\"host-env\"] if you mean it",
                           t->file);
    }
    for (uint32_t i = 0; i < s->mount_count; i++) {
        if (s->mounts[i].m.type == POLICY_MOUNT_HOST &&
            !(s->fixed.insecure & POLICY_HOST_FS)) {
            return image_error("%s: a mount of \"hostfs\" shows the program "
                               "files that nobody has verified; say "
                               "\"insecure\": [\"hostfs\"] if you mean it",
                               t->file);
        }
    }
    if (s->fixed.enclave_class == POLICY_CLASS_SGX1 && !s->fixed.memory) {
        return image_error("%s: class \"sgx1\" has all memory from the start; "
                           "say how much with \"memory\"",
                           t->file);
    }
    return 0;
}

int policy_take_json(struct policy_spec *s, const char *path)
{
    static const struct key keys[] = {
        {"entry", take_entry},       {"env", take_env},
        {"memory", take_memory},     {"swap_memory", take_swap_memory},
        {"vcpus", take_vcpus},       {"isolation", take_isolation},
        {"mounts", take_mounts},     {"net", take_net},
        {"limits", take_limits},     {"enclave", take_enclave},
        {"insecure", take_insecure},
    };
    struct take t = {.spec = s, .file = path};
    struct json *root;
    int err = json_read(path, &root);

    if (err) {
        return err;
    }
    err = take_object(&t, root, KEYS(keys));
    err = err ? err : check_admitted(&t);
    json_free(root);
    return err;
}
