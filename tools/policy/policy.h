/* SPDX-License-Identifier: MIT
 *
 * From a policy's JSON to its compiled form (abi/policy.h), and back to
 * something that people read. Functions return 0 or -1 after a message.
 *
 *     struct policy_spec spec;
 *     policy_spec_init(&spec);          the defaults
 *     policy_take_json(&spec, file)     what the file says instead
 *     policy_compile(&spec, &bytes)     the one valid form
 *     policy_spec_free(&spec);
 */
#ifndef TOOLS_POLICY_POLICY_H
#define TOOLS_POLICY_POLICY_H

#include "abi/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct string_list {
    char **items;
    size_t count;
};

struct mount_spec {
    char *target, *source;
    struct policy_mount m; /* without its strings */
};

/* A policy in the making. program is NULL until somebody says it. */
struct policy_spec {
    char *program, *cwd, *hostname;
    struct string_list args, default_args, env, env_pass;
    struct mount_spec mounts[POLICY_MOUNTS_MAX];
    struct policy_rule listen[POLICY_RULES_MAX], connect[POLICY_RULES_MAX];
    struct policy_limit limits[POLICY_LIMITS_MAX];
    uint32_t mount_count, listen_count, connect_count, limit_count;
    struct policy fixed; /* the numbers; its strings and lists are not used */
    bool has_user;       /* uid was said, by the policy or the image */
};

void policy_spec_init(struct policy_spec *s);
void policy_spec_free(struct policy_spec *s);

/* Copies text; the old value goes. */
int policy_set_text(char **field, const char *text);
int policy_list_add(struct string_list *l, const char *text);
void policy_list_clear(struct string_list *l);
/* Adds "K=V", in place of an earlier K. */
int policy_env_set(struct string_list *l, const char *entry);

int policy_take_json(struct policy_spec *s, const char *path);

/* net.c: "tcp:ADDRESS:PORT" and its short forms. False: not understood. */
bool policy_parse_rule(const char *text, struct policy_rule *out);
/* The same, written back into out of 80 bytes. */
void policy_print_rule(const struct policy_rule *r, char *out);

/* *bytes is allocated; its size is (*bytes)->size. */
int policy_compile(const struct policy_spec *s, struct policy **bytes);

/* show.c: words for bits; NULL behind the last. */
extern const char *const policy_insecure_words[];
extern const char *const policy_limit_names[POLICY_LIMITS_MAX];
/* A checked policy as JSON that policy_take_json() would take, but for the
 * image's size and hash; each line but the first behind indent blanks. */
void policy_print(FILE *f, const struct policy *p, int indent);

/* template.c: the commented file of `enclos init`; program NULL: any. */
void policy_print_template(FILE *f, const char *program);

#endif
