/* SPDX-License-Identifier: MIT
 *
 * Kernel stacks: KSTACK_SIZE bytes above one no-access page, so that a stack
 * that overflows faults instead of eating its neighbour. Changing a page's
 * permissions is a host call, hence stacks that were freed are kept whole, a
 * bounded number of them, linked through their last bytes.
 */
#include "kernel/mm/heap.h"
#include "kernel/core/lock.h"
#include "arch/x86_64/arch.h"
#include "target/target.h"

enum { STACK_PAGES = 1 + KSTACK_SIZE / PAGE_SIZE, KEEP_STACKS = 128 };

struct idle_stack {
    struct idle_stack *next;
};

/* LOCK_HEAP: the two below. */
static struct spinlock stacks_lock = SPINLOCK_INIT(LOCK_HEAP);
static struct idle_stack *idle;
static unsigned idle_count;

static struct idle_stack *stack_link(void *stack)
{
    return (struct idle_stack *)((char *)stack + KSTACK_SIZE) - 1;
}

void *kstack_alloc(void)
{
    struct idle_stack *link;
    char *pages;

    spin_lock(&stacks_lock);
    link = idle;
    if (link) {
        idle = link->next;
        idle_count--;
    }
    spin_unlock(&stacks_lock);
    if (link) {
        return (char *)(link + 1) - KSTACK_SIZE;
    }
    pages = page_alloc(STACK_PAGES);
    if (!pages) {
        return NULL;
    }
    if (target_mem_protect((uint64_t)pages, PAGE_SIZE, 0)) {
        page_free(pages, STACK_PAGES);
        return NULL;
    }
    return pages + PAGE_SIZE;
}

void kstack_free(void *stack)
{
    struct idle_stack *link;
    char *pages;
    bool keep;

    if (!stack) {
        return;
    }
    pages = (char *)stack - PAGE_SIZE;
    link = stack_link(stack);
    spin_lock(&stacks_lock);
    keep = idle_count < KEEP_STACKS;
    if (keep) {
        link->next = idle;
        idle = link;
        idle_count++;
    }
    spin_unlock(&stacks_lock);
    /* Should the target refuse, the guard stays and the stack is lost. */
    if (!keep && target_mem_protect((uint64_t)pages, PAGE_SIZE,
                                    MEM_READ | MEM_WRITE) == 0) {
        page_free(pages, STACK_PAGES);
    }
}
