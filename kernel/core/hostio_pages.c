/* SPDX-License-Identifier: MIT
 *
 * Whole pages of host files. Of the image, which the host may show us as memory
 * (boot_info.image_map), pages that are going to be shown come by one copy,
 * from the host's cache to their place; all else through a bounce buffer.
 * Either way they are copied once, and then checked by who wanted them
 * (verity).
 */
#include "kernel/core/hostio.h"
#include "kernel/core/hostio_ring.h"
#include "kernel/kernel.h"
#include "target/target.h"
#include "abi/linux/errno.h"

static struct {
    int fd; /* of what is shown at map */
    uint64_t map, map_len;
    uint64_t shown, shown_end; /* the kernel's memory that can be shown */
} image;

void hostio_pages_init(const struct boot_info *info)
{
    image.fd = info->image_fd;
    image.map = info->image_map;
    image.map_len = info->image_map ? info->image_map_len : 0;
    image.shown = info->kernel_shown;
    image.shown_end = info->kernel_shown ? info->kernel_end : 0;
}

/* How many of pages lie in a row, from the first on. */
static unsigned row_of(void *const pages[], unsigned count)
{
    unsigned n = 1;

    while (n < count && (char *)pages[n] == (char *)pages[0] + n * PAGE_SIZE) {
        n++;
    }
    return n;
}

static bool can_be_shown(const void *page)
{
    return (uint64_t)page - image.shown < image.shown_end - image.shown;
}

void hostio_pages_due(void *const pages[], unsigned count)
{
    for (unsigned i = 0, n; i < count; i += n) {
        n = row_of(pages + i, count - i);
        if (n > 1 && can_be_shown(pages[i])) {
            target_mem_commit((uint64_t)pages[i], n * PAGE_SIZE,
                              MEM_READ | MEM_WRITE);
        }
    }
}

/* All of them at once; or not at all, as far as anybody may rely on. */
static bool take_shown(int fd, void *const pages[], unsigned count, int64_t off)
{
    size_t len = count * PAGE_SIZE;

    if (fd != image.fd || (uint64_t)off > image.map_len ||
        len > image.map_len - (uint64_t)off) {
        return false;
    }
    for (unsigned i = 0, n; i < count; i += n) {
        n = row_of(pages + i, count - i);
        if (!can_be_shown(pages[i]) ||
            target_mem_install(
                (uint64_t)pages[i],
                (void *)(image.map + (uint64_t)off + i * PAGE_SIZE),
                n * PAGE_SIZE, MEM_READ | MEM_WRITE)) {
            return false;
        }
    }
    return true;
}

int64_t hostio_read_pages(int fd, void *const pages[], unsigned count,
                          int64_t off)
{
    struct hostio_read r = {.len = count * PAGE_SIZE, .off = off};

    if (take_shown(fd, pages, count, off)) {
        hostio_count(r.len, 0);
        return ring_fails() ? -EIO : (int64_t)r.len;
    }
    r.buffer = buffer_get(r.len);
    hostio_reads(fd, &r, 1);
    hostio_pages_due(pages, r.result > 0 ? count : 0);
    for (int64_t at = 0; at < r.result; at += PAGE_SIZE) {
        hostio_receive(&r.buffer, at, pages[at / PAGE_SIZE],
                       MIN((size_t)(r.result - at), PAGE_SIZE));
    }
    buffer_put(&r.buffer);
    return r.result;
}
