/* SPDX-License-Identifier: MIT */
/*
 * sgxemu: software SGX for an unmodified SGX host program. This file reads
 * the command line, finds the program and hands over to start.c. sgxemu(1)
 * documents every option; execve of a child comes back here with --exec.
 */
#include "sgxemu/enclave.h"
#include "sgxemu/aesm.h"
#include "sgxemu/quote/collateral.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <unistd.h>

struct config config = {.log_fd = -1, .trace_fd = 2};

static const char usage[] =
    "usage: sgxemu [options] -- PROGRAM [ARG...]\n"
    "       sgxemu collateral DIR [--machine FILE]\n"
    "  --cpu NAME         sapphirerapids (default), icelake, geminilake, "
    "coffeelake\n"
    "  --sgx1             the same as --cpu coffeelake\n"
    "  --machine FILE     secrets of the machine (default "
    "~/.local/state/sgxemu/machine)\n"
    "  --epc SIZE         size of the EPC, with K, M or G\n"
    "  --abort-page ff|fault\n"
    "  --trace            every leaf function and exit, on standard error\n"
    "  --log-build FILE   what MRENCLAVE is made of\n"
    "  --stats            counts, when a process ends\n"
    "  --single-step      check every instruction of an enclave\n"
    "  --scan             search executable enclave pages for illegal ones\n"
    "  --plain-enclu      no execute-only copies of pages with ENCLU\n"
    "  --aex-at N         an asynchronous exit after N instructions of an "
    "entry\n"
    "  --aex-at every:N   ... after each N of all (every: 1)\n"
    "  --aex-random SEED[:RUN]  asynchronous exits at random instructions, "
    "RUN (16) in a row\n"
    "  --aex-signal N     ... and signal N arrives with each of them\n";

static _Noreturn void die(const char *what, const char *which)
{
    fprintf(stderr, "sgxemu: %s%s%s\n%s", what, which ? ": " : "",
            which ? which : "", usage);
    exit(2);
}

static void set_cpu(const char *name)
{
    bool known = true, sgx2 = true;

    config.kss = config.aexnotify = config.exinfo = true;
    if (!strcmp(name, "coffeelake")) {
        sgx2 = config.kss = config.aexnotify = config.exinfo = false;
    } else if (!strcmp(name, "geminilake")) {
        config.kss = config.aexnotify = false;
    } else if (!strcmp(name, "icelake")) {
        config.aexnotify = false;
    } else {
        known = !strcmp(name, "sapphirerapids");
    }
    if (!known) {
        die("unknown CPU", name);
    }
    config.edmm = sgx2;
    config.sgx1 = !sgx2;
}

static uint64_t number(const char *text, const char *option)
{
    char *end;
    uint64_t v;

    errno = 0;
    v = strtoull(text, &end, 0);
    if (*end == 'K' || *end == 'k') {
        v <<= 10, end++;
    } else if (*end == 'M' || *end == 'm') {
        v <<= 20, end++;
    } else if (*end == 'G' || *end == 'g') {
        v <<= 30, end++;
    }
    if (errno || end == text || *end) {
        die("not a number", option);
    }
    return v;
}

static bool flag(const char *name)
{
    if (!strcmp(name, "--sgx1")) {
        set_cpu("coffeelake");
    } else if (!strcmp(name, "--trace")) {
        config.trace = true;
    } else if (!strcmp(name, "--stats")) {
        config.stats = true;
    } else if (!strcmp(name, "--single-step")) {
        config.single_step = true;
    } else if (!strcmp(name, "--scan")) {
        config.scan = true;
    } else if (!strcmp(name, "--plain-enclu")) {
        config.plain_enclu = true;
    } else {
        return false;
    }
    return true;
}

/* SEED or SEED:RUN */
static void set_random(const char *value, const char *name)
{
    const char *run = strchr(value, ':');
    char seed[32];

    snprintf(seed, sizeof(seed), "%.*s",
             (int)(run ? run - value : (long)strlen(value)), value);
    config.aex_seed = number(seed, name) + 1;
    config.aex_run = run ? number(run + 1, name) : 16;
    if (config.aex_run == 0) {
        die("a run of exits has at least one", name);
    }
}

static void option(const char *name, const char *value)
{
    if (!strcmp(name, "--cpu")) {
        set_cpu(value);
    } else if (!strcmp(name, "--machine")) {
        config.machine_path = value;
    } else if (!strcmp(name, "--epc")) {
        config.epc_pages = number(value, name) / PAGE;
        if (config.epc_pages < 64) {
            die("an EPC has at least 256K", NULL);
        }
    } else if (!strcmp(name, "--abort-page")) {
        config.abort_ff = !strcmp(value, "ff");
        if (!config.abort_ff && strcmp(value, "fault")) {
            die("ff or fault", name);
        }
    } else if (!strcmp(name, "--log-build")) {
        config.log_path = value;
    } else if (!strcmp(name, "--aex-at")) {
        if (!strncmp(value, "every:", 6)) {
            config.aex_period = number(value + 6, name);
        } else if (!strcmp(value, "every")) {
            config.aex_period = 1;
        } else {
            config.aex_at = number(value, name);
        }
    } else if (!strcmp(name, "--aex-random")) {
        set_random(value, name);
    } else if (!strcmp(name, "--aex-signal")) {
        config.aex_signal = (int)number(value, name);
        if (config.aex_signal < 1 || config.aex_signal > 63) {
            die("a signal's number", name);
        }
    } else if (!strcmp(name, "--exec")) {
        snprintf(config.program, sizeof(config.program), "%s", value);
    } else {
        die("unknown option", name);
    }
}

/* Returns the index of PROGRAM. */
static int parse(int argc, char **argv)
{
    int i = 1;

    set_cpu("sapphirerapids");
    config.options = argv;
    config.option_count = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (!strcmp(argv[i], "--")) {
            i++;
            break;
        }
        if (!strcmp(argv[i], "--help")) {
            fputs(usage, stdout);
            exit(0);
        }
        if (flag(argv[i])) {
            config.option_count = i + 1;
            continue;
        }
        if (i + 1 == argc) {
            die("an option needs a value", argv[i]);
        }
        option(argv[i], argv[i + 1]);
        i++;
        if (strcmp(argv[i - 1], "--exec")) {
            config.option_count = i + 1;
        }
    }
    if (i >= argc) {
        die("no program", NULL);
    }
    /* The trap flag looks at every instruction as it is. */
    config.plain_enclu |= config.single_step || config.aex_at ||
                          config.aex_period || config.aex_seed;
    return i;
}

static void find_program(const char *name)
{
    const char *path = getenv("PATH"), *end;

    if (strchr(name, '/')) {
        snprintf(config.program, sizeof(config.program), "%s", name);
        return;
    }
    for (path = path ? path : "/usr/bin:/bin"; *path; path = end + !!*end) {
        end = strchrnul(path, ':');
        snprintf(config.program, sizeof(config.program), "%.*s/%s",
                 (int)(end - path), path, name);
        if (access(config.program, X_OK) == 0) {
            return;
        }
    }
    fprintf(stderr, "sgxemu: %s: not found\n", name);
    exit(127);
}

/* A script becomes its interpreter, up to the kernel's four times. */
static char **resolve_scripts(int *argc, char **argv)
{
    char interpreter[256], argument[256];

    for (int depth = 0; depth < 5; depth++) {
        int err = image_check(config.program, interpreter, argument);
        char **longer;
        int n = 0;

        if (err) {
            fprintf(stderr, "sgxemu: %s: %s\n", config.program, strerror(-err));
            exit(err == -ENOENT ? 127 : 126);
        }
        if (interpreter[0] == 0) {
            return argv;
        }
        longer = calloc((size_t)*argc + 3, sizeof(*longer));
        longer[n++] = strdup(interpreter);
        if (argument[0]) {
            longer[n++] = strdup(argument);
        }
        longer[n++] = strdup(config.program);
        for (int i = 1; i < *argc; i++) {
            longer[n++] = argv[i];
        }
        *argc = n;
        argv = longer;
        snprintf(config.program, sizeof(config.program), "%s", interpreter);
    }
    fprintf(stderr, "sgxemu: %s: too many interpreters\n", config.program);
    exit(126);
}

static void absolute_program(void)
{
    char full[PATH_MAX];

    if (realpath(config.program, full)) {
        snprintf(config.program, sizeof(config.program), "%s", full);
    }
}

const char *machine_default_path(void)
{
    static char path[PATH_MAX];
    const char *home = getenv("HOME");

    if (home == NULL) {
        home = "/tmp";
    }
    snprintf(path, sizeof(path), "%s/.local", home);
    mkdir(path, 0755);
    snprintf(path, sizeof(path), "%s/.local/state", home);
    mkdir(path, 0755);
    snprintf(path, sizeof(path), "%s/.local/state/sgxemu", home);
    mkdir(path, 0700);
    snprintf(path, sizeof(path), "%s/.local/state/sgxemu/machine", home);
    return path;
}

static void open_files(void)
{
    int err;

    if (config.machine_path == NULL) {
        config.machine_path = machine_default_path();
    }
    err = keys_load(config.machine_path);
    if (err) {
        fprintf(stderr,
                "sgxemu: the emulated machine's secrets, %s: %s; --machine "
                "FILE names another place\n",
                config.machine_path,
                err == -EINVAL ? "not a file of ours" : strerror(-err));
        exit(2);
    }
    if (config.log_path) {
        int fd = open(config.log_path,
                      O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

        if (fd < 0) {
            fprintf(stderr, "sgxemu: %s: %s\n", config.log_path,
                    strerror(errno));
            exit(2);
        }
        config.log_fd = fcntl(fd, F_DUPFD_CLOEXEC, 900);
        close(fd);
    }
}

int main(int argc, char **argv, char **envp)
{
    ssize_t n =
        readlink("/proc/self/exe", config.self, sizeof(config.self) - 1);
    int at, count;
    char **args;

    if (n <= 0) {
        die("/proc/self/exe", NULL);
    }
    if (argc > 1 && !strcmp(argv[1], "collateral")) {
        return collateral_main(argc - 2, argv + 2);
    }
    if (argc > 3 && !strcmp(argv[1], "--quoting-service")) {
        config.machine_path = argv[2];
        return keys_load(argv[2]) ? 1 : aesm_serve(atoi(argv[3]));
    }
    at = parse(argc, argv);
    args = argv + at;
    count = argc - at;
    if (config.program[0] == 0) {
        find_program(args[0]);
    }
    open_files();
    args = resolve_scripts(&count, args);
    absolute_program();
    program_start(count, args, envp);
}
