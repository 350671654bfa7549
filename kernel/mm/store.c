/* SPDX-License-Identifier: MIT
 *
 * Stores: pages of an address space while another one of its family has their
 * addresses. Content is copied to runs of kernel pages, sorted by address, none
 * overlapping (save for those inserted twice, where the later one counts).
 */
#include "kernel/mm/room.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "arch/x86_64/arch.h"

enum { RUN_PAGES = 64, ROOM_LEAST = 32 };

static int make_room(struct store *s)
{
    unsigned room = MAX(s->room * 2, (unsigned)ROOM_LEAST);
    struct store_run *runs;

    if (s->count < s->room) {
        return 0;
    }
    runs = kmalloc(room * sizeof(*runs));
    if (!runs) {
        return -ENOMEM;
    }
    if (s->count) {
        memcpy(runs, s->runs, s->count * sizeof(*runs));
    }
    kfree(s->runs);
    s->runs = runs;
    s->room = room;
    return 0;
}

static int put(struct store *s, unsigned at, uint64_t start, uint32_t pages,
               void *buf)
{
    if (make_room(s)) {
        return -ENOMEM;
    }
    memmove(&s->runs[at + 1], &s->runs[at],
            (s->count - at) * sizeof(s->runs[0]));
    s->runs[at] = (struct store_run){start, pages, buf};
    s->count++;
    s->pages += pages;
    return 0;
}

/* The place behind all runs that begin at or below start. */
static unsigned place(const struct store *s, uint64_t start)
{
    unsigned at = s->count;

    while (at > 0 && s->runs[at - 1].start > start) {
        at--;
    }
    return at;
}

int store_insert(struct store *s, uint64_t start, uint64_t end)
{
    while (start < end) {
        uint32_t pages = MIN((end - start) / PAGE_SIZE, (uint64_t)RUN_PAGES);
        void *buf = page_alloc(pages);
        int err = buf ? put(s, place(s, start), start, pages, buf) : -ENOMEM;

        if (err) {
            page_free(buf, pages);
            return err;
        }
        if (arch_user_copy(buf, (const void *)start, pages * PAGE_SIZE)) {
            memset(buf, 0, pages * PAGE_SIZE);
            return -EFAULT;
        }
        start += pages * PAGE_SIZE;
    }
    return 0;
}

int store_add(struct store *s, uint64_t start, uint64_t end)
{
    return store_insert(s, start, end);
}

int store_note(struct store *s, uint64_t start, uint64_t end)
{
    return put(s, s->count, start, (uint32_t)((end - start) / PAGE_SIZE), NULL);
}

void store_free(struct store *s)
{
    for (unsigned i = 0; i < s->count; i++) {
        if (s->runs[i].buf) {
            page_free(s->runs[i].buf, s->runs[i].pages);
        }
    }
    kfree(s->runs);
    *s = (struct store){NULL, 0, 0, 0};
}
