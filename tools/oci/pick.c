/* SPDX-License-Identifier: MIT
 *
 * One image of several. A layout's index names them by an annotation (OCI
 * image specification, annotations.md: org.opencontainers.image.ref.name),
 * `docker save`'s manifest.json by RepoTags. Which one is meant is never
 * guessed: what is packed gets measured.
 */
#include "tools/oci/oci.h"
#include "tools/policy/json.h"
#include "tools/image/util.h"

#include <stdio.h>
#include <string.h>

enum { NAMES_ROOM = 512 };

/* The next name of an entry behind `last` (NULL: the first), or NULL. */
static const char *next_name(const struct json *entry, const char *last)
{
    const struct json *tags = json_get(entry, "RepoTags");
    const struct json *t = tags ? tags->child : NULL;

    if (!tags) {
        return last ? NULL
                    : json_string(json_get(entry, "annotations"),
                                  "org.opencontainers.image.ref.name");
    }
    while (last && t && t->text != last) {
        t = t->next;
    }
    t = last && t ? t->next : t;
    return t ? t->text : NULL;
}

/* "latest" and "nginx:latest" are "docker.io/library/nginx:latest", too. */
static bool is_called(const struct json *entry, const char *tag)
{
    for (const char *n = next_name(entry, NULL); n; n = next_name(entry, n)) {
        size_t len = strlen(n), end = strlen(tag);

        if (!strcmp(n, tag) || (len > end && strchr(":/", n[len - end - 1]) &&
                                !strcmp(n + len - end, tag))) {
            return true;
        }
    }
    return false;
}

static void add_names(char *list, const struct json *entry)
{
    for (const char *n = next_name(entry, NULL); n; n = next_name(entry, n)) {
        size_t used = strlen(list);

        snprintf(list + used, NAMES_ROOM - used, "%s%s", used ? ", " : "", n);
    }
}

const struct json *oci_pick(const char *source, const struct json *list,
                            bool (*fits)(const struct json *entry),
                            const char *tag)
{
    const struct json *found = NULL, *first = NULL;
    unsigned named = 0, wanted = 0;
    char names[NAMES_ROOM] = "";

    for (const struct json *e = list ? list->child : NULL; e; e = e->next) {
        if (!fits(e)) {
            continue;
        }
        first = first ? first : e;
        named += next_name(e, NULL) != NULL;
        add_names(names, e);
        if (tag && is_called(e, tag)) {
            found = e;
            wanted++;
        }
    }
    if (!first) {
        image_error("%s has no image for linux/amd64", source);
    } else if (tag && wanted != 1) {
        image_error("%s has %s image that is called '%s'; it has: %s", source,
                    wanted ? "more than one" : "no", tag,
                    *names ? names : "one without a name");
    } else if (!tag && named > 1) {
        image_error("%s has several images; --tag says which: %s", source,
                    names);
    } else {
        found = tag ? found : first;
    }
    return found;
}
