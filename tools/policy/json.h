/* SPDX-License-Identifier: MIT
 *
 * JSON (RFC 8259) with // and block comments and a comma allowed before a
 * closing bracket, as trees that remember lines. For configuration files and
 * OCI's manifests: whole texts in memory, errors with the line.
 */
#ifndef TOOLS_POLICY_JSON_H
#define TOOLS_POLICY_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum json_type {
    JSON_NULL,
    JSON_BOOL,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
};

struct json {
    enum json_type type;
    unsigned line;
    char *key;  /* in an object; unique there */
    char *text; /* of a string (no NUL inside); of a number as written */
    bool truth;
    struct json *child, *next;
};

/* *out is a tree to be freed by json_free(). -1 after a message that begins
 * with name and line. */
int json_parse(const char *name, const char *text, size_t len,
               struct json **out);
/* The same for a file. */
int json_read(const char *path, struct json **out);
void json_free(struct json *j);

/* A member of an object; NULL when there is none or j is no object. */
const struct json *json_get(const struct json *j, const char *key);
/* The text of a member that is a string, or NULL. */
const char *json_string(const struct json *j, const char *key);
/* A number that is an integer from 0 to max. */
bool json_integer(const struct json *j, uint64_t max, uint64_t *out);

/* Writes text as a JSON string, quoted and escaped. */
void json_quote(FILE *f, const char *text);

#endif
