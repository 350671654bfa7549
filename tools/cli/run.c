/* SPDX-License-Identifier: MIT
 *
 * enclos run: gathers what the program is to see (root, environment,
 * arguments) in a struct boot_info and hands it to the target, which does not
 * come back.
 */
#include "tools/cli/cli.h"
#include "tools/cli/root.h"
#include "tools/cli/run_bundle.h"
#include "tools/cli/sgx.h"
#include "tools/cli/streams.h"
#include "tools/image/image.h"
#include "target/linux/linux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ENV_MAX = 1024, HOSTNAME_MAX = 64, MOUNTS_MAX = 32 };

/* What the kernel and a small program need. */
#define MEMORY_LEAST (8ull << 20)

struct run {
    struct boot_info info;
    enum cli_target target;
    const char *root;
    const char *env[ENV_MAX + 1];
    size_t env_count;
    struct host_mount mounts[MOUNTS_MAX];
    const char *decided; /* an option that is the policy's in a bundle */
};

/* Adds K=V, replacing an earlier value of K. entry must stay valid. */
static bool env_add(struct run *run, const char *entry)
{
    size_t name = strcspn(entry, "=") + 1;

    for (size_t i = 0; i < run->env_count; i++) {
        if (!strncmp(run->env[i], entry, name)) {
            run->env[i] = entry;
            return true;
        }
    }
    if (run->env_count == ENV_MAX) {
        return false;
    }
    run->env[run->env_count++] = entry;
    return true;
}

static bool set_root(void *ctx, const char *value)
{
    ((struct run *)ctx)->decided = "--root";
    ((struct run *)ctx)->root = value;
    return *value != '\0';
}

static bool set_env(void *ctx, const char *value)
{
    /* For a bundle, where the policy says which of ours count. */
    return *value != '=' && strchr(value, '=') && env_add(ctx, value) &&
           !putenv((char *)value);
}

static bool set_env_pass(void *ctx, const char *name)
{
    const char *value = getenv(name);
    char *entry;

    if (!*name || strchr(name, '=')) {
        return false;
    }
    if (!value) {
        return true; /* absent outside, absent inside */
    }
    return asprintf(&entry, "%s=%s", name, value) >= 0 && env_add(ctx, entry);
}

static bool set_cwd(void *ctx, const char *value)
{
    ((struct run *)ctx)->info.cwd = value;
    ((struct run *)ctx)->decided = "--cwd";
    return *value == '/';
}

static bool set_cpus(void *ctx, const char *value)
{
    char *end;
    long n = strtol(value, &end, 10);

    ((struct run *)ctx)->info.vcpu_count = (unsigned)n;
    ((struct run *)ctx)->decided = "--cpus";
    return *value && !*end && n >= 1 && n <= VCPU_MAX;
}

/* SRC:DST or SRC:DST:ro. */
static bool set_mount(void *ctx, const char *value)
{
    struct run *run = ctx;
    struct host_mount *m = &run->mounts[run->info.host_mount_count];
    const char *target = strchr(value, ':');
    const char *end = target ? strchrnul(target + 1, ':') : NULL;
    char *source;

    run->decided = "--mount";
    if (!end || target == value || target[1] != '/' ||
        (*end && strcmp(end, ":ro") != 0) ||
        run->info.host_mount_count == MOUNTS_MAX) {
        return false;
    }
    source = strndup(value, (size_t)(target - value));
    m->target = strndup(target + 1, (size_t)(end - target - 1));
    m->read_only = *end;
    m->fd = source ? open(source, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    if (m->fd < 0) {
        say("--mount %s: %s", value, strerror(errno));
    }
    free(source);
    run->info.host_mount_count++;
    run->info.host_mounts = run->mounts;
    return m->fd >= 0 && m->target;
}

static bool set_fault(void *ctx, const char *value)
{
    struct boot_info *info = &((struct run *)ctx)->info;
    bool io = !strncmp(value, "io:", 3);

    if (!io && strncmp(value, "alloc:", 6)) {
        return false;
    }
    return parse_size(strchr(value, ':') + 1,
                      io ? &info->fault_io : &info->fault_alloc);
}

static bool set_memory(void *ctx, const char *value)
{
    uint64_t *limit = &((struct run *)ctx)->info.memory_limit;

    ((struct run *)ctx)->decided = "--memory";
    return parse_size(value, limit) && *limit >= MEMORY_LEAST;
}

static bool set_swap_memory(void *ctx, const char *value)
{
    ((struct run *)ctx)->decided = "--swap-memory";
    return parse_size(value, &((struct run *)ctx)->info.swap_limit);
}

static bool set_swap(void *ctx, const char *value)
{
    ((struct run *)ctx)->info.swap_copies = !strcmp(value, "copy");
    return !strcmp(value, "copy") || !strcmp(value, "move");
}

static bool set_strace(void *ctx, const char *value)
{
    ((struct run *)ctx)->info.strace = true;
    return true;
}

static bool set_stats(void *ctx, const char *value)
{
    ((struct run *)ctx)->info.stats = true;
    return true;
}

static bool set_no_isolation(void *ctx, const char *value)
{
    ((struct run *)ctx)->decided = "--no-isolation";
    ((struct run *)ctx)->info.isolation = false;
    return true;
}

static bool set_no_cache(void *ctx, const char *value)
{
    return !setenv("ENCLOS_NO_CACHE", "1", 1);
}

static bool set_log(void *ctx, const char *value)
{
    static const char *const levels[] = {"error", "warn", "info", "debug"};

    for (int i = 0; i < 4; i++) {
        if (!strcmp(value, levels[i])) {
            ((struct run *)ctx)->info.log_level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

static bool set_target(void *ctx, const char *value)
{
    return target_parse(value, &((struct run *)ctx)->target);
}

static bool set_ring(void *ctx, const char *value)
{
    static const char *const names[] = {"auto", "uring", "pool"};

    for (int i = 0; i < 3; i++) {
        if (!strcmp(value, names[i])) {
            if (i == TARGET_LINUX_POOL) { /* for a host part of its own */
                setenv("ENCLOS_NO_IO_URING", "1", 1);
            }
            target_linux_use_ring((enum target_linux_ring)i);
            return true;
        }
    }
    return false;
}

static const struct option_row options[] = {
    {"--target", true, set_target, "auto, linux, sgx or sgx-emu"},
    {"--root", true, set_root, "auto, host, a directory or an image"},
    {"--env", true, set_env, "K=V"},
    {"--env-pass", true, set_env_pass, "the name of a variable"},
    {"--cwd", true, set_cwd, "an absolute path"},
    {"--cpus", true, set_cpus, "a number from 1 to 64"},
    {"--mount", true, set_mount,
     "SRC:DST or SRC:DST:ro, SRC a directory of the host, DST absolute"},
    {"--fault", true, set_fault, "alloc:N or io:N with N at least 1"},
    {"--memory", true, set_memory, "a size such as 512M or 4G, at least 8M"},
    {"--ring", true, set_ring, "auto, uring or pool"},
    {"--swap", true, set_swap, "move or copy"},
    {"--no-isolation", false, set_no_isolation, ""},
    {"--no-cache", false, set_no_cache, ""},
    {"--swap-memory", true, set_swap_memory, "a size such as 512M"},
    {"--strace", false, set_strace, ""},
    {"--stats", false, set_stats, ""},
    {"--log", true, set_log, "error, warn, info or debug"},
};

static bool set_nothing(void *ctx, const char *value)
{
    return true;
}

static bool set_root_word(void *ctx, const char *value)
{
    *(const char **)ctx = value;
    return true;
}

int run_find_program(int argc, char **argv, const char **root)
{
    enum { COUNT = sizeof(options) / sizeof(options[0]) };
    struct option_row rows[COUNT];

    memcpy(rows, options, sizeof(rows));
    for (int i = 0; i < COUNT; i++) {
        rows[i].set = rows[i].set == set_root ? set_root_word : set_nothing;
    }
    *root = "auto";
    return options_parse(argc, argv, rows, COUNT, root);
}

static void set_defaults(struct run *run)
{
    static char hostname[HOSTNAME_MAX + 1];
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    mode_t mask = umask(0);

    umask(mask);
    run->root = "auto";
    run->info.image_fd = -1;
    run->info.host_root_fd = -1;
    run->info.log_level = LOG_WARN;
    run->info.isolation = true;
    run->info.vcpu_count = cpus < 1 ? 1 : cpus > VCPU_MAX ? VCPU_MAX : cpus;
    run->info.uid = getuid();
    run->info.gid = getgid();
    run->info.umask = mask;
    run->info.hostname =
        gethostname(hostname, HOSTNAME_MAX) ? "enclos" : hostname;
    look_at_streams(run->info.streams);
    env_add(run, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
                 "/sbin:/bin");
    env_add(run, run->info.uid == 0 ? "HOME=/root" : "HOME=/");
    if (run->info.streams[1].tty) {
        set_env_pass(run, "TERM");
    }
}

static int run_bundle(const struct run *run, char **argv)
{
    const struct policy_host host = {
        .args = (const char *const *)argv + 1,
        .env = (const char *const *)environ,
        .strace = run->info.strace,
        .stats = run->info.stats,
        .log_level = run->info.log_level,
    };

    if (run->decided) {
        return fail("%s is a bundle: its policy decides what %s would; leave "
                    "it out, or build with another policy",
                    argv[0], run->decided);
    }
    return bundle_run(argv[0], &host, run->target);
}

static int run_run(int argc, char **argv)
{
    static struct run run;
    int first, status;

    set_defaults(&run);
    first = options_parse(argc, argv, options,
                          sizeof(options) / sizeof(options[0]), &run);
    if (first < 0) {
        return EXIT_OURS;
    }
    if (first >= argc) {
        return fail("run needs a program: enclos run [OPTION...] PROGRAM "
                    "[ARG...]");
    }
    run.target = target_choose(run.target);
    if (run.target == TARGET_LINUX && target_linux_reserve()) {
        return EXIT_OURS;
    }
    if (bundle_is_named(argv[first]) && run.target == TARGET_SGX_EMU) {
        return sgx_emulate(argv);
    }
    if (bundle_is_named(argv[first])) {
        return run_bundle(&run, argv + first);
    }
    run.info.program = argv[first];
    run.info.argv = (const char *const *)&argv[first];
    run.info.envp = run.env;
    status = root_choose(run.root, &run.info);
    if (status) {
        return status;
    }
    if (!run.info.cwd) {
        run.info.cwd = "/";
    }
    if (run.target == TARGET_SGX_EMU) {
        return sgx_emulate(argv);
    }
    if (run.target == TARGET_SGX) {
        return sgx_run_info(&run.info);
    }
    say("NOT CONFIDENTIAL: no TEE; whoever owns this machine can read and "
        "change everything");
    target_linux_stock(image_cache_open());
    target_linux_run(&run.info);
}

static const char *const details[] = {
    "--target T          auto (SGX where it is, else linux), linux, sgx, or",
    "                    sgx-emu: an enclave in software, for tests",
    "--root auto         pack PROGRAM and what it needs into a verified image",
    "                    (cached by content); this is the default",
    "--root host         the host's own tree, untrusted, read-only below",
    "--root DIR|IMAGE    a directory (packed first), or an image of 'build'",
    "--env K=V           set a variable; --env-pass K takes it from outside",
    "--cwd DIR           where the program starts (inside the root)",
    "--cpus N            virtual CPUs; default: as many as the host has",
    "--mount SRC:DST[:ro]  the host's directory SRC at DST, untrusted",
    "--fault alloc:N|io:N  for tests: the Nth allocation of the kernel, or the",
    "                    Nth request to the host, fails",
    "--memory SIZE       a ceiling on all memory, such as 512M; default: none",
    "--ring KIND         who does host I/O: io_uring (uring), threads (pool) "
    "or",
    "                    auto, which prefers io_uring",
    "--no-isolation      do not use the CPU's protection keys, which keep wild",
    "                    writes of a program away from the others",
    "--no-cache          neither use nor leave what runs of an image keep for",
    "                    the next: checked pages, rewritten code",
    "--swap move|copy    how processes that share addresses take turns: their",
    "                    pages change places (default, where they can), or "
    "bytes",
    "--swap-memory SIZE  fork(2) fails for who has written more; default: none",
    "--strace            print every system call; --stats sums up at the end",
    "--log LEVEL         error, warn (default), info or debug",
    "",
    "PROGRAM may be a bundle of 'build'; then its policy decides all this, and",
    "ARG, --env, --strace, --stats and --log only count where it lets them.",
    NULL};

const struct command command_run = {
    .name = "run",
    .usage = "[OPTION...] PROGRAM|BUNDLE [ARG...]",
    .help = "runs PROGRAM; its exit status is ours (125: we failed; 126: not "
            "executable; 127: not found)",
    .details = details,
    .run = run_run,
};
