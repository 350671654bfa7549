/* SPDX-License-Identifier: MIT
 *
 * A host that lies, drawn from a seed: one lie somewhere while an image is
 * mounted, walked and read over the rings. Each kind of lie has verdicts that
 * are right for it (abi/boundary.h, DESIGN: the host is hostile): the work is
 * done, one operation fails, or the kernel stops and says that the host lied.
 * Never a crash (ASan, UBSan watch) and never wrong bytes.
 *
 * Seeds run in forked children, many to a child until one stops it; the
 * verdicts come back in shared memory. HOSTILE_SEEDS says how many.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "kernel/core/hostio.h"
#include "kernel/core/log.h"
#include "kernel/fs/tests/image_file.h"
#include "kernel/fs/vfs.h"
#include "lib/tests/unit.h"
#include "target/fake/fake.h"

enum { SEEDS_DEFAULT = 3000, FILE_MAX = 70000, FILES = 6 };

enum verdict { NOT_RUN, RUNNING, DONE, FAILED, WRONG, STOPPED };
#define MAY(v) (1u << (v))

static struct image_file image;
static int fd;
static uint8_t *verdicts; /* by seed; shared with the children */
static unsigned seed, seed_count, completions;
static unsigned honest_completions[2]; /* with reading ahead: [1] */

/* ---- the lies ---- */

static unsigned lie_at; /* tell it with this completion */
static unsigned rng;

static unsigned some(void)
{
    rng = rng * 1103515245 + 12345;
    return rng >> 8;
}

static void too_large(unsigned ring, const struct ring_sqe *sqe,
                      struct ring_cqe *cqe)
{
    uint32_t max = sqe->opcode == RINGOP_READ ? sqe->len : 0;

    cqe->res = (int32_t)(max + 1 + some() % (0x7fffffffu - max - 1));
}

static void no_such_error(unsigned ring, const struct ring_sqe *sqe,
                          struct ring_cqe *cqe)
{
    cqe->res = -4096 - (int32_t)(some() % 0x7ffff000u);
}

static void another_name(unsigned ring, const struct ring_sqe *sqe,
                         struct ring_cqe *cqe)
{
    cqe->user_data ^= 1ull << some() % 64;
}

static void twice(unsigned ring, const struct ring_sqe *sqe,
                  struct ring_cqe *cqe)
{
    fake_post(ring, cqe->user_data, cqe->res);
}

static void far_ahead(unsigned ring, const struct ring_sqe *sqe,
                      struct ring_cqe *cqe)
{
    fake_indices(ring)->cq_tail += 129 + some() % 0x7fffffffu;
}

static void some_error(unsigned ring, const struct ring_sqe *sqe,
                       struct ring_cqe *cqe)
{
    cqe->res = -1 - (int32_t)(some() % 4095);
}

static void too_short(unsigned ring, const struct ring_sqe *sqe,
                      struct ring_cqe *cqe)
{
    if (cqe->res > 0) {
        cqe->res = (int32_t)(some() % (unsigned)cqe->res);
    }
}

static void other_bytes(unsigned ring, const struct ring_sqe *sqe,
                        struct ring_cqe *cqe)
{
    if (sqe->opcode == RINGOP_READ && cqe->res > 0) {
        ((uint8_t *)sqe->addr)[some() % (unsigned)cqe->res] ^=
            (uint8_t)(1 + some() % 255);
    }
}

/* What was once true: the first block of the image, in another's place. */
static void other_blocks(unsigned ring, const struct ring_sqe *sqe,
                         struct ring_cqe *cqe)
{
    if (sqe->opcode == RINGOP_READ && cqe->res >= 4096) {
        memcpy(
            (void *)(sqe->addr + some() % ((unsigned)cqe->res / 4096) * 4096),
            image.bytes + some() % (image.size / 4096) * 4096, 4096);
    }
}

static void clock_goes_back(unsigned ring, const struct ring_sqe *sqe,
                            struct ring_cqe *cqe)
{
    fake_advance(-(uint64_t)(some() % 900000000u));
}

/* ---- memory that changes while it is read ---- */

static struct {
    pthread_t thread;
    uint32_t run; /* atomic */
    struct hptr at;
    uint64_t len;
} changer;

static void *change(void *arg)
{
    unsigned x = seed;

    while (__atomic_load_n(&changer.run, __ATOMIC_ACQUIRE)) {
        volatile uint8_t *p = (void *)changer.at.addr;

        x = x * 1103515245 + 12345;
        p[(x >> 4) % changer.len] ^= 1;
    }
    return NULL;
}

static void start_changing(unsigned ring, const struct ring_sqe *sqe,
                           struct ring_cqe *cqe)
{
    if (!changer.run && !target_bounce(&changer.at, &changer.len)) {
        changer.run = 1;
        if (pthread_create(&changer.thread, NULL, change, NULL)) {
            abort();
        }
    }
}

static void stop_changing(void)
{
    if (changer.run) {
        __atomic_store_n(&changer.run, 0, __ATOMIC_RELEASE);
        pthread_join(changer.thread, NULL);
    }
}

static const struct lie {
    const char *name;
    void (*tell)(unsigned ring, const struct ring_sqe *sqe,
                 struct ring_cqe *cqe);
    unsigned may;
} lies[] = {
    {"too_large", too_large, MAY(STOPPED)},
    {"no_such_error", no_such_error, MAY(STOPPED)},
    {"another_name", another_name, MAY(STOPPED)},
    {"twice", twice, MAY(STOPPED)},
    {"far_ahead", far_ahead, MAY(STOPPED)},
    {"some_error", some_error, MAY(DONE) | MAY(FAILED)},
    {"too_short", too_short, MAY(DONE) | MAY(FAILED)},
    {"other_bytes", other_bytes, MAY(DONE) | MAY(FAILED)},
    {"other_blocks", other_blocks, MAY(DONE) | MAY(FAILED)},
    {"clock_goes_back", clock_goes_back, MAY(DONE)},
    {"start_changing", start_changing, MAY(DONE) | MAY(FAILED)},
};

static void hook(unsigned ring, const struct ring_sqe *sqe,
                 struct ring_cqe *cqe)
{
    if (lie_at && --lie_at == 0) {
        lies[seed % ARRAY_SIZE(lies)].tell(ring, sqe, cqe);
    }
    completions++;
}

/* ---- the work ---- */

static uint8_t content(unsigned file, unsigned at)
{
    return (uint8_t)(file * 31 + at * 7 + (at >> 8) * 13);
}

static unsigned size_of(unsigned file)
{
    static const unsigned sizes[FILES] = {1, 4096, 5000, 20000, 65536, 70000};

    return sizes[file];
}

static enum verdict worse(enum verdict a, enum verdict b)
{
    return a > b ? a : b;
}

static enum verdict read_one(struct inode *root, unsigned file)
{
    static uint8_t got[FILE_MAX + 1];
    struct inode *inode = NULL;
    enum verdict v = DONE;
    struct iobuf io;
    char name[8];
    long n;

    snprintf(name, sizeof(name), "f%u", file);
    if (root->ops->lookup(root, name, strlen(name), &inode)) {
        return FAILED;
    }
    iobuf_kernel(&io, got, sizeof(got));
    while ((n = pagecache_read(&inode->pages, &io, sizeof(got) - io.left,
                               inode->size)) > 0) {
    }
    for (unsigned i = 0; i < sizeof(got) - io.left; i++) {
        v = got[i] == content(file, i) ? v : WRONG;
    }
    if (n < 0) {
        v = worse(v, FAILED);
    } else if (sizeof(got) - io.left != size_of(file)) {
        v = WRONG;
    }
    inode_put(inode);
    return v;
}

/* Every other seed of each lie. */
static bool ahead(void)
{
    return seed / ARRAY_SIZE(lies) % 2;
}

static enum verdict work(void)
{
    enum verdict v = DONE;
    struct superblock *sb;

    if (erofs_mount_image(fd, 0, image.size, image.root_hash, ahead(), &sb)) {
        return FAILED;
    }
    for (unsigned file = 0; file < FILES; file++) {
        v = worse(v, read_one(sb->root, file));
    }
    sb_put(sb);
    return v;
}

/* ---- seeds ---- */

/* In a child: until a lie stops it. */
static void run_seeds(void)
{
    for (; seed < seed_count; seed++) {
        rng = seed * 2654435761u + 1;
        lie_at = 1 + some() % honest_completions[ahead()];
        fake_init();
        fake_defer(seed % 3 == 0);
        if (hostio_init()) {
            abort();
        }
        fake_on_complete(hook);
        verdicts[seed] = RUNNING;
        verdicts[seed] = (uint8_t)work();
        fake_on_complete(NULL);
        stop_changing();
    }
}

static void run_all(void)
{
    while (seed < seed_count) {
        const char *line = fake_stopped(run_seeds);

        while (seed < seed_count && verdicts[seed] > RUNNING) {
            seed++;
        }
        if (seed < seed_count) {
            bool said = line && strstr(line, "the host broke its contract");

            if (!said) {
                printf("seed %u: %s\n", seed, line ? line : "ended");
            }
            verdicts[seed++] = said ? STOPPED : WRONG;
        }
    }
}

static void the_honest_host(void)
{
    for (int i = 0; i < 2; i++) {
        seed = i * ARRAY_SIZE(lies);
        completions = 0;
        fake_init();
        EXPECT_EQ(hostio_init(), 0);
        fake_on_complete(hook);
        EXPECT_EQ(work(), DONE);
        fake_on_complete(NULL);
        honest_completions[i] = completions;
    }
    seed = 0;
    EXPECT(honest_completions[0] > 5);
    EXPECT(honest_completions[1] > 0);
    EXPECT(honest_completions[1] < honest_completions[0]);
}

static void check_lie(unsigned kind)
{
    static const char *const names[] = {"not run", "running", "done",
                                        "failed",  "wrong",   "stopped"};
    unsigned count[STOPPED + 1] = {0};

    for (unsigned s = kind; s < seed_count; s += ARRAY_SIZE(lies)) {
        count[verdicts[s]]++;
        if (!(lies[kind].may & MAY(verdicts[s]))) {
            printf("seed %u: %s\n", s, names[verdicts[s]]);
            unit_bad++;
        }
    }
    printf("# %s: %u done, %u failed, %u stopped\n", lies[kind].name,
           count[DONE], count[FAILED], count[STOPPED]);
}

/* Most of what a host can do to one operation must not end everything. */
static void enough_of_the_work_is_done(void)
{
    unsigned done = 0;

    for (unsigned s = 0; s < seed_count; s++) {
        done += verdicts[s] == DONE;
    }
    printf("# %u of %u seeds did all their work\n", done, seed_count);
    EXPECT(done >= seed_count * 3 / 10);
}

static bool make_image(void)
{
    if (!test_shell("mkdir -p tree")) {
        return false;
    }
    for (unsigned file = 0; file < FILES; file++) {
        char path[300];
        FILE *f;

        snprintf(path, sizeof(path), "%s/tree/f%u", test_dir(), file);
        f = fopen(path, "w");
        if (!f) {
            return false;
        }
        for (unsigned i = 0; i < size_of(file); i++) {
            fputc(content(file, i), f);
        }
        fclose(f);
    }
    return image_file_make(&image, "tree", "tree.img");
}

int main(void)
{
    const char *wanted = getenv("HOSTILE_SEEDS");

    seed_count = wanted ? (unsigned)atoi(wanted) : SEEDS_DEFAULT;
    verdicts = mmap(NULL, seed_count + 1, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    fake_init();
    log_set_level(LOG_ERROR - 1);
    if (verdicts == MAP_FAILED || !make_image()) {
        printf("not ok making the image\n");
        return 1;
    }
    fd = test_open("tree.img");
    RUN(the_honest_host);
    run_all();
    for (unsigned kind = 0; kind < ARRAY_SIZE(lies); kind++) {
        unit_bad = 0;
        check_lie(kind);
        printf("%s a_host_that_lies_%s\n", unit_bad ? "not ok" : "ok",
               lies[kind].name);
        unit_failed += unit_bad != 0;
    }
    RUN(enough_of_the_work_is_done);
    return unit_result();
}
