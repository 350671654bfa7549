/* SPDX-License-Identifier: MIT
 *
 * Intrusive, circular, doubly linked list. The same struct is the head and
 * the link inside an element; an element is in at most one list per link.
 *
 *     struct task { struct list queue_link; ... };
 *     struct list queue;
 *     list_init(&queue);
 *     list_add_tail(&queue, &task->queue_link);
 *     list_for_each (pos, &queue) {
 *         struct task *t = list_entry(pos, struct task, queue_link);
 *     }
 *
 * A link that list_init() or list_del() touched last is "empty", which tells
 * whether its element is in a list. Locking is the caller's.
 */
#ifndef LIB_LIST_H
#define LIB_LIST_H

#include "lib/types.h"

struct list {
    struct list *next, *prev;
};

#define LIST_INIT(name)                                                        \
    {                                                                          \
        &(name), &(name)                                                       \
    }

static inline void list_init(struct list *head)
{
    head->next = head;
    head->prev = head;
}

static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}

static inline void list_insert_between(struct list *link, struct list *prev,
                                       struct list *next)
{
    link->prev = prev;
    link->next = next;
    prev->next = link;
    next->prev = link;
}

/* Puts link first. With an element as head: right after that element. */
static inline void list_add(struct list *head, struct list *link)
{
    list_insert_between(link, head, head->next);
}

/* Puts link last. With an element as head: right before that element. */
static inline void list_add_tail(struct list *head, struct list *link)
{
    list_insert_between(link, head->prev, head);
}

/* Takes link out and leaves it empty. Harmless on an empty link. */
static inline void list_del(struct list *link)
{
    struct list *prev = link->prev, *next = link->next; /* read once */

    prev->next = next;
    next->prev = prev;
    list_init(link);
}

/* The first or last link, NULL when the list is empty. */
static inline struct list *list_first(const struct list *head)
{
    return list_empty(head) ? NULL : head->next;
}

static inline struct list *list_last(const struct list *head)
{
    return list_empty(head) ? NULL : head->prev;
}

/* Takes the first link out; NULL when the list is empty. */
static inline struct list *list_pop(struct list *head)
{
    struct list *link = list_first(head);
    if (link) {
        list_del(link);
    }
    return link;
}

/* Appends all of from to head, leaving from empty. */
static inline void list_splice_tail(struct list *head, struct list *from)
{
    if (list_empty(from)) {
        return;
    }
    from->next->prev = head->prev;
    head->prev->next = from->next;
    from->prev->next = head;
    head->prev = from->prev;
    list_init(from);
}

#define list_entry(link, type, member) container_of(link, type, member)

/* The body may not take pos out; list_for_each_safe may. */
#define list_for_each(pos, head)                                               \
    for (struct list *pos = (head)->next; pos != (head); pos = pos->next)

#define list_for_each_safe(pos, head)                                          \
    for (struct list *pos = (head)->next, *pos##_next = pos->next;             \
         pos != (head); pos = pos##_next, pos##_next = pos->next)

#endif
