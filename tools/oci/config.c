/* SPDX-License-Identifier: MIT
 *
 * An image's configuration (OCI image specification, config.md) as defaults
 * of a policy: the entry point, the command as arguments that follow it,
 * variables, working directory and user. Names of users are looked up in the
 * image's own /etc/passwd and /etc/group.
 */
#include "tools/oci/oci.h"
#include "tools/policy/json.h"
#include "tools/image/util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int take_strings(const struct json *list, struct string_list *out)
{
    policy_list_clear(out);
    if (list && list->type != JSON_ARRAY && list->type != JSON_NULL) {
        return image_error("the image's configuration is damaged: a command "
                           "is no list of strings");
    }
    for (const struct json *m = list ? list->child : NULL; m; m = m->next) {
        if (m->type != JSON_STRING || policy_list_add(out, m->text)) {
            return image_error("the image's configuration is damaged: a list "
                               "of strings has something else in it");
        }
    }
    return 0;
}

/* A file of the tree, links resolved inside it. */
static int open_inside(const char *dir, const char *path)
{
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC,
                           .resolve = RESOLVE_IN_ROOT};
    int root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));

    close(root);
    return fd;
}

static bool runs(const char *dir, const char *path)
{
    int fd = open_inside(dir, path);
    struct stat st;
    bool good = fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) &&
                (st.st_mode & 0111);

    if (fd >= 0) {
        close(fd);
    }
    return good;
}

/* argv[0] along the image's PATH. */
static int find_program(const char *dir, const char *name,
                        struct policy_spec *spec)
{
    const char *list = "/usr/local/bin:/usr/bin:/bin";
    char path[PATH_MAX];

    if (name[0] == '/') {
        return policy_set_text(&spec->program, name);
    }
    if (strchr(name, '/')) {
        snprintf(path, sizeof(path), "%s/%s", spec->cwd, name);
        return policy_set_text(&spec->program, path);
    }
    for (size_t i = 0; i < spec->env.count; i++) {
        if (!strncmp(spec->env.items[i], "PATH=", 5)) {
            list = spec->env.items[i] + 5;
        }
    }
    while (*list) {
        size_t len = strcspn(list, ":");

        snprintf(path, sizeof(path), "%.*s/%s", (int)len, list, name);
        if (runs(dir, path)) {
            return policy_set_text(&spec->program, path);
        }
        list += len + (list[len] == ':');
    }
    return image_error("the image starts '%s', which is nowhere along its "
                       "PATH; say \"entry\": {\"program\": \"/...\"} in a "
                       "policy",
                       name);
}

static int take_command(const struct json *config, const char *dir,
                        struct policy_spec *spec)
{
    const struct json *entry = json_get(config, "Entrypoint");
    const struct json *cmd = json_get(config, "Cmd");
    char *name;

    if (take_strings(entry, &spec->args) ||
        take_strings(cmd, &spec->default_args)) {
        return -1;
    }
    if (!spec->args.count && !spec->default_args.count) {
        return 0; /* the policy must say */
    }
    /* Without an entry point the command's first word is the program. */
    if (!spec->args.count) {
        struct string_list *d = &spec->default_args;

        if (policy_list_add(&spec->args, d->items[0])) {
            return -1;
        }
        free(d->items[0]);
        memmove(d->items, d->items + 1, --d->count * sizeof(*d->items));
    }
    name = spec->args.items[0];
    return find_program(dir, name, spec);
}

/* Field number (from 1) of the line that begins with "name:". */
static bool look_up(const char *dir, const char *file, const char *name,
                    int field, uint32_t *id)
{
    int fd = open_inside(dir, file);
    FILE *f = fd >= 0 ? fdopen(fd, "r") : NULL;
    size_t len = strlen(name);
    bool found = false;
    char line[4096];

    while (f && !found && fgets(line, sizeof(line), f)) {
        char *p = line;

        if (strncmp(line, name, len) != 0 || line[len] != ':') {
            continue;
        }
        for (int i = 1; i < field && p; i++) {
            p = strchr(p, ':');
            p = p ? p + 1 : NULL;
        }
        if (p) {
            *id = (uint32_t)strtoul(p, NULL, 10);
            found = true;
        }
    }
    if (f) {
        fclose(f);
    }
    return found;
}

static bool number_or_name(const char *dir, const char *file, const char *text,
                           uint32_t *id)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);

    if (*text && !*end && n < UINT32_MAX) {
        *id = (uint32_t)n;
        return true;
    }
    return look_up(dir, file, text, 3, id);
}

/* "USER", "UID:GID", or a mixture; the group defaults to the user's own. */
static int take_user(const char *user, const char *dir,
                     struct policy_spec *spec)
{
    char name[256];
    const char *group = strchr(user, ':');
    int len = group ? (int)(group - user) : (int)strlen(user);

    snprintf(name, sizeof(name), "%.*s", len, user);
    if (!number_or_name(dir, "etc/passwd", name, &spec->fixed.uid)) {
        return image_error("the image runs as user '%s', who is not in its "
                           "/etc/passwd",
                           name);
    }
    spec->fixed.gid = 0;
    if (!group) {
        char *end;

        strtoul(name, &end, 10);
        if (*end) { /* a number alone has no line */
            look_up(dir, "etc/passwd", name, 4, &spec->fixed.gid);
        }
    } else if (!number_or_name(dir, "etc/group", group + 1, &spec->fixed.gid)) {
        return image_error("the image runs as group '%s', which is not in its "
                           "/etc/group",
                           group + 1);
    }
    spec->has_user = true;
    return 0;
}

/* One directory in another; both with times that depend on nothing. */
static int make_below(int parent, const char *name)
{
    static const struct timespec epoch[2];
    struct stat st;
    int err = fstat(parent, &st) || mkdirat(parent, name, 0755);

    if (err) {
        return errno == EEXIST ? 0 : -1;
    }
    return utimensat(parent, name, epoch, 0) ||
                   futimens(parent, (struct timespec[]){st.st_atim, st.st_mtim})
               ? -1
               : 0;
}

/* The working directory, where no layer has it: made, as container engines
 * do. */
static int make_cwd(const char *dir, const char *cwd)
{
    char *path = strdup(cwd), *save, *name;
    char so_far[PATH_MAX] = ".";
    int err = path ? 0 : -1;

    for (name = path ? strtok_r(path, "/", &save) : NULL; name && !err;
         name = strtok_r(NULL, "/", &save)) {
        int parent = open_inside(dir, so_far);
        size_t len = strlen(so_far);

        err = parent < 0 || strlen(name) + len + 2 > sizeof(so_far) ||
              make_below(parent, name);
        snprintf(so_far + len, sizeof(so_far) - len, "/%s", name);
        if (parent >= 0) {
            close(parent);
        }
    }
    free(path);
    return err ? image_error("cannot make the image's working directory %s: %s",
                             cwd, strerror(errno))
               : 0;
}

int oci_take_config(const struct json *config, const char *dir,
                    struct policy_spec *spec)
{
    const struct json *env = json_get(config, "Env");
    const char *cwd = json_string(config, "WorkingDir");
    const char *user = json_string(config, "User");

    for (const struct json *m = env ? env->child : NULL; m; m = m->next) {
        if (m->type != JSON_STRING || !strchr(m->text, '=') ||
            policy_env_set(&spec->env, m->text)) {
            return image_error("the image's configuration is damaged: a "
                               "variable without '='");
        }
    }
    if (cwd && *cwd == '/' &&
        (policy_set_text(&spec->cwd, cwd) || make_cwd(dir, cwd))) {
        return -1;
    }
    if (user && *user && take_user(user, dir, spec)) {
        return -1;
    }
    return take_command(config, dir, spec);
}
