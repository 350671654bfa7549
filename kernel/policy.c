/* SPDX-License-Identifier: MIT
 *
 * Checking and applying a compiled policy. A cursor walks the one valid form:
 * each array and string must be exactly where the cursor is, so that sizes
 * are checked once, nothing overlaps and no byte is left unread. Sizes are at
 * most 64 KiB and counts are limited first, so sums of them fit.
 */
#include "kernel/policy.h"
#include "abi/linux/errno.h"
#include "lib/string.h"

enum { LIMIT_RESOURCES = 16, MODE_BITS = 07777 };

struct cursor {
    const uint8_t *bytes;
    uint32_t at, size;
};

static bool all_zero(const uint8_t *p, size_t len)
{
    uint8_t bits = 0;

    while (len--) {
        bits |= *p++;
    }
    return bits == 0;
}

/* ---- the form ---- */

static bool take_list(struct cursor *c, const struct policy_list *l,
                      uint32_t max, uint32_t entry)
{
    if (l->at != c->at || l->count > max ||
        l->count > (c->size - c->at) / entry) {
        return false;
    }
    c->at += l->count * entry;
    return true;
}

static bool take_string(struct cursor *c, const struct policy_string *s)
{
    const uint8_t *text = c->bytes + c->at;

    if (s->at != c->at || s->len >= c->size - c->at || text[s->len] != '\0' ||
        memchr(text, '\0', s->len)) {
        return false;
    }
    c->at += s->len + 1;
    return true;
}

static bool take_strings(struct cursor *c, const struct policy_list *l)
{
    const struct policy_string *s = (const void *)(c->bytes + l->at);

    for (uint32_t i = 0; i < l->count; i++) {
        if (!take_string(c, &s[i])) {
            return false;
        }
    }
    return true;
}

static bool take_arrays(struct cursor *c, const struct policy *p)
{
    const uint32_t string = sizeof(struct policy_string);
    const uint32_t rule = sizeof(struct policy_rule);

    return take_list(c, &p->args, POLICY_STRINGS_MAX, string) &&
           take_list(c, &p->default_args, POLICY_STRINGS_MAX, string) &&
           take_list(c, &p->env, POLICY_STRINGS_MAX, string) &&
           take_list(c, &p->env_pass, POLICY_STRINGS_MAX, string) &&
           take_list(c, &p->mounts, POLICY_MOUNTS_MAX,
                     sizeof(struct policy_mount)) &&
           take_list(c, &p->listen, POLICY_RULES_MAX, rule) &&
           take_list(c, &p->connect, POLICY_RULES_MAX, rule) &&
           take_list(c, &p->limits, POLICY_LIMITS_MAX,
                     sizeof(struct policy_limit));
}

static bool take_all_strings(struct cursor *c, const struct policy *p)
{
    const struct policy_mount *m = policy_at(p, p->mounts.at);

    if (!take_string(c, &p->program) || !take_string(c, &p->cwd) ||
        !take_string(c, &p->hostname) || !take_strings(c, &p->args) ||
        !take_strings(c, &p->default_args) || !take_strings(c, &p->env) ||
        !take_strings(c, &p->env_pass)) {
        return false;
    }
    for (uint32_t i = 0; i < p->mounts.count; i++) {
        if (!take_string(c, &m[i].target) || !take_string(c, &m[i].source)) {
            return false;
        }
    }
    return true;
}

/* ---- the content ---- */

static const char *text_of(const struct policy *p,
                           const struct policy_string *s)
{
    return policy_at(p, s->at);
}

/* A variable's name ends at "=", or is all of the text. */
static bool variables_are_good(const struct policy *p,
                               const struct policy_list *l, bool with_value)
{
    const struct policy_string *s = policy_at(p, l->at);

    for (uint32_t i = 0; i < l->count; i++) {
        const char *equals = memchr(text_of(p, &s[i]), '=', s[i].len);

        if (s[i].len == 0 || with_value != (equals != NULL) ||
            equals == text_of(p, &s[i])) {
            return false;
        }
    }
    return true;
}

static bool mounts_are_good(const struct policy *p)
{
    const struct policy_mount *m = policy_at(p, p->mounts.at);

    for (uint32_t i = 0; i < p->mounts.count; i++, m++) {
        bool host = m->type == POLICY_MOUNT_HOST;

        if ((!host && m->type != POLICY_MOUNT_TMPFS) ||
            (host && !(p->insecure & POLICY_HOST_FS)) ||
            m->flags & ~(uint32_t)POLICY_MOUNT_FLAGS || m->zero ||
            m->mode & ~(uint32_t)MODE_BITS || *text_of(p, &m->target) != '/' ||
            *text_of(p, &m->source) != (host ? '/' : '\0') ||
            (host && (m->size || m->mode))) {
            return false;
        }
    }
    return true;
}

static bool prefix_is_good(const struct policy_rule *r)
{
    unsigned bits = r->family == 4 ? 32 : r->family == 6 ? 128 : 0;

    if (r->prefix > bits) {
        return false;
    }
    for (unsigned i = r->prefix; i < 128; i++) {
        if (r->address[i / 8] >> (7 - i % 8) & 1) {
            return false;
        }
    }
    return true;
}

static bool rules_are_good(const struct policy *p, const struct policy_list *l)
{
    const struct policy_rule *r = policy_at(p, l->at);

    for (uint32_t i = 0; i < l->count; i++, r++) {
        if ((r->family != 0 && r->family != 4 && r->family != 6) ||
            (r->protocol != 6 && r->protocol != 17) || r->zero ||
            r->port_low > r->port_high || !prefix_is_good(r)) {
            return false;
        }
    }
    return true;
}

static bool limits_are_good(const struct policy *p)
{
    const struct policy_limit *l = policy_at(p, p->limits.at);

    for (uint32_t i = 0; i < p->limits.count; i++) {
        if (l[i].resource >= LIMIT_RESOURCES || l[i].zero ||
            l[i].soft > l[i].hard ||
            (i > 0 && l[i].resource <= l[i - 1].resource)) {
            return false;
        }
    }
    return true;
}

static bool machine_is_good(const struct policy *p)
{
    bool sgx1 = p->enclave_class == POLICY_CLASS_SGX1;

    return (sgx1 || p->enclave_class == POLICY_CLASS_EDMM) && p->vcpus >= 1 &&
           p->vcpus <= POLICY_VCPUS_MAX && p->memory % POLICY_PAGE == 0 &&
           (!sgx1 || p->memory) && (p->xfrm_allowed & 3) == 3 &&
           p->image_size % POLICY_PAGE == 0;
}

static const char *content_flaw(const struct policy *p)
{
    if (p->insecure & ~(uint32_t)POLICY_INSECURE_ALL || p->umask & ~0777u ||
        !all_zero(p->reserved, sizeof(p->reserved))) {
        return "policy: unknown bits are set";
    }
    if (!machine_is_good(p)) {
        return "policy: class, vcpus, memory or sizes are out of range";
    }
    if (*text_of(p, &p->program) != '/' || *text_of(p, &p->cwd) != '/' ||
        p->hostname.len > 64 || p->args.count == 0) {
        return "policy: program, cwd, hostname or args are not usable";
    }
    if (!variables_are_good(p, &p->env, true) ||
        !variables_are_good(p, &p->env_pass, false) ||
        (p->env_pass.count && !(p->insecure & POLICY_HOST_ENV))) {
        return "policy: the environment is not usable";
    }
    if (!mounts_are_good(p)) {
        return "policy: a mount is not usable";
    }
    if (!rules_are_good(p, &p->listen) || !rules_are_good(p, &p->connect)) {
        return "policy: a network rule is not usable";
    }
    return limits_are_good(p) ? NULL : "policy: a limit is not usable";
}

static const char *flaw(const void *bytes, size_t size)
{
    const struct policy *p = bytes;
    struct cursor c = {bytes, sizeof(*p), (uint32_t)size};

    if (size < POLICY_PAGE || size > POLICY_PAGES_MAX * POLICY_PAGE ||
        size % POLICY_PAGE != 0) {
        return "policy: its size is not 1 to 16 pages";
    }
    if (memcmp(p->magic, POLICY_MAGIC, sizeof(p->magic)) != 0) {
        return "policy: this is none";
    }
    if (p->version != POLICY_VERSION) {
        return "policy: its version is not known";
    }
    if (p->size != size || !take_arrays(&c, p) || !take_all_strings(&c, p) ||
        p->used != c.at || size - c.at >= POLICY_PAGE ||
        !all_zero(c.bytes + c.at, size - c.at)) {
        return "policy: it does not have the one valid form";
    }
    return content_flaw(p);
}

int policy_check(const void *bytes, size_t size, const char **why)
{
    *why = flaw(bytes, size);
    return *why ? -EINVAL : 0;
}

/* ---- use ---- */

struct vector {
    const char **entries;
    size_t count, max;
};

static bool vector_add(struct vector *v, const char *text)
{
    if (v->count == v->max) {
        return false;
    }
    v->entries[v->count++] = text;
    return true;
}

static bool vector_add_list(struct vector *v, const struct policy *p,
                            const struct policy_list *l)
{
    const struct policy_string *s = policy_at(p, l->at);

    for (uint32_t i = 0; i < l->count; i++) {
        if (!vector_add(v, text_of(p, &s[i]))) {
            return false;
        }
    }
    return true;
}

static int fill_args(const struct policy *p, const struct policy_host *host,
                     struct vector *v, const char **why)
{
    const char *const *a = host->args;
    bool good = vector_add_list(v, p, &p->args);

    if (!a || !*a) {
        good = good && vector_add_list(v, p, &p->default_args);
    } else if (!(p->insecure & POLICY_HOST_ARGS)) {
        *why = "the policy takes no arguments from outside; \"insecure\": "
               "[\"host-args\"] in it would allow them";
        return -EPERM;
    }
    for (; good && a && *a; a++) {
        good = vector_add(v, *a);
    }
    v->entries[v->count] = NULL;
    *why = "more arguments than 1024";
    return good ? 0 : -E2BIG;
}

/* The host's entry for a name, or NULL. */
static const char *host_variable(const struct policy_host *host,
                                 const char *name, size_t len)
{
    for (const char *const *e = host->env; e && *e; e++) {
        if (strncmp(*e, name, len) == 0 && (*e)[len] == '=') {
            return *e;
        }
    }
    return NULL;
}

/* Takes the place of a variable of that name, or a new one. */
static bool replace_variable(struct vector *v, const char *entry, size_t name)
{
    for (size_t i = 0; i < v->count; i++) {
        if (strncmp(v->entries[i], entry, name + 1) == 0) {
            v->entries[i] = entry;
            return true;
        }
    }
    return vector_add(v, entry);
}

static int fill_env(const struct policy *p, const struct policy_host *host,
                    struct vector *v, const char **why)
{
    const struct policy_string *s = policy_at(p, p->env_pass.at);
    bool good = vector_add_list(v, p, &p->env);

    for (uint32_t i = 0; good && i < p->env_pass.count; i++) {
        const char *e = host_variable(host, text_of(p, &s[i]), s[i].len);

        good = !e || replace_variable(v, e, s[i].len);
    }
    v->entries[v->count] = NULL;
    *why = "more variables than 2048";
    return good ? 0 : -E2BIG;
}

static void fill_rest(const struct policy *p, const struct policy_host *host,
                      struct boot_info *info)
{
    info->policy = p;
    info->vcpu_count = p->vcpus;
    info->memory_limit = p->memory;
    info->swap_limit = p->swap_memory;
    info->root = ROOT_IMAGE;
    info->image_size = p->image_size;
    memcpy(info->root_hash, p->root_hash, sizeof(info->root_hash));
    info->program = text_of(p, &p->program);
    info->cwd = text_of(p, &p->cwd);
    info->hostname = text_of(p, &p->hostname);
    info->uid = p->uid;
    info->gid = p->gid;
    info->umask = p->umask;
    info->isolation = !(p->insecure & POLICY_NO_ISOLATION);
    info->strace = host->strace;
    info->stats = host->stats;
    info->log_level = host->log_level;
}

int policy_boot(const struct policy *p, const struct policy_host *host,
                struct policy_vectors *vectors, struct boot_info *info,
                const char **why)
{
    struct vector argv = {vectors->argv, 0, ARRAY_SIZE(vectors->argv) - 1};
    struct vector envp = {vectors->envp, 0, ARRAY_SIZE(vectors->envp) - 1};
    bool loud = host->strace || host->stats || host->log_level > LOG_WARN;
    int err;

    if (loud && !(p->insecure & POLICY_STRACE)) {
        *why = "the policy allows no strace, statistics or debug log; "
               "\"insecure\": [\"strace\"] in it would";
        return -EPERM;
    }
    err = fill_args(p, host, &argv, why);
    err = err ? err : fill_env(p, host, &envp, why);
    if (err) {
        return err;
    }
    fill_rest(p, host, info);
    info->argv = vectors->argv;
    info->envp = vectors->envp;
    return 0;
}

static bool prefix_matches(const struct policy_rule *r, const uint8_t *address)
{
    for (unsigned i = 0; i < r->prefix; i++) {
        if ((r->address[i / 8] ^ address[i / 8]) >> (7 - i % 8) & 1) {
            return false;
        }
    }
    return true;
}

bool policy_allows(const struct policy *p, bool listen, unsigned protocol,
                   unsigned family, const uint8_t *address, unsigned port)
{
    const struct policy_list *l;
    const struct policy_rule *r;

    if (!p) {
        return true;
    }
    l = listen ? &p->listen : &p->connect;
    r = policy_at(p, l->at);
    for (uint32_t i = 0; i < l->count; i++, r++) {
        if (r->protocol == protocol &&
            (r->family == 0 || r->family == family) && port >= r->port_low &&
            port <= r->port_high && prefix_matches(r, address)) {
            return true;
        }
    }
    return false;
}
