/* SPDX-License-Identifier: MIT
 *
 * The vDSO in an address space (arch/x86_64/vdso/): a page of data that the
 * program reads and we write, then the image, a mapping like that of any
 * shared object but from the kernel's own bytes.
 *
 * Each address space has a data page of its own. It is written through user
 * memory, so only the current one can be brought up to date: enough as long as
 * there is one process.
 */
#include "kernel/proc/room.h"
#include "abi/linux/mman.h"
#include "arch/x86_64/vdso/vdso.h"
#include "arch/x86_64/vdso/vdso_data.h"
#include "lib/string.h"
#include "target/target.h"

/* ---- the image as something to map ---- */

static void image_ref(struct vm_object *o)
{
}

static long image_read(struct vm_object *o, uint64_t off, void *dst, size_t len)
{
    uint64_t size = (uint64_t)(vdso_image_end - vdso_image);
    uint64_t n = off < size ? MIN(size - off, (uint64_t)len) : 0;

    memcpy(dst, vdso_image + off, n);
    memset((uint8_t *)dst + n, 0, len - n);
    return (long)n;
}

static void image_describe(struct vm_object *o, char *path, size_t len,
                           uint64_t *dev, uint64_t *ino)
{
    strlcpy(path, "[vdso]", len);
    *dev = *ino = 0;
}

static const struct vm_object_ops image_ops = {
    .get = image_ref,
    .put = image_ref,
    .read = image_read,
    .describe = image_describe,
};
static struct vm_object image = {&image_ops};

/* ---- the data page ---- */

static void fill(struct vdso_data *data)
{
    struct target_clock c;

    target_clock_info(&c);
    vdso_data_write(data, c.base_tsc, c.base_ns, c.mult, c.shift,
                    clock_realtime_offset());
}

static int map_data(struct mm *mm, uint64_t at)
{
    struct vdso_data data = {.seq = 0};
    int err = mm_map(mm, &at, PAGE_SIZE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);

    fill(&data);
    if (!err) {
        err = copy_to_user(uptr(at), &data, sizeof(data));
    }
    if (!err) {
        err = mm_protect(mm, at, PAGE_SIZE, PROT_READ);
        mm_name(mm, at, MM_VVAR);
    }
    return err;
}

int vdso_map(struct mm *mm, uint64_t *base)
{
    uint64_t size = (uint64_t)(vdso_image_end - vdso_image), at;
    int err = mm_reserve_image(mm, PAGE_SIZE + size, PAGE_SIZE, &at);

    if (!err) {
        err = map_data(mm, at);
    }
    if (err) {
        return err;
    }
    *base = at + PAGE_SIZE;
    err = mm_map(mm, base, size, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED,
                 &image, 0);
    mm_name(mm, *base, MM_VDSO);
    mm_layout(mm)->vdso = *base;
    return err;
}

/* Readers on other vCPUs see an odd seq from the first write to the last. */
static int rewrite(struct uptr at)
{
    struct vdso_data data;
    int err = copy_from_user(&data, at, sizeof(data));

    if (err) {
        return err;
    }
    fill(&data);
    err = put_user32(at, data.seq - 1);
    if (!err) {
        size_t skip = offsetof(struct vdso_data, use_tsc);

        err = copy_to_user(uptr_add(at, skip), (uint8_t *)&data + skip,
                           sizeof(data) - skip);
    }
    return err ? err : put_user32(at, data.seq);
}

void vdso_update(void)
{
    struct mm *mm = current_task()->mm;
    uint64_t at = mm_layout(mm)->vdso - PAGE_SIZE;

    /* A program that unmapped its vDSO gets no news. */
    if (mm_layout(mm)->vdso &&
        mm_protect(mm, at, PAGE_SIZE, PROT_READ | PROT_WRITE) == 0) {
        (void)rewrite(uptr(at));
        (void)mm_protect(mm, at, PAGE_SIZE, PROT_READ);
    }
}
