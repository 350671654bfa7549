/* SPDX-License-Identifier: MIT
 *
 * enclos build: a program, tree or container image into a bundle, or into
 * the verified image alone.
 */
#include "tools/bundle/bundle.h"
#include "tools/cli/cli.h"
#include "tools/cli/progress.h"
#include "tools/image/image.h"
#include "tools/image/util.h"
#include "tools/oci/oci.h"
#include "tools/policy/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct build {
    const char *source, *tag, *out, *policy;
    char kernel[PATH_MAX];
    char image[PATH_MAX];   /* the finished image */
    char scratch[PATH_MAX]; /* a directory that goes at the end, or "" */
    bool from_program;      /* whatever it is called in the image */
    struct policy_spec spec;
};

static bool set_output(void *ctx, const char *value)
{
    ((struct build *)ctx)->out = value;
    return *value != '\0';
}

static bool set_policy(void *ctx, const char *value)
{
    ((struct build *)ctx)->policy = value;
    return *value != '\0';
}

static bool set_tag(void *ctx, const char *value)
{
    ((struct build *)ctx)->tag = value;
    return *value != '\0';
}

static bool set_kernel(void *ctx, const char *value)
{
    struct build *b = ctx;

    return snprintf(b->kernel, sizeof(b->kernel), "%s", value) <
           (int)sizeof(b->kernel);
}

static const struct option_row options[] = {
    {"-o", true, set_output, "a file name"},
    {"--policy", true, set_policy, "a policy's file name"},
    {"--tag", true, set_tag, "the name of an image"},
    {"--kernel", true, set_kernel, "an enclave kernel's file name"},
};

/* Beside the programs: bin/enclos, lib/enclos/enclos-sgx.elf. */
static int default_kernel(struct build *b)
{
    char self[PATH_MAX - 64];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    char *slash;

    if (n < 0) {
        return fail("cannot find out where this program is: %s",
                    strerror(errno));
    }
    self[n] = '\0';
    slash = strrchr(self, '/');
    *slash = '\0';
    snprintf(b->kernel, sizeof(b->kernel), "%s/../lib/enclos/enclos-sgx.elf",
             self);
    if (access(b->kernel, R_OK)) {
        return fail("cannot read the enclave's kernel %s: %s; 'make' builds "
                    "it, --kernel names another",
                    b->kernel, strerror(errno));
    }
    return 0;
}

/* ---- sources ---- */

static bool is_program(const char *path)
{
    char head[4] = {0};
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(head, 1, sizeof(head), f) : 0;

    if (f) {
        fclose(f);
    }
    return (n == 4 && !memcmp(head, "\177ELF", 4)) ||
           (n >= 2 && !memcmp(head, "#!", 2));
}

static int make_scratch(struct build *b)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(b->scratch, sizeof(b->scratch), "%s/enclos-XXXXXX",
             tmp ? tmp : "/var/tmp");
    if (!mkdtemp(b->scratch)) {
        b->scratch[0] = '\0';
        return fail("cannot make a temporary directory: %s; set TMPDIR",
                    strerror(errno));
    }
    snprintf(b->image, sizeof(b->image), "%.4000s/image", b->scratch);
    return 0;
}

static int take_program(struct build *b)
{
    char *path = realpath(b->source, NULL);
    const char *name;
    int err;

    if (!path || access(path, X_OK)) {
        free(path);
        return fail("%s: %s", b->source, strerror(errno));
    }
    name = strrchr(path, '/') + 1;
    b->from_program = true;
    err = policy_set_text(&b->spec.program, path) ||
          policy_list_add(&b->spec.args, name) ||
          image_cached_closure(path, b->image, sizeof(b->image));
    free(path);
    return err ? EXIT_OURS : 0;
}

static int take_container(struct build *b)
{
    char root[PATH_MAX];
    struct image_trailer trailer;

    snprintf(root, sizeof(root), "%.4000s/root", b->scratch);
    if (mkdir(root, 0755)) {
        return fail("cannot make %s: %s", root, strerror(errno));
    }
    /* The root directory of an image that says nothing about it. */
    if (utimensat(AT_FDCWD, root, (struct timespec[2]){{0}}, 0) ||
        oci_unpack(b->source, b->tag, root, &b->spec)) {
        return EXIT_OURS;
    }
    return image_build(root, b->image, &trailer) ? EXIT_OURS : 0;
}

static int take_source(struct build *b)
{
    struct image_trailer trailer;
    struct stat st;

    if (stat(b->source, &st)) {
        return fail("cannot read %s: %s", b->source, strerror(errno));
    }
    if (S_ISREG(st.st_mode) && is_program(b->source) && !b->tag) {
        return take_program(b);
    }
    if (make_scratch(b)) {
        return EXIT_OURS;
    }
    if (oci_is_image(b->source)) {
        return take_container(b);
    }
    if (b->tag) {
        return fail("--tag chooses among container images, and %s is none",
                    b->source);
    }
    return image_build(b->source, b->image, &trailer) ? EXIT_OURS : 0;
}

/* ---- outputs ---- */

static void print_hex(const char *label, const uint8_t *bytes)
{
    printf("%s: ", label);
    for (int i = 0; i < 32; i++) {
        printf("%02x", bytes[i]);
    }
    putchar('\n');
}

static bool ends_in(const char *name, const char *suffix)
{
    size_t n = strlen(name), s = strlen(suffix);

    return n > s && !strcmp(name + n - s, suffix);
}

static int build_image(struct build *b)
{
    struct image_trailer trailer;
    int err;

    if (b->policy) {
        return fail("%s is to be an image, which has no policy; call it "
                    "something.enc for a bundle",
                    b->out);
    }
    if (is_program(b->source) || oci_is_image(b->source)) {
        return fail("an image alone is made of a directory or a tar archive; "
                    "call the output something.enc for a bundle of %s",
                    b->source);
    }
    umask(022);
    progress_begin("packing the image");
    err = image_build(b->source, b->out, &trailer);
    progress_end();
    if (err) {
        return EXIT_OURS;
    }
    print_hex("root hash", trailer.root_hash);
    return 0;
}

/* argv[0] where nobody said it. */
static int default_args(struct policy_spec *s)
{
    const char *slash = s->program ? strrchr(s->program, '/') : NULL;

    return s->args.count || !slash ? 0 : policy_list_add(&s->args, slash + 1);
}

/* What a mount of the policy's will hold is not known here. */
static int check_program(const struct build *b)
{
    const struct policy_spec *s = &b->spec;
    const char *targets[POLICY_MOUNTS_MAX];
    struct image_trailer trailer;
    uint64_t size;
    uint32_t mode;
    int fd, err;

    for (uint32_t i = 0; i < s->mount_count; i++) {
        targets[i] = s->mounts[i].target;
    }
    if (!s->program) { /* bundle_write() says so */
        return 0;
    }
    if (image_open(b->image, &fd, &size, &trailer)) {
        return EXIT_OURS;
    }
    err = image_lookup(fd, 0, size, s->program, targets, s->mount_count, &mode);
    close(fd);
    if (err == -EXDEV) {
        return 0;
    }
    if (err) {
        return fail("entry.program: %s in the image: %s", s->program,
                    strerror(-err));
    }
    return S_ISREG(mode) && mode & 0111
               ? 0
               : fail("entry.program: %s in the image is no file that can be "
                      "executed (mode %o)",
                      s->program, mode);
}

static int make_bundle(struct build *b)
{
    int status = *b->kernel ? 0 : default_kernel(b);

    policy_spec_init(&b->spec);
    if (!status) {
        umask(022); /* whatever the caller's is: it is in no image */
        progress_begin("packing the image");
        status = take_source(b);
        progress_end();
    }
    if (status) {
        return status;
    }
    if ((b->policy && policy_take_json(&b->spec, b->policy)) ||
        default_args(&b->spec) || check_program(b) ||
        bundle_write(b->out, b->kernel, b->image, &b->spec)) {
        return EXIT_OURS;
    }
    return 0;
}

static int build_bundle(struct build *b)
{
    struct bundle made;
    int status = make_bundle(b);

    policy_spec_free(&b->spec);
    if (*b->scratch) {
        image_remove_tree(b->scratch);
    }
    if (status) {
        return status;
    }
    if (bundle_open(b->out, &made)) {
        return EXIT_OURS;
    }
    print_hex("mrenclave", made.header->mrenclave);
    print_hex("root hash", made.policy->root_hash);
    bundle_close(&made);
    return 0;
}

static int build_run(int argc, char **argv)
{
    static struct build b;
    struct stat st;
    int words = options_mixed(argc, argv, options, 4, &b, &b.source, 1);

    if (words < 0) {
        return EXIT_OURS;
    }
    if (!words || !b.out) {
        return fail("build needs a source and an output: enclos build SRC -o "
                    "FILE");
    }
    if (!may_become(b.out, b.source)) {
        return EXIT_OURS;
    }
    if (stat(b.source, &st)) {
        return fail("cannot read %s: %s", b.source, strerror(errno));
    }
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
        return fail("%s is neither a file nor a directory", b.source);
    }
    return ends_in(b.out, ".img") ? build_image(&b) : build_bundle(&b);
}

static const char *const details[] = {
    "SRC                 a program, a directory, a tar archive, or a container",
    "                    image (OCI layout, or an archive of podman, docker "
    "or",
    "                    skopeo)",
    "-o FILE             a bundle (kernel, policy, image); with a name in .img",
    "                    the image alone",
    "--tag NAME          which image, where SRC holds several",
    "--policy FILE       what the program may do; 'enclos init' writes one",
    "--kernel FILE       the enclave's kernel; default: the installed one",
    NULL};

const struct command command_build = {
    .name = "build",
    .usage = "SRC [--policy FILE] -o FILE",
    .help = "packs SRC into a reproducible, measured bundle",
    .details = details,
    .run = build_run,
};
