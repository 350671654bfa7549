/* SPDX-License-Identifier: MIT
 *
 * Writing bundles and packages: under another name first, then renamed.
 */
#include "tools/bundle/bundle.h"
#include "tools/image/image.h"
#include "tools/image/util.h"
#include "tools/policy/policy.h"
#include "tools/image/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int cannot_write(const char *path)
{
    return image_error("cannot write %s: %s", path, strerror(errno));
}

static int write_at(int fd, uint64_t at, const void *bytes, uint64_t len)
{
    for (uint64_t done = 0; done < len;) {
        ssize_t n = pwrite(fd, (const char *)bytes + done, len - done,
                           (off_t)(at + done));

        if (n <= 0) {
            return -1;
        }
        done += (uint64_t)n;
    }
    return 0;
}

static int copy_at(int to, uint64_t to_at, int from, uint64_t from_at,
                   uint64_t len)
{
    static char buffer[1 << 20];

    while (len) {
        size_t want = len < sizeof(buffer) ? len : sizeof(buffer);
        ssize_t n = pread(from, buffer, want, (off_t)from_at);

        if (n <= 0 || write_at(to, to_at, buffer, (uint64_t)n)) {
            errno = n == 0 ? EIO : errno;
            return -1;
        }
        to_at += (uint64_t)n;
        from_at += (uint64_t)n;
        len -= (uint64_t)n;
    }
    return 0;
}

/* ---- a file that appears when it is complete ---- */

struct output {
    const char *path;
    char *temp;
    int fd;
};

static int output_open(struct output *o, const char *path, mode_t mode)
{
    o->path = path;
    if (asprintf(&o->temp, "%s.%d.tmp", path, (int)getpid()) < 0) {
        return image_error("out of memory");
    }
    o->fd = open(o->temp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (o->fd < 0) {
        free(o->temp);
        return cannot_write(path);
    }
    return 0;
}

static int output_close(struct output *o, int err)
{
    if (close(o->fd) || (!err && rename(o->temp, o->path))) {
        err = err ? err : cannot_write(o->path);
    }
    if (err) {
        unlink(o->temp);
    }
    free(o->temp);
    return err;
}

/* ---- bundles ---- */

struct inputs {
    const void *kernel;
    uint64_t kernel_size;
    int image_fd;
    uint64_t image_size;
    struct policy *policy;
};

static int map_kernel(const char *path, struct inputs *in)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    void *p;

    if (fd < 0 || fstat(fd, &st)) {
        return image_error("cannot read the enclave's kernel %s: %s", path,
                           strerror(errno));
    }
    p = st.st_size > 0 && st.st_size <= BUNDLE_KERNEL_MAX
            ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)
            : MAP_FAILED;
    close(fd);
    if (p == MAP_FAILED) {
        return image_error("%s: no kernel of 1 byte to 64 MiB", path);
    }
    in->kernel = p;
    in->kernel_size = (uint64_t)st.st_size;
    return 0;
}

static int fill_header(const struct inputs *in, struct bundle_header *h)
{
    struct sgx_secs *secs = malloc(sizeof(*secs));
    int err;

    memcpy(h->magic, BUNDLE_MAGIC, sizeof(h->magic));
    h->version = BUNDLE_VERSION;
    h->kernel = (struct bundle_part){BUNDLE_KERNEL_AT, in->kernel_size};
    h->policy = (struct bundle_part){
        bundle_align(h->kernel.at + h->kernel.size), in->policy->size};
    h->image =
        (struct bundle_part){h->policy.at + h->policy.size, in->image_size};
    h->size = h->image.at + h->image.size;
    hash_of(in->kernel, in->kernel_size, h->kernel_hash);
    hash_of(in->policy, in->policy->size, h->policy_hash);
    err = secs ? bundle_measure(in->kernel, in->kernel_size, in->policy,
                                h->mrenclave, secs)
               : image_error("out of memory");
    free(secs);
    hash_of(h, offsetof(struct bundle_header, checksum), h->checksum);
    return err;
}

static int write_parts(struct output *o, const struct inputs *in)
{
    static struct bundle_header h;

    memset(&h, 0, sizeof(h));
    if (fill_header(in, &h)) {
        return -1;
    }
    if (ftruncate(o->fd, (off_t)h.size) || write_at(o->fd, 0, &h, sizeof(h)) ||
        write_at(o->fd, h.kernel.at, in->kernel, h.kernel.size) ||
        write_at(o->fd, h.policy.at, in->policy, h.policy.size) ||
        copy_at(o->fd, h.image.at, in->image_fd, 0, h.image.size)) {
        return cannot_write(o->path);
    }
    return 0;
}

int bundle_write(const char *out, const char *kernel, const char *image,
                 struct policy_spec *spec)
{
    struct image_trailer trailer;
    struct inputs in = {.image_fd = -1};
    struct output o;
    int err = map_kernel(kernel, &in);

    err = err ? err : image_open(image, &in.image_fd, &in.image_size, &trailer);
    if (!err) {
        spec->fixed.image_size = in.image_size;
        memcpy(spec->fixed.root_hash, trailer.root_hash, 32);
        err = policy_compile(spec, &in.policy);
    }
    if (!err) {
        err = output_open(&o, out, 0666);
        err = err ? err : output_close(&o, write_parts(&o, &in));
    }
    if (in.image_fd >= 0) {
        close(in.image_fd);
    }
    if (in.kernel) {
        munmap((void *)in.kernel, in.kernel_size);
    }
    free(in.policy);
    return err;
}

/* ---- packages ---- */

/* The program's own size: without the bundle, should it be a package. */
static int program_size(int fd, uint64_t *size)
{
    struct package_trailer t;
    struct stat st;

    if (fstat(fd, &st)) {
        return -1;
    }
    *size = (uint64_t)st.st_size;
    if (*size > sizeof(t) &&
        pread(fd, &t, sizeof(t), (off_t)(*size - sizeof(t))) == sizeof(t) &&
        !memcmp(t.magic, PACKAGE_MAGIC, sizeof(t.magic)) && t.at < *size) {
        *size = t.at;
    }
    return 0;
}

static int write_package(struct output *o, const struct bundle *b, int self)
{
    struct package_trailer t = {.magic = PACKAGE_MAGIC};
    uint64_t size;

    if (program_size(self, &size)) {
        return -1;
    }
    t.at = bundle_align(size);
    t.size = b->header->size;
    memcpy(t.header_checksum, b->header->checksum, 32);
    return copy_at(o->fd, 0, self, 0, size) ||
                   copy_at(o->fd, t.at, b->fd, b->at, t.size) ||
                   write_at(o->fd, t.at + t.size, &t, sizeof(t))
               ? -1
               : 0;
}

int bundle_package(const struct bundle *b, const char *self, const char *out)
{
    int fd = open(self, O_RDONLY | O_CLOEXEC), err;
    struct output o;

    if (fd < 0) {
        return image_error("cannot read %s: %s", self, strerror(errno));
    }
    err = output_open(&o, out, 0777);
    if (!err) {
        err = write_package(&o, b, fd) ? cannot_write(out) : 0;
        err = output_close(&o, err);
    }
    close(fd);
    return err;
}
