/* SPDX-License-Identifier: MIT
 *
 * procfs: /proc/PID/pagemap, a word for each page of an address space: whether
 * it is there, and whether it is a file's or shared. Frames have no numbers
 * here, as for who may not see them on Linux. Opened as /proc/PID/mem is.
 */
#include "kernel/fs/procfs/procfs.h"
#include "kernel/fs/file.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/errno.h"

#define PAGE_PRESENT   (1ull << 63)
#define PAGE_OF_FILE   (1ull << 61) /* or shared */
#define PAGE_PROTECTED (1ull << 57) /* UFFDIO_WRITEPROTECT */

enum { WORD = 8, WORDS = 512 }; /* at once */

struct part {
    struct mm *mm;
    uint64_t start, end; /* addresses */
    uint64_t words[WORDS];
    uint8_t seen[WORDS];
};

static void mark(const struct mm_region *r, void *arg)
{
    struct part *part = arg;
    uint64_t from = MAX(r->start, part->start), to = MIN(r->end, part->end);

    for (uint64_t a = from; a < to && (r->ino || r->shared); a += PAGE_SIZE) {
        uint64_t *word = &part->words[(a - part->start) / PAGE_SIZE];

        *word |= *word & PAGE_PRESENT ? PAGE_OF_FILE : 0;
    }
}

static void look(struct part *part)
{
    uint64_t count = (part->end - part->start) / PAGE_SIZE;

    mm_look(part->mm, part->start, count, false, part->seen);
    for (uint64_t i = 0; i < count; i++) {
        part->words[i] |= part->seen[i] & MM_THERE ? PAGE_PRESENT : 0;
        part->words[i] |= part->seen[i] & MM_PROTECTED ? PAGE_PROTECTED : 0;
    }
    mm_for_each(part->mm, false, mark, part);
}

/* The words from number `first` on; how many bytes of them. */
static long put_part(struct part *part, struct iobuf *io, uint64_t first)
{
    uint64_t most = USER_ADDRESS_END / PAGE_SIZE;
    uint64_t count = MIN(io->left / WORD, (uint64_t)WORDS);

    count = first < most ? MIN(count, most - first) : 0;
    part->start = first * PAGE_SIZE;
    part->end = (first + count) * PAGE_SIZE;
    memset(part->words, 0, count * WORD);
    look(part);
    return count ? iobuf_put(io, part->words, count * WORD) : 0;
}

static long pagemap_read(struct file *f, struct iobuf *io, uint64_t *pos,
                         int flags)
{
    struct mm *mm = f->private;
    struct part *part;
    long n = 0, done = 0;

    if (*pos % WORD || io->left % WORD) {
        return -EINVAL;
    }
    part = kmalloc(sizeof(*part));
    if (!part) {
        return -ENOMEM;
    }
    part->mm = mm;
    while (io->left && mm_alive(mm) &&
           (n = put_part(part, io, *pos / WORD)) > 0) {
        *pos += (uint64_t)n;
        done += n;
    }
    kfree(part);
    return done ? done : n;
}

static void pagemap_release(struct file *f)
{
    mm_put(f->private);
}

const struct file_ops proc_pagemap_ops = {
    .read = pagemap_read,
    .seek = proc_mem_seek,
    .release = pagemap_release,
};
