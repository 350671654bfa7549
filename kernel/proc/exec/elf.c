/* SPDX-License-Identifier: MIT
 *
 * Reading and mapping ELF images. Headers were judged by elf_check.c; what is
 * left to go wrong here is I/O and room.
 *
 * A PT_LOAD becomes a private mapping of its file pages and anonymous zero
 * pages for the rest of its memory; the file's bytes behind filesz on the last
 * file page are cleared through user memory, so the mm must be current.
 */
#include "kernel/proc/exec/elf.h"
#include "abi/linux/errno.h"
#include "abi/linux/mman.h"
#include "kernel/fs/fs.h"
#include "kernel/mm/mm.h"

/* Between segments: kept for the image. */
#define GAP_MAX (1ull << 30)

/* Exactly len bytes, or -ENOEXEC when the file ends before. */
static int read_all(struct file *f, void *buf, size_t len, uint64_t off)
{
    uint8_t *to = buf;

    for (size_t done = 0; done < len;) {
        long n = file_pread_kernel(f, to + done, len - done, off + done);
        if (n < 0) {
            return (int)n;
        }
        if (n == 0) {
            return -ENOEXEC;
        }
        done += (size_t)n;
    }
    return 0;
}

int elf_read(struct file *f, struct elf_image *img)
{
    struct elf_header *h = &img->header;
    int err = read_all(f, h, sizeof(*h), 0);

    if (!err) {
        err = elf_check_header(h);
    }
    if (!err) {
        err =
            read_all(f, img->phdrs, h->phnum * sizeof(img->phdrs[0]), h->phoff);
    }
    return err ? err : elf_check_phdrs(img);
}

int elf_interp_path(struct file *f, const struct elf_image *img, char *buf)
{
    const struct elf_phdr *ph = &img->phdrs[img->interp];
    int err = read_all(f, buf, ph->filesz, ph->offset);

    if (err) {
        return err;
    }
    return buf[ph->filesz - 1] == '\0' ? 0 : -ENOEXEC;
}

static int prot_of(const struct elf_phdr *ph)
{
    return (ph->flags & ELF_PF_R ? PROT_READ : 0) |
           (ph->flags & ELF_PF_W ? PROT_WRITE : 0) |
           (ph->flags & ELF_PF_X ? PROT_EXEC : 0);
}

static int map_file(struct mm *mm, struct file *f, const struct elf_phdr *ph,
                    uint64_t start, uint64_t len)
{
    int prot = prot_of(ph);
    struct vm_object *obj;
    int err = file_object(f, prot, MAP_PRIVATE, &obj);

    if (err) {
        return err;
    }
    return mm_map(mm, &start, len, prot, MAP_PRIVATE | MAP_FIXED, obj,
                  ALIGN_DOWN(ph->offset, PAGE_SIZE));
}

static int map_load(struct mm *mm, struct file *f, const struct elf_phdr *ph,
                    uint64_t bias)
{
    uint64_t start = ALIGN_DOWN(bias + ph->vaddr, PAGE_SIZE);
    uint64_t file_end = bias + ph->vaddr + ph->filesz;
    uint64_t end = ALIGN_UP(bias + ph->vaddr + ph->memsz, PAGE_SIZE);
    uint64_t bss = ph->filesz ? ALIGN_UP(file_end, PAGE_SIZE) : start;
    int err = 0;

    if (bss > start) {
        err = map_file(mm, f, ph, start, bss - start);
    }
    if (!err && end > bss) {
        err = mm_map(mm, &bss, end - bss,
                     PROT_READ | PROT_WRITE | (prot_of(ph) & PROT_EXEC),
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
    }
    /* A segment that cannot be written keeps its tail, as on Linux. */
    if (!err && ph->filesz && ph->memsz > ph->filesz && bss > file_end &&
        (ph->flags & ELF_PF_W)) {
        err = zero_user(uptr(file_end), bss - file_end);
    }
    return err;
}

/* The addresses of a program that has no choice: all from the first to the
 * last, but for large gaps, in which others live (proot's loader has its
 * headers low and its code high). Segments out of order get no gaps. */
static int take_places(struct mm *mm, const struct elf_image *img)
{
    uint64_t start = img->low, end = start;
    int err = 0;

    for (int i = 0; i < img->header.phnum && !err; i++) {
        const struct elf_phdr *ph = &img->phdrs[i];
        uint64_t at = ALIGN_DOWN(ph->vaddr, PAGE_SIZE);

        if (ph->type != ELF_PT_LOAD || !ph->memsz) {
            continue;
        }
        if (at < start) {
            return mm_take_fixed(mm, img->low, img->high);
        }
        if (end > start && at > end && at - end > GAP_MAX) {
            err = mm_take_fixed(mm, start, end);
            start = at;
        }
        end = MAX(end, ALIGN_UP(ph->vaddr + ph->memsz, PAGE_SIZE));
    }
    return err ? err : mm_take_fixed(mm, start, end);
}

int elf_map(struct mm *mm, struct file *f, struct elf_image *img)
{
    int err;

    if (img->header.type == ELF_TYPE_DYN) {
        uint64_t base;

        err = mm_reserve_image(mm, img->high - img->low, img->align, &base);
        if (err) {
            return err;
        }
        img->bias = base - img->low;
    } else {
        err = take_places(mm, img);
        if (err) {
            return err;
        }
    }
    for (int i = 0; i < img->header.phnum; i++) {
        const struct elf_phdr *ph = &img->phdrs[i];

        if (ph->type == ELF_PT_LOAD && ph->memsz) {
            err = map_load(mm, f, ph, img->bias);
            if (err) {
                return err;
            }
        }
    }
    return 0;
}
