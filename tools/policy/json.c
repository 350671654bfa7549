/* SPDX-License-Identifier: MIT
 *
 * The parser of json.h: recursive descent over a text in memory, with a limit
 * on its depth. What is wrong is said once, by the innermost function.
 */
#include "tools/policy/json.h"
#include "tools/image/util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 64 };
#define TEXT_MAX (64u << 20)

struct parser {
    const char *name;
    const char *at, *end;
    unsigned line;
};

static int wrong(const struct parser *p, const char *what)
{
    return image_error("%s:%u: %s", p->name, p->line, what);
}

/* ---- blanks and comments ---- */

static bool starts(const struct parser *p, const char *word)
{
    size_t len = strlen(word);

    return (size_t)(p->end - p->at) >= len && !memcmp(p->at, word, len);
}

static int skip_block(struct parser *p)
{
    for (p->at += 2; !starts(p, "*/"); p->at++) {
        if (p->at == p->end) {
            return wrong(p, "this comment has no end");
        }
        p->line += *p->at == '\n';
    }
    p->at += 2;
    return 0;
}

static int skip_blanks(struct parser *p)
{
    while (p->at < p->end) {
        if (starts(p, "/*")) {
            if (skip_block(p)) {
                return -1;
            }
        } else if (starts(p, "//")) {
            while (p->at < p->end && *p->at != '\n') {
                p->at++;
            }
        } else if (memchr(" \t\r\n", *p->at, 4)) {
            p->line += *p->at++ == '\n';
        } else {
            break;
        }
    }
    return 0;
}

static bool take(struct parser *p, char c)
{
    if (p->at < p->end && *p->at == c) {
        p->at++;
        return true;
    }
    return false;
}

/* ---- strings ---- */

static bool take_hex(struct parser *p, uint32_t *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++) {
        static const char digits[] = "0123456789abcdef";
        const char *d =
            p->at < p->end && *p->at ? strchr(digits, *p->at | 0x20) : NULL;

        if (!d) {
            return false;
        }
        *out = *out << 4 | (uint32_t)(d - digits);
        p->at++;
    }
    return true;
}

static char *put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xc0 | c >> 6);
        *out++ = (char)(0x80 | (c & 63));
    } else if (c < 0x10000) {
        *out++ = (char)(0xe0 | c >> 12);
        *out++ = (char)(0x80 | (c >> 6 & 63));
        *out++ = (char)(0x80 | (c & 63));
    } else {
        *out++ = (char)(0xf0 | c >> 18);
        *out++ = (char)(0x80 | (c >> 12 & 63));
        *out++ = (char)(0x80 | (c >> 6 & 63));
        *out++ = (char)(0x80 | (c & 63));
    }
    return out;
}

/* Behind "\u". A surrogate needs its other half. */
static bool take_unicode(struct parser *p, char **out)
{
    uint32_t c, low;

    if (!take_hex(p, &c) || c == 0 || (c >= 0xdc00 && c <= 0xdfff)) {
        return false;
    }
    if (c >= 0xd800 && c <= 0xdbff) {
        if (!take(p, '\\') || !take(p, 'u') || !take_hex(p, &low) ||
            low < 0xdc00 || low > 0xdfff) {
            return false;
        }
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    *out = put_utf8(*out, c);
    return true;
}

static bool take_escape(struct parser *p, char **out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *f;

    if (p->at == p->end) {
        return false;
    }
    if (*p->at == 'u') {
        p->at++;
        return take_unicode(p, out);
    }
    f = *p->at ? strchr(from, *p->at) : NULL;
    if (!f) {
        return false;
    }
    *(*out)++ = to[f - from];
    p->at++;
    return true;
}

/* At the quote. The text is never longer than its source. */
static int take_string(struct parser *p, char **text)
{
    const char *close = p->at + 1;
    char *out;

    while (close < p->end && *close != '"' && *close != '\n') {
        close += *close == '\\' && close + 1 < p->end ? 2 : 1;
    }
    if (close >= p->end || *close != '"') {
        return wrong(p, "this string has no closing quote on its line");
    }
    out = *text = malloc((size_t)(close - p->at));
    if (!out) {
        return wrong(p, "out of memory");
    }
    for (p->at++; p->at < close;) {
        char c = *p->at++;

        if (c == '\\' ? !take_escape(p, &out) : (unsigned char)c < 0x20) {
            free(*text);
            *text = NULL;
            return wrong(p, "a string has a bad escape or control character");
        }
        if (c != '\\') {
            *out++ = c;
        }
    }
    *out = '\0';
    p->at = close + 1;
    return 0;
}

/* ---- values ---- */

static int take_value(struct parser *p, unsigned depth, struct json **out);

static int take_number(struct parser *p, struct json *j)
{
    static const char letters[] = "+-.eE0123456789";
    const char *start = p->at;
    char *end;

    while (p->at < p->end && *p->at && strchr(letters, *p->at)) {
        p->at++;
    }
    j->type = JSON_NUMBER;
    j->text = strndup(start, (size_t)(p->at - start));
    if (!j->text) {
        return wrong(p, "out of memory");
    }
    strtod(j->text, &end);
    return *end || *j->text == '+' ? wrong(p, "this is no number") : 0;
}

static int take_word(struct parser *p, struct json *j)
{
    static const struct {
        const char *word;
        enum json_type type;
        bool truth;
    } words[] = {{"true", JSON_BOOL, true},
                 {"false", JSON_BOOL, false},
                 {"null", JSON_NULL, false}};

    for (size_t i = 0; i < 3; i++) {
        if (starts(p, words[i].word)) {
            p->at += strlen(words[i].word);
            j->type = words[i].type;
            j->truth = words[i].truth;
            return 0;
        }
    }
    return wrong(p, p->at == p->end ? "the text ends too early"
                                    : "a value is expected here (strings "
                                      "stand in double quotes)");
}

static int take_key(struct parser *p, const struct json *object, char **key)
{
    if (p->at == p->end || *p->at != '"') {
        return wrong(p, "a key in double quotes is expected here");
    }
    if (take_string(p, key)) {
        return -1;
    }
    if (json_get(object, *key)) {
        return image_error("%s:%u: the key \"%s\" stands here twice", p->name,
                           p->line, *key);
    }
    if (skip_blanks(p)) {
        return -1;
    }
    return take(p, ':') ? 0 : wrong(p, "a colon is missing after the key");
}

static int take_member(struct parser *p, struct json *parent, unsigned depth,
                       struct json ***last)
{
    char *key = NULL;

    if (parent->type == JSON_OBJECT && take_key(p, parent, &key)) {
        free(key);
        return -1;
    }
    if (take_value(p, depth, *last)) {
        free(key);
        return -1;
    }
    (**last)->key = key;
    *last = &(**last)->next;
    return 0;
}

static int take_members(struct parser *p, struct json *parent, unsigned depth)
{
    char close = parent->type == JSON_OBJECT ? '}' : ']';
    struct json **last = &parent->child;

    p->at++;
    for (;;) {
        if (skip_blanks(p)) {
            return -1;
        }
        if (take(p, close)) {
            return 0;
        }
        if (take_member(p, parent, depth, &last) || skip_blanks(p)) {
            return -1;
        }
        if (!take(p, ',') && (p->at == p->end || *p->at != close)) {
            return wrong(p, close == '}' ? "a comma or } is missing here"
                                         : "a comma or ] is missing here");
        }
    }
}

static int fill_value(struct parser *p, unsigned depth, struct json *j)
{
    char c = p->at < p->end ? *p->at : '\0';

    if (c == '"') {
        j->type = JSON_STRING;
        return take_string(p, &j->text);
    }
    if (c == '{' || c == '[') {
        j->type = c == '{' ? JSON_OBJECT : JSON_ARRAY;
        return depth ? take_members(p, j, depth - 1)
                     : wrong(p, "brackets nest too deep");
    }
    if (c == '-' || (c >= '0' && c <= '9')) {
        return take_number(p, j);
    }
    return take_word(p, j);
}

static int take_value(struct parser *p, unsigned depth, struct json **out)
{
    struct json *j;

    if (skip_blanks(p)) {
        return -1;
    }
    j = calloc(1, sizeof(*j));
    if (!j) {
        return wrong(p, "out of memory");
    }
    j->line = p->line;
    if (fill_value(p, depth, j)) {
        json_free(j);
        return -1;
    }
    *out = j;
    return 0;
}

int json_parse(const char *name, const char *text, size_t len,
               struct json **out)
{
    struct parser p = {name, text, text + len, 1};

    if (take_value(&p, DEPTH_MAX, out)) {
        return -1;
    }
    if (skip_blanks(&p) == 0 && p.at == p.end) {
        return 0;
    }
    if (p.at < p.end) {
        wrong(&p, "nothing may follow the closing bracket");
    }
    json_free(*out);
    *out = NULL;
    return -1;
}

int json_read(const char *path, struct json **out)
{
    FILE *f = fopen(path, "re");
    char *text = NULL;
    size_t len = 0, room = 0, n = 1;
    int err = 0;

    if (!f) {
        return image_error("cannot read %s: %s", path, strerror(errno));
    }
    while (!err && n) {
        if (len == room) {
            char *more = realloc(text, room = room * 2 + 65536);

            err = more && room <= TEXT_MAX ? 0 : -1;
            text = more ? more : text;
        }
        n = err ? 0 : fread(text + len, 1, room - len, f);
        len += n;
    }
    if (ferror(f)) {
        err = image_error("cannot read %s: %s", path, strerror(errno));
    } else if (err) {
        err = image_error("cannot read %s: it is too large", path);
    }
    fclose(f);
    err = err ? err : json_parse(path, text, len, out);
    free(text);
    return err;
}

/* ---- trees ---- */

void json_free(struct json *j)
{
    while (j) {
        struct json *next = j->next;

        json_free(j->child);
        free(j->key);
        free(j->text);
        free(j);
        j = next;
    }
}

const struct json *json_get(const struct json *j, const char *key)
{
    if (!j || j->type != JSON_OBJECT) {
        return NULL;
    }
    for (j = j->child; j; j = j->next) {
        if (j->key && !strcmp(j->key, key)) {
            return j;
        }
    }
    return NULL;
}

const char *json_string(const struct json *j, const char *key)
{
    j = json_get(j, key);
    return j && j->type == JSON_STRING ? j->text : NULL;
}

bool json_integer(const struct json *j, uint64_t max, uint64_t *out)
{
    char *end;

    if (!j || j->type != JSON_NUMBER || *j->text == '-') {
        return false;
    }
    errno = 0;
    *out = strtoull(j->text, &end, 10);
    return !errno && !*end && *out <= max;
}

void json_quote(FILE *f, const char *text)
{
    fputc('"', f);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\') {
            fprintf(f, "\\%c", c);
        } else if (c < 0x20 || c == 0x7f) {
            fprintf(f, "\\u%04x", c);
        } else {
            fputc(c, f);
        }
    }
    fputc('"', f);
}
