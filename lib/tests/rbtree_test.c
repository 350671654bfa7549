/* SPDX-License-Identifier: MIT
 *
 * lib/rbtree.h: the red-black rules, order and subtree summaries hold after
 * every step of random insertion and removal.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/rbtree.h"
#include "lib/tests/unit.h"

struct item {
    struct rb_node node;
    int key;
    int weight, total; /* total: weight summed over the subtree */
    bool in;
};

#define ITEM(n) rb_entry(n, struct item, node)

static int by_key(const struct rb_node *a, const struct rb_node *b)
{
    return ITEM(a)->key - ITEM(b)->key;
}

static int key_cmp(const void *key, const struct rb_node *node)
{
    return *(const int *)key - ITEM(node)->key;
}

static int total(const struct rb_node *node)
{
    return node ? ITEM(node)->total : 0;
}

static void sum_up(struct rb_node *node)
{
    ITEM(node)->total =
        ITEM(node)->weight + total(node->left) + total(node->right);
}

/* Returns the black height, -1 when a rule is broken. */
static int valid(const struct rb_node *node, const struct rb_node *parent)
{
    if (!node) {
        return 0;
    }
    int l = valid(node->left, node), r = valid(node->right, node);
    bool red_pair = node->red && parent && parent->red;
    int sum = ITEM(node)->weight + total(node->left) + total(node->right);
    if (l < 0 || l != r || red_pair || node->parent != parent ||
        sum != ITEM(node)->total) {
        return -1;
    }
    return l + !node->red;
}

static bool in_order(const struct rb_tree *tree, int count)
{
    int seen = 0;
    const struct rb_node *last = NULL;
    for (struct rb_node *n = rb_first(tree); n; last = n, n = rb_next(n)) {
        seen++;
        if ((last && by_key(last, n) > 0) || rb_prev(n) != last) {
            return false;
        }
    }
    return seen == count && rb_last(tree) == last;
}

static void rbtree_survives_random_use(void)
{
    enum { ITEMS = 200, STEPS = 20000 };
    static struct item items[ITEMS];
    struct rb_tree tree = {NULL, sum_up};
    int count = 0;
    srand(1);
    for (int i = 0; i < ITEMS; i++) {
        items[i].key = rand() % 150;
    }
    for (int step = 0; step < STEPS; step++) {
        struct item *it = &items[rand() % ITEMS];
        if (it->in && rand() % 3 == 0) {
            it->weight = rand() % 100;
            rb_update(&tree, &it->node);
        } else if (it->in) {
            rb_erase(&tree, &it->node);
            it->in = false;
            count--;
        } else {
            it->weight = rand() % 100;
            rb_insert(&tree, &it->node, by_key);
            it->in = true;
            count++;
        }
        if (valid(tree.root, NULL) < 0 || !in_order(&tree, count)) {
            EXPECT(!"rules hold");
            printf("at step %d\n", step);
            return;
        }
    }
}

static void rbtree_finds_and_replaces(void)
{
    struct rb_tree tree = RB_TREE_INIT;
    struct item items[64];
    memset(items, 0, sizeof(items));
    for (int i = 0; i < 64; i++) {
        items[i].key = (i * 37) % 64;
        rb_insert(&tree, &items[i].node, by_key);
    }
    struct item twin = {.key = 5};
    int key = 5, absent = 64;
    struct rb_node *five = rb_find(&tree, &key, key_cmp);
    EXPECT(five && ITEM(five)->key == 5);
    EXPECT(!rb_find(&tree, &absent, key_cmp));
    rb_replace(&tree, five, &twin.node);
    EXPECT(rb_find(&tree, &key, key_cmp) == &twin.node);
    EXPECT(in_order(&tree, 64));
}

static void rbtree_empty(void)
{
    struct rb_tree tree = RB_TREE_INIT;
    EXPECT(!rb_first(&tree) && !rb_last(&tree));
    struct item one = {.key = 1};
    rb_insert(&tree, &one.node, by_key);
    EXPECT(!rb_next(&one.node) && !rb_prev(&one.node));
    rb_erase(&tree, &one.node);
    EXPECT(!tree.root);
}

static void rbtree_is_dismantled_node_by_node(void)
{
    enum { COUNT = 1000 };
    static struct item items[COUNT];
    struct rb_tree tree = {NULL, sum_up};
    struct rb_node *node;
    int n = 0;

    EXPECT(!rb_dismantle(&tree));
    for (int i = 0; i < COUNT; i++) {
        items[i].key = i * 7 % COUNT;
        rb_insert(&tree, &items[i].node, by_key);
    }
    for (; (node = rb_dismantle(&tree)) != NULL; n++) {
        EXPECT(!ITEM(node)->in);
        ITEM(node)->in = true; /* taken */
    }
    EXPECT_EQ(n, COUNT);
    EXPECT(!tree.root);
}

int main(void)
{
    RUN(rbtree_empty);
    RUN(rbtree_survives_random_use);
    RUN(rbtree_finds_and_replaces);
    RUN(rbtree_is_dismantled_node_by_node);
    return unit_result();
}
