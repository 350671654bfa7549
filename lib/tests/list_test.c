/* SPDX-License-Identifier: MIT
 *
 * lib/list.h: order, re-initialisation on removal, safe iteration.
 */
#include "lib/list.h"
#include "lib/tests/unit.h"

struct item {
    int value;
    struct list link;
};

static int sum_in_order(struct list *head)
{
    int sum = 0;
    list_for_each (pos, head) {
        sum = sum * 10 + list_entry(pos, struct item, link)->value;
    }
    return sum;
}

static void list_keeps_order(void)
{
    struct list head = LIST_INIT(head);
    struct item a = {.value = 1}, b = {.value = 2}, c = {.value = 3};
    EXPECT(list_empty(&head));
    EXPECT(!list_first(&head) && !list_last(&head) && !list_pop(&head));
    list_add(&head, &b.link);
    list_add(&head, &a.link);
    list_add_tail(&head, &c.link);
    EXPECT_EQ(sum_in_order(&head), 123);
    EXPECT(list_first(&head) == &a.link && list_last(&head) == &c.link);
    list_del(&b.link);
    EXPECT_EQ(sum_in_order(&head), 13);
    EXPECT(list_empty(&b.link));
    list_del(&b.link);
    EXPECT_EQ(sum_in_order(&head), 13);
    list_add(&a.link, &b.link);
    EXPECT_EQ(sum_in_order(&head), 123);
    EXPECT(list_pop(&head) == &a.link && list_empty(&a.link));
    EXPECT_EQ(sum_in_order(&head), 23);
}

static void list_safe_loop_may_remove(void)
{
    struct list head = LIST_INIT(head);
    struct item items[9];
    for (int i = 0; i < 9; i++) {
        items[i].value = i + 1;
        list_add_tail(&head, &items[i].link);
    }
    list_for_each_safe (pos, &head) {
        if (list_entry(pos, struct item, link)->value % 2 == 0) {
            list_del(pos);
        }
    }
    EXPECT_EQ(sum_in_order(&head), 13579);
}

static void list_splice_moves_all(void)
{
    struct list to = LIST_INIT(to), from = LIST_INIT(from);
    struct item a = {.value = 1}, b = {.value = 2}, c = {.value = 3};
    list_add_tail(&to, &a.link);
    list_splice_tail(&to, &from);
    EXPECT_EQ(sum_in_order(&to), 1);
    list_add_tail(&from, &b.link);
    list_add_tail(&from, &c.link);
    list_splice_tail(&to, &from);
    EXPECT(list_empty(&from));
    EXPECT_EQ(sum_in_order(&to), 123);
    EXPECT(list_last(&to) == &c.link && to.prev->next == &to);
}

int main(void)
{
    RUN(list_keeps_order);
    RUN(list_safe_loop_may_remove);
    RUN(list_splice_moves_all);
    return unit_result();
}
