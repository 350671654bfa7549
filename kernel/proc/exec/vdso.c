/* SPDX-License-Identifier: MIT
 *
 * The vDSO in an address space (arch/x86_64/vdso/): a page of data that the
 * program reads and we write, then the image, a mapping like that of any
 * shared object but from the kernel's own bytes.
 *
 * Each address space has a data page of its own. It is written through user
 * memory, so only the current one can be brought up to date: whenever it is on
 * its way to user code by the long way, or asks the kernel for the time.
 */
#include "kernel/proc/room.h"
#include "abi/linux/mman.h"
#include "arch/x86_64/vdso/vdso.h"
#include "arch/x86_64/vdso/vdso_data.h"
#include "kernel/mm/text/text_image.h"
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

static struct text_anchor image_texts = {.images =
                                             LIST_INIT(image_texts.images)};

static struct text_anchor *image_text(struct vm_object *o, uint64_t *size)
{
    *size = (uint64_t)(vdso_image_end - vdso_image);
    return &image_texts;
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
    .texts = image_text,
    .describe = image_describe,
};
static struct vm_object image = {&image_ops};

/* ---- the data page ---- */

/* One writer; taken before an address space's lock. */
static struct mutex update_lock = {.lock = SPINLOCK_INIT(LOCK_WAIT),
                                   .waiters = LIST_INIT(update_lock.waiters),
                                   .lock_class = LOCK_FS_DIR};

/* Which line is in there. */
static uint32_t fill(struct vdso_data *data)
{
    struct target_clock c;
    uint32_t turn = clock_turn_begin(&c);
    int64_t offset = clock_realtime_offset();

    clock_turn_end();
    vdso_data_write(data, c.base_tsc, c.base_ns, c.mult, c.shift, offset);
    return turn;
}

static int write_data(struct mm *mm, uint64_t at)
{
    struct vdso_data data = {.seq = 0};
    int err;

    mm_layout(mm)->clock_turn = fill(&data);
    err = copy_to_user(uptr(at), &data, sizeof(data));
    return err ? err : mm_protect(mm, at, PAGE_SIZE, PROT_READ);
}

/* One that an earlier run of the program had is as good if the clock has not
 * turned since, unless the program wrote to it: then it is all zero. */
static int map_data(struct mm *mm, uint64_t at)
{
    bool found = mm_layout(mm)->clock_turn == clock_turns() && mm_finds(mm, at);
    int prot = found ? PROT_READ : PROT_READ | PROT_WRITE;
    uint32_t seq = 0;
    int err = mm_map(mm, &at, PAGE_SIZE, prot,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);

    if (!err && prot == PROT_READ) {
        err = get_user32(&seq, uptr(at));
    }
    if (!err && !seq && prot == PROT_READ) {
        err = mm_protect(mm, at, PAGE_SIZE, PROT_READ | PROT_WRITE);
    }
    if (!err && !seq) {
        err = write_data(mm, at);
    }
    mm_name(mm, at, MM_VVAR);
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

/* Without blocking. False: the program took its page away. */
static bool put_word(struct uptr at, size_t offset, uint32_t word)
{
    uint32_t old;

    return user_rmw32_nofault(uptr_add(at, offset), USER_SET, word, &old) == 0;
}

/* Readers on other vCPUs see an odd seq from the first write to the last. The
 * kernel's own line turns meanwhile. */
static uint32_t rewrite(struct uptr at, uint32_t seq)
{
    struct vdso_data data = {.seq = seq};
    struct target_clock c;
    uint32_t words[sizeof(data) / sizeof(uint32_t)], turn;
    bool there = put_word(at, 0, seq + 1);

    turn = clock_turn_begin(&c);
    vdso_data_write(&data, c.base_tsc, c.base_ns, c.mult, c.shift,
                    clock_realtime_offset());
    memcpy(words, &data, sizeof(data));
    for (size_t i = 1; there && i < ARRAY_SIZE(words); i++) {
        there = put_word(at, i * sizeof(uint32_t), words[i]);
    }
    clock_turn_end();
    put_word(at, 0, seq + 2);
    return turn;
}

void vdso_update(void)
{
    struct mm *mm = current_task()->mm;
    struct mm_layout *l = mm_layout(mm);
    uint64_t at = l->vdso - PAGE_SIZE;
    uint32_t seq;
    int prot;

    /* A program that unmapped its vDSO gets no news. */
    if (!l->vdso) {
        return;
    }
    mutex_lock(&update_lock);
    if (mm_unprotect(mm, at, &prot) == 0) {
        if (get_user32(&seq, uptr(at)) == 0) {
            l->clock_turn = rewrite(uptr(at), seq & ~1u);
        }
        (void)mm_protect(mm, at, PAGE_SIZE, prot);
    }
    mutex_unlock(&update_lock);
}

void vdso_refresh(void)
{
    struct mm_layout *l = mm_layout(current_task()->mm);

    if (l->vdso && (clock_is_behind() || l->clock_turn != clock_turns())) {
        vdso_update();
    }
}
