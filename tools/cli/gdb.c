/* SPDX-License-Identifier: MIT
 *
 * enclos gdb: gdb on an instance, with the commands of tools/gdb/enclos.py.
 * The signals that the target lives by are passed without a word. With
 * --target sgx-emu gdb runs the emulator, which does without the breakpoints
 * that make its ENCLU cheaper.
 */
#include "tools/cli/cli.h"
#include "tools/cli/root.h"
#include "tools/cli/run_bundle.h"
#include "target/sgx/layout.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

enum { WORDS_MAX = 1024 };

struct words {
    const char *word[WORDS_MAX];
    int count;
};

static void add(struct words *w, const char *word)
{
    if (w->count < WORDS_MAX - 1) {
        w->word[w->count++] = word;
    }
}

/* The script lies beside the programs: bin/enclos, lib/enclos/gdb.py. */
static bool find_script(char *self, char *script)
{
    ssize_t n = readlink("/proc/self/exe", self, PATH_MAX - 1);
    char dir[PATH_MAX];

    if (n < 0) {
        return false;
    }
    self[n] = '\0';
    strcpy(dir, self);
    return snprintf(script, PATH_MAX, "%s/../lib/enclos/gdb.py", dirname(dir)) <
               PATH_MAX &&
           access(script, R_OK) == 0;
}

static void add_start(struct words *w, const char *script)
{
    add(w, "gdb");
    add(w, "-q");
    add(w, "-iex");
    add(w, "set auto-load python-scripts off");
    /* It would look for a program's threads among ours, and gdb 13 ends by an
     * assertion when it does so with no thread chosen. */
    add(w, "-iex");
    add(w, "set libthread-db-search-path /dev/null");
    add(w, "-ex");
    add(w, "handle SIGSYS SIGPROF SIGVTALRM SIGSEGV SIGBUS SIGFPE SIGILL "
           "nostop noprint pass");
    add(w, "-ex");
    add(w, "set print thread-events off");
    add(w, "-x");
    add(w, script);
}

/* ---- under sgxemu ---- */

static bool is_for_sgx_emu(int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        if (!strcmp(argv[i], "--target=sgx-emu") ||
            (i + 1 < argc && !strcmp(argv[i], "--target") &&
             !strcmp(argv[i + 1], "sgx-emu"))) {
            return true;
        }
    }
    return false;
}

/* The bundle among the words. False: there is none. */
static bool find_bundle(int argc, char **argv, struct bundle *b)
{
    for (int i = 0; i < argc; i++) {
        if (bundle_is_named(argv[i])) {
            return bundle_open(argv[i], b) == 0;
        }
    }
    return false;
}

/* A file of the kernel that gdb can open by the name it gets. */
static int kernel_of(const struct bundle *b, char *path)
{
    int fd = memfd_create("enclos-sgx.elf", 0);
    size_t size = b->header->kernel.size;

    if (fd < 0 || write(fd, b->kernel, size) != (ssize_t)size) {
        return fail("cannot copy the bundle's kernel: %s", strerror(errno));
    }
    snprintf(path, PATH_MAX, "/proc/%d/fd/%d", getpid(), fd);
    return 0;
}

/* Symbols of the enclave's kernel. Its memory is said to be read-only: gdb
 * then takes hardware breakpoints, which need no change of it. */
static int add_enclave(struct words *w, int argc, char **argv,
                       const char *script)
{
    static char symbols[PATH_MAX + 64], range[64];
    static char kernel[PATH_MAX];
    const char *words = getenv("ENCLOS_SGXEMU");
    bool sgx1 = words && strstr(words, "--sgx1");
    struct bundle b;
    uint64_t end;

    if (find_bundle(argc, argv, &b)) {
        if (!(b.policy->insecure & POLICY_DEBUG)) {
            return fail("%s is no debug enclave; \"insecure\": [\"debug\"] in "
                        "its policy would make it one",
                        b.path);
        }
        sgx1 = b.policy->enclave_class == POLICY_CLASS_SGX1;
        if (kernel_of(&b, kernel)) {
            return EXIT_OURS;
        }
    } else {
        snprintf(kernel, sizeof(kernel), "%.*s/enclos-sgx.elf",
                 (int)(strrchr(script, '/') - script), script);
    }
    end = sgx1 ? SGX_SGX1_SIZE : SGX_EDMM_SIZE;
    snprintf(symbols, sizeof(symbols), "add-symbol-file %s -o %#lx", kernel,
             end - SGX_TOP + SGX_KERNEL_AT);
    snprintf(range, sizeof(range), "mem 0x10000 %#lx ro", end);
    add(w, "-ex");
    add(w, "set mem inaccessible-by-default off");
    add(w, "-ex");
    add(w, range);
    add(w, "-ex");
    add(w, symbols);
    return 0;
}

/* ---- starting ---- */

/* gdb would start, say nothing of this, and end well. Words from `first` on are
 * those of `run`. */
static int check_program(int argc, char **argv, int first)
{
    char path[PATH_MAX];
    struct bundle b;
    const char *root;
    int at = run_find_program(argc - first + 1, argv + first - 1, &root);
    const char *program;

    if (at < 0) {
        return EXIT_OURS;
    }
    if (first - 1 + at >= argc) {
        return fail("gdb needs a program: enclos gdb [--ex CMD]... [RUN "
                    "OPTION...] PROGRAM [ARG...]");
    }
    program = argv[first - 1 + at];
    if (bundle_is_named(program)) {
        if (bundle_open(program, &b)) {
            return EXIT_OURS;
        }
        bundle_close(&b);
        return 0;
    }
    return strcmp(root, "auto") ? 0 : root_resolve(program, path);
}

static int run_gdb(int argc, char **argv)
{
    static char self[PATH_MAX], script[PATH_MAX], *emulator[EMULATOR_MAX];
    struct words w = {.count = 0};
    bool emulated = is_for_sgx_emu(argc, argv);
    int i = 1, status;

    if (!find_script(self, script)) {
        return fail("the file lib/enclos/gdb.py is not where this program "
                    "expects it; run 'make' or install again");
    }
    add_start(&w, script);
    if (emulated && add_enclave(&w, argc, argv, script)) {
        return EXIT_OURS;
    }
    for (; i < argc; i++) {
        if (!strcmp(argv[i], "--batch")) {
            add(&w, "-batch");
        } else if (!strcmp(argv[i], "--ex") && i + 1 < argc) {
            add(&w, "-ex");
            add(&w, argv[++i]);
        } else {
            break;
        }
    }
    status = check_program(argc, argv, i);
    if (status) {
        return status;
    }
    if (argc - i > WORDS_MAX - w.count - EMULATOR_MAX) {
        return fail("more than %d arguments", WORDS_MAX);
    }
    add(&w, "--args");
    if (emulated) {
        int n = sgx_emulator_words("--plain-enclu", emulator);

        for (int k = 0; k < n; k++) {
            add(&w, emulator[k]);
        }
        if (n < 0) {
            return EXIT_OURS;
        }
    } else {
        add(&w, self);
    }
    add(&w, "run");
    for (; i < argc; i++) {
        add(&w, argv[i]);
    }
    setenv("ENCLOS_GDB", "1", 1);
    execvp("gdb", (char *const *)w.word);
    return fail("gdb cannot be started: %s; install Debian's gdb",
                strerror(errno));
}

static const char *const details[] = {
    "--ex CMD            a command of gdb; --batch ends after the last",
    "In gdb: 'enclos tasks', 'enclos bt [TID]', 'enclos symbols'; 'hbreak' "
    "then",
    "stops in the program's functions, 'break' where a page has been run. With",
    "--target sgx-emu either is one of the CPU's four breakpoints; a bundle's",
    "policy must allow \"debug\".",
    NULL};

const struct command command_gdb = {
    .name = "gdb",
    .usage = "[--ex CMD]... [RUN OPTION...] PROGRAM|BUNDLE [ARG...]",
    .help = "runs PROGRAM as 'run' does, under gdb",
    .details = details,
    .run = run_gdb,
};
