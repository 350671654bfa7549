/* SPDX-License-Identifier: MIT
 *
 * Opening bundles. Everything before the image is mapped; the image is read
 * by who mounts it, or by bundle_verify().
 */
#include "tools/bundle/bundle.h"
#include "tools/image/image.h"
#include "tools/image/util.h"
#include "kernel/policy.h"
#include "tools/image/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int flawed(const struct bundle *b, const char *why)
{
    return image_error("%s: %s", b->path, why);
}

static bool has_hash(const void *bytes, size_t len, const uint8_t hash[32])
{
    uint8_t sum[32];

    hash_of(bytes, len, sum);
    return memcmp(sum, hash, sizeof(sum)) == 0;
}

/* The whole of a file is a bundle, unless its end says that it is a package.
 * 1: a package. */
static int find_in_file(int fd, uint64_t file_size, uint64_t *at,
                        uint64_t *size)
{
    struct package_trailer t;

    *at = 0;
    *size = file_size;
    if (file_size < sizeof(t) ||
        pread(fd, &t, sizeof(t), (off_t)(file_size - sizeof(t))) != sizeof(t) ||
        memcmp(t.magic, PACKAGE_MAGIC, sizeof(t.magic)) != 0 ||
        t.at % BUNDLE_BLOCK != 0 || t.at > file_size ||
        t.size != file_size - t.at - sizeof(t)) {
        return 0;
    }
    *at = t.at;
    *size = t.size;
    return 1;
}

static int read_header(struct bundle *b, uint64_t size)
{
    static struct bundle_header h;
    const char *why;
    ssize_t n;

    n = pread(b->fd, &h, sizeof(h), (off_t)b->at);
    if (n < 0) {
        return flawed(b, strerror(errno));
    }
    memset((char *)&h + n, 0, sizeof(h) - (size_t)n);
    why = bundle_header_flaw(&h, size);
    if (why) {
        return flawed(b, why);
    }
    if (!has_hash(&h, offsetof(struct bundle_header, checksum), h.checksum)) {
        return flawed(b, "its header is damaged; get another copy");
    }
    b->mapped = h.image.at;
    return 0;
}

static int map_parts(struct bundle *b)
{
    const struct bundle_header *h;
    const char *why;
    void *p =
        mmap(NULL, b->mapped, PROT_READ, MAP_PRIVATE, b->fd, (off_t)b->at);

    if (p == MAP_FAILED) {
        return flawed(b, strerror(errno));
    }
    b->bytes = p;
    h = b->header = p;
    b->sigstruct = (const void *)(b->bytes + BUNDLE_SIGSTRUCT_AT);
    b->kernel = b->bytes + h->kernel.at;
    b->policy = (const void *)(b->bytes + h->policy.at);
    if (!has_hash(b->policy, h->policy.size, h->policy_hash)) {
        return flawed(b, "its policy is damaged; get another copy");
    }
    if (policy_check(b->policy, h->policy.size, &why)) {
        return flawed(b, why);
    }
    return b->policy->image_size == h->image.size
               ? 0
               : flawed(b, "policy and header name images of other sizes");
}

static int open_fd(struct bundle *b)
{
    struct stat st;
    uint64_t size;

    if (b->fd < 0 || fstat(b->fd, &st)) {
        return image_error("cannot open %s: %s", b->path, strerror(errno));
    }
    find_in_file(b->fd, (uint64_t)st.st_size, &b->at, &size);
    return read_header(b, size) || map_parts(b) ? -1 : 0;
}

int bundle_open(const char *path, struct bundle *b)
{
    int err;

    memset(b, 0, sizeof(*b));
    b->path = strdup(path);
    b->fd = open(path, O_RDONLY | O_CLOEXEC);
    err = open_fd(b);
    if (err) {
        bundle_close(b);
    }
    return err;
}

void bundle_close(struct bundle *b)
{
    if (b->bytes) {
        munmap(b->bytes, b->mapped);
    }
    if (b->fd >= 0) {
        close(b->fd);
    }
    free(b->path);
    memset(b, 0, sizeof(*b));
    b->fd = -1;
}

bool bundle_is_at(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    uint8_t magic[8] = {0};
    uint64_t at, size;
    struct stat st;
    bool good = fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode);

    if (good) {
        find_in_file(fd, (uint64_t)st.st_size, &at, &size);
        good = pread(fd, magic, sizeof(magic), (off_t)at) == sizeof(magic) &&
               !memcmp(magic, BUNDLE_MAGIC, sizeof(magic));
    }
    if (fd >= 0) {
        close(fd);
    }
    return good;
}

int bundle_open_self(struct bundle *b)
{
    static const char self[] = "/proc/self/exe";
    int fd = open(self, O_RDONLY | O_CLOEXEC);
    uint64_t at, size;
    struct stat st;
    int packaged = fd >= 0 && !fstat(fd, &st) &&
                   find_in_file(fd, (uint64_t)st.st_size, &at, &size);

    if (fd >= 0) {
        close(fd);
    }
    if (!packaged) {
        return 0;
    }
    return bundle_open(self, b) ? -1 : 1;
}

bool bundle_is_signed(const struct bundle *b)
{
    static const uint8_t zero[sizeof(struct sgx_sigstruct)];

    return memcmp(b->sigstruct, zero, sizeof(zero)) != 0;
}

int bundle_set_sigstruct(const struct bundle *b,
                         const struct sgx_sigstruct *sig)
{
    int fd = open(b->path, O_WRONLY | O_CLOEXEC);
    bool good =
        fd >= 0 && pwrite(fd, sig, sizeof(*sig),
                          (off_t)(b->at + BUNDLE_SIGSTRUCT_AT)) == sizeof(*sig);

    good = fd >= 0 && !close(fd) && good;
    return good ? 0
                : image_error("cannot write %s: %s", b->path, strerror(errno));
}

int bundle_verify_kernel(const struct bundle *b)
{
    const struct bundle_header *h = b->header;

    return has_hash(b->kernel, h->kernel.size, h->kernel_hash)
               ? 0
               : flawed(b, "its kernel is damaged; get another copy");
}

int bundle_verify(const struct bundle *b)
{
    const struct bundle_header *h = b->header;

    if (bundle_verify_kernel(b)) {
        return -1;
    }
    return image_verify(b->path, b->fd, b->at + h->image.at, h->image.size,
                        b->policy->root_hash);
}
