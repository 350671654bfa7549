/* SPDX-License-Identifier: MIT
 *
 * See tar.h. Every length is checked against what is left of the archive
 * before it is used; members of unknown types are an error, since leaving
 * them out would make another tree.
 */
#include "tools/oci/tar.h"
#include "tools/image/util.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 512, NAME_LEN = 100, PREFIX_LEN = 155 };

struct header {
    char name[NAME_LEN], mode[8], uid[8], gid[8], size[12], mtime[12];
    char checksum[8], type, link[NAME_LEN], magic[6], version[2];
    char user[32], group[32], major[8], minor[8], prefix[PREFIX_LEN], pad[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "tar header");

/* What extended headers say of the next entry. */
struct extra {
    char *path, *link;
    bool has_size, has_uid, has_gid, has_mtime;
    uint64_t size, uid, gid;
    struct timespec mtime;
};

static int bad(const struct tar *t, const char *what)
{
    return image_error("%s: damaged tar archive at byte %zu: %s", t->name,
                       t->at, what);
}

/* Octal digits, or big-endian binary behind a set top bit. */
static bool number(const char *field, size_t len, uint64_t *out)
{
    const uint8_t *p = (const uint8_t *)field;
    size_t i = 0;

    *out = 0;
    if (p[0] & 0x80) {
        for (i = 1; i < len; i++) {
            if (*out >> 56) {
                return false;
            }
            *out = *out << 8 | p[i];
        }
        return p[0] == 0x80; /* negative numbers are of no use here */
    }
    while (i < len && p[i] == ' ') {
        i++;
    }
    for (; i < len && p[i] >= '0' && p[i] <= '7'; i++) {
        *out = *out << 3 | (p[i] - '0');
    }
    return i == len || p[i] == ' ' || p[i] == '\0';
}

static bool checksum_is_right(const struct header *h)
{
    const uint8_t *p = (const uint8_t *)h;
    uint64_t sum = 8 * ' ', said;

    for (size_t i = 0; i < BLOCK; i++) {
        bool own = i >= offsetof(struct header, checksum) &&
                   i < offsetof(struct header, type);

        sum += own ? 0 : p[i];
    }
    return number(h->checksum, 8, &said) && said == sum;
}

static bool is_zero_block(const uint8_t *p)
{
    static const uint8_t zero[BLOCK];

    return memcmp(p, zero, BLOCK) == 0;
}

bool tar_is_one(const struct tar *t)
{
    return t->size >= BLOCK &&
           (is_zero_block(t->bytes) ||
            checksum_is_right((const struct header *)t->bytes));
}

/* ---- pax ---- */

static bool pax_number(const char *text, size_t len, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9' || *out > UINT64_MAX / 10 - 1) {
            return false;
        }
        *out = *out * 10 + (uint64_t)(text[i] - '0');
    }
    return len > 0;
}

/* Seconds with a fraction; times before 1970 become 1970. */
static bool pax_time(const char *text, size_t len, struct timespec *out)
{
    const char *dot = memchr(text, '.', len);
    size_t whole = dot ? (size_t)(dot - text) : len;
    long scale = 100000000;
    uint64_t seconds = 0;

    *out = (struct timespec){0};
    if (len && text[0] == '-') {
        return true;
    }
    if (!pax_number(text, whole, &seconds) || seconds > INT64_MAX) {
        return false;
    }
    out->tv_sec = (time_t)seconds;
    for (size_t i = whole + 1; i < len && scale; i++, scale /= 10) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        out->tv_nsec += (text[i] - '0') * scale;
    }
    return true;
}

static bool set_text(char **field, const char *text, size_t len)
{
    free(*field);
    *field = strndup(text, len);
    return *field && strlen(*field) == len;
}

static bool add_xattr(struct tar_entry *e, const char *name, size_t len,
                      const char *value, size_t value_len)
{
    struct tar_xattr *x = &e->xattrs[e->xattr_count];

    if (e->xattr_count == TAR_XATTRS_MAX) {
        return false;
    }
    x->name = strndup(name, len);
    x->value = (const uint8_t *)value;
    x->len = value_len;
    e->xattr_count++;
    return x->name != NULL;
}

static bool take_record(struct extra *x, struct tar_entry *e, const char *key,
                        size_t key_len, const char *value, size_t len)
{
    static const char xattr[] = "SCHILY.xattr.";
    const size_t prefix = sizeof(xattr) - 1;

#define IS(word) (key_len == sizeof(word) - 1 && !memcmp(key, word, key_len))
    if (IS("path")) {
        return set_text(&x->path, value, len);
    }
    if (IS("linkpath")) {
        return set_text(&x->link, value, len);
    }
    if (IS("size")) {
        return x->has_size = pax_number(value, len, &x->size);
    }
    if (IS("uid")) {
        return x->has_uid = pax_number(value, len, &x->uid);
    }
    if (IS("gid")) {
        return x->has_gid = pax_number(value, len, &x->gid);
    }
    if (IS("mtime")) {
        return x->has_mtime = pax_time(value, len, &x->mtime);
    }
#undef IS
    if (key_len > prefix && !memcmp(key, xattr, prefix)) {
        return add_xattr(e, key + prefix, key_len - prefix, value, len);
    }
    /* A sparse file's size and name would be those of its parts. */
    return key_len < 10 || memcmp(key, "GNU.sparse", 10) != 0;
}

/* "LENGTH KEY=VALUE\n", one after the other; LENGTH counts all of it. */
static bool take_pax(const uint8_t *data, size_t size, struct extra *x,
                     struct tar_entry *e)
{
    const char *p = (const char *)data, *end = p + size;

    while (p < end) {
        const char *space = memchr(p, ' ', (size_t)(end - p)), *key, *equals;
        uint64_t len;

        if (!space || !pax_number(p, (size_t)(space - p), &len) ||
            len > (uint64_t)(end - p) || len < (uint64_t)(space - p) + 4 ||
            p[len - 1] != '\n') {
            return false;
        }
        key = space + 1;
        equals = memchr(key, '=', (size_t)(p + len - 1 - key));
        if (!equals ||
            !take_record(x, e, key, (size_t)(equals - key), equals + 1,
                         (size_t)(p + len - 1 - (equals + 1)))) {
            return false;
        }
        p += len;
    }
    return true;
}

/* ---- entries ---- */

static char *ustar_path(const struct header *h)
{
    size_t prefix = strnlen(h->prefix, PREFIX_LEN);
    size_t len = strnlen(h->name, NAME_LEN);
    char *path = malloc(prefix + len + 2);

    if (memcmp(h->magic, "ustar", 6) != 0) { /* GNU: other fields are there */
        prefix = 0;
    }
    if (path) {
        memcpy(path, h->prefix, prefix);
        path[prefix] = '/';
        memcpy(path + prefix + (prefix > 0), h->name, len);
        path[prefix + (prefix > 0) + len] = '\0';
    }
    return path;
}

static bool fill_entry(const struct header *h, const struct extra *x,
                       struct tar_entry *e)
{
    uint64_t mode, mtime;

    e->path = x->path ? strdup(x->path) : ustar_path(h);
    e->link = x->link ? strdup(x->link) : strndup(h->link, NAME_LEN);
    if (!e->path || !e->link || !number(h->mode, 8, &mode) ||
        !number(h->uid, 8, &e->uid) || !number(h->gid, 8, &e->gid) ||
        !number(h->mtime, 12, &mtime) || mtime > INT64_MAX ||
        !number(h->major, 8, &e->major) || !number(h->minor, 8, &e->minor)) {
        return false;
    }
    e->mode = mode & 07777;
    e->uid = x->has_uid ? x->uid : e->uid;
    e->gid = x->has_gid ? x->gid : e->gid;
    e->mtime = x->has_mtime ? x->mtime : (struct timespec){(time_t)mtime, 0};
    e->type = h->type == '\0' || h->type == '7' ? TAR_FILE : h->type;
    if (e->type == TAR_FILE && *e->path &&
        e->path[strlen(e->path) - 1] == '/') {
        e->type = TAR_DIRECTORY; /* before POSIX */
    }
    return true;
}

static bool has_data(char type)
{
    return type != TAR_HARD_LINK && type != TAR_SYMLINK &&
           type != TAR_DIRECTORY && type != TAR_CHARACTER &&
           type != TAR_BLOCK && type != TAR_FIFO;
}

/* The header at t->at, and its data: *size bytes at *data, checked. */
static int take_header(struct tar *t, const struct extra *x,
                       const struct header **h, const uint8_t **data,
                       uint64_t *size)
{
    if (t->at == t->size) {
        return 0; /* some writers leave out the two zero blocks */
    }
    if (t->size - t->at < BLOCK) {
        return bad(t, "it ends too early");
    }
    if (is_zero_block(t->bytes + t->at)) {
        return 0;
    }
    *h = (const struct header *)(t->bytes + t->at);
    if (!checksum_is_right(*h) || !number((*h)->size, 12, size)) {
        return bad(t, "wrong checksum or size");
    }
    if (x->has_size && has_data((*h)->type) && (*h)->type != 'x') {
        *size = x->size;
    }
    *size = has_data((*h)->type) ? *size : 0;
    t->at += BLOCK;
    *data = t->bytes + t->at;
    if (*size > t->size - t->at) {
        return bad(t, "it ends too early");
    }
    t->at += *size;
    t->at += (BLOCK - *size % BLOCK) % BLOCK;
    t->at = t->at > t->size ? t->size : t->at;
    return 1;
}

static int take_entry(struct tar *t, struct extra *x, struct tar_entry *e)
{
    for (;;) {
        const struct header *h = NULL;
        const uint8_t *data = NULL;
        uint64_t size = 0;
        int more = take_header(t, x, &h, &data, &size);
        bool good;

        if (more <= 0) {
            return more;
        }
        if (h->type == 'x') {
            good = take_pax(data, size, x, e);
        } else if (h->type == 'g') {
            good = true; /* comments, in all that is known */
        } else if (h->type == 'L' || h->type == 'K') {
            good = size > 0 && set_text(h->type == 'L' ? &x->path : &x->link,
                                        (const char *)data,
                                        strnlen((const char *)data, size));
        } else {
            e->data = data;
            e->size = size;
            return fill_entry(h, x, e) ? 1 : bad(t, "bad numbers or names");
        }
        if (!good) {
            return bad(t, "an extended header that cannot be used (sparse "
                          "files and negative numbers are not supported)");
        }
    }
}

int tar_next(struct tar *t, struct tar_entry *e)
{
    struct extra x = {0};
    int more;

    memset(e, 0, sizeof(*e));
    more = take_entry(t, &x, e);
    free(x.path);
    free(x.link);
    if (more > 0 && (e->type < TAR_FILE || e->type > TAR_FIFO)) {
        more = bad(t, "a member of an unknown type");
    }
    if (more <= 0) {
        tar_entry_free(e);
    }
    return more;
}

void tar_entry_free(struct tar_entry *e)
{
    free(e->path);
    free(e->link);
    while (e->xattr_count) {
        free(e->xattrs[--e->xattr_count].name);
    }
    e->path = e->link = NULL;
}
