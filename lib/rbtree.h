/* SPDX-License-Identifier: MIT
 *
 * Intrusive red-black tree.
 *
 *     static int by_start(const struct rb_node *a, const struct rb_node *b);
 *     struct rb_tree tree = RB_TREE_INIT;
 *     rb_insert(&tree, &vma->node, by_start);
 *
 * Searches are written by the caller as a loop over left and right (see
 * rb_find for the common one). A tree may carry a summary of each subtree in
 * its nodes: set tree->augment to a function that recomputes a node's summary
 * from the node's own value and its two children; it is called bottom-up on
 * whatever changed. Locking is the caller's.
 */
#ifndef LIB_RBTREE_H
#define LIB_RBTREE_H

#include "lib/types.h"

struct rb_node {
    struct rb_node *parent, *left, *right;
    bool red;
};

struct rb_tree {
    struct rb_node *root;
    void (*augment)(struct rb_node *node); /* or NULL */
};

#define RB_TREE_INIT                                                           \
    (struct rb_tree)                                                           \
    {                                                                          \
        NULL, NULL                                                             \
    }

#define rb_entry(node, type, member) container_of(node, type, member)

/* < 0, 0, > 0 as a sorts before, with or after b. */
typedef int rb_cmp(const struct rb_node *a, const struct rb_node *b);

/* Inserts node; among equals it comes last. */
void rb_insert(struct rb_tree *tree, struct rb_node *node, rb_cmp *cmp);

/* Inserts node at an empty link that the caller found: *link is &tree->root
 * (parent NULL), &parent->left or &parent->right, and holds NULL. */
void rb_insert_at(struct rb_tree *tree, struct rb_node *node,
                  struct rb_node *parent, struct rb_node **link);

/* Takes node out of tree, in which it is. */
void rb_erase(struct rb_tree *tree, struct rb_node *node);

/* Takes some node out of a tree that is being emptied: what remains is neither
 * balanced nor summarized. NULL: it is empty. */
struct rb_node *rb_dismantle(struct rb_tree *tree);

/* Puts node in old's place; it must sort the same. old is out then. */
void rb_replace(struct rb_tree *tree, struct rb_node *old,
                struct rb_node *node);

/* node's own value changed (not its order): recomputes it and all above. */
void rb_update(struct rb_tree *tree, struct rb_node *node);

/* A node for which cmp(key, node) is 0, or NULL. */
struct rb_node *rb_find(const struct rb_tree *tree, const void *key,
                        int (*cmp)(const void *key, const struct rb_node *));

/* In order; NULL past either end or on an empty tree. */
struct rb_node *rb_first(const struct rb_tree *tree);
struct rb_node *rb_last(const struct rb_tree *tree);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);

#endif
