/* SPDX-License-Identifier: MIT
 *
 * Builds the enclave: ECREATE, the pages of the layout, EINIT, and the maps.
 * Consecutive pages of one kind go to the driver in one call. The dynamic
 * ranges are mapped RWX once, so that the EPCM alone decides from then on and
 * costs nothing until a page is used. In the SGX1 class they were added, and
 * the enclave asks for each right.
 */
#include "target/sgx/host/private.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

enum { BATCH = 64, MAPS_MAX = 1024 };

struct piece {
    uint64_t start, end;
    int prot;
};

/* Pages that wait to be added together, and what is to be mapped. */
struct loader {
    uint8_t *pages; /* BATCH of them, aligned */
    uint64_t first, count, secinfo;
    bool measured;
    struct piece maps[MAPS_MAX];
    unsigned map_count;
    uint64_t added, total; /* pages; total 0: not worth to be said */
    void (*progress)(uint64_t done, uint64_t total);
};

static int fail(int err, const char *what)
{
    fprintf(stderr, "enclos: %s: %s\n", what, strerror(-err));
    return err;
}

static int flush(struct loader *l)
{
    struct sgx_secinfo info = {.flags = l->secinfo};
    struct sgx_ioctl_add add = {
        .src = (uint64_t)l->pages,
        .offset = l->first,
        .length = l->count * PAGE_SIZE,
        .secinfo = (uint64_t)&info,
        .flags = l->measured ? SGX_ADD_MEASURE : 0,
    };

    while (add.length) {
        add.count = 0;
        if (ioctl(enclave.fd, SGX_IOCTL_ADD_PAGES, &add) && errno != EINTR &&
            errno != EAGAIN) {
            return -errno;
        }
        add.src += add.count;
        add.offset += add.count;
        add.length -= add.count;
    }
    l->added += l->count;
    l->count = 0;
    l->progress(l->added, l->total);
    return 0;
}

static int prot_of(uint64_t secinfo)
{
    /* SECINFO's R, W and X are PROT_*'s bits; a TCS is mapped R and W. */
    return secinfo & SGX_SECINFO_RWX ? (int)(secinfo & SGX_SECINFO_RWX)
                                     : PROT_READ | PROT_WRITE;
}

static int note_map(struct loader *l, const struct sgx_page *page)
{
    struct piece *last = l->map_count ? &l->maps[l->map_count - 1] : NULL;
    int prot = prot_of(page->secinfo);

    if (last && last->end == page->offset && last->prot == prot) {
        last->end += PAGE_SIZE;
        return 0;
    }
    if (l->map_count == MAPS_MAX) {
        return -E2BIG;
    }
    l->maps[l->map_count++] =
        (struct piece){page->offset, page->offset + PAGE_SIZE, prot};
    return 0;
}

static int add_page(void *ctx, const struct sgx_page *page)
{
    struct loader *l = ctx;
    int err = 0;

    if (l->count && (l->count == BATCH || l->secinfo != page->secinfo ||
                     l->measured != page->measured ||
                     l->first + l->count * PAGE_SIZE != page->offset)) {
        err = flush(l);
    }
    if (err) {
        return err;
    }
    if (!l->count) {
        l->first = page->offset;
        l->secinfo = page->secinfo;
        l->measured = page->measured;
    }
    memcpy(l->pages + l->count * PAGE_SIZE, page->content, PAGE_SIZE);
    l->count++;
    return note_map(l, page);
}

static int create(void)
{
    static _Alignas(PAGE_SIZE) struct sgx_secs secs;
    uint64_t arg = (uint64_t)&secs;

    sgx_layout_secs(&enclave.layout, &secs);
    secs.attributes.xfrm &= target_sgx_xfrm();
    secs.base = enclave.base;
    return ioctl(enclave.fd, SGX_IOCTL_CREATE, &arg) ? -errno : 0;
}

static int init(const struct sgx_sigstruct *sig)
{
    static _Alignas(PAGE_SIZE) uint8_t page[PAGE_SIZE];
    uint64_t arg = (uint64_t)page;
    int err;

    memcpy(page, sig, sizeof(*sig));
    do {
        err = ioctl(enclave.fd, SGX_IOCTL_INIT, &arg);
    } while (err && (errno == EINTR || errno == EAGAIN || errno == EBUSY));
    if (err > 0) {
        fprintf(stderr, "enclos: EINIT refuses the enclave (error %d)\n", err);
        return -EPERM;
    }
    return err ? -errno : 0;
}

static int map(uint64_t start, uint64_t end, int prot)
{
    void *got;

    if (start == end) {
        return 0;
    }
    start += enclave.base;
    end += enclave.base;
    got = mmap((void *)start, end - start, prot,
               MAP_SHARED | MAP_FIXED_NOREPLACE, enclave.fd, 0);
    return got == (void *)start ? 0 : -errno;
}

/* A vCPU that the enclave adds itself; its guards stay unmapped. */
static int map_block(uint64_t block)
{
    int err = 0;

    for (unsigned i = 0; i < SGX_BLOCK_PARTS && !lies("vcpu-pages") && !err;
         i++) {
        err = map(block + sgx_block_parts[i].from,
                  block + sgx_block_parts[i].to, PROT_READ | PROT_WRITE);
    }
    return err;
}

static int map_all(const struct loader *l)
{
    const struct sgx_info *i = &enclave.layout.info;
    const int all = PROT_READ | PROT_WRITE | PROT_EXEC;
    bool fixed = i->enclave_class == POLICY_CLASS_SGX1;
    int err = map(i->user_start, i->user_end, fixed ? PROT_NONE : all);

    err = err ? err
              : map(i->heap_start, i->heap_end,
                    fixed ? PROT_READ | PROT_WRITE : all);
    err = err ? err : map(i->meta_start, i->meta_end, PROT_READ | PROT_WRITE);
    for (unsigned id = sgx_layout_vcpus(i); id < i->vcpus && !err; id++) {
        err = map_block(sgx_layout_top(&enclave.layout) + SGX_VCPU_AT +
                        (uint64_t)id * SGX_BLOCK_SIZE);
    }
    for (unsigned n = 0; n < l->map_count && !err; n++) {
        if (l->maps[n].start >= sgx_layout_top(&enclave.layout)) {
            err = map(l->maps[n].start, l->maps[n].end, l->maps[n].prot);
        }
    }
    return err;
}

static int build(const struct sgx_run *run, struct loader *l)
{
    int err = create();

    if (err) {
        return fail(err, "the enclave cannot be created");
    }
    err = sgx_layout_pages(&enclave.layout, add_page, l);
    err = err ? err : flush(l);
    if (err) {
        return fail(err, "the enclave's pages cannot be added");
    }
    err = init(run->sigstruct);
    if (err) {
        return fail(err, err == -EPERM
                             ? "the enclave cannot be initialized; is it "
                               "signed as it is? 'enclos sign' signs it anew"
                             : "the enclave cannot be initialized");
    }
    err = map_all(l);
    return err ? fail(err, "the enclave cannot be mapped") : 0;
}

/* What takes long where all memory is added at the start. */
static uint64_t memory_pages(const struct sgx_info *i)
{
    return i->enclave_class == POLICY_CLASS_SGX1
               ? (i->user_end - i->user_start + i->meta_end - i->heap_start) /
                     PAGE_SIZE
               : 0;
}

int load_enclave(const struct sgx_run *run)
{
    static struct loader l;
    const char *why;
    int err;

    enclave.layout = (struct sgx_layout){
        .kernel = run->kernel,
        .kernel_size = run->kernel_size,
        .policy = run->policy,
    };
    err = sgx_layout_init(&enclave.layout, &why);
    if (err) {
        return fail(err, why);
    }
    if (run->policy->enclave_class == POLICY_CLASS_EDMM &&
        !target_sgx_has_edmm()) {
        return fail(-EOPNOTSUPP, "this CPU has SGX1 only, and the policy's "
                                 "enclave.class is not \"sgx1\"");
    }
    if (lies("base")) {
        enclave.base = enclave.layout.info.elrange_size;
    }
    enclave.fd = open("/dev/sgx_enclave", O_RDWR | O_CLOEXEC);
    if (enclave.fd < 0) {
        return fail(-errno, "/dev/sgx_enclave, which target sgx needs ('enclos "
                            "check' says what is missing; --target sgx-emu "
                            "does it in software)");
    }
    l.pages = aligned_alloc(PAGE_SIZE, BATCH * PAGE_SIZE);
    l.total = memory_pages(&enclave.layout.info);
    l.progress = run->progress;
    err = l.pages ? build(run, &l) : -ENOMEM;
    free(l.pages);
    return err;
}
