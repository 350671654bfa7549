/* SPDX-License-Identifier: MIT
 *
 * The policy of a program that is run without a bundle on target sgx: what the
 * command line says, as target linux would take it. It is checked like any
 * other, so names are made whole here that target linux looks up later.
 */
#include "tools/cli/sgx_policy.h"
#include "tools/cli/cli.h"
#include "tools/image/image.h"
#include "tools/policy/policy.h"
#include "target/sgx/host/sgx.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What an enclave of the SGX1 class gets when nobody says. */
#define SGX1_MEMORY (512ull << 20)

/* ---- the program ---- */

struct search {
    char wanted[PATH_MAX];
    bool found, denied;
};

static void look(void *ctx, const char *path,
                 const struct image_file_info *file)
{
    struct search *s = ctx;

    if (!strcmp(path, s->wanted)) {
        s->found =
            S_ISLNK(file->mode) || (S_ISREG(file->mode) && file->mode & 0111);
        s->denied = !s->found;
    }
}

static const char *path_of(const struct boot_info *info)
{
    for (const char *const *e = info->envp; *e; e++) {
        if (!strncmp(*e, "PATH=", 5)) {
            return *e + 5;
        }
    }
    return "/usr/local/bin:/usr/bin:/bin";
}

/* A name without a slash along PATH in the image. */
static int search(const struct boot_info *info, char *out)
{
    const char *list = path_of(info);
    struct search s = {.found = false};
    bool denied = false;

    while (*list) {
        size_t len = strcspn(list, ":");

        snprintf(s.wanted, sizeof(s.wanted), "%.*s/%s", (int)len, list,
                 info->program);
        if (image_list("the image", info->image_fd, info->image_at,
                       info->image_size, look, &s)) {
            return EXIT_OURS;
        }
        if (s.found) {
            strcpy(out, s.wanted);
            return 0;
        }
        denied |= s.denied;
        list += len + (list[len] == ':');
    }
    say("%s: %s along the image's PATH", info->program,
        denied ? "not executable" : "not found");
    return denied ? EXIT_NOT_EXECUTABLE : EXIT_NOT_FOUND;
}

static int find_program(const struct boot_info *info, char *out)
{
    const char *name = info->program;
    int n;

    if (!strchr(name, '/')) {
        return search(info, out);
    }
    n = *name == '/' ? snprintf(out, PATH_MAX, "%s", name)
                     : snprintf(out, PATH_MAX, "%s/%s", info->cwd, name);
    return n < PATH_MAX ? 0 : fail("%s: the path is too long", name);
}

/* ---- the rest ---- */

static void allow_network(struct policy_spec *s)
{
    static const uint8_t protocols[] = {6, 17};

    for (int i = 0; i < 2; i++) {
        struct policy_rule r = {.protocol = protocols[i], .port_high = 0xffff};

        s->listen[s->listen_count++] = r;
        s->connect[s->connect_count++] = r;
    }
}

static int add_all(struct string_list *l, const char *const *list)
{
    int err = 0;

    for (; *list && !err; list++) {
        err = policy_list_add(l, *list);
    }
    return err;
}

/* The host's directories: --mount has opened them, the policy names them. */
static int add_mounts(const struct boot_info *info, struct policy_spec *s,
                      int *fds)
{
    for (unsigned i = 0; i < info->host_mount_count; i++) {
        const struct host_mount *from = &info->host_mounts[i];
        struct mount_spec *m = &s->mounts[i];
        char link[64], source[PATH_MAX];
        ssize_t n;

        if (i == POLICY_MOUNTS_MAX) {
            return fail("more than %d mounts", POLICY_MOUNTS_MAX);
        }
        snprintf(link, sizeof(link), "/proc/self/fd/%d", from->fd);
        n = readlink(link, source, sizeof(source) - 1);
        if (n <= 0) {
            return fail("cannot find the path of a mount: %s", strerror(errno));
        }
        source[n] = '\0';
        if (policy_set_text(&m->target, from->target) ||
            policy_set_text(&m->source, source)) {
            return EXIT_OURS;
        }
        m->m.type = POLICY_MOUNT_HOST;
        m->m.flags = POLICY_MOUNT_NOSUID | POLICY_MOUNT_NODEV |
                     (from->read_only ? POLICY_MOUNT_RDONLY : 0);
        s->fixed.insecure |= POLICY_HOST_FS;
        s->mount_count++;
        fds[i] = from->fd;
    }
    return 0;
}

int sgx_make_policy(const struct boot_info *info, struct policy **out,
                    int *mount_fds)
{
    char program[PATH_MAX];
    struct policy_spec s;
    int err = find_program(info, program);

    if (err) {
        return err;
    }

    policy_spec_init(&s);
    policy_list_clear(&s.env);
    s.fixed.insecure = POLICY_DEBUG | POLICY_STRACE;
    s.fixed.vcpus = info->vcpu_count;
    s.fixed.memory = (info->memory_limit + 4095) & ~4095ull;
    if (!target_sgx_has_edmm()) {
        s.fixed.enclave_class = POLICY_CLASS_SGX1;
        s.fixed.memory = s.fixed.memory ? s.fixed.memory : SGX1_MEMORY;
    }
    s.fixed.swap_memory = info->swap_limit;
    s.fixed.uid = info->uid;
    s.fixed.gid = info->gid;
    s.fixed.umask = info->umask;
    s.fixed.image_size = info->image_size;
    memcpy(s.fixed.root_hash, info->root_hash, sizeof(s.fixed.root_hash));
    allow_network(&s);
    err = policy_set_text(&s.program, program) ||
          policy_set_text(&s.cwd, info->cwd) ||
          policy_set_text(&s.hostname, info->hostname) ||
          add_all(&s.args, info->argv) || add_all(&s.env, info->envp) ||
          add_mounts(info, &s, mount_fds) || policy_compile(&s, out);
    policy_spec_free(&s);
    return err ? EXIT_OURS : 0;
}
