/* SPDX-License-Identifier: MIT
 *
 * See shown_file.h.
 */
#include "kernel/mm/tests/shown_file.h"
#include "kernel/mm/heap.h"

static struct shown_file *file_of(struct vm_object *o)
{
    return container_of(o, struct shown_file, object);
}

static void file_get(struct vm_object *o)
{
    struct shown_file *f = file_of(o);

    f->refs++;
    if (f->on_get) {
        f->on_get();
    }
}

static void file_put(struct vm_object *o)
{
    file_of(o)->refs--;
}

/* How much of len bytes from off on there is. */
static size_t part(const struct shown_file *f, uint64_t off, size_t len)
{
    uint64_t size = f->page_count * PAGE_SIZE;

    return off < size ? MIN(len, size - off) : 0;
}

static long file_read(struct vm_object *o, uint64_t off, void *dst, size_t len)
{
    struct shown_file *f = file_of(o);
    size_t n = part(f, off, len);

    f->reads++;
    memcpy(dst, f->pages + off, n);
    return (long)n;
}

static size_t file_run(struct vm_object *o, uint64_t *off, size_t len,
                       bool load, char **at)
{
    struct shown_file *f = file_of(o);
    size_t n = f->hidden ? 0 : part(f, *off, len);

    *at = f->pages + *off;
    page_get(*at, n / PAGE_SIZE);
    return n;
}

static struct text_anchor *file_texts(struct vm_object *o, uint64_t *size)
{
    *size = file_of(o)->page_count * PAGE_SIZE;
    return file_of(o)->changes ? NULL : &file_of(o)->texts;
}

static int file_window(struct vm_object *o, uint64_t min_len, uint64_t *base)
{
    *base = file_of(o)->window;
    return 0;
}

static const void *file_content(struct vm_object *o)
{
    return file_of(o);
}

static void file_describe(struct vm_object *o, char *path, size_t len,
                          uint64_t *dev, uint64_t *ino)
{
    path[0] = '\0';
}

static const struct vm_object_ops file_ops = {
    .get = file_get,
    .put = file_put,
    .read = file_read,
    .run = file_run,
    .texts = file_texts,
    .window = file_window,
    .content = file_content,
    .describe = file_describe,
};

void shown_reset(void)
{
    support_reset();
    support_can_show();
    heap_init(support_kernel_start(), support_kernel_shown(),
              support_kernel_shown(), support_kernel_end(), 0);
    mm_init(support_user_start(), support_user_end(), support_user_shown(),
            true);
}

void shown_file_init(struct shown_file *f, unsigned page_count)
{
    *f = (struct shown_file){.object.ops = &file_ops,
                             .pages = page_share_alloc(page_count),
                             .page_count = page_count};
    text_anchor_init(&f->texts);
}
