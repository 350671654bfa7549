/* SPDX-License-Identifier: MIT
 *
 * From a bundle to struct boot_info, by the same functions that the enclave
 * uses (kernel/policy.h).
 */
#include "tools/cli/run_bundle.h"
#include "tools/cli/streams.h"
#include "tools/image/image.h"
#include "tools/bundle/bundle.h"
#include "tools/cli/cli.h"
#include "target/linux/linux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool bundle_is_named(const char *word)
{
    size_t len = strlen(word);

    return (strchr(word, '/') ||
            (len > 4 && !strcmp(word + len - 4, ".enc"))) &&
           bundle_is_at(word);
}

/* The host's directories of a policy's mounts. */
static int open_mounts(const struct policy *p, int *fds)
{
    const struct policy_mount *m = policy_at(p, p->mounts.at);

    for (uint32_t i = 0; i < p->mounts.count; i++) {
        const char *source = policy_at(p, m[i].source.at);

        fds[i] = -1;
        if (m[i].type == POLICY_MOUNT_HOST) {
            fds[i] = open(source, O_PATH | O_DIRECTORY | O_CLOEXEC);
            if (fds[i] < 0) {
                return fail("cannot open %s, which the policy mounts: %s",
                            source, strerror(errno));
            }
        }
    }
    return 0;
}

static int run_open(const struct bundle *b, const struct policy_host *host,
                    enum cli_target target)
{
    static struct policy_vectors vectors;
    static struct boot_info info;
    static int mount_fds[POLICY_MOUNTS_MAX];
    const char *why;
    int status;

    info.host_root_fd = -1;
    info.image_fd = b->fd;
    info.image_at = b->at + b->header->image.at;
    info.mount_fds = mount_fds;
    look_at_streams(info.streams);
    if (policy_boot(b->policy, host, &vectors, &info, &why)) {
        return fail("%s: %s", b->path, why);
    }
    status = open_mounts(b->policy, mount_fds);
    if (status) {
        return status;
    }
    if (target == TARGET_SGX) {
        return sgx_run_bundle(b, host, mount_fds);
    }
    say("NOT CONFIDENTIAL: no TEE; whoever owns this machine can read and "
        "change everything");
    target_linux_stock(image_cache_open());
    target_linux_run(&info);
}

int bundle_run(const char *path, const struct policy_host *host,
               enum cli_target target)
{
    struct bundle b;

    return bundle_open(path, &b) ? EXIT_OURS : run_open(&b, host, target);
}

bool bundle_run_self(char **argv, int *status)
{
    struct policy_host host = {
        .args = (const char *const *)argv + 1,
        .env = (const char *const *)environ,
        .log_level = LOG_WARN,
    };
    enum cli_target target = TARGET_AUTO;
    const char *word = getenv("ENCLOS_TARGET");
    struct bundle b;
    int packaged = bundle_open_self(&b);

    if (packaged == 0) {
        return false;
    }
    if (word && !target_parse(word, &target)) {
        *status = fail("ENCLOS_TARGET: '%s' is no target", word);
        return true;
    }
    target = target_choose(target);
    if (packaged > 0 && target == TARGET_SGX_EMU) {
        *status = sgx_emulate(argv + 1);
        return true;
    }
    *status = packaged < 0 || (target == TARGET_LINUX && target_linux_reserve())
                  ? EXIT_OURS
                  : run_open(&b, &host, target);
    return true;
}
