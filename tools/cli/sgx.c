/* SPDX-License-Identifier: MIT
 *
 * Programs on target sgx without a bundle: policy and signature are made on
 * the fly, with a key of this user's that is worth nothing, for a debug
 * enclave. Arguments and environment are part of the policy, and so measured.
 */
#include "tools/cli/sgx.h"
#include "tools/cli/progress.h"
#include "tools/cli/sgx_policy.h"
#include "tools/cli/streams.h"
#include "tools/cli/cli.h"
#include "tools/image/image.h"
#include "tools/sign/sign.h"
#include "target/linux/linux.h"
#include "target/sgx/host/sgx.h"

#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define EMULATED       "ENCLOS_EMULATED"
#define EMULATOR_WORDS "ENCLOS_SGXEMU" /* options for it; tests */

enum { KEY_DATE = 0x20260101 };

/* ---- which target ---- */

static bool sgx_is_here(void)
{
    unsigned a, b, c, d;

    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b >> 2 & 1) &&
           access("/dev/sgx_enclave", R_OK | W_OK) == 0;
}

/* Whether this is sgx-emu's second run; the program is not to know. */
static bool is_emulated(void)
{
    static int known = -1;

    if (known < 0) {
        known = getenv(EMULATED) != NULL;
        unsetenv(EMULATED);
    }
    return known;
}

bool target_parse(const char *word, enum cli_target *out)
{
    static const char *const names[] = {"auto", "linux", "sgx", "sgx-emu"};

    for (int i = 0; i < 4; i++) {
        if (!strcmp(word, names[i])) {
            *out = (enum cli_target)i;
            return true;
        }
    }
    return false;
}

enum cli_target target_choose(enum cli_target asked)
{
    if (is_emulated()) { /* by sgx_emulate(), with the layout as it is to be */
        return TARGET_SGX;
    }
    if (asked != TARGET_AUTO) {
        return asked;
    }
    return sgx_is_here() ? TARGET_SGX : TARGET_LINUX;
}

/* name beside this program; false when the path is too long. */
static bool beside(const char *name, char *path)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    char *slash;

    if (n <= 0) {
        return false;
    }
    self[n] = '\0';
    slash = strrchr(self, '/');
    slash[1] = '\0';
    return snprintf(path, PATH_MAX, "%s%s", self, name) < PATH_MAX;
}

/* ---- the emulator ---- */

int sgx_emulator_words(const char *first, char *words[EMULATOR_MAX])
{
    static char path[PATH_MAX], self[PATH_MAX];
    char *more = getenv(EMULATOR_WORDS), *save = NULL;
    char *copy = more ? strdup(more) : NULL;
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
    int n = 0;

    if (len <= 0 || !beside("sgxemu", path)) {
        fail("cannot find this program's folder");
        return -1;
    }
    self[len] = '\0';
    if (access(path, X_OK)) {
        strcpy(path, "sgxemu"); /* from PATH */
    }
    words[n++] = path;
    if (first) {
        words[n++] = (char *)first;
    }
    for (char *w = copy ? strtok_r(copy, " ", &save) : NULL;
         w && n < EMULATOR_MAX - 3; w = strtok_r(NULL, " ", &save)) {
        words[n++] = w;
    }
    words[n++] = "--";
    words[n++] = self;
    target_linux_fix_layout(false);
    setenv(EMULATED, "1", 1);
    return n;
}

int sgx_emulate(char **argv)
{
    char *words[EMULATOR_MAX], **all;
    int n = sgx_emulator_words(NULL, words);
    size_t argc = 0;

    if (n < 0) {
        return EXIT_OURS;
    }
    while (argv[argc]) {
        argc++;
    }
    all = calloc((size_t)n + argc + 1, sizeof(*all));
    if (!all) {
        return fail("out of memory");
    }
    memcpy(all, words, (size_t)n * sizeof(*all));
    memcpy(all + n, argv, argc * sizeof(*all));
    signals_ignore_again();
    execvp(all[0], all);
    return fail("cannot run %s: %s", all[0], strerror(errno));
}

/* ---- the signature ---- */

/* The throwaway key, made at its first use. */
static int find_key(char *path)
{
    char made[PATH_MAX];
    size_t n;

    if (image_cache_home(path, PATH_MAX)) {
        return EXIT_OURS;
    }
    n = strlen(path);
    n += snprintf(path + n, PATH_MAX - n, "/debug-key.pem");
    if (n >= PATH_MAX - 16) {
        return fail("the cache's path is too long");
    }
    if (!access(path, R_OK)) {
        return 0;
    }
    snprintf(made, sizeof(made), "%.*s.%d", PATH_MAX - 16, path, getpid());
    if (sign_keygen(made) || rename(made, path)) {
        unlink(made);
        return fail("cannot make a debug key at %s", path);
    }
    return 0;
}

static int sign(const struct sgx_run *run, struct sgx_sigstruct *sig)
{
    uint8_t mrenclave[32];
    struct sgx_secs secs;
    char key[PATH_MAX];

    if (find_key(key) || bundle_measure(run->kernel, run->kernel_size,
                                        run->policy, mrenclave, &secs)) {
        return EXIT_OURS;
    }
    sign_fill(sig, &secs, mrenclave, run->policy, KEY_DATE);
    return sign_with_key(sig, key) ? EXIT_OURS : 0;
}

/* ---- running ---- */

static int open_kernel(struct sgx_run *run)
{
    char path[PATH_MAX];
    struct stat st;
    void *p;
    int fd;

    if (!beside("../lib/enclos/enclos-sgx.elf", path)) {
        return fail("cannot find the enclave's kernel");
    }
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st)) {
        return fail("cannot open %s: %s", path, strerror(errno));
    }
    p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (p == MAP_FAILED) {
        return fail("cannot map %s: %s", path, strerror(errno));
    }
    run->kernel = p;
    run->kernel_size = (size_t)st.st_size;
    return 0;
}

static _Noreturn void start(struct sgx_run *run)
{
    run->progress = progress_is;
    run->built = progress_end;
    if (is_emulated()) {
        say("EMULATED: no TEE; whoever owns this machine can read and change "
            "everything");
    }
    if (!is_emulated()) {
        target_linux_fix_layout(true);
    }
    progress_begin("building the enclave");
    target_sgx_run(run);
}

int sgx_run_bundle(const struct bundle *b, const struct policy_host *host,
                   const int *mount_fds)
{
    struct sgx_run run = {
        .kernel = b->kernel,
        .kernel_size = b->header->kernel.size,
        .policy = b->policy,
        .sigstruct = b->sigstruct,
        .image_fd = b->fd,
        .image_at = b->at + b->header->image.at,
        .mount_fds = mount_fds,
        .args = host->args && *host->args ? host->args : NULL,
        .env = host->env,
        .log_level = (int)host->log_level,
        .strace = host->strace,
        .stats = host->stats,
    };

    if (!bundle_is_signed(b)) {
        return fail("%s is not signed: enclos keygen and enclos sign", b->path);
    }
    /* EINIT sees what is loaded; the file has more. */
    if (bundle_verify_kernel(b)) {
        return EXIT_OURS;
    }
    look_at_streams(run.streams);
    start(&run);
}

int sgx_run_info(const struct boot_info *info)
{
    static struct sgx_sigstruct sig;
    static int mount_fds[POLICY_MOUNTS_MAX];
    struct policy *policy;
    struct sgx_run run = {
        .sigstruct = &sig,
        .mount_fds = mount_fds,
        .image_fd = info->image_fd,
        .log_level = (int)info->log_level,
        .strace = info->strace,
        .stats = info->stats,
        .fault_alloc = info->fault_alloc,
        .fault_io = info->fault_io,
    };
    int status;

    if (info->root != ROOT_IMAGE) {
        return fail("--root host is for target linux: an enclave starts from "
                    "a verified image");
    }
    status = open_kernel(&run);
    if (status) {
        return status;
    }
    status = sgx_make_policy(info, &policy, mount_fds);
    if (status) {
        return status;
    }
    run.policy = policy;
    memcpy(run.streams, info->streams, sizeof(run.streams));
    status = sign(&run, &sig);
    if (status) {
        return status;
    }
    start(&run);
}
