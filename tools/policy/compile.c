/* SPDX-License-Identifier: MIT
 *
 * A policy in the making, and its bytes: header, arrays, strings in the order
 * that abi/policy.h fixes. What comes out has gone through the kernel's own
 * check.
 */
#include "tools/policy/policy.h"
#include "tools/image/util.h"
#include "kernel/policy.h"

#include <stdlib.h>
#include <string.h>

/* x87, SSE, AVX and AVX-512: what an SSA frame of the enclave has room for. */
#define XFRM_DEFAULT 0xe7ull

void policy_spec_init(struct policy_spec *s)
{
    memset(s, 0, sizeof(*s));
    memcpy(s->fixed.magic, POLICY_MAGIC, sizeof(s->fixed.magic));
    s->fixed.version = POLICY_VERSION;
    s->fixed.enclave_class = POLICY_CLASS_EDMM;
    s->fixed.vcpus = 4;
    s->fixed.xfrm_allowed = XFRM_DEFAULT;
    s->fixed.umask = 022;
    policy_set_text(&s->cwd, "/");
    policy_set_text(&s->hostname, "enclos");
    policy_list_add(&s->env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:"
                             "/usr/bin:/sbin:/bin");
}

void policy_spec_free(struct policy_spec *s)
{
    free(s->program);
    free(s->cwd);
    free(s->hostname);
    policy_list_clear(&s->args);
    policy_list_clear(&s->default_args);
    policy_list_clear(&s->env);
    policy_list_clear(&s->env_pass);
    for (uint32_t i = 0; i < s->mount_count; i++) {
        free(s->mounts[i].target);
        free(s->mounts[i].source);
    }
}

int policy_set_text(char **field, const char *text)
{
    char *copy = strdup(text);

    if (!copy) {
        return image_error("out of memory");
    }
    free(*field);
    *field = copy;
    return 0;
}

int policy_list_add(struct string_list *l, const char *text)
{
    char **items = realloc(l->items, (l->count + 1) * sizeof(*items));

    if (items) {
        l->items = items;
        items[l->count] = NULL;
    }
    if (!items || policy_set_text(&items[l->count], text)) {
        return image_error("out of memory");
    }
    l->count++;
    return 0;
}

void policy_list_clear(struct string_list *l)
{
    while (l->count) {
        free(l->items[--l->count]);
    }
    free(l->items);
    l->items = NULL;
}

int policy_env_set(struct string_list *l, const char *entry)
{
    size_t name = strcspn(entry, "=") + 1;

    for (size_t i = 0; i < l->count; i++) {
        if (!strncmp(l->items[i], entry, name)) {
            return policy_set_text(&l->items[i], entry);
        }
    }
    return policy_list_add(l, entry);
}

/* ---- the bytes ---- */

struct emit {
    uint8_t *bytes;
    uint32_t at;
    bool full;
};

static void *emit_room(struct emit *e, size_t len)
{
    uint32_t at = e->at;

    if (e->full || len > POLICY_PAGES_MAX * POLICY_PAGE - at) {
        e->full = true;
        return NULL;
    }
    e->at += (uint32_t)len;
    return e->bytes + at;
}

static void emit_array(struct emit *e, struct policy_list *l,
                       const void *entries, size_t count, size_t size)
{
    void *room;

    l->at = e->at;
    l->count = (uint32_t)count;
    room = emit_room(e, count * size);
    if (room && entries) {
        memcpy(room, entries, count * size);
    }
}

static void emit_string(struct emit *e, struct policy_string *s,
                        const char *text)
{
    size_t len = strlen(text);
    char *room;

    s->at = e->at;
    s->len = (uint32_t)len;
    room = emit_room(e, len + 1);
    if (room) {
        memcpy(room, text, len + 1);
    }
}

static void emit_strings(struct emit *e, const struct policy_list *l,
                         const struct string_list *from)
{
    struct policy_string *s = (void *)(e->bytes + l->at);

    for (size_t i = 0; i < from->count && !e->full; i++) {
        emit_string(e, &s[i], from->items[i]);
    }
}

static void emit_arrays(struct emit *e, struct policy *p,
                        const struct policy_spec *s)
{
    const size_t string = sizeof(struct policy_string);
    const size_t rule = sizeof(struct policy_rule);
    struct policy_mount *m;

    emit_array(e, &p->args, NULL, s->args.count, string);
    emit_array(e, &p->default_args, NULL, s->default_args.count, string);
    emit_array(e, &p->env, NULL, s->env.count, string);
    emit_array(e, &p->env_pass, NULL, s->env_pass.count, string);
    emit_array(e, &p->mounts, NULL, s->mount_count, sizeof(*m));
    m = (void *)(e->bytes + p->mounts.at);
    for (uint32_t i = 0; i < s->mount_count && !e->full; i++) {
        m[i] = s->mounts[i].m;
    }
    emit_array(e, &p->listen, s->listen, s->listen_count, rule);
    emit_array(e, &p->connect, s->connect, s->connect_count, rule);
    emit_array(e, &p->limits, s->limits, s->limit_count,
               sizeof(struct policy_limit));
}

static void emit_all(struct emit *e, const struct policy_spec *s)
{
    struct policy *p = emit_room(e, sizeof(*p));
    struct policy_mount *m;

    *p = s->fixed;
    emit_arrays(e, p, s);
    emit_string(e, &p->program, s->program);
    emit_string(e, &p->cwd, s->cwd);
    emit_string(e, &p->hostname, s->hostname);
    emit_strings(e, &p->args, &s->args);
    emit_strings(e, &p->default_args, &s->default_args);
    emit_strings(e, &p->env, &s->env);
    emit_strings(e, &p->env_pass, &s->env_pass);
    m = (void *)(e->bytes + p->mounts.at);
    for (uint32_t i = 0; i < s->mount_count && !e->full; i++) {
        emit_string(e, &m[i].target, s->mounts[i].target);
        emit_string(e, &m[i].source, s->mounts[i].source);
    }
    p->used = e->at;
    p->size = (e->at + POLICY_PAGE - 1) / POLICY_PAGE * POLICY_PAGE;
}

/* NULL, or why these bytes are no policy. */
static const char *flaw(const struct emit *e)
{
    const struct policy *p = (const void *)e->bytes;
    const char *why;

    if (e->full) {
        return "the policy is longer than 64 KiB; shorten its arguments, "
               "environment or lists";
    }
    return policy_check(p, p->size, &why) ? why : NULL;
}

int policy_compile(const struct policy_spec *s, struct policy **bytes)
{
    struct emit e = {NULL, 0, false};
    const char *why;

    if (!s->program) {
        return image_error("the policy names no program to start; say "
                           "\"entry\": {\"program\": \"/...\"}");
    }
    e.bytes = calloc(POLICY_PAGES_MAX, POLICY_PAGE);
    if (!e.bytes) {
        return image_error("out of memory");
    }
    emit_all(&e, s);
    why = flaw(&e);
    if (why) {
        free(e.bytes);
        return image_error("%s", why);
    }
    *bytes = (struct policy *)e.bytes;
    return 0;
}
