/* SPDX-License-Identifier: MIT
 *
 * kernel/mm/heap.h over malloc, so that the sanitizers know every object of
 * the room under test; heap_fail_after() as the real one has it.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "arch/x86_64/arch.h"
#include "kernel/mm/heap.h"

static uint64_t fail_in;
static struct heap_stats stats;

void heap_init(uint64_t start, uint64_t end, uint64_t shown, uint64_t shown_end,
               uint64_t limit)
{
}

void heap_fail_after(uint64_t n)
{
    fail_in = n;
}

bool heap_reclaim(void)
{
    return false;
}

bool heap_low(void)
{
    return false;
}

void heap_get_stats(struct heap_stats *out)
{
    *out = stats;
}

static void *allocate(size_t align, size_t size)
{
    void *p = NULL;

    if (fail_in && --fail_in == 0) {
        return NULL;
    }
    return posix_memalign(&p, align, size) ? NULL : p;
}

void *kmalloc(size_t size)
{
    size_t align = 16;

    if (size && IS_ALIGNED(size, PAGE_SIZE)) {
        align = PAGE_SIZE;
    } else if (size >= 64) {
        align = 64;
    }
    return allocate(align, size ? size : 1);
}

void *kzalloc(size_t size)
{
    void *p = kmalloc(size);

    return p ? memset(p, 0, size) : NULL;
}

void kfree(void *p)
{
    free(p);
}

char *kstrdup(const char *s)
{
    size_t len = strlen(s) + 1;
    char *p = kmalloc(len);

    return p ? memcpy(p, s, len) : NULL;
}

void *page_alloc(size_t count)
{
    return allocate(PAGE_SIZE, count * PAGE_SIZE);
}

void page_free(void *p, size_t count)
{
    free(p);
}

/* ---- counted pages: a list by hash says how often ---- */

static struct counted {
    struct counted *next;
    const void *page;
    unsigned refs;
} * counts[1024]; /* under counts_lock */
static pthread_mutex_t counts_lock = PTHREAD_MUTEX_INITIALIZER;

static struct counted **counted_at(const void *page)
{
    struct counted **at = &counts[(uint64_t)page / PAGE_SIZE % 1024];

    while (*at && (*at)->page != page) {
        at = &(*at)->next;
    }
    return at;
}

static uint32_t changes;

/* Single ones only: who wants more must do with that. */
void *page_share_alloc(size_t count)
{
    void *page = count == 1 ? allocate(PAGE_SIZE, PAGE_SIZE) : NULL;
    struct counted *c = page ? calloc(1, sizeof(*c)) : NULL;

    if (c) {
        pthread_mutex_lock(&counts_lock);
        *c = (struct counted){*counted_at(page), page, 1};
        *counted_at(page) = c;
        pthread_mutex_unlock(&counts_lock);
    }
    return page;
}

static uint64_t uncounted, uncounted_len;

void heap_set_uncounted(uint64_t start, uint64_t len)
{
    uncounted = start;
    uncounted_len = len;
}

static bool is_uncounted(const void *p)
{
    return (uint64_t)p - uncounted < uncounted_len;
}

void page_get(const void *p, size_t count)
{
    if (is_uncounted(p)) {
        return;
    }
    pthread_mutex_lock(&counts_lock);
    for (const char *at = p; count--; at += PAGE_SIZE) {
        (*counted_at(at))->refs++;
    }
    pthread_mutex_unlock(&counts_lock);
}

void page_put(void *p, size_t count)
{
    if (is_uncounted(p)) {
        return;
    }
    pthread_mutex_lock(&counts_lock);
    for (char *at = p; count--; at += PAGE_SIZE) {
        struct counted **c = counted_at(at), *gone = *c;

        if (--gone->refs == 0) {
            *c = gone->next;
            free(gone);
            free(at);
        }
    }
    pthread_mutex_unlock(&counts_lock);
}

uint32_t page_refs(const void *p)
{
    uint32_t refs;

    if (is_uncounted(p)) {
        return 2;
    }
    pthread_mutex_lock(&counts_lock);
    refs = (*counted_at(p))->refs;
    pthread_mutex_unlock(&counts_lock);
    return refs;
}

void page_changed(const void *p)
{
    if (page_refs(p) > 1) {
        __atomic_fetch_add(&changes, 1, __ATOMIC_SEQ_CST);
    }
}

uint32_t page_changes(void)
{
    return __atomic_load_n(&changes, __ATOMIC_SEQ_CST);
}

void *kstack_alloc(void)
{
    return allocate(PAGE_SIZE, KSTACK_SIZE);
}

void kstack_free(void *stack)
{
    free(stack);
}
