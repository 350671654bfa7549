/* SPDX-License-Identifier: MIT
 *
 * A checked policy as JSON, and the words that its bits have there.
 */
#include "tools/policy/policy.h"
#include "tools/policy/json.h"

#include <inttypes.h>

const char *const policy_insecure_words[] = {
    "host-args", "host-env", "hostfs", "debug", "strace", "no-isolation", NULL};

const char *const policy_limit_names[POLICY_LIMITS_MAX] = {
    "cpu",      "fsize",  "data",    "stack", "core",  "rss",
    "nproc",    "nofile", "memlock", "as",    "locks", "sigpending",
    "msgqueue", "nice",   "rtprio",  "rttime"};

struct show {
    FILE *f;
    const struct policy *p;
    int indent;
};

static const char *text_of(const struct show *s, const struct policy_string *t)
{
    return policy_at(s->p, t->at);
}

static void line(const struct show *s, int depth)
{
    fprintf(s->f, "\n%*s", s->indent + 2 * depth, "");
}

static void key(const struct show *s, int depth, bool first, const char *name)
{
    if (!first) {
        fputc(',', s->f);
    }
    line(s, depth);
    fprintf(s->f, "\"%s\": ", name);
}

static void strings(const struct show *s, const struct policy_list *l)
{
    const struct policy_string *t = policy_at(s->p, l->at);

    fputc('[', s->f);
    for (uint32_t i = 0; i < l->count; i++) {
        fputs(i ? ", " : "", s->f);
        json_quote(s->f, text_of(s, &t[i]));
    }
    fputc(']', s->f);
}

static void show_entry(const struct show *s)
{
    const struct policy *p = s->p;

    key(s, 1, true, "entry");
    fputc('{', s->f);
    key(s, 2, true, "program");
    json_quote(s->f, text_of(s, &p->program));
    key(s, 2, false, "args");
    strings(s, &p->args);
    key(s, 2, false, "default_args");
    strings(s, &p->default_args);
    key(s, 2, false, "cwd");
    json_quote(s->f, text_of(s, &p->cwd));
    key(s, 2, false, "hostname");
    json_quote(s->f, text_of(s, &p->hostname));
    key(s, 2, false, "uid");
    fprintf(s->f, "%u", p->uid);
    key(s, 2, false, "gid");
    fprintf(s->f, "%u", p->gid);
    key(s, 2, false, "umask");
    fprintf(s->f, "\"%04o\"", p->umask);
    line(s, 1);
    fputc('}', s->f);
}

/* "K=V" as "K": "V". */
static void show_env(const struct show *s)
{
    const struct policy_string *t = policy_at(s->p, s->p->env.at);

    key(s, 1, false, "env");
    fputc('{', s->f);
    key(s, 2, true, "set");
    fputc('{', s->f);
    for (uint32_t i = 0; i < s->p->env.count; i++) {
        const char *entry = text_of(s, &t[i]);
        char name[4096];
        int len = 0;

        while (len < (int)sizeof(name) - 1 && entry[len] != '=') {
            name[len] = entry[len];
            len++;
        }
        name[len] = '\0';
        fputs(i ? ", " : "", s->f);
        json_quote(s->f, name);
        fputs(": ", s->f);
        json_quote(s->f, entry + len + (entry[len] == '='));
    }
    fputc('}', s->f);
    key(s, 2, false, "pass");
    strings(s, &s->p->env_pass);
    line(s, 1);
    fputc('}', s->f);
}

static void show_mount(const struct show *s, const struct policy_mount *m)
{
    bool tmpfs = m->type == POLICY_MOUNT_TMPFS;
    bool rw = !tmpfs && !(m->flags & POLICY_MOUNT_RDONLY);

    fprintf(s->f,
            "{\"type\": \"%s\", \"target\": ", tmpfs ? "tmpfs" : "hostfs");
    json_quote(s->f, text_of(s, &m->target));
    if (tmpfs) {
        fprintf(s->f, ", \"size\": %" PRIu64 ", \"mode\": \"%04o\"", m->size,
                m->mode);
    } else {
        fputs(", \"source\": ", s->f);
        json_quote(s->f, text_of(s, &m->source));
    }
    fprintf(s->f, ", \"options\": [%s", rw ? "\"rw\"" : "");
    for (unsigned i = 0, any = rw; i < 4; i++) {
        static const char *const words[] = {"ro", "nosuid", "nodev", "noexec"};

        if (m->flags >> i & 1) {
            fprintf(s->f, "%s\"%s\"", any++ ? ", " : "", words[i]);
        }
    }
    fputs("]}", s->f);
}

static void show_mounts(const struct show *s)
{
    const struct policy_mount *m = policy_at(s->p, s->p->mounts.at);

    key(s, 1, false, "mounts");
    fputc('[', s->f);
    for (uint32_t i = 0; i < s->p->mounts.count; i++) {
        fputs(i ? "," : "", s->f);
        line(s, 2);
        show_mount(s, &m[i]);
    }
    fputc(']', s->f);
}

static void show_rules(const struct show *s, const char *name, bool first,
                       const struct policy_list *l)
{
    const struct policy_rule *r = policy_at(s->p, l->at);
    char text[80];

    key(s, 2, first, name);
    fputc('[', s->f);
    for (uint32_t i = 0; i < l->count; i++) {
        policy_print_rule(&r[i], text);
        fprintf(s->f, "%s\"%s\"", i ? ", " : "", text);
    }
    fputc(']', s->f);
}

static void show_net(const struct show *s)
{
    key(s, 1, false, "net");
    fputc('{', s->f);
    show_rules(s, "listen", true, &s->p->listen);
    show_rules(s, "connect", false, &s->p->connect);
    line(s, 1);
    fputc('}', s->f);
}

static void show_limit(const struct show *s, uint64_t n, const char *after)
{
    if (n == UINT64_MAX) {
        fprintf(s->f, "\"unlimited\"%s", after);
    } else {
        fprintf(s->f, "%" PRIu64 "%s", n, after);
    }
}

static void show_limits(const struct show *s)
{
    const struct policy_limit *l = policy_at(s->p, s->p->limits.at);

    key(s, 1, false, "limits");
    fputc('{', s->f);
    for (uint32_t i = 0; i < s->p->limits.count; i++) {
        fprintf(s->f, "%s\"%s\": [", i ? ", " : "",
                policy_limit_names[l[i].resource]);
        show_limit(s, l[i].soft, ", ");
        show_limit(s, l[i].hard, "]");
    }
    fputc('}', s->f);
}

static const char *vector_word(uint64_t xfrm)
{
    return xfrm & 0xe0 ? "avx512" : xfrm & 4 ? "avx" : "sse";
}

static void show_ceiling(const struct show *s, const char *name, uint64_t bytes)
{
    key(s, 1, false, name);
    if (bytes) {
        fprintf(s->f, "%" PRIu64, bytes);
    } else {
        fputs("\"unlimited\"", s->f);
    }
}

static void show_machine(const struct show *s)
{
    const struct policy *p = s->p;

    show_ceiling(s, "memory", p->memory);
    show_ceiling(s, "swap_memory", p->swap_memory);
    key(s, 1, false, "vcpus");
    fprintf(s->f, "%u", p->vcpus);
    key(s, 1, false, "isolation");
    fputs("\"none\"", s->f);
    key(s, 1, false, "enclave");
    fprintf(s->f,
            "{\"class\": \"%s\", \"product_id\": %u, \"svn\": %u, "
            "\"vector\": \"%s\"}",
            p->enclave_class == POLICY_CLASS_SGX1 ? "sgx1" : "edmm",
            p->product_id, p->svn, vector_word(p->xfrm_allowed));
}

static void show_insecure(const struct show *s)
{
    key(s, 1, false, "insecure");
    fputc('[', s->f);
    for (unsigned i = 0, any = 0; policy_insecure_words[i]; i++) {
        if (s->p->insecure >> i & 1) {
            fprintf(s->f, "%s\"%s\"", any++ ? ", " : "",
                    policy_insecure_words[i]);
        }
    }
    fputc(']', s->f);
}

static void show_image(const struct show *s)
{
    key(s, 1, false, "image");
    fprintf(s->f, "{\"size\": %" PRIu64 ", \"root_hash\": \"",
            s->p->image_size);
    for (size_t i = 0; i < sizeof(s->p->root_hash); i++) {
        fprintf(s->f, "%02x", s->p->root_hash[i]);
    }
    fputs("\"}", s->f);
}

void policy_print(FILE *f, const struct policy *p, int indent)
{
    const struct show s = {f, p, indent};

    fputc('{', f);
    show_entry(&s);
    show_env(&s);
    show_machine(&s);
    show_mounts(&s);
    show_net(&s);
    show_limits(&s);
    show_insecure(&s);
    show_image(&s);
    line(&s, 0);
    fputc('}', f);
}
